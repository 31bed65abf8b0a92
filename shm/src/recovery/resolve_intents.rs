//! Resolving in-doubt intents: an operation of a dead thread that has committed is completed, and any other is undone.
//! Steps 2 and 3 of recovery (`recovery/mod`), and the slot in hand, before any handle is closed.

use crate::arena::error::{Error, Result};
use crate::arena::word::block::{BlockState, BlockWord};
use crate::arena::word::handle::{Entry, EntryIndex, EntryState, Rights};
use crate::arena::word::intent::{Change, HandleLocation, ListIntent, Operation, RefcountIntent};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Slot, Tag};
use crate::lifecycle::reclaim;
use crate::memory::{block_credit, block_pool, decommit, free_map, slot_pages, slot_pool, trim};
use crate::object::info::cookie;
use crate::object::port::index;
use crate::object::{self, ObjectClass};
use crate::process::thread::{Thread, crash_point};
use crate::recovery::report::Recovered;
use crate::refcount;
use crate::signal::observers;
use crate::sync::fail_point::fail_point;
use crate::sync::{Acquire, Relaxed, Release};

/// Whether a dead thread's operation had committed. The sweep of its process's table needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolution {
    tag: Tag,
    operation: Operation,
    committed: bool,
}

/// Step 2, counts: was the change applied?
pub(crate) fn resolve_refcount_intent(thread: &Thread, recovered: &mut Recovered) -> Result<()> {
    fail_point!(ResolveRefcountIntent);
    let intent = RefcountIntent(thread.row().refcount_intent.load(Relaxed));
    let Some(change) = intent.change() else { return Ok(()) };
    let object = intent.object();
    let location = HandleLocation::from_word(thread.row().handle_location.load(Relaxed));
    let count = &thread.arena().object(object.slot())?.count[object.side()];
    // The count word first, the mark after it: a thread that overwrites the word has marked the intent APPLIED before.
    // In the other order both could change between the two loads, and an applied change would seem not to be.
    // ORDER: Acquire pairs with the Release of the thread that overwrote the word (`change_count`).
    let count = Count(count.load(Acquire));
    let is_latest = count.changer() == thread.tag && count.sequence() == intent.sequence();
    let applied = is_latest || RefcountIntent(thread.row().refcount_intent.load(Relaxed)).is_applied();
    let cell = thread.arena().record(location)?;
    let entry = Entry(cell.load(Relaxed));
    let mut ended = is_latest && count.number() == 0;
    match (change, entry.state()) {
        (Change::Increment, EntryState::Reserved(tag)) if tag == thread.tag => {
            let resolved = if applied { entry.live(Rights::empty(), object) } else { entry.freed() };
            // Relaxed: it needs no earlier store, and a successor would resolve it alike.
            cell.store(resolved.0, Relaxed);
            *recovered.increment(applied) += 1;
        }
        (Change::Decrement, EntryState::Closing(tag)) if tag == thread.tag => {
            // The close has committed. It is completed here and never undone: another thread that drains the same
            // message skips a record that is CLOSING, and would not return to it.
            end_observers(thread, location, entry)?;
            if !applied {
                ended = refcount::change_count(thread, object, Change::Decrement, intent.sequence())? == 0;
                crash_point!(thread, "resolve.counted");
            }
            // ORDER: Release: after the count, or a successor would find no CLOSING entry and leave the count too high.
            cell.store(entry.freed().0, Release);
            *recovered.increment(true) += 1;
        }
        _ => {}
    }
    crash_point!(thread, "resolve.record");
    // A count of 0 is never overwritten, so the thread that took the last reference is always recognised. It may have
    // queued the side already: under this intent it could queue no other, so then the side is the head of the queue.
    if change == Change::Decrement && ended && thread.row().release_queue.load(Relaxed) != object.to_link() {
        refcount::push_release(thread, object)?;
    }
    // Last: until the intent is idle, a successor runs all of this again.
    thread.intend_nothing();
    Ok(())
}

/// Step 2, blocks: is the block linked? In either case the map of free blocks shows its state afterwards.
pub(crate) fn resolve_list_intent(thread: &Thread, recovered: &mut Recovered) -> Result<()> {
    fail_point!(ResolveListIntent);
    let intent = ListIntent::from_word(thread.row().list_intent.load(Relaxed));
    let left = BlockWord(thread.row().list_intent_word.load(Relaxed));
    let (block, is_linked) = match intent {
        ListIntent::Idle => return Ok(()),
        ListIntent::Taking { block } => (block, false),
        ListIntent::Decommitting { block } | ListIntent::Trimming { block } => {
            recovered.blocks_freed += match intent {
                ListIntent::Trimming { .. } => trim::resolve_trim(thread, block)?,
                _ => decommit::resolve_decommit(thread, block)?,
            };
            thread.set_list_intent(ListIntent::Idle, 0);
            return Ok(());
        }
        ListIntent::DecommittingSlots { page } => {
            slot_pages::resolve_slot_page(thread, page)?;
            thread.set_list_intent(ListIntent::Idle, 0);
            return Ok(());
        }
        ListIntent::LinkSegment { from, block }
        | ListIntent::LinkPayload { from, block }
        | ListIntent::UnlinkSegment { from, block }
        | ListIntent::UnlinkPayload { from, block }
        | ListIntent::LinkPart { from, block }
        | ListIntent::UnlinkPart { from, block }
        | ListIntent::LinkItem { from, block }
        | ListIntent::UnlinkItem { from, block } => {
            (block, class_of(thread, from)?.is_linked(thread, intent, from, block)?)
        }
        ListIntent::LinkIndex { from, block } | ListIntent::UnlinkIndex { from, block } => {
            (block, index::is_linked(thread.arena(), from, block)?)
        }
    };
    let word = BlockWord(thread.arena().descriptor(block)?.state.load(Relaxed));
    let is_in_hand = word.state() == BlockState::Owned(thread.tag);
    match intent {
        // Linked, so other threads may have passed over it: the block stays, and only its word has to say so.
        ListIntent::LinkSegment { from, .. }
        | ListIntent::LinkPayload { from, .. }
        | ListIntent::LinkPart { from, .. }
        | ListIntent::LinkIndex { from, .. }
            if is_linked =>
        {
            block_pool::bind_block(thread.arena(), block, thread.tag, from)?;
        }
        // Unlinked: freed by its exact word. If the dead thread has freed it already, the word differs.
        ListIntent::UnlinkSegment { .. }
        | ListIntent::UnlinkPayload { .. }
        | ListIntent::UnlinkPart { .. }
        | ListIntent::UnlinkIndex { .. }
        | ListIntent::UnlinkItem { .. }
            if !is_linked =>
        {
            block_credit::free_block(thread, block, left)?;
        }
        // BOUND, and not linked, or unlinked by another thread since, which may be about to free it by the same word.
        ListIntent::LinkItem { .. } if !is_linked && !is_in_hand => {
            block_credit::free_block(thread, block, left)?;
        }
        // Freed without giving a credit back: the dead thread may have died before it wrote its own charge over the
        // charge of the block's last user.
        _ if is_in_hand => {
            recovered.blocks_freed += u32::from(block_pool::free_block_named(thread, block, word)?)
        }
        // The mark may have passed a block that was then never taken: no thread would find it (INV-TRIM-2).
        ListIntent::Taking { .. } => {
            recovered.blocks_freed += u32::from(trim::free_never_used(thread, block)?)
        }
        _ => {}
    }
    let map = free_map::free_blocks(thread.arena(), block.class())?;
    map.repair(thread, block.index().0, || block_pool::is_free(thread.arena(), block))?;
    block_pool::mark_freed_lately(thread.arena(), block)?;
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Step 2, operations: had the operation committed? Its entries are resolved in step 3.
pub(crate) fn resolve_operation(thread: &Thread, recovered: &mut Recovered) -> Result<Option<Resolution>> {
    fail_point!(ResolveOperation);
    let words = [thread.row().operation[0].load(Relaxed), thread.row().operation[1].load(Relaxed)];
    let operation = Operation::from_words(words);
    let committed = match operation {
        Operation::Idle => return Ok(None),
        Operation::Create { slot } => {
            Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed)).state() == LifecycleState::Live
        }
        Operation::Move { from, to, rights } => resolve_move(thread, from, to, rights)?,
        Operation::SetCookie { at } => cookie::resolve(thread, at)?,
        // The sender held no lock of the channel. Another thread may have closed it, and its slot may have another user.
        Operation::Send { position: None, .. } => false,
        Operation::Send { from: object, .. } | Operation::Receive { at: object, .. } => {
            class_of(thread, object)?.has_committed(thread, operation)?
        }
        Operation::Shrink { vmo, .. } => class_of(thread, vmo)?.has_committed(thread, operation)?,
    };
    *recovered.increment(committed) += 1;
    Ok(Some(Resolution { tag: thread.tag, operation, committed }))
}

fn resolve_move(thread: &Thread, from: HandleLocation, to: HandleLocation, rights: Rights) -> Result<bool> {
    let (old, new) = (thread.arena().record(from)?, thread.arena().record(to)?);
    let (old_entry, new_entry) = (Entry(old.load(Relaxed)), Entry(new.load(Relaxed)));
    let committed = old_entry.state() == EntryState::Moved(thread.tag);
    if new_entry.state() == EntryState::Reserved(thread.tag) {
        let resolved = if committed { new_entry.live(rights, new_entry.object()) } else { new_entry.freed() };
        // Relaxed: it needs no earlier store, and a successor would resolve it alike.
        new.store(resolved.0, Relaxed);
    }
    crash_point!(thread, "resolve.moved");
    if committed {
        end_observers(thread, from, old_entry)?;
        // ORDER: Release: after the new handle is LIVE, or a successor would judge that the move had not committed.
        old.store(old_entry.freed().0, Release);
    }
    Ok(committed)
}

/// The observers of a handle that has left its table end. The dead thread may have been about to end them.
fn end_observers(thread: &Thread, location: HandleLocation, entry: Entry) -> Result<()> {
    match location {
        HandleLocation::Entry { process, index } => {
            observers::end_of_dead_handle(thread, (process, index, entry))
        }
        // A handle in a message has no observers.
        HandleLocation::Transit { .. } => Ok(()),
    }
}

/// The class of an object that an intent names. The dead thread's process held the object, or the thread was freeing it.
fn class_of(thread: &Thread, object: ObjectRef) -> Result<ObjectClass> {
    ObjectClass::of(Lifecycle(thread.arena().object(object.slot())?.lifecycle.load(Relaxed)))
}

/// Step 3: every transitional entry becomes LIVE, if it owns a reference, or FREE.
pub(crate) fn resolve_table(
    thread: &Thread,
    process: ProcessIndex,
    resolutions: &[Resolution],
) -> Result<()> {
    fail_point!(ResolveTable);
    for index in (1..thread.arena().used_entries(process)).map(EntryIndex) {
        let cell = thread.arena().entry(process, index).ok_or(Error::Corrupt("an entry is out of range"))?;
        let entry = Entry(cell.load(Relaxed));
        let of = |tag| {
            resolutions.iter().find(|resolution: &&Resolution| resolution.tag == tag && resolution.committed)
        };
        let owns = match entry.state() {
            EntryState::Invalid | EntryState::Free | EntryState::Live => continue,
            EntryState::Reserved(tag) => match of(tag).map(|resolution| resolution.operation) {
                Some(Operation::Receive { .. }) => true,
                Some(Operation::Create { slot }) => slot == entry.object().slot(),
                _ => false,
            },
            // A send that has committed owns the reference by its message. In any other case the entry still owns it.
            EntryState::InTransit(tag) => {
                !matches!(of(tag).map(|resolution| resolution.operation), Some(Operation::Send { .. }))
            }
            // The new entry owns the reference (`resolve_move`).
            EntryState::Moved(_) => false,
            // Step 2 has resolved every close, so none is left. One that is would own a reference that no intent
            // accounts for.
            EntryState::Closing(_) => {
                return Err(Error::Corrupt("a closing handle that no intent names"));
            }
        };
        if matches!(entry.state(), EntryState::InTransit(_)) && !owns {
            end_observers(thread, HandleLocation::Entry { process, index }, entry)?;
        }
        let resolved = if owns { entry.live(Rights::empty(), entry.object()) } else { entry.freed() };
        // Relaxed: a successor would resolve it alike, as long as the operations are not idle.
        cell.store(resolved.0, Relaxed);
        crash_point!(thread, "resolve.entry");
    }
    Ok(())
}

/// Before any handle is closed: the slot that the dead thread had in hand is freed, and the map shows its state.
/// Idempotent; no effect on a row that names no slot.
pub(crate) fn resolve_slot_intent(thread: &Thread) -> Result<()> {
    fail_point!(FreeSlotInHand);
    // Relaxed: dead threads write no more.
    let Some(slot) = thread.row().slot().load(Relaxed).checked_sub(1) else { return Ok(()) };
    let slot =
        u32::try_from(slot).map(Slot).map_err(|_| Error::Corrupt("a row names a slot out of range"))?;
    let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
    // The thread may have taken the slot for the first time and died before it moved the mark (INV-SLOT-2).
    if lifecycle.0 != 0 {
        slot_pool::pass_mark(thread.arena(), slot);
    }
    match lifecycle.state() {
        LifecycleState::Reserved(tag) if tag == thread.tag => {
            // FREE comes last: until then a successor finds the slot RESERVED and resolves it alike. The slot's memory
            // may have been given back, so its page begins anew first.
            let (lifecycle, _) = slot_pages::begin_anew(thread, slot, lifecycle)?;
            object::undo_create(thread, slot)?;
            slot_pool::free_named_slot(thread, slot, lifecycle)?;
        }
        LifecycleState::Reclaiming(tag) if tag == thread.tag => reclaim::tear_down(thread, slot, lifecycle)?,
        _ => {}
    }
    free_map::free_objects(thread.arena())
        .repair(thread, slot.0, || slot_pages::is_free_slot(thread.arena(), slot))?;
    crash_point!(thread, "resolve.slot");
    slot_pool::intend_no_slot(thread);
    Ok(())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::process::Process;

    /// Another thread closed the channel after the sender had given up its lock, and the slot was freed.
    #[test]
    fn send_without_position_needs_no_channel() {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let never_used = ObjectRef::new(Slot(7), 0);
        thread.set_operation(Operation::Send { from: never_used, position: None });
        let resolution = resolve_operation(&thread, &mut Recovered::default()).unwrap().unwrap();
        assert!(!resolution.committed);
        thread.set_operation(Operation::Idle);
    }
}
