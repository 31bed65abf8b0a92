//! Instants and durations, typed by their clock and their unit.
//!
//! Every deadline is an instant on `CLOCK_MONOTONIC`, which all processes of one machine share. A deadline may be sent in
//! a message and means the same to its reader. (Processes in different Linux time namespaces do not share the clock.)
//!
//! - INV-TIME-1: arithmetic saturates. A sum too late to be told is [`Instant::INFINITE`], one too early is
//!   [`Instant::INFINITE_PAST`]; sums neither wrap nor panic. So `now + INFINITE` is `INFINITE`: never.
//! - INV-TIME-2: the infinities are exactly the two ends of the range. As in Zircon, taking a second
//!   from `INFINITE` gives a finite instant, one second less than 292 years after the clock's zero.
//!
//! Follows `zircon/time.h`; the types are those of Fuchsia's `zx`.

mod clock;
mod deadline;
#[cfg(test)]
mod tests;

pub use deadline::Deadline;

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// A clock. Instants and durations of different clocks do not mix.
///
/// ```
/// # use jacinth::*;
/// assert_eq!(format!("{:?}", Instant::<BootTimeline>::from_nanos(3)), "BootInstant(3ns)");
/// ```
pub trait Timeline: Default + Copy + PartialEq + Eq {
    /// The text that `Debug` puts in front of an instant or a duration.
    const NAME: &'static str;
}

/// The unit that an instant or a duration counts.
///
/// ```
/// # use jacinth::*;
/// assert_eq!(format!("{:?}", Duration::<MonotonicTimeline, TicksUnit>::from_raw(3)), "MonotonicDuration(3 ticks)");
/// ```
pub trait TimeUnit {
    /// The text that `Debug` puts behind the number.
    const SUFFIX: &'static str;
}

/// Writes a marker type, and its name.
macro_rules! markers {
    ($( $(#[$doc:meta])* $Marker:ident: $Trait:ident { $CONST:ident = $text:literal } )+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $Marker;

            impl $Trait for $Marker {
                const $CONST: &'static str = $text;
            }
        )+
    };
}

markers! {
    /// The clock that stands still while the machine is suspended: Linux's `CLOCK_MONOTONIC`.
    MonotonicTimeline: Timeline { NAME = "Monotonic" }
    /// The clock that goes on while the machine is suspended: Linux's `CLOCK_BOOTTIME`.
    BootTimeline: Timeline { NAME = "Boot" }
    /// A clock that a program defines.
    SyntheticTimeline: Timeline { NAME = "Synthetic" }
    /// Nanoseconds.
    NsUnit: TimeUnit { SUFFIX = "ns" }
    /// Ticks of the machine's fastest clock; [`Ticks::per_second`] says how many a second has.
    TicksUnit: TimeUnit { SUFFIX = " ticks" }
}

/// A point in time on the clock `T`, counted in `U` since the clock's zero: Zircon's `zx_time_t`.
///
/// ```
/// use jacinth::{Duration, MonotonicInstant};
///
/// let deadline = MonotonicInstant::after(Duration::from_millis(2));
/// deadline.sleep();
/// assert!(MonotonicInstant::get() >= deadline);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent, bound = ""))]
#[repr(transparent)]
pub struct Instant<T, U = NsUnit>(i64, PhantomData<(T, U)>);

/// A length of time, which may be negative: Zircon's `zx_duration_t`.
///
/// ```
/// use jacinth::{Duration, MonotonicDuration, MonotonicInstant};
///
/// let second = MonotonicDuration::from_seconds(1);
/// assert_eq!(second, Duration::from_millis(250) * 4);
/// assert_eq!(MonotonicInstant::after(Duration::INFINITE), MonotonicInstant::INFINITE);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent, bound = ""))]
#[repr(transparent)]
pub struct Duration<T, U = NsUnit>(i64, PhantomData<(T, U)>);

/// An instant on the monotonic clock. Every deadline is one.
///
/// ```
/// # use jacinth::*;
/// let deadline: MonotonicInstant = MonotonicInstant::after(Duration::from_millis(5));
/// assert!(deadline > MonotonicInstant::ZERO);
/// ```
pub type MonotonicInstant = Instant<MonotonicTimeline, NsUnit>;
/// An instant on the clock that goes on while the machine is suspended.
///
/// ```
/// # use jacinth::*;
/// let now: BootInstant = BootInstant::get();
/// assert!(now > BootInstant::ZERO);
/// ```
pub type BootInstant = Instant<BootTimeline, NsUnit>;
/// An instant on a clock that a program defines.
///
/// ```
/// # use jacinth::*;
/// let start = SyntheticInstant::from_nanos(10);
/// assert_eq!(start + SyntheticDuration::from_nanos(5), SyntheticInstant::from_nanos(15));
/// ```
pub type SyntheticInstant = Instant<SyntheticTimeline, NsUnit>;
/// A length of time on the monotonic clock.
///
/// ```
/// # use jacinth::*;
/// let half: MonotonicDuration = MonotonicDuration::from_seconds(1) / 2;
/// assert_eq!(half.into_millis(), 500);
/// ```
pub type MonotonicDuration = Duration<MonotonicTimeline, NsUnit>;
/// A length of time on the clock that goes on while the machine is suspended.
///
/// ```
/// # use jacinth::*;
/// let start = BootInstant::get();
/// let passed: BootDuration = BootInstant::get() - start;
/// assert!(passed >= BootDuration::ZERO);
/// ```
pub type BootDuration = Duration<BootTimeline, NsUnit>;
/// A length of time on a clock that a program defines.
///
/// ```
/// # use jacinth::*;
/// let day = SyntheticDuration::from_hours(24);
/// assert_eq!(day.into_minutes(), 1440);
/// ```
pub type SyntheticDuration = Duration<SyntheticTimeline, NsUnit>;
/// An instant in ticks.
///
/// ```
/// # use jacinth::*;
/// let now: Ticks<BootTimeline> = BootTicks::get();
/// assert!(now > Ticks::ZERO);
/// ```
pub type Ticks<T> = Instant<T, TicksUnit>;
/// An instant in ticks of the monotonic clock.
///
/// ```
/// # use jacinth::*;
/// let start: MonotonicTicks = MonotonicTicks::get();
/// assert!(MonotonicTicks::get() >= start);
/// ```
pub type MonotonicTicks = Instant<MonotonicTimeline, TicksUnit>;
/// An instant in ticks of the clock that goes on while the machine is suspended.
///
/// ```
/// # use jacinth::*;
/// let start: BootTicks = BootTicks::get();
/// assert!(BootTicks::get() >= start);
/// ```
pub type BootTicks = Instant<BootTimeline, TicksUnit>;
/// A length of time in ticks of the monotonic clock.
///
/// ```
/// # use jacinth::*;
/// let second = MonotonicDurationTicks::from_raw(MonotonicTicks::per_second());
/// assert_eq!((MonotonicTicks::ZERO + second).into_raw(), MonotonicTicks::per_second());
/// ```
pub type MonotonicDurationTicks = Duration<MonotonicTimeline, TicksUnit>;
/// A length of time in ticks of the clock that goes on while the machine is suspended.
///
/// ```
/// # use jacinth::*;
/// let passed: BootDurationTicks = BootTicks::from_raw(9) - BootTicks::from_raw(4);
/// assert_eq!(passed.into_raw(), 5);
/// ```
pub type BootDurationTicks = Duration<BootTimeline, TicksUnit>;

impl<T: Timeline, U: TimeUnit> Instant<T, U> {
    /// The zero of the clock, which on Linux is when the machine started. Also the default.
    pub const ZERO: Self = Self(0, PhantomData);
}

impl<T: Timeline> Instant<T, NsUnit> {
    /// Later than every other instant. As a deadline: wait for as long as it takes.
    pub const INFINITE: Self = Self(i64::MAX, PhantomData);

    /// Earlier than every other instant. As a deadline: do not wait.
    pub const INFINITE_PAST: Self = Self(i64::MIN, PhantomData);

    /// The instant this many nanoseconds after the clock's zero.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MonotonicInstant::from_nanos(0), MonotonicInstant::ZERO);
    /// ```
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos, PhantomData)
    }

    /// Nanoseconds since the clock's zero.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MonotonicInstant::from_nanos(7).into_nanos(), 7);
    /// ```
    #[must_use]
    pub const fn into_nanos(self) -> i64 {
        self.0
    }
}

impl<T: Timeline> Instant<T, TicksUnit> {
    /// The instant this many ticks after the clock's zero.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MonotonicTicks::from_raw(0), MonotonicTicks::ZERO);
    /// ```
    #[must_use]
    pub const fn from_raw(ticks: i64) -> Self {
        Self(ticks, PhantomData)
    }

    /// Ticks since the clock's zero.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(BootTicks::from_raw(7).into_raw(), 7);
    /// ```
    #[must_use]
    pub const fn into_raw(self) -> i64 {
        self.0
    }
}

impl<T: Timeline> Duration<T, TicksUnit> {
    /// So many ticks.
    ///
    /// ```
    /// # use jacinth::*;
    /// let later = MonotonicTicks::from_raw(5) + MonotonicDurationTicks::from_raw(2);
    /// assert_eq!(later, MonotonicTicks::from_raw(7));
    /// ```
    #[must_use]
    pub const fn from_raw(ticks: i64) -> Self {
        Self(ticks, PhantomData)
    }

    /// The length in ticks.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!((BootTicks::from_raw(7) - BootTicks::from_raw(5)).into_raw(), 2);
    /// ```
    #[must_use]
    pub const fn into_raw(self) -> i64 {
        self.0
    }
}

impl<T: Timeline> Duration<T, NsUnit> {
    /// Longer than every other duration: for ever.
    pub const INFINITE: Self = Self(i64::MAX, PhantomData);

    /// The most negative duration.
    pub const INFINITE_PAST: Self = Self(i64::MIN, PhantomData);

    /// No time at all. Also the default.
    pub const ZERO: Self = Self(0, PhantomData);

    /// So many nanoseconds.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MonotonicDuration::from_nanos(2_000), Duration::from_micros(2));
    /// ```
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos, PhantomData)
    }

    /// The length in nanoseconds.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MonotonicDuration::from_micros(2).into_nanos(), 2_000);
    /// ```
    #[must_use]
    pub const fn into_nanos(self) -> i64 {
        self.0
    }

    /// The length in seconds, as a floating-point number.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MonotonicDuration::from_millis(1500).into_seconds_f64(), 1.5);
    /// ```
    #[must_use]
    pub fn into_seconds_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

/// Writes a constructor from whole units, which saturates, and the conversion back, which drops the rest.
macro_rules! units {
    ($( $from:ident, $into:ident, $unit:literal, $nanos:expr; )+) => {
        impl<T: Timeline> Duration<T, NsUnit> {
            $(
                #[doc = concat!("So many ", $unit, ", saturating.")]
                ///
                /// ```
                /// # use jacinth::*;
                #[doc = concat!("assert_eq!(MonotonicDuration::", stringify!($from), "(i64::MAX), Duration::INFINITE);")]
                /// ```
                #[must_use]
                pub const fn $from(count: i64) -> Self {
                    Self(count.saturating_mul($nanos), PhantomData)
                }

                #[doc = concat!("The length in whole ", $unit, ", rounded towards zero.")]
                ///
                /// ```
                /// # use jacinth::*;
                #[doc = concat!("assert_eq!(MonotonicDuration::", stringify!($from), "(-3).", stringify!($into), "(), -3);")]
                /// ```
                #[must_use]
                pub const fn $into(self) -> i64 {
                    self.0 / $nanos
                }
            )+
        }
    };
}

units! {
    from_micros, into_micros, "microseconds", 1_000;
    from_millis, into_millis, "milliseconds", 1_000_000;
    from_seconds, into_seconds, "seconds", 1_000_000_000;
    from_minutes, into_minutes, "minutes", 60 * 1_000_000_000;
    from_hours, into_hours, "hours", 60 * 60 * 1_000_000_000;
}

/// Implements one saturating operator, and says which types go in and which comes out.
macro_rules! saturating {
    ($( $Left:ident . $operator:ident ( $Right:ident ) -> $Out:ident : $Trait:ident, $saturating:ident; )+) => {
        $(
            #[doc = concat!("Saturates: ", stringify!($saturating), " of the counts.")]
            impl<T: Timeline, U: TimeUnit> $Trait<$Right<T, U>> for $Left<T, U> {
                type Output = $Out<T, U>;

                fn $operator(self, other: $Right<T, U>) -> $Out<T, U> {
                    $Out(self.0.$saturating(other.0), PhantomData)
                }
            }
        )+
    };
}

saturating! {
    Instant.add(Duration) -> Instant: Add, saturating_add;
    Duration.add(Instant) -> Instant: Add, saturating_add;
    Duration.add(Duration) -> Duration: Add, saturating_add;
    Instant.sub(Duration) -> Instant: Sub, saturating_sub;
    Instant.sub(Instant) -> Duration: Sub, saturating_sub;
    Duration.sub(Duration) -> Duration: Sub, saturating_sub;
}

/// Implements one saturating operator that assigns.
macro_rules! assigning {
    ($( $Left:ident . $operator:ident: $Trait:ident, $saturating:ident; )+) => {
        $(
            impl<T: Timeline, U: TimeUnit> $Trait<Duration<T, U>> for $Left<T, U> {
                fn $operator(&mut self, other: Duration<T, U>) {
                    self.0 = self.0.$saturating(other.0);
                }
            }
        )+
    };
}

assigning! {
    Instant.add_assign: AddAssign, saturating_add;
    Instant.sub_assign: SubAssign, saturating_sub;
    Duration.add_assign: AddAssign, saturating_add;
    Duration.sub_assign: SubAssign, saturating_sub;
}

/// Saturates.
impl<T: Timeline, U: TimeUnit, N: Into<i64>> Mul<N> for Duration<T, U> {
    type Output = Self;

    fn mul(self, times: N) -> Self {
        Self(self.0.saturating_mul(times.into()), PhantomData)
    }
}

/// Saturates, and rounds towards zero.
///
/// # Panics
/// When the divisor is 0.
impl<T: Timeline, U: TimeUnit, N: Into<i64>> Div<N> for Duration<T, U> {
    type Output = Self;

    fn div(self, parts: N) -> Self {
        Self(self.0.saturating_div(parts.into()), PhantomData)
    }
}

/// Saturates.
impl<T: Timeline, U: TimeUnit> Neg for Duration<T, U> {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg(), PhantomData)
    }
}

impl<T: Timeline, U: TimeUnit> fmt::Debug for Instant<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Instant({})", T::NAME, Shown(self.0, U::SUFFIX))
    }
}

impl<T: Timeline, U: TimeUnit> fmt::Debug for Duration<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Duration({})", T::NAME, Shown(self.0, U::SUFFIX))
    }
}

/// Shows a count with its unit, and the infinities by name.
struct Shown(i64, &'static str);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            i64::MAX => f.write_str("INFINITE"),
            i64::MIN => f.write_str("INFINITE_PAST"),
            count => write!(f, "{count}{}", self.1),
        }
    }
}
