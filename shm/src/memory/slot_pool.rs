//! Object slots: how they are taken for new objects, and how they become free again, whoever takes and frees them.
//!
//! A thread's next object lies in a slot that the thread has retired itself, if there is one (`reusable`, see `release_queue`): no
//! other thread has to know of it. Otherwise the map of free slots (`free_map`) shows the lowest one that is FREE,
//! whichever process freed it; and only where there is none, a slot is taken that was never used. Nothing is ever
//! searched.
//!
//! | step | |
//! |---|---|
//! | the row's `slot` = the slot | the intent: before anything is done to the slot's word |
//! | FREE, RETIRED or virgin → RESERVED(t), by CAS; or RETIRED → RECLAIMING(t) → FREE | |
//! | if its memory had been given back: it begins anew (`slot_pages`) | |
//! | the map agrees | |
//! | RESERVED(t) → LIVE, by the store that commits the create; or → FREE, if nothing comes of it | |
//! | `slot` = none, or the next one | |
//!
//! INV-SLOT-1: a slot that is RESERVED(t) or RECLAIMING(t) is named by t's row, or its page is, and so is a slot of which
//! the map does not say the truth. So recovery needs no walk: the row names what was in hand (`recovery/resolve_intents`).
//! INV-SLOT-2: a slot that was ever taken is below the mark `objects_hwm`, or named by the row of the thread that took
//! it. Walks go up to the mark.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::lifecycle::Lifecycle;
use crate::memory::{free_map, slot_pages};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, Relaxed, Release};

/// Whatever happens to the slot's word next, recovery finds it.
pub(crate) fn intend_slot(thread: &Thread, slot: u32) {
    // Relaxed: the last one's name is needed until the map says the truth of it, by a read-modify-write that is an
    // Acquire, or until it is LIVE, and then `intend_no_slot` comes between. What is done to this one is a Release.
    thread.row().slot().store(u64::from(slot) + 1, Relaxed);
}

/// No slot is on its way.
pub(crate) fn intend_no_slot(thread: &Thread) {
    // ORDER: Release: after the life that the last one has now, in the order that recovery sees.
    thread.row().slot().store(0, Release);
}

/// RESERVED → FREE: nothing came of it.
pub(crate) fn release_slot(thread: &Thread, slot: u32, lifecycle: Lifecycle) -> Result<()> {
    free_named_slot(thread, slot, lifecycle)?;
    intend_no_slot(thread);
    Ok(())
}

/// The slot, which this row names and which is this thread's alone, becomes FREE.
pub(crate) fn free_named_slot(thread: &Thread, slot: u32, lifecycle: Lifecycle) -> Result<()> {
    slot_pages::mark_slot_freed(thread.arena(), slot)?;
    // ORDER: Release pairs with the Acquire of `try_reserve_slot`: the next user finds everything given back.
    thread.arena().object(slot)?.lifecycle.store(lifecycle.freed().0, Release);
    crash_point!(thread, "slot.freed");
    free_map::free_objects(thread.arena())
        .freed(thread, slot, || slot_pages::is_free_slot(thread.arena(), slot))
}

/// A slot that has been this process's and is still RETIRED: nobody names it, and it holds nothing. What it has
/// counted for its process, it counts on.
pub(crate) fn take_cleared_slot(thread: &Thread) -> Result<Option<(u32, Lifecycle, u64)>> {
    let mut reusable = thread.reusable.borrow_mut();
    while let Some((slot, retired)) = reusable.pop() {
        let reserved = retired.reserved_for_reuse(thread.tag);
        // Relaxed: the word was known before the barrier, which ordered it. It is another if the slot was reclaimed
        // by others, who had run out of them; perhaps it is in use, and its line is not taken from them for nothing.
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

/// A slot that is free, or that was never used.
pub(crate) fn take_slot_at_hand(thread: &Thread) -> Result<Option<(u32, Lifecycle)>> {
    match take_free_slot(thread)? {
        Some(taken) => Ok(Some(taken)),
        None => take_never_used_slot(thread),
    }
}

/// The lowest slot that the map of free ones shows.
fn take_free_slot(thread: &Thread) -> Result<Option<(u32, Lifecycle)>> {
    let map = free_map::free_objects(thread.arena());
    // P5: as many rounds as there are slots, and more than there are words in the map. Each tidies something up.
    for _ in 0..4 * thread.arena().layout().objects.count + 4 {
        let Some(slot) = map.candidate() else { return Ok(None) };
        if let Some(reserved) = take_slot_if_free(thread, slot)? {
            return Ok(Some((slot, reserved)));
        }
    }
    Ok(None)
}

/// Takes this slot, if it is free; if not, the map does not show it any more.
pub(crate) fn take_slot_if_free(thread: &Thread, slot: u32) -> Result<Option<Lifecycle>> {
    let map = free_map::free_objects(thread.arena());
    intend_slot(thread, slot);
    crash_point!(thread, "slot.named");
    let is_free = || slot_pages::is_free_slot(thread.arena(), slot);
    let Some(mut reserved) = slot_pages::try_reserve_slot(thread, slot)? else {
        map.misled(thread, slot, is_free)?;
        return Ok(None);
    };
    crash_point!(thread, "slot.taken");
    // No slot that is FREE is of the first generation: it was INVALID.
    if reserved.generation() == 0 {
        (reserved, _) = slot_pages::begin_anew(thread, slot, reserved)?;
    }
    map.taken(thread, slot, is_free)?;
    Ok(Some(reserved))
}

/// The first slot that was never used.
fn take_never_used_slot(thread: &Thread) -> Result<Option<(u32, Lifecycle)>> {
    let fresh = &thread.arena().header().objects_hwm;
    let slots = thread.arena().layout().objects.count as u64;
    // As many rounds as there are slots: every round moves the mark on, whoever takes the slot.
    for _ in 0..slots {
        // Relaxed: a hint; the slot's own word decides.
        let slot = fresh.load(Relaxed);
        if slot >= slots {
            break;
        }
        let slot = slot as u32;
        intend_slot(thread, slot);
        let reserved = Lifecycle(0).reserved(thread.tag);
        // A virgin slot has no history; but the mark may have moved on since, and the slot's memory may have been given
        // back. ORDER: Acquire: then its page says so. Release: after the intent, in the order that recovery sees.
        let taken =
            thread.arena().object(slot)?.lifecycle.compare_exchange(0, reserved.0, AcqRel, Relaxed).is_ok();
        crash_point!(thread, "slot.virgin");
        // Whoever finds the slot taken helps the mark on.
        pass_mark(thread.arena(), slot);
        if taken {
            let (reserved, is_shown) = slot_pages::begin_anew(thread, slot, reserved)?;
            if is_shown {
                free_map::free_objects(thread.arena())
                    .taken(thread, slot, || slot_pages::is_free_slot(thread.arena(), slot))?;
            }
            return Ok(Some((slot, reserved)));
        }
    }
    Ok(None)
}

/// The slots that are not free, for walks: those in use, and those between two uses. Their number bounds the walk, and
/// a load for each 64 that were ever used.
pub(crate) fn slots_in_use(arena: &Arena) -> impl Iterator<Item = u32> {
    free_map::free_objects(arena).not_free(arena.used_slots())
}

/// The slot lies below the mark from now on.
pub(crate) fn pass_mark(arena: &Arena, slot: u32) {
    let fresh = &arena.header().objects_hwm;
    let end = u64::from(slot) + 1;
    let mut mark = fresh.load(Relaxed);
    while mark < end {
        // Relaxed: after the slot was taken, by a CAS that is an Acquire. (A virgin slot behind the mark would never be
        // found again.)
        match fresh.compare_exchange(mark, end, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(higher) => mark = higher,
        }
    }
}
