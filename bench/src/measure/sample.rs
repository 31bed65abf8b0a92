//! The timed loops, and the sample of one attempt.

use super::effort::Effort;
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// The result of one attempt.
#[derive(Debug, Clone)]
pub enum Sample {
    /// Of something there and back.
    Latency(Latency),
    /// Of something one way: how many in a second.
    Rate(f64),
    /// Of something done by one process: nanoseconds for one.
    Cost(f64),
    /// Of calls from several processes.
    Calls(CallSample),
}

impl Sample {
    /// The one number that stands for this attempt.
    pub fn value(&self) -> f64 {
        match self {
            Self::Latency(latency) => latency.typical_ns,
            Self::Rate(per_second) => *per_second,
            Self::Cost(each_ns) => *each_ns,
            Self::Calls(calls) => calls.per_second,
        }
    }

    /// The single round trips, of samples that have them.
    pub fn each(&self) -> Option<&Histogram<u64>> {
        match self {
            Self::Latency(latency) => Some(&latency.each),
            Self::Calls(calls) => Some(&calls.each),
            Self::Rate(_) | Self::Cost(_) => None,
        }
    }
}

/// Calls of several client processes to one server process.
#[derive(Debug, Clone)]
pub struct CallSample {
    /// Of all clients together.
    pub per_second: f64,
    /// The processor time of all processes for one call, in nanoseconds.
    pub cpu_ns: f64,
    /// Every single call, in nanoseconds.
    pub each: Histogram<u64>,
}

/// Round trips, timed in two passes.
#[derive(Debug, Clone)]
pub struct Latency {
    /// The median over runs of 32 trips each, per trip: reading the clock costs it less than a nanosecond.
    pub typical_ns: f64,
    /// Every single trip of a second pass, in nanoseconds, the clock's own cost included: for the tail.
    pub each: Histogram<u64>,
}

/// The trips between two looks at the clock, in the first pass.
const RUN: u32 = 32;

/// An hour: no wait is longer.
pub const LONGEST_NS: u64 = 3_600_000_000_000;

/// Times `trip`, there and back, over and over.
#[inline(always)]
pub fn round_trips(effort: Effort, mut trip: impl FnMut() -> Result<()>) -> Result<Latency> {
    let start = Instant::now();
    while start.elapsed() < effort.warm_up {
        for _ in 0..RUN {
            trip()?;
        }
    }

    let mut runs = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 4)?;
    let start = Instant::now();
    let mut before = start;
    while before - start < effort.pass {
        for _ in 0..RUN {
            trip()?;
        }
        let after = Instant::now();
        runs.saturating_record((after - before).as_nanos() as u64);
        before = after;
    }

    let mut each = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 3)?;
    let start = Instant::now();
    let mut before = start;
    while before - start < effort.pass {
        trip()?;
        let after = Instant::now();
        each.saturating_record((after - before).as_nanos() as u64);
        before = after;
    }
    Ok(Latency { typical_ns: runs.value_at_quantile(0.5) as f64 / f64::from(RUN), each })
}

/// The operations between two looks at the clock: some take less time than it does to look.
const OPERATIONS: u32 = 1024;

/// Times an operation of one process: nanoseconds for one, the median over runs of 1,024.
#[inline(always)]
pub fn operations(effort: Effort, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut run = || -> Result<Duration> {
        let start = Instant::now();
        for _ in 0..OPERATIONS {
            operation()?;
        }
        Ok(start.elapsed())
    };
    let start = Instant::now();
    while start.elapsed() < effort.warm_up {
        run()?;
    }
    let mut runs = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 4)?;
    let start = Instant::now();
    while start.elapsed() < effort.pass {
        runs.saturating_record(run()?.as_nanos() as u64);
    }
    Ok(runs.value_at_quantile(0.5) as f64 / f64::from(OPERATIONS))
}

/// The messages between two looks at the clock, when streaming.
const BURST: u32 = 256;

/// A stream that has been sent; its last message is yet to be received.
#[derive(Debug)]
pub struct Streamed {
    start: Instant,
    warm: u64,
    sent: u64,
}

impl Streamed {
    /// The messages sent since `start`, without the warm-up.
    pub fn begun(start: Instant, sent: u64) -> Self {
        Self { start, warm: 0, sent }
    }

    /// Sends without pause, `send` sending and saying how many it sent.
    #[inline(always)]
    pub fn run(effort: Effort, mut send: impl FnMut() -> Result<u64>) -> Result<Self> {
        let start = Instant::now();
        let mut warm = 0;
        while start.elapsed() < effort.warm_up {
            for _ in 0..BURST {
                warm += send()?;
            }
        }
        let start = Instant::now();
        let mut sent = 0;
        while start.elapsed() < effort.pass {
            for _ in 0..BURST {
                sent += send()?;
            }
        }
        Ok(Self { start, warm, sent })
    }

    /// The rate, now that the other side has said that the last message came, and how many before it.
    pub fn received(self, messages: u64) -> Result<Sample> {
        let elapsed = self.start.elapsed();
        ensure!(messages == self.warm + self.sent, "{} sent, {messages} received", self.warm + self.sent);
        Ok(Sample::Rate(self.sent as f64 / elapsed.as_secs_f64()))
    }
}
