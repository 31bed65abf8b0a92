//! The result of a wait.

use crate::types::signals::Signals;
use crate::types::status::Status;

/// The result of [`wait_one`](crate::Handle::wait_one), with the signals that the object asserted at its end.
///
/// It behaves as a `Result<Signals, Status>` in most places; [`to_result`](Self::to_result) makes it one.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// event.signal(Signals::NONE, Signals::USER_1)?;
/// let timed_out = event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE_PAST);
/// assert_eq!(timed_out, WaitResult::TimedOut(Signals::USER_1));
/// assert_eq!(timed_out.to_result(), Err(Status::TIMED_OUT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "a wait may have ended without its signals"]
pub enum WaitResult {
    /// The object asserts one of the signals waited for.
    Ok(Signals),
    /// The deadline passed first. The signals may have changed since.
    TimedOut(Signals),
    /// Another thread closed or transferred the handle. [`Signals::HANDLE_CLOSED`] is among the signals.
    Canceled(Signals),
    /// There was no wait, and the signals are not known.
    Err(Status),
}

impl WaitResult {
    pub(crate) fn new(result: Result<(), Status>, observed: Signals) -> Self {
        match result {
            Ok(()) => Self::Ok(observed),
            Err(Status::TIMED_OUT) => Self::TimedOut(observed),
            Err(Status::CANCELED) => Self::Canceled(observed),
            Err(status) => Self::Err(status),
        }
    }

    /// The signals of a wait that succeeded, or the status.
    ///
    /// # Errors
    /// [`Status::TIMED_OUT`] for [`TimedOut`](Self::TimedOut), [`Status::CANCELED`] for [`Canceled`](Self::Canceled), and
    /// the status of [`Err`](Self::Err).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::Ok(Signals::USER_0).to_result(), Ok(Signals::USER_0));
    /// assert_eq!(WaitResult::TimedOut(Signals::NONE).to_result(), Err(Status::TIMED_OUT));
    /// ```
    pub const fn to_result(self) -> Result<Signals, Status> {
        match self {
            Self::Ok(signals) => Ok(signals),
            Self::TimedOut(_) => Err(Status::TIMED_OUT),
            Self::Canceled(_) => Err(Status::CANCELED),
            Self::Err(status) => Err(status),
        }
    }

    /// Whether the wait succeeded.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(WaitResult::Ok(Signals::USER_0).is_ok());
    /// assert!(!WaitResult::TimedOut(Signals::NONE).is_ok());
    /// ```
    #[must_use]
    pub const fn is_ok(&self) -> bool {
        matches!(self, Self::Ok(_))
    }

    /// Whether the wait ended without its signals.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(WaitResult::TimedOut(Signals::NONE).is_err());
    /// ```
    #[must_use]
    pub const fn is_err(&self) -> bool {
        !self.is_ok()
    }

    /// As [`Result::map`].
    ///
    /// # Errors
    /// Those of [`to_result`](Self::to_result).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::Ok(Signals::USER_0).map(|seen| seen.contains(Signals::USER_0)), Ok(true));
    /// ```
    pub fn map<T>(self, change: impl FnOnce(Signals) -> T) -> Result<T, Status> {
        self.to_result().map(change)
    }

    /// As [`Result::map_err`].
    ///
    /// # Errors
    /// Those of [`to_result`](Self::to_result), changed.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::TimedOut(Signals::NONE).map_err(|status| status.into_raw()), Err(-21));
    /// ```
    pub fn map_err<E>(self, change: impl FnOnce(Status) -> E) -> Result<Signals, E> {
        self.to_result().map_err(change)
    }

    /// As [`Result::unwrap`].
    ///
    /// # Panics
    /// When the wait did not succeed.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::Ok(Signals::USER_0).unwrap(), Signals::USER_0);
    /// ```
    #[track_caller]
    pub fn unwrap(self) -> Signals {
        self.to_result().unwrap()
    }

    /// As [`Result::unwrap_err`].
    ///
    /// # Panics
    /// When the wait succeeded.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::TimedOut(Signals::NONE).unwrap_err(), Status::TIMED_OUT);
    /// ```
    #[track_caller]
    pub fn unwrap_err(self) -> Status {
        self.to_result().unwrap_err()
    }

    /// As [`Result::expect`].
    ///
    /// # Panics
    /// When the wait did not succeed.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::Ok(Signals::USER_0).expect("the signal comes"), Signals::USER_0);
    /// ```
    #[track_caller]
    pub fn expect(self, message: &str) -> Signals {
        self.to_result().expect(message)
    }

    /// As [`Result::expect_err`].
    ///
    /// # Panics
    /// When the wait succeeded.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitResult::TimedOut(Signals::NONE).expect_err("no signal"), Status::TIMED_OUT);
    /// ```
    #[track_caller]
    pub fn expect_err(self, message: &str) -> Status {
        self.to_result().expect_err(message)
    }
}

impl From<WaitResult> for Result<Signals, Status> {
    fn from(result: WaitResult) -> Self {
        result.to_result()
    }
}
