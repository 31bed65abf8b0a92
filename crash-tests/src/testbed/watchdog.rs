//! Kills a victim that does not come to an end, and ends a testbed that does not.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use procfs::ProcResult;
use procfs::process::{Process, Task};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The limit of an operation. None takes nearly as long, not even by single steps.
const VICTIM_HANG: Duration = Duration::from_secs(120);
/// The limit of a whole round: the operation, the recovery and all that follows it.
const ROUND_HANG: Duration = Duration::from_secs(300);

/// The state that the testbed and the watchdog's thread share.
#[derive(Default)]
struct State {
    /// The victim, and since when it runs.
    victim: Option<(i32, Instant)>,
    /// Where the victim's threads stood when the watchdog killed it.
    hang: Option<String>,
    /// Since when the testbed has been busy with this round.
    round: Option<Instant>,
}

/// A thread that looks at the clock every second.
pub struct Watchdog(Arc<Mutex<State>>);

impl Watchdog {
    /// Starts the thread.
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((victim, since)) = state.victim
                    && since.elapsed() > VICTIM_HANG
                {
                    state.hang.get_or_insert_with(|| describe_threads(victim));
                    // Not reaped yet: `release` comes before the reaping, and takes the lock.
                    let _ = kill(Pid::from_raw(victim), Signal::SIGKILL);
                }
                if let Some(round) = state.round
                    && round.elapsed() > ROUND_HANG
                {
                    eprintln!("the testbed hangs: recovery, or a survivor's call, does not come to an end");
                    std::process::abort();
                }
            }
        });
        Self(state)
    }

    /// Watches this process from now on.
    pub fn watch(&self, victim: i32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        *state = State { victim: Some((victim, now)), hang: None, round: Some(now) };
    }

    /// Ends the round. Until the next one begins, no limit applies.
    pub fn end_round(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// Stops watching the victim. Returns where its threads stood if the watchdog has killed it.
    pub fn release(&self) -> Option<String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.victim = None;
        state.hang.take()
    }
}

/// Where the threads of a process stand: each one's state and system call.
fn describe_threads(process: i32) -> String {
    let describe = |task: ProcResult<Task>| -> ProcResult<String> {
        let task = task?;
        let stat = task.stat()?;
        Ok(format!("thread {} ({}) is in state {}, {:x?}", task.tid, stat.comm, stat.state, task.syscall()?))
    };
    let threads = Process::new(process).and_then(|process| process.tasks()?.map(describe).collect());
    threads.map_or_else(
        |error| format!("its threads are not known: {error}"),
        |threads: Vec<_>| threads.join("; "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hung_threads_are_described() {
        let text = describe_threads(std::process::id().cast_signed());
        assert!(text.contains("is in state R"), "{text}");
        assert!(describe_threads(i32::MAX).contains("not known"));
    }
}
