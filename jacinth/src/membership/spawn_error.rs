//! Why a program was not spawned.

use crate::types::status::Status;

/// Why a program was not spawned. `Debug` shows the text, as `Display` does.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let mut program = std::process::Command::new("/no/such/program");
/// let refused = supervisor.spawn(&mut program, Event::create()).unwrap_err();
/// assert!(matches!(refused, SpawnError::Program(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The arena refused: no process slot is free ([`Status::NO_RESOURCES`]), or this process may not use the arena
    /// ([`Status::BAD_STATE`]).
    #[error("the arena has no slot for another process: {0}")]
    Arena(Status),
    /// The startup handle is no handle ([`Status::BAD_HANDLE`]), or lacks [`Rights::TRANSFER`](crate::Rights::TRANSFER)
    /// ([`Status::ACCESS_DENIED`]).
    #[error("the startup handle cannot be given to the program: {0}")]
    StartupHandle(Status),
    /// The program could not be started, or not be watched. The startup handle is closed.
    #[error("the program could not be started: {0}")]
    Program(#[source] std::io::Error),
    /// The supervisor did not answer within the [timeout](crate::set_supervisor_timeout). The text names its process, and
    /// says whether that is stopped. The program that was started is killed.
    #[error("the supervisor does not answer: {0}")]
    Supervisor(#[source] std::io::Error),
    /// The program could not join, because the supervisor's process cannot listen at the arena's path: it lacks rights, or
    /// has another root folder. Spawning works again once the path can be used.
    #[error("the program could not join: the supervisor's process cannot listen at {path}", path = .0.display())]
    CannotListen(std::path::PathBuf),
}

impl std::fmt::Debug for SpawnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl SpawnError {
    /// The nearest status, for interfaces that report errors by statuses alone.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let mut program = std::process::Command::new("/no/such/program");
    /// let refused = supervisor.spawn(&mut program, NullableHandle::invalid()).unwrap_err();
    /// assert_eq!(refused.status(), Status::BAD_HANDLE);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn status(&self) -> Status {
        match self {
            Self::Arena(status) | Self::StartupHandle(status) => *status,
            Self::Program(error) => match error.kind() {
                std::io::ErrorKind::NotFound => Status::NOT_FOUND,
                std::io::ErrorKind::PermissionDenied => Status::ACCESS_DENIED,
                _ => Status::IO,
            },
            Self::Supervisor(_) | Self::CannotListen(_) => Status::UNAVAILABLE,
        }
    }
}
