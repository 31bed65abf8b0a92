//! Why a process cannot attach to an arena.

use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE};
use crate::membership::system_limits;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Why this process is not attached to an arena.
///
/// `Debug` shows the text, as `Display` does: a `main` that returns it prints the text.
///
/// ```
/// # use jacinth::*;
/// let refused = attach("/no/such/socket").unwrap_err();
/// assert!(matches!(refused, AttachError::NoSupervisor { .. }));
/// assert!(refused.to_string().contains("/no/such/socket"));
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// This program cannot use the file that the supervisor gave it as an arena.
    #[error("the arena cannot be used: {0}")]
    Arena(#[source] shm::AttachError),
    /// There is no supervisor at the path, or it does not answer.
    #[error("no supervisor answers at {path}: {source}", path = path.display())]
    NoSupervisor {
        /// The path.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The supervisor refused.
    #[error("the supervisor refused admission: {0}")]
    Refused(Status),
    /// The process that runs the supervisor has no descriptors left.
    #[error(
        "the supervisor's process has no descriptors left: it takes two for each attached process, and has raised its \
         RLIMIT_NOFILE (ulimit -n) to the hard limit already; raise that (ulimit -Hn, LimitNOFILE= of systemd)"
    )]
    SupervisorOutOfDescriptors,
    /// The process is attached already. A process has one attachment.
    #[error("this process is attached to an arena already: a process has one attachment")]
    AlreadyAttached,
    /// The program was not told which arena to attach to.
    #[error(
        "this program is attached to nothing: it was not started by `Supervisor::spawn` ({SOCKET_VARIABLE} is not \
         set), nor has it called `Supervisor::create`, `attach` or `join_or_create`"
    )]
    NotAttached,
    /// This process was forked from one that is attached, or that was about to be. The arena is not mapped in it.
    #[error(
        "this process was forked from an attached one, and has no arena: start a program by `Supervisor::spawn` instead"
    )]
    Forked,
    /// The program was not spawned into the arena: it made the arena, or joined it.
    #[error(
        "this program has no startup handle: it was not started by `Supervisor::spawn`, but made its arena, or joined it \
         by `attach` or by {SOCKET_VARIABLE}"
    )]
    NotSpawned,
    /// The supervisor's process and this one do not see each other under the same numbers.
    #[error(
        "the supervisor runs in another PID namespace (in another container, say): the processes of an arena find each \
         other by their numbers, so all must run in one (docker run --pid=host, or --pid=container:NAME)"
    )]
    OtherPidNamespace,
    /// The text of [`SLOT_VARIABLE`](crate::SLOT_VARIABLE) is malformed.
    #[error(
        "{SLOT_VARIABLE}={0:?} is no process slot: it is to be copied whole, from the program that prepared it"
    )]
    BadSlot(String),
    /// This program has no startup handle, because the slot in its environment was not to be had. It is attached all the
    /// same, like a program that joined by itself: the variables may be those that an ancestor has inherited to it.
    #[error("this program has no startup handle: {SLOT_VARIABLE}={seat}: {reason}")]
    LostSeat {
        /// The text of [`SLOT_VARIABLE`](crate::SLOT_VARIABLE).
        seat: String,
        /// Why it was not to be had.
        reason: LostSeat,
    },
    /// The name is none for an arena.
    #[error("{name:?} is no name for an arena: {fault}")]
    BadName {
        /// The name.
        name: OsString,
        /// What is wrong with it.
        fault: String,
    },
    /// The supervisor of a new arena cannot listen, at [`Config::socket_path`](crate::Config::socket_path) or in a new
    /// folder; also because another arena lives at the path.
    #[error("the supervisor cannot listen at {path}: {source}", path = path.display())]
    CannotListen {
        /// The path, or the folder for the new folder.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The system refused a resource that attaching needs.
    #[error("attaching failed: {0}")]
    System(#[source] std::io::Error),
    /// The startup handle has been taken before.
    #[error("this program's startup handle has been taken already, or it was prepared a seat without one")]
    NoStartupHandle,
}

/// Why a program did not get the slot that its environment names.
///
/// ```
/// # use jacinth::*;
/// assert!(LostSeat::Taken.to_string().contains("one program"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LostSeat {
    /// Another program has taken it.
    Taken,
    /// It was given back.
    GivenBack,
    /// It is a slot of an arena that was at the same path earlier, or the text was changed.
    OfAnotherArena,
}

impl std::fmt::Display for LostSeat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Taken => {
                "another program has taken this seat, perhaps one that passed its environment on: a seat is for one program, \
                 so prepare one for each"
            }
            Self::GivenBack => {
                "this seat was given back: the process that prepared it has dropped it or has died, or the program that took \
                 it has died; prepare another one"
            }
            Self::OfAnotherArena => {
                "this is no seat of the arena that is at the path now: it was prepared in an earlier arena, or the text was \
                 changed; prepare another one"
            }
        })
    }
}

impl AttachError {
    /// The nearest status, for interfaces that report errors by statuses alone.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(AttachError::NotAttached.status(), Status::BAD_STATE);
    /// assert_eq!(AttachError::AlreadyAttached.status(), Status::ALREADY_BOUND);
    /// ```
    pub fn status(&self) -> Status {
        match self {
            Self::Arena(shm::AttachError::OutOfRange(_)) => Status::OUT_OF_RANGE,
            Self::Arena(shm::AttachError::AnotherUser { .. }) => Status::ACCESS_DENIED,
            Self::Arena(shm::AttachError::Limited(_)) | Self::SupervisorOutOfDescriptors => {
                Status::NO_RESOURCES
            }
            Self::Arena(shm::AttachError::Map(_) | shm::AttachError::System(_)) => Status::IO,
            Self::Arena(_) => Status::IO_DATA_INTEGRITY,
            Self::NoSupervisor { .. } | Self::NotSpawned | Self::NoStartupHandle => Status::NOT_FOUND,
            Self::Refused(status) => *status,
            Self::AlreadyAttached => Status::ALREADY_BOUND,
            Self::NotAttached | Self::Forked | Self::OtherPidNamespace => Status::BAD_STATE,
            Self::BadSlot(_) | Self::BadName { .. } => Status::INVALID_ARGS,
            Self::LostSeat { reason: LostSeat::Taken, .. } => Status::ALREADY_EXISTS,
            Self::LostSeat { .. } => Status::NOT_FOUND,
            Self::CannotListen { source, .. } => match source.kind() {
                ErrorKind::AddrInUse | ErrorKind::AlreadyExists => Status::ALREADY_EXISTS,
                ErrorKind::InvalidFilename | ErrorKind::InvalidInput => Status::BAD_PATH,
                ErrorKind::PermissionDenied => Status::ACCESS_DENIED,
                _ => Status::IO,
            },
            Self::System(_) => Status::IO,
        }
    }
}

impl std::fmt::Debug for AttachError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl From<shm::AttachError> for AttachError {
    fn from(error: shm::AttachError) -> Self {
        match error {
            shm::AttachError::System(errno) => errno.into(),
            error => Self::Arena(error),
        }
    }
}

impl From<std::io::Error> for AttachError {
    fn from(error: std::io::Error) -> Self {
        Self::System(system_limits::with_limit_named(error))
    }
}

impl From<rustix::io::Errno> for AttachError {
    fn from(errno: rustix::io::Errno) -> Self {
        std::io::Error::from(errno).into()
    }
}
