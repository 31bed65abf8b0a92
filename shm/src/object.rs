//! An object's words: its life, how many references each side has, what each side signals and who sleeps on it.
//!
//! One line an object, so that a million events take 64 MB, and so that a channel's writer finds everything
//! that is shared but rarely changes (is the peer closed, does anyone sleep) on one line.
//!
//! ```text
//!  life ─ koid ─ count[0] ─ count[1] ─ state[0] ─ state[1] ─ next[0] ─ next[1]
//! ```
//!
//! ## Life
//!
//! ```text
//!  INVALID ──▶ RESERVED(t) ──▶ LIVE ──▶ RETIRED ──▶ RECLAIMING(t) ──▶ FREE ──▶ RESERVED(t) …
//!  (virgin)    ▲            create     │ all sides  nobody names it          generation + 1
//!              │            commits    │ are done   in a hazard
//!              └───────────────────────┘ the same, and it holds nothing: generation + 1
//! ```
//! FREE becomes INVALID again when the memory of its page is given back: see `slot_pages`, which keeps the generation.
//!
//! INV-LIFE-1: every transition is one read-modify-write, or a store by the owner that the word names, or, of an object
//! with one side, a store by whoever finishes it: a side is on one list at most.
//! INV-LIFE-2: a side is *done* once its count reached 0 and what it held was closed; done bits only get set.
//! INV-LIFE-3: RETIRED is reached once per generation, in the step that makes the last side done.
//! INV-LIFE-4: a slot leaves RETIRED only when no hazard names it that was set before it was retired.
//! INV-LIFE-5: all-zero is INVALID: a hole punched in the arena reads as an error, never as a free slot; but for a page of
//! objects whose word, elsewhere, says that its memory was given back (`slot_pages`).
//!
//! ## Count
//! INV-COUNT-1: the number equals the records (handle entries and in-transit words) that refer to the side.
//! INV-COUNT-2: the word names its last change, (t, sequence), so that recovery knows whether a dead thread's
//! change landed. Whoever overwrites it first marks that thread's intent LANDED.
//! INV-COUNT-3: 0 is final: an increment refuses it.
//!
//! ## State
//! The high half holds the side's stored signals, the low half its event count: one read-modify-write changes
//! the signals and learns whether anybody sleeps. The kernel compares the low half.

use crate::bits::{Field, Tag};
use crate::quota::Charge;
use crate::region::Shared;
use crate::sync::{AtomicU64, Relaxed};

/// The first koid that is not reserved (`ZX_KOID_FIRST`).
pub(crate) const FIRST_KOID: u64 = 1024;

/// Signals that the mechanism itself asserts. The numbers are Zircon's.
pub mod signal {
    /// A message can be read.
    pub const READABLE: u32 = 1 << 0;
    /// A message can be written.
    pub const WRITABLE: u32 = 1 << 1;
    /// The other side is closed.
    pub const PEER_CLOSED: u32 = 1 << 2;
    /// The handle waited on was closed or transferred.
    pub const HANDLE_CLOSED: u32 = 1 << 23;
}

/// What an object consists of. The mechanism knows three shapes; kernel types are the caller's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One side: an event.
    Single,
    /// Two sides that see each other close: an event pair.
    Pair,
    /// Two sides with a ring each way: a channel.
    Channel,
}

impl Shape {
    /// How many sides it has.
    pub(crate) const fn sides(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Pair | Self::Channel => 2,
        }
    }

    const fn all_done(self) -> u64 {
        match self {
            Self::Single => 0b01,
            Self::Pair | Self::Channel => 0b11,
        }
    }
}

/// One object. See the module's page.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Object {
    pub(crate) life: AtomicU64,
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

/// A value of [`Object::life`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Life(pub(crate) u64);

/// The states of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LifeState {
    Invalid,
    Free,
    Reserved(Tag),
    Live,
    Retired,
    Reclaiming(Tag),
}

impl Life {
    const STATE: Field<60, 4> = Field;
    const GENERATION: Field<32, 28> = Field;
    const TAG: Field<20, 12> = Field;
    const KIND: Field<12, 8> = Field;
    const SHAPE: Field<10, 2> = Field;
    const DONE: Field<8, 2> = Field;
    /// While LIVE or RETIRED: whom the object is charged to, the row in place of a tag.
    const CHARGED_ROW: Field<20, 12> = Field;
    const CHARGED_EPOCH: Field<0, 8> = Field;

    const FREE: u64 = 1;
    const RESERVED: u64 = 2;
    const LIVE: u64 = 3;
    const RETIRED: u64 = 4;
    const RECLAIMING: u64 = 5;

    #[inline]
    pub(crate) fn state(self) -> LifeState {
        let tag = Tag(Self::TAG.get(self.0) as u16);
        match Self::STATE.get(self.0) {
            Self::FREE => LifeState::Free,
            Self::RESERVED => LifeState::Reserved(tag),
            Self::LIVE => LifeState::Live,
            Self::RETIRED => LifeState::Retired,
            Self::RECLAIMING => LifeState::Reclaiming(tag),
            _ => LifeState::Invalid,
        }
    }

    pub(crate) fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }

    /// The caller's type number.
    #[inline]
    pub(crate) fn kind(self) -> u8 {
        Self::KIND.get(self.0) as u8
    }

    /// `None` when the word's shape is none that any operation writes.
    #[inline]
    pub(crate) fn shape(self) -> Option<Shape> {
        match Self::SHAPE.get(self.0) {
            1 => Some(Shape::Single),
            2 => Some(Shape::Pair),
            3 => Some(Shape::Channel),
            _ => None,
        }
    }

    /// The same, in this generation.
    pub(crate) fn of_generation(self, generation: u64) -> Self {
        Self(Self::GENERATION.set(self.0, generation))
    }

    fn only_generation(self) -> u64 {
        Self::GENERATION.of(self.generation())
    }

    /// FREE or virgin → RESERVED by `tag`.
    pub(crate) fn reserved(self, tag: Tag) -> Self {
        Self(Self::STATE.of(Self::RESERVED) | Self::TAG.of(tag.0.into()) | self.only_generation())
    }

    /// RESERVED → LIVE.
    pub(crate) fn live(self, kind: u8, shape: Shape, charge: Charge) -> Self {
        let shape = match shape {
            Shape::Single => 1,
            Shape::Pair => 2,
            Shape::Channel => 3,
        };
        let word = Self::STATE.of(Self::LIVE) | Self::KIND.of(kind.into()) | Self::SHAPE.of(shape);
        let charge = Self::CHARGED_ROW.of(charge.row.into()) | Self::CHARGED_EPOCH.of(charge.epoch.into());
        Self(word | charge | self.only_generation())
    }

    /// Whether an object that is LIVE or RETIRED is charged to this process (or to one that had its row 256
    /// epochs away).
    pub(crate) fn is_charged_to(self, charge: Charge) -> bool {
        Self::CHARGED_ROW.get(self.0) == u64::from(charge.row)
            && Self::CHARGED_EPOCH.get(self.0) == Self::CHARGED_EPOCH.get(charge.epoch.into())
    }

    /// The row of the process that an object which is LIVE or RETIRED is charged to.
    pub(crate) fn charged_row(self) -> u16 {
        Self::CHARGED_ROW.get(self.0) as u16
    }

    /// The bit that marks `side` done.
    pub(crate) const fn done_bit(side: usize) -> u64 {
        Self::DONE.of(1 << side)
    }

    pub(crate) fn is_done(self, side: usize) -> bool {
        self.0 & Self::done_bit(side) != 0
    }

    /// Whether every side is done.
    pub(crate) fn is_complete(self) -> bool {
        self.shape().is_some_and(|shape| Self::DONE.get(self.0) == shape.all_done())
    }

    /// LIVE → LIVE with `side` done, or RETIRED if it is the last.
    #[inline]
    pub(crate) fn finished(self, side: usize) -> Self {
        let done = Self(self.0 | Self::done_bit(side));
        if done.is_complete() { Self(Self::STATE.set(done.0, Self::RETIRED)) } else { done }
    }

    /// RETIRED → RESERVED by `tag`, for the next generation: nobody names the slot, and it holds nothing.
    #[inline]
    pub(crate) fn renewed(self, tag: Tag) -> Self {
        self.freed().reserved(tag)
    }

    /// RETIRED → RECLAIMING by `tag`.
    pub(crate) fn reclaiming(self, tag: Tag) -> Self {
        Self(Self::TAG.set(Self::STATE.set(self.0, Self::RECLAIMING), tag.0.into()))
    }

    /// RECLAIMING or RESERVED → FREE, for the next generation.
    pub(crate) fn freed(self) -> Self {
        Self(Self::STATE.of(Self::FREE) | Self::GENERATION.of(self.generation() + 1))
    }
}

/// A value of [`Object::count`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) u64);

impl Count {
    const NUMBER: Field<44, 20> = Field;
    const CHANGER: Field<32, 12> = Field;
    const SEQUENCE: Field<0, 32> = Field;

    /// The most references a side can have.
    pub(crate) const MOST: u64 = 0xf_ffff;

    pub(crate) fn new(number: u64, changer: Tag, sequence: u32) -> Self {
        Self(
            Self::NUMBER.of(number) | Self::CHANGER.of(changer.0.into()) | Self::SEQUENCE.of(sequence.into()),
        )
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        Self::NUMBER.get(self.0)
    }

    pub(crate) fn changer(self) -> Tag {
        Tag(Self::CHANGER.get(self.0) as u16)
    }

    pub(crate) fn sequence(self) -> u32 {
        Self::SEQUENCE.get(self.0) as u32
    }
}

/// A value of [`Object::state`]: stored signals above, event count below.
///
/// | flag | set by | cleared by | means |
/// |---|---|---|---|
/// | MODE | a sleeper, before its heavy barrier | a waiter, after many waits that needed no sleep | changes of *derived* signals are followed by a full fence |
/// | SURE | that sleeper, after its barrier | with MODE | every changer has noticed MODE: others may sleep without a barrier of their own |
/// | ARMED | a sleeper | a waker, after waking, if the word is unchanged | somebody may sleep |
/// | ARMED_WRITABLE | a sleeper that waits for WRITABLE | as ARMED | the reader must tell of room too |
/// | WATCHED | a sleeper that waits for stored signals, when it arms | a signaller that clears a signal and finds nobody who watches | a sleeper may have to be told of what is cleared: see `watch` |
///
/// WATCHED stands among the signals, at the place of HANDLE_CLOSED, which is never stored.
///
/// INV-EVENT-1: ARMED is set only in a word that has MODE and SURE, except by a sleeper that the barrier is refused
/// to and that therefore sleeps only briefly. SURE is set only if MODE has not been
/// cleared since before the barrier, which the epoch tells.
/// INV-EVENT-2: arming and waking both advance the counter, so a waker clears only what it has woken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(pub(crate) u64);

impl State {
    pub(crate) const MODE: u64 = 1 << 31;
    pub(crate) const ARMED: u64 = 1 << 30;
    pub(crate) const ARMED_WRITABLE: u64 = 1 << 29;
    /// Any flag that makes a changer of derived signals look closer.
    pub(crate) const ATTENTION: u64 = Self::MODE | Self::ARMED | Self::ARMED_WRITABLE;
    pub(crate) const SURE: u64 = 1 << 28;
    pub(crate) const WATCHED: u64 = (signal::HANDLE_CLOSED as u64) << 32;
    const EPOCH: Field<24, 4> = Field;
    const COUNTER: Field<0, 24> = Field;

    #[inline]
    pub(crate) fn signals(self) -> u32 {
        (self.0 >> 32) as u32 & !signal::HANDLE_CLOSED
    }

    /// These signals cleared, and then those set.
    pub(crate) fn changed(self, clear: u32, set: u32) -> Self {
        let shifted = |signals: u32| u64::from(signals & !signal::HANDLE_CLOSED) << 32;
        Self(self.0 & !shifted(clear) | shifted(set))
    }

    /// The half that a futex compares.
    pub(crate) fn futex(self) -> u32 {
        self.0 as u32
    }

    pub(crate) fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    pub(crate) fn with(self, flags: u64) -> Self {
        Self(self.0 | flags)
    }

    pub(crate) fn without(self, flags: u64) -> Self {
        Self(self.0 & !flags)
    }

    /// Whether sleepers may arm without a barrier of their own.
    pub(crate) fn is_sure(self) -> bool {
        self.has(Self::MODE) && self.has(Self::SURE)
    }

    /// How often MODE has been cleared, in a few bits.
    pub(crate) fn epoch(self) -> u64 {
        Self::EPOCH.get(self.0)
    }

    /// MODE and SURE cleared, for the next epoch.
    pub(crate) fn relaxed(self) -> Self {
        Self(Self::EPOCH.set(self.without(Self::MODE | Self::SURE).0, self.epoch() + 1))
    }

    /// No signals, no flags; the counter has moved on, so that a sleeper of an earlier life looks again.
    pub(crate) fn fresh(self) -> Self {
        Self(self.relaxed().advanced().without(Self::ARMED | Self::ARMED_WRITABLE).futex().into())
    }

    /// Where a slot begins that has forgotten its last state: of any few generations each has a counter far from the
    /// others'.
    pub(crate) fn begun(generation: u64) -> Self {
        const GOLDEN_RATIO: u64 = 0x9e_3779;
        Self(Self::EPOCH.of(generation) | Self::COUNTER.of(generation.wrapping_mul(GOLDEN_RATIO)))
    }

    /// The counter advanced, wrapping inside its 24 bits.
    pub(crate) fn advanced(self) -> Self {
        Self(Self::COUNTER.set(self.0, Self::COUNTER.get(self.0) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_goes_round_and_comes_back_one_generation_older() {
        let free = Life(0).reserved(Tag(7)).freed();
        assert_eq!(free.state(), LifeState::Free);
        let reserved = free.reserved(Tag(9));
        assert_eq!(reserved.state(), LifeState::Reserved(Tag(9)));
        let live = reserved.live(5, Shape::Pair, Charge { row: 7, epoch: 0x1ff });
        assert_eq!((live.state(), live.kind(), live.shape()), (LifeState::Live, 5, Some(Shape::Pair)));
        let half = live.finished(1);
        assert_eq!(half.state(), LifeState::Live, "one side of two");
        assert!(half.is_done(1) && !half.is_done(0) && !half.is_complete());
        assert!(half.is_charged_to(Charge { row: 7, epoch: 0xff }));
        assert!(!half.is_charged_to(Charge { row: 7, epoch: 1 }));
        let retired = half.finished(0);
        assert_eq!(retired.state(), LifeState::Retired);
        assert_eq!(retired.renewed(Tag(5)), retired.reclaiming(Tag(3)).freed().reserved(Tag(5)));
        assert!(retired.is_charged_to(Charge { row: 7, epoch: 0xff }));
        assert_eq!(retired.reclaiming(Tag(3)).state(), LifeState::Reclaiming(Tag(3)));
        assert_eq!(retired.reclaiming(Tag(3)).freed().generation(), free.generation() + 1);
    }

    #[test]
    fn zero_is_no_life() {
        assert_eq!(Life(0).state(), LifeState::Invalid);
        assert_eq!(Life(0).shape(), None);
    }

    #[test]
    fn the_event_counter_wraps_without_touching_flags_or_signals() {
        let state = State(0xff_ffff).with(State::MODE | State::ARMED).changed(0, 0xff00_0008);
        let next = state.advanced();
        assert_eq!(next.signals(), 0xff00_0008);
        assert!(next.has(State::MODE) && next.has(State::ARMED));
        assert_eq!(next.futex() & 0xfff_ffff, 0);
    }
}
