//! The spawn statuses of programs that did not attach.

use crate::membership::spawn_status::SpawnStatus;
use std::collections::VecDeque;

/// How many spawn statuses are kept.
const MAX_STATUSES: usize = 256;

/// The spawn statuses of the last programs that did not attach, by process number.
#[derive(Default)]
pub(crate) struct RecordedSpawnStatuses(VecDeque<(u32, SpawnStatus)>);

impl RecordedSpawnStatuses {
    /// Records the spawn status of the process with this number. The first record stays: it says more than a later one.
    pub(crate) fn note(&mut self, pid: u32, status: SpawnStatus) {
        if self.of(pid).is_none() {
            self.0.truncate(MAX_STATUSES - 1);
            self.0.push_front((pid, status));
        }
    }

    /// Forgets the process with this number, because a new process has it.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.0.retain(|(noted, _)| *noted != pid);
    }

    pub(crate) fn of(&self, pid: u32) -> Option<SpawnStatus> {
        self.0.iter().find(|(noted, _)| *noted == pid).map(|(_, status)| *status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::status::Status;

    #[test]
    fn a_refusal_outlives_the_end() {
        let mut statuses = RecordedSpawnStatuses::default();
        statuses.note(7, SpawnStatus::Refused(Status::ACCESS_DENIED));
        statuses.note(7, SpawnStatus::Ended);
        assert_eq!(statuses.of(7), Some(SpawnStatus::Refused(Status::ACCESS_DENIED)));
        statuses.forget(7);
        (0..2 * MAX_STATUSES as u32).for_each(|pid| statuses.note(pid, SpawnStatus::Ended));
        assert_eq!((statuses.0.len(), statuses.of(7)), (MAX_STATUSES, None));
    }
}
