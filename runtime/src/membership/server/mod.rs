//! The supervisor's thread: it admits processes, watches each through a pidfd, and recovers those that die.
//!
//! A stopped process is not dead, and no timeout makes it so; a zombie is. What proves death is the pidfd, opened
//! while the process was held by its own admission request (or by its parent, who had not reaped it), or by its
//! number and the moment it started, so that the number cannot have been given to another.
//!
//! A pidfd speaks late, when a process had much memory. So each is watched through its tripwire too, which says only
//! when to look whether all of its threads are past their last step (`tripwire`, `exiting`).
//!
//! exec() while attached: the new program has no arena. Its connection hangs up (it is closed on exec, unless a forked
//! child has it too), and its tripwire fires. Either says when to look, and the proof is that the process lives and the
//! arena's file is gone from its maps.
//!
//! None of the library's descriptors is sure to be there: the program may close what is not its own (`Held`). So none of
//! them is believed: what is ready is looked at, and once a second whether everything is still what it was.

pub(crate) mod admission;
pub(crate) mod cycle_schedule;
pub(crate) mod idle_memory;
pub(crate) mod listener;
pub(crate) mod obstacle;

use crate::Report;
use crate::membership::failure_detector::exiting;
use crate::membership::failure_detector::process;
use crate::membership::failure_detector::robust_futex::{Alarm, Watch};
use crate::membership::failure_detector::watched_process::Watched;
use crate::membership::fate::{Fate, Fates};
use crate::membership::poll::wait_for;
use crate::membership::server::cycle_schedule::Cycles;
use crate::membership::server::idle_memory::Idle;
use crate::membership::server::listener::Door;
use crate::membership::server::obstacle::{Look, Looks, Obstacle};
use crate::membership::socket::rendezvous;
use crate::types::status::{self, Status};
use jacinth_shm::{self as shm, Held};
use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often what could not be done is tried again, and those are looked at whom the supervisor took over and who
/// have not been in touch yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long it works on what the dead have left before it looks for news again, and how many steps of that it takes
/// between two looks at the clock.
const SLICE: Duration = Duration::from_millis(1);
const STEPS: u32 = 256;

/// How many are accepted at once.
const MOST_ACCEPTED: u32 = 256;

/// What the supervisor knows of one connection or one process.
#[derive(Default)]
pub(crate) struct Member {
    /// Its line; `None` for a spawned process that has not connected, or one that hung up.
    pub(crate) line: Option<Held>,
    pub(crate) pid: Option<Pid>,
    /// Its process, if it is watched.
    pub(crate) watched: Option<Watched>,
    pub(crate) seat: Option<shm::Seat>,
    /// Whether it runs as another user than the arena's, and is not known yet as one that was admitted before.
    pub(crate) is_other_user: bool,
    /// What its tripwire has led to.
    pub(crate) alarm: Alarm,
    /// Looks at what keeps it from attaching: of one that was spawned and has not attached.
    pub(crate) looks: Option<Looks>,
}

impl Member {
    /// The number of its process, if that is watched.
    pub(crate) fn pid_watched(&self) -> Option<Pid> {
        self.watched.as_ref().and_then(Watched::pid)
    }

    /// It is not watched any more. Gives the seat that it had.
    pub(crate) fn forget(&mut self) -> Option<shm::Seat> {
        (self.watched, self.alarm, self.looks) = (None, Alarm::default(), None);
        self.seat.take()
    }
}

/// The supervisor.
pub(crate) struct Server {
    /// Where those come who want to join.
    pub(crate) door: Door,
    /// Where those come who are attached, and need a line to this supervisor.
    pub(crate) meeting: Option<Held>,
    /// The user whose arena it is: the one who made it. This process may have become another's.
    pub(crate) user: u32,
    /// Kept for the day when descriptors have run out.
    pub(crate) spare: Option<Held>,
    pub(crate) arena: Arc<shm::Arena>,
    pub(crate) thread: shm::Thread,
    pub(crate) members: Vec<Member>,
    /// `None` while there can be none: then deaths are learned of by pidfds alone.
    watch: Option<Watch>,
    cycles: Cycles,
    idle: Idle,
    report: Report,
    /// The dead who have not been recovered to the end.
    pub(crate) burials: shm::Burials,
    /// When to try again to recover those for whom it failed.
    retry: Option<Instant>,
    /// What has become of programs that did not attach.
    pub(crate) fates: Fates,
    /// When those are looked at next who are out of touch.
    look_again: Instant,
    /// When to see next whether the program has closed what is not its own.
    look_around: Instant,
}

/// What is ready, by its place in the poll list.
enum Ready {
    /// Somebody wants to join.
    Door,
    /// Something has happened to the socket that those find who want to join.
    DoorNews,
    /// Somebody who is attached wants a line.
    Meeting,
    Line(usize),
    Death(usize),
    /// A tripwire has fired.
    News,
}

impl Server {
    /// The supervisor of `thread`'s arena, which its process leads by now. At the other end of `own_line` is that
    /// process itself.
    pub(crate) fn new(door: Door, meeting: OwnedFd, own_line: OwnedFd, thread: shm::Thread) -> Self {
        let arena = thread.process().arena().clone();
        let file = arena.file().and_then(|file| rustix::fs::fstat(file).ok());
        let own = Member {
            line: Held::new(own_line).ok(),
            pid: Some(rustix::process::getpid()),
            ..Member::default()
        };
        Self {
            door,
            meeting: rendezvous::listen(meeting, &arena),
            user: file.map_or_else(|| rustix::process::geteuid().as_raw(), |file| file.st_uid),
            spare: Self::spare(),
            thread,
            arena,
            members: vec![own],
            watch: None,
            cycles: Cycles::new(),
            idle: Idle::new(),
            report: Report::default(),
            burials: shm::Burials::new(),
            retry: None,
            fates: Fates::default(),
            look_again: Instant::now(),
            look_around: Instant::now() + LOOK_AGAIN,
        }
    }

    /// Serves for as long as the process lives. In a thread that holds its process's tripwire.
    pub(crate) fn run(mut self) -> ! {
        loop {
            // An arena without a supervisor is worse than one whose supervisor has failed at something.
            let turn = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.turn()));
            match turn {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "the supervisor cannot wait");
                    std::thread::sleep(LOOK_AGAIN);
                }
                Err(_) => {
                    tracing::error!("the supervisor has panicked, and goes on");
                    // What it was in the middle of is taken up from what the arena says.
                    self.burials = shm::Burials::new();
                    self.retry = Some(Instant::now());
                }
            }
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        self.look_around();
        self.watch_tripwires();
        let ready = self.ready()?;
        let is_idle = ready.is_empty() && self.burials.is_empty();
        self.heed_alarms();
        self.handle(ready);
        self.look_again();
        self.look_at_the_spawned();
        self.work_for(SLICE);
        self.door.look_if_due();
        self.members.retain(|member| member.line.is_some() || member.seat.is_some());
        if is_idle {
            let (members, watch) = (&self.members, &self.watch);
            let mut go_on = || !has_news(members, watch.as_ref());
            self.report.ends_collected += self.cycles.look_if_due(&self.thread, &mut go_on);
            self.report.bytes_given_back += self.idle.look_if_due(&self.thread, &mut go_on);
        }
        Ok(())
    }

    /// Waits until something is ready. Deaths come first: their news is what others wait for.
    ///
    /// While the dead wait for their recovery, it waits for nothing.
    fn ready(&self) -> io::Result<Vec<Ready>> {
        let (mut fds, mut what) = (Vec::new(), Vec::new());
        let doors = [
            (self.door.socket(), Ready::Door),
            (self.door.news(), Ready::DoorNews),
            (self.meeting.as_ref(), Ready::Meeting),
        ];
        for (socket, ready) in doors {
            if let Some(socket) = socket {
                fds.push(PollFd::from_borrowed_fd(socket.number(), PollFlags::IN));
                what.push(ready);
            }
        }
        if let Some(watch) = &self.watch {
            fds.push(PollFd::from_borrowed_fd(watch.bell(), PollFlags::IN));
            what.push(Ready::News);
        }
        for (index, member) in self.members.iter().enumerate() {
            if let Some(line) = &member.line {
                fds.push(PollFd::from_borrowed_fd(line.number(), PollFlags::IN));
                what.push(Ready::Line(index));
            }
            if let Some(watched) = &member.watched {
                fds.push(PollFd::from_borrowed_fd(watched.pidfd(), PollFlags::IN));
                what.push(Ready::Death(index));
            }
        }
        let is_out_of_touch = self.members.iter().any(|member| self.is_out_of_touch(member));
        let looks = [self.retry, is_out_of_touch.then_some(self.look_again), Some(self.look_around)];
        let looks = looks.into_iter().flatten().map(|at| at.saturating_duration_since(Instant::now()));
        let alarms = self.members.iter().filter_map(|member| member.alarm.timeout());
        let spawned = self.members.iter().filter_map(|member| member.looks.as_ref()).map(Looks::timeout);
        let at_most = alarms.chain(looks).chain(spawned).chain(self.door.timeout());
        let at_most = at_most.fold(self.cycles.timeout(), Duration::min);
        wait_for(&mut fds, Some(if self.burials.is_empty() { at_most } else { Duration::ZERO }))?;
        let is_ready = fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>();
        let ready = what.into_iter().zip(is_ready).filter_map(|(what, is_ready)| is_ready.then_some(what));
        Ok(ready.collect())
    }

    /// Deaths come first, all of them: their news is what others wait for.
    fn handle(&mut self, ready: Vec<Ready>) {
        let death = |ready: &Ready| if let Ready::Death(index) = ready { Some(*index) } else { None };
        // In the order of the members, which is the order of the poll list.
        let deaths: Vec<usize> = ready.iter().filter_map(death).collect();
        if !deaths.is_empty() {
            self.bury_the_dead(Some(&deaths));
        }
        for ready in ready {
            match ready {
                Ready::Door => self.accept_waiting(false),
                Ready::Meeting => self.accept_waiting(true),
                Ready::DoorNews => self.door.heed_news(),
                Ready::Line(index) => self.serve(index),
                // Buried above; the alarms have been heeded, by `turn`.
                Ready::Death(_) | Ready::News => {}
            }
        }
    }

    /// Something is not what it was.
    pub(crate) fn look_around_soon(&mut self) {
        self.look_around = Instant::now();
    }

    /// Gives up what the program has closed, as it may by mistake: those at the other ends come back, and everything
    /// else is made again. A poll that sleeps on a descriptor that is another file's by now would never end by it.
    fn look_around(&mut self) {
        if self.look_around > Instant::now() {
            return;
        }
        self.look_around = Instant::now() + LOOK_AGAIN;
        self.door.look_around();
        if self.meeting.as_ref().is_none_or(|meeting| !meeting.is_intact()) {
            let socket = rendezvous::prepare();
            self.meeting = socket.ok().and_then(|socket| rendezvous::listen(socket, &self.arena));
        }
        if self.watch.as_ref().is_some_and(|watch| !watch.is_intact()) {
            self.watch = None;
        }
        for index in 0..self.members.len() {
            if self.members[index].line.as_ref().is_some_and(|line| !line.is_intact()) {
                self.hung_up(index);
            }
            let lost = |watched: &&mut Watched| !watched.is_intact();
            if let Some(watched) = self.members[index].watched.as_mut().filter(lost) {
                // Watched again, if it lives. If not, its pidfd will say so.
                let _ = watched.is_dead();
            }
        }
    }

    /// Lets in those who wait: many at a time after a leader's death, when all come back at once. Not so many that
    /// news would wait for them.
    fn accept_waiting(&mut self, is_at_meeting: bool) {
        for _ in 0..MOST_ACCEPTED {
            self.accept(is_at_meeting);
            let socket = if is_at_meeting { self.meeting.as_ref() } else { self.door.socket() };
            if !socket.and_then(Held::get).is_some_and(process::is_ready) {
                return;
            }
        }
    }

    /// Has the tripwires of everybody watched whose death is to be noticed.
    fn watch_tripwires(&mut self) {
        if self.watch.is_none() {
            match Watch::start(&self.arena) {
                Ok(watch) => self.watch = Some(watch),
                Err(error) => return tracing::debug!(%error, "tripwires cannot be watched yet"),
            }
        }
        let watched = self.members.iter().filter(|member| member.watched.is_some());
        let seats = watched.filter_map(|member| member.seat).collect();
        if let Some(watch) = &mut self.watch {
            watch.watch(seats);
        }
    }

    /// Buries those whose tripwires have fired, if they are dead but for their memory. Others are looked at again soon:
    /// a signal comes to one thread after another.
    fn heed_alarms(&mut self) {
        let Some(watch) = &self.watch else { return };
        watch.silence();
        let mut gone = Vec::new();
        for (index, member) in self.members.iter_mut().enumerate() {
            let (Some(seat), Some(watched)) = (member.seat, &mut member.watched) else { continue };
            if !member.alarm.is_due(|| watch.has_fired(seat)) {
                continue;
            }
            if exiting::is_past_all(watched) {
                tracing::debug!(row = seat.row, "dead, but for its memory");
                gone.push(index);
            } else if member.alarm.may_be_exec() && has_replaced_itself(&self.arena, seat, watched) {
                gone.push(index);
            } else {
                member.alarm.look_later();
            }
        }
        self.bury(gone);
    }

    /// These processes are dead, or have replaced themselves: it is proven.
    fn bury(&mut self, indices: Vec<usize>) {
        let mut seats = Vec::new();
        for index in indices {
            let pid = self.members[index].pid_watched();
            let obstacle = self.obstacle_of(index);
            let Some(seat) = self.members[index].forget() else { continue };
            if let Some(pid) = pid.filter(|_| !self.arena.is_seated(seat)) {
                let fate = obstacle.map_or(Fate::Ended, Fate::CannotAttach);
                self.fates.note(pid.as_raw_pid().unsigned_abs(), fate);
            }
            seats.push(seat);
        }
        self.announce(&seats);
    }

    /// Looks, where it is time, at those who were spawned and have not attached.
    fn look_at_the_spawned(&mut self) {
        let ((address, socket), user) = (self.door.sign(), self.user);
        for member in &mut self.members {
            let pid = member.pid_watched();
            if let Some(looks) = &mut member.looks {
                looks.look_if_due(|| {
                    pid.map_or(Look::Nothing, |pid| obstacle::look(pid, user, address, socket))
                });
            }
        }
    }

    /// What keeps a member that was spawned from attaching, by a look at it now and by earlier ones.
    pub(crate) fn obstacle_of(&mut self, index: usize) -> Option<Obstacle> {
        let (address, socket) = self.door.sign();
        let pid = self.members[index].pid_watched()?;
        let looks = self.members[index].looks.as_mut()?;
        looks.see(obstacle::look(pid, self.user, address, socket))
    }

    /// Tells all who wait for news of these. What they leave is worked on between other things: `work_for`.
    pub(crate) fn announce(&mut self, seats: &[shm::Seat]) {
        if seats.is_empty() {
            return;
        }
        tracing::debug!(count = seats.len(), first = seats[0].row, "processes have died");
        let announced = self.burials.announce(&self.thread, seats);
        self.heed_failure(announced);
        // What they left may only hold itself; but the news of other deaths comes first.
        self.cycles.ask();
    }

    /// Goes on with the recovery of the dead for about so long.
    fn work_for(&mut self, slice: Duration) {
        let start = Instant::now();
        // At least once: a thread that is slow, or that is stepped through, gets on too.
        while !self.burials.is_empty() {
            let worked = self.burials.work(&self.thread, STEPS);
            self.heed_failure(worked.map(drop));
            if start.elapsed() >= slice {
                break;
            }
        }
        let recovered = self.burials.take_recovered();
        if recovered.processes > 0 {
            tracing::info!(?recovered, "recovered processes");
        }
        self.report.recovered += recovered;
        let reclaimed = self.burials.take_reclaimed();
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
    }

    fn heed_failure(&mut self, done: shm::Result<()>) {
        if let Err(error) = done {
            tracing::error!(%error, "a recovery failed, and is tried again");
            self.retry.get_or_insert(Instant::now() + LOOK_AGAIN);
        }
    }

    /// Takes up what is unfinished: seats whose spawners have died, what another supervisor left, what failed.
    fn take_up_unfinished(&mut self) {
        self.retry = None;
        let announced = self.burials.announce_unfinished(&self.thread);
        self.heed_failure(announced);
    }

    /// A connection ended. If its process is alive and has lost the arena, it has replaced itself by exec.
    pub(crate) fn hung_up(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.line = None;
        let (Some(seat), Some(watched)) = (member.seat, &mut member.watched) else { return };
        if has_replaced_itself(&self.arena, seat, watched) {
            self.bury(vec![index]);
        }
    }

    /// Watches whoever is seated, after another supervisor's death.
    pub(crate) fn take_over(&mut self) {
        self.take_up_unfinished();
        let seated = self.arena.seated().unwrap_or_else(|error| {
            tracing::error!(%error, "who is seated cannot be seen");
            Vec::new()
        });
        let own = self.thread.process().row();
        for seated in seated.into_iter().filter(|seated| seated.seat.row != own) {
            let pid = Pid::from_raw(seated.occupant.pid.cast_signed());
            self.members.push(Member { pid, seat: Some(seated.seat), ..Member::default() });
        }
        self.watch_unwatched();
    }

    /// Whether the member was taken over and has not been in touch: then its death, or its exec, might go unseen.
    fn is_out_of_touch(&self, member: &Member) -> bool {
        member.seat.is_some_and(|seat| {
            member.watched.is_none() || member.line.is_none() && self.arena.is_seated(seat)
        })
    }

    /// Looks at those who are out of touch, and tries what could not be done, once in a while.
    fn look_again(&mut self) {
        if self.retry.is_some_and(|at| at <= Instant::now()) {
            self.take_up_unfinished();
        }
        if self.look_again > Instant::now() {
            return;
        }
        self.look_again = Instant::now() + LOOK_AGAIN;
        self.watch_unwatched();
        for index in 0..self.members.len() {
            if self.is_out_of_touch(&self.members[index]) {
                self.hung_up(index);
            }
        }
    }

    /// Has all watched who can be; those who are gone are buried.
    fn watch_unwatched(&mut self) {
        let mut dead = Vec::new();
        for index in 0..self.members.len() {
            let Member { seat, watched, .. } = &self.members[index];
            if seat.is_some() && watched.is_none() && !self.watch(index) {
                dead.push(index);
            }
        }
        self.bury(dead);
    }

    /// Opens the member's pidfd, if it can be had. `false` when the process is gone.
    fn watch(&mut self, index: usize) -> bool {
        let occupant = self.members[index].seat.map(|seat| self.arena.occupant(seat));
        let Some(Ok(Some(occupant))) = occupant else { return false };
        match Watched::open(occupant) {
            Ok(None) => return false,
            Ok(watched) => self.members[index].watched = watched,
            // It is tried again: descriptors may be scarce for a moment.
            Err(error) => tracing::warn!(%error, pid = occupant.pid, "a process cannot be watched yet"),
        }
        true
    }

    /// Buries whoever of these is dead, of all without `these`. That a pidfd is ready is no proof yet.
    fn bury_the_dead(&mut self, these: Option<&[usize]>) {
        let mut dead = Vec::new();
        for (index, member) in self.members.iter_mut().enumerate() {
            let Some(watched) = &mut member.watched else { continue };
            if these.map_or_else(|| watched.seems_dead(), |these| these.binary_search(&index).is_ok()) {
                match watched.is_dead() {
                    Ok(true) => dead.push(index),
                    Ok(false) => {}
                    // Ready as it is, it is asked again at once.
                    Err(error) => tracing::warn!(%error, "a death cannot be proven yet"),
                }
            }
        }
        self.bury(dead);
    }

    /// Buries whoever is dead by now, finishes what is unfinished, collects cycles, reclaims, and gives back the memory of
    /// what is free.
    pub(crate) fn collect(&mut self) -> Result<Report, Status> {
        self.bury_the_dead(None);
        self.take_up_unfinished();
        while !self.burials.is_empty() {
            self.work_for(SLICE);
            if has_news(&self.members, self.watch.as_ref()) {
                self.heed_alarms();
                self.bury_the_dead(None);
            }
        }
        self.report.ends_collected += self.cycles.look(&self.thread, &mut || true);
        self.thread.tidy_channels(true).and_then(|_| self.thread.ask_for_spares()).map_err(status::of)?;
        let reclaimed = self.thread.collect().map_err(status::of)?;
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
        self.report.bytes_given_back += self.idle.look(&self.thread);
        Ok(self.report)
    }
}

/// Whether somebody has died, or seems to have.
fn has_news(members: &[Member], watch: Option<&Watch>) -> bool {
    let pidfds = members.iter().filter_map(|member| member.watched.as_ref()).map(Watched::pidfd);
    let fds = pidfds.chain(watch.map(Watch::bell));
    let mut fds: Vec<_> = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    wait_for(&mut fds, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}

/// Whether an attached process lives and has no arena any more.
fn has_replaced_itself(arena: &shm::Arena, seat: shm::Seat, watched: &mut Watched) -> bool {
    // One that is on its way to its seat has no arena yet.
    let Some(pid) = watched.pid().filter(|_| arena.is_seated(seat)) else { return false };
    // Looked at while it lives, and it is the right one: so the number was its own.
    let has_lost = process::has_lost(pid, arena) && watched.is_dead().is_ok_and(|is_dead| !is_dead);
    if has_lost {
        tracing::info!(pid = %pid.as_raw_nonzero(), "an attached process has replaced itself by exec");
    }
    has_lost
}
