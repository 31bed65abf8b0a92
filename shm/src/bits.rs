//! Packed words: named fields of a `u64`, taken out and put in by shifts that the compiler folds.

/// `WIDTH` bits of a word, from bit `SHIFT` up.
#[derive(Clone, Copy)]
pub(crate) struct Field<const SHIFT: u32, const WIDTH: u32>;

impl<const SHIFT: u32, const WIDTH: u32> Field<SHIFT, WIDTH> {
    /// The largest value the field holds.
    pub(crate) const MAX: u64 = if WIDTH == 64 { u64::MAX } else { (1 << WIDTH) - 1 };

    #[inline(always)]
    pub(crate) const fn get(self, word: u64) -> u64 {
        (word >> SHIFT) & Self::MAX
    }

    /// `value` in its place, all other fields zero. A value that does not fit is cut, never spilled into a
    /// neighbour.
    #[inline(always)]
    pub(crate) const fn of(self, value: u64) -> u64 {
        (value & Self::MAX) << SHIFT
    }

    /// `word` with this field replaced.
    #[inline(always)]
    pub(crate) const fn set(self, word: u64, value: u64) -> u64 {
        (word & !(Self::MAX << SHIFT)) | self.of(value)
    }
}

/// The tag of a thread row, which every transitional state carries: 1 to 4095. 0 is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag(pub(crate) u16);

impl Tag {
    pub(crate) const NOBODY: Self = Self(0);
    pub(crate) const MAX: u64 = 0xfff;
}

/// One side of an object: what a handle refers to. 24 bits: the slot, then the side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ObjectRef(pub(crate) u32);

impl ObjectRef {
    pub(crate) const fn new(slot: u32, side: u32) -> Self {
        Self(slot << 1 | side & 1)
    }

    #[inline(always)]
    pub(crate) const fn slot(self) -> u32 {
        self.0 >> 1
    }

    #[inline(always)]
    pub(crate) const fn side(self) -> usize {
        (self.0 & 1) as usize
    }

    /// The other side of the same object.
    pub(crate) const fn peer(self) -> Self {
        Self(self.0 ^ 1)
    }

    /// As a link of a list in the arena, where 0 ends the list.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_cuts_what_does_not_fit_and_leaves_its_neighbours_alone() {
        let field = Field::<8, 4>;
        assert_eq!(field.of(0x1f), 0xf00);
        assert_eq!(field.set(u64::MAX, 0), !0xf00);
        assert_eq!(field.get(0xabc), 0xa);
    }

    #[test]
    fn an_object_reference_survives_being_a_link() {
        let object = ObjectRef::new(0x7f_ffff, 1);
        assert_eq!(ObjectRef::from_link(object.to_link()), Some(object));
        assert_eq!(ObjectRef::from_link(0), None);
        assert_eq!(object.peer().side(), 0);
    }
}
