//! The counts that a recovery reports.

/// The counts of one or more recoveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Recovered processes: their rows are free again.
    pub processes: u32,
    /// Their threads: these rows are free again too.
    pub threads: u32,
    /// Handles closed on behalf of dead processes.
    pub handles_closed: u32,
    /// In-doubt operations that had committed, and were completed.
    pub operations_finished: u32,
    /// In-doubt operations that had not committed, and were undone.
    pub operations_undone: u32,
    /// Blocks that dead threads had in hand, and that were freed.
    pub blocks_freed: u32,
    /// Objects that lost their last reference by it, and were retired.
    pub objects_retired: u32,
}

impl core::ops::AddAssign for Recovered {
    fn add_assign(&mut self, other: Self) {
        self.processes += other.processes;
        self.threads += other.threads;
        self.handles_closed += other.handles_closed;
        self.operations_finished += other.operations_finished;
        self.operations_undone += other.operations_undone;
        self.blocks_freed += other.blocks_freed;
        self.objects_retired += other.objects_retired;
    }
}

impl Recovered {
    pub(crate) fn increment(&mut self, finished: bool) -> &mut u32 {
        if finished { &mut self.operations_finished } else { &mut self.operations_undone }
    }
}
