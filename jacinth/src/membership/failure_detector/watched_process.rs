//! A watched process: its pidfd, and its identity.
//!
//! The pidfd says when to look, and is no proof. The program may have closed it (`Held`), and its number may be another
//! file's by now, or no file's: that is ready too. So before a process is taken for dead, it is looked for by its number
//! and start time. If it lives, a new pidfd watches it.

use crate::membership::failure_detector::process::{self, Lookup};
use crate::membership::poll::is_ready;
use jacinth_shm::{Arena, Held, ProcessIdentity, ProcessSlot};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Of `<linux/pidfd.h>`: the descriptor is of one thread (since Linux 6.9).
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);

/// A process that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pidfd: Held,
    identity: ProcessIdentity,
}

impl Watched {
    /// The process behind this pidfd.
    pub(crate) fn new(pidfd: OwnedFd, identity: ProcessIdentity) -> io::Result<Self> {
        Ok(Self { pidfd: Held::new(pidfd)?, identity })
    }

    /// Exactly this process; `None` when it is dead.
    pub(crate) fn open(identity: ProcessIdentity) -> io::Result<Option<Self>> {
        match process::open_pidfd(identity)? {
            Lookup::Dead => Ok(None),
            Lookup::Alive(pidfd) => Self::new(pidfd, identity).map(Some),
        }
    }

    /// Its number.
    pub(crate) fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.identity.pid.cast_signed())
    }

    /// To be polled: ready when it is time to ask [`is_dead`](Self::is_dead).
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.number()
    }

    /// Whether it is time to ask.
    pub(crate) fn seems_dead(&self) -> bool {
        is_ready(self.pidfd())
    }

    /// Whether the pidfd is still open and the same file.
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

    /// Whether it is dead, for certain. A living process is watched afterwards, by a new pidfd if the old one is lost.
    ///
    /// An error is no proof: the caller asks again.
    pub(crate) fn is_dead(&mut self) -> io::Result<bool> {
        // By a new pidfd: the number of the old one may be another file's by now.
        let Lookup::Alive(pidfd) = process::open_pidfd(self.identity)? else { return Ok(true) };
        // A zombie: it has ended, and was not reaped yet.
        if is_ready(&pidfd) {
            return Ok(true);
        }
        // The process lives, and the old number is free or ready: it is another file's.
        if !self.is_intact() || self.seems_dead() {
            tracing::warn!(
                pid = self.identity.pid,
                "this program has closed a descriptor of the library's, by which a process was watched; it lives"
            );
            self.pidfd = Held::new(pidfd)?;
        }
        Ok(false)
    }
}

/// The thread that holds a process's robust futex. It ends when the process dies or replaces itself by exec.
pub(crate) enum Holder {
    /// Ready when it ends.
    Lives(Held),
    /// It has ended.
    Ended,
    /// It cannot be watched: there is no such thread, or Linux is older than 6.9.
    Unknown,
}

impl Holder {
    /// The holder of the process with this slot.
    pub(crate) fn of(arena: &Arena, slot: ProcessSlot) -> Self {
        // The kernel has marked the futex while it ended the thread. The thread's number may have passed on since.
        if arena.has_death_notice(slot) {
            return Self::Ended;
        }
        let thread = arena.death_notice_thread(slot).and_then(|thread| Pid::from_raw(thread.cast_signed()));
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
    fn a_closed_pidfd_proves_no_death() {
        let mut child = std::process::Command::new("sleep").arg("50").spawn().unwrap();
        let identity = process::identify(Pid::from_child(&child)).unwrap().unwrap();
        let mut watched = Watched::open(identity).unwrap().unwrap();
        assert!(!watched.seems_dead());
        // As when the program closes it by mistake, and opens a file of its own that gets the number.
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
