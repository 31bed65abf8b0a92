//! The words of an observer: the side that it observes, the handle by which it was registered, and its interest.

use crate::arena::word::handle::{Entry, EntryIndex};
use crate::arena::word::reference::{ObjectRef, ProcessIndex};
use crate::arena::word::signals::Signals;
use crate::arena::word::{Field, debug_as_fields};

/// The observed side, in one life of its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ObservedSide(pub(crate) u64);

debug_as_fields!(ObservedSide { object, generation });

impl ObservedSide {
    const OBJECT: Field<28, 24> = Field;
    const GENERATION: Field<0, 28> = Field;

    pub(crate) fn new(object: ObjectRef, generation: u64) -> Self {
        Self(Self::OBJECT.of(object.0.into()) | Self::GENERATION.of(generation))
    }

    pub(crate) fn object(self) -> ObjectRef {
        ObjectRef(Self::OBJECT.get(self.0) as u32)
    }

    pub(crate) fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }
}

/// The handle by which an observer was registered: its entry, in one life of the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceHandle(pub(crate) u64);

debug_as_fields!(SourceHandle { process, index, generation });

impl SourceHandle {
    const PROCESS: Field<48, 12> = Field;
    const INDEX: Field<16, 20> = Field;
    const GENERATION: Field<0, 16> = Field;

    pub(crate) fn new(process: ProcessIndex, index: EntryIndex, entry: Entry) -> Self {
        let entry = Self::INDEX.of(index.0.into()) | Self::GENERATION.of(entry.generation().into());
        Self(Self::PROCESS.of(process.0.into()) | entry)
    }

    pub(crate) fn process(self) -> ProcessIndex {
        ProcessIndex(Self::PROCESS.get(self.0) as u16)
    }

    pub(crate) fn index(self) -> EntryIndex {
        EntryIndex(Self::INDEX.get(self.0) as u32)
    }

    pub(crate) fn generation(self) -> u32 {
        Self::GENERATION.get(self.0) as u32
    }
}

/// An observer's interest: the signals that fire it, and the number of its registration.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interest(pub(crate) u64);

debug_as_fields!(Interest { trigger, registration });

impl Interest {
    const TRIGGER: Field<32, 32> = Field;
    const REGISTRATION: Field<0, 32> = Field;

    pub(crate) fn trigger(self) -> Signals {
        Signals::from_bits_retain(Self::TRIGGER.get(self.0) as u32)
    }

    pub(crate) fn registration(self) -> u32 {
        Self::REGISTRATION.get(self.0) as u32
    }

    /// A cell of a new group. Its registrations begin far from those of the slot's earlier ports, so that no index word of
    /// those is taken for one of this port.
    pub(crate) fn begun(generation: u64) -> Self {
        const GOLDEN_RATIO: u64 = 0x9e37_79b9;
        Self(Self::REGISTRATION.of(generation.wrapping_mul(GOLDEN_RATIO)))
    }

    /// The next registration of the cell, for these signals.
    pub(crate) fn next(self, trigger: Signals) -> Self {
        let registration = Self::REGISTRATION.of(u64::from(self.registration()) + 1);
        Self(Self::TRIGGER.of(trigger.bits().into()) | registration)
    }
}

/// The mark of a derived signal that an observer has announced, with the low bits of its registration: a thread that is late
/// to note a mark does not note it for the cell's next observer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeenMark(pub(crate) u64);

debug_as_fields!(SeenMark { mark });

impl SeenMark {
    const REGISTRATION: Field<48, 16> = Field;
    const MARK: Field<0, 48> = Field;

    pub(crate) fn new(registration: u32, mark: u64) -> Self {
        Self(Self::REGISTRATION.of(registration.into()) | Self::MARK.of(mark))
    }

    pub(crate) fn mark(self) -> u64 {
        Self::MARK.get(self.0)
    }

    /// The same with another mark.
    pub(crate) fn with(self, mark: u64) -> Self {
        Self(Self::MARK.set(self.0, mark))
    }

    pub(crate) fn is_of(self, registration: u32) -> bool {
        Self::REGISTRATION.of(registration.into()) == self.with(0).0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::reference::Slot;

    #[test]
    fn marks_belong_to_one_registration() {
        let seen = SeenMark::new(0x1_0007, (1 << 48) - 1);
        assert_eq!((seen.mark(), seen.with(5).mark()), ((1 << 48) - 1, 5));
        assert!(seen.with(5).is_of(7) && !seen.is_of(8));
        assert_ne!(Interest::begun(1).registration(), Interest::begun(2).registration());
    }

    #[test]
    fn registrations_of_a_cell_differ() {
        let interest = Interest(u64::MAX).next(Signals::USER_ALL);
        assert_eq!((interest.registration(), interest.trigger()), (0, Signals::USER_ALL));
        let side = ObservedSide::new(ObjectRef::new(Slot(0x7f_ffff), 1), (1 << 28) - 1);
        assert_eq!((side.object(), side.generation()), (ObjectRef::new(Slot(0x7f_ffff), 1), (1 << 28) - 1));
    }
}
