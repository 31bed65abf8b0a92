//! Deadlines, and conversions from and to the times of the standard library.

use super::{Duration, MonotonicDuration, MonotonicInstant, NsUnit, Timeline};
use crate::types::status::Status;
use std::time::{Duration as StdDuration, Instant as StdInstant};

/// When a wait gives up: an instant, or a length of time from now.
///
/// Calls take `impl Into<Deadline>`, so each of these may stand there: [`MonotonicInstant`], [`MonotonicDuration`],
/// [`std::time::Instant`] and [`std::time::Duration`]. A length counts from the moment of the call. A deadline in the
/// past is fair: the wait looks once and returns.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let in_a_moment = std::time::Duration::from_millis(1);
/// for timed_out in [
///     event.wait_one(Signals::USER_0, in_a_moment),
///     event.wait_one(Signals::USER_0, std::time::Instant::now() + in_a_moment),
///     event.wait_one(Signals::USER_0, MonotonicDuration::from_millis(1)),
///     event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE_PAST),
/// ] {
///     assert_eq!(timed_out, WaitResult::TimedOut(Signals::NONE));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(MonotonicInstant);

impl Deadline {
    /// The instant at which the wait gives up.
    ///
    /// ```
    /// use jacinth::{Deadline, MonotonicInstant};
    ///
    /// assert_eq!(Deadline::from(std::time::Duration::MAX).instant(), MonotonicInstant::INFINITE);
    /// ```
    #[must_use]
    pub const fn instant(self) -> MonotonicInstant {
        self.0
    }
}

impl From<MonotonicInstant> for Deadline {
    fn from(instant: MonotonicInstant) -> Self {
        Self(instant)
    }
}

impl From<MonotonicDuration> for Deadline {
    fn from(duration: MonotonicDuration) -> Self {
        Self(MonotonicInstant::after(duration))
    }
}

impl From<StdDuration> for Deadline {
    fn from(duration: StdDuration) -> Self {
        MonotonicDuration::from(duration).into()
    }
}

/// Exact to the time between two readings of the clock.
impl From<StdInstant> for Deadline {
    fn from(instant: StdInstant) -> Self {
        // Such an instant shows no number, so its distance from now is taken over. The library's clock is read after
        // this one, so the deadline may come late by the time in between, and never early.
        let now = StdInstant::now();
        match instant.checked_duration_since(now) {
            Some(left) => left.into(),
            None => Self(MonotonicInstant::get() - MonotonicDuration::from(now - instant)),
        }
    }
}

/// Exact up to 292 years; anything longer is [`Duration::INFINITE`].
impl<T: Timeline> From<StdDuration> for Duration<T, NsUnit> {
    fn from(duration: StdDuration) -> Self {
        // A duration of more than 292 years is as good as endless.
        i64::try_from(duration.as_nanos()).map_or(Self::INFINITE, Self::from_nanos)
    }
}

/// Exact. A negative duration is [`Status::OUT_OF_RANGE`], since the standard library has none.
impl<T: Timeline> TryFrom<Duration<T, NsUnit>> for StdDuration {
    type Error = Status;

    fn try_from(duration: Duration<T, NsUnit>) -> Result<Self, Status> {
        u64::try_from(duration.into_nanos()).map(Self::from_nanos).map_err(|_| Status::OUT_OF_RANGE)
    }
}
