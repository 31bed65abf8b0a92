//! When garbage cycles are searched for: soon after each recovery, with each `collect`, and from time to time.
//!
//! A search walks over all objects. So it is rare: only when it could find something, only while the supervisor has no
//! other work, and it is aborted for the news of a death. A side becomes garbage by a *send*, which queues the side, or
//! its last carrier, inside itself. While no handle has been sent since the last search, and no process has died,
//! there is no new garbage. The pause between two searches doubles from a second to a minute while they find nothing, and
//! is at least a hundred times as long as the search took.

use jacinth_shm as shm;
use std::time::{Duration, Instant};

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(64);

/// How soon an aborted search is repeated, and how often in a row a search may be aborted. Where processes die all the
/// time, garbage must not wait for ever.
const AGAIN: Duration = Duration::from_millis(20);
const MAX_ABORTED_RUNS: u32 = 8;

/// When to search next.
pub(crate) struct CycleSchedule {
    due: Instant,
    pause: Duration,
    /// Handles that had ever been sent when the last search began.
    moved: u64,
    /// Search even if no handle was sent: a process has died, perhaps between sending a handle and counting it.
    is_requested: bool,
    aborted_runs: u32,
}

impl CycleSchedule {
    pub(crate) fn new() -> Self {
        let due = Instant::now() + SHORTEST;
        Self { due, pause: SHORTEST, moved: 0, is_requested: false, aborted_runs: 0 }
    }

    /// How long the supervisor may sleep.
    pub(crate) fn timeout(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Requests a search soon, because a process has died.
    pub(crate) fn request(&mut self) {
        if !self.is_requested {
            self.is_requested = true;
            self.due = self.due.min(Instant::now() + SHORTEST);
        }
    }

    /// Searches if it is time and there may be garbage, for as long as `go_on` allows. Gives how many channel ends were
    /// garbage.
    pub(crate) fn run_if_due(&mut self, thread: &shm::Thread, mut go_on: impl FnMut() -> bool) -> u32 {
        if Instant::now() < self.due {
            return 0;
        }
        let is_worth_it =
            self.is_requested || thread.process().arena().counters().handles_moved != self.moved;
        let must_end = self.aborted_runs >= MAX_ABORTED_RUNS;
        let start = Instant::now();
        let found = if is_worth_it { self.run(thread, &mut || must_end || go_on()) } else { 0 };
        // Still requested: the search was aborted, or has failed.
        self.pause = if found > 0 || self.is_requested { SHORTEST } else { (self.pause * 2).min(LONGEST) };
        let pause = if self.aborted_runs > 0 { AGAIN } else { self.pause.max(100 * start.elapsed()) };
        self.due = Instant::now() + pause;
        found
    }

    /// Searches now. Gives how many channel ends were garbage.
    pub(crate) fn run(&mut self, thread: &shm::Thread, go_on: &mut dyn FnMut() -> bool) -> u32 {
        // Read before the search, which may miss handles that are sent meanwhile.
        let moved = thread.process().arena().counters().handles_moved;
        self.is_requested = true;
        match thread.collect_cycles_while(go_on) {
            Ok(None) => self.aborted_runs += 1,
            Err(error) => tracing::error!(%error, "the search for cycles failed"),
            Ok(Some(found)) => {
                (self.moved, self.is_requested, self.aborted_runs) = (moved, false, 0);
                if found > 0 {
                    tracing::info!(found, "collected ends of channels that were queued inside each other");
                }
                return u32::try_from(found).unwrap_or(u32::MAX);
            }
        }
        0
    }
}
