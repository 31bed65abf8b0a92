//! The supervisor's thread: it admits processes, watches each through a pidfd, and recovers those that die.
//!
//! A stopped process is not dead, and no timeout makes it so; a zombie is. What proves death is the pidfd, opened
//! while the process was held by its own admission request (or by its parent, who had not reaped it), or by its
//! number and the moment it started, so that the number cannot have been given to another.
//!
//! A pidfd speaks late, when a process had much memory. So each is watched through its tripwire too, which says only
//! when to look whether all of its threads are past their last step (`tripwire`, `exiting`).
//!
//! exec() while attached: the new program has no arena. Its connection hangs up (it is closed on exec) *and* the
//! arena's file is gone from its maps; either alone proves nothing.

use super::address::Aside;
use super::cycles::Cycles;
use super::exiting;
use super::identity::{self, Found, is_readable};
use super::patience::wait_for;
use super::tripwire::{Alarm, Watch};
use crate::{Report, Status, status};
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often what could not be done is tried again, and those are looked at whom the supervisor took over and who
/// have not been in touch yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long it works on what the dead have left before it looks for news again, and how many steps of that it takes
/// between two looks at the clock.
const SLICE: Duration = Duration::from_millis(1);
const STEPS: u32 = 256;

/// What the supervisor knows of one connection or one process.
#[derive(Default)]
pub(super) struct Member {
    /// Its line; `None` for a spawned process that has not connected, or one that hung up.
    pub(super) line: Option<OwnedFd>,
    pub(super) pid: Option<Pid>,
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) seat: Option<shm::Seat>,
    /// What its tripwire has led to.
    pub(super) alarm: Alarm,
}

impl Member {
    /// It is not watched any more. Gives the seat that it had.
    pub(super) fn forget(&mut self) -> Option<shm::Seat> {
        (self.pidfd, self.alarm) = (None, Alarm::default());
        self.seat.take()
    }
}

/// The supervisor.
pub(super) struct Server {
    /// `None` while the path cannot be had: then nobody is admitted, and everything else goes on.
    pub(super) listener: Option<OwnedFd>,
    /// Kept for the day when descriptors have run out.
    pub(super) spare: Option<OwnedFd>,
    path: PathBuf,
    pub(super) arena: Arc<shm::Arena>,
    pub(super) thread: shm::Thread,
    pub(super) members: Vec<Member>,
    /// `None` while there can be none: then deaths are learned of by pidfds alone.
    watch: Option<Watch>,
    cycles: Cycles,
    report: Report,
    /// The dead who have not been recovered to the end.
    pub(super) burials: shm::Burials,
    /// When to try again to recover those for whom it failed.
    retry: Option<Instant>,
    /// When those are looked at next who are out of touch.
    look_again: Instant,
}

/// What is ready, by its place in the poll list.
enum Ready {
    Listener,
    Line(usize),
    Death(usize),
    /// A tripwire has fired.
    News,
}

impl Server {
    pub(super) fn new(listener: Option<OwnedFd>, path: PathBuf, thread: shm::Thread) -> Self {
        let arena = thread.process().arena().clone();
        Self {
            listener,
            spare: Self::spare(),
            path,
            thread,
            arena,
            members: Vec::new(),
            watch: None,
            cycles: Cycles::new(),
            report: Report::default(),
            burials: shm::Burials::new(),
            retry: None,
            look_again: Instant::now(),
        }
    }

    /// Serves for as long as the process lives.
    pub(super) fn run(mut self) -> ! {
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
        self.watch_tripwires();
        let ready = self.ready()?;
        let is_idle = ready.is_empty() && self.burials.is_empty();
        self.heed_alarms();
        self.handle(ready);
        self.look_again();
        self.work_for(SLICE);
        self.members.retain(|member| member.line.is_some() || member.seat.is_some());
        if is_idle {
            let (members, watch) = (&self.members, &self.watch);
            let found = self.cycles.look_if_due(&self.thread, || !has_news(members, watch.as_ref()));
            self.report.ends_collected += found;
        }
        Ok(())
    }

    /// Waits until something is ready. Deaths come first: their news is what others wait for.
    ///
    /// While the dead wait for their recovery, it waits for nothing.
    fn ready(&self) -> io::Result<Vec<Ready>> {
        let (mut fds, mut what) = (Vec::new(), Vec::new());
        if let Some(listener) = &self.listener {
            fds.push(PollFd::new(listener, PollFlags::IN));
            what.push(Ready::Listener);
        }
        if let Some(watch) = &self.watch {
            fds.push(PollFd::new(watch.bell(), PollFlags::IN));
            what.push(Ready::News);
        }
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
        let is_out_of_touch = self.members.iter().any(|member| self.is_out_of_touch(member));
        let must_look_again = is_out_of_touch || self.listener.is_none();
        let looks = [self.retry, must_look_again.then_some(self.look_again)];
        let looks = looks.into_iter().flatten().map(|at| at.saturating_duration_since(Instant::now()));
        let alarms = self.members.iter().filter_map(|member| member.alarm.timeout());
        let at_most = alarms.chain(looks).fold(self.cycles.timeout(), Duration::min);
        wait_for(&mut fds, Some(if self.burials.is_empty() { at_most } else { Duration::ZERO }))?;
        let is_ready = fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>();
        let ready = what.into_iter().zip(is_ready).filter_map(|(what, is_ready)| is_ready.then_some(what));
        Ok(ready.collect())
    }

    /// Deaths come first, all of them: their news is what others wait for.
    fn handle(&mut self, ready: Vec<Ready>) {
        let death = |ready: &Ready| if let Ready::Death(index) = ready { Some(*index) } else { None };
        self.bury(ready.iter().filter_map(death).collect());
        for ready in ready {
            match ready {
                Ready::Listener => self.accept(),
                Ready::Line(index) => self.serve(index),
                // Buried above; the alarms have been heeded, by `turn`.
                Ready::Death(_) | Ready::News => {}
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
        let watched = self.members.iter().filter(|member| member.pidfd.is_some());
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
        let mut dead = Vec::new();
        for (index, member) in self.members.iter_mut().enumerate() {
            let (Some(seat), Some(pidfd)) = (member.seat, &member.pidfd) else { continue };
            if member.alarm.is_due(|| watch.has_fired(seat)) {
                if exiting::is_past_all(pidfd) {
                    tracing::debug!(row = seat.row, "dead, but for its memory");
                    dead.push(index);
                } else {
                    member.alarm.look_later();
                }
            }
        }
        self.bury(dead);
    }

    /// These processes are dead: their pidfds are readable, or none of their threads will take another step.
    fn bury(&mut self, indices: Vec<usize>) {
        let seats: Vec<_> = indices.into_iter().filter_map(|index| self.members[index].forget()).collect();
        self.announce(&seats);
    }

    /// Tells all who wait for news of these. What they leave is worked on between other things: `work_for`.
    pub(super) fn announce(&mut self, seats: &[shm::Seat]) {
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
        while !self.burials.is_empty() && start.elapsed() < slice {
            let worked = self.burials.work(&self.thread, STEPS);
            self.heed_failure(worked.map(drop));
        }
        let recovered = self.burials.take_recovered();
        if recovered.processes > 0 {
            tracing::info!(?recovered, "recovered processes");
        }
        self.report.recovered += recovered;
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
    pub(super) fn hung_up(&mut self, index: usize) {
        let member = &mut self.members[index];
        member.line = None;
        let (Some(seat), Some(pid)) = (member.seat, member.pid) else { return };
        if !self.arena.is_seated(seat) {
            // It is on its way, and asks again, or dies.
            return;
        }
        let alive = member.pidfd.as_ref().is_some_and(|pidfd| !is_readable(pidfd));
        if alive && identity::has_lost(pid, &self.arena) {
            tracing::info!(pid = %pid.as_raw_nonzero(), "an attached process has replaced itself by exec");
            self.members[index].forget();
            self.announce(&[seat]);
        }
    }

    /// Watches whoever is seated, after another supervisor's death.
    pub(super) fn take_over(&mut self) {
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
        member
            .seat
            .is_some_and(|seat| member.pidfd.is_none() || member.line.is_none() && self.arena.is_seated(seat))
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
        if self.listener.is_none() {
            match Aside::listen(&self.path).and_then(|mut aside| aside.take_place()) {
                Ok(listener) => self.listener = Some(listener),
                Err(error) => {
                    tracing::error!(%error, path = %self.path.display(), "nobody can be admitted");
                }
            }
        }
    }

    /// Has all watched who can be; those who are gone are buried.
    fn watch_unwatched(&mut self) {
        let mut dead = Vec::new();
        for index in 0..self.members.len() {
            let Member { seat, pidfd, .. } = &self.members[index];
            if seat.is_some() && pidfd.is_none() && !self.watch(index) {
                dead.push(index);
            }
        }
        self.bury(dead);
    }

    /// Opens the member's pidfd, if it can be had. `false` when the process is gone.
    fn watch(&mut self, index: usize) -> bool {
        let occupant = self.members[index].seat.map(|seat| self.arena.occupant(seat));
        let Some(Ok(Some(occupant))) = occupant else { return false };
        match identity::watch(occupant) {
            Ok(Found::Gone) => return false,
            Ok(Found::Watched(pidfd)) => self.members[index].pidfd = Some(pidfd),
            // It is tried again: descriptors may be scarce for a moment.
            Err(error) => tracing::warn!(%error, pid = occupant.pid, "a process cannot be watched yet"),
        }
        true
    }

    /// Buries whoever is dead by now.
    fn bury_the_dead(&mut self) {
        let is_dead = |member: &Member| member.pidfd.as_ref().is_some_and(is_readable);
        let dead = (0..self.members.len()).filter(|index| is_dead(&self.members[*index])).collect();
        self.bury(dead);
    }

    /// Buries whoever is dead by now, finishes what is unfinished, collects cycles, and reclaims.
    pub(super) fn collect(&mut self) -> Result<Report, Status> {
        self.bury_the_dead();
        self.take_up_unfinished();
        while !self.burials.is_empty() {
            self.work_for(SLICE);
            if has_news(&self.members, self.watch.as_ref()) {
                self.heed_alarms();
                self.bury_the_dead();
            }
        }
        self.report.ends_collected += self.cycles.look(&self.thread, &mut || true);
        let reclaimed = self.thread.collect().map_err(status::of)?;
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
        Ok(self.report)
    }
}

/// Whether somebody has died, or seems to have.
fn has_news(members: &[Member], watch: Option<&Watch>) -> bool {
    let pidfds = members.iter().filter_map(|member| member.pidfd.as_ref());
    let mut fds: Vec<_> =
        pidfds.chain(watch.map(Watch::bell)).map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    wait_for(&mut fds, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}
