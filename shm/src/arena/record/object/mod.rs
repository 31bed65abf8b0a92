//! The record of an object: its lifecycle word, its koid, and for each side a reference count, a state and a list link.
//!
//! One cache line holds all of it, so a million events take 64 MB. A channel's writer finds on one line everything that
//! is shared but rarely changes: whether the peer is closed, whether a thread sleeps. The rings of a channel, the name of
//! an object and its cookies lie in sections of their own.
//!
//! ```text
//!  lifecycle ─ koid ─ count[0] ─ count[1] ─ state[0] ─ state[1] ─ next[0] ─ next[1]
//! ```

pub(crate) mod buffer;
pub(crate) mod vmo;

use crate::arena::region::Shared;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::State;
use crate::sync::{AtomicU64, Relaxed};

/// The first koid that is not reserved (`ZX_KOID_FIRST`).
pub(crate) const FIRST_KOID: u64 = 1024;

/// One object. See the module's documentation.
#[derive(Default)]
#[repr(C, align(64))]
pub(crate) struct Object {
    pub(crate) lifecycle: AtomicU64,
    /// Side 0's koid; side 1's is one more.
    pub(crate) koid: AtomicU64,
    pub(crate) count: [AtomicU64; 2],
    pub(crate) state: [AtomicU64; 2],
    /// The link to the next side of the release queue that the side is on, if it is on one.
    pub(crate) next: [AtomicU64; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Object {}

impl core::fmt::Debug for Object {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Relaxed: each word is shown as it is at its moment.
        let word = |cell: &AtomicU64| cell.load(Relaxed);
        f.debug_struct("Object")
            .field("lifecycle", &Lifecycle(word(&self.lifecycle)))
            .field("koid", &word(&self.koid))
            .field("count", &self.count.each_ref().map(|count| Count(word(count))))
            .field("state", &self.state.each_ref().map(|state| State(word(state))))
            .field("next", &self.next.each_ref().map(|next| ObjectRef::from_link(word(next))))
            .finish()
    }
}

/// The words of a class: the two directions of a channel, a fifo or a socket, of which `s` is written by side `s`; the word of a
/// timer; a port's; a buffer's; a VM object's.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct ObjectBody {
    pub(crate) directions: [Direction; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for ObjectBody {}

impl ObjectBody {
    /// The word of a timer. It lies where a channel has the tail of its first direction: an object is one of the two.
    pub(crate) fn timer(&self) -> &AtomicU64 {
        &self.directions[0].producer.tail
    }
}

impl Direction {
    /// How many messages have been consumed, in any order, if the head was seen at `head`. The result is never more
    /// than the true number: `head` and `consumed` only grow, and the greater of them is exact while the consumer is at
    /// rest.
    #[inline(always)]
    pub(crate) fn consumed(&self, head: u64) -> u64 {
        // Relaxed: the producer grants room by this number, and does not reuse a slot or a block because of it.
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

/// The words that the writing side publishes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct ProducerLine {
    /// How many messages were ever sent. The stores of their headers, before it, commit the sends.
    pub(crate) tail: AtomicU64,
    /// The segment that is being written, as a block link.
    pub(crate) tail_segment: AtomicU64,
    /// The very first segment. The consumer starts there.
    pub(crate) first_segment: AtomicU64,
    /// The list of payload blocks that belong to this direction.
    pub(crate) blocks: AtomicU64,
    /// How many messages may be pending; 0: as many as the arena allows.
    pub(crate) max_pending: AtomicU64,
    pub(in crate::arena::record) spare: [AtomicU64; 3],
}

impl ProducerLine {
    /// Of a channel: whether the last write was refused, and when the next look for room is due
    /// (`object/channel/write/refusal`).
    #[inline(always)]
    pub(crate) fn refusal(&self) -> &AtomicU64 {
        &self.spare[0]
    }
}

/// The words that the reading side publishes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct ConsumerLine {
    /// How many messages were ever consumed in order. The store to it commits a receive.
    pub(crate) head: AtomicU64,
    /// The segment that is being read, as a block link; 0 until the consumer has left the first segment.
    pub(crate) head_segment: AtomicU64,
    /// How many messages were ever consumed, in any order. Maintained only while some ahead of the head are consumed.
    pub(crate) consumed: AtomicU64,
    /// 1: the reader discards replies to calls that have timed out.
    pub(crate) discards_late: AtomicU64,
    /// Of every object that can be observed: the first words of the index of the observers of the side that writes this
    /// direction (`object/port/index`). Here, since the thread that reads this direction changes the signals of that
    /// side.
    pub(crate) index: [AtomicU64; 2],
    /// The first block of the rest of the index, as a block link.
    pub(crate) index_blocks: AtomicU64,
    pub(super) spare: AtomicU64,
}

/// The words of a body, as a port uses them. A port has no sides that can be observed, and so no index.
///
/// ```text
///  line 0, written when a packet is queued    tail · overflow · hint for user packets · hint for observers
///  line 1, written by waiters                 head · sleepers · earliest
///  lines 2 and 3, which rarely change         ring · 15 leaves, each with the groups of cells
/// ```
#[derive(Clone, Copy)]
pub(crate) struct PortBody<'a>(&'a ObjectBody);

/// How many words of a port's body lead to blocks: its ring and its leaves.
pub(crate) const PORT_PLACES: usize = 16;

impl<'a> PortBody<'a> {
    pub(crate) fn of(body: &'a ObjectBody) -> Self {
        Self(body)
    }

    fn line_0(self) -> &'a ProducerLine {
        &self.0.directions[0].producer
    }

    fn line_1(self) -> &'a ConsumerLine {
        &self.0.directions[0].consumer
    }

    /// How many packets were ever put into the ring. A hint, which may be behind by up to a lap.
    pub(crate) fn tail(self) -> &'a AtomicU64 {
        &self.line_0().tail
    }

    /// Bit 63: cells have packets that found no place in the ring. Below it a count of how often that happened.
    pub(crate) fn overflow(self) -> &'a AtomicU64 {
        &self.line_0().tail_segment
    }

    /// A group that is likely to have a free cell, for user packets and for observers.
    pub(crate) fn hint(self, for_users: bool) -> &'a AtomicU64 {
        if for_users { &self.line_0().first_segment } else { &self.line_0().blocks }
    }

    /// How many places of the ring were ever emptied. A hint, like the tail.
    pub(crate) fn head(self) -> &'a AtomicU64 {
        &self.line_1().head
    }

    /// The bound of the deadlines of all timers that the port observes: see `object/port/deadlines`.
    pub(crate) fn earliest(self) -> &'a AtomicU64 {
        &self.line_1().consumed
    }

    /// Who has ever slept at this port: see `word/port/sleeper`.
    pub(crate) fn sleepers(self) -> &'a AtomicU64 {
        &self.line_1().head_segment
    }

    /// The words that lead to blocks: the ring, and then the leaves.
    pub(crate) fn places(self) -> [&'a AtomicU64; PORT_PLACES] {
        let Direction { producer: p, consumer: c } = &self.0.directions[1];
        let [p0, p1, p2] = &p.spare;
        let [c0, c1] = &c.index;
        [
            &p.tail,
            &p.tail_segment,
            &p.first_segment,
            &p.blocks,
            &p.max_pending,
            p0,
            p1,
            p2,
            &c.head,
            &c.head_segment,
            &c.consumed,
            &c.discards_late,
            c0,
            c1,
            &c.index_blocks,
            &c.spare,
        ]
    }
}

/// The names of an object's sides. A name is valid only while its koid word is the side's koid, so a reused slot needs
/// no clearing.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Name {
    pub(crate) sides: [NameOfSide; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Name {}

/// One side's name: the koid of its owner, and 32 bytes.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct NameOfSide {
    pub(crate) koid: AtomicU64,
    pub(crate) bytes: [AtomicU64; 4],
}

/// The cookies of an object's sides: see `object/info/cookie`.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct CookieJars {
    pub(crate) sides: [CookieJar; 2],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for CookieJars {}

/// One side's cookie, and its scope.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct CookieJar {
    /// Whether there is a cookie, and in which word: a value of `object/info/jar`.
    pub(crate) state: AtomicU64,
    /// The koid of the scope.
    pub(crate) scope: AtomicU64,
    /// The first cookie.
    pub(crate) first: AtomicU64,
    /// The cookie that has replaced it.
    pub(crate) latest: AtomicU64,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::reference::{Slot, Tag};

    #[test]
    fn debug_shows_fields_of_each_word() {
        let object = Object::default();
        object.lifecycle.store(Lifecycle(0).reserved(Tag(9)).0, Relaxed);
        object.koid.store(FIRST_KOID, Relaxed);
        object.count[1].store(Count::new(5, Tag(7), 11).0, Relaxed);
        object.state[0].store(State(0).with(State::HAS_WAITERS).0, Relaxed);
        object.next[1].store(ObjectRef::new(Slot(3), 1).to_link(), Relaxed);
        let text = format!("{object:?}");
        for shown in ["Reserved(Tag(9))", "koid: 1024", "number: 5, changer: Tag(7)", "[None, Some(3.1)]"] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        for cell in [&object.lifecycle, &object.count[1], &object.state[0]] {
            let bare = cell.load(Relaxed).to_string();
            assert!(!text.contains(&bare), "{bare} in {text}");
        }
    }
}
