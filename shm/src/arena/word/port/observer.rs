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

    /// The next registration of the cell, for these signals.
    pub(crate) fn next(self, trigger: Signals) -> Self {
        let registration = Self::REGISTRATION.of(u64::from(self.registration()) + 1);
        Self(Self::TRIGGER.of(trigger.bits().into()) | registration)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::reference::Slot;

    #[test]
    fn registrations_of_a_cell_differ() {
        let interest = Interest(u64::MAX).next(Signals::USER_ALL);
        assert_eq!((interest.registration(), interest.trigger()), (0, Signals::USER_ALL));
        let side = ObservedSide::new(ObjectRef::new(Slot(0x7f_ffff), 1), (1 << 28) - 1);
        assert_eq!((side.object(), side.generation()), (ObjectRef::new(Slot(0x7f_ffff), 1), (1 << 28) - 1));
    }
}
