//! The initial leader: the process that makes an arena and runs its supervisor until it is killed.
//!
//! The process that starts it attaches like any program. When the initial leader dies, that process
//! takes over.

use crate::process::parent_death::die_with_parent;
use crate::tracing::code::Code;
use crate::tracing::kill_point::KillPoint;
use crate::tracing::registers::{Registers, is_poll};
use crate::tracing::trace::Trace;
use crate::tracing::tracee::{self, StopState, Tracee};
use anyhow::{Context as _, Result, bail, ensure};
use jacinth::{Config, Supervisor, attach};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use procfs::process::Process;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The role of a testbed's initial leader.
pub const ROLE: &str = "leader";

/// The name of the supervisor's thread, as far as the kernel shows it.
const THREAD: &str = "jacinth-supervi";

/// The initial leader of an arena with these limits.
pub fn play(config: &Config) -> ! {
    die_with_parent();
    let supervisor = Supervisor::create(config).expect("an arena");
    println!("{}", supervisor.socket_path().display());
    loop {
        std::thread::park();
    }
}

/// Starts an initial leader in the given role, and attaches this process to its arena.
pub fn start(role: &str) -> Result<(Supervisor, Child)> {
    let mut program = Command::new("/proc/self/exe");
    let program = program.arg(role).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut leader = program.spawn().context("starting the initial leader")?;
    let mut path = String::new();
    BufReader::new(leader.stdout.take().context("the leader's output")?).read_line(&mut path)?;
    attach(path.trim_end())?;
    Ok((Supervisor::get()?, leader))
}

/// Attaches by ptrace to the thread of the leader's supervisor, which is asleep.
pub fn attach_to_supervisor(leader: &Child, code: &Code) -> Result<Tracee> {
    for task in Process::new(leader.id().cast_signed())?.tasks()? {
        let task = task?;
        // A thread may end meanwhile.
        if task.stat().is_ok_and(|stat| stat.comm.starts_with(THREAD)) {
            return Tracee::attach_ptrace(task.tid, code);
        }
    }
    bail!("the leader has no thread that is called {THREAD}…")
}

/// Records the supervisor's recovery of a dead victim, up to its first poll after the victim `is_recovered`.
pub fn record_recovery(supervisor: &Tracee, code: &Code, is_recovered: impl Fn() -> bool) -> Result<Trace> {
    // Between two turns of its work the supervisor sleeps in a poll. The first one after the recovery ends the record.
    let done = |registers: &Registers| is_poll(registers) && is_recovered();
    let (trace, state) = Trace::record_until(supervisor, code, done)?;
    ensure!(matches!(state, StopState::At(_)), "the leader ended by itself: {state:?}");
    Ok(trace)
}

/// Drives the supervisor's recovery of a dead victim up to `kill_point`. `false`: the supervisor did not come by.
pub fn drive(
    supervisor: &Tracee,
    leader: &Child,
    kill_point: &KillPoint,
    is_recovered: impl Fn() -> bool + Send,
) -> Result<bool> {
    let has_stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Only the thread that attached can trace, and it waits. So another thread looks at the clock.
        scope.spawn(|| kill_when_missed(leader, &has_stopped, is_recovered));
        let reached = kill_point.reach(supervisor);
        has_stopped.store(true, Relaxed);
        Ok(reached?.0)
    })
}

/// Kills a leader that has recovered the victim without reaching its kill point. Beside another process that comes and
/// goes, its supervisor took another path, and sleeps.
fn kill_when_missed(leader: &Child, has_stopped: &AtomicBool, is_recovered: impl Fn() -> bool) {
    const LATE: Duration = Duration::from_secs(3);
    let mut recovered_at = None;
    while !has_stopped.load(Relaxed) {
        if recovered_at.is_none() && is_recovered() {
            recovered_at = Some(Instant::now());
        }
        if recovered_at.is_some_and(|at| at.elapsed() > LATE) {
            // The thread that drives it reaps it.
            let _ = nix::sys::signal::kill(Pid::from_raw(leader.id().cast_signed()), Signal::SIGKILL);
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills the leader and reaps it.
pub fn kill(leader: &Child) -> Result<()> {
    tracee::kill(leader.id().cast_signed())
}

/// Removes the folder of the supervisor's socket. Its maker would have done so, and was killed.
pub fn remove_socket(supervisor: &Supervisor) {
    if let Some(folder) = supervisor.socket_path().parent() {
        let _ = std::fs::remove_dir_all(folder);
    }
}
