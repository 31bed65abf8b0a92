//! The name of an object: its kernel object id.
//!
//! - INV-KOID-1: an object has one koid for its whole life, and no two objects of an arena ever have the same
//!   one, not even after the first is gone. That makes a koid safe to log, compare and remember; it is not a
//!   means of access.
//! - INV-KOID-2: the arena gives out koids from [`Koid::FIRST`] up to 2⁶³ − 1. Those with the top bit set are
//!   left to tools, for things of their own.
//!
//! Follows `zx_koid_t` in `zircon/types.h`, and `docs/syscalls/object_get_info.md`.

use std::fmt;

/// A kernel object id, Zircon's `zx_koid_t`.
///
/// ```
/// use jacinth::Koid;
///
/// let koid = Koid::from_raw(1027);
/// assert!(koid > Koid::FIRST);
/// assert_eq!(koid.raw_koid(), 1027);
/// assert_eq!(koid.to_string(), "1027");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[repr(transparent)]
pub struct Koid(u64);

impl Koid {
    /// No object. It is reported where there is none, as for the peer of an object that has no peer. Also
    /// the default.
    pub const INVALID: Self = Self(0);

    /// The kernel itself.
    pub const KERNEL: Self = Self(1);

    /// The lowest koid that an object can have. Those below are reserved.
    pub const FIRST: Self = Self(1024);

    /// The koid with this number.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Koid::from_raw(1024), Koid::FIRST);
    /// ```
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The number.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Koid::FIRST.raw_koid(), 1024);
    /// ```
    #[must_use]
    pub const fn raw_koid(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Koid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // On one line even under {:#?}: a number needs no three.
        write!(f, "Koid({})", self.0)
    }
}

impl fmt::Display for Koid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_koids_have_zircons_values() {
        assert_eq!(Koid::INVALID.raw_koid(), 0);
        assert_eq!(Koid::KERNEL.raw_koid(), 1);
        assert_eq!(Koid::FIRST.raw_koid(), 1024);
        assert_eq!(Koid::default(), Koid::INVALID);
    }

    #[test]
    fn every_number_survives_the_round_trip() {
        for raw in [0, 1, 1023, 1024, i64::MAX as u64, u64::MAX] {
            assert_eq!(Koid::from_raw(raw).raw_koid(), raw);
        }
    }

    #[test]
    fn koids_order_as_their_numbers() {
        assert!(Koid::INVALID < Koid::KERNEL && Koid::KERNEL < Koid::FIRST);
    }

    #[test]
    fn only_debug_names_the_type() {
        assert_eq!(format!("{:?}", Koid::FIRST), "Koid(1024)");
        assert_eq!(format!("{:#?}", Koid::FIRST), "Koid(1024)");
        assert_eq!(Koid::from_raw(u64::MAX).to_string(), "18446744073709551615");
        assert_eq!(format!("{:>6}", Koid::FIRST), "  1024");
    }

    #[test]
    fn koids_have_the_layout_of_u64() {
        assert_eq!(size_of::<Koid>(), 8);
        assert_eq!(align_of::<Koid>(), 8);
    }
}
