//! The supervisor's thread: it admits processes, watches each through a pidfd, and recovers those that die.
//!
//! A stopped process is not dead, and no timeout makes it so; a zombie is. What proves death is the pidfd, opened
//! while the process was held by its own admission request (or by its parent, who had not reaped it), so that
//! the number cannot have been given to another.
//!
//! exec() while attached: the new program has no arena. Its connection hangs up (it is closed on exec) *and* the
//! arena's file is gone from its maps; either alone proves nothing.

use super::client::{receive_packet, send_packet};
use super::cycles::Cycles;
use super::protocol::{Answer, PACKET_BYTES, Request};
use crate::{Report, Status, status};
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::RecvFlags;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// What the supervisor knows of one connection or one process.
struct Member {
    /// Its line; `None` for a spawned process that has not connected, or one that hung up.
    line: Option<OwnedFd>,
    pid: Option<Pid>,
    pidfd: Option<OwnedFd>,
    seat: Option<shm::Seat>,
}

/// The supervisor.
pub(super) struct Server {
    listener: OwnedFd,
    arena: Arc<shm::Arena>,
    thread: shm::Thread,
    arena_inode: u64,
    members: Vec<Member>,
    cycles: Cycles,
    report: Report,
}

/// What is ready, by its place in the poll list.
enum Ready {
    Listener,
    Line(usize),
    Death(usize),
}

impl Server {
    pub(super) fn new(listener: OwnedFd, process: &Arc<shm::Process>) -> Result<Self, Status> {
        let arena = process.arena().clone();
        let inode = arena.file().and_then(|file| rustix::fs::fstat(file).ok()).map_or(0, |stat| stat.st_ino);
        Ok(Self {
            listener,
            thread: shm::Thread::join(process).map_err(status::of)?,
            arena,
            arena_inode: inode,
            members: Vec::new(),
            cycles: Cycles::new(),
            report: Report::default(),
        })
    }

    /// Serves until the socket fails, which it does not while the process lives.
    pub(super) fn run(mut self) {
        loop {
            match self.ready() {
                Ok(ready) => ready.into_iter().for_each(|ready| self.handle(ready)),
                Err(error) => return tracing::error!(%error, "the supervisor cannot poll any more"),
            }
            self.cycles.look_if_due(&self.thread);
            self.members.retain(|member| member.line.is_some() || member.pidfd.is_some());
        }
    }

    /// Waits until something is ready. Deaths come first: their news is what others wait for.
    fn ready(&self) -> io::Result<Vec<Ready>> {
        let mut fds = vec![PollFd::new(&self.listener, PollFlags::IN)];
        let mut what = vec![Ready::Listener];
        for (index, member) in self.members.iter().enumerate() {
            if let Some(line) = &member.line {
                fds.push(PollFd::new(line, PollFlags::IN));
                what.push(Ready::Line(index));
            }
            if let Some(pidfd) = &member.pidfd {
                fds.push(PollFd::new(pidfd, PollFlags::IN));
                what.push(Ready::Death(index));
            }
        }
        loop {
            match poll(&mut fds, Some(&self.cycles.timeout())) {
                Err(rustix::io::Errno::INTR) => {}
                polled => {
                    polled?;
                    break;
                }
            }
        }
        let is_ready = fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>();
        let ready = what.into_iter().zip(is_ready).filter_map(|(what, is_ready)| is_ready.then_some(what));
        let (deaths, others): (Vec<_>, Vec<_>) = ready.partition(|ready| matches!(ready, Ready::Death(_)));
        Ok(deaths.into_iter().chain(others).collect())
    }

    fn handle(&mut self, ready: Ready) {
        match ready {
            Ready::Listener => self.accept(),
            Ready::Line(index) => self.serve(index),
            Ready::Death(index) => self.bury(index),
        }
    }

    /// A new connection, of a process of this user.
    fn accept(&mut self) {
        let accepted = rustix::net::accept_with(&self.listener, rustix::net::SocketFlags::CLOEXEC);
        let Ok(line) = accepted else { return };
        let Ok(peer) = rustix::net::sockopt::socket_peercred(&line) else { return };
        if peer.uid != rustix::process::geteuid() {
            tracing::warn!(pid = %peer.pid.as_raw_nonzero(), "refused a process of another user");
            let _ = send_packet(line.as_fd(), &Answer::refuse(Status::ACCESS_DENIED).to_packet(), None);
            return;
        }
        self.members.push(Member { line: Some(line), pid: Some(peer.pid), pidfd: None, seat: None });
    }

    /// A request, or the end of a connection.
    fn serve(&mut self, index: usize) {
        let Some(line) = self.members[index].line.take() else { return };
        let mut packet = [0; PACKET_BYTES + 1];
        let (len, along) = match receive_packet(line.as_fd(), &mut packet, RecvFlags::DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.members[index].line = Some(line);
                return;
            }
            Ok((0, _)) | Err(_) => return self.hung_up(index),
            Ok(received) => received,
        };
        let Some(request) = Request::from_packet(&packet[..len]) else {
            let _ = send_packet(line.as_fd(), &Answer::refuse(Status::INVALID_ARGS).to_packet(), None);
            return self.hung_up(index);
        };
        let arena = self.arena.clone();
        let file = if matches!(request, Request::Join { .. }) { arena.file() } else { None };
        let answer = match request {
            Request::Join { seat } => self.admit(index, &line, seat),
            Request::Spawned { seat } => self.watch_spawned(seat, along),
            Request::GiveUp { seat } => {
                self.thread.give_up_seat(seat).map(|_| Answer::ok()).map_err(status::of)
            }
            Request::Collect => self.collect(),
        };
        let answer = answer.unwrap_or_else(Answer::refuse);
        let file = file.filter(|_| answer.status == 0);
        if send_packet(line.as_fd(), &answer.to_packet(), file).is_ok() {
            self.members[index].line = Some(line);
        } else {
            self.hung_up(index);
        }
    }

    /// Admits the process at the other end of `line`: from now on its death is noticed.
    fn admit(&mut self, index: usize, line: &OwnedFd, seat: Option<shm::Seat>) -> Result<Answer, Status> {
        if self.members[index].seat.is_some() {
            return Err(Status::ALREADY_BOUND);
        }
        let pid = self.members[index].pid.ok_or(Status::INTERNAL)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| Status::NOT_FOUND)?;
        if has_hung_up(line) {
            // It may have died before the pidfd was opened, which could be another's by now.
            return Err(Status::CANCELED);
        }
        let seat = match seat {
            Some(seat) => {
                let watched = self.members.iter().any(|member| member.seat == Some(seat));
                let adopted = self.thread.adopt_seat(seat).map_err(status::of)?;
                if !adopted {
                    return Err(Status::NOT_FOUND);
                }
                if watched {
                    // Its spawner's pidfd told of the same process; one watch is enough.
                    self.members.iter_mut().filter(|member| member.seat == Some(seat)).for_each(|member| {
                        (member.pidfd, member.seat) = (None, None);
                    });
                }
                seat
            }
            None => {
                let seat = self.arena.reserve_seat(&self.thread).map_err(status::of)?;
                self.thread.adopt_seat(seat).map_err(status::of)?;
                seat
            }
        };
        tracing::debug!(pid = %pid.as_raw_nonzero(), row = seat.row, "admitted");
        (self.members[index].pidfd, self.members[index].seat) = (Some(pidfd), Some(seat));
        Ok(Answer::seated(seat))
    }

    /// Watches a child from before it attaches.
    fn watch_spawned(&mut self, seat: shm::Seat, pidfd: Option<OwnedFd>) -> Result<Answer, Status> {
        let pidfd = pidfd.ok_or(Status::INVALID_ARGS)?;
        if self.members.iter().any(|member| member.seat == Some(seat)) {
            // The child was quicker than its spawner.
            return Ok(Answer::ok());
        }
        if self.thread.adopt_seat(seat).map_err(status::of)? {
            self.members.push(Member { line: None, pid: None, pidfd: Some(pidfd), seat: Some(seat) });
        }
        Ok(Answer::ok())
    }

    /// The pidfd is readable: the process is dead.
    fn bury(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.pidfd = None;
        let Some(seat) = member.seat.take() else { return };
        if let Err(status) = self.recover(seat) {
            tracing::error!(%status, row = seat.row, "recovery failed");
        }
    }

    fn recover(&mut self, seat: shm::Seat) -> Result<(), Status> {
        let recovered = self.thread.recover(seat).map_err(status::of)?;
        if recovered.processes > 0 {
            tracing::info!(row = seat.row, ?recovered, "recovered a process");
        }
        self.report.recovered += recovered;
        // What it left may only hold itself.
        self.cycles.look(&self.thread).map(drop)
    }

    /// A connection ended. If its process is alive and has lost the arena, it has replaced itself by exec.
    fn hung_up(&mut self, index: usize) {
        self.members[index].line = None;
        let (Some(seat), Some(pid)) = (self.members[index].seat, self.members[index].pid) else { return };
        let alive = self.members[index].pidfd.as_ref().is_some_and(|pidfd| !is_readable(pidfd));
        if alive && !self.maps_arena(pid).unwrap_or(true) {
            tracing::info!(pid = %pid.as_raw_nonzero(), "an attached process has replaced itself by exec");
            (self.members[index].seat, self.members[index].pidfd) = (None, None);
            if let Err(status) = self.recover(seat) {
                tracing::error!(%status, row = seat.row, "recovery failed");
            }
        }
    }

    /// Whether the process still maps the arena; `None` when that cannot be seen.
    fn maps_arena(&self, pid: Pid) -> Option<bool> {
        let maps = std::fs::read_to_string(format!("/proc/{}/maps", pid.as_raw_nonzero())).ok()?;
        let inode = self.arena_inode.to_string();
        Some(maps.lines().any(|line| line.split_ascii_whitespace().nth(4) == Some(&inode)))
    }

    fn collect(&mut self) -> Result<Answer, Status> {
        for index in 0..self.members.len() {
            if self.members[index].pidfd.as_ref().is_some_and(is_readable) {
                self.bury(index);
            }
        }
        self.report.recovered += self.thread.recover_unfinished().map_err(status::of)?;
        self.cycles.look(&self.thread)?;
        let reclaimed = self.thread.collect().map_err(status::of)?;
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
        Ok(Answer::report(&self.report))
    }
}

fn is_readable(fd: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

fn has_hung_up(line: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(line, PollFlags::RDHUP)];
    let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    let _ = poll(&mut fds, Some(&at_once));
    fds[0].revents().intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR)
}
