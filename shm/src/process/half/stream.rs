//! The private half of an exclusive end of a stream: where its process stands in both directions.
//!
//! A side of a fifo or a socket with one handle has one owning process, whose threads agree by private locks. A side that has had two
//! handles is shared, and has no private half (`object/stream/share`).
//!
//! The invariants of endpoints hold (INV-ENDPOINT-1 to -3, `process/half/channel`).

use crate::arena::arena_ref::ArenaRef;
use crate::arena::record::block::Descriptor;
use crate::arena::record::line::Line;
use crate::arena::word::block::BlockId;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::stream::geometry::Geometry;
use crate::arena::word::stream::item::ItemWord;
use crate::process::half::PrivateHalf;
use crate::process::half::entrance::Entrance;
use crate::process::quota::Quotas;
use crate::sync::{AtomicU64, Lock, Relaxed};
use crossbeam_utils::CachePadded;

/// The private half of one exclusive side.
#[derive(Debug, Default)]
pub(crate) struct StreamEndpoint {
    /// The side that the entry holds, as a link; 0 while it holds none.
    bound: AtomicU64,
    pub(crate) writing: CachePadded<Lock<WritePosition>>,
    pub(crate) reading: CachePadded<Lock<ReadPosition>>,
}

impl StreamEndpoint {
    /// Binds the half to a side that arrived, and forgets the one before.
    pub(crate) fn bind(&self, object: ObjectRef) {
        self.start_afresh(Some(object));
    }

    fn start_afresh(&self, bound: Option<ObjectRef>) {
        // A thread that holds both locks of a half at once takes them in this order.
        let mut writing = self.writing.lock();
        let mut reading = self.reading.lock();
        self.leave(&mut writing, &mut reading, bound);
    }

    /// The same, by a thread that holds both locks.
    pub(crate) fn leave(
        &self,
        writing: &mut WritePosition,
        reading: &mut ReadPosition,
        bound: Option<ObjectRef>,
    ) {
        *writing = WritePosition::default();
        *reading = ReadPosition::default();
        // Relaxed: the locks exclude other threads, and the entry that becomes LIVE next publishes the word.
        self.bound.store(bound.map_or(0, ObjectRef::to_link), Relaxed);
    }
}

impl PrivateHalf for StreamEndpoint {
    #[inline(always)]
    fn is_bound_to(&self, object: ObjectRef) -> bool {
        // Relaxed: as in `leave`.
        self.bound.load(Relaxed) == object.to_link()
    }

    /// Passes through both locks. A thread that still waits for a lock then finds the half not bound to its side.
    fn unbind(&self, _quotas: &Quotas) {
        self.start_afresh(None);
    }
}

/// Where an exclusive writer stands.
#[derive(Debug, Default)]
pub(crate) struct WritePosition {
    pub(crate) entrance: Entrance,
    /// The ring that it writes; the fields below were loaded with it.
    pub(crate) ring: Option<Ring>,
    pub(crate) tail: u64,
    /// The head when last looked at.
    pub(crate) head_seen: u64,
}

/// The open item of an exclusive writer: a block that is used as a ring. An end keeps what it has read and checked of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    /// The block that holds the bytes, and its lines.
    pub(crate) block: BlockId,
    pub(crate) lines: ArenaRef<[Line]>,
    /// The position of its first byte ever.
    pub(crate) start: u64,
    /// How many unread bytes it has room for.
    pub(crate) bytes: u64,
    /// The size of its stream.
    pub(crate) geometry: Geometry,
}

/// A ring as its reader keeps it, with the words that tell how far it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadRing {
    pub(crate) ring: Ring,
    /// The item's number, its place, and what the place says while it has the item.
    pub(crate) number: u64,
    pub(crate) place: ArenaRef<AtomicU64>,
    pub(crate) word: ItemWord,
    /// The block's descriptor, which has the item's start and end.
    pub(crate) descriptor: ArenaRef<Descriptor>,
}

/// Where an exclusive reader stands.
#[derive(Debug, Default)]
pub(crate) struct ReadPosition {
    pub(crate) entrance: Entrance,
    /// The ring that it reads; the fields below were loaded with it. `None` also when it reads the items of several writers.
    pub(crate) ring: Option<ReadRing>,
    pub(crate) head: u64,
    /// The tail when last looked at.
    pub(crate) tail_seen: u64,
}
