//! A bound of deadlines: no observer that it covers has an earlier one, but for a setter that has not told it yet.
//!
//! ```text
//!  63        52 51                    0
//!  │ version 12 │ deadline 52, of 64 ns │      deadline 0: none
//! ```
//!
//! A thread that *lowers* a bound always advances the version, also if the bound was low enough. A thread that *raises* it
//! loads it, then looks at all that it covers, and then changes the exact word that it loaded. So a deadline that came
//! meanwhile makes it look again.

use crate::arena::word::{Field, debug_as_fields};

/// A bound of the deadlines of a group of cells, or of a port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeadlineBound(pub(crate) u64);

debug_as_fields!(DeadlineBound { deadline_ns });

impl DeadlineBound {
    const VERSION: Field<52, 12> = Field;
    const DEADLINE: Field<0, 52> = Field;
    const UNIT_NS: u64 = 64;

    /// The earliest deadline, rounded down. `None`: there is none.
    pub(crate) fn deadline_ns(self) -> Option<i64> {
        match Self::DEADLINE.get(self.0) {
            0 => None,
            // 52 bits of 64 ns fit.
            units => Some((units * Self::UNIT_NS).cast_signed()),
        }
    }

    fn with(self, deadline_ns: Option<i64>) -> Self {
        // Rounded down, and at least 1: early is only a look too many.
        let units = |ns: i64| (ns.max(0).cast_unsigned() / Self::UNIT_NS).clamp(1, Field::<0, 52>::MAX);
        Self(Self::DEADLINE.set(self.0, deadline_ns.map_or(0, units)))
    }

    fn touched(self) -> Self {
        Self(Self::VERSION.set(self.0, Self::VERSION.get(self.0) + 1))
    }

    /// The bound after a deadline has come, and whether that made it earlier.
    pub(crate) fn lowered(self, deadline_ns: i64) -> (Self, bool) {
        let is_earlier = self.deadline_ns().is_none_or(|now| deadline_ns < now);
        (if is_earlier { self.with(Some(deadline_ns)) } else { self }.touched(), is_earlier)
    }

    /// The bound that a look at all deadlines has found.
    pub(crate) fn raised(self, earliest_ns: Option<i64>) -> Self {
        self.with(earliest_ns)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn lowering_always_changes_the_word() {
        let (first, is_earlier) = DeadlineBound(0).lowered(6400);
        assert_eq!((first.deadline_ns(), is_earlier), (Some(6400), true));
        let (second, is_earlier) = first.lowered(9999);
        assert_eq!((second.deadline_ns(), is_earlier), (Some(6400), false));
        assert_ne!(first, second);
        let (third, is_earlier) = second.lowered(70);
        assert_eq!((third.deadline_ns(), is_earlier), (Some(64), true), "rounded down");
        assert_eq!(third.raised(None).deadline_ns(), None);
        assert_eq!(third.raised(Some(i64::MAX)).deadline_ns(), Some(((1 << 52) - 1) * 64));
    }
}
