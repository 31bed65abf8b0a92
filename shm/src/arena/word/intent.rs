//! The write-ahead intents of a thread: its row names every operation that takes more than one step, before the first
//! step.
//!
//! After a thread's death recovery resolves its in-doubt intents: it finishes the operation if the operation had
//! committed, and undoes it otherwise.
//!
//! | intent | words | written before | tells recovery |
//! |---|---|---|---|
//! | refcount | `refcount_intent`, `handle_location` | a count changes | which record, which object, and whether it was applied |
//! | operation | `operation[0]`, `operation[1]`, `cookie` | create, replace, send, receive, shrink, a first cookie | which word shows the commit |
//! | list | `list_intent`, `list_intent_word` | a block is taken, linked to a direction or unlinked | which block, and its exact word |
//! | slot | `slot` | a slot is taken or freed | which slot is in hand, or not yet as the map says: see `memory/slot_pool` |
//! | release queue | `release_queue` | — | the sides that lost their last reference to this thread, still to be torn down |
//! | hazards | `hazards` | an object is used without a reference of the thread's own | which objects to wake, and not to reuse |
//!
//! INV-ROW-1: only the thread that holds a row writes it, except that a helper may turn `refcount_intent` from
//! PENDING to APPLIED, by CAS of the exact word.
//! INV-ROW-2: a dead thread's row stays as it is until everything it names has been recovered; hazards are
//! cleared last, so no object that it names is reused before.
//! INV-ROW-3: the sequence in `refcount_intent` survives reuse of the row.

use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Slot};
use crate::arena::word::vmo::size::SizeWord;
use crate::arena::word::{Field, debug_as_fields};

/// The direction in which a count changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Increment,
    Decrement,
}

/// A value of `ThreadRow::refcount_intent`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefcountIntent(pub(crate) u64);

debug_as_fields!(RefcountIntent { change, object, sequence, is_applied });

impl RefcountIntent {
    const KIND: Field<60, 4> = Field;
    const APPLIED: Field<56, 4> = Field;
    const OBJECT: Field<32, 24> = Field;
    const SEQUENCE: Field<0, 32> = Field;

    pub(crate) fn idle(sequence: u32) -> Self {
        Self(Self::SEQUENCE.of(sequence.into()))
    }

    pub(crate) fn pending(change: Change, object: ObjectRef, sequence: u32) -> Self {
        let kind = if change == Change::Increment { 1 } else { 2 };
        Self(Self::KIND.of(kind) | Self::OBJECT.of(object.0.into()) | Self::SEQUENCE.of(sequence.into()))
    }

    pub(crate) fn change(self) -> Option<Change> {
        match Self::KIND.get(self.0) {
            1 => Some(Change::Increment),
            2 => Some(Change::Decrement),
            _ => None,
        }
    }

    pub(crate) fn object(self) -> ObjectRef {
        ObjectRef(Self::OBJECT.get(self.0) as u32)
    }

    pub(crate) fn sequence(self) -> u32 {
        Self::SEQUENCE.get(self.0) as u32
    }

    pub(crate) fn is_applied(self) -> bool {
        Self::APPLIED.get(self.0) != 0
    }

    pub(crate) fn applied(self) -> Self {
        Self(self.0 | Self::APPLIED.of(1))
    }

    /// Whether this is the intent to change `object` under `sequence`, not marked APPLIED yet.
    pub(crate) fn is_pending(self, object: ObjectRef, sequence: u32) -> bool {
        self.change().is_some()
            && !self.is_applied()
            && self.object() == object
            && self.sequence() == sequence
    }
}

/// The operation that a thread has in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Idle,
    /// Creating the object in this slot. Its entries are those reserved for it.
    Create {
        slot: Slot,
    },
    /// Moving a reference from one record to another, at most one of which is in a block: replace, giving a child its
    /// startup handle or the arena its root, and to and from the queue of a listener. The new record gets these rights,
    /// also if recovery completes the move: another process may get the handle.
    Move {
        from: HandleLocation,
        to: HandleLocation,
        rights: Rights,
    },
    /// Sending from this side. The message is at `position` once that is known.
    Send {
        from: ObjectRef,
        position: Option<u64>,
    },
    /// Receiving at this side the message at `position`.
    Receive {
        at: ObjectRef,
        position: u64,
    },
    /// Shrinking the VM object. `to` is its new size, in the version of the size that it replaces.
    Shrink {
        vmo: ObjectRef,
        to: SizeWord,
    },
    /// Setting the first cookie of this side. The row has the scope and the cookie (`ThreadRow::cookie`).
    SetCookie {
        at: ObjectRef,
    },
}

impl Operation {
    const KIND: Field<60, 4> = Field;
    const RIGHTS: Field<40, 20> = Field;
    const LOW: Field<0, 40> = Field;
    const NO_POSITION: u64 = u64::MAX;

    /// The two words. The second is stored first; the store of the first makes the intent valid.
    pub(crate) fn to_words(self) -> [u64; 2] {
        match self {
            Self::Idle => [0, 0],
            Self::Create { slot } => [Self::KIND.of(1) | Self::LOW.of(slot.0.into()), 0],
            // The first word has room for an entry alone, and says which of the two it is.
            Self::Move { from, to, rights } => {
                let (kind, entry, other) = match from {
                    HandleLocation::Entry { .. } => (2, from, to),
                    HandleLocation::Transit { .. } => (5, to, from),
                };
                let rights = Self::RIGHTS.of(rights.bits().into());
                [Self::KIND.of(kind) | rights | Self::LOW.of(entry.to_word()), other.to_word()]
            }
            Self::Send { from, position } => {
                [Self::KIND.of(3) | Self::LOW.of(from.0.into()), position.unwrap_or(Self::NO_POSITION)]
            }
            Self::Receive { at, position } => [Self::KIND.of(4) | Self::LOW.of(at.0.into()), position],
            Self::Shrink { vmo, to } => [Self::KIND.of(6) | Self::LOW.of(vmo.0.into()), to.0],
            Self::SetCookie { at } => [Self::KIND.of(7) | Self::LOW.of(at.0.into()), 0],
        }
    }

    pub(crate) fn from_words([first, second]: [u64; 2]) -> Self {
        let low = Self::LOW.get(first);
        let object = ObjectRef(low as u32 & 0xff_ffff);
        match Self::KIND.get(first) {
            1 => Self::Create { slot: Slot(low as u32) },
            kind @ (2 | 5) => {
                let (entry, other) = (HandleLocation::from_word(low), HandleLocation::from_word(second));
                let (from, to) = if kind == 2 { (entry, other) } else { (other, entry) };
                Self::Move { from, to, rights: Rights::from_bits_retain(Self::RIGHTS.get(first) as u32) }
            }
            3 => Self::Send { from: object, position: (second != Self::NO_POSITION).then_some(second) },
            4 => Self::Receive { at: object, position: second },
            6 => Self::Shrink { vmo: object, to: SizeWord(second) },
            7 => Self::SetCookie { at: object },
            _ => Self::Idle,
        }
    }
}

/// The place of a reference: in a process's handle table, or in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HandleLocation {
    /// An entry of a handle table.
    Entry { process: ProcessIndex, index: EntryIndex },
    /// A handle in transit: this word of the payload block, or of the ring segment, that carries its message.
    Transit { block: crate::arena::word::block::BlockId, word: u32 },
}

impl HandleLocation {
    const IS_TRANSIT: Field<39, 1> = Field;
    const PROCESS: Field<20, 12> = Field;
    const ENTRY: Field<0, 20> = Field;
    const BLOCK: Field<0, 28> = Field;
    const WORD: Field<40, 24> = Field;

    /// An entry takes 40 bits.
    pub(crate) fn to_word(self) -> u64 {
        match self {
            Self::Entry { process, index } => {
                Self::PROCESS.of(process.0.into()) | Self::ENTRY.of(index.0.into())
            }
            Self::Transit { block, word } => {
                Self::IS_TRANSIT.of(1) | Self::BLOCK.of(block.to_link()) | Self::WORD.of(word.into())
            }
        }
    }

    pub(crate) fn from_word(word: u64) -> Self {
        if Self::IS_TRANSIT.get(word) == 0 {
            Self::Entry {
                process: ProcessIndex(Self::PROCESS.get(word) as u16),
                index: EntryIndex(Self::ENTRY.get(word) as u32),
            }
        } else {
            let block = crate::arena::word::block::BlockId::from_link_or_first(Self::BLOCK.get(word));
            Self::Transit { block, word: Self::WORD.get(word) as u32 }
        }
    }
}

/// How a block is taken, linked to an object or unlinked from it: a value of `ThreadRow::list_intent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListIntent {
    Idle,
    /// `block` is being taken, or has been taken and is not linked yet.
    Taking {
        block: crate::arena::word::block::BlockId,
    },
    /// Free blocks of the leaf of the map that begins with `block` are taken, to give their memory back.
    Decommitting {
        block: crate::arena::word::block::BlockId,
    },
    /// Free blocks from `block` up to the high-water mark are taken, to become never used again.
    Trimming {
        block: crate::arena::word::block::BlockId,
    },
    /// Free slots of a page of objects are taken, to give the page's memory back.
    DecommittingSlots {
        page: u32,
    },
    /// `block` becomes the next ring segment of the direction that `from` writes.
    LinkSegment {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// `block` becomes a payload block of the direction that `from` writes.
    LinkPayload {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// The segment has been read to its end, or the direction is being torn down.
    UnlinkSegment {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// The payload block is given back.
    UnlinkPayload {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// `block` becomes the ring, a leaf or a group of the port `from`.
    LinkPart {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// The port `from` is being torn down.
    UnlinkPart {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// `block` becomes a block of the index of the side `from`.
    LinkIndex {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// The object of the side `from` is being torn down.
    UnlinkIndex {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// `block` becomes an item of the stream that `from` writes. It is BOUND before it is linked: then its word is the one
    /// beside the intent.
    LinkItem {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
    /// The item is read, or the stream is being torn down.
    UnlinkItem {
        from: ObjectRef,
        block: crate::arena::word::block::BlockId,
    },
}

impl ListIntent {
    const KIND: Field<60, 4> = Field;
    const OBJECT: Field<32, 24> = Field;
    const BLOCK: Field<0, 32> = Field;

    pub(crate) fn to_word(self) -> u64 {
        let (kind, from, block) = match self {
            Self::Idle => return 0,
            Self::DecommittingSlots { page } => return Self::KIND.of(8) | Self::BLOCK.of(page.into()),
            Self::LinkSegment { from, block } => (1, from, block),
            Self::LinkPayload { from, block } => (2, from, block),
            Self::UnlinkSegment { from, block } => (3, from, block),
            Self::UnlinkPayload { from, block } => (4, from, block),
            Self::Taking { block } => (5, ObjectRef(0), block),
            Self::Decommitting { block } => (6, ObjectRef(0), block),
            Self::Trimming { block } => (7, ObjectRef(0), block),
            Self::LinkPart { from, block } => (9, from, block),
            Self::UnlinkPart { from, block } => (10, from, block),
            Self::LinkIndex { from, block } => (11, from, block),
            Self::UnlinkIndex { from, block } => (12, from, block),
            Self::LinkItem { from, block } => (13, from, block),
            Self::UnlinkItem { from, block } => (14, from, block),
        };
        Self::KIND.of(kind) | Self::OBJECT.of(from.0.into()) | Self::BLOCK.of(block.to_link())
    }

    pub(crate) fn from_word(word: u64) -> Self {
        let from = ObjectRef(Self::OBJECT.get(word) as u32);
        let block = crate::arena::word::block::BlockId::from_link_or_first(Self::BLOCK.get(word));
        match Self::KIND.get(word) {
            1 => Self::LinkSegment { from, block },
            2 => Self::LinkPayload { from, block },
            3 => Self::UnlinkSegment { from, block },
            4 => Self::UnlinkPayload { from, block },
            5 => Self::Taking { block },
            6 => Self::Decommitting { block },
            7 => Self::Trimming { block },
            8 => Self::DecommittingSlots { page: Self::BLOCK.get(word) as u32 },
            9 => Self::LinkPart { from, block },
            10 => Self::UnlinkPart { from, block },
            11 => Self::LinkIndex { from, block },
            12 => Self::UnlinkIndex { from, block },
            13 => Self::LinkItem { from, block },
            14 => Self::UnlinkItem { from, block },
            _ => Self::Idle,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::size_class::SizeClass;
    use crate::arena::word::block::{BlockId, BlockIndex};

    #[test]
    fn intents_survive_encoding_as_words() {
        let block = BlockId::new(SizeClass::new(16), BlockIndex(4_000_000));
        let entry = HandleLocation::Entry { process: ProcessIndex(4095), index: EntryIndex(0xf_ffff) };
        let transit = HandleLocation::Transit { block, word: 63 };
        for location in [entry, transit] {
            assert_eq!(HandleLocation::from_word(location.to_word()), location);
        }
        let object = ObjectRef::new(Slot(0x7f_ffff), 1);
        for operation in [
            Operation::Idle,
            Operation::Create { slot: Slot(0x7f_ffff) },
            Operation::Move {
                from: entry,
                to: HandleLocation::Entry { process: ProcessIndex(1), index: EntryIndex(1) },
                rights: Rights::empty(),
            },
            Operation::Move { from: entry, to: transit, rights: Rights::all() },
            Operation::Move { from: transit, to: entry, rights: Rights::all() },
            Operation::Send { from: object, position: None },
            Operation::Send { from: object, position: Some(1 << 40) },
            Operation::Receive { at: object, position: 0 },
            Operation::Shrink { vmo: object, to: SizeWord::new(4096).changed_to(8192) },
            Operation::SetCookie { at: object },
        ] {
            assert_eq!(Operation::from_words(operation.to_words()), operation);
        }
        for intent in [
            ListIntent::Idle,
            ListIntent::LinkSegment { from: object, block },
            ListIntent::LinkPayload { from: object, block },
            ListIntent::UnlinkSegment { from: object, block },
            ListIntent::UnlinkPayload { from: object, block },
            ListIntent::Taking { block },
            ListIntent::Decommitting { block },
            ListIntent::Trimming { block },
            ListIntent::DecommittingSlots { page: 0x1_ffff },
            ListIntent::LinkPart { from: object, block },
            ListIntent::UnlinkPart { from: object, block },
            ListIntent::LinkIndex { from: object, block },
            ListIntent::UnlinkIndex { from: object, block },
            ListIntent::LinkItem { from: object, block },
            ListIntent::UnlinkItem { from: object, block },
        ] {
            assert_eq!(ListIntent::from_word(intent.to_word()), intent);
        }
    }

    #[test]
    fn a_helper_matches_one_pending_change() {
        let object = ObjectRef::new(Slot(3), 0);
        let pending = RefcountIntent::pending(Change::Decrement, object, 9);
        assert!(pending.is_pending(object, 9));
        assert!(!pending.is_pending(object, 10));
        assert!(!pending.is_pending(object.peer(), 9));
        assert!(!pending.applied().is_pending(object, 9));
        assert!(!RefcountIntent::idle(9).is_pending(object, 9));
    }
}
