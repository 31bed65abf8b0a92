//! Threads that are asleep when something happens.

use crate::operation::Sleep;
use jacinth::*;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// What must happen happens long before: only what never comes takes this long.
pub const HANG: Duration = Duration::from_secs(20);

/// What a wait gave.
pub type Woken = (Result<(), Status>, Signals);

/// A thread of the survivor that waits when it is told to.
struct Sleeper {
    orders: Sender<Sleep>,
    woken: Receiver<Woken>,
}

/// The survivor's sleepers, used from round to round.
#[derive(Default)]
pub struct Sleepers(Vec<Sleeper>);

impl Sleepers {
    /// So many threads. They are made at once, so that what an arena holds does not depend on the round.
    pub fn new(number: usize) -> Self {
        let sleepers = Self((0..number).map(|_| Sleeper::new()).collect());
        // Each has its row once it has waited.
        let event = Event::try_create().expect("an event for the sleepers' first wait");
        let on = event.raw_handle();
        for sleeper in &sleepers.0 {
            sleeper
                .orders
                .send(Sleep { on, signals: Signals::USER_0, cleared_with: Signals::NONE })
                .expect("the sleeper is there");
        }
        event.signal(Signals::NONE, Signals::USER_0).expect("signalling the sleepers' event");
        for sleeper in &sleepers.0 {
            sleeper.woken.recv().expect("the sleeper wakes").0.expect("its wait succeeds");
        }
        sleepers
    }

    /// Puts them to sleep, and waits until they are. Nobody else may go to sleep in the arena meanwhile.
    pub fn put_to_sleep(&self, supervisor: &Supervisor, sleeps: &[Sleep]) -> Result<(), String> {
        let before = supervisor.counters().sleeps;
        for (sleeper, sleep) in self.0.iter().zip(sleeps) {
            sleeper.orders.send(*sleep).map_err(|_| "a sleeper has ended")?;
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

    /// Looks at each sleeper: whoever's signals are asserted, or were since it fell asleep, must be awake, everybody else
    /// asleep. Gives how many sleep on, until their handles are closed.
    pub fn judge(&self, sleeps: &[Sleep]) -> Result<usize, String> {
        let mut asleep = 0;
        for (sleeper, sleep) in self.0.iter().zip(sleeps) {
            let (_, now) = raw::wait_one(sleep.on, Signals::NONE, MonotonicInstant::INFINITE_PAST);
            if now.intersects(sleep.signals | sleep.cleared_with) {
                match sleeper.woken.recv_timeout(HANG) {
                    Ok((Ok(()), seen)) if seen.intersects(sleep.signals) => {}
                    Ok((result, seen)) => {
                        return Err(format!(
                            "a sleeper woke with {result:?} and {seen:?} instead of {now:?}"
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
            } else if let Ok((result, seen)) = sleeper.woken.try_recv() {
                return Err(format!("a sleeper woke for nothing, with {result:?} and {seen:?}"));
            } else {
                asleep += 1;
            }
        }
        Ok(asleep)
    }

    /// Waits for those that were still asleep: their handles have been closed.
    pub fn collect(&self, still_asleep: usize) -> Result<(), String> {
        let start = Instant::now();
        let mut left = still_asleep;
        while left > 0 {
            left -= self.0.iter().filter(|sleeper| sleeper.woken.try_recv().is_ok()).count();
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
        let (orders, ordered) = channel::<Sleep>();
        let (tell, woken) = channel();
        let sleep = move || {
            set_spin(MonotonicDuration::ZERO);
            while let Ok(Sleep { on, signals, .. }) = ordered.recv() {
                if tell.send(raw::wait_one(on, signals, MonotonicInstant::INFINITE)).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("sleeper".into()).spawn(sleep).expect("a thread");
        Self { orders, woken }
    }
}

/// Waits until the process sleeps in the kernel. `false` when it is gone instead.
pub fn falls_asleep(process: i32) -> bool {
    let path = format!("/proc/{process}/stat");
    let start = Instant::now();
    while start.elapsed() < HANG {
        let Ok(stat) = std::fs::read_to_string(&path) else { return false };
        match stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()) {
            Some('S') => return true,
            Some('Z' | 'X') | None => return false,
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
    }
    false
}
