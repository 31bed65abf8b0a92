//! The word of a timer: when it expires, or that it has.
//!
//! ```text
//!  63        62     52 51                    0
//!  │ EXPIRED │ set 11 │ deadline 52, of 64 ns │
//! ```
//!
//! | EXPIRED | deadline | the timer |
//! |---|---|---|
//! | 0 | 0 | is not set |
//! | 0 | all ones | is set to a time that never comes |
//! | 0 | other | is set: it expires when the clock reaches the deadline |
//! | 1 | 0 | has expired |
//!
//! `set` counts, modulo 2¹¹, how often the timer was set or cancelled. So two settings to one deadline are two words,
//! and a look can tell them apart. A deadline is rounded up, by less than 64 ns. 52 bits reach 9 years after the
//! start of the machine.

use crate::arena::word::{Field, debug_as_fields};

/// A value of the word of a timer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerWord(pub(crate) u64);

debug_as_fields!(TimerWord { is_expired, times_set, deadline_ns });

impl TimerWord {
    const EXPIRED: Field<63, 1> = Field;
    const SET: Field<52, 11> = Field;
    const DEADLINE: Field<0, 52> = Field;
    const NOT_SET: u64 = 0;
    const NEVER: u64 = Field::<0, 52>::MAX;
    /// Nanoseconds in the unit of a deadline.
    const UNIT_NS: u64 = 64;

    fn times_set(self) -> u64 {
        Self::SET.get(self.0)
    }

    fn next(self) -> u64 {
        Self::SET.of(self.times_set() + 1)
    }

    /// Set to `deadline_ns`, when the clock shows `now_ns`. Expired at once if the deadline has passed.
    pub(crate) fn set(self, deadline_ns: i64, now_ns: i64) -> Self {
        if deadline_ns <= now_ns.max(0) {
            return Self(self.next()).expired();
        }
        // The deadline is positive, so the conversion keeps its value, and it is 1 unit at least.
        let units = deadline_ns.cast_unsigned().div_ceil(Self::UNIT_NS);
        Self(self.next() | Self::DEADLINE.of(units.min(Self::NEVER)))
    }

    /// Not set.
    pub(crate) fn canceled(self) -> Self {
        Self(self.next())
    }

    /// The same setting, expired.
    pub(crate) fn expired(self) -> Self {
        Self(Self::DEADLINE.set(self.0, Self::NOT_SET) | Self::EXPIRED.of(1))
    }

    /// Whether the expiry is recorded in the word.
    pub(crate) fn is_expired(self) -> bool {
        Self::EXPIRED.get(self.0) != 0
    }

    /// The time at which the timer will expire, if there is one.
    pub(crate) fn deadline_ns(self) -> Option<i64> {
        match Self::DEADLINE.get(self.0) {
            Self::NOT_SET | Self::NEVER => None,
            _ if self.is_expired() => None,
            // 52 bits of 64 ns fit.
            units => Some((units * Self::UNIT_NS).cast_signed()),
        }
    }

    /// A number that changes when the timer is set, and when it expires.
    pub(crate) fn mark(self) -> u64 {
        self.times_set() << 1 | u64::from(self.is_expired())
    }

    /// Whether an operation may have written the word.
    pub(crate) fn is_valid(self) -> bool {
        !self.is_expired() || Self::DEADLINE.get(self.0) == Self::NOT_SET
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_rounded_up() {
        for (deadline_ns, kept_ns) in [(1, 64), (64, 64), (65, 128), (1_000_000_001, 1_000_000_064)] {
            assert_eq!(TimerWord(0).set(deadline_ns, 0).deadline_ns(), Some(kept_ns), "{deadline_ns}");
        }
    }

    #[test]
    fn passed_deadlines_expire_at_once() {
        for (deadline_ns, now_ns) in [(i64::MIN, 7), (0, 7), (7, 7), (0, 0), (0, -1), (-5, -9)] {
            let word = TimerWord(0).set(deadline_ns, now_ns);
            assert!(word.is_expired() && word.is_valid(), "{word:?}");
            assert_eq!(word.deadline_ns(), None);
        }
        assert!(!TimerWord(0).set(8, 7).is_expired());
    }

    #[test]
    fn distant_deadlines_never_come() {
        let last_ns = ((1 << 52) - 2) * 64;
        assert_eq!(TimerWord(0).set(last_ns, 0).deadline_ns(), Some(last_ns));
        for deadline_ns in [last_ns + 1, i64::MAX] {
            let word = TimerWord(0).set(deadline_ns, 0);
            assert!(!word.is_expired() && word.is_valid(), "{word:?}");
            assert_eq!(word.deadline_ns(), None);
        }
    }

    #[test]
    fn each_setting_is_another_word() {
        let word = TimerWord(0).set(100, 0);
        assert_ne!(word.set(100, 0), word);
        assert_ne!(word.canceled(), TimerWord(0));
        let mut counted = TimerWord(0);
        (0..1 << 11).for_each(|_| counted = counted.canceled());
        assert_eq!(counted, TimerWord(0), "the count wraps inside its bits");
        let expired = word.expired();
        assert_eq!((expired.times_set(), expired.expired()), (1, expired));
    }

    #[test]
    fn debug_shows_the_fields() {
        let shown = format!("{:?}", TimerWord(0).set(64, 0));
        assert!(shown.contains("is_expired: false, times_set: 1, deadline_ns: Some(64)"), "{shown}");
    }
}
