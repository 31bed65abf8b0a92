//! The status of a spawned program: whether it has attached, and if not, why not.
//!
//! A program that cannot attach learns why, but its spawner does not. The supervisor knows some of it: which programs it
//! has refused, which obstacles it has seen (`server::spawned`), and which programs have ended.

use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE};
use crate::types::status::Status;

/// The status of a spawned program: whether it has attached, and if not, why not.
///
/// ```
/// # use jacinth::*;
/// assert_eq!(SpawnStatus::Attached.to_string(), "the program is attached");
/// assert!(SpawnStatus::Refused(Status::ACCESS_DENIED).to_string().contains("another user"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum SpawnStatus {
    /// It has not attached yet. A program does so with its first call.
    Waiting,
    /// It is attached.
    Attached,
    /// The supervisor has refused it: [`Status::ACCESS_DENIED`] when it has become another user's process,
    /// [`Status::BAD_STATE`] when it runs in another PID namespace.
    Refused(Status),
    /// It has ended without having attached, and the supervisor could not see why.
    Ended,
    /// It has not attached, because of this obstacle. It may have ended since.
    CannotAttach(Obstacle),
    /// Unknown: it has attached and ended since, it was not spawned into this arena, or another process has become the
    /// supervisor since.
    Unknown,
}

impl std::fmt::Display for SpawnStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Waiting => write!(f, "the program has not attached yet"),
            Self::Attached => write!(f, "the program is attached"),
            Self::Refused(status) if *status == Status::ACCESS_DENIED => {
                write!(f, "the program was refused: it runs as another user than its spawner")
            }
            Self::Refused(status) => {
                write!(
                    f,
                    "the program was refused, with {}: it runs in another PID namespace",
                    status.name().unwrap_or("?")
                )
            }
            Self::CannotAttach(obstacle) => write!(f, "the program cannot attach: {obstacle}"),
            Self::Ended => write!(
                f,
                "the program ended without having attached, too soon for the supervisor to see why: it made no call, or its \
                 environment was cleaned ({}, {}), or it could not reach the supervisor's socket (a private /tmp, a \
                 chroot)",
                SOCKET_VARIABLE, SLOT_VARIABLE
            ),
            Self::Unknown => write!(f, "the supervisor does not know the program"),
        }
    }
}

impl SpawnStatus {
    pub(crate) fn to_words(self) -> [u32; 2] {
        match self {
            Self::Waiting => [1, 0],
            Self::Attached => [2, 0],
            Self::Refused(status) => [3, status.into_raw().cast_unsigned()],
            Self::Ended => [4, 0],
            Self::CannotAttach(Obstacle::OtherUser(user)) => [5, user],
            Self::CannotAttach(Obstacle::CleanEnvironment) => [6, 0],
            Self::CannotAttach(Obstacle::NoSocket) => [7, 0],
            Self::Unknown => [0, 0],
        }
    }

    pub(crate) fn from_words(words: [u32; 2]) -> Self {
        match words {
            [1, _] => Self::Waiting,
            [2, _] => Self::Attached,
            [3, status] => Self::Refused(Status::from_raw(status.cast_signed())),
            [4, _] => Self::Ended,
            [5, user] => Self::CannotAttach(Obstacle::OtherUser(user)),
            [6, _] => Self::CannotAttach(Obstacle::CleanEnvironment),
            [7, _] => Self::CannotAttach(Obstacle::NoSocket),
            _ => Self::Unknown,
        }
    }
}

/// The obstacle that keeps a program from attaching to the arena that it was spawned into.
///
/// ```
/// # use jacinth::*;
/// let status = SpawnStatus::CannotAttach(Obstacle::OtherUser(1000));
/// assert!(status.to_string().contains("user 1000"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Obstacle {
    /// It runs as this user, and the arena is another user's: it has changed its user since it was spawned.
    OtherUser(u32),
    /// Its environment has no [`JACINTH_SOCKET`](crate::SOCKET_VARIABLE): it was cleaned (`env -i`, `sudo`).
    CleanEnvironment,
    /// It does not see the supervisor's socket at its path, because it has another view of the file system: a private `/tmp`,
    /// a chroot, a container.
    NoSocket,
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherUser(user) => write!(f, "it runs as user {user}, and the arena is another user's"),
            Self::CleanEnvironment => {
                write!(f, "its environment was cleaned: {SOCKET_VARIABLE} is not in it")
            }
            Self::NoSocket => write!(
                f,
                "it does not see the supervisor's socket at its path: it has a file system of its own (a private /tmp, a \
                 chroot, a container)"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spawn_statuses_survive_the_wire() {
        let refused = SpawnStatus::Refused(Status::ACCESS_DENIED);
        let obstacles = [Obstacle::OtherUser(7), Obstacle::CleanEnvironment, Obstacle::NoSocket];
        let known =
            [SpawnStatus::Waiting, SpawnStatus::Attached, refused, SpawnStatus::Ended, SpawnStatus::Unknown];
        for status in obstacles.map(SpawnStatus::CannotAttach).into_iter().chain(known) {
            assert_eq!(SpawnStatus::from_words(status.to_words()), status);
        }
        assert!(refused.to_string().contains("another user"));
    }
}
