//! Who is here: a row for each process and each thread, with what the thread is in the middle of.
//!
//! A thread's row is its will: whatever it does in more than one step it first writes down as an *intent*, so
//! that after its death the supervisor finishes the operation or undoes it, by what has committed.
//!
//! | intent | words | written before | tells recovery |
//! |---|---|---|---|
//! | reference | `reference`, `record` | a count changes | which record, which object, and whether it landed |
//! | operation | `operation[0]`, `operation[1]` | create, replace, send, receive | where the commit is to be seen |
//! | link | `link`, `link_word` | a block is taken, joins or leaves a direction | which block, and its exact word |
//! | slot | `slot` | a slot is taken or freed | which slot is in hand, or not yet as the map says: see `slot` |
//! | dying | `dying` | — | the sides whose last reference this thread took, still to be cleared |
//! | hazards | `hazards` | an object is used without a reference of one's own | what must be woken, and not reused |
//!
//! INV-ROW-1: only the thread that holds a row writes it, except that a helper may turn `reference` from
//! PENDING to LANDED, by CAS of the exact word.
//! INV-ROW-2: a dead thread's row stays as it is until everything it names has been recovered; hazards are
//! cleared last, so nothing it names is reused before.
//! INV-ROW-3: the sequence in `reference` survives reuse of the row.

use crate::bits::{Field, ObjectRef};
use crate::region::Shared;
use crate::sync::{AtomicU64, Relaxed};

/// Hazards a thread has: the objects it may be using at once.
pub(crate) const HAZARDS: usize = 4;
/// The hazard that an operation uses for its object.
pub(crate) const HAZARD_OPERATION: usize = 0;
/// The hazard that names the side being cleared.
pub(crate) const HAZARD_DYING: usize = 1;
/// Counters a thread keeps; see [`crate::counter`].
pub(crate) const COUNTERS: usize = 8;

/// One attached process.
#[derive(Debug, Default)]
#[repr(C, align(256))]
pub(crate) struct ProcessRow {
    pub(crate) claim: AtomicU64,
    /// Which process it is, so that whoever becomes the supervisor finds it: see `leader`. Proof of death is its
    /// pidfd.
    pub(crate) occupant: AtomicU64,
    /// Entries of its handle table that were ever used are below this index.
    pub(crate) entries_fresh: AtomicU64,
    /// 1 when the process could not register for expedited barriers and uses full fences.
    pub(crate) fenced: AtomicU64,
    /// Fires when the process is about to die: see `tripwire`. Never a proof.
    pub(crate) tripwire: AtomicU64,
    /// One more than the count of askings that its keeper has answered; 0: it has none. See `keeper`.
    pub(crate) answered: AtomicU64,
    _line_0: [AtomicU64; 2],
    /// Credits for blocks of each class, and for objects, that others have given back: see `returned`.
    pub(crate) returned: [AtomicU64; crate::returned::KINDS],
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
    pub(crate) dying: AtomicU64,
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
        Reference(self.reference.load(Relaxed)).change().is_none() && !self.has_work()
    }

    /// Whether it names an operation, a block or a slot on its way, or dying sides.
    pub(crate) fn has_work(&self) -> bool {
        [&self.operation[0], &self.link, &self.dying, self.slot()].iter().any(|word| word.load(Relaxed) != 0)
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

/// A value of [`ProcessRow::claim`] or [`ThreadRow::claim`].
///
/// ```text
///  process:  FREE ──▶ STARTING(spawner) ──▶ ACTIVE ──▶ DEAD ──▶ FREE, epoch + 1
///  thread:   FREE ──▶ ACTIVE(process) ─────────────────────────▶ FREE
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim(pub(crate) u64);

/// The states of a process row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessState {
    Free,
    /// This process has prepared the row; the child has not attached yet. 0: the supervisor watches over it.
    Starting(u16),
    Active,
    /// Its process is dead; recovery is under way.
    Dead,
}

impl Claim {
    const STATE: Field<60, 4> = Field;
    const EPOCH: Field<32, 20> = Field;
    const SPAWNER: Field<12, 12> = Field;
    const PROCESS: Field<0, 12> = Field;

    /// The spawner of a seat that the supervisor has taken over.
    pub(crate) const NOBODY: u16 = 0;
    const STARTING: u64 = 1;
    const ACTIVE: u64 = 2;
    const DEAD: u64 = 3;

    pub(crate) fn epoch(self) -> u32 {
        Self::EPOCH.get(self.0) as u32
    }

    pub(crate) fn process_state(self) -> ProcessState {
        match Self::STATE.get(self.0) {
            Self::STARTING => ProcessState::Starting(Self::SPAWNER.get(self.0) as u16),
            Self::ACTIVE => ProcessState::Active,
            Self::DEAD => ProcessState::Dead,
            _ => ProcessState::Free,
        }
    }

    fn of_epoch(self, state: u64) -> Self {
        Self(Self::STATE.of(state) | Self::EPOCH.of(self.epoch().into()))
    }

    pub(crate) fn starting(self, spawner: u16) -> Self {
        Self(self.of_epoch(Self::STARTING).0 | Self::SPAWNER.of(spawner.into()))
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
    pub(crate) fn thread_of(process: u16) -> Self {
        Self(Self::STATE.of(Self::ACTIVE) | Self::PROCESS.of(process.into()))
    }

    /// The process whose thread holds the row, if one does.
    pub(crate) fn thread_owner(self) -> Option<u16> {
        (Self::STATE.get(self.0) == Self::ACTIVE).then(|| Self::PROCESS.get(self.0) as u16)
    }
}

/// Which way a count changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Up,
    Down,
}

/// A value of [`ThreadRow::reference`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference(pub(crate) u64);

impl Reference {
    const KIND: Field<60, 4> = Field;
    const LANDED: Field<56, 4> = Field;
    const OBJECT: Field<32, 24> = Field;
    const SEQUENCE: Field<0, 32> = Field;

    pub(crate) fn idle(sequence: u32) -> Self {
        Self(Self::SEQUENCE.of(sequence.into()))
    }

    pub(crate) fn pending(change: Change, object: ObjectRef, sequence: u32) -> Self {
        let kind = if change == Change::Up { 1 } else { 2 };
        Self(Self::KIND.of(kind) | Self::OBJECT.of(object.0.into()) | Self::SEQUENCE.of(sequence.into()))
    }

    pub(crate) fn change(self) -> Option<Change> {
        match Self::KIND.get(self.0) {
            1 => Some(Change::Up),
            2 => Some(Change::Down),
            _ => None,
        }
    }

    pub(crate) fn object(self) -> ObjectRef {
        ObjectRef(Self::OBJECT.get(self.0) as u32)
    }

    pub(crate) fn sequence(self) -> u32 {
        Self::SEQUENCE.get(self.0) as u32
    }

    pub(crate) fn is_landed(self) -> bool {
        Self::LANDED.get(self.0) != 0
    }

    pub(crate) fn landed(self) -> Self {
        Self(self.0 | Self::LANDED.of(1))
    }

    /// Whether this is the still unmarked intent to change `object` under `sequence`.
    pub(crate) fn is_pending(self, object: ObjectRef, sequence: u32) -> bool {
        self.change().is_some() && !self.is_landed() && self.object() == object && self.sequence() == sequence
    }
}

/// What a thread is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Idle,
    /// Making the object in this slot; its entries are those reserved for it.
    Create {
        slot: u32,
    },
    /// Moving a reference from one entry to another: replace, and handing a child its startup handle.
    Move {
        from: Record,
        to: Record,
    },
    /// Sending from this side; the message stands at `position` once that is known.
    Send {
        from: ObjectRef,
        position: Option<u64>,
    },
    /// Receiving at this side the message at `position`.
    Receive {
        at: ObjectRef,
        position: u64,
    },
}

impl Operation {
    const KIND: Field<60, 4> = Field;
    const LOW: Field<0, 40> = Field;
    const NO_POSITION: u64 = u64::MAX;

    /// The two words; the second is stored first, the first one makes it count.
    pub(crate) fn to_words(self) -> [u64; 2] {
        match self {
            Self::Idle => [0, 0],
            Self::Create { slot } => [Self::KIND.of(1) | Self::LOW.of(slot.into()), 0],
            Self::Move { from, to } => [Self::KIND.of(2) | Self::LOW.of(from.to_word()), to.to_word()],
            Self::Send { from, position } => {
                [Self::KIND.of(3) | Self::LOW.of(from.0.into()), position.unwrap_or(Self::NO_POSITION)]
            }
            Self::Receive { at, position } => [Self::KIND.of(4) | Self::LOW.of(at.0.into()), position],
        }
    }

    pub(crate) fn from_words([first, second]: [u64; 2]) -> Self {
        let low = Self::LOW.get(first);
        let object = ObjectRef(low as u32 & 0xff_ffff);
        match Self::KIND.get(first) {
            1 => Self::Create { slot: low as u32 },
            2 => Self::Move { from: Record::from_word(low), to: Record::from_word(second) },
            3 => Self::Send { from: object, position: (second != Self::NO_POSITION).then_some(second) },
            4 => Self::Receive { at: object, position: second },
            _ => Self::Idle,
        }
    }
}

/// Where a reference stands: in some process's handle table, or in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// An entry of a handle table.
    Entry { process: u16, index: u32 },
    /// A handle in transit: this word of the payload block, or of the ring segment, that carries its message.
    Transit { block: crate::block::BlockId, word: u32 },
}

impl Record {
    const IS_TRANSIT: Field<39, 1> = Field;
    const PROCESS: Field<20, 12> = Field;
    const ENTRY: Field<0, 20> = Field;
    const BLOCK: Field<0, 28> = Field;
    const WORD: Field<40, 24> = Field;

    /// 40 bits for an entry.
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Self::Entry { process, index } => Self::PROCESS.of(process.into()) | Self::ENTRY.of(index.into()),
            Self::Transit { block, word } => {
                Self::IS_TRANSIT.of(1) | Self::BLOCK.of(block.to_link()) | Self::WORD.of(word.into())
            }
        }
    }

    pub(crate) fn from_word(word: u64) -> Self {
        if Self::IS_TRANSIT.get(word) == 0 {
            Self::Entry { process: Self::PROCESS.get(word) as u16, index: Self::ENTRY.get(word) as u32 }
        } else {
            let block = crate::block::BlockId::from_link_or_first(Self::BLOCK.get(word));
            Self::Transit { block, word: Self::WORD.get(word) as u32 }
        }
    }
}

/// How a block is taken, and how it joins or leaves a direction: a value of [`ThreadRow::link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Idle,
    /// `block` is tried, or has been taken and is part of nothing yet.
    Taking {
        block: crate::block::BlockId,
    },
    /// Free blocks of a leaf of the map, which begins with `block`, are taken, to give their memory back.
    GivingBack {
        block: crate::block::BlockId,
    },
    /// Free blocks are taken, from `block` on, so that they have never been used.
    Trimming {
        block: crate::block::BlockId,
    },
    /// Free slots of a page of objects are taken, to give its memory back.
    GivingSlotsBack {
        page: u32,
    },
    /// `block` becomes the next ring segment of the direction that `from` writes.
    JoinSegment {
        from: ObjectRef,
        block: crate::block::BlockId,
    },
    /// `block` becomes one of its payload blocks.
    JoinPayload {
        from: ObjectRef,
        block: crate::block::BlockId,
    },
    /// The segment has been read to its end, or the direction is being taken apart.
    LeaveSegment {
        from: ObjectRef,
        block: crate::block::BlockId,
    },
    /// The payload block is given back.
    LeavePayload {
        from: ObjectRef,
        block: crate::block::BlockId,
    },
}

impl Link {
    const KIND: Field<60, 4> = Field;
    const OBJECT: Field<32, 24> = Field;
    const BLOCK: Field<0, 32> = Field;

    pub(crate) fn to_word(self) -> u64 {
        let (kind, from, block) = match self {
            Self::Idle => return 0,
            Self::GivingSlotsBack { page } => return Self::KIND.of(8) | Self::BLOCK.of(page.into()),
            Self::JoinSegment { from, block } => (1, from, block),
            Self::JoinPayload { from, block } => (2, from, block),
            Self::LeaveSegment { from, block } => (3, from, block),
            Self::LeavePayload { from, block } => (4, from, block),
            Self::Taking { block } => (5, ObjectRef(0), block),
            Self::GivingBack { block } => (6, ObjectRef(0), block),
            Self::Trimming { block } => (7, ObjectRef(0), block),
        };
        Self::KIND.of(kind) | Self::OBJECT.of(from.0.into()) | Self::BLOCK.of(block.to_link())
    }

    pub(crate) fn from_word(word: u64) -> Self {
        let from = ObjectRef(Self::OBJECT.get(word) as u32);
        let block = crate::block::BlockId::from_link_or_first(Self::BLOCK.get(word));
        match Self::KIND.get(word) {
            1 => Self::JoinSegment { from, block },
            2 => Self::JoinPayload { from, block },
            3 => Self::LeaveSegment { from, block },
            4 => Self::LeavePayload { from, block },
            5 => Self::Taking { block },
            6 => Self::GivingBack { block },
            7 => Self::Trimming { block },
            8 => Self::GivingSlotsBack { page: Self::BLOCK.get(word) as u32 },
            _ => Self::Idle,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BlockId;

    #[test]
    fn intents_survive_being_words() {
        let block = BlockId::new(16, 4_000_000);
        let entry = Record::Entry { process: 4095, index: 0xf_ffff };
        let transit = Record::Transit { block, word: 63 };
        for record in [entry, transit] {
            assert_eq!(Record::from_word(record.to_word()), record);
        }
        let object = ObjectRef::new(0x7f_ffff, 1);
        for operation in [
            Operation::Idle,
            Operation::Create { slot: 0x7f_ffff },
            Operation::Move { from: entry, to: Record::Entry { process: 1, index: 1 } },
            Operation::Send { from: object, position: None },
            Operation::Send { from: object, position: Some(1 << 40) },
            Operation::Receive { at: object, position: 0 },
        ] {
            assert_eq!(Operation::from_words(operation.to_words()), operation);
        }
        for link in [
            Link::Idle,
            Link::JoinSegment { from: object, block },
            Link::JoinPayload { from: object, block },
            Link::LeaveSegment { from: object, block },
            Link::LeavePayload { from: object, block },
            Link::Taking { block },
            Link::GivingBack { block },
            Link::Trimming { block },
            Link::GivingSlotsBack { page: 0x1_ffff },
        ] {
            assert_eq!(Link::from_word(link.to_word()), link);
        }
    }

    #[test]
    fn a_helper_recognises_exactly_one_pending_change() {
        let object = ObjectRef::new(3, 0);
        let pending = Reference::pending(Change::Down, object, 9);
        assert!(pending.is_pending(object, 9));
        assert!(!pending.is_pending(object, 10));
        assert!(!pending.is_pending(object.peer(), 9));
        assert!(!pending.landed().is_pending(object, 9));
        assert!(!Reference::idle(9).is_pending(object, 9));
    }

    #[test]
    fn a_process_row_comes_back_one_epoch_older() {
        let row = Claim(0).starting(5);
        assert_eq!(row.process_state(), ProcessState::Starting(5));
        assert_eq!(row.active().dead().freed().process_state(), ProcessState::Free);
        assert_eq!(row.active().dead().freed().epoch(), 1);
    }
}
