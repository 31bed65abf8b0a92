//! Threads of the survivor that are asleep when a victim dies.

use jacinth::*;
use procfs::process::Process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// How long to wait for an event that must come. It comes long before, or never.
pub const HANG: Duration = Duration::from_secs(20);

/// One wait of a survivor's thread.
#[derive(Clone, Copy, Debug)]
pub struct Sleep {
    /// The handle that the thread waits on.
    pub on: u32,
    /// The signals that end the wait.
    pub signals: Signals,
    /// The signals that the victim sets in the same step in which it clears `signals` again: while these are asserted,
    /// the others were.
    pub cleared_with: Signals,
}

/// The result of a wait.
pub type SleepOutcome = (Result<(), Status>, Signals);

/// A thread of the survivor that waits on request.
struct Sleeper {
    requests: Sender<Sleep>,
    results: Receiver<SleepOutcome>,
}

/// The survivor's sleepers, used from round to round.
#[derive(Default)]
pub struct Sleepers(Vec<Sleeper>);

impl Sleepers {
    /// This many threads. All are made at once, so that the arena's contents do not depend on the round.
    pub fn new(number: usize) -> Self {
        let sleepers = Self((0..number).map(|_| Sleeper::new()).collect());
        // A thread gets its row in the arena with its first wait.
        let event = Event::try_create().expect("an event for the sleepers' first wait");
        let on = event.raw_handle();
        for sleeper in &sleepers.0 {
            sleeper
                .requests
                .send(Sleep { on, signals: Signals::USER_0, cleared_with: Signals::NONE })
                .expect("the sleeper is there");
        }
        event.signal(Signals::NONE, Signals::USER_0).expect("signalling the sleepers' event");
        for sleeper in &sleepers.0 {
            sleeper.results.recv().expect("the sleeper wakes").0.expect("its wait succeeds");
        }
        sleepers
    }

    /// Puts the sleepers to sleep, and returns when they are. No other thread may go to sleep in the arena meanwhile.
    pub fn put_to_sleep(&self, supervisor: &Supervisor, sleeps: &[Sleep]) -> Result<(), String> {
        let before = supervisor.counters().sleeps;
        for (sleeper, sleep) in self.0.iter().zip(sleeps) {
            sleeper.requests.send(*sleep).map_err(|_| "a sleeper has ended")?;
        }
        let start = Instant::now();
        while supervisor.counters().sleeps < before + sleeps.len() as u64 {
            if start.elapsed() > HANG {
                return Err("a survivor's thread does not go to sleep".into());
            }
            std::thread::sleep(Duration::from_micros(20));
        }
        Ok(())
    }

    /// Checks each sleeper. If its signals are asserted, or were since it fell asleep, it must be awake; every other
    /// one must be asleep. Returns how many sleep on, until their handles are closed.
    pub fn check(&self, sleeps: &[Sleep]) -> Result<usize, String> {
        let mut asleep = 0;
        for (sleeper, sleep) in self.0.iter().zip(sleeps) {
            let (_, now) = raw::wait_one(sleep.on, Signals::NONE, MonotonicInstant::INFINITE_PAST);
            if now.intersects(sleep.signals | sleep.cleared_with) {
                match sleeper.results.recv_timeout(HANG) {
                    Ok((Ok(()), woken_by)) if woken_by.intersects(sleep.signals) => {}
                    Ok((result, woken_by)) => {
                        return Err(format!(
                            "a sleeper woke with {result:?} and {woken_by:?} instead of {now:?}"
                        ));
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        return Err(format!(
                            "a sleeper sleeps on, although {now:?} says that its {:?} are asserted, or were",
                            sleep.signals
                        ));
                    }
                    Err(RecvTimeoutError::Disconnected) => return Err("a sleeper has ended".into()),
                }
            } else if let Ok((result, woken_by)) = sleeper.results.try_recv() {
                return Err(format!("a sleeper woke without cause, with {result:?} and {woken_by:?}"));
            } else {
                asleep += 1;
            }
        }
        Ok(asleep)
    }

    /// Waits for the sleepers that were still asleep. Their handles have been closed.
    pub fn collect(&self, still_asleep: usize) -> Result<(), String> {
        let start = Instant::now();
        let mut left = still_asleep;
        while left > 0 {
            left -= self.0.iter().filter(|sleeper| sleeper.results.try_recv().is_ok()).count();
            if start.elapsed() > HANG {
                return Err("a wait was not cancelled by the close of its handle".into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

impl Sleeper {
    fn new() -> Self {
        let (requests, received) = channel::<Sleep>();
        let (report, results) = channel();
        let sleep = move || {
            set_spin(MonotonicDuration::ZERO);
            while let Ok(Sleep { on, signals, .. }) = received.recv() {
                if report.send(raw::wait_one(on, signals, MonotonicInstant::INFINITE)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("sleeper".into()).spawn(sleep).expect("a thread");
        Self { requests, results }
    }
}

/// Waits until the process sleeps in the kernel. `false` when it has ended instead.
pub fn falls_asleep(process: i32) -> bool {
    let start = Instant::now();
    while start.elapsed() < HANG {
        // An error: the process has ended, and its number is free.
        let Ok(stat) = Process::new(process).and_then(|process| process.stat()) else { return false };
        match stat.state {
            'S' => return true,
            'Z' | 'X' => return false,
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
    }
    false
}
