//! When garbage cycles are looked for: after each recovery and each `collect`, and from time to time by itself.
//!
//! A look walks over all objects, so it is made seldom, and only when it could find something. A side becomes
//! garbage by the *send* that queues it, or what it hangs on, inside itself: while no handle has been sent since
//! the last look, there is nothing to look for. The pause between two looks doubles from a second to a minute while
//! nothing is found, and is never shorter than a hundred times what the look took.

use crate::{Status, status};
use jacinth_shm as shm;
use std::time::{Duration, Instant};

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(64);

/// When to look next.
pub(super) struct Cycles {
    due: Instant,
    pause: Duration,
    /// Handles that had ever been sent when the last look began.
    moved: u64,
}

impl Cycles {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() + SHORTEST, pause: SHORTEST, moved: 0 }
    }

    /// How long the supervisor may sleep.
    pub(super) fn timeout(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Looks, if it is time and a handle has been sent since the last time.
    pub(super) fn look_if_due(&mut self, thread: &shm::Thread) {
        if Instant::now() < self.due {
            return;
        }
        let moved = thread.process().arena().counters().handles_moved;
        let found = if moved == self.moved { Ok(0) } else { self.look(thread) };
        if let Err(status) = &found {
            tracing::error!(%status, "looking for cycles failed");
        }
        self.pause = match found {
            Ok(1..) => SHORTEST,
            _ => (self.pause * 2).min(LONGEST),
        };
        self.due = self.due.max(Instant::now() + self.pause);
    }

    /// Looks now. Gives how many ends of channels were garbage.
    pub(super) fn look(&mut self, thread: &shm::Thread) -> Result<usize, Status> {
        let start = Instant::now();
        // Before the look: what is sent meanwhile may not be seen by it.
        self.moved = thread.process().arena().counters().handles_moved;
        let found = thread.collect_cycles().map_err(status::of);
        self.due = start + 100 * start.elapsed();
        if let Ok(found @ 1..) = found {
            tracing::info!(found, "collected ends of channels that were queued inside each other");
        }
        found
    }
}
