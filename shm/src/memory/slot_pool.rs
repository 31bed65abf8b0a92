//! Object slots: how a thread takes one for a new object, and how it becomes FREE again.
//!
//! A thread first uses a slot that it has retired itself, if it has one (its reusable slots, see
//! `lifecycle/reclaim.rs`): no other thread need know of that. Otherwise the map of free slots (`free_map.rs`) shows
//! the lowest one that is FREE, freed by any process. Only if there is none does the thread take a slot that was
//! never used. No step searches the slots.
//!
//! | step | |
//! |---|---|
//! | the row's `slot` = the slot | the intent: before the slot's word is changed |
//! | FREE, RETIRED or never used → RESERVED(t), by CAS; or RETIRED → RECLAIMING(t) → FREE | |
//! | if its memory had been given back: it begins anew (`slot_pages.rs`) | |
//! | the map agrees | |
//! | RESERVED(t) → LIVE, by the store that commits the create; or → FREE, if the create fails | |
//! | `slot` = none, or the next one | |
//!
//! INV-SLOT-1: for every slot that is RESERVED(t) or RECLAIMING(t), t's row names the slot or its page. The same holds
//! for every slot that the map shows wrongly. So recovery needs no walk: the row names the slot in hand
//! (`recovery/resolve_intents.rs`).
//! INV-SLOT-2: a slot that was ever taken is below the high-water mark `objects_hwm`, or named by the row of the thread
//! that took it. Walks go up to the mark.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::Slot;
use crate::memory::{free_map, slot_pages};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, Relaxed, Release};

/// Writes the slot's name into the row. Recovery finds the slot by it, at any later step.
pub(crate) fn intend_slot(thread: &Thread, slot: Slot) {
    // Relaxed: the name of the last slot is needed until the map agrees with that slot's word, which takes an Acquire
    // read-modify-write, or until that slot is LIVE, and then `intend_no_slot` comes between. The next change of this
    // slot is a Release.
    thread.row().slot().store(u64::from(slot.0) + 1, Relaxed);
}

/// Clears the row's `slot`: no slot is in hand.
pub(crate) fn intend_no_slot(thread: &Thread) {
    // ORDER: Release: after the last slot's present lifecycle word, in the order that recovery sees.
    thread.row().slot().store(0, Release);
}

/// RESERVED → FREE: no object was made in it.
pub(crate) fn release_slot(thread: &Thread, slot: Slot, lifecycle: Lifecycle) -> Result<()> {
    free_named_slot(thread, slot, lifecycle)?;
    intend_no_slot(thread);
    Ok(())
}

/// Frees the slot, which this row names and which this thread alone holds.
pub(crate) fn free_named_slot(thread: &Thread, slot: Slot, lifecycle: Lifecycle) -> Result<()> {
    slot_pages::mark_slot_freed(thread.arena(), slot)?;
    // ORDER: Release pairs with the Acquire of `try_reserve_slot`: the next user finds every part of the slot given
    // back.
    thread.arena().object(slot)?.lifecycle.store(lifecycle.freed().0, Release);
    crash_point!(thread, "slot.freed");
    free_map::free_objects(thread.arena())
        .freed(thread, slot.0, || slot_pages::is_free_slot(thread.arena(), slot))
}

/// Takes a reusable slot: a slot of this process that is still RETIRED, that no hazard names, and that holds no block.
/// It stays charged to this process throughout.
pub(crate) fn take_cleared_slot(thread: &Thread) -> Result<Option<(Slot, Lifecycle, u64)>> {
    let mut reusable = thread.reusable.borrow_mut();
    while let Some((slot, retired)) = reusable.pop() {
        let reserved = retired.reserved_for_reuse(thread.tag);
        // Relaxed: this thread read the word before the barrier, which ordered it. The word differs if another process
        // that ran out of slots reclaimed this one. The slot may then be in use, and a CAS that must fail would take
        // its cache line.
        let lifecycle = &thread.arena().object(slot)?.lifecycle;
        if lifecycle.load(Relaxed) != retired.0 {
            continue;
        }
        intend_slot(thread, slot);
        // ORDER: Release: after the intent, in the order that recovery sees.
        if lifecycle.compare_exchange(retired.0, reserved.0, Release, Relaxed).is_ok() {
            return Ok(Some((slot, reserved, thread.credit_cache.get().generation())));
        }
    }
    Ok(None)
}

/// Takes a slot that is free, or that was never used.
pub(crate) fn take_slot_at_hand(thread: &Thread) -> Result<Option<(Slot, Lifecycle)>> {
    match take_free_slot(thread)? {
        Some(taken) => Ok(Some(taken)),
        None => take_never_used_slot(thread),
    }
}

/// Takes the lowest slot that the map of free slots shows.
fn take_free_slot(thread: &Thread) -> Result<Option<(Slot, Lifecycle)>> {
    let map = free_map::free_objects(thread.arena());
    // P5: more rounds than there are slots and words of the map together. Each round that fails tidies the map up.
    for _ in 0..4 * u64::from(thread.arena().config().max_objects) + 4 {
        let Some(slot) = map.candidate().map(Slot) else { return Ok(None) };
        if let Some(reserved) = take_slot_if_free(thread, slot)? {
            return Ok(Some((slot, reserved)));
        }
    }
    Ok(None)
}

/// Takes this slot, if it is free. If not, the map does not show it any more.
pub(crate) fn take_slot_if_free(thread: &Thread, slot: Slot) -> Result<Option<Lifecycle>> {
    let map = free_map::free_objects(thread.arena());
    intend_slot(thread, slot);
    crash_point!(thread, "slot.named");
    let is_free = || slot_pages::is_free_slot(thread.arena(), slot);
    let Some(mut reserved) = slot_pages::try_reserve_slot(thread, slot)? else {
        map.misled(thread, slot.0, is_free)?;
        return Ok(None);
    };
    crash_point!(thread, "slot.taken");
    // A FREE slot is never of the first generation. So this one was INVALID.
    if reserved.generation() == 0 {
        (reserved, _) = slot_pages::begin_anew(thread, slot, reserved)?;
    }
    map.taken(thread, slot.0, is_free)?;
    Ok(Some(reserved))
}

/// Takes the first slot that was never used.
fn take_never_used_slot(thread: &Thread) -> Result<Option<(Slot, Lifecycle)>> {
    let hwm = &thread.arena().header().objects_hwm;
    let slots = u64::from(thread.arena().config().max_objects);
    // As many rounds as there are slots: every round moves the mark on, even if another thread takes the slot.
    for _ in 0..slots {
        // Relaxed: a hint; the slot's own word decides.
        let slot = hwm.load(Relaxed);
        if slot >= slots {
            break;
        }
        let slot = Slot(slot as u32);
        intend_slot(thread, slot);
        let reserved = Lifecycle(0).reserved(thread.tag);
        // A slot that was never used has no history. But the mark may have moved on since, and the slot's memory may
        // have been given back. ORDER: Acquire: then its page says so. Release: after the intent, in the order that
        // recovery sees.
        let taken =
            thread.arena().object(slot)?.lifecycle.compare_exchange(0, reserved.0, AcqRel, Relaxed).is_ok();
        crash_point!(thread, "slot.never_used");
        // A thread that finds the slot taken moves the mark on too: its taker may have died before it did.
        pass_mark(thread.arena(), slot);
        if taken {
            let (reserved, is_shown) = slot_pages::begin_anew(thread, slot, reserved)?;
            if is_shown {
                free_map::free_objects(thread.arena())
                    .taken(thread, slot.0, || slot_pages::is_free_slot(thread.arena(), slot))?;
            }
            return Ok(Some((slot, reserved)));
        }
    }
    Ok(None)
}

/// The slots that are not free, for walks: those in use, and those between two uses. A walk costs one visit for each of
/// them, and one load for each 64 slots below the high-water mark.
pub(crate) fn slots_in_use(arena: &Arena) -> impl Iterator<Item = Slot> {
    free_map::free_objects(arena).not_free(arena.used_slots()).map(Slot)
}

/// Raises the high-water mark past the slot.
pub(crate) fn pass_mark(arena: &Arena, slot: Slot) {
    let hwm = &arena.header().objects_hwm;
    let end = u64::from(slot.0) + 1;
    let mut mark = hwm.load(Relaxed);
    while mark < end {
        // Relaxed: after the slot was taken, by an Acquire CAS. (The mark must never pass a slot that was not taken
        // yet: no thread would find that slot again.)
        match hwm.compare_exchange(mark, end, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(higher) => mark = higher,
        }
    }
}
