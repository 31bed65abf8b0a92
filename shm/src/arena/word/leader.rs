//! Who leads the arena, and which process holds a row.
//!
//! The leader word is replaced by compare-and-swap, with its term advanced, so a process that was slow to see a new leader
//! cannot take the lead from it. A row's process is named by its number and its start time, since numbers come back.

use crate::arena::word::Field;
use crate::arena::word::row::ProcessSlot;

/// Who leads, as the arena says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leader(pub(crate) u64);

impl Leader {
    const ROW: Field<52, 12> = Field;
    const EPOCH: Field<32, 20> = Field;
    const TERM: Field<0, 32> = Field;

    /// The process slot of the process that leads; `None` before the first.
    pub fn process_slot(self) -> Option<ProcessSlot> {
        let process_slot =
            ProcessSlot { row: Self::ROW.get(self.0) as u16, epoch: Self::EPOCH.get(self.0) as u32 };
        (process_slot.row != 0).then_some(process_slot)
    }

    /// How many have led before, and this one.
    pub fn term(self) -> u32 {
        Self::TERM.get(self.0) as u32
    }

    pub(crate) fn succeeded_by(self, process_slot: ProcessSlot) -> Self {
        let term = self.term().wrapping_add(1);
        Self(
            Self::ROW.of(process_slot.row.into())
                | Self::EPOCH.of(process_slot.epoch.into())
                | Self::TERM.of(term.into()),
        )
    }
}

/// A process, as the system knows it. Numbers are used again, so the moment it started belongs to its name.
///
/// ```text
///  63      42 41                        0
///  ┌──────────┬──────────────────────────┐
///  │ pid 22   │ started 42               │     one word, so that nobody sees half of it
///  └──────────┴──────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The process's number: Linux has none above 4,194,304.
    pub pid: u32,
    /// When it started, in the system's own unit; 0 where that is not known.
    pub started: u64,
}

impl ProcessIdentity {
    const PID: Field<42, 22> = Field;
    const STARTED: Field<0, 42> = Field;

    pub(crate) fn to_word(self) -> u64 {
        Self::PID.of(self.pid.into()) | Self::STARTED.of(self.started)
    }

    /// Whether nothing speaks against both being the same process.
    pub(crate) fn may_be(self, other: Self) -> bool {
        self.pid == other.pid && (self.started == other.started || self.started.min(other.started) == 0)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self { pid: Self::PID.get(word) as u32, started: Self::STARTED.get(word) }
    }
}

impl From<u32> for ProcessIdentity {
    /// A process of this number, whenever it started.
    fn from(pid: u32) -> Self {
        Self { pid, started: 0 }
    }
}

/// A process slot that is taken, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The process slot.
    pub process_slot: ProcessSlot,
    /// Who has it, or will: a child that is on its way to it.
    pub identity: ProcessIdentity,
    /// Whether the process has attached.
    pub is_attached: bool,
}
