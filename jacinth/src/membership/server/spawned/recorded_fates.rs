//! The fates of programs that did not attach.

use crate::membership::fate::Fate;
use std::collections::VecDeque;

/// How many fates are kept.
const MAX_FATES: usize = 256;

/// The fates of the last programs that did not attach, by process number.
#[derive(Default)]
pub(crate) struct RecordedFates(VecDeque<(u32, Fate)>);

impl RecordedFates {
    /// Records the fate of the process with this number. The first record stays: it says more than a later one.
    pub(crate) fn note(&mut self, pid: u32, fate: Fate) {
        if self.of(pid).is_none() {
            self.0.truncate(MAX_FATES - 1);
            self.0.push_front((pid, fate));
        }
    }

    /// Forgets the process with this number, because a new process has it.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.0.retain(|(noted, _)| *noted != pid);
    }

    pub(crate) fn of(&self, pid: u32) -> Option<Fate> {
        self.0.iter().find(|(noted, _)| *noted == pid).map(|(_, fate)| *fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::status::Status;

    #[test]
    fn a_refusal_outlives_the_end() {
        let mut fates = RecordedFates::default();
        fates.note(7, Fate::Refused(Status::ACCESS_DENIED));
        fates.note(7, Fate::Ended);
        assert_eq!(fates.of(7), Some(Fate::Refused(Status::ACCESS_DENIED)));
        fates.forget(7);
        (0..2 * MAX_FATES as u32).for_each(|pid| fates.note(pid, Fate::Ended));
        assert_eq!((fates.0.len(), fates.of(7)), (MAX_FATES, None));
    }
}
