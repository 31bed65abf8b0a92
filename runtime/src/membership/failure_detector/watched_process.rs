//! A process whose death is waited for: its pidfd, and who it is.
//!
//! The pidfd says when to look, and not what to believe. Its number may be nobody's by now, or another file's, if the
//! program has closed what is not its own (`Held`): that is ready too, and means nothing. So before a process is taken
//! for dead it is looked for by its number and the moment it started, and where it lives it is watched by a new pidfd.

use crate::membership::failure_detector::process::{self, Lookup};
use crate::membership::poll::is_ready;
use jacinth_shm::{Arena, Held, Occupant, Seat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Of `<linux/pidfd.h>`: the descriptor is of one thread (since Linux 6.9).
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);

/// A process that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pidfd: Held,
    occupant: Occupant,
}

impl Watched {
    /// The process behind this pidfd.
    pub(crate) fn new(pidfd: OwnedFd, occupant: Occupant) -> io::Result<Self> {
        Ok(Self { pidfd: Held::new(pidfd)?, occupant })
    }

    /// Exactly this process; `None` when it is gone.
    pub(crate) fn open(occupant: Occupant) -> io::Result<Option<Self>> {
        match process::open_pidfd(occupant)? {
            Lookup::Dead => Ok(None),
            Lookup::Alive(pidfd) => Self::new(pidfd, occupant).map(Some),
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.occupant.pid.cast_signed())
    }

    /// To be polled: ready when it is time to ask [`is_dead`](Self::is_dead).
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.number()
    }

    /// Whether it is time to ask.
    pub(crate) fn seems_dead(&self) -> bool {
        is_ready(self.pidfd())
    }

    /// Whether the pidfd is still what it was.
    pub(crate) fn is_intact(&self) -> bool {
        self.pidfd.is_intact()
    }

    /// Whether it lives and has replaced itself by exec, so that the arena is mapped in it no more. The caller knows that it
    /// was attached.
    pub(crate) fn has_replaced_itself(&mut self, arena: &Arena) -> bool {
        // Seen before the proof that it still lives: so the number was its own at that time.
        let has_unmapped = self.pid().is_some_and(|pid| process::has_unmapped(pid, arena));
        has_unmapped && self.is_dead().is_ok_and(|is_dead| !is_dead)
    }

    /// Whether it is dead, for certain. One that lives is watched afterwards, whatever has become of its pidfd.
    ///
    /// An error says nothing, and the question is to be asked again.
    pub(crate) fn is_dead(&mut self) -> io::Result<bool> {
        let Lookup::Alive(pidfd) = process::open_pidfd(self.occupant)? else { return Ok(true) };
        if is_ready(&pidfd) {
            return Ok(true);
        }
        if !self.is_intact() || self.seems_dead() {
            tracing::warn!(
                pid = self.occupant.pid,
                "this program has closed a descriptor of the library's, by which a process was watched; it lives"
            );
            self.pidfd = Held::new(pidfd)?;
        }
        Ok(false)
    }
}

/// The thread that holds the tripwire of a process: it ends with it, and when it replaces itself by exec.
pub(crate) enum Holder {
    /// Ready when it ends.
    Lives(Held),
    /// It has ended.
    Ended,
    /// It cannot be watched: there is none, or Linux is older than 6.9.
    Unknown,
}

impl Holder {
    /// Of this seat's process.
    pub(crate) fn of(arena: &Arena, seat: Seat) -> Self {
        if arena.has_tripwire_fired(seat) {
            return Self::Ended;
        }
        let thread = arena.tripwire_thread(seat).and_then(|thread| Pid::from_raw(thread.cast_signed()));
        match thread.map(|thread| pidfd_open(thread, PIDFD_THREAD)) {
            Some(Ok(pidfd)) => Held::new(pidfd).map_or(Self::Unknown, Self::Lives),
            Some(Err(rustix::io::Errno::SRCH)) => Self::Ended,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_pidfd_that_the_program_closed_proves_no_death() {
        let mut child = std::process::Command::new("sleep").arg("50").spawn().unwrap();
        let occupant = process::identify(Pid::from_child(&child)).unwrap().unwrap();
        let mut watched = Watched::open(occupant).unwrap().unwrap();
        assert!(!watched.seems_dead());
        // An accident of the program's, and then its own file in that place.
        nix::unistd::close(watched.pidfd().as_raw_fd()).unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        let number = watched.pidfd().as_raw_fd();
        let file = rustix::io::fcntl_dupfd_cloexec(&null, number).unwrap();
        assert_eq!(file.as_raw_fd(), number);
        assert!(watched.seems_dead() && !watched.is_intact());
        assert!(!watched.is_dead().unwrap());
        assert!(watched.is_intact() && !watched.seems_dead());
        child.kill().unwrap();
        while !watched.seems_dead() {}
        assert!(watched.is_dead().unwrap());
        child.wait().unwrap();
        assert!(watched.is_dead().unwrap());
        assert!(rustix::io::fcntl_getfd(&file).is_ok(), "the program's own file is left alone");
    }
}
