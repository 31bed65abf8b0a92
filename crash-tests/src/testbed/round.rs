//! One arena, its supervisor and survivor, and one victim after another.
//!
//! A stage is a process of its own: a process has one attachment, and an arena in which something was found wrong
//! is of no more use. It uses its arena for all the deaths of one operation, so that what each loses adds up.

use crate::arena::{self, Footprint};
use crate::campaign::leader_crash;
use crate::campaign::progress::Kind;
use crate::operation::{End, Operation, Scene, Thread, Way, seen};
use crate::process::recoverer;
use crate::process::victim;
use crate::sleepers::{HANG, Sleepers};
use crate::testbed::watchdog::Watchdog;
use crate::tracing::code::Code;
use crate::tracing::trace::{Route, Trace};
use crate::tracing::tracee::{self, Stand, Tracee};
use anyhow::{Context as _, Result, anyhow, ensure};
use jacinth::{Channel, Signals, Supervisor};
use nix::sys::signal::Signal;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What to do with a victim.
pub enum Goal {
    /// Let it complete the operation, instruction by instruction, and remember the way.
    Record,
    /// Let it complete the operation, and kill it then.
    Complete,
    /// Kill it there.
    Kill(Route),
    /// Kill it in its sleep.
    KillAsleep,
    /// Stop it there for a while, as by anybody's SIGSTOP; then let it complete the operation.
    Stop(Route),
    /// Kill it there, and then whoever recovers it.
    KillTwice(Route, Then),
    /// Kill it there, and then the founder, whose supervisor recovers it.
    KillSupervisor(Route, Then),
}

/// What to do with a recoverer.
pub enum Then {
    /// Let it complete the recovery, and remember the way.
    Record,
    /// Kill it there.
    Kill(Route),
}

/// What came of one victim.
pub struct Round {
    /// Whether it came to where the goal wanted it.
    pub reached: bool,
    /// The way it took, if it was to be remembered.
    pub trace: Option<Trace>,
    /// What was found wrong.
    pub fault: Option<(Kind, String)>,
}

/// A stage.
pub struct Stage {
    supervisor: Supervisor,
    /// What is known of the program.
    pub code: Code,
    sleepers: Sleepers,
    watchdog: Watchdog,
    baseline: Footprint,
    recovered: u32,
    /// Who made the arena, if it was not the stage.
    founder: Option<Child>,
}

/// The most sleepers of an operation.
const MOST_SLEEPERS: usize = 2;

type Check<T> = std::result::Result<T, (Kind, String)>;

impl Stage {
    /// Makes the arena.
    pub fn new() -> Result<Self> {
        Self::with(Supervisor::create(&arena::config()).context("making an arena")?, None)
    }

    /// In the arena of a founder, whose death makes this process the supervisor's.
    pub fn under_founder() -> Result<Self> {
        let (supervisor, founder) = leader_crash::attach_to_founder()?;
        Self::with(supervisor, Some(founder))
    }

    fn with(supervisor: Supervisor, founder: Option<Child>) -> Result<Self> {
        let code = Code::of_this_program()?;
        arena::use_up();
        let sleepers = Sleepers::new(MOST_SLEEPERS);
        let recovered = supervisor.collect()?.processes;
        let baseline = Footprint::of(&supervisor);
        Ok(Self { supervisor, code, sleepers, watchdog: Watchdog::start(), baseline, recovered, founder })
    }

    /// Leaves nothing behind that its founder would have removed.
    pub fn clear_away(&self) {
        leader_crash::clear_away(&self.supervisor);
    }

    /// One victim, from its birth until the arena is as it was before.
    pub fn round(&mut self, operation: &Operation, goal: &Goal) -> Result<Round> {
        let round = self.play(operation, goal);
        self.watchdog.rest();
        round
    }

    fn play(&mut self, operation: &Operation, goal: &Goal) -> Result<Round> {
        let mut scene = (operation.set)();
        let process = self.spawn(operation, &mut scene)?;
        self.watchdog.watch(process);
        let tracee = Tracee::adopt(&self.code)?;
        if let Err(text) = self.sleepers.put_to_sleep(&self.supervisor, &scene.sleepers) {
            return Ok(Round { reached: false, trace: None, fault: Some((Kind::LostWake, text)) });
        }
        let partner = scene.partner.take().map(|partner| {
            let victim = tracee.pid();
            std::thread::spawn(move || partner(victim))
        });
        let mut round = Round { reached: true, trace: None, fault: None };
        let mut is_dead = false;
        // The victim stands before its first step.
        let handles = operation.handles.map(|more| i64::from(Footprint::of(&self.supervisor).handles) + more);
        let stand = match goal {
            Goal::Record => {
                let (trace, stand) = Trace::record(&tracee, &self.code)?;
                round.trace = Some(trace);
                stand
            }
            Goal::Complete => tracee.run()?,
            Goal::Kill(route) => {
                let (reached, stand) = route.follow(&tracee)?;
                round.reached = reached;
                stand
            }
            Goal::KillAsleep => {
                tracee.run_unwatched()?;
                crate::sleepers::falls_asleep(tracee.pid());
                Stand::At(0)
            }
            Goal::Stop(route) => {
                let (reached, stand) = route.follow(&tracee)?;
                round.reached = reached;
                if reached { self.stop_and_resume(operation, &tracee, &mut round)? } else { stand }
            }
            Goal::KillTwice(route, then) => {
                let (reached, stand) = route.follow(&tracee)?;
                round.reached = reached;
                if reached {
                    self.recover_and_kill(process, then, &mut round)?;
                }
                stand
            }
            Goal::KillSupervisor(route, then) => {
                let (reached, stand) = route.follow(&tracee)?;
                round.reached = reached;
                if reached {
                    self.kill_with_supervisor(process, then, &mut round)?;
                    is_dead = true;
                }
                stand
            }
        };
        let hung = self.watchdog.release();
        if operation.is_complete_in(stand) {
            round.fault = round.fault.or(self.while_it_lives(operation, handles).err());
        }
        if !is_dead {
            tracee::kill(process)?;
        }
        if hung {
            round.fault = Some((Kind::Hang, "the victim did not come to an end, and was killed".into()));
            return Ok(round);
        }
        match (stand, operation.exits) {
            (Stand::Exited(code), Some(expected)) if code == expected => {}
            (Stand::Exited(code), _) => {
                let text = format!("it ended with exit code {code}; its own words are above");
                round.fault = Some((Kind::Victim, text));
                return Ok(round);
            }
            // A breakpoint is there for all threads of the victim, and another one came by.
            (Stand::Killed(Signal::SIGTRAP), _) => round.reached = false,
            (Stand::Killed(signal), _) => {
                round.fault = Some((Kind::Victim, format!("it was ended by {signal}")));
                return Ok(round);
            }
            (Stand::At(_) | Stand::Finished, _) => {}
        }
        let end = if matches!(stand, Stand::At(_) | Stand::Killed(_)) { End::Killed } else { End::Finished };
        if round.fault.is_none() {
            round.fault = self.aftermath(operation, scene, end, partner).err();
        }
        Ok(round)
    }

    fn spawn(&self, operation: &Operation, scene: &mut Scene) -> Result<i32> {
        let mut program = Command::new("/proc/self/exe");
        program.args([victim::ROLE, &operation.name]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = match operation.way {
            Way::Spawned => {
                let startup = scene.startup.take().context("a victim needs its end of the line")?;
                self.supervisor.spawn(&mut program, startup)?
            }
            // The other end stays here, and what sleeps at this one sleeps on.
            Way::Forked => return Ok(victim::fork(operation)?),
            Way::Stranger => program.env(victim::SOCKET, self.supervisor.socket_path()).spawn()?,
        };
        Ok(child.id().cast_signed())
    }

    /// The operation is complete and the victim's process lives: it has as many handles as it should, and a thread that
    /// has ended has left no row, and nothing that waits to be reclaimed. (A partner's row is there until that thread has
    /// ended, too.)
    fn while_it_lives(&self, operation: &Operation, handles: Option<i64>) -> Check<()> {
        let start = Instant::now();
        loop {
            let now = Footprint::of(&self.supervisor);
            let has_handles = handles.is_none_or(|handles| i64::from(now.handles) == handles);
            let (threads, retired) = (self.baseline.threads, self.baseline.retired);
            let has_threads =
                operation.thread == Thread::Main || (now.threads, now.retired) == (threads, retired);
            if has_handles && has_threads {
                return Ok(());
            }
            if start.elapsed() > HANG / 4 {
                let text = format!(
                    "when it was complete there should have been {handles:?} handles and, if it ends a thread, \
                     {threads:?} threads and {retired} retired objects: there are {now}"
                );
                return Err((Kind::Leak, text));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// A stopped process is not dead: nothing is taken from it, others go on, and it completes what it was doing.
    fn stop_and_resume(
        &mut self,
        operation: &Operation,
        tracee: &Tracee,
        round: &mut Round,
    ) -> Result<Stand> {
        tracee.stop_for_real()?;
        let before = self.recovered;
        let others = || -> std::result::Result<(), jacinth::Status> {
            let (first, second) = Channel::try_create()?;
            let mut handles = vec![jacinth::Event::try_create()?.into()];
            first.write(b"others go on", &mut handles)?;
            second.read(&mut jacinth::MessageBuf::new())
        };
        for _ in 0..3 {
            if let Err(status) = others() {
                round.fault = Some((Kind::Promise, format!("others do not go on beside it: {status}")));
            }
            let recovered = self.supervisor.collect()?.processes;
            if recovered != before && !operation.starts_another {
                let text = format!("{} processes were recovered while it was stopped", recovered - before);
                round.fault = Some((Kind::Promise, text));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        tracee.resume_for_real()
    }

    /// The victim executes nothing more. A recoverer begins to recover it, and is killed.
    fn recover_and_kill(&self, victim: i32, then: &Then, round: &mut Round) -> Result<()> {
        let mut program = recoverer::program(victim)?;
        // Its startup handle: one that nobody misses.
        let (_ours, theirs) = Channel::try_create()?;
        let process = self.supervisor.spawn(program.stdin(Stdio::null()), theirs)?.id().cast_signed();
        let tracee = Tracee::adopt(&self.code)?;
        // The supervisor watches it now: it may attach.
        ensure!(tracee.run()? == Stand::Finished, "the recoverer did not attach; its own words are above");
        match then {
            Then::Record => round.trace = Some(Trace::record(&tracee, &self.code)?.0),
            Then::Kill(route) => round.reached = route.follow(&tracee)?.0,
        }
        tracee::kill(process)
    }

    /// The victim dies, and so does the supervisor that recovers it. From then on this process leads.
    fn kill_with_supervisor(&mut self, victim: i32, then: &Then, round: &mut Round) -> Result<()> {
        let founder = self.founder.take().context("only a founder's supervisor can be killed")?;
        let supervisor = leader_crash::seize(&founder, &self.code)?;
        tracee::kill(victim)?;
        let (survivors, processes) = (&self.supervisor, self.baseline.processes);
        let is_recovered = || Footprint::of(survivors).processes == processes;
        leader_crash::lead(&supervisor, &founder, then, &self.code, round, is_recovered)?;
        leader_crash::kill(&founder)?;
        self.baseline = self.baseline.without_a_founder();
        Ok(())
    }

    /// The victim is dead.
    fn aftermath(
        &mut self,
        operation: &Operation,
        mut scene: Scene,
        end: End,
        partner: Option<std::thread::JoinHandle<()>>,
    ) -> Check<()> {
        let broken = |text| (Kind::Promise, text);
        let before = self.recovered;
        self.recover()?;
        if operation.way == Way::Forked && self.recovered != before {
            return Err(broken("the death of a forked child was taken for an attached process's".into()));
        }
        let asleep = self.sleepers.judge(&scene.sleepers).map_err(|text| (Kind::LostWake, text))?;
        if let Some(partner) = partner {
            wait_for(&partner).map_err(|text| (Kind::LostWake, text))?;
            partner
                .join()
                .map_err(|_| broken("the victim's partner panicked; its words are above".into()))?;
        }
        self.audit("after the recovery")?;
        (operation.check)(&mut scene, end).map_err(broken)?;
        if operation.way == Way::Spawned && !seen(&*scene.line).contains(Signals::CHANNEL_PEER_CLOSED) {
            return Err(broken("the line to the victim has not closed".into()));
        }
        for (index, peer) in scene.peers.iter().enumerate() {
            if !seen(peer).contains(Signals::EVENTPAIR_PEER_CLOSED) {
                let text =
                    format!("handle {index} of what the victim was given is open still, and nobody has it");
                return Err((Kind::Leak, text));
            }
        }
        drop(scene);
        self.sleepers.collect(asleep).map_err(|text| (Kind::LostWake, text))?;
        self.is_as_before()?;
        self.audit("after the survivors went on")
    }

    fn recover(&mut self) -> Check<()> {
        let report = self.supervisor.collect();
        let report = report.map_err(|status| (Kind::Promise, format!("the supervisor says {status}")))?;
        self.recovered = report.processes;
        Ok(())
    }

    fn audit(&self, when: &str) -> Check<()> {
        let audit = self.supervisor.audit();
        if audit.is_clean() { Ok(()) } else { Err((Kind::Audit, format!("{when}: {audit}"))) }
    }

    /// Nothing more than before, once whatever was started beside has ended.
    fn is_as_before(&mut self) -> Check<()> {
        let start = Instant::now();
        loop {
            self.recover()?;
            let now = Footprint::of(&self.supervisor);
            if now.fits(&self.baseline) {
                return Ok(());
            }
            if start.elapsed() > HANG / 4 {
                return Err((Kind::Leak, format!("there were {}, and there are {now}", self.baseline)));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Operation {
    /// Whether a victim that stands so has completed it, in a process that lives.
    fn is_complete_in(&self, stand: Stand) -> bool {
        match stand {
            Stand::Finished => true,
            Stand::Exited(_) => self.thread != Thread::Main,
            Stand::At(_) | Stand::Killed(_) => false,
        }
    }
}

fn wait_for(partner: &std::thread::JoinHandle<()>) -> std::result::Result<(), String> {
    let start = Instant::now();
    while !partner.is_finished() {
        if start.elapsed() > HANG {
            return Err("the victim's partner waits on".into());
        }
        std::thread::sleep(Duration::from_micros(50));
    }
    Ok(())
}

/// An operation that was recorded, or why it could not be.
pub fn recorded(round: Round) -> Result<Trace> {
    if let Some((kind, text)) = round.fault {
        return Err(anyhow!("{kind}: {text}"));
    }
    round.trace.context("a round that was to be recorded")
}
