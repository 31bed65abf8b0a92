//! The records of a process and of a thread: their identity, the operation in progress, and their counters.
//!
//! A thread's row has four lines, so that no two threads write to one line. Its fields are the intents of
//! `word/intent`, the hazards and the counters.

use crate::arena::region::Shared;
use crate::arena::word::credit::CreditKind;
use crate::arena::word::intent::RefcountIntent;
use crate::sync::{AtomicU64, Relaxed};

/// Hazards of a thread: how many objects it may use at once.
pub(crate) const HAZARDS: usize = 4;

/// The hazard for the object of an operation.
pub(crate) const HAZARD_OPERATION: usize = 0;

/// The hazard for the side that is being torn down.
pub(crate) const HAZARD_RELEASE: usize = 1;

/// Counters of a thread; see `record/counter`.
pub(crate) const COUNTERS: usize = 8;

/// One attached process.
#[derive(Debug, Default)]
#[repr(C, align(256))]
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

/// One thread of an attached process.
#[derive(Debug, Default)]
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

/// The hazards, on a line of their own, which only the reclaimer reads; and the slot that is being taken or freed.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct HazardLine([AtomicU64; HAZARDS], AtomicU64);

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct CounterLine([AtomicU64; COUNTERS]);

/// Which object the thread sleeps on, for a reader of the arena who asks why a thread does not go on.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct WaitingLine(AtomicU64, [AtomicU64; 7]);

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for ThreadRow {}

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
