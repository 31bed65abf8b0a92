//! The time in which several processes count, by the clock that they share.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// When calls or bytes count, by the clock that all processes share, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Window {
    /// What begins earlier warms up.
    pub from_ns: u64,
    /// Nothing begins later, and what ends later does not count.
    pub until_ns: u64,
}

impl Window {
    /// The window of this length that begins after a while.
    pub fn after(wait: Duration, length: Duration) -> Self {
        let from_ns = now_ns(ClockId::Monotonic) + wait.as_nanos() as u64;
        Self { from_ns, until_ns: from_ns + length.as_nanos() as u64 }
    }

    /// Its length in seconds.
    pub fn seconds(&self) -> f64 {
        (self.until_ns - self.from_ns) as f64 / 1e9
    }

    /// Its begin, or now if that is past.
    pub fn from(&self) -> Instant {
        at(self.from_ns)
    }

    /// Its end, or now if that is past.
    pub fn until(&self) -> Instant {
        at(self.until_ns)
    }
}

fn at(ns: u64) -> Instant {
    Instant::now() + Duration::from_nanos(ns.saturating_sub(now_ns(ClockId::Monotonic)))
}

/// The time of a clock, in nanoseconds.
pub fn now_ns(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
