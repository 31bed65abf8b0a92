//! What has become of programs that were spawned: whether they have attached, and if not, why.
//!
//! A program that cannot attach learns why, and may have nobody to tell. The supervisor knows some of it: whom it has
//! refused, what it has seen in a program's way (`obstacle`), and who has ended without a word.

use crate::Status;
use crate::membership::server::obstacle::Obstacle;
use std::collections::VecDeque;

/// What has become of a program that was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It has not attached yet. A program does so with its first call.
    Waiting,
    /// It is attached.
    Attached,
    /// The supervisor has refused it: [`Status::ACCESS_DENIED`] when it has become another user's process,
    /// [`Status::BAD_STATE`] when it runs in another PID namespace.
    Refused(Status),
    /// It has ended, and had not attached. What was in its way, if anything was, could not be seen.
    Ended,
    /// It has not attached, and cannot as it is now, or as it was before it ended.
    CannotAttach(Obstacle),
    /// Not known: it has attached and ended since, it is no program that was spawned here, or another process has become
    /// the supervisor meanwhile.
    Unknown,
}

impl std::fmt::Display for Fate {
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
                "the program ended without having attached, too soon for anybody to see why: it made no call, or its \
                 environment was cleaned ({}, {}), or it could not reach the supervisor's socket (a private /tmp, a \
                 chroot)",
                crate::ARENA_VARIABLE,
                crate::SEAT_VARIABLE
            ),
            Self::Unknown => write!(f, "nothing is known of the program"),
        }
    }
}

impl Fate {
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

/// How many are kept.
const MOST: usize = 256;

/// Those who did not attach, the last ones.
#[derive(Default)]
pub(crate) struct Fates(VecDeque<(u32, Fate)>);

impl Fates {
    /// Notes what has become of the process with this number, unless there is something better to say of it already.
    pub(crate) fn note(&mut self, pid: u32, fate: Fate) {
        if self.of(pid).is_none() {
            self.0.truncate(MOST - 1);
            self.0.push_front((pid, fate));
        }
    }

    /// A new process has this number.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.0.retain(|(noted, _)| *noted != pid);
    }

    pub(crate) fn of(&self, pid: u32) -> Option<Fate> {
        self.0.iter().find(|(noted, _)| *noted == pid).map(|(_, fate)| *fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fates_survive_the_wire_and_say_what_they_are() {
        let refused = Fate::Refused(Status::ACCESS_DENIED);
        let obstacles = [Obstacle::OtherUser(7), Obstacle::CleanEnvironment, Obstacle::NoSocket];
        let known = [Fate::Waiting, Fate::Attached, refused, Fate::Ended, Fate::Unknown];
        for fate in obstacles.map(Fate::CannotAttach).into_iter().chain(known) {
            assert_eq!(Fate::from_words(fate.to_words()), fate);
        }
        assert!(refused.to_string().contains("another user"));
    }

    #[test]
    fn a_refusal_is_not_covered_by_the_end_that_follows() {
        let mut fates = Fates::default();
        fates.note(7, Fate::Refused(Status::ACCESS_DENIED));
        fates.note(7, Fate::Ended);
        assert_eq!(fates.of(7), Some(Fate::Refused(Status::ACCESS_DENIED)));
        fates.forget(7);
        (0..2 * MOST as u32).for_each(|pid| fates.note(pid, Fate::Ended));
        assert_eq!((fates.0.len(), fates.of(7)), (MOST, None));
    }
}
