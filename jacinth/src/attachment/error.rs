//! Why a process cannot attach to an arena.

use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE};
use crate::membership::system_limits;
use crate::types::status::Status;
use jacinth_shm as shm;
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
         set), nor has it called `Supervisor::create` or `attach`"
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
    /// The text of [`SLOT_VARIABLE`](crate::SLOT_VARIABLE) is malformed. A slot that another process has taken is no error:
    /// the program joins as one that was not spawned, and has no startup handle.
    #[error("{SLOT_VARIABLE}={0:?} names no process slot that waits for this program")]
    BadSlot(String),
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
    #[error("this program's startup handle has been taken already")]
    NoStartupHandle,
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
            Self::BadSlot(_) => Status::INVALID_ARGS,
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
