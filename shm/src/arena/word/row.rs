//! The owner of a row: the state of a process row or of a thread row, and the ticket by which a process claims one.
//!
//! ```text
//!  process row:  FREE(epoch) ──▶ STARTING(spawner) ──▶ ACTIVE ──▶ DEAD ──▶ FREE(epoch + 1)
//!                        ADMITTED once  └──────────────────────────▲   canceled, or its spawner died
//!                        its program has joined
//!  thread row:   0 ──▶ owned by a process ──▶ 0
//! ```
//! The epoch makes a canceled ticket invalid. Only recovery leaves DEAD, as its last step.

use crate::arena::word::reference::{ObjectRef, ProcessIndex};
use crate::arena::word::{Field, debug_as_fields};

/// A value of `ProcessRow::state` or `ThreadRow::state`.
///
/// ```text
///  process:  FREE ──▶ STARTING(spawner) ──▶ ACTIVE ──▶ DEAD ──▶ FREE, epoch + 1
///  thread:   FREE ──▶ ACTIVE(process) ─────────────────────────▶ FREE
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowState(pub(crate) u64);

debug_as_fields!(RowState { process_state, epoch, is_admitted, thread_owner });

/// The states of a process row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessState {
    Free,
    /// This process has prepared the row, and the child has not attached yet. 0: the supervisor watches over the row.
    Starting(ProcessIndex),
    Active,
    /// Its process is dead, and recovery is in progress.
    Dead,
}

impl RowState {
    const STATE: Field<60, 4> = Field;
    const EPOCH: Field<32, 20> = Field;
    const SPAWNER: Field<12, 12> = Field;
    const PROCESS: Field<0, 12> = Field;
    /// Of a STARTING row: a supervisor has admitted the process that the row names, and no other may take the slot.
    const ADMITTED: Field<24, 1> = Field;
    /// The spawner in a process slot that the supervisor has taken over: none.
    pub(crate) const NO_SPAWNER: ProcessIndex = ProcessIndex(0);
    const STARTING: u64 = 1;
    const ACTIVE: u64 = 2;
    const DEAD: u64 = 3;

    pub(crate) fn epoch(self) -> u32 {
        Self::EPOCH.get(self.0) as u32
    }

    pub(crate) fn process_state(self) -> ProcessState {
        match Self::STATE.get(self.0) {
            Self::STARTING => ProcessState::Starting(ProcessIndex(Self::SPAWNER.get(self.0) as u16)),
            Self::ACTIVE => ProcessState::Active,
            Self::DEAD => ProcessState::Dead,
            _ => ProcessState::Free,
        }
    }

    fn of_epoch(self, state: u64) -> Self {
        Self(Self::STATE.of(state) | Self::EPOCH.of(self.epoch().into()))
    }

    pub(crate) fn starting(self, spawner: ProcessIndex) -> Self {
        Self(self.of_epoch(Self::STARTING).0 | Self::SPAWNER.of(spawner.0.into()))
    }

    /// STARTING, taken by the process that the row names.
    pub(crate) fn admitted(self) -> Self {
        Self(self.starting(Self::NO_SPAWNER).0 | Self::ADMITTED.of(1))
    }

    pub(crate) fn is_admitted(self) -> bool {
        matches!(self.process_state(), ProcessState::Starting(_)) && Self::ADMITTED.get(self.0) != 0
    }

    pub(crate) fn active(self) -> Self {
        self.of_epoch(Self::ACTIVE)
    }

    pub(crate) fn dead(self) -> Self {
        self.of_epoch(Self::DEAD)
    }

    /// FREE for the next epoch.
    pub(crate) fn freed(self) -> Self {
        Self(Self::EPOCH.of(u64::from(self.epoch()) + 1))
    }

    /// A thread row claimed for a process.
    pub(crate) fn thread_of(process: ProcessIndex) -> Self {
        Self(Self::STATE.of(Self::ACTIVE) | Self::PROCESS.of(process.0.into()))
    }

    /// The process whose thread holds the row; `None`: the row is free.
    pub(crate) fn thread_owner(self) -> Option<ProcessIndex> {
        (Self::STATE.get(self.0) == Self::ACTIVE).then(|| ProcessIndex(Self::PROCESS.get(self.0) as u16))
    }
}

/// A process row that has been claimed for a process to attach to: the ticket that a spawner or the supervisor gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessSlot {
    /// The process's row.
    pub row: ProcessIndex,
    /// The row's epoch. A ticket of an earlier epoch is refused.
    pub epoch: u32,
}

/// The state of a process slot, as its spawner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// No process has taken it.
    Waiting,
    /// A supervisor has admitted a process to it, which is about to attach.
    Admitted,
    /// Its process is attached.
    Attached,
    /// It was given up, or its process has died.
    Gone,
}

/// A value of `ProcessRow::death_notice`, in the kernel's format of a robust futex. `recovery/robust_futex` uses it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoticeWord(pub(crate) u64);

debug_as_fields!(NoticeWord { thread, has_owner_died });

impl NoticeWord {
    const THREAD: Field<0, 30> = Field;
    const OWNER_DIED: Field<30, 1> = Field;

    /// The kernel's number of the thread that has set the notice; 0: none is set.
    fn thread(self) -> u64 {
        Self::THREAD.get(self.0)
    }

    fn has_owner_died(self) -> bool {
        Self::OWNER_DIED.get(self.0) != 0
    }
}

/// What a sleeping thread waits for: how many objects, and the first of them. 0 while it does not sleep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting(pub(crate) u64);

debug_as_fields!(Waiting { is_asleep, items, first });

impl Waiting {
    const IS_ASLEEP: Field<63, 1> = Field;
    const ITEMS: Field<32, 16> = Field;
    const FIRST: Field<0, 32> = Field;
    /// The thread does not sleep.
    pub(crate) const AWAKE: Self = Self(0);

    /// Asleep on so many objects. A wait without an item has no first one.
    pub(crate) fn asleep(items: usize, first: Option<ObjectRef>) -> Self {
        let first = first.map_or(0, ObjectRef::to_link);
        Self(Self::IS_ASLEEP.of(1) | Self::ITEMS.of(items as u64) | Self::FIRST.of(first))
    }

    pub(crate) fn is_asleep(self) -> bool {
        Self::IS_ASLEEP.get(self.0) != 0
    }

    pub(crate) fn items(self) -> u32 {
        Self::ITEMS.get(self.0) as u32
    }

    pub(crate) fn first(self) -> Option<ObjectRef> {
        ObjectRef::from_link(Self::FIRST.get(self.0))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_freed_process_row_advances_its_epoch() {
        let row = RowState(0).starting(ProcessIndex(5));
        assert_eq!(row.process_state(), ProcessState::Starting(ProcessIndex(5)));
        assert!(!row.is_admitted() && row.admitted().is_admitted());
        assert_eq!(row.admitted().process_state(), ProcessState::Starting(RowState::NO_SPAWNER));
        assert!(!row.admitted().active().is_admitted() && !row.admitted().dead().is_admitted());
        assert_eq!(row.active().dead().freed().process_state(), ProcessState::Free);
        assert_eq!(row.active().dead().freed().epoch(), 1);
    }
}
