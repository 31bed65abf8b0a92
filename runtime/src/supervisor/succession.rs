//! What happens when the process that runs the supervisor dies: another one does, and nobody's handles are lost.
//!
//! Every attached process has one hidden thread, which sleeps on the pidfd of the process that leads. With its death
//! proven, each tries to replace the *exact* leader's word by its own (`jacinth_shm::Leader`), and one succeeds. It
//! listens at the same path, watches everybody who is seated, and recovers the dead: its predecessor, and whomever
//! that left unfinished. The others find it by the arena, watch it, and renew their lines.
//!
//! A leader that replaces itself by exec lives on, and leads no more: the line to it is down, and it has no arena.
//!
//! A leader that is stopped is never replaced: its pidfd says nothing. A candidate that is stopped between the proof
//! and its attempt fails by the term, if another has led meanwhile.

use super::address;
use super::client::{Client, Line, Request};
use super::identity::{self, Found};
use super::server::Server;
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long to leave others alone between two attempts at what they must do first.
const PAUSE: Duration = Duration::from_millis(2);

/// How long an answer may take before it is asked for again: a supervisor who has just died may have left a forked
/// child that holds its socket open and never answers.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// The process that leads.
struct Leading {
    pid: Pid,
    pidfd: OwnedFd,
}

/// The hidden thread of an attached process.
pub(crate) struct Successor {
    pub(crate) process: Arc<shm::Process>,
    pub(crate) seat: shm::Seat,
    pub(crate) client: Arc<Client>,
    pub(crate) socket_path: PathBuf,
    /// The term of the supervisor at the other end of the client's line.
    pub(crate) line_term: u32,
}

impl Successor {
    /// Starts the thread. It takes no signals: they are the program's own business.
    pub(crate) fn start(self) -> io::Result<()> {
        super::spawn_hidden("jacinth-successor", move || self.run())
    }

    fn run(mut self) {
        loop {
            let leader = self.process.arena().leader();
            match self.find(leader) {
                Ok(Some(found)) => {
                    if leader.term() != self.line_term && self.renew_line(&found) {
                        self.line_term = leader.term();
                    }
                    if !self.is_gone(&found) {
                        // It has hung up, and is there: whoever was asking asks again.
                        self.line_term = leader.term().wrapping_sub(1);
                        std::thread::sleep(PAUSE);
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "the supervisor's process cannot be watched yet");
                    std::thread::sleep(PAUSE);
                    continue;
                }
            }
            if self.process.arena().leader() != leader {
                continue;
            }
            self.client.hang_up();
            match self.succeed(leader) {
                Ok(Some(server)) => return server.run(),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "this process cannot become the supervisor yet");
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    /// The process that leads; `None` when it is gone.
    fn find(&self, leader: shm::Leader) -> io::Result<Option<Leading>> {
        let arena = self.process.arena();
        let occupant = leader.seat().and_then(|seat| arena.occupant(seat).ok().flatten());
        if arena.leader() != leader {
            // A row is freed only by its successor: the occupant may be another's.
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some(occupant) = occupant else { return Ok(None) };
        let pid = Pid::from_raw(occupant.pid.cast_signed());
        match (identity::watch(occupant)?, pid) {
            (Found::Watched(pidfd), Some(pid)) => Ok(Some(Leading { pid, pidfd })),
            _ => Ok(None),
        }
    }

    /// Sleeps until the leader is dead, or has replaced itself by exec: then the line is down and its arena unmapped.
    /// `false` if the line is down and the leader is there.
    fn is_gone(&self, leader: &Leading) -> bool {
        let line = self.client.line_in_use();
        loop {
            let mut fds = [
                PollFd::new(&leader.pidfd, PollFlags::IN),
                PollFd::from_borrowed_fd(line.socket(), PollFlags::RDHUP),
            ];
            match poll(&mut fds, None) {
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => {
                    tracing::error!(%error, "the supervisor's process cannot be watched");
                    return false;
                }
                Ok(_) => {}
            }
            if !fds[0].revents().is_empty() {
                return true;
            }
            return identity::has_lost(leader.pid, self.process.arena());
        }
    }

    /// Finds the new supervisor's socket, which comes soon after its lead. `false` if it is gone first.
    fn renew_line(&self, leader: &Leading) -> bool {
        loop {
            let request = Request::Return { seat: self.seat };
            let line = Line::connect(&self.socket_path);
            match line.and_then(|line| line.ask(request, None, Some(ANSWER_TIME)).map(|_| line)) {
                Ok(line) => {
                    self.client.renew(line);
                    return true;
                }
                Err(error) => tracing::debug!(%error, "the next supervisor does not listen yet"),
            }
            if is_readable_within(PAUSE, &leader.pidfd)
                || identity::has_lost(leader.pid, self.process.arena())
            {
                return false;
            }
        }
    }

    /// Becomes the supervisor in place of `old`, which is dead; `None` if another did.
    fn succeed(&self, old: shm::Leader) -> Result<Option<Server>, shm::Error> {
        let thread = shm::Thread::join(&self.process)?;
        if !thread.lead(old)? {
            return Ok(None);
        }
        let term = self.process.arena().leader().term();
        tracing::info!(row = self.process.row(), term, "this process runs the supervisor now");
        let listener = address::listen(&self.socket_path);
        if let Err(error) = &listener {
            tracing::error!(%error, path = %self.socket_path.display(), "nobody can be admitted any more");
        }
        let mut server = Server::new(listener.ok(), thread);
        // Deaths come first; then those who ask.
        if let Err(error) = server.take_over() {
            tracing::error!(%error, "what the last supervisor left cannot be recovered");
        }
        match Line::connect(&self.socket_path) {
            Ok(line) => self.client.renew(line),
            Err(error) => tracing::error!(%error, "the supervisor cannot be asked from its own process"),
        }
        Ok(Some(server))
    }
}

fn is_readable_within(at_most: Duration, fd: &OwnedFd) -> bool {
    let at_most = Timespec { tv_sec: 0, tv_nsec: at_most.subsec_nanos().into() };
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&at_most)).is_ok_and(|ready| ready > 0)
}
