//! What is measured: one file for each thing, with both of its sides.
//!
//! * `limit/`: what the machine itself can do, with nothing promised: a cache line, a bare ring, a futex;
//! * `peer/`: what a program would use without jacinth;
//! * `jacinth/`: jacinth, with full handle and rights checks in every call.
//!
//! Whatever carries messages of one size is a [`Carrier`] (inside one process a [`Pair`]), and is measured by the same two
//! loops as all the others ([`RoundTrip`], [`Stream`]); what one process does by itself is an [`Operation`]; what does not
//! fit implements [`Measurement`] itself.

mod alone;
mod carrier;
pub mod death;
pub mod jacinth;
pub mod limit;
pub mod peer;
mod sample;
pub mod writers;

pub use alone::{Alone, Operation};
pub use carrier::{
    Carrier, End, GO, Pair, RoundTrip, STOP, Stream, Threads, beside, drain, first_word, last_message,
    message,
};
pub use sample::{LONGEST_NS, Latency, Sample, Streamed, operations, round_trips};

use crate::link::Link;
use crate::placement::Cores;
use ::jacinth::Channel;
use anyhow::Result;
use serde::Serialize;
use std::time::Duration;

/// One figure of one thing, measured between two processes.
pub trait Measurement: Sync {
    /// Whose figure it is, as it stands at the head of a column: `jacinth`, `bare_ring`, `pipe`.
    fn who(&self) -> &'static str;

    /// What of it: `rtt_64B`, `rate_1KiB`.
    fn what(&self) -> &'static str;

    /// Its unit.
    fn unit(&self) -> Unit;

    /// Whether it sleeps in the kernel, so that waiting for a processor is part of what is measured.
    fn sleeps(&self) -> bool {
        false
    }

    /// The side that times. The far side runs meanwhile.
    fn near(&self, stage: &Stage<'_>) -> Result<Sample>;

    /// The side that answers.
    fn far(&self, stage: &Stage<'_>) -> Result<()>;
}

/// The name by which the two processes know a measurement.
pub fn full_name(measurement: &dyn Measurement) -> String {
    format!("{}.{}", measurement.who(), measurement.what())
}

/// What a side is given to play its part.
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

/// How long one attempt takes.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Running before anything is written down.
    pub warm_up: Duration,
    /// Each timed pass.
    pub pass: Duration,
}

impl Effort {
    /// For `--quick`.
    pub const QUICK: Self = Self { warm_up: Duration::from_millis(10), pass: Duration::from_millis(30) };
    /// For figures to be published. Many short attempts rather than few long ones: the shorter, the likelier it is that
    /// the machine stays still meanwhile.
    pub const FULL: Self = Self { warm_up: Duration::from_millis(20), pass: Duration::from_millis(60) };
    /// For the probe of [`crate::placement`].
    pub const PROBE: Self = Self { warm_up: Duration::from_micros(200), pass: Duration::from_millis(1) };
}

/// The unit of a figure, and so which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds for one: the lower the better.
    Nanoseconds,
    /// Messages a second: the higher the better.
    MessagesPerSecond,
}

impl Unit {
    /// As the JSON has it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::MessagesPerSecond => "messages/s",
        }
    }

    /// Which way is better.
    pub fn better(self) -> Better {
        match self {
            Self::Nanoseconds => Better::Lower,
            Self::MessagesPerSecond => Better::Higher,
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
