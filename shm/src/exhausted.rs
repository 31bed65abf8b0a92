//! A pool of blocks that seems to be exhausted, or a table of objects that seems to be full. What has been given up and is
//! on its way back is collected, or waited for, so that nothing is refused which there is room for.
//!
//! A block that was given up before somebody asks for one is free; or it is for some moments in another thread's hands: its
//! link intent names the block, or an end on its dying list has it. (An object that is RETIRED has none: INV-DYING-4.)
//! Others move blocks from each of these to the next while somebody looks for them. So a block is refused after a turn in
//! which nothing was retired or freed by anybody, and after which nothing is in anybody's hands: then all of this stood
//! still. Where there are many entries, that is found out anew once in a while only (`pace`).
//!
//! A slot is free as well; or its object is RETIRED, and it is freed by [`Thread::collect`]; or it is in another thread's
//! hands, or a hazard still names it. Then the same is done, with two looks more: a slot that is FREE and that the map does
//! not show yet is taken without the map; and a slot that became FREE during the search for those on their way is on its
//! way no longer, and was not FREE when it was looked for before.

use crate::block::BlockId;
use crate::counter::Counters;
use crate::error::{Error, Result};
use crate::object::{Life, LifeState};
use crate::owner::Link;
use crate::sync::{self, Relaxed};
use crate::thread::Thread;

/// How often others are waited for: some microseconds, and then ten milliseconds. A stopped one is not waited for longer.
const MOST_TURNS: u32 = if cfg!(loom) { 2 } else { 32 + 50 };

impl Thread {
    /// A block of `class`, after `exhausted` was the answer to the first try.
    #[cold]
    pub(crate) fn take_block_that_comes_back(&self, class: usize, exhausted: Error) -> Result<BlockId> {
        let walks = &self.process.quotas.pools;
        if !walks.is_due() {
            return Err(exhausted);
        }
        for turn in 0..=MOST_TURNS {
            let before = self.given_up();
            if turn == 0 {
                self.tidy_channels(true)?;
            }
            match self.take_free_block(class) {
                Err(Error::NoMemory { .. } | Error::NoResources(_)) => {}
                taken => {
                    walks.walked(0, true);
                    return taken;
                }
            }
            // In this order: whoever frees something counts it while it is still in its hands.
            if !self.is_coming(class)? && self.given_up() == before && !self.may_have_asked()? {
                break;
            }
            self.wait_for_others(turn);
        }
        walks.walked(self.process.entries_walked(), false);
        Err(exhausted)
    }

    /// An object slot, after no free one was found.
    #[cold]
    pub(crate) fn take_slot_that_comes_back(&self) -> Result<(u32, Life)> {
        for turn in 0..=MOST_TURNS {
            let before = self.created_and_retired();
            self.collect()?;
            if let Some(taken) = self.take_slot_at_hand()? {
                return Ok(taken);
            }
            let mut is_coming = false;
            if let Some(taken) = self.take_slot_not_shown(&mut is_coming)? {
                return Ok(taken);
            }
            if !is_coming {
                if let Some(taken) = self.take_slot_at_hand()? {
                    return Ok(taken);
                }
                if self.created_and_retired() == before {
                    break;
                }
            }
            self.wait_for_others(turn);
        }
        Err(Error::NoResources("objects"))
    }

    /// A slot that is free, and that the map does not show yet: the thread that freed it, or gave its memory back, has not
    /// come to that. And whether some slot is between two uses: kept by a hazard, or in another thread's hands.
    fn take_slot_not_shown(&self, is_coming: &mut bool) -> Result<Option<(u32, Life)>> {
        for slot in self.arena().slots_in_use() {
            // Relaxed: what is not seen yet was under way when this was asked for.
            let state = Life(self.arena().object(slot)?.life.load(Relaxed)).state();
            if state == LifeState::Live {
                continue;
            }
            if matches!(state, LifeState::Free | LifeState::Invalid)
                && let Some(reserved) = self.take_slot_if_free(slot)?
            {
                return Ok(Some((slot, reserved)));
            }
            // What was seen of it may be old already: it looked free, and is in another thread's hands.
            *is_coming = true;
        }
        Ok(None)
    }

    /// How many objects all threads have ever made and retired.
    fn created_and_retired(&self) -> u64 {
        let Counters { objects_created, objects_retired, .. } = self.arena().counters();
        objects_created.wrapping_add(objects_retired)
    }

    /// Whether another thread has something in its hands that will soon be free.
    fn is_coming(&self, class: usize) -> Result<bool> {
        for tag in self.arena().thread_tags().filter(|tag| *tag != self.tag.0) {
            let row = self.arena().thread(tag)?;
            // Relaxed, both: what is not seen yet was under way when this was asked for.
            if row.dying.load(Relaxed) != 0 {
                return Ok(true);
            }
            match Link::from_word(row.link.load(Relaxed)) {
                Link::LeaveSegment { block, .. }
                | Link::LeavePayload { block, .. }
                | Link::GivingBack { block }
                | Link::Trimming { block }
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
    fn given_up(&self) -> u64 {
        let Counters { objects_retired, blocks_freed, .. } = self.arena().counters();
        objects_retired.wrapping_add(blocks_freed)
    }

    fn wait_for_others(&self, turn: u32) {
        const NAP_NS: i64 = 200_000;
        if turn < 32 || cfg!(loom) {
            // Yields.
            sync::pause(63);
        } else {
            let _ = self.arena().futex().wait(&[], sync::now_ns().saturating_add(NAP_NS));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::layout::Config;
    use crate::object::Shape;
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
        let seat = arena.first_seat().unwrap();
        let process = Process::sit(arena, seat, 1, 1).unwrap();
        let [closer, asker] = [(); 2].map(|()| Thread::join(&process).unwrap());
        assert!(!asker.is_coming(0).unwrap());
        closer.row().dying.store(1, Relaxed);
        assert!(asker.is_coming(0).unwrap());
        assert!(!closer.is_coming(0).unwrap(), "its own list it works itself");
        closer.row().dying.store(0, Relaxed);
        assert!(!asker.is_coming(0).unwrap());
    }

    #[test]
    fn a_slot_that_is_freed_and_not_shown_is_taken() {
        const SLOTS: u32 = 4;
        let config = Config { max_objects: SLOTS, max_processes: 1, pool_bytes: 4096, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let seat = arena.first_seat().unwrap();
        let thread = Thread::join(&Process::sit(arena, seat, 1, 1).unwrap()).unwrap();
        let events: Vec<_> = (0..SLOTS).map(|_| thread.create(Shape::Single, 5, 0).unwrap().0).collect();
        thread.close(thread.find(events[2]).unwrap()).unwrap();
        // As another thread leaves it that stops in the middle of a reclaim.
        let life = &thread.arena().object(2).unwrap().life;
        life.store(Life(life.load(Relaxed)).freed().0, Relaxed);
        assert!(thread.create(Shape::Single, 5, 0).is_ok());
        assert_eq!(thread.create(Shape::Single, 5, 0), Err(Error::NoResources("objects")));
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().audit());
    }
}
