//! Kills a victim that does not come to an end, and ends a stage that does not.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// No operation takes nearly as long, not even instruction by instruction.
const HANG: Duration = Duration::from_secs(120);
/// Nor do a recovery and all that follows it.
const STAGE_HANG: Duration = Duration::from_secs(300);

/// Whom it watches, since when, and whether it has bitten.
#[derive(Default)]
struct Watch {
    victim: Option<(i32, Instant)>,
    bitten: bool,
    /// Since when the stage has been busy with this round.
    round: Option<Instant>,
}

/// A thread that looks at its watch.
pub struct Watchdog(Arc<Mutex<Watch>>);

impl Watchdog {
    /// Starts the thread.
    pub fn start() -> Self {
        let watch = Arc::<Mutex<Watch>>::default();
        let mine = watch.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                let mut watch = mine.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((victim, since)) = watch.victim
                    && since.elapsed() > HANG
                {
                    // Not reaped yet: `release` comes before the reaping, and takes the lock.
                    let _ = kill(Pid::from_raw(victim), Signal::SIGKILL);
                    watch.bitten = true;
                }
                if let Some(round) = watch.round
                    && round.elapsed() > STAGE_HANG
                {
                    eprintln!("the stage hangs: recovery, or a survivor's call, does not come to an end");
                    std::process::abort();
                }
            }
        });
        Self(watch)
    }

    /// From now on this process is watched.
    pub fn watch(&self, victim: i32) {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        *watch = Watch { victim: Some((victim, now)), bitten: false, round: Some(now) };
    }

    /// The round is over. What comes next may take as long as it likes.
    pub fn rest(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Watch::default();
    }

    /// It has come to where it was to come. Whether it had to be killed for it.
    pub fn release(&self) -> bool {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watch.victim = None;
        watch.bitten
    }
}
