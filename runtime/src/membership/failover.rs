//! What happens when the process that runs the supervisor dies: another one does, and nobody's handles are lost.
//!
//! Every attached process has one hidden thread, which sleeps on the pidfd of the process that leads. With its death
//! proven, each tries to replace the *exact* leader's word by its own (`jacinth_shm::Leader`), and one succeeds. It
//! watches everybody who is seated, recovers the dead (its predecessor, and whomever that left unfinished), and listens
//! at the same path (`door`), which it may lead without. The others find it by the arena, watch it, and renew their
//! lines (`meeting`).
//!
//! A leader that replaces itself by exec lives on, and leads no more: the line to it is down, or the thread that held its
//! tripwire has ended, and it has no arena.
//!
//! The same thread holds its process's tripwire (`jacinth_shm::Tripwire`), by which the supervisor hears of its death
//! early: it lives as long as its process, and takes no lock of libc's that would be in its way.
//!
//! A leader that is stopped is never replaced: its pidfd says nothing. A candidate that is stopped between the proof
//! and its attempt fails by the term, if another has led meanwhile.

use crate::membership::client::{Client, Line, Request};
use crate::membership::failure_detector::process;
use crate::membership::failure_detector::watched_process::{Holder, Watched};
use crate::membership::poll::wait_for;
use crate::membership::server::Server;
use crate::membership::server::listener::Door;
use crate::membership::socket::path::Address;
use crate::membership::socket::rendezvous;
use crate::membership::system_limits;
use crate::types::status::{self, Status};
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long to leave others alone between two attempts at what they must do first.
const PAUSE: Duration = Duration::from_millis(2);
/// The longest of pauses that grow: while a leader is not to be reached.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The same, where the system or the arena has run out of something.
const LONG_PAUSE: Duration = Duration::from_millis(50);

/// How often the next leader is asked before it is looked at whether it has replaced itself meanwhile.
const LOOKS_FOR_EXEC: u32 = 32;

/// How often to see whether descriptors are still what they were: the program may have closed them, and a poll that
/// sleeps on another file would never end.
const LOOK_AROUND: Duration = Duration::from_secs(5);

/// How long a process that cannot listen at the path leaves the lead to those who can.
const PRECEDENCE: Duration = Duration::from_millis(50);

/// How long an answer may take before it is asked for again: a supervisor who has just died may have left a forked
/// child that holds its socket open and never answers.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// The hidden thread of an attached process.
pub(crate) struct Successor {
    pub(crate) process: Arc<shm::Process>,
    pub(crate) seat: shm::Seat,
    pub(crate) client: Arc<Client>,
    pub(crate) address: Arc<Address>,
    /// The term of the supervisor at the other end of the client's line; `None` while the line is down.
    pub(crate) line_term: Option<u32>,
}

/// Starts the thread of a process that is about to attach, before it does: then it cannot fail any more. It begins with
/// what it is given, and says when the tripwire is set: before that, an exec could go unheard.
pub(crate) fn prepare() -> io::Result<shm::Giver<(Successor, shm::Giver<()>)>> {
    let (giver, taker) = shm::handover::<(Successor, shm::Giver<()>)>();
    crate::library_threads::spawn("jacinth-successor", move || {
        if let Some((successor, is_set)) = taker.take() {
            successor.run(is_set);
        }
    })
    .map_err(system_limits::no_thread)?;
    Ok(giver)
}

impl Successor {
    /// Until this process is the supervisor's, or taken for dead, or the arena is beyond help.
    fn run(mut self, is_set: shm::Giver<()>) {
        // Without one its process's death is noticed by the pidfd, later. Kept for as long as the thread runs.
        let tripwire = shm::Tripwire::set(&self.process);
        if let Err(error) = &tripwire {
            tracing::debug!(%error, "this process has no tripwire");
        }
        is_set.give(());
        while self.process.arena().is_seated(self.seat) && !self.process.arena().is_poisoned() {
            let leader = self.process.arena().leader();
            match self.find(leader) {
                Ok(Some(mut found)) => {
                    if self.line_term != Some(leader.term()) {
                        self.line_term = self.renew_line(&mut found);
                    }
                    if !self.is_gone(leader, &mut found) {
                        // It has hung up, and is there: whoever was asking asks again.
                        self.line_term = None;
                        std::thread::sleep(PAUSE);
                        continue;
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, "the supervisor's process cannot be watched yet");
                    // Under valgrind 3.19 it never can: it has no pidfd_open.
                    let is_never = error.raw_os_error() == Some(rustix::io::Errno::NOSYS.raw_os_error());
                    std::thread::sleep(if is_never { LONG_PAUSE } else { PAUSE });
                    continue;
                }
            }
            // Nobody there answers any more, whoever holds the other end open.
            self.client.hang_up();
            if self.process.arena().leader() != leader {
                continue;
            }
            match self.succeed(leader) {
                Ok(Some(server)) => server.run(),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "this process cannot become the supervisor yet");
                    std::thread::sleep(LONG_PAUSE);
                }
            }
        }
    }

    /// The process that leads; `None` when it is gone.
    fn find(&self, leader: shm::Leader) -> io::Result<Option<Watched>> {
        let arena = self.process.arena();
        let occupant = leader.seat().and_then(|seat| arena.occupant(seat).ok().flatten());
        if arena.leader() != leader {
            // A row is freed only by its successor: the occupant may be another's.
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some(occupant) = occupant else { return Ok(None) };
        Watched::open(occupant)
    }

    /// Sleeps until the leader is dead, or has replaced itself by exec: then it lives, and its arena is unmapped. Its line
    /// is down then, unless a forked child holds it; and the thread that held its tripwire has ended.
    ///
    /// `false` if the line is down and the leader is there.
    fn is_gone(&self, leader: shm::Leader, leading: &mut Watched) -> bool {
        let arena = self.process.arena();
        let line = self.client.line_in_use();
        let mut holder = leader.seat().map_or(Holder::Unknown, |seat| Holder::of(arena, seat));
        let mut pause = if matches!(holder, Holder::Ended) { PAUSE } else { LOOK_AROUND };
        loop {
            let mut fds = vec![
                PollFd::from_borrowed_fd(leading.pidfd(), PollFlags::IN),
                PollFd::from_borrowed_fd(line.number(), PollFlags::RDHUP),
            ];
            if let Holder::Lives(thread) = &holder {
                fds.push(PollFd::from_borrowed_fd(thread.number(), PollFlags::IN));
            }
            let ready = wait_for(&mut fds, Some(pause));
            if fds.get(2).is_some_and(|thread| !thread.revents().is_empty()) {
                // It is on its way, or the program has closed a descriptor.
                (holder, pause) = (Holder::Ended, PAUSE);
            }
            match ready.and_then(|_| leading.is_dead()) {
                Ok(false) => {}
                Ok(true) => return true,
                Err(error) => {
                    tracing::error!(%error, "the supervisor's process cannot be watched");
                    return false;
                }
            }
            let is_down = !line.is_intact() || is_down(&line);
            if (is_down || !matches!(holder, Holder::Lives(_))) && self.has_replaced_itself(leading) {
                return true;
            }
            if is_down {
                return false;
            }
            if matches!(holder, Holder::Ended) {
                pause = (2 * pause).min(LOOK_AROUND);
            }
        }
    }

    fn has_replaced_itself(&self, leading: &mut Watched) -> bool {
        let has_lost = leading.pid().is_some_and(|pid| process::has_lost(pid, self.process.arena()));
        has_lost && leading.is_dead().is_ok_and(|is_dead| !is_dead)
    }

    /// Finds the new supervisor, who listens soon after it leads. Gives the term of whoever answered; `None` if the leader
    /// is gone first.
    fn renew_line(&self, leading: &mut Watched) -> Option<u32> {
        let mut looks = 0_u32;
        let mut pause = PAUSE;
        loop {
            match self.greet() {
                Ok((line, term)) => {
                    self.client.renew(line);
                    return Some(term);
                }
                Err(error) => tracing::debug!(%error, "the next supervisor does not answer yet"),
            }
            looks += 1;
            // Looking for an exec reads all of its maps: seldom, since very many may be waiting for the same process.
            let may_look = looks.is_multiple_of(LOOKS_FOR_EXEC);
            if leading.seems_dead() && leading.is_dead().unwrap_or(false)
                || may_look && self.has_replaced_itself(leading)
            {
                return None;
            }
            // Its death is not slept through.
            let _ = wait_for(&mut [PollFd::from_borrowed_fd(leading.pidfd(), PollFlags::IN)], Some(pause));
            pause = (pause + pause / 2).min(LONGEST_PAUSE);
        }
    }

    fn greet(&self) -> io::Result<(Line, u32)> {
        let line = Line::to_leader(self.process.arena(), &self.address)?;
        let (answer, _) = line.ask(Request::Return { seat: self.seat }, None, Some(ANSWER_TIME))?;
        Status::ok(answer.status).map_err(io::Error::other)?;
        // The folder may have been made again, with another lock file in it.
        self.address.hold();
        Ok((line, answer.term()))
    }

    /// Becomes the supervisor in place of `old`, which is dead; `None` if another did. Whatever the work cannot be done
    /// without comes before the lead: a process that has not got it does not take the lead from one that has.
    ///
    /// The path is not part of that: who cannot listen there still recovers the dead. But others, who perhaps can, go
    /// first.
    fn succeed(&self, old: shm::Leader) -> io::Result<Option<Server>> {
        // Where very many wait for one death, most find that another was quicker, and need nothing of what follows.
        if self.process.arena().leader() != old {
            return Ok(None);
        }
        let refused = |error| io::Error::other(status::of(error));
        let thread = shm::Thread::join_reserve(&self.process).map_err(refused)?;
        let (own_line, served) = Line::pair()?;
        let meeting = rendezvous::prepare()?;
        if !self.address.is_within_reach() {
            std::thread::sleep(PRECEDENCE);
        }
        if !thread.lead(old, self.seat).map_err(refused)? {
            return Ok(None);
        }
        tracing::info!(row = self.process.row(), "this process runs the supervisor now");
        let mut server = Server::new(Door::shut(self.address.clone()), meeting, served, thread);
        self.client.renew(own_line);
        server.take_over();
        Ok(Some(server))
    }
}

/// Whether the other end has hung up.
fn is_down(line: &Line) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(line.number(), PollFlags::RDHUP)];
    wait_for(&mut fds, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}
