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
use std::time::Duration;

/// How often what could not be done is tried again, and those are looked at whom the supervisor took over and who
/// have not been in touch yet.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

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
    path: PathBuf,
    pub(super) arena: Arc<shm::Arena>,
    pub(super) thread: shm::Thread,
    pub(super) members: Vec<Member>,
    /// `None` while there can be none: then deaths are learned of by pidfds alone.
    watch: Option<Watch>,
    cycles: Cycles,
    report: Report,
    /// Whether some recovery failed, and is to be tried again.
    is_unfinished: bool,
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
            path,
            thread,
            arena,
            members: Vec::new(),
            watch: None,
            cycles: Cycles::new(),
            report: Report::default(),
            is_unfinished: false,
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
                Err(_) => tracing::error!("the supervisor has panicked, and goes on"),
            }
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        self.watch_tripwires();
        let ready = self.ready()?;
        let is_idle = ready.is_empty();
        self.heed_alarms();
        ready.into_iter().for_each(|ready| self.handle(ready));
        self.look_again();
        self.members.retain(|member| member.line.is_some() || member.seat.is_some());
        if is_idle {
            let (members, watch) = (&self.members, &self.watch);
            let somebody_died = || {
                let pidfds = members.iter().filter_map(|member| member.pidfd.as_ref());
                let news = watch.as_ref().map(Watch::bell);
                let mut fds: Vec<_> = pidfds.chain(news).map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
                wait_for(&mut fds, Some(Duration::ZERO)).is_ok_and(|dead| dead > 0)
            };
            let found = self.cycles.look_if_due(&self.thread, || !somebody_died());
            self.report.ends_collected += found;
        }
        Ok(())
    }

    /// Waits until something is ready. Deaths come first: their news is what others wait for.
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
        let must_look_again = self.is_unfinished
            || self.listener.is_none()
            || self.members.iter().any(|member| self.is_out_of_touch(member));
        let at_most = self.members.iter().filter_map(|member| member.alarm.timeout());
        let at_most = at_most.fold(self.cycles.timeout(), Duration::min);
        wait_for(&mut fds, Some(if must_look_again { at_most.min(LOOK_AGAIN) } else { at_most }))?;
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
            // The alarms have been heeded, by `turn`.
            Ready::News => {}
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
        dead.into_iter().for_each(|index| self.bury(index));
    }

    /// The process is dead: its pidfd is readable, or none of its threads will take another step.
    fn bury(&mut self, index: usize) {
        let Some(seat) = self.members[index].forget() else { return };
        self.recover(seat);
    }

    pub(super) fn recover(&mut self, seat: shm::Seat) {
        match self.thread.recover(seat) {
            Err(error) => {
                tracing::error!(%error, row = seat.row, "recovery failed, and is tried again");
                self.is_unfinished = true;
            }
            Ok(recovered) => {
                if recovered.processes > 0 {
                    tracing::info!(row = seat.row, ?recovered, "recovered a process");
                }
                self.report.recovered += recovered;
            }
        }
        // What it left may only hold itself; but the news of other deaths comes first.
        self.cycles.ask();
    }

    /// Finishes what is unfinished, as far as it can be.
    fn finish(&mut self) {
        match self.thread.recover_unfinished() {
            Ok(recovered) => {
                self.report.recovered += recovered;
                self.is_unfinished = false;
            }
            Err(error) => {
                tracing::error!(%error, "what is dead cannot be recovered yet");
                self.is_unfinished = true;
            }
        }
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
            self.recover(seat);
        }
    }

    /// Watches whoever is seated, after another supervisor's death.
    pub(super) fn take_over(&mut self) {
        self.finish();
        let seated = self.arena.seated().unwrap_or_else(|error| {
            tracing::error!(%error, "who is seated cannot be seen");
            Vec::new()
        });
        let own = self.thread.process().row();
        for seated in seated.into_iter().filter(|seated| seated.seat.row != own) {
            let pid = Pid::from_raw(seated.occupant.pid.cast_signed());
            self.members.push(Member { pid, seat: Some(seated.seat), ..Member::default() });
        }
        self.look_again();
    }

    /// Whether the member was taken over and has not been in touch: then its death, or its exec, might go unseen.
    fn is_out_of_touch(&self, member: &Member) -> bool {
        member
            .seat
            .is_some_and(|seat| member.pidfd.is_none() || member.line.is_none() && self.arena.is_seated(seat))
    }

    fn look_again(&mut self) {
        for index in 0..self.members.len() {
            if !self.is_out_of_touch(&self.members[index]) {
                continue;
            }
            if self.members[index].pidfd.is_none() && !self.watch(index) {
                self.bury(index);
            } else {
                self.hung_up(index);
            }
        }
        if self.is_unfinished {
            self.finish();
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

    /// Buries whoever is dead by now, finishes what is unfinished, collects cycles, and reclaims.
    pub(super) fn collect(&mut self) -> Result<Report, Status> {
        for index in 0..self.members.len() {
            if self.members[index].pidfd.as_ref().is_some_and(is_readable) {
                self.bury(index);
            }
        }
        self.finish();
        self.report.ends_collected += self.cycles.look(&self.thread, &mut || true);
        let reclaimed = self.thread.collect().map_err(status::of)?;
        self.report.objects_reclaimed += u32::try_from(reclaimed).unwrap_or(u32::MAX);
        Ok(self.report)
    }
}
