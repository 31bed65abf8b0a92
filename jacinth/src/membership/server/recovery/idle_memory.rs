//! When unused memory goes back to the system: a pass a second, for as long as objects are retired or freed, and with each
//! `collect`.
//!
//! Ended objects wait in private lists of the threads that ended them, with their blocks. If no other object has ended for
//! a second, no thread is about to reuse them, and they are collected here. The memory of their slots and blocks, and of
//! all free ones, is given back if they were free from one pass to the next.

use jacinth_shm as shm;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_secs(1);

/// When to look for idle memory.
pub(crate) struct IdleMemory {
    memory: shm::IdleMemory,
    due: Instant,
    /// The number of objects ever retired, at the last look and at the last collection.
    retired: u64,
    collected: u64,
}

impl IdleMemory {
    pub(crate) fn new() -> Self {
        Self { memory: shm::IdleMemory::new(), due: Instant::now() + PAUSE, retired: 0, collected: 0 }
    }

    /// Makes a pass if it is time and there may be idle memory, for as long as `go_on` allows. Gives how many bytes were
    /// given back.
    pub(crate) fn run_if_due(&mut self, thread: &shm::Thread, go_on: &mut dyn FnMut() -> bool) -> u64 {
        if Instant::now() < self.due {
            return 0;
        }
        let arena = thread.process().arena();
        let retired = arena.counters().objects_retired;
        // Objects have ended since the last collection, and none since the last look: no thread is about to reuse one.
        if retired != self.collected && retired == self.retired {
            self.collected = retired;
            self.memory.expect_more();
            if let Err(error) = thread.collect() {
                tracing::error!(%error, "ended objects cannot be collected");
            }
        }
        self.retired = retired;
        let is_due = self.memory.is_due(arena);
        let given = if is_due { self.pass(thread, shm::Unused::ForAWhile, go_on) } else { 0 };
        self.due = Instant::now() + PAUSE;
        given
    }

    /// Gives back all free memory. The caller has collected the ended objects.
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
