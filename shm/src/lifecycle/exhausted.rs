//! A pool of blocks that seems to be exhausted, or a table of objects that seems to be full. What has been given up and is
//! on its way back is collected, or waited for, so that nothing is refused which there is room for.
//!
//! A block that was given up before somebody asks for one is free; or it is for some moments in another thread's hands: its
//! link intent names the block, or an end on its release queue has it. (An object that is RETIRED has none: INV-DYING-4.)
//! Others move blocks from each of these to the next while somebody looks for them. So a block is refused after a turn in
//! which nothing was retired or freed by anybody, and after which nothing is in anybody's hands: then all of this stood
//! still. Where there are many entries, that is found out anew once in a while only (`pace`).
//!
//! A slot is free as well; or its object is RETIRED, and it is freed by [`Thread::collect`]; or it is in another thread's
//! hands, or a hazard still names it. Then the same is done, with two looks more: a slot that is FREE and that the map does
//! not show yet is taken without the map; and a slot that became FREE during the search for those on their way is on its
//! way no longer, and was not FREE when it was looked for before.

use crate::arena::error::{Error, Result};
use crate::arena::record::counter::{self, Counters};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::lifecycle::{reclaim, scavenge};
use crate::memory::{block_credit, slot_pool};
use crate::object::channel::idle;
use crate::process::thread::Thread;
use crate::sync::{self, Relaxed};

/// How often others are waited for: some microseconds, and then ten milliseconds. A stopped one is not waited for longer.
const MOST_TURNS: u32 = if cfg!(loom) { 2 } else { 32 + 50 };

/// A block of `class`, after `exhausted` was the answer to the first try.
#[cold]
pub(crate) fn take_block_that_comes_back(thread: &Thread, class: usize, exhausted: Error) -> Result<BlockId> {
    let walks = &thread.process.quotas.pools;
    if !walks.is_due() {
        return Err(exhausted);
    }
    for turn in 0..=MOST_TURNS {
        let before = given_up(thread);
        if turn == 0 {
            idle::trim_channels(thread, true)?;
        }
        match block_credit::take_free_block(thread, class) {
            Err(Error::NoMemory { .. } | Error::NoResources(_)) => {}
            taken => {
                walks.walked(0, true);
                return taken;
            }
        }
        // In this order: whoever frees something counts it while it is still in its hands.
        if !is_coming(thread, class)? && given_up(thread) == before && !scavenge::maybe_request_trim(thread)?
        {
            break;
        }
        wait_for_others(thread, turn);
    }
    walks.walked(thread.process.entries_walked(), false);
    Err(exhausted)
}

/// An object slot, after no free one was found.
#[cold]
pub(crate) fn take_slot_that_comes_back(thread: &Thread) -> Result<(u32, Lifecycle)> {
    for turn in 0..=MOST_TURNS {
        let before = created_and_retired(thread);
        reclaim::collect(thread)?;
        if let Some(taken) = slot_pool::take_slot_at_hand(thread)? {
            return Ok(taken);
        }
        let mut is_coming = false;
        if let Some(taken) = take_slot_not_shown(thread, &mut is_coming)? {
            return Ok(taken);
        }
        if !is_coming {
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

/// A slot that is free, and that the map does not show yet: the thread that freed it, or gave its memory back, has not
/// come to that. And whether some slot is between two uses: kept by a hazard, or in another thread's hands.
fn take_slot_not_shown(thread: &Thread, is_coming: &mut bool) -> Result<Option<(u32, Lifecycle)>> {
    for slot in slot_pool::slots_in_use(thread.arena()) {
        // Relaxed: what is not seen yet was under way when this was asked for.
        let state = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed)).state();
        if state == LifecycleState::Live {
            continue;
        }
        if matches!(state, LifecycleState::Free | LifecycleState::Invalid)
            && let Some(reserved) = slot_pool::take_slot_if_free(thread, slot)?
        {
            return Ok(Some((slot, reserved)));
        }
        // What was seen of it may be old already: it looked free, and is in another thread's hands.
        *is_coming = true;
    }
    Ok(None)
}

/// How many objects all threads have ever made and retired.
fn created_and_retired(thread: &Thread) -> u64 {
    let Counters { objects_created, objects_retired, .. } = counter::counters(thread.arena());
    objects_created.wrapping_add(objects_retired)
}

/// Whether another thread has something in its hands that will soon be free.
fn is_coming(thread: &Thread, class: usize) -> Result<bool> {
    for tag in thread.arena().thread_tags().filter(|tag| *tag != thread.tag.0) {
        let row = thread.arena().thread(tag)?;
        // Relaxed, both: what is not seen yet was under way when this was asked for.
        if row.release_queue.load(Relaxed) != 0 {
            return Ok(true);
        }
        match ListIntent::from_word(row.link.load(Relaxed)) {
            ListIntent::UnlinkSegment { block, .. }
            | ListIntent::UnlinkPayload { block, .. }
            | ListIntent::GivingBack { block }
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

/// How much all threads have ever retired and freed.
fn given_up(thread: &Thread) -> u64 {
    let Counters { objects_retired, blocks_freed, .. } = counter::counters(thread.arena());
    objects_retired.wrapping_add(blocks_freed)
}

fn wait_for_others(thread: &Thread, turn: u32) {
    const NAP_NS: i64 = 200_000;
    if turn < 32 || cfg!(loom) {
        // Yields.
        sync::backoff(63);
    } else {
        let _ = thread.arena().futex().wait(&[], sync::now_ns().saturating_add(NAP_NS));
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::arena::config::Config;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use std::sync::Arc;

    /// Between two blocks no intent names one.
    #[test]
    fn blocks_of_an_end_that_is_dying_are_waited_for() {
        let config = Config {
            max_objects: 4,
            max_processes: 1,
            max_threads: 2,
            pool_bytes: 4096,
            ..Config::default()
        };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let process = Process::attach(arena, process_slot, 1, 1).unwrap();
        let [closer, asker] = [(); 2].map(|()| Thread::join(&process).unwrap());
        assert!(!is_coming(&asker, 0).unwrap());
        closer.row().release_queue.store(1, Relaxed);
        assert!(is_coming(&asker, 0).unwrap());
        assert!(!is_coming(&closer, 0).unwrap(), "its own list it works itself");
        closer.row().release_queue.store(0, Relaxed);
        assert!(!is_coming(&asker, 0).unwrap());
    }

    #[test]
    fn a_slot_that_is_freed_and_not_shown_is_taken() {
        const SLOTS: u32 = 4;
        let config = Config { max_objects: SLOTS, max_processes: 1, pool_bytes: 4096, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let thread = Thread::join(&Process::attach(arena, process_slot, 1, 1).unwrap()).unwrap();
        let events: Vec<_> = (0..SLOTS).map(|_| thread.create(ObjectClass::Event, 0).unwrap().0).collect();
        thread.close(thread.lookup(events[2]).unwrap()).unwrap();
        // As another thread leaves it that stops in the middle of a reclaim.
        let lifecycle = &thread.arena().object(2).unwrap().lifecycle;
        lifecycle.store(Lifecycle(lifecycle.load(Relaxed)).freed().0, Relaxed);
        assert!(thread.create(ObjectClass::Event, 0).is_ok());
        assert_eq!(thread.create(ObjectClass::Event, 0), Err(Error::NoResources("objects")));
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }
}
