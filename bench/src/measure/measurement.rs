//! A measurement: one figure of one thing, with the two processes that play it.

use super::effort::Effort;
use super::sample::Sample;
use crate::machine::placement::Cores;
use crate::process::link::Link;
use crate::process::team::Seat;
use ::jacinth::Channel;
use anyhow::{Result, bail};
use serde::Serialize;

/// One figure of one thing, measured between two processes.
pub trait Measurement: Sync {
    /// The name of its column: `jacinth`, `bare_ring`, `pipe`.
    fn who(&self) -> &'static str;

    /// The name of the figure: `rtt_64B`, `rate_1KiB`.
    fn what(&self) -> &'static str;

    /// Its unit.
    fn unit(&self) -> Unit;

    /// Whether it sleeps in the kernel, so that waiting for a processor is part of the figure.
    fn sleeps(&self) -> bool {
        false
    }

    /// Whether it runs on the two processors of the run, so that a change of these two disturbs it.
    fn is_pinned(&self) -> bool {
        true
    }

    /// The side that times. The far side runs meanwhile.
    fn near(&self, stage: &Stage<'_>) -> Result<Sample>;

    /// The side that answers.
    fn far(&self, stage: &Stage<'_>) -> Result<()>;

    /// A part in a process of its own, which the near side has started for it. Only measurements with a
    /// [`Team`](crate::process::team::Team) have parts.
    fn play(&self, _seat: &Seat, _link: &Link) -> Result<()> {
        bail!("{}.{} has no parts", self.who(), self.what())
    }
}

/// The name by which the two processes know a measurement.
pub fn full_name(measurement: &dyn Measurement) -> String {
    format!("{}.{}", measurement.who(), measurement.what())
}

/// The means of a side to play its part.
pub struct Stage<'a> {
    /// Orders, replies and descriptors.
    pub link: &'a Link,
    /// The jacinth channel between the two processes, to hand handles over.
    pub handover: &'a Channel,
    /// The processors of the two processes; known to the near side only.
    pub cores: Option<Cores>,
    /// How long to measure.
    pub effort: Effort,
}

impl Stage<'_> {
    /// Does something on the near side that runs where the kernel likes.
    pub fn unbound<T>(&self, what: impl FnOnce() -> Result<T>) -> Result<T> {
        match &self.cores {
            Some(cores) => cores.unbound(what),
            None => what(),
        }
    }
}

/// The unit of a figure, and so which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds for one: the lower the better.
    Nanoseconds,
    /// Messages a second: the higher the better.
    MessagesPerSecond,
    /// Bytes a second: the higher the better.
    BytesPerSecond,
    /// Calls a second, each a request and its reply: the higher the better.
    CallsPerSecond,
}

impl Unit {
    /// As the JSON has it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::MessagesPerSecond => "messages/s",
            Self::BytesPerSecond => "bytes/s",
            Self::CallsPerSecond => "calls/s",
        }
    }

    /// Which way is better.
    pub fn better(self) -> Better {
        match self {
            Self::Nanoseconds => Better::Lower,
            Self::MessagesPerSecond | Self::BytesPerSecond | Self::CallsPerSecond => Better::Higher,
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Latencies.
    Lower,
    /// Rates.
    Higher,
}

impl Better {
    /// Whether a ratio is within a bound.
    pub fn is_met(self, ratio: f64, bound: f64) -> bool {
        match self {
            Self::Lower => ratio <= bound,
            Self::Higher => ratio >= bound,
        }
    }
}
