//! What the supervisor answers to those who ask it: admission, above all.

use crate::membership::client::{receive_packet, send_packet};
use crate::membership::failure_detector::process;
use crate::membership::failure_detector::watched_process::Watched;
use crate::membership::fate::Fate;
use crate::membership::poll::wait_for;
use crate::membership::protocol::{Answer, PACKET_BYTES, Request};
use crate::membership::server::obstacle::Looks;
use crate::membership::server::{Member, Server};
use crate::membership::system_limits;
use crate::types::status::{self, Status};
use jacinth_shm::{self as shm, Held};
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// How long to leave a connection alone that cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

impl Server {
    /// The next connection at the path, or at the meeting place: of a process of the arena's user, or of one that is
    /// attached, whatever user it has become since.
    pub(crate) fn accept(&mut self, is_at_meeting: bool) {
        let socket = if is_at_meeting { self.meeting.as_ref() } else { self.door.socket() };
        let Some(socket) = socket.and_then(Held::get) else {
            // It is made again (`look_around`).
            return self.look_around_soon();
        };
        let accept = || rustix::net::accept_with(socket, rustix::net::SocketFlags::CLOEXEC);
        let line = match system_limits::with_descriptors(accept) {
            Err(Errno::MFILE) => {
                // One is kept for telling why.
                self.spare = None;
                if let Ok(line) = accept() {
                    tracing::error!("refused a process: descriptors (RLIMIT_NOFILE, ulimit -n) are used up");
                    let _ = send_packet(line.as_fd(), &Answer::no_descriptors().to_packet(), None);
                    // It may be about to ask, and is to find the answer, not a broken line.
                    let _ = wait_for(&mut [PollFd::new(&line, PollFlags::IN)], Some(ACCEPT_PAUSE));
                    let _ = receive_packet(line.as_fd(), &mut [0; PACKET_BYTES], RecvFlags::DONTWAIT);
                }
                self.spare = Self::spare();
                return;
            }
            accepted => accepted,
        };
        let Ok(line) = line else {
            // Memory is scarce, and whoever wants to connect is still there.
            return std::thread::sleep(ACCEPT_PAUSE);
        };
        system_limits::raise_descriptors_near(&line);
        let Ok((pid, user)) = process::peer_of(&line) else { return };
        let is_other_user = user != self.user && pid != Some(rustix::process::getpid());
        let is_known = |member: &Member| member.seat.is_some() && member.pid == pid;
        let refused = if is_other_user && !self.members.iter().any(is_known) {
            Some((Status::ACCESS_DENIED, "refused a process of another user"))
        } else if pid.is_none() {
            Some((Status::BAD_STATE, "refused a process of another PID namespace"))
        } else {
            None
        };
        if let Some((status, why)) = refused {
            tracing::warn!(user, "{why}");
            let is_it = |member: &&Member| pid.is_some() && member.pid_watched() == pid;
            if let Some(pid) = self.members.iter().find(is_it).and_then(Member::pid_watched) {
                self.fates.note(pid.as_raw_pid().unsigned_abs(), Fate::Refused(status));
            }
            let _ = send_packet(line.as_fd(), &Answer::refuse(status).to_packet(), None);
            return;
        }
        let Ok(line) = Held::new(line) else { return };
        self.members.push(Member { line: Some(line), pid, is_other_user, ..Member::default() });
    }

    /// A request, or the end of a connection.
    pub(crate) fn serve(&mut self, index: usize) {
        let Some(held) = self.members[index].line.take() else { return };
        // Closed by the program: nothing is read from what is another file by now.
        let Some(line) = held.get() else { return self.hung_up(index) };
        let mut packet = [0; PACKET_BYTES + 1];
        let (len, along) = match receive_packet(line, &mut packet, RecvFlags::DONTWAIT) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.members[index].line = Some(held);
                return;
            }
            Ok((0, _)) | Err(_) => return self.hung_up(index),
            Ok(received) => received,
        };
        let Some(request) = Request::from_packet(&packet[..len]) else {
            let _ = send_packet(line, &Answer::refuse(Status::INVALID_ARGS).to_packet(), None);
            return self.hung_up(index);
        };
        let file = if matches!(request, Request::Join { .. }) { self.arena_file() } else { None };
        let answer = match request {
            Request::Return { seat } => self.welcome_back(index, line, seat),
            _ if self.members[index].is_other_user => Err(Status::ACCESS_DENIED),
            Request::Join { seat } => self.admit(index, line, seat),
            Request::Spawned { seat } => self.watch_spawned(seat, along),
            Request::GiveUp { seat } => {
                let given_up = self.burials.announce_given_up(&self.thread, seat);
                given_up.map(|()| Answer::ok()).map_err(status::of)
            }
            Request::Fate { pid } => Ok(Answer::fate(self.fate_of(pid))),
            Request::Collect => self.collect().map(|report| Answer::report(&report)),
        };
        let answer = answer.unwrap_or_else(Answer::refuse);
        let file = file.as_ref().filter(|_| answer.status == 0).map(AsFd::as_fd);
        if send_packet(line, &answer.to_packet(), file).is_ok() {
            self.members[index].line = Some(held);
        } else {
            self.hung_up(index);
        }
    }

    /// The arena's file, for one who joins. If this program has closed it, another process has it still.
    fn arena_file(&self) -> Option<OwnedFd> {
        if let Some(file) = self.arena.file() {
            return file.try_clone_to_owned().ok();
        }
        let sought = self.arena.file_id()?;
        let pids = self.members.iter().filter_map(|member| member.pid);
        let found = pids.filter_map(|pid| process::open_of(pid, sought)).next();
        if found.is_none() {
            tracing::error!(
                "this program has closed the arena's file, and nobody else has it: nobody can join"
            );
        }
        found
    }

    /// Admits the process at the other end of `line`: from now on its death is noticed.
    fn admit(
        &mut self,
        index: usize,
        line: BorrowedFd<'_>,
        seat: Option<shm::Seat>,
    ) -> Result<Answer, Status> {
        if self.members[index].seat.is_some() {
            return Err(Status::ALREADY_BOUND);
        }
        let pid = self.members[index].pid.ok_or(Status::INTERNAL)?;
        let pidfd = system_limits::with_descriptors(|| pidfd_open(pid, PidfdFlags::empty()));
        let pidfd = match pidfd {
            Ok(pidfd) => pidfd,
            Err(errno) => return cannot_be_watched(errno.into()),
        };
        let occupant = match process::of(pid) {
            Ok(occupant) => occupant,
            Err(error) => return cannot_be_watched(error),
        };
        let Some(occupant) = occupant.filter(|_| !has_hung_up(line)) else {
            // It may have died before the pidfd was opened, which could be another's by now.
            return Err(Status::CANCELED);
        };
        let watched = match Watched::new(pidfd, occupant) {
            Ok(watched) => watched,
            Err(error) => return cannot_be_watched(error),
        };
        let seat = match seat.or(self.promised_to(occupant).map_err(status::of)?) {
            Some(seat) => seat,
            None => self.reserve_seat()?,
        };
        if !self.adopt(seat, occupant)? {
            return Err(Status::NOT_FOUND);
        }
        self.forget_watch(seat);
        tracing::debug!(pid = %pid.as_raw_nonzero(), row = seat.row, "admitted");
        (self.members[index].watched, self.members[index].seat) = (Some(watched), Some(seat));
        Ok(Answer::seated(seat, self.arena.leader().term()))
    }

    /// A seat for a process that asked to join: if there is none, once what the dead had is free.
    fn reserve_seat(&mut self) -> Result<shm::Seat, Status> {
        match self.arena.reserve_seat(&self.thread) {
            Err(shm::Error::NoResources(_)) => {
                self.collect()?;
                self.arena.reserve_seat(&self.thread).map_err(status::of)
            }
            reserved => reserved.map_err(status::of),
        }
    }

    /// The seat that a supervisor who died before it could answer had given to this process.
    fn promised_to(&self, occupant: shm::Occupant) -> shm::Result<Option<shm::Seat>> {
        let mut seated = self.arena.seated()?.into_iter();
        Ok(seated.find(|seated| !seated.is_attached && seated.occupant == occupant).map(|seated| seated.seat))
    }

    /// A process that was admitted by an earlier supervisor has found this one.
    fn welcome_back(
        &mut self,
        index: usize,
        line: BorrowedFd<'_>,
        seat: shm::Seat,
    ) -> Result<Answer, Status> {
        if has_hung_up(line) {
            // It has not waited for the answer, and the line that it has instead may be known already.
            return Err(Status::CANCELED);
        }
        let pid = self.members[index].pid;
        let known = self.members.iter_mut().find(|member| member.seat == Some(seat) && member.pid == pid);
        let watched = known.ok_or(Status::NOT_FOUND)?.watched.take();
        self.forget_watch(seat);
        (self.members[index].watched, self.members[index].seat) = (watched, Some(seat));
        // All its lines are known now: it may have two for a moment, one of which it gives up.
        let lines = self.members.iter_mut().filter(|member| member.pid == pid);
        lines.for_each(|member| member.is_other_user = false);
        Ok(Answer::seated(seat, self.arena.leader().term()))
    }

    /// Watches a child from before it attaches.
    fn watch_spawned(&mut self, seat: shm::Seat, pidfd: Option<OwnedFd>) -> Result<Answer, Status> {
        // It was sent, and could not be received.
        let Some(pidfd) = pidfd else { return cannot_be_watched(Errno::MFILE.into()) };
        if self.members.iter().any(|member| member.seat == Some(seat)) {
            // The child was quicker than its spawner.
            return Ok(Answer::ok());
        }
        if !self.door.is_open() {
            // It would look for a supervisor in vain.
            return Err(Status::UNAVAILABLE);
        }
        // Nobody, if it is dead already, which the pidfd says.
        let occupant = match process::behind(&pidfd) {
            Ok(occupant) => occupant.unwrap_or_default(),
            Err(error) => return cannot_be_watched(error),
        };
        let watched = match Watched::new(pidfd, occupant) {
            Ok(watched) => watched,
            Err(error) => return cannot_be_watched(error),
        };
        if self.adopt(seat, occupant)? {
            self.fates.forget(occupant.pid);
            let looks = Some(Looks::begin());
            self.members.push(Member {
                watched: Some(watched),
                seat: Some(seat),
                looks,
                ..Member::default()
            });
        }
        Ok(Answer::ok())
    }

    fn fate_of(&mut self, pid: u32) -> Fate {
        let has_it = |member: &&Member| {
            member.pid_watched().is_some_and(|watched| watched.as_raw_pid().unsigned_abs() == pid)
        };
        let noted = self.fates.of(pid);
        let Some(index) = self.members.iter().position(|member| has_it(&member)) else {
            return noted.unwrap_or(Fate::Unknown);
        };
        match self.members[index].seat {
            Some(seat) if self.arena.is_seated(seat) => Fate::Attached,
            Some(_) if noted.is_none() => self.obstacle_of(index).map_or(Fate::Waiting, Fate::CannotAttach),
            _ => noted.unwrap_or(Fate::Unknown),
        }
    }

    /// From here on the seat is the supervisor's to watch, whichever process that is.
    fn adopt(&self, seat: shm::Seat, occupant: shm::Occupant) -> Result<bool, Status> {
        self.thread.adopt_seat(seat, occupant).map_err(status::of)
    }

    /// One watch a seat is enough.
    fn forget_watch(&mut self, seat: shm::Seat) {
        self.members.iter_mut().filter(|member| member.seat == Some(seat)).for_each(|member| {
            member.forget();
        });
    }
}

/// A process whose death would go unseen is not let in.
fn cannot_be_watched(error: io::Error) -> Result<Answer, Status> {
    tracing::warn!(%error, "a process cannot be watched");
    if system_limits::is_out_of_descriptors(&error) {
        Ok(Answer::no_descriptors())
    } else {
        Err(Status::NO_RESOURCES)
    }
}

impl Server {
    /// A descriptor to give up when there are no others: for the moment that telling somebody so takes.
    pub(crate) fn spare() -> Option<Held> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
        let spare = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        spare.ok().and_then(|spare| Held::new(spare).ok())
    }
}

fn has_hung_up(line: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(line, PollFlags::RDHUP)];
    let _ = wait_for(&mut fds, Some(Duration::ZERO));
    fds[0].revents().intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR)
}
