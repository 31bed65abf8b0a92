//! The supervisor itself dies in office, in the middle of recovering somebody; its successor finishes.
//!
//! The arena of such a stage is made by a *founder*, whose supervisor leads. The stage attaches like any program, so
//! it is next: when the founder dies, it leads. That happens once in the life of an arena, so each of these deaths
//! has a stage of its own. The first of them records what the founder's supervisor does, from the poll in which it
//! learns of the victim's death to the poll after it.

use crate::arena;
use crate::campaign::progress::Kind;
use crate::operation;
use crate::testbed::round::{Goal, Round, Stage, Then, recorded};
use crate::tracing::code::Code;
use crate::tracing::trace::{Route, Trace};
use crate::tracing::tracee::{self, Registers, Stand, Tracee};
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use jacinth::{Supervisor, attach};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::io::BufRead as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The first argument of a founder.
pub const FOUNDER: &str = "founder";
/// What the kernel shows of the name of the supervisor's thread.
const THREAD: &str = "jacinth-supervi";

/// Plays the founder.
pub fn found() -> ! {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("asking to die with the stage");
    let supervisor = Supervisor::create(&arena::config()).expect("an arena");
    println!("{}", supervisor.socket_path().display());
    loop {
        std::thread::park();
    }
}

/// Starts a founder, and attaches this process to its arena.
pub fn attach_to_founder() -> Result<(Supervisor, Child)> {
    let mut program = Command::new("/proc/self/exe");
    let program = program.arg(FOUNDER).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut founder = program.spawn().context("starting the founder")?;
    let mut path = String::new();
    std::io::BufReader::new(founder.stdout.take().context("the founder's output")?).read_line(&mut path)?;
    attach(path.trim_end())?;
    Ok((Supervisor::get()?, founder))
}

/// Takes hold of the founder's supervisor, which is asleep.
pub fn seize(founder: &Child, code: &Code) -> Result<Tracee> {
    for entry in std::fs::read_dir(format!("/proc/{}/task", founder.id()))? {
        let task = entry?;
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.starts_with(THREAD) {
            return Tracee::seize(task.file_name().to_string_lossy().parse()?, code);
        }
    }
    anyhow::bail!("the founder has no thread that is called {THREAD}…")
}

/// The victim is dead. Leads the supervisor into its recovery, at most until it polls and the victim `is_recovered`.
pub fn lead(
    supervisor: &Tracee,
    founder: &Child,
    then: &Then,
    code: &Code,
    round: &mut Round,
    is_recovered: impl Fn() -> bool + Send,
) -> Result<()> {
    match then {
        Then::Record => {
            let done = |registers: &Registers| is_poll(registers) && is_recovered();
            let (trace, stand) = Trace::record_until(supervisor, code, done)?;
            ensure!(matches!(stand, Stand::At(_)), "the founder ended by itself: {stand:?}");
            round.trace = Some(trace);
        }
        Then::Kill(route) => {
            let has_come = AtomicBool::new(false);
            round.reached = std::thread::scope(|scope| {
                scope.spawn(|| kill_when_past(founder, &has_come, is_recovered));
                let followed = route.follow(supervisor);
                has_come.store(true, Relaxed);
                followed
            })?
            .0;
        }
    }
    Ok(())
}

/// Kills a founder whose supervisor has recovered the victim and not come by its kill point: beside another process that
/// comes and goes, it went another way, and sleeps.
fn kill_when_past(founder: &Child, has_come: &AtomicBool, is_recovered: impl Fn() -> bool) {
    const LATE: Duration = Duration::from_secs(3);
    let mut recovered_at = None;
    while !has_come.load(Relaxed) {
        if recovered_at.is_none() && is_recovered() {
            recovered_at = Some(Instant::now());
        }
        if recovered_at.is_some_and(|at| at.elapsed() > LATE) {
            // It is waited for by whoever follows it.
            let _ = nix::sys::signal::kill(Pid::from_raw(founder.id().cast_signed()), Signal::SIGKILL);
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A poll, or one that goes on after it was interrupted.
fn is_poll(registers: &Registers) -> bool {
    use nix::libc::{SYS_poll, SYS_ppoll, SYS_restart_syscall};
    [SYS_poll, SYS_ppoll, SYS_restart_syscall].contains(&registers.rax.cast_signed())
}

/// What a stage of one such death is told.
#[derive(Args, Clone, Debug)]
pub struct Orders {
    #[arg(long)]
    operation: String,
    /// How to get to where the victim is killed
    #[arg(long)]
    victim: String,
    /// How to get to where the supervisor is killed; without it, its way is recorded
    #[arg(long)]
    supervisor: Option<String>,
}

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Death {
    /// Whether both came by.
    pub reached: bool,
    /// What was found wrong.
    pub fault: Option<(Kind, String)>,
    /// The length of the recovery, if it was recorded.
    pub instructions: usize,
    /// Where to kill in it.
    pub routes: Vec<Route>,
}

/// One death, in this process.
pub fn run(orders: &Orders) -> Result<()> {
    let operation = operation::find(&orders.operation).context("there is no such operation")?;
    let mut stage = Stage::under_founder()?;
    for _ in 0..crate::campaign::WARM_UP {
        let fault = stage.round(&operation, &Goal::Complete)?.fault;
        ensure!(fault.is_none(), "before any death: {fault:?}");
    }
    let then = match &orders.supervisor {
        Some(route) => Then::Kill(serde_json::from_str(route)?),
        None => Then::Record,
    };
    let goal = Goal::KillSupervisor(serde_json::from_str(&orders.victim)?, then);
    let round = stage.round(&operation, &goal)?;
    let mut death = Death { reached: round.reached, fault: round.fault.clone(), ..Death::default() };
    if round.trace.is_some() && round.fault.is_none() {
        let trace = recorded(round)?;
        death.instructions = trace.len();
        death.routes = trace.points(true, usize::MAX, 1).into_iter().map(|at| trace.route(at)).collect();
    }
    stage.clear_away();
    println!("{}", serde_json::to_string(&death)?);
    Ok(())
}

/// One death, in a process of its own.
pub fn die(operation: &str, victim: &Route, supervisor: Option<&Route>) -> Result<Death> {
    let mut program = Command::new("/proc/self/exe");
    program.args(["office", "--operation", operation, "--victim", &serde_json::to_string(victim)?]);
    if let Some(route) = supervisor {
        program.args(["--supervisor", &serde_json::to_string(route)?]);
    }
    let output = program.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| format!("its stage ended with {}", output.status))?;
    serde_json::from_str(line).with_context(|| format!("its stage said {line:?}"))
}

/// Removes the folder of the supervisor's socket, which nobody else does when its maker was killed.
pub fn clear_away(supervisor: &Supervisor) {
    if let Some(folder) = supervisor.socket_path().parent() {
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Kills the founder.
pub fn kill(founder: &Child) -> Result<()> {
    tracee::kill(founder.id().cast_signed())
}
