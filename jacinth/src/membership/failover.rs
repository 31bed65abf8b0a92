//! Failover: when the process that runs the supervisor dies, another attached process takes its place.
//!
//! Every attached process has a standby thread, which sleeps on the pidfd of the leader, the process that runs the
//! supervisor. Once the leader's death is proven, each standby tries to replace the *exact* leader word by its own
//! (`jacinth_shm::Leader`), and one of them succeeds. It watches all attached processes, recovers the dead (the old
//! leader, and those that it had not finished recovering), and listens at the same path (`server::listener`); it may
//! lead without the path. The other processes find the new leader by the arena, watch it, and reconnect
//! (`socket::rendezvous`).
//!
//! A leader that replaces itself by exec lives, and leads no more. Then the connection to it is down, or the thread that
//! held its robust futex has ended; and it has not mapped the arena.
//!
//! The standby thread also holds its process's robust futex (`jacinth_shm::DeathNotice`), by which the supervisor hears
//! early of the process's death. The thread lives as long as its process, and takes no lock of libc that could delay it.
//!
//! A leader that is stopped is never replaced: its pidfd stays silent. A standby that is stopped between the proof and
//! its attempt fails by the term, if another process has led meanwhile.

use crate::library_threads;
use crate::membership::client::Client;
use crate::membership::connection::Connection;
use crate::membership::failure_detector::watched_process::{Holder, Watched};
use crate::membership::poll::wait_for;
use crate::membership::protocol::Request;
use crate::membership::server::deaths::resume_membership;
use crate::membership::server::event_loop;
use crate::membership::server::listener::Listener;
use crate::membership::server::state::Server;
use crate::membership::socket::path::SocketPath;
use crate::membership::socket::rendezvous;
use crate::membership::system_limits;
use crate::types::status;
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// The pause between two attempts at a step that waits for another process.
const PAUSE: Duration = Duration::from_millis(2);
/// The longest of the growing pauses while a leader does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The pause while the system or the arena has run out of something.
const SCARCITY_PAUSE: Duration = Duration::from_millis(50);

/// How many attempts to reconnect there are between two looks whether the leader has replaced itself by exec.
const ATTEMPTS_PER_EXEC_CHECK: u32 = 32;

/// How often to check that descriptors are still open and the same files. The program may have closed them, and a poll that
/// sleeps on another file would never end.
const DESCRIPTOR_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// How long a process that cannot listen at the path leaves the lead to those that can.
const PRECEDENCE: Duration = Duration::from_millis(50);

/// How long an answer may take before the question is repeated. A supervisor that has just died may have left a forked
/// child, which holds its socket open and never answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The standby of an attached process.
pub(crate) struct Standby {
    pub(crate) process: Arc<shm::Process>,
    pub(crate) slot: shm::ProcessSlot,
    pub(crate) client: Arc<Client>,
    pub(crate) socket_path: Arc<SocketPath>,
    /// The term of the supervisor that the client is connected to; `None` while the connection is down.
    pub(crate) connected_term: Option<u32>,
}

/// Starts the standby thread of a process that is about to attach. The thread comes first, so that attaching cannot fail
/// for want of one. It begins with the standby that it is given, and reports when the robust futex is set: before that,
/// an exec could go unnoticed.
pub(crate) fn prepare() -> io::Result<shm::Giver<(Standby, shm::Giver<()>)>> {
    let (giver, taker) = shm::handover::<(Standby, shm::Giver<()>)>();
    library_threads::spawn("jacinth-standby", move || {
        shm::request_short_slice();
        // `None`: attaching has failed, and the giver was dropped.
        if let Some((standby, is_set)) = taker.take() {
            standby.run(is_set);
        }
    })
    .map_err(system_limits::no_thread)?;
    Ok(giver)
}

impl Standby {
    /// Runs until this process leads, or is taken for dead, or the arena is poisoned.
    fn run(mut self, is_set: shm::Giver<()>) {
        // Without a robust futex only the pidfd reports this process's death, which is later. Kept while the thread runs.
        let death_notice = shm::DeathNotice::set(&self.process);
        if let Err(error) = &death_notice {
            tracing::debug!(%error, "this process has no robust futex");
        }
        is_set.give(());
        while self.process.arena().is_attached(self.slot) && !self.process.arena().is_poisoned() {
            // Read once a round: the proof of a death and the CAS of `fail_over` concern this exact word.
            let leader = self.process.arena().leader();
            match self.find(leader) {
                Ok(Some(mut found)) => {
                    if self.connected_term != Some(leader.term()) {
                        self.connected_term = self.reconnect(&mut found);
                    }
                    if !self.wait_for_death(leader, &mut found) {
                        // The leader lives and the connection is down: the next round reconnects.
                        self.connected_term = None;
                        std::thread::sleep(PAUSE);
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "the supervisor's process cannot be watched yet");
                    // Valgrind 3.19 has no pidfd_open: there it never can.
                    let is_never = error.raw_os_error() == Some(rustix::io::Errno::NOSYS.raw_os_error());
                    std::thread::sleep(if is_never { SCARCITY_PAUSE } else { PAUSE });
                    continue;
                }
            }
            // The leader is dead. A forked child of it may hold the other end of the connection open.
            self.client.shut_down();
            // Another standby was quicker. The next round watches the leader that it is.
            if self.process.arena().leader() != leader {
                continue;
            }
            match self.fail_over(leader) {
                Ok(Some(server)) => event_loop::run(server),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "this process cannot become the supervisor yet");
                    std::thread::sleep(SCARCITY_PAUSE);
                }
            }
        }
    }

    /// The process that leads; `None` when it is dead.
    fn find(&self, leader: shm::Leader) -> io::Result<Option<Watched>> {
        let arena = self.process.arena();
        let identity = leader.process_slot().and_then(|slot| arena.identity(slot).ok().flatten());
        if arena.leader() != leader {
            // Only the next leader frees this one's row. Then the row may have another identity.
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some(identity) = identity else { return Ok(None) };
        Watched::open(identity)
    }

    /// Sleeps until the leader is dead, or has replaced itself by exec. `false` if the connection is down and the leader
    /// is neither.
    ///
    /// After an exec the leader lives, and the arena is unmapped there. Then the connection is down, unless a forked
    /// child holds it; and the thread that held the leader's robust futex has ended.
    fn wait_for_death(&self, leader: shm::Leader, watched: &mut Watched) -> bool {
        let arena = self.process.arena();
        let connection = self.client.connection_in_use();
        let mut holder = leader.process_slot().map_or(Holder::Unknown, |slot| Holder::of(arena, slot));
        // An ended holder means that a death or an exec is under way. Its proof may come at any moment, so the first
        // looks are close together.
        let mut pause = if matches!(holder, Holder::Ended) { PAUSE } else { DESCRIPTOR_CHECK_INTERVAL };
        loop {
            let mut fds = vec![
                PollFd::from_borrowed_fd(watched.pidfd(), PollFlags::IN),
                PollFd::from_borrowed_fd(connection.number(), PollFlags::RDHUP),
            ];
            if let Holder::Lives(thread) = &holder {
                fds.push(PollFd::from_borrowed_fd(thread.number(), PollFlags::IN));
            }
            let ready = wait_for(&mut fds, Some(pause));
            if fds.get(2).is_some_and(|thread| !thread.revents().is_empty()) {
                // The death or the exec is under way, or the program has closed the descriptor.
                (holder, pause) = (Holder::Ended, PAUSE);
            }
            // Each wake asks for the proof. A ready descriptor is none, and a pidfd that the program has closed may
            // never become ready.
            match ready.and_then(|_| watched.is_dead()) {
                Ok(false) => {}
                Ok(true) => return true,
                Err(error) => {
                    tracing::error!(%error, "the supervisor's process cannot be watched");
                    return false;
                }
            }
            let is_down = !connection.is_intact() || connection.is_down();
            // An exec ends the connection or the holder. Without either sign there is no need to read all of the
            // leader's maps.
            if (is_down || !matches!(holder, Holder::Lives(_))) && watched.has_replaced_itself(arena) {
                return true;
            }
            if is_down {
                return false;
            }
            if matches!(holder, Holder::Ended) {
                pause = (2 * pause).min(DESCRIPTOR_CHECK_INTERVAL);
            }
        }
    }

    /// Connects to the new supervisor, which listens soon after it leads. Gives the term of the supervisor that answered;
    /// `None` if the leader is dead first.
    fn reconnect(&self, leader: &mut Watched) -> Option<u32> {
        let mut attempts = 0_u32;
        let mut pause = PAUSE;
        loop {
            match self.rejoin() {
                Ok((connection, term)) => {
                    self.client.replace_connection(connection);
                    return Some(term);
                }
                Err(error) => tracing::debug!(%error, "the next supervisor does not answer yet"),
            }
            attempts += 1;
            // The check for an exec reads all of the leader's maps. Very many processes may be waiting for the same one,
            // so the check is rare.
            let may_check = attempts.is_multiple_of(ATTEMPTS_PER_EXEC_CHECK);
            if leader.seems_dead() && leader.is_dead().unwrap_or(false)
                || may_check && leader.has_replaced_itself(self.process.arena())
            {
                return None;
            }
            // Its death ends the pause.
            let _ = wait_for(&mut [PollFd::from_borrowed_fd(leader.pidfd(), PollFlags::IN)], Some(pause));
            pause = (pause + pause / 2).min(LONGEST_PAUSE);
        }
    }

    fn rejoin(&self) -> io::Result<(Connection, u32)> {
        let connection = Connection::to_leader(self.process.arena(), &self.socket_path)?;
        let (answer, _) =
            connection.request(Request::Rejoin { slot: self.slot }, None, Some(ANSWER_TIMEOUT))?;
        answer.status().map_err(io::Error::other)?;
        // The folder may have been made again, with another lock file in it.
        self.socket_path.hold();
        Ok((connection, answer.term()))
    }

    /// Becomes the supervisor in place of `old`, which is dead; `None` if another process did.
    ///
    /// The resources that the supervisor needs come before the lead: a process that cannot get them does not take the
    /// lead from one that can. The path is not among them, because a process that cannot listen there still recovers the
    /// dead. But processes that can listen go first.
    fn fail_over(&self, old: shm::Leader) -> io::Result<Option<Server>> {
        // Where very many wait for one death, most find that another process was quicker, and need no resources.
        if self.process.arena().leader() != old {
            return Ok(None);
        }
        let refused = |error| io::Error::other(status::of(error));
        let thread = shm::Thread::join_reserve(&self.process).map_err(refused)?;
        let (own_connection, served) = Connection::pair()?;
        let rendezvous = rendezvous::prepare()?;
        if !self.socket_path.is_within_reach() {
            std::thread::sleep(PRECEDENCE);
        }
        // The CAS comes after the last step that can fail: the other processes wait for the new leader, and it must
        // serve.
        if !thread.try_become_leader(old, self.slot).map_err(refused)? {
            return Ok(None);
        }
        tracing::info!(row = %self.process.row(), "this process runs the supervisor now");
        // The loop opens it. A path that cannot be used must not delay the recovery of the dead.
        let listener = Listener::closed(self.socket_path.clone());
        let mut server = Server::new(listener, rendezvous, served, thread);
        // The questions of this process's threads wait in the socket pair until the loop serves them.
        self.client.replace_connection(own_connection);
        resume_membership(&mut server);
        Ok(Some(server))
    }
}
