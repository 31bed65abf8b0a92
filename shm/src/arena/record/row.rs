//! The records of a process and of a thread: their identity, the operation in progress, and their counters.
//!
//! A thread's row has four lines, so that no two threads write to one line. Its fields are the intents of
//! `word/intent`, the hazards and the counters.

use crate::arena::region::Shared;
use crate::arena::word::block::BlockWord;
use crate::arena::word::credit::{CreditKind, Returned};
use crate::arena::word::intent::{HandleLocation, ListIntent, Operation, RefcountIntent};
use crate::arena::word::leader::ProcessIdentity;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::row::{NoticeWord, RowState, Waiting};
use crate::sync::{AtomicU64, Relaxed};

/// Hazards of a thread: how many objects it may use at once.
pub(crate) const HAZARDS: usize = 5;

/// The hazard for the object of an operation.
pub(crate) const HAZARD_OPERATION: usize = 0;

/// The hazard for the side that is being torn down.
pub(crate) const HAZARD_RELEASE: usize = 1;

/// The hazard for the port that an index word names.
pub(crate) const HAZARD_PORT: usize = 2;

/// The hazard for the object whose observers are looked at.
pub(crate) const HAZARD_OBSERVED: usize = 3;

/// The hazard for the second operand of an operation.
pub(crate) const HAZARD_SECOND: usize = 4;

/// Counters of a thread; see `record/counter`.
pub(crate) const COUNTERS: usize = 8;

/// One attached process.
#[derive(Default)]
#[repr(C, align(512))]
pub(crate) struct ProcessRow {
    pub(crate) state: AtomicU64,
    /// Which process holds the row, so that a new supervisor finds the process: see `recovery/leader_election`. Only a
    /// pidfd proves its death.
    pub(crate) identity: AtomicU64,
    /// High-water mark: entries of its handle table that were ever used are below this index.
    pub(crate) entries_hwm: AtomicU64,
    /// 1 when the process could not register for expedited barriers and uses full fences.
    pub(crate) fenced: AtomicU64,
    /// The death notice: set when the process is about to die. It is never a proof. See `recovery/robust_futex`.
    pub(crate) death_notice: AtomicU64,
    /// One more than the last value of `asked` that its scavenger has answered; 0: it has no scavenger. See
    /// `process/scavenger`.
    pub(crate) answered: AtomicU64,
    _line_0: [AtomicU64; 2],
    /// Credits for blocks of each class, and for objects, that other processes have returned: see
    /// `memory/returned_credits`.
    pub(crate) returned: [AtomicU64; CreditKind::COUNT],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for ProcessRow {}

impl core::fmt::Debug for ProcessRow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Relaxed: each word is shown as it is at its moment.
        let word = |cell: &AtomicU64| cell.load(Relaxed);
        f.debug_struct("ProcessRow")
            .field("state", &RowState(word(&self.state)))
            .field("identity", &ProcessIdentity::from_word(word(&self.identity)))
            .field("entries_hwm", &word(&self.entries_hwm))
            .field("fenced", &(word(&self.fenced) != 0))
            .field("death_notice", &NoticeWord(word(&self.death_notice)))
            // The value of `asked` that it has answered.
            .field("answered", &word(&self.answered).checked_sub(1))
            .field("returned", &self.returned.each_ref().map(|returned| Returned(word(returned))))
            .finish()
    }
}

/// One thread of an attached process.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct ThreadRow {
    pub(crate) state: AtomicU64,
    pub(crate) refcount_intent: AtomicU64,
    pub(crate) handle_location: AtomicU64,
    pub(crate) release_queue: AtomicU64,
    pub(crate) list_intent: AtomicU64,
    pub(crate) list_intent_word: AtomicU64,
    pub(crate) operation: [AtomicU64; 2],
    hazard_line: HazardLine,
    counter_line: CounterLine,
    waiting_line: WaitingLine,
}

/// The hazards, on a line of their own, which only the reclaimer reads; the slot that is being taken or freed; and the
/// cookie that is being set.
#[derive(Default)]
#[repr(C, align(64))]
struct HazardLine([AtomicU64; HAZARDS], AtomicU64, [AtomicU64; 2]);

#[derive(Default)]
#[repr(C, align(64))]
struct CounterLine([AtomicU64; COUNTERS]);

/// Which object the thread sleeps on, for a reader of the arena who asks why a thread does not go on.
#[derive(Default)]
#[repr(C, align(64))]
struct WaitingLine(AtomicU64, [AtomicU64; 7]);

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for ThreadRow {}

impl core::fmt::Debug for ThreadRow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Relaxed: each word is shown as it is at its moment.
        let word = |cell: &AtomicU64| cell.load(Relaxed);
        let side = |cell: &AtomicU64| ObjectRef::from_link(word(cell));
        f.debug_struct("ThreadRow")
            .field("state", &RowState(word(&self.state)))
            .field("refcount_intent", &RefcountIntent(word(&self.refcount_intent)))
            .field("handle_location", &HandleLocation::from_word(word(&self.handle_location)))
            .field("release_queue", &side(&self.release_queue))
            .field("list_intent", &ListIntent::from_word(word(&self.list_intent)))
            .field("list_intent_word", &BlockWord(word(&self.list_intent_word)))
            .field("operation", &Operation::from_words(self.operation.each_ref().map(word)))
            .field("hazards", &self.hazards().each_ref().map(side))
            .field("slot", &word(self.slot()).checked_sub(1).map(|slot| Slot(slot as u32)))
            .field("cookie", &self.cookie().each_ref().map(word))
            .field("counters", &self.counters().each_ref().map(word))
            .field("waiting", &Waiting(word(self.waiting())))
            .finish()
    }
}

impl ThreadRow {
    /// Whether it names no operation in progress. Relaxed: the caller holds the row, or its thread is at rest or dead.
    pub(crate) fn is_idle(&self) -> bool {
        RefcountIntent(self.refcount_intent.load(Relaxed)).change().is_none() && !self.has_work()
    }

    /// Whether it names an operation, a block or slot that is changing owner, or sides on the release queue.
    pub(crate) fn has_work(&self) -> bool {
        [&self.operation[0], &self.list_intent, &self.release_queue, self.slot()]
            .iter()
            .any(|word| word.load(Relaxed) != 0)
    }

    /// One more than the slot that is being taken or freed; 0: none.
    pub(crate) fn slot(&self) -> &AtomicU64 {
        &self.hazard_line.1
    }

    /// The scope, and the cookie, of the setting that `Operation::SetCookie` names.
    pub(crate) fn cookie(&self) -> &[AtomicU64; 2] {
        &self.hazard_line.2
    }

    pub(crate) fn hazards(&self) -> &[AtomicU64; HAZARDS] {
        &self.hazard_line.0
    }

    /// A [`Waiting`](crate::arena::word::row::Waiting): written only around a sleep. No operation depends on it.
    pub(crate) fn waiting(&self) -> &AtomicU64 {
        &self.waiting_line.0
    }

    pub(crate) fn counters(&self) -> &[AtomicU64; COUNTERS] {
        &self.counter_line.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::block::{BlockId, BlockIndex};
    use crate::arena::word::intent::Change;
    use crate::arena::word::reference::ProcessIndex;

    #[test]
    fn debug_shows_fields_of_thread_rows() {
        let (row, object) = (ThreadRow::default(), ObjectRef::new(Slot(3), 1));
        let block = BlockId::new(crate::arena::size_class::SizeClass::SMALLEST, BlockIndex(8));
        row.state.store(RowState::thread_of(ProcessIndex(5)).0, Relaxed);
        row.refcount_intent.store(RefcountIntent::pending(Change::Decrement, object, 6).0, Relaxed);
        row.list_intent.store(ListIntent::Taking { block }.to_word(), Relaxed);
        row.hazards()[HAZARD_RELEASE].store(object.to_link(), Relaxed);
        row.slot().store(18, Relaxed);
        row.waiting().store(Waiting::asleep(2, Some(object)).0, Relaxed);
        let text = format!("{row:?}");
        for shown in [
            "thread_owner: Some(ProcessIndex(5))",
            "change: Some(Decrement), object: 3.1",
            "list_intent: Taking { block: 0/8 }",
            "operation: Idle",
            "hazards: [None, Some(3.1), None, None, None]",
            "slot: Some(Slot(17))",
            "is_asleep: true, items: 2",
        ] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        for cell in [&row.state, &row.refcount_intent, &row.list_intent, row.waiting()] {
            let bare = cell.load(Relaxed).to_string();
            assert!(!text.contains(&bare), "{bare} in {text}");
        }
    }

    #[test]
    fn debug_shows_fields_of_process_rows() {
        let row = ProcessRow::default();
        let identity = ProcessIdentity { pid: 77, started: 9 };
        row.state.store(RowState(0).active().0, Relaxed);
        row.identity.store(identity.to_word(), Relaxed);
        row.death_notice.store(1 << 30 | 78, Relaxed);
        row.returned[0].store(Returned::none(12), Relaxed);
        let text = format!("{row:?}");
        for shown in
            ["process_state: Active", "pid: 77, started: 9", "thread: 78, has_owner_died: true", "epoch: 12"]
        {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        for cell in [&row.state, &row.identity, &row.death_notice, &row.returned[0]] {
            let bare = cell.load(Relaxed).to_string();
            assert!(!text.contains(&bare), "{bare} in {text}");
        }
    }
}
