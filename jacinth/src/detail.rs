//! The detail of a failure: the reason that its status has no room for.
//!
//! A status is one of Zircon's numbers, and cannot carry a text. So each thread keeps the detail of its last failure that
//! had one, and [`Status::detail`] gives it for the same status. A failure that its status explains (SHOULD_WAIT,
//! TIMED_OUT) keeps no detail and leaves the last one alone: it is part of a program's steady state, and is free
//! here.

use crate::types::status::{self, Status};
use jacinth_shm::Error;
use std::cell::RefCell;
use std::fmt;

/// The reason of a failure.
#[derive(Debug)]
enum Detail {
    Mechanism(Error),
    Fixed(&'static str),
    Owned(String),
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mechanism(error) => error.fmt(f),
            Self::Fixed(text) => f.write_str(text),
            Self::Owned(text) => f.write_str(text),
        }
    }
}

thread_local! {
    static LAST: RefCell<Option<(Status, Detail)>> = const { RefCell::new(None) };
}

#[cold]
fn keep(status: Status, detail: Detail) -> Status {
    // Without effect once the thread's locals are destroyed, and in a signal handler that interrupts this function.
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Some((status, detail));
        }
    });
    status
}

/// The status of an error of `jacinth_shm`. Keeps the error as its detail.
#[inline]
pub(crate) fn of(error: Error) -> Status {
    let status = status::of(error);
    match error {
        Error::AccessDenied { .. }
        | Error::WrongScope
        | Error::InvalidArgs(_)
        | Error::OutOfRange { .. }
        | Error::NotSupported(_)
        | Error::Unavailable(_)
        | Error::NoResources(_)
        | Error::NoMemory { .. }
        | Error::Corrupt(_)
        | Error::BadState(_) => keep(status, Detail::Mechanism(error)),
        _ => status,
    }
}

/// This status, with this detail.
pub(crate) fn because(status: Status, why: &'static str) -> Status {
    keep(status, Detail::Fixed(why))
}

/// This status, with the text of `why` as its detail.
pub(crate) fn because_of(status: Status, why: &dyn fmt::Display) -> Status {
    keep(status, Detail::Owned(why.to_string()))
}

impl Status {
    /// Why the calling thread's last call that gave this status gave it, where the library knows more than the status
    /// says: which limit was met, which rights are missing, that the process is attached to nothing.
    ///
    /// `Debug` and `Display` show it too, behind the status. [`name`](Self::name) and [`into_raw`](Self::into_raw)
    /// never depend on it.
    ///
    /// ```
    /// use jacinth::{Event, Status};
    ///
    /// // No arena was made, and none was joined.
    /// let status = Event::try_create().unwrap_err();
    /// assert_eq!(status, Status::BAD_STATE);
    /// assert!(status.detail().unwrap().contains("attached to nothing"));
    /// ```
    #[must_use]
    pub fn detail(self) -> Option<String> {
        LAST.try_with(|last| {
            let last = last.try_borrow().ok()?;
            last.as_ref().filter(|(status, _)| *status == self).map(|(_, detail)| detail.to_string())
        })
        .ok()
        .flatten()
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name().and_then(|name| name.strip_prefix("ZX_")) {
            Some(name) => write!(f, "Status({}", name.strip_prefix("ERR_").unwrap_or(name))?,
            None => write!(f, "Status({}", self.into_raw())?,
        }
        self.detail().map_or(Ok(()), |detail| write!(f, ": {detail}"))?;
        f.write_str(")")
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.name(), self.entry()) {
            (Some(name), Some((_, meaning))) => write!(f, "{name}: {meaning}")?,
            _ => write!(f, "unknown status {}", self.into_raw())?,
        }
        self.detail().map_or(Ok(()), |detail| write!(f, ": {detail}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_belong_to_status_and_thread() {
        assert_eq!(of(Error::NoResources("objects")), Status::NO_RESOURCES);
        assert!(Status::NO_RESOURCES.detail().unwrap().starts_with("objects exhausted"));
        assert_eq!(Status::NO_MEMORY.detail(), None);
        std::thread::spawn(|| assert_eq!(Status::NO_RESOURCES.detail(), None)).join().unwrap();
    }

    #[test]
    fn steady_state_failures_keep_no_detail() {
        let status = because(Status::BAD_STATE, "a reason");
        assert_eq!(of(Error::ShouldWait), Status::SHOULD_WAIT);
        assert_eq!(status.detail().as_deref(), Some("a reason"));
        assert_eq!(format!("{status:?}"), "Status(BAD_STATE: a reason)");
        assert!(status.to_string().ends_with(": a reason"), "{status}");
    }
}
