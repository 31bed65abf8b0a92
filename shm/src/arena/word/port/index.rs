//! A word of the index of a side's observers.

use crate::arena::word::port::cell::CellId;
use crate::arena::word::reference::Slot;
use crate::arena::word::{Field, debug_as_fields};

/// A word of a side's index: the cell of a port that observes the side. 0 is no cell.
///
/// The number of the registration makes the words of two registrations of one cell differ: a thread that clears a
/// word that leads nowhere does not clear a later one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexWord(pub(crate) u64);

debug_as_fields!(IndexWord { port, cell });

impl IndexWord {
    const PORT: Field<40, 24> = Field;
    const CELL: Field<22, 18> = Field;
    const REGISTRATION: Field<0, 22> = Field;

    pub(crate) fn new(port: Slot, cell: CellId, registration: u32) -> Self {
        let port = Self::PORT.of(u64::from(port.0) + 1);
        Self(port | Self::CELL.of(cell.number().into()) | Self::REGISTRATION.of(registration.into()))
    }

    pub(crate) fn port(self) -> Option<Slot> {
        Self::PORT.get(self.0).checked_sub(1).map(|slot| Slot(slot as u32))
    }

    pub(crate) fn cell(self) -> CellId {
        CellId::from_number(Self::CELL.get(self.0) as u32)
    }

    pub(crate) fn is_of(self, registration: u32) -> bool {
        Self::REGISTRATION.get(self.0) == Self::REGISTRATION.get(registration.into())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::port::cell::GROUP_LINES;

    #[test]
    fn an_index_word_names_one_registration() {
        let word = IndexWord::new(Slot(0x7f_ffff), CellId::new(CellId::MAX_GROUPS - 1, GROUP_LINES - 1), 7);
        assert_eq!(word.port(), Some(Slot(0x7f_ffff)));
        assert_eq!(word.cell(), CellId::new(CellId::MAX_GROUPS - 1, GROUP_LINES - 1));
        assert!(word.is_of(7) && !word.is_of(8));
        assert_eq!(IndexWord(0).port(), None);
    }
}
