//! When memory that nobody uses goes back to the system: a look a second, as long as anything is retired or freed, and
//! with each `collect`.
//!
//! Objects that have ended wait in private lists of the threads that ended them, with the blocks that they had. Where
//! nothing more has ended for a second, nobody is about to use them again, and they are collected here. The memory of
//! their slots and blocks, and of all that were freed, is given back if they have been free from one look to the next.

use jacinth_shm as shm;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_secs(1);

/// What is known of memory that may be idle.
pub(crate) struct IdleMemory {
    memory: shm::IdleMemory,
    due: Instant,
    /// Objects that had ever been retired at the last look, and when they were last collected.
    retired: u64,
    collected: u64,
}

impl IdleMemory {
    pub(crate) fn new() -> Self {
        Self { memory: shm::IdleMemory::new(), due: Instant::now() + PAUSE, retired: 0, collected: 0 }
    }

    /// Looks, if it is time and there may be something to find; for as long as `go_on` says so. Gives how many bytes went
    /// back to the system.
    pub(crate) fn run_if_due(&mut self, thread: &shm::Thread, go_on: &mut dyn FnMut() -> bool) -> u64 {
        if Instant::now() < self.due {
            return 0;
        }
        let arena = thread.process().arena();
        let retired = arena.counters().objects_retired;
        if retired != self.collected && retired == self.retired {
            self.collected = retired;
            self.memory.expect_more();
            if let Err(error) = thread.collect() {
                tracing::error!(%error, "what has ended cannot be collected");
            }
        }
        self.retired = retired;
        let is_due = self.memory.is_due(arena);
        let given = if is_due { self.pass(thread, shm::Unused::ForAWhile, go_on) } else { 0 };
        self.due = Instant::now() + PAUSE;
        given
    }

    /// Gives back whatever is free. What has ended was collected before.
    pub(crate) fn run(&mut self, thread: &shm::Thread) -> u64 {
        self.pass(thread, shm::Unused::Now, &mut || true)
    }

    fn pass(&mut self, thread: &shm::Thread, unused: shm::Unused, go_on: &mut dyn FnMut() -> bool) -> u64 {
        match self.memory.pass(thread, unused, go_on) {
            Ok(bytes) => {
                if bytes > 0 {
                    tracing::debug!(bytes, "gave memory back to the system");
                }
                bytes
            }
            Err(error) => {
                tracing::error!(%error, "memory cannot be given back to the system");
                0
            }
        }
    }
}
