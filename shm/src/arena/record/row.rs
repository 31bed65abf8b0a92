//! The records of a process and of a thread: who they are, what they are in the middle of, and what they have counted.
//!
//! A thread's row is on four lines, so that no two threads write to one line. Its fields are the intents of
//! `word/intent`, the hazards, and the counters.

use crate::arena::region::Shared;
use crate::arena::word::intent::RefcountIntent;
use crate::sync::{AtomicU64, Relaxed};

/// Hazards a thread has: the objects it may be using at once.
pub(crate) const HAZARDS: usize = 4;

/// The hazard that an operation uses for its object.
pub(crate) const HAZARD_OPERATION: usize = 0;

/// The hazard that names the side being cleared.
pub(crate) const HAZARD_RELEASE: usize = 1;

/// Counters a thread keeps; see `record/counter`.
pub(crate) const COUNTERS: usize = 8;

/// One attached process.
#[derive(Debug, Default)]
#[repr(C, align(256))]
pub(crate) struct ProcessRow {
    pub(crate) claim: AtomicU64,
    /// Which process it is, so that whoever becomes the supervisor finds it: see `leader`. Proof of death is its
    /// pidfd.
    pub(crate) identity: AtomicU64,
    /// Entries of its handle table that were ever used are below this index.
    pub(crate) entries_hwm: AtomicU64,
    /// 1 when the process could not register for expedited barriers and uses full fences.
    pub(crate) fenced: AtomicU64,
    /// Fires when the process is about to die: see `death_notice`. Never a proof.
    pub(crate) death_notice: AtomicU64,
    /// One more than the count of askings that its keeper has answered; 0: it has none. See `scavenger`.
    pub(crate) answered: AtomicU64,
    _line_0: [AtomicU64; 2],
    /// Credits for blocks of each class, and for objects, that others have given back: see `returned`.
    pub(crate) returned: [AtomicU64; crate::arena::word::credit::KINDS],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for ProcessRow {}

/// One thread of an attached process.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct ThreadRow {
    pub(crate) claim: AtomicU64,
    pub(crate) reference: AtomicU64,
    pub(crate) record: AtomicU64,
    pub(crate) release_queue: AtomicU64,
    pub(crate) link: AtomicU64,
    pub(crate) link_word: AtomicU64,
    pub(crate) operation: [AtomicU64; 2],
    hazard_line: HazardLine,
    counter_line: CounterLine,
    _spare: CounterLine,
}

/// Hazards on a line of their own: the reclaimer reads it, nobody else does. And the slot that is taken or freed.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct HazardLine([AtomicU64; HAZARDS], AtomicU64);

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct CounterLine([AtomicU64; COUNTERS]);

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for ThreadRow {}

impl ThreadRow {
    /// Whether it names nothing that is under way. Relaxed: asked by its holder, or of one that is at rest or dead.
    pub(crate) fn is_idle(&self) -> bool {
        RefcountIntent(self.reference.load(Relaxed)).change().is_none() && !self.has_work()
    }

    /// Whether it names an operation, a block or a slot on its way, or dying sides.
    pub(crate) fn has_work(&self) -> bool {
        [&self.operation[0], &self.link, &self.release_queue, self.slot()]
            .iter()
            .any(|word| word.load(Relaxed) != 0)
    }

    /// One more than the slot that is taken or freed; 0: none is.
    pub(crate) fn slot(&self) -> &AtomicU64 {
        &self.hazard_line.1
    }

    pub(crate) fn hazards(&self) -> &[AtomicU64; HAZARDS] {
        &self.hazard_line.0
    }

    pub(crate) fn counters(&self) -> &[AtomicU64; COUNTERS] {
        &self.counter_line.0
    }
}
