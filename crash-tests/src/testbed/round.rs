//! One round: a victim, from its birth until the arena is as it was before.

use crate::arena::usage::ResourceUsage;
use crate::operation::fixture::Fixture;
use crate::operation::outcome::Outcome;
use crate::operation::spec::{ActingThread, EntryMode, OperationSpec};
use crate::process::{leader, recoverer, victim};
use crate::sleepers;
use crate::testbed::defect::{Defect, DefectKind};
use crate::testbed::fault_plan::{FaultPlan, RecoveryFault};
use crate::testbed::{Testbed, verify};
use crate::tracing::kill_point::KillPoint;
use crate::tracing::trace::Trace;
use crate::tracing::tracee::{self, StopState, Tracee};
use anyhow::{Context as _, Result, anyhow, ensure};
use jacinth::{Channel, Event, MessageBuf, Status};
use nix::sys::signal::Signal;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The result of one round.
#[derive(Default)]
pub struct Round {
    /// Whether the victim, or the process that recovers it, took another path and missed its kill point.
    pub missed: bool,
    /// The path, if it was recorded.
    pub trace: Option<Trace>,
    /// The first defect.
    pub defect: Option<Defect>,
    /// Whether the victim is dead and reaped: its process id may be another's.
    victim_is_reaped: bool,
}

impl Round {
    /// The round ends with this defect.
    fn fail(mut self, kind: DefectKind, text: impl Into<String>) -> Self {
        self.defect = Some(Defect::new(kind, text));
        self
    }

    /// The recorded path, or an error that says why there is none.
    pub fn into_trace(self) -> Result<Trace> {
        match self.defect {
            Some(defect) => Err(anyhow!("{defect}")),
            None => self.trace.context("a round that was to be recorded"),
        }
    }
}

/// How many rounds come before a record: everything in it has happened before then.
const WARM_UP_ROUNDS: usize = 2;

/// Lets some victims complete the operation. Returns the first defect.
pub fn warm_up(testbed: &mut Testbed, operation: &OperationSpec) -> Result<Option<Defect>> {
    for _ in 0..WARM_UP_ROUNDS {
        let round = play(testbed, operation, &FaultPlan::Complete)?;
        if round.defect.is_some() {
            return Ok(round.defect);
        }
    }
    Ok(None)
}

/// One victim, from its birth until the arena is as it was before.
pub fn play(testbed: &mut Testbed, operation: &OperationSpec, plan: &FaultPlan) -> Result<Round> {
    let round = run(testbed, operation, plan);
    testbed.watchdog.end_round();
    round
}

fn run(testbed: &mut Testbed, operation: &OperationSpec, plan: &FaultPlan) -> Result<Round> {
    let mut fixture = (operation.set_up)();
    let process = spawn(testbed, operation, &mut fixture)?;
    // Before it is adopted: a victim can also hang while it prepares its operation.
    testbed.watchdog.watch(process);
    let tracee = Tracee::adopt(&testbed.code)?;
    // The victim stands still, so it signals no sleeper before all of them are asleep.
    if let Err(text) = testbed.sleepers.put_to_sleep(&testbed.supervisor, &fixture.sleepers) {
        return Ok(Round { missed: true, ..Round::default() }.fail(DefectKind::LostWake, text));
    }
    let partner = fixture.partner.take().map(|partner| {
        let victim = tracee.pid();
        std::thread::spawn(move || partner(victim))
    });
    // The victim stands before its first step: from here on the operation changes the number of handles.
    let handles_before = i64::from(ResourceUsage::of(&testbed.supervisor).handles);
    let handles = operation.handle_delta.map(|delta| handles_before + delta);
    let (mut round, state) = inject(testbed, operation, plan, process, &tracee)?;
    // Before the victim is reaped: its number may be another's then, and the watchdog must not kill that one.
    let hung = testbed.watchdog.release();
    if is_complete_in_a_living_process(operation, state) {
        round.defect = round.defect.or(verify::while_alive(testbed, operation, handles).err());
    }
    if !round.victim_is_reaped {
        tracee::kill(process)?;
    }
    if let Some(threads) = hung {
        let text = format!("the victim did not come to an end, and was killed; {threads}");
        return Ok(round.fail(DefectKind::Hang, text));
    }
    match (state, operation.exit_code) {
        (StopState::Exited(code), Some(expected)) if code == expected => {}
        (StopState::Exited(code), _) => {
            let text = format!("it ended with exit code {code}; its own output is above");
            return Ok(round.fail(DefectKind::Victim, text));
        }
        // A breakpoint is there for all threads of the victim, and another one ran into it.
        (StopState::Killed(Signal::SIGTRAP), _) => round.missed = true,
        (StopState::Killed(signal), _) => {
            return Ok(round.fail(DefectKind::Victim, format!("{signal} ended it")));
        }
        (StopState::At(_) | StopState::Finished, _) => {}
    }
    let outcome = match state {
        StopState::At(_) | StopState::Killed(_) => Outcome::Killed,
        StopState::Finished | StopState::Exited(_) => Outcome::Finished,
    };
    if round.defect.is_none() {
        round.defect = verify::after_death(testbed, operation, fixture, outcome, partner).err();
    }
    Ok(round)
}

/// Starts a victim of the operation. Returns its process id.
fn spawn(testbed: &Testbed, operation: &OperationSpec, fixture: &mut Fixture) -> Result<i32> {
    let mut program = Command::new("/proc/self/exe");
    program.args([victim::ROLE, &operation.name]).stdin(Stdio::null()).stdout(Stdio::null());
    let child = match operation.entry {
        EntryMode::Spawned => {
            let startup = fixture.startup.take().context("a victim needs its end of the control channel")?;
            testbed.supervisor.spawn(&mut program, startup)?
        }
        // The other end stays here, and the sleeper at this one sleeps on.
        EntryMode::Forked => return Ok(victim::fork(operation)?),
        EntryMode::Stranger => {
            program.env(jacinth::SOCKET_VARIABLE, testbed.supervisor.socket_path()).spawn()?
        }
    };
    Ok(child.id().cast_signed())
}

/// Lets the victim run as far as the plan says, and injects its fault there.
fn inject(
    testbed: &mut Testbed,
    operation: &OperationSpec,
    plan: &FaultPlan,
    process: i32,
    tracee: &Tracee,
) -> Result<(Round, StopState)> {
    let reach = |kill_point: &KillPoint| -> Result<(Round, StopState)> {
        let (reached, state) = kill_point.reach(tracee)?;
        Ok((Round { missed: !reached, ..Round::default() }, state))
    };
    Ok(match plan {
        FaultPlan::Record => {
            let (trace, state) = Trace::record(tracee, &testbed.code)?;
            (Round { trace: Some(trace), ..Round::default() }, state)
        }
        FaultPlan::Complete => (Round::default(), tracee.run()?),
        FaultPlan::Kill(kill_point) => reach(kill_point)?,
        FaultPlan::KillAsleep => {
            tracee.run_without_waiting()?;
            sleepers::falls_asleep(tracee.pid());
            // The address does not matter: it says that the victim is inside its operation.
            (Round::default(), StopState::At(0))
        }
        FaultPlan::Stop(kill_point) => match reach(kill_point)? {
            (Round { missed: false, .. }, _) => stop_and_resume(testbed, operation, tracee)?,
            missed => missed,
        },
        FaultPlan::KillRecoverer(kill_point, fault) => match reach(kill_point)? {
            (Round { missed: false, .. }, state) => (kill_recoverer(testbed, process, fault)?, state),
            missed => missed,
        },
        FaultPlan::KillLeader(kill_point, fault) => match reach(kill_point)? {
            (Round { missed: false, .. }, state) => (kill_leader(testbed, process, fault)?, state),
            missed => missed,
        },
    })
}

/// A stopped process is not dead: no handle is taken from it, others go on, and it completes its operation.
fn stop_and_resume(
    testbed: &mut Testbed,
    operation: &OperationSpec,
    tracee: &Tracee,
) -> Result<(Round, StopState)> {
    tracee.detach_stopped()?;
    let mut round = Round::default();
    let before = testbed.recovered;
    let others = || -> std::result::Result<(), Status> {
        let (first, second) = Channel::try_create()?;
        let mut handles = vec![Event::try_create()?.into()];
        first.write(b"others go on", &mut handles)?;
        second.read(&mut MessageBuf::new())
    };
    let mut broken = |text| round.defect = Some(Defect::new(DefectKind::BrokenGuarantee, text));
    // Each collection is a chance for the supervisor to take the stopped process for dead.
    for _ in 0..3 {
        if let Err(status) = others() {
            broken(format!("others do not go on beside it: {status}"));
        }
        let recovered = testbed.supervisor.collect()?.processes;
        if recovered != before && !operation.starts_process {
            broken(format!("{} processes were recovered while it was stopped", recovered - before));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((round, tracee.continue_detached()?))
}

/// The victim executes no further instruction. A recoverer begins to recover it, and is killed.
fn kill_recoverer(testbed: &Testbed, victim: i32, fault: &RecoveryFault) -> Result<Round> {
    let mut program = recoverer::program(victim)?;
    // A process is spawned with a startup handle. The recoverer does not use its own.
    let (_ours, theirs) = Channel::try_create()?;
    let process = testbed.supervisor.spawn(program.stdin(Stdio::null()), theirs)?.id().cast_signed();
    let tracee = Tracee::adopt(&testbed.code)?;
    // The supervisor watches it now: it may attach.
    let state = tracee.run()?;
    ensure!(state == StopState::Finished, "the recoverer did not attach; its own output is above");
    let round = match fault {
        RecoveryFault::Record => {
            Round { trace: Some(Trace::record(&tracee, &testbed.code)?.0), ..Round::default() }
        }
        RecoveryFault::Kill(kill_point) => {
            Round { missed: !kill_point.reach(&tracee)?.0, ..Round::default() }
        }
    };
    tracee::kill(process)?;
    Ok(round)
}

/// The victim dies, and so does the initial leader in the middle of recovering it. From then on this process leads.
fn kill_leader(testbed: &mut Testbed, victim: i32, fault: &RecoveryFault) -> Result<Round> {
    let leader = testbed.initial_leader.take().context("there is no initial leader to kill")?;
    // First: the supervisor's thread must stand still before the death, or its recovery begins without its tracer.
    let supervisor = leader::attach_to_supervisor(&leader, &testbed.code)?;
    tracee::kill(victim)?;
    let (survivors, processes) = (&testbed.supervisor, testbed.baseline.processes);
    // Recovery frees the process row last. So the count falls only when the rest is done.
    let is_recovered = || ResourceUsage::of(survivors).processes == processes;
    let round = match fault {
        RecoveryFault::Record => {
            let trace = leader::record_recovery(&supervisor, &testbed.code, is_recovered)?;
            Round { trace: Some(trace), victim_is_reaped: true, ..Round::default() }
        }
        RecoveryFault::Kill(kill_point) => {
            let reached = leader::drive(&supervisor, &leader, kill_point, is_recovered)?;
            Round { missed: !reached, victim_is_reaped: true, ..Round::default() }
        }
    };
    leader::kill(&leader)?;
    // The leader's own rows and handles are gone with it.
    testbed.baseline = testbed.baseline.without_initial_leader();
    Ok(round)
}

/// Whether a victim in this state has completed the operation, and its process lives.
fn is_complete_in_a_living_process(operation: &OperationSpec, state: StopState) -> bool {
    match state {
        StopState::Finished => true,
        StopState::Exited(_) => operation.thread != ActingThread::Main,
        StopState::At(_) | StopState::Killed(_) => false,
    }
}
