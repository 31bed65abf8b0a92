//! Instants and durations on the monotonic clock, in nanoseconds.
//!
//! Every deadline is an instant on `CLOCK_MONOTONIC`, which all processes of one machine share: a deadline
//! may be sent in a message and means the same to whoever reads it. (Processes in different Linux time
//! namespaces do not share it.)
//!
//! - INV-TIME-1: arithmetic saturates. A sum too late to be told is [`MonotonicInstant::INFINITE`], one too
//!   early is [`MonotonicInstant::INFINITE_PAST`]; nothing wraps and nothing panics. So `now + INFINITE` is
//!   `INFINITE`: never.
//! - INV-TIME-2: the infinities are the two ends of the range and nothing more. As in Zircon, taking a second
//!   from `INFINITE` gives a finite instant, one second less than 292 years after the clock's zero.
//!
//! Follows `zircon/time.h`, `docs/syscalls/clock_get_monotonic.md`, `docs/syscalls/deadline_after.md` and
//! `docs/syscalls/nanosleep.md`.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub, SubAssign};
use std::time::Duration;

use crate::types::status::Status;
use jacinth_shm as shm;

/// A point in time on the monotonic clock, in nanoseconds since its zero: Zircon's `zx_time_t`.
///
/// Most often a deadline. One that lies in the past is a fair deadline: the wait looks once and returns.
///
/// ```
/// use jacinth::{MonotonicDuration, MonotonicInstant};
///
/// let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(2));
/// deadline.sleep();
/// assert!(MonotonicInstant::get() >= deadline);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct MonotonicInstant(i64);

/// A length of time in nanoseconds, which may be negative: Zircon's `zx_duration_t`.
///
/// ```
/// use jacinth::{MonotonicDuration, MonotonicInstant};
///
/// let second = MonotonicDuration::from_seconds(1);
/// assert_eq!(second, MonotonicDuration::from_millis(250) * 4);
/// assert_eq!(MonotonicInstant::after(MonotonicDuration::INFINITE), MonotonicInstant::INFINITE);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct MonotonicDuration(i64);

impl MonotonicInstant {
    /// Later than every other instant. As a deadline: wait for as long as it takes.
    pub const INFINITE: Self = Self(i64::MAX);

    /// Earlier than every other instant. As a deadline: do not wait.
    pub const INFINITE_PAST: Self = Self(i64::MIN);

    /// The zero of the clock, which on Linux is when the machine started. Also the default.
    pub const ZERO: Self = Self(0);

    /// The time now. Never less than an earlier reading by any thread.
    pub fn get() -> Self {
        Self(shm::now_ns())
    }

    /// The instant that comes `duration` from now. `after(MonotonicDuration::INFINITE)` is
    /// [`INFINITE`](Self::INFINITE).
    pub fn after(duration: MonotonicDuration) -> Self {
        Self::get() + duration
    }

    /// The instant this many nanoseconds after the clock's zero.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's zero.
    pub const fn into_nanos(self) -> i64 {
        self.0
    }

    /// Sleeps until this instant has come. One already past gives the processor up once and returns.
    /// [`INFINITE`](Self::INFINITE) never returns.
    pub fn sleep(self) {
        let mut now = Self::get();
        if now >= self {
            std::thread::yield_now();
        }
        while now < self {
            // The difference is positive, so it always converts.
            std::thread::sleep(Duration::try_from(self - now).unwrap_or_default());
            now = Self::get();
        }
    }
}

impl MonotonicDuration {
    /// Longer than every other duration: for ever.
    pub const INFINITE: Self = Self(i64::MAX);

    /// The most negative duration.
    pub const INFINITE_PAST: Self = Self(i64::MIN);

    /// No time at all. Also the default.
    pub const ZERO: Self = Self(0);

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many microseconds, saturating.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// So many milliseconds, saturating.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// So many seconds, saturating.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// So many minutes, saturating.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self(minutes.saturating_mul(60 * 1_000_000_000))
    }

    /// So many hours, saturating.
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours.saturating_mul(60 * 60 * 1_000_000_000))
    }

    /// The length in nanoseconds.
    pub const fn into_nanos(self) -> i64 {
        self.0
    }

    /// Sleeps for this long; see [`MonotonicInstant::sleep`].
    pub fn sleep(self) {
        MonotonicInstant::after(self).sleep();
    }
}

/// Implements one saturating operator, and says which types go in and which comes out.
macro_rules! saturating {
    ($( $Left:ident . $operator:ident ( $Right:ident ) -> $Out:ident : $Trait:ident, $saturating:ident; )+) => {
        $(
            #[doc = concat!("Saturates: ", stringify!($saturating), " of the nanoseconds.")]
            impl $Trait<$Right> for $Left {
                type Output = $Out;

                fn $operator(self, other: $Right) -> $Out {
                    $Out(self.0.$saturating(other.0))
                }
            }
        )+
    };
}

saturating! {
    MonotonicInstant.add(MonotonicDuration) -> MonotonicInstant: Add, saturating_add;
    MonotonicDuration.add(MonotonicInstant) -> MonotonicInstant: Add, saturating_add;
    MonotonicDuration.add(MonotonicDuration) -> MonotonicDuration: Add, saturating_add;
    MonotonicInstant.sub(MonotonicDuration) -> MonotonicInstant: Sub, saturating_sub;
    MonotonicInstant.sub(MonotonicInstant) -> MonotonicDuration: Sub, saturating_sub;
    MonotonicDuration.sub(MonotonicDuration) -> MonotonicDuration: Sub, saturating_sub;
}

impl AddAssign<MonotonicDuration> for MonotonicInstant {
    fn add_assign(&mut self, other: MonotonicDuration) {
        *self = *self + other;
    }
}

impl SubAssign<MonotonicDuration> for MonotonicInstant {
    fn sub_assign(&mut self, other: MonotonicDuration) {
        *self = *self - other;
    }
}

impl AddAssign for MonotonicDuration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for MonotonicDuration {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// Saturates.
impl Mul<i64> for MonotonicDuration {
    type Output = Self;

    fn mul(self, times: i64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

/// Exact up to 292 years; anything longer is [`MonotonicDuration::INFINITE`].
impl From<Duration> for MonotonicDuration {
    fn from(duration: Duration) -> Self {
        i64::try_from(duration.as_nanos()).map_or(Self::INFINITE, Self)
    }
}

/// Exact. A negative duration is [`Status::OUT_OF_RANGE`], since the standard library has none.
impl TryFrom<MonotonicDuration> for Duration {
    type Error = Status;

    fn try_from(duration: MonotonicDuration) -> Result<Self, Status> {
        u64::try_from(duration.0).map(Self::from_nanos).map_err(|_| Status::OUT_OF_RANGE)
    }
}

impl fmt::Debug for MonotonicInstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MonotonicInstant({})", Nanos(self.0))
    }
}

impl fmt::Debug for MonotonicDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MonotonicDuration({})", Nanos(self.0))
    }
}

/// Shows nanoseconds with the infinities by name.
struct Nanos(i64);

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            i64::MAX => f.write_str("INFINITE"),
            i64::MIN => f.write_str("INFINITE_PAST"),
            nanos => write!(f, "{nanos}ns"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::time::{ClockId, clock_gettime};

    const fn instant(nanos: i64) -> MonotonicInstant {
        MonotonicInstant::from_nanos(nanos)
    }

    const fn duration(nanos: i64) -> MonotonicDuration {
        MonotonicDuration::from_nanos(nanos)
    }

    #[test]
    fn constants_have_zircons_values() {
        assert_eq!(MonotonicInstant::INFINITE.into_nanos(), 0x7fff_ffff_ffff_ffff);
        assert_eq!(MonotonicInstant::INFINITE_PAST.into_nanos(), i64::MIN);
        assert_eq!(MonotonicInstant::ZERO.into_nanos(), 0);
        assert_eq!(MonotonicDuration::INFINITE.into_nanos(), 0x7fff_ffff_ffff_ffff);
        assert_eq!(MonotonicDuration::INFINITE_PAST.into_nanos(), i64::MIN);
        assert_eq!(MonotonicDuration::ZERO.into_nanos(), 0);
        assert_eq!(MonotonicInstant::default(), MonotonicInstant::ZERO);
        assert_eq!(MonotonicDuration::default(), MonotonicDuration::ZERO);
    }

    #[test]
    fn units_are_worth_what_they_say() {
        assert_eq!(MonotonicDuration::from_nanos(-7).into_nanos(), -7);
        assert_eq!(MonotonicDuration::from_micros(3).into_nanos(), 3_000);
        assert_eq!(MonotonicDuration::from_millis(3).into_nanos(), 3_000_000);
        assert_eq!(MonotonicDuration::from_seconds(-3).into_nanos(), -3_000_000_000);
        assert_eq!(MonotonicDuration::from_minutes(3).into_nanos(), 180_000_000_000);
        assert_eq!(MonotonicDuration::from_hours(3).into_nanos(), 10_800_000_000_000);
    }

    #[test]
    fn units_saturate_at_both_ends() {
        type FromUnits = fn(i64) -> MonotonicDuration;
        let units: [FromUnits; 5] = [
            MonotonicDuration::from_micros,
            MonotonicDuration::from_millis,
            MonotonicDuration::from_seconds,
            MonotonicDuration::from_minutes,
            MonotonicDuration::from_hours,
        ];
        for from_units in units {
            assert_eq!(from_units(i64::MAX), MonotonicDuration::INFINITE);
            assert_eq!(from_units(i64::MIN), MonotonicDuration::INFINITE_PAST);
        }
        // The last second that fits, and the first that does not.
        assert_eq!(MonotonicDuration::from_seconds(9_223_372_036).into_nanos(), 9_223_372_036_000_000_000);
        assert_eq!(MonotonicDuration::from_seconds(9_223_372_037), MonotonicDuration::INFINITE);
    }

    #[test]
    fn adding_and_subtracting_count_nanoseconds() {
        assert_eq!(instant(10) + duration(5), instant(15));
        assert_eq!(duration(5) + instant(10), instant(15));
        assert_eq!(instant(10) - duration(15), instant(-5));
        assert_eq!(instant(10) - instant(25), duration(-15));
        assert_eq!(duration(10) + duration(-4), duration(6));
        assert_eq!(duration(10) - duration(4), duration(6));
        assert_eq!(duration(10) * -3, duration(-30));

        let mut deadline = instant(10);
        deadline += duration(5);
        assert_eq!(deadline, instant(15));
        deadline -= duration(20);
        assert_eq!(deadline, instant(-5));

        let mut slack = duration(10);
        slack += duration(5);
        assert_eq!(slack, duration(15));
        slack -= duration(20);
        assert_eq!(slack, duration(-5));
    }

    #[test]
    fn any_instant_of_the_clock_plus_for_ever_is_never() {
        for nanos in [0, 1, 1_000_000_000, i64::MAX] {
            assert_eq!(instant(nanos) + MonotonicDuration::INFINITE, MonotonicInstant::INFINITE);
        }
        assert_eq!(MonotonicInstant::after(MonotonicDuration::INFINITE), MonotonicInstant::INFINITE);
    }

    #[test]
    fn arithmetic_saturates_and_never_wraps() {
        assert_eq!(MonotonicInstant::INFINITE + duration(1), MonotonicInstant::INFINITE);
        assert_eq!(MonotonicInstant::INFINITE_PAST - duration(1), MonotonicInstant::INFINITE_PAST);
        assert_eq!(MonotonicInstant::INFINITE - MonotonicInstant::INFINITE_PAST, MonotonicDuration::INFINITE);
        assert_eq!(MonotonicInstant::INFINITE_PAST - instant(1), MonotonicDuration::INFINITE_PAST);
        assert_eq!(MonotonicDuration::INFINITE + duration(1), MonotonicDuration::INFINITE);
        assert_eq!(MonotonicDuration::INFINITE_PAST - duration(1), MonotonicDuration::INFINITE_PAST);
        assert_eq!(MonotonicDuration::INFINITE * 2, MonotonicDuration::INFINITE);
        assert_eq!(MonotonicDuration::INFINITE * -2, MonotonicDuration::INFINITE_PAST);
        assert_eq!(MonotonicDuration::INFINITE_PAST * -1, MonotonicDuration::INFINITE);
    }

    #[test]
    fn the_infinities_are_only_the_ends_of_the_range() {
        assert_eq!(MonotonicInstant::INFINITE - duration(1), instant(i64::MAX - 1));
        assert_eq!(MonotonicInstant::INFINITE_PAST + MonotonicDuration::INFINITE, instant(-1));
    }

    #[test]
    fn earlier_instants_compare_less() {
        assert!(MonotonicInstant::INFINITE_PAST < instant(-1));
        assert!(instant(-1) < MonotonicInstant::ZERO);
        assert!(MonotonicInstant::ZERO < MonotonicInstant::INFINITE);
        assert!(MonotonicDuration::INFINITE_PAST < MonotonicDuration::ZERO);
    }

    #[test]
    fn the_clock_agrees_with_linux_and_does_not_go_back() {
        let linux = clock_gettime(ClockId::Monotonic);
        let first = MonotonicInstant::get();
        let second = MonotonicInstant::get();
        assert!(first.into_nanos() >= linux.tv_sec * 1_000_000_000 + linux.tv_nsec);
        assert!(first.into_nanos() < (linux.tv_sec + 60) * 1_000_000_000);
        assert!(second >= first);
    }

    #[test]
    fn a_sleep_lasts_until_its_deadline() {
        let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(5));
        deadline.sleep();
        assert!(MonotonicInstant::get() >= deadline);

        let start = MonotonicInstant::get();
        MonotonicDuration::from_millis(5).sleep();
        assert!(MonotonicInstant::get() - start >= MonotonicDuration::from_millis(5));
    }

    #[test]
    fn a_sleep_until_the_past_returns() {
        MonotonicInstant::INFINITE_PAST.sleep();
        MonotonicInstant::ZERO.sleep();
        MonotonicDuration::from_hours(-1).sleep();
        MonotonicDuration::ZERO.sleep();
    }

    #[test]
    fn standard_durations_convert_exactly_where_they_fit() {
        assert_eq!(MonotonicDuration::from(Duration::new(2, 3)), duration(2_000_000_003));
        assert_eq!(Duration::try_from(duration(2_000_000_003)), Ok(Duration::new(2, 3)));
        assert_eq!(Duration::try_from(MonotonicDuration::ZERO), Ok(Duration::ZERO));
        let longest = Duration::from_nanos(i64::MAX as u64);
        assert_eq!(MonotonicDuration::from(longest), MonotonicDuration::INFINITE);
        assert_eq!(Duration::try_from(MonotonicDuration::INFINITE), Ok(longest));
    }

    #[test]
    fn standard_durations_that_do_not_fit_saturate_or_are_refused() {
        assert_eq!(MonotonicDuration::from(Duration::from_nanos(1 << 63)), MonotonicDuration::INFINITE);
        assert_eq!(MonotonicDuration::from(Duration::MAX), MonotonicDuration::INFINITE);
        assert_eq!(Duration::try_from(duration(-1)), Err(Status::OUT_OF_RANGE));
        assert_eq!(Duration::try_from(MonotonicDuration::INFINITE_PAST), Err(Status::OUT_OF_RANGE));
    }

    #[test]
    fn debug_shows_nanoseconds_and_names_the_infinities() {
        assert_eq!(format!("{:?}", instant(-5)), "MonotonicInstant(-5ns)");
        assert_eq!(format!("{:?}", MonotonicInstant::INFINITE), "MonotonicInstant(INFINITE)");
        assert_eq!(format!("{:?}", MonotonicDuration::INFINITE_PAST), "MonotonicDuration(INFINITE_PAST)");
    }

    #[test]
    fn times_are_laid_out_as_an_i64() {
        assert_eq!((size_of::<MonotonicInstant>(), align_of::<MonotonicInstant>()), (8, 8));
        assert_eq!((size_of::<MonotonicDuration>(), align_of::<MonotonicDuration>()), (8, 8));
    }
}
