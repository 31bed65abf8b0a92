//! The shared 64-bit words: their bits, their states and their named transitions. This folder has no memory and no
//! logic. Five words stand elsewhere, for one file uses each: a page of object slots (`memory/slot_pages`), a wait
//! (`arena/record/watch`), a timer (`arena/record/timer`), a cookie jar (`object/info/jar`) and a channel's refusal
//! (`object/channel/write/refusal`).
//!
//! A file describes one word and is the only place that knows its bits. The files of the operations say how they use
//! each field, and in which order they write the words.

pub(crate) mod block;
pub(crate) mod credit;
pub(crate) mod directory;
pub(crate) mod handle;
pub(crate) mod intent;
pub(crate) mod leader;
pub(crate) mod lifecycle;
pub(crate) mod port;
pub(crate) mod refcount;
pub(crate) mod reference;
pub(crate) mod ring;
pub(crate) mod row;
pub(crate) mod signals;
pub(crate) mod stream;
pub(crate) mod vmo;

/// Writes a word as its fields, and as the number that a debugger shows.
macro_rules! debug_as_fields {
    ($word:ident { $($field:ident),* $(,)? }) => {
        impl core::fmt::Debug for $word {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($word))
                    $(.field(stringify!($field), &self.$field()))*
                    .field("word", &format_args!("{:#018x}", self.0))
                    .finish()
            }
        }
    };
}
pub(crate) use debug_as_fields;

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

    /// `value` in its place, all other fields zero. A value that does not fit loses its high bits, and never changes a
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_field_never_changes_its_neighbours() {
        let field = Field::<8, 4>;
        assert_eq!(field.of(0x1f), 0xf00);
        assert_eq!(field.set(u64::MAX, 0), !0xf00);
        assert_eq!(field.get(0xabc), 0xa);
    }
}
