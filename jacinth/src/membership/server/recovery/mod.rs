//! The recovery of the dead, in slices, and the report of it.

pub(crate) mod cycle_schedule;
pub(crate) mod idle_memory;

use crate::membership::report::CollectReport;
use crate::membership::server::recovery::cycle_schedule::CycleSchedule;
use crate::membership::server::recovery::idle_memory::IdleMemory;
use crate::types::status::{self, Status};
use jacinth_shm as shm;
use std::time::{Duration, Instant};

/// How often the supervisor repeats failed work, checks its descriptors, and looks at processes that it took over and
/// that have not connected yet.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long the supervisor works on recovery before it looks for news again.
pub(crate) const SLICE: Duration = Duration::from_millis(1);
/// How many steps of recovery it takes between two looks at the clock.
const STEPS: u32 = 256;

/// The recoveries under way, and the report.
pub(crate) struct Recovery {
    /// The dead that are not completely recovered.
    pending: shm::RecoveryQueue,
    /// When to repeat a recovery that failed.
    retry: Option<Instant>,
    cycles: CycleSchedule,
    idle_memory: IdleMemory,
    report: CollectReport,
}

impl Recovery {
    pub(crate) fn new() -> Self {
        Self {
            pending: shm::RecoveryQueue::new(),
            retry: None,
            cycles: CycleSchedule::new(),
            idle_memory: IdleMemory::new(),
            report: CollectReport::default(),
        }
    }

    /// Whether no recovery is under way.
    pub(crate) fn is_complete(&self) -> bool {
        self.pending.is_empty()
    }

    /// When to repeat a failed recovery.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry
    }

    /// How long the supervisor may sleep.
    pub(crate) fn timeout(&self) -> Duration {
        if self.is_complete() { self.cycles.timeout() } else { Duration::ZERO }
    }

    /// Starts over after a panic, from the state in the arena.
    pub(crate) fn restart(&mut self) {
        // The arena has the same knowledge: the rows in the queue are DEAD there.
        self.pending = shm::RecoveryQueue::new();
        self.retry = Some(Instant::now());
    }

    /// Announces these deaths to all waiters. [`run_for`](Self::run_for) does the rest, between other things.
    pub(crate) fn announce(&mut self, thread: &shm::Thread, slots: &[shm::ProcessSlot]) {
        if slots.is_empty() {
            return;
        }
        tracing::debug!(count = slots.len(), first = %slots[0].row, "processes have died");
        let announced = self.pending.announce(thread, slots);
        self.note_failure(announced);
        // The dead may have left garbage cycles. The announcement of other deaths comes before the search.
        self.cycles.request();
    }

    /// Takes a slot back that no process will use.
    pub(crate) fn cancel_slot(&mut self, thread: &shm::Thread, slot: shm::ProcessSlot) -> Result<(), Status> {
        self.pending.announce_given_up(thread, slot).map_err(status::of)
    }

    /// Takes up unfinished recoveries: slots of dead spawners, those of an earlier supervisor, failed ones.
    pub(crate) fn take_up_unfinished(&mut self, thread: &shm::Thread) {
        self.retry = None;
        let announced = self.pending.announce_unfinished(thread);
        self.note_failure(announced);
    }

    /// Goes on with the recovery of the dead for about so long.
    pub(crate) fn run_for(&mut self, thread: &shm::Thread, slice: Duration) {
        let start = Instant::now();
        // At least one round: a slow thread, or one in a debugger, makes progress too.
        while !self.is_complete() {
            let worked = self.pending.work(thread, STEPS);
            self.note_failure(worked.map(drop));
            if start.elapsed() >= slice {
                break;
            }
        }
        let recovered = self.pending.take_recovered();
        if recovered.processes > 0 {
            tracing::info!(?recovered, "recovered processes");
        }
        self.report.add_recovered(recovered);
        let reclaimed = self.pending.take_reclaimed();
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
    }

    /// Does the periodic work that is due, while `go_on` allows it: garbage cycles, and unused memory.
    pub(crate) fn run_periodic(&mut self, thread: &shm::Thread, go_on: &mut dyn FnMut() -> bool) {
        self.report.cyclic_ends_collected += self.cycles.run_if_due(thread, &mut *go_on);
        self.report.bytes_decommitted += self.idle_memory.run_if_due(thread, go_on);
    }

    /// Collects garbage cycles, reclaims free objects, and gives free memory back to the system, all of it now.
    pub(crate) fn collect(&mut self, thread: &shm::Thread) -> Result<CollectReport, Status> {
        // In this order: ends of cycles become objects to reclaim, and reclaimed objects leave memory to give back.
        self.report.cyclic_ends_collected += self.cycles.run(thread, &mut || true);
        thread.trim_objects(true).and_then(|_| thread.request_trim()).map_err(status::of)?;
        let reclaimed = thread.collect().map_err(status::of)?;
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
        self.report.bytes_decommitted += self.idle_memory.run(thread);
        Ok(self.report)
    }

    fn note_failure(&mut self, done: shm::Result<()>) {
        if let Err(error) = done {
            tracing::error!(%error, "a recovery failed, and is tried again");
            self.retry.get_or_insert(Instant::now() + RETRY_INTERVAL);
        }
    }
}
