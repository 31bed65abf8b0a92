//! The record of an object: its lifecycle word, its koid, and for each side a reference count, a state and a list link.
//!
//! One cache line holds all of it, so that a million events take 64 MB, and so that a channel's writer finds everything that
//! is shared but rarely changes (is the peer closed, does a thread sleep) on one line. The rings of a channel and the name of
//! an object lie in sections of their own.
//!
//! ```text
//!  life ─ koid ─ count[0] ─ count[1] ─ state[0] ─ state[1] ─ next[0] ─ next[1]
//! ```

use crate::arena::region::Shared;
use crate::sync::{AtomicU64, Relaxed};

/// The first koid that is not reserved (`ZX_KOID_FIRST`).
pub(crate) const FIRST_KOID: u64 = 1024;

/// One object. See the module's page.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Object {
    pub(crate) lifecycle: AtomicU64,
    /// Side 0's koid; side 1's is one more.
    pub(crate) koid: AtomicU64,
    pub(crate) count: [AtomicU64; 2],
    pub(crate) state: [AtomicU64; 2],
    /// Links of the list of dying sides that the side is on, if it is on one.
    pub(crate) next: [AtomicU64; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Object {}

/// The two directions of a channel. Direction `s` is written by side `s`.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Body {
    pub(crate) directions: [Direction; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Body {}

impl Direction {
    /// How many messages have been consumed, in whatever order, once the head has been seen at `head`: never more than
    /// really were. Each of the two only grows, and one of them is exact while the consumer is at rest.
    #[inline(always)]
    pub(crate) fn consumed(&self, head: u64) -> u64 {
        // Relaxed: room is granted on it, and no cell or block is written again for its sake.
        head.max(self.consumer.consumed.load(Relaxed))
    }
}

/// One direction: a line that only its producer writes, and a line that only its consumer writes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Direction {
    pub(crate) producer: ProducerLine,
    pub(crate) consumer: ConsumerLine,
}

/// What the writing side publishes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct ProducerLine {
    /// Messages ever sent: the store that commits a send.
    pub(crate) tail: AtomicU64,
    /// The segment being written, as a block link.
    pub(crate) tail_segment: AtomicU64,
    /// The very first segment, which the consumer starts from.
    pub(crate) first_segment: AtomicU64,
    /// The list of payload blocks that belong to this direction.
    pub(crate) blocks: AtomicU64,
    /// How many messages may be pending; 0: as many as the arena lets.
    pub(crate) max_pending: AtomicU64,
}

/// What the reading side publishes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct ConsumerLine {
    /// Messages ever consumed: the store that commits a receive.
    pub(crate) head: AtomicU64,
    /// The segment being read, as a block link; 0 until the first one has been left.
    pub(crate) head_segment: AtomicU64,
    /// Messages ever consumed, in whatever order; kept up only while some are consumed that lie ahead of the head.
    pub(crate) consumed: AtomicU64,
    /// 1: its reader discards replies to calls that have timed out.
    pub(crate) discards_late: AtomicU64,
}

/// The names of an object's sides. A name counts only while its koid word is the side's koid, so a slot that
/// is used again needs no clearing.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Name {
    pub(crate) sides: [NameOfSide; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Name {}

/// One side's name: whose it is, and 32 bytes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct NameOfSide {
    pub(crate) koid: AtomicU64,
    pub(crate) bytes: [AtomicU64; 4],
}
