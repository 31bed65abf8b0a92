//! A status as an error of the standard library, and back.
//!
//! The pairs are those of Fuchsia's `zx`: several statuses share a kind, so there and back is not always the same.

use crate::types::status::Status;
use std::ffi::NulError;
use std::io;

impl Status {
    /// The error of the standard library that comes nearest.
    ///
    /// ```
    /// use jacinth::Status;
    /// use std::io::ErrorKind;
    ///
    /// assert_eq!(Status::SHOULD_WAIT.into_io_error().kind(), ErrorKind::WouldBlock);
    /// assert_eq!(Status::from(ErrorKind::TimedOut), Status::TIMED_OUT);
    /// ```
    #[must_use]
    pub fn into_io_error(self) -> io::Error {
        self.into()
    }
}

/// A kind without a status of its own becomes [`Status::IO`].
impl From<io::ErrorKind> for Status {
    fn from(kind: io::ErrorKind) -> Self {
        use io::ErrorKind as Kind;
        match kind {
            Kind::NotFound => Self::NOT_FOUND,
            Kind::AlreadyExists => Self::ALREADY_EXISTS,
            Kind::PermissionDenied => Self::ACCESS_DENIED,
            Kind::InvalidInput => Self::INVALID_ARGS,
            Kind::WouldBlock => Self::SHOULD_WAIT,
            Kind::TimedOut => Self::TIMED_OUT,
            Kind::Interrupted => Self::INTERRUPTED_RETRY,
            Kind::BrokenPipe | Kind::ConnectionAborted => Self::PEER_CLOSED,
            Kind::ConnectionRefused => Self::IO_REFUSED,
            Kind::AddrInUse => Self::ALREADY_BOUND,
            Kind::AddrNotAvailable => Self::UNAVAILABLE,
            _ => Self::IO,
        }
    }
}

/// A status without a kind of its own becomes [`io::ErrorKind::Other`].
impl From<Status> for io::ErrorKind {
    fn from(status: Status) -> Self {
        match status {
            Status::NOT_FOUND => Self::NotFound,
            Status::ALREADY_EXISTS | Status::ALREADY_BOUND => Self::AlreadyExists,
            Status::ACCESS_DENIED => Self::PermissionDenied,
            Status::INVALID_ARGS | Status::OUT_OF_RANGE | Status::WRONG_TYPE | Status::BAD_PATH => {
                Self::InvalidInput
            }
            Status::SHOULD_WAIT => Self::WouldBlock,
            Status::TIMED_OUT => Self::TimedOut,
            Status::INTERRUPTED_RETRY => Self::Interrupted,
            Status::BAD_HANDLE => Self::BrokenPipe,
            Status::PEER_CLOSED => Self::ConnectionAborted,
            Status::IO_REFUSED => Self::ConnectionRefused,
            Status::IO_DATA_INTEGRITY => Self::InvalidData,
            Status::UNAVAILABLE => Self::AddrNotAvailable,
            _ => Self::Other,
        }
    }
}

/// An error that [carries](From) a status gives that status back; any other is judged by its kind.
impl From<io::Error> for Status {
    fn from(error: io::Error) -> Self {
        // Several statuses share a kind, so a status that became an error comes back by its own value.
        let carried = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>());
        carried.copied().unwrap_or_else(|| error.kind().into())
    }
}

/// The error has the kind of the status, and carries the status itself: its text is the status's, with the detail.
impl From<Status> for io::Error {
    fn from(status: Status) -> Self {
        Self::new(status.into(), status)
    }
}

impl From<NulError> for Status {
    fn from(_: NulError) -> Self {
        Self::INVALID_ARGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_becomes_the_nearest_status() {
        assert_eq!(Status::from(io::ErrorKind::BrokenPipe), Status::PEER_CLOSED);
        assert_eq!(Status::from(io::ErrorKind::Interrupted), Status::INTERNAL_INTR_RETRY);
        assert_eq!(Status::from(io::ErrorKind::UnexpectedEof), Status::IO);
    }

    #[test]
    fn a_status_becomes_the_nearest_kind() {
        assert_eq!(io::ErrorKind::from(Status::PEER_CLOSED), io::ErrorKind::ConnectionAborted);
        assert_eq!(io::ErrorKind::from(Status::WRONG_TYPE), io::ErrorKind::InvalidInput);
        assert_eq!(io::ErrorKind::from(Status::NO_MEMORY), io::ErrorKind::Other);
    }

    #[test]
    fn an_io_error_gives_its_status_back() {
        for status in [Status::NO_MEMORY, Status::BAD_HANDLE, Status::from_raw(-5050)] {
            assert_eq!(Status::from(status.into_io_error()), status);
        }
        assert_eq!(Status::from(io::Error::from(io::ErrorKind::NotFound)), Status::NOT_FOUND);
    }

    #[test]
    fn a_nul_becomes_an_invalid_argument() {
        let error = std::ffi::CString::new("a\0b").unwrap_err();
        assert_eq!(Status::from(error), Status::INVALID_ARGS);
    }
}
