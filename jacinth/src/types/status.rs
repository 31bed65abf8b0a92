//! The result of an operation, as the number Zircon gives it.
//!
//! A [`Status`] is exactly Zircon's `zx_status_t`: a signed 32-bit number in which 0 is success and
//! everything else is an error. It stays a number, not an enum, because a status crosses the C boundary and
//! process boundaries, and a code that this version has no name for must still arrive unchanged.
//!
//! - INV-STATUS-1: each code is written once, in the table below; its constant, name, meaning and
//!   documentation all come from that one line.
//! - INV-STATUS-2: `Status::from_raw(n).into_raw() == n` for every `n`, named or not.
//!
//! Follows `zircon/errors.h` (late 2018) and the ERRORS section of each page of `docs/syscalls/`.

use std::ffi::CStr;

/// The result of an operation: [`Status::OK`], or the reason for its failure.
///
/// Operations return `Result<T, Status>`, so a `Status` met as an error is never `OK`; a bare `Status` (in a
/// port packet, say) may be.
///
/// `Debug` shows the constant, as Fuchsia's `zx` does; `Display` shows Zircon's name and its meaning. Both add the reason
/// for the calling thread's last failure with this status, where the library knows one: see [`detail`](Self::detail).
///
/// A status converts from and to [`std::io::Error`] and [`std::io::ErrorKind`], and from and to `Result<(), Status>`.
///
/// ```
/// use jacinth::Status;
///
/// let status = Status::PEER_CLOSED;
/// assert_eq!(status.into_raw(), -24);
/// assert_eq!(format!("{status:?}"), "Status(PEER_CLOSED)");
/// assert_eq!(status.to_string(), "ZX_ERR_PEER_CLOSED: the other end has been closed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[repr(transparent)]
#[must_use = "a status may be an error"]
pub struct Status(i32);

impl Status {
    /// The status with this number. Every number is accepted; one without a name is kept as it is.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Status::from_raw(-11), Status::BAD_HANDLE);
    /// ```
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw)
    }

    /// The number, Zircon's `zx_status_t`.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Status::BAD_HANDLE.into_raw(), -11);
    /// ```
    #[must_use]
    pub const fn into_raw(self) -> i32 {
        self.0
    }

    /// Turns a raw status into a `Result`: 0 is `Ok`, anything else, known or not, is an error.
    ///
    /// ```
    /// use jacinth::Status;
    ///
    /// assert_eq!(Status::ok(0), Ok(()));
    /// assert_eq!(Status::ok(-11), Err(Status::BAD_HANDLE));
    /// ```
    pub const fn ok(raw: i32) -> Result<(), Self> {
        match raw {
            0 => Ok(()),
            error => Err(Self(error)),
        }
    }

    /// The status of a result: [`OK`](Self::OK) for `Ok`.
    ///
    /// ```
    /// use jacinth::Status;
    ///
    /// assert_eq!(Status::from_result(Ok(())), Status::OK);
    /// assert_eq!(Status::from_result(Err(Status::IO)), Status::IO);
    /// ```
    pub const fn from_result(result: Result<(), Self>) -> Self {
        match result {
            Ok(()) => Self::OK,
            Err(status) => status,
        }
    }

    /// The name that Zircon has given [`INTERNAL_INTR_RETRY`](Self::INTERNAL_INTR_RETRY) since 2019.
    pub const INTERRUPTED_RETRY: Self = Self::INTERNAL_INTR_RETRY;

    /// Zircon's name for this status, in full (`"ZX_ERR_BAD_HANDLE"`), or `None` for a number Zircon does not
    /// define.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Status::BAD_HANDLE.name(), Some("ZX_ERR_BAD_HANDLE"));
    /// ```
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.c_name() {
            Some(name) => match name.to_str() {
                Ok(name) => Some(name),
                Err(_) => None,
            },
            None => None,
        }
    }

    /// The same name as C wants it, with a NUL at its end.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Status::BAD_HANDLE.c_name(), Some(c"ZX_ERR_BAD_HANDLE"));
    /// ```
    #[must_use]
    pub const fn c_name(self) -> Option<&'static CStr> {
        match self.entry() {
            Some((name, _)) => Some(name),
            None => None,
        }
    }
}

/// Turns a raw status into a `Result`, as [`Status::ok`] does.
///
/// # Errors
/// Every status but 0.
///
/// ```
/// # use jacinth::*;
/// assert_eq!(ok(0), Ok(()));
/// assert_eq!(ok(-11), Err(Status::BAD_HANDLE));
/// ```
pub const fn ok(raw: i32) -> Result<(), Status> {
    Status::ok(raw)
}

impl From<Result<(), Status>> for Status {
    fn from(result: Result<(), Status>) -> Self {
        Self::from_result(result)
    }
}

impl From<Status> for Result<(), Status> {
    fn from(status: Status) -> Self {
        Status::ok(status.0)
    }
}

/// A name of the table, which ends in a NUL.
const fn c_name(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("a name of the table has no NUL, or two"),
    }
}

/// Writes the table out as constants and as [`Status::entry`].
macro_rules! statuses {
    ($( $prefix:literal { $( $NAME:ident = $raw:literal, $meaning:literal; )+ } )+) => {
        impl Status {
            $($(
                #[doc = concat!("`", $prefix, stringify!($NAME), "`, ", stringify!($raw), ": ", $meaning, ".")]
                pub const $NAME: Self = Self($raw);
            )+)+

            /// The name and the meaning, for the codes of the table.
            pub(crate) const fn entry(self) -> Option<(&'static CStr, &'static str)> {
                match self {
                    $($( Self::$NAME => Some((c_name(concat!($prefix, stringify!($NAME), "\0")), $meaning)), )+)+
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    "ZX_" {
        OK = 0, "the operation succeeded";
    }

    // The system itself.
    "ZX_ERR_" {
        INTERNAL = -1, "something went wrong that has no better name";
        NOT_SUPPORTED = -2, "this operation is not implemented or not enabled here";
        NO_RESOURCES = -3, "a resource that the operation needs has run out";
        NO_MEMORY = -4, "there is not enough memory";
        INTERNAL_INTR_RETRY = -6, "the call was interrupted and must be made again (never seen by callers)";
    }

    // Arguments.
    "ZX_ERR_" {
        INVALID_ARGS = -10, "an argument is not acceptable";
        BAD_HANDLE = -11, "the value is not a handle of this process";
        WRONG_TYPE = -12, "the object is not of the type that this operation works on";
        BAD_SYSCALL = -13, "there is no system call with this number";
        OUT_OF_RANGE = -14, "an argument lies outside the range allowed";
        BUFFER_TOO_SMALL = -15, "the buffer cannot hold what would be put in it";
    }

    // The state of things.
    "ZX_ERR_" {
        BAD_STATE = -20, "the object is not in a state that allows this";
        TIMED_OUT = -21, "the deadline passed first";
        SHOULD_WAIT = -22, "not possible now, but it may be after a wait";
        CANCELED = -23, "the operation was cancelled while it was going on";
        PEER_CLOSED = -24, "the other end has been closed";
        NOT_FOUND = -25, "what was asked for does not exist";
        ALREADY_EXISTS = -26, "something of that name or key is there already";
        ALREADY_BOUND = -27, "another owner has it for the moment";
        UNAVAILABLE = -28, "not possible now, and there is no signal to wait for";
    }

    // Permission.
    "ZX_ERR_" {
        ACCESS_DENIED = -30, "the handle lacks a right, or policy forbids this";
    }

    // Input and output.
    "ZX_ERR_" {
        IO = -40, "input or output failed, for a reason not given";
        IO_REFUSED = -41, "the device rejected the operation";
        IO_DATA_INTEGRITY = -42, "the data did not pass its integrity check";
        IO_DATA_LOSS = -43, "the data cannot be had now, and may be lost for good";
        IO_NOT_PRESENT = -44, "the device is gone";
        IO_OVERRUN = -45, "the device sent more than was expected";
        IO_MISSED_DEADLINE = -46, "the device did not finish in the time required";
        IO_INVALID = -47, "the device found the data invalid or out of range";
    }

    // File systems.
    "ZX_ERR_" {
        BAD_PATH = -50, "the path is too long";
        NOT_DIR = -51, "it is not a directory";
        NOT_FILE = -52, "it is not a regular file";
        FILE_BIG = -53, "the file would outgrow the file system's limit";
        NO_SPACE = -54, "there is no space left";
        NOT_EMPTY = -55, "the directory is not empty";
    }

    // Requests of a callback to its caller. No operation returns these.
    "ZX_ERR_" {
        STOP = -60, "do not call again";
        NEXT = -61, "go on to the next item";
        ASYNC = -62, "an asynchronous worker has taken the item over";
    }

    // Networks.
    "ZX_ERR_" {
        PROTOCOL_NOT_SUPPORTED = -70, "the protocol is not supported";
        ADDRESS_UNREACHABLE = -71, "there is no way to the host";
        ADDRESS_IN_USE = -72, "the address is taken";
        NOT_CONNECTED = -73, "there is no connection";
        CONNECTION_REFUSED = -74, "the remote host would not have the connection";
        CONNECTION_RESET = -75, "the connection was reset";
        CONNECTION_ABORTED = -76, "the connection was broken off";
    }
}

impl std::error::Error for Status {}

/// The status that Zircon gives where the mechanism says `error`. `crate::detail::of` keeps the reason, too.
pub(crate) fn of(error: jacinth_shm::Error) -> Status {
    use jacinth_shm::Error as E;
    match error {
        E::BadHandle => Status::BAD_HANDLE,
        E::WrongType => Status::WRONG_TYPE,
        E::AccessDenied { .. } | E::WrongScope => Status::ACCESS_DENIED,
        E::InvalidArgs(_) => Status::INVALID_ARGS,
        E::OutOfRange { .. } => Status::OUT_OF_RANGE,
        E::NotSupported(_) => Status::NOT_SUPPORTED,
        E::Unavailable(_) => Status::UNAVAILABLE,
        E::NoResources(_) => Status::NO_RESOURCES,
        E::NoMemory { .. } => Status::NO_MEMORY,
        E::ShouldWait => Status::SHOULD_WAIT,
        E::PeerClosed => Status::PEER_CLOSED,
        E::Canceled => Status::CANCELED,
        E::NotFound => Status::NOT_FOUND,
        E::AlreadyExists => Status::ALREADY_EXISTS,
        E::TimedOut => Status::TIMED_OUT,
        E::Interrupted => Status::INTERNAL_INTR_RETRY,
        E::BufferTooSmall { .. } => Status::BUFFER_TOO_SMALL,
        E::Corrupt(_) => Status::IO_DATA_INTEGRITY,
        E::BadState(_) => Status::BAD_STATE,
        _ => Status::INTERNAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers, written out a second time on purpose: a slip in the table above must disagree with this
    /// one.
    const ZIRCON: &[(i32, &str, Status)] = &[
        (0, "ZX_OK", Status::OK),
        (-1, "ZX_ERR_INTERNAL", Status::INTERNAL),
        (-2, "ZX_ERR_NOT_SUPPORTED", Status::NOT_SUPPORTED),
        (-3, "ZX_ERR_NO_RESOURCES", Status::NO_RESOURCES),
        (-4, "ZX_ERR_NO_MEMORY", Status::NO_MEMORY),
        (-6, "ZX_ERR_INTERNAL_INTR_RETRY", Status::INTERNAL_INTR_RETRY),
        (-10, "ZX_ERR_INVALID_ARGS", Status::INVALID_ARGS),
        (-11, "ZX_ERR_BAD_HANDLE", Status::BAD_HANDLE),
        (-12, "ZX_ERR_WRONG_TYPE", Status::WRONG_TYPE),
        (-13, "ZX_ERR_BAD_SYSCALL", Status::BAD_SYSCALL),
        (-14, "ZX_ERR_OUT_OF_RANGE", Status::OUT_OF_RANGE),
        (-15, "ZX_ERR_BUFFER_TOO_SMALL", Status::BUFFER_TOO_SMALL),
        (-20, "ZX_ERR_BAD_STATE", Status::BAD_STATE),
        (-21, "ZX_ERR_TIMED_OUT", Status::TIMED_OUT),
        (-22, "ZX_ERR_SHOULD_WAIT", Status::SHOULD_WAIT),
        (-23, "ZX_ERR_CANCELED", Status::CANCELED),
        (-24, "ZX_ERR_PEER_CLOSED", Status::PEER_CLOSED),
        (-25, "ZX_ERR_NOT_FOUND", Status::NOT_FOUND),
        (-26, "ZX_ERR_ALREADY_EXISTS", Status::ALREADY_EXISTS),
        (-27, "ZX_ERR_ALREADY_BOUND", Status::ALREADY_BOUND),
        (-28, "ZX_ERR_UNAVAILABLE", Status::UNAVAILABLE),
        (-30, "ZX_ERR_ACCESS_DENIED", Status::ACCESS_DENIED),
        (-40, "ZX_ERR_IO", Status::IO),
        (-41, "ZX_ERR_IO_REFUSED", Status::IO_REFUSED),
        (-42, "ZX_ERR_IO_DATA_INTEGRITY", Status::IO_DATA_INTEGRITY),
        (-43, "ZX_ERR_IO_DATA_LOSS", Status::IO_DATA_LOSS),
        (-44, "ZX_ERR_IO_NOT_PRESENT", Status::IO_NOT_PRESENT),
        (-45, "ZX_ERR_IO_OVERRUN", Status::IO_OVERRUN),
        (-46, "ZX_ERR_IO_MISSED_DEADLINE", Status::IO_MISSED_DEADLINE),
        (-47, "ZX_ERR_IO_INVALID", Status::IO_INVALID),
        (-50, "ZX_ERR_BAD_PATH", Status::BAD_PATH),
        (-51, "ZX_ERR_NOT_DIR", Status::NOT_DIR),
        (-52, "ZX_ERR_NOT_FILE", Status::NOT_FILE),
        (-53, "ZX_ERR_FILE_BIG", Status::FILE_BIG),
        (-54, "ZX_ERR_NO_SPACE", Status::NO_SPACE),
        (-55, "ZX_ERR_NOT_EMPTY", Status::NOT_EMPTY),
        (-60, "ZX_ERR_STOP", Status::STOP),
        (-61, "ZX_ERR_NEXT", Status::NEXT),
        (-62, "ZX_ERR_ASYNC", Status::ASYNC),
        (-70, "ZX_ERR_PROTOCOL_NOT_SUPPORTED", Status::PROTOCOL_NOT_SUPPORTED),
        (-71, "ZX_ERR_ADDRESS_UNREACHABLE", Status::ADDRESS_UNREACHABLE),
        (-72, "ZX_ERR_ADDRESS_IN_USE", Status::ADDRESS_IN_USE),
        (-73, "ZX_ERR_NOT_CONNECTED", Status::NOT_CONNECTED),
        (-74, "ZX_ERR_CONNECTION_REFUSED", Status::CONNECTION_REFUSED),
        (-75, "ZX_ERR_CONNECTION_RESET", Status::CONNECTION_RESET),
        (-76, "ZX_ERR_CONNECTION_ABORTED", Status::CONNECTION_ABORTED),
    ];

    #[test]
    fn every_status_has_zircons_number_and_name() {
        for &(raw, name, status) in ZIRCON {
            assert_eq!(status.into_raw(), raw, "{name}");
            assert_eq!(status.name(), Some(name), "{raw}");
            assert_eq!(
                format!("{status:?}"),
                format!("Status({})", name.trim_start_matches("ZX_").trim_start_matches("ERR_"))
            );
            let shown = status.to_string();
            assert!(shown.starts_with(&format!("{name}: ")) && !shown.ends_with(": "), "{shown}");
        }
    }

    #[test]
    fn no_other_number_has_a_name() {
        let named = (-1000..=1000).filter(|&raw| Status::from_raw(raw).name().is_some()).count();
        assert_eq!(named, ZIRCON.len());
    }

    #[test]
    fn an_unknown_code_shows_its_number() {
        for raw in [i32::MIN, -5, -29, 1, i32::MAX] {
            let status = Status::from_raw(raw);
            assert_eq!(status.into_raw(), raw);
            assert_eq!(status.name(), None);
            assert_eq!(format!("{status:?}"), format!("Status({raw})"));
            assert_eq!(status.to_string(), format!("unknown status {raw}"));
        }
    }

    #[test]
    fn only_zero_is_ok() {
        assert_eq!(Status::ok(0), Ok(()));
        for raw in [i32::MIN, -502, -1, 1, i32::MAX] {
            assert_eq!(Status::ok(raw), Err(Status::from_raw(raw)));
        }
    }

    #[test]
    fn a_status_is_a_result() {
        assert_eq!(Result::from(Status::OK), Ok(()));
        assert_eq!(Result::from(Status::IO), Err(Status::IO));
        assert_eq!(Status::from(Ok(())), Status::OK);
        assert_eq!(Status::from(Err(Status::STOP)), Status::STOP);
        assert_eq!(ok(-24), Err(Status::PEER_CLOSED));
    }

    #[test]
    fn a_status_survives_boxing_as_error() {
        let boxed: Box<dyn std::error::Error + Send + Sync> = Status::BAD_HANDLE.into();
        assert_eq!(boxed.downcast_ref::<Status>(), Some(&Status::BAD_HANDLE));
    }

    #[test]
    fn statuses_have_the_layout_of_i32() {
        assert_eq!(size_of::<Status>(), 4);
        assert_eq!(align_of::<Status>(), 4);
    }
}
