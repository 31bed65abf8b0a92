//! The operands of the other words: an object's slot, a side of an object, and a thread.

/// The index of a process's row in the arena. 0 is no process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct ProcessIndex(pub u16);

impl core::fmt::Display for ProcessIndex {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// The tag of a thread row, which every transitional state carries: 1 to 4095. 0 is no thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag(pub(crate) u16);

impl Tag {
    pub(crate) const NO_OWNER: Self = Self(0);
    pub(crate) const MAX: u64 = 0xfff;
}

/// The index of an object in the arena. Fewer than 2²³.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Slot(pub u32);

impl Slot {
    /// As an index of the arena's sections.
    #[inline(always)]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

impl core::fmt::Display for Slot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

impl core::fmt::Display for Tag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// One side of an object, to which a handle refers. 24 bits: the slot, then the side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectRef(pub(crate) u32);

impl ObjectRef {
    pub(crate) const fn new(slot: Slot, side: u32) -> Self {
        Self(slot.0 << 1 | side & 1)
    }

    #[inline(always)]
    pub(crate) const fn slot(self) -> Slot {
        Slot(self.0 >> 1)
    }

    #[inline(always)]
    pub(crate) const fn side(self) -> usize {
        (self.0 & 1) as usize
    }

    /// The other side of the same object.
    pub(crate) const fn peer(self) -> Self {
        Self(self.0 ^ 1)
    }

    /// As a link of a list in the arena. 0 ends the list.
    pub(crate) const fn to_link(self) -> u64 {
        self.0 as u64 + 1
    }

    pub(crate) const fn from_link(link: u64) -> Option<Self> {
        match link {
            0 => None,
            link => Some(Self((link - 1) as u32 & 0xff_ffff)),
        }
    }
}

impl core::fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.slot(), self.side())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_encoding_as_link() {
        let object = ObjectRef::new(Slot(0x7f_ffff), 1);
        assert_eq!(ObjectRef::from_link(object.to_link()), Some(object));
        assert_eq!(ObjectRef::from_link(0), None);
        assert_eq!(object.peer().side(), 0);
    }
}
