//! The leader of the arena, and the identity of the process that holds a row.
//!
//! The leader word is replaced by compare-and-swap with its term advanced. So a process that was slow to see a new
//! leader cannot take the lead from it. A process is identified by its number and its start time, because Linux reuses
//! numbers.

use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::row::ProcessSlot;
use crate::arena::word::{Field, debug_as_fields};

/// The leader, as the arena records it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Leader(pub(crate) u64);

debug_as_fields!(Leader { process_slot, term });

impl Leader {
    const ROW: Field<52, 12> = Field;
    const EPOCH: Field<32, 20> = Field;
    const TERM: Field<0, 32> = Field;

    /// The process slot of the leader; `None` before the first leader.
    pub fn process_slot(self) -> Option<ProcessSlot> {
        let process_slot = ProcessSlot {
            row: ProcessIndex(Self::ROW.get(self.0) as u16),
            epoch: Self::EPOCH.get(self.0) as u32,
        };
        (process_slot.row.0 != 0).then_some(process_slot)
    }

    /// How many leaders there have been, including this one.
    pub fn term(self) -> u32 {
        Self::TERM.get(self.0) as u32
    }

    pub(crate) fn succeeded_by(self, process_slot: ProcessSlot) -> Self {
        let term = self.term().wrapping_add(1);
        Self(
            Self::ROW.of(process_slot.row.0.into())
                | Self::EPOCH.of(process_slot.epoch.into())
                | Self::TERM.of(term.into()),
        )
    }
}

/// The identity of a process. Linux reuses numbers, so the start time is part of the identity.
///
/// ```text
///  63      42 41                        0
///  ┌──────────┬──────────────────────────┐
///  │ pid 22   │ started 42               │     one word, so that no reader sees half of it
///  └──────────┴──────────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessIdentity {
    /// The process's number: Linux has none above 4,194,304.
    pub pid: u32,
    /// When it started, in the kernel's unit; 0: unknown.
    pub started: u64,
}

impl ProcessIdentity {
    const PID: Field<42, 22> = Field;
    const STARTED: Field<0, 42> = Field;

    pub(crate) fn to_word(self) -> u64 {
        Self::PID.of(self.pid.into()) | Self::STARTED.of(self.started)
    }

    /// Whether both may be the same process. An unknown start time matches every start time.
    pub(crate) fn may_be(self, other: Self) -> bool {
        self.pid == other.pid && (self.started == other.started || self.started.min(other.started) == 0)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self { pid: Self::PID.get(word) as u32, started: Self::STARTED.get(word) }
    }
}

impl From<u32> for ProcessIdentity {
    /// A process of this number, with an unknown start time.
    fn from(pid: u32) -> Self {
        Self { pid, started: 0 }
    }
}

/// A process slot that is taken, and its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The process slot.
    pub process_slot: ProcessSlot,
    /// The process that has the slot, or a child that has yet to attach to it.
    pub identity: ProcessIdentity,
    /// Whether the process has attached.
    pub is_attached: bool,
}
