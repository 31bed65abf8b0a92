//! The last attempts before a request is refused: a pool of blocks that seems exhausted, or a table of objects that
//! seems full. Blocks and slots on their way back are collected or waited for, so that no request is refused while
//! there is room.
//!
//! A block that was given up before the request is free, or for some moments in another thread's hands: that thread's
//! list intent names the block, or an end on that thread's release queue holds it. (A RETIRED channel holds no blocks:
//! INV-RELEASE-4. RETIRED ports, and RETIRED objects that were observed, hold some, and are reclaimed first.) Other
//! threads move blocks from one of these states to the next during the search. So a block is refused only after a turn in which no thread retired or freed anything, and after which no thread has a block in
//! hand: then no block moved during the search. A process with many entries repeats a search in vain only after a pause
//! (`process/pace`).
//!
//! A slot that was given up is free; or its object is RETIRED, and [`Thread::collect`] frees it; or it is in another
//! thread's hands; or a hazard still names it. The search is the same, with two more looks. A slot that is FREE but not
//! yet shown by the map is taken without the map. A slot that became FREE during the search for slots on their way was
//! missed by both looks, so the free slots are tried once more.

use crate::arena::error::{Error, Result};
use crate::arena::record::counter::{self, Counters};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::Slot;
use crate::lifecycle::{reclaim, scavenge};
use crate::memory::{block_credit, slot_pool};
use crate::object;
use crate::process::thread::Thread;
use crate::sync::{self, Relaxed};

/// The most turns: 32 yields, which take some microseconds, then 50 naps, ten milliseconds in all. The other thread may
/// be stopped, so the wait has an end.
const MOST_TURNS: u32 = if cfg!(loom) { 2 } else { 32 + 50 };

/// A block of `class`. The first try has failed with `exhausted`.
#[cold]
pub(crate) fn take_block_that_comes_back(
    thread: &Thread,
    class: SizeClass,
    exhausted: Error,
) -> Result<BlockId> {
    let walks = &thread.process.quotas.pools;
    if !walks.is_due() {
        return Err(exhausted);
    }
    walks.begin();
    let most_turns = if thread.is_in_haste.get() { 0 } else { MOST_TURNS };
    for turn in 0..=most_turns {
        let before = retired_and_freed(thread);
        // Once: the channels of this process have given up their blocks after it, and the later turns wait for other
        // threads.
        if turn == 0 {
            object::trim(thread, true)?;
            // A retired port has blocks until it is reclaimed.
            reclaim::collect(thread)?;
        }
        match block_credit::take_free_block(thread, class) {
            Err(Error::NoMemory { .. } | Error::NoResources(_)) => {}
            taken => {
                walks.walked(0, true);
                return taken;
            }
        }
        // In this order: a thread counts a block that it frees while its intent still names the block. So a block that
        // has left a thread's hands before the first look has been counted before the second.
        if !is_coming(thread, class)?
            && retired_and_freed(thread) == before
            && !scavenge::maybe_request_trim(thread)?
        {
            break;
        }
        wait_for_others(thread, turn);
    }
    walks.failed(thread.process.entries_walked());
    Err(exhausted)
}

/// An object slot. The first try has found no free one.
#[cold]
pub(crate) fn take_slot_that_comes_back(thread: &Thread) -> Result<(Slot, Lifecycle)> {
    for turn in 0..=MOST_TURNS {
        let before = created_and_retired(thread);
        // In every turn: objects that retired meanwhile, and objects that no hazard names any more, become free.
        reclaim::collect(thread)?;
        if let Some(taken) = slot_pool::take_slot_at_hand(thread)? {
            return Ok(taken);
        }
        let mut is_coming = false;
        if let Some(taken) = take_slot_not_shown(thread, &mut is_coming)? {
            return Ok(taken);
        }
        if !is_coming {
            // A slot may have become FREE between the two looks; this one comes after both.
            if let Some(taken) = slot_pool::take_slot_at_hand(thread)? {
                return Ok(taken);
            }
            if created_and_retired(thread) == before {
                break;
            }
        }
        wait_for_others(thread, turn);
    }
    Err(Error::NoResources("objects"))
}

/// A slot that is FREE and that the map does not show yet: the thread that freed it, or gave its memory back, has yet
/// to update the map. Sets `is_coming` if some slot is between two uses: a hazard or another thread still has it.
fn take_slot_not_shown(thread: &Thread, is_coming: &mut bool) -> Result<Option<(Slot, Lifecycle)>> {
    for slot in slot_pool::slots_in_use(thread.arena()) {
        // Relaxed: a change that is not visible yet was under way at the time of the request.
        let state = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed)).state();
        if state == LifecycleState::Live {
            continue;
        }
        if matches!(state, LifecycleState::Free | LifecycleState::Invalid)
            && let Some(reserved) = slot_pool::take_slot_if_free(thread, slot)?
        {
            return Ok(Some((slot, reserved)));
        }
        // The state may be old already: the slot looked free and is in another thread's hands by now.
        *is_coming = true;
    }
    Ok(None)
}

/// How many objects all threads have ever made and retired.
fn created_and_retired(thread: &Thread) -> u64 {
    let Counters { objects_created, objects_retired, .. } = counter::counters(thread.arena());
    objects_created.wrapping_add(objects_retired)
}

/// Whether another thread has a block of `class` in hand, or a release queue that may hold one.
fn is_coming(thread: &Thread, class: SizeClass) -> Result<bool> {
    for tag in thread.arena().thread_tags().filter(|tag| *tag != thread.tag) {
        let row = thread.arena().thread(tag)?;
        // Relaxed, both: a change that is not visible yet was under way at the time of the request.
        if row.release_queue.load(Relaxed) != 0 {
            return Ok(true);
        }
        match ListIntent::from_word(row.list_intent.load(Relaxed)) {
            ListIntent::UnlinkSegment { block, .. }
            | ListIntent::UnlinkPayload { block, .. }
            | ListIntent::Decommitting { block }
            | ListIntent::Trimming { block }
                if block.class() == class =>
            {
                return Ok(true);
            }
            _ => {}
        }
    }
    Ok(false)
}

/// How many objects and blocks all threads have ever retired and freed.
fn retired_and_freed(thread: &Thread) -> u64 {
    let Counters { objects_retired, blocks_freed, .. } = counter::counters(thread.arena());
    // Wrapping: the sum is only compared with an earlier one.
    objects_retired.wrapping_add(blocks_freed)
}

fn wait_for_others(thread: &Thread, turn: u32) {
    const NAP_NS: i64 = 200_000;
    if turn < 32 || cfg!(loom) {
        // Yields.
        sync::backoff(63);
    } else {
        // On no word: a nap. The reason for its end does not matter, since the next turn looks at everything again.
        let _ = thread.arena().futex().wait(&[], sync::now_ns().saturating_add(NAP_NS));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::process::Process;

    /// Between two blocks no list intent names one; the release queue alone shows that more will come.
    #[test]
    fn release_queue_counts_as_blocks_coming() {
        let config = Config {
            max_objects: 4,
            max_processes: 1,
            max_threads: 2,
            pool_bytes: 4096,
            ..Config::default()
        };
        let process = Process::alone(&config);
        let [closer, asker] = [(); 2].map(|()| Thread::join(&process).unwrap());
        assert!(!is_coming(&asker, SizeClass::SMALLEST).unwrap());
        closer.row().release_queue.store(1, Relaxed);
        assert!(is_coming(&asker, SizeClass::SMALLEST).unwrap());
        assert!(
            !is_coming(&closer, SizeClass::SMALLEST).unwrap(),
            "a thread does not wait for its own queue"
        );
        closer.row().release_queue.store(0, Relaxed);
        assert!(!is_coming(&asker, SizeClass::SMALLEST).unwrap());
    }

    #[test]
    fn free_slot_missing_from_map_is_taken() {
        const SLOTS: u32 = 4;
        let config = Config { max_objects: SLOTS, max_processes: 1, pool_bytes: 4096, ..Config::default() };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        let events: Vec<_> =
            (0..SLOTS).map(|_| thread.create(ObjectClass::Event, Rights::empty()).unwrap().0).collect();
        thread.close(thread.lookup(events[2]).unwrap()).unwrap();
        // The state that a thread leaves when it stops in the middle of a reclaim: FREE, and not in the map.
        let lifecycle = &thread.arena().object(Slot(2)).unwrap().lifecycle;
        lifecycle.store(Lifecycle(lifecycle.load(Relaxed)).freed().0, Relaxed);
        assert!(thread.create(ObjectClass::Event, Rights::empty()).is_ok());
        assert_eq!(thread.create(ObjectClass::Event, Rights::empty()), Err(Error::NoResources("objects")));
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }
}
