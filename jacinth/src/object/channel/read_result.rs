//! The result of a read into a buffer of a fixed size.

use crate::raw::Actual;
use crate::types::status::Status;

/// The result of a read into buffers of a fixed size.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// ours.write(b"message", &mut [])?;
/// let mut bytes = vec![0; 4];
/// loop {
///     match theirs.read_into(OnOverflow::Keep, &mut bytes, &mut []) {
///         ChannelReadResult::Ok((len, _)) => break assert_eq!(&bytes[..len], b"message"),
///         ChannelReadResult::BufferTooSmall { bytes_avail, .. } => bytes.resize(bytes_avail, 0),
///         ChannelReadResult::Err(status) => return Err(status.into()),
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the message may not have fitted"]
pub enum ChannelReadResult<T> {
    /// The message was read.
    Ok(T),
    /// The buffers cannot hold the message. It is still there unless the read may discard it.
    BufferTooSmall {
        /// The size of the message in bytes.
        bytes_avail: usize,
        /// How many handles it carries.
        handles_avail: usize,
    },
    /// No message was read.
    Err(Status),
}

impl<T> ChannelReadResult<T> {
    pub(super) fn new(result: Result<(), Status>, actual: Actual, read: impl FnOnce() -> T) -> Self {
        match result {
            Ok(()) => Self::Ok(read()),
            Err(Status::BUFFER_TOO_SMALL) => {
                Self::BufferTooSmall { bytes_avail: actual.bytes, handles_avail: actual.handles }
            }
            Err(status) => Self::Err(status),
        }
    }

    /// The message's sizes, or the status.
    ///
    /// # Errors
    /// [`Status::BUFFER_TOO_SMALL`] for [`BufferTooSmall`](Self::BufferTooSmall), and the status of [`Err`](Self::Err).
    ///
    /// ```
    /// # use jacinth::*;
    /// let too_small = ChannelReadResult::<()>::BufferTooSmall { bytes_avail: 5, handles_avail: 0 };
    /// assert_eq!(too_small.to_result(), Err(Status::BUFFER_TOO_SMALL));
    /// ```
    pub fn to_result(self) -> Result<T, Status> {
        match self {
            Self::Ok(read) => Ok(read),
            Self::BufferTooSmall { .. } => Err(Status::BUFFER_TOO_SMALL),
            Self::Err(status) => Err(status),
        }
    }

    /// The value of [`Ok`](Self::Ok).
    ///
    /// # Panics
    /// When no message was read.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ChannelReadResult::Ok((5, 0)).unwrap(), (5, 0));
    /// ```
    #[track_caller]
    pub fn unwrap(self) -> T {
        self.expect("a message that fits")
    }

    /// As [`unwrap`](Self::unwrap), with a message of the caller's.
    ///
    /// # Panics
    /// When no message was read.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ChannelReadResult::Ok((5, 0)).expect("a message"), (5, 0));
    /// ```
    #[track_caller]
    pub fn expect(self, message: &str) -> T {
        match self {
            Self::Ok(read) => read,
            Self::BufferTooSmall { bytes_avail, handles_avail } => {
                panic!("{message}: the message has {bytes_avail} bytes and {handles_avail} handles")
            }
            Self::Err(status) => panic!("{message}: {status}"),
        }
    }
}
