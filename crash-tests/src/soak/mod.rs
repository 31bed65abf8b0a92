//! The soak: eight processes that do whatever chance says, one of which is killed every few milliseconds.
//!
//! ```text
//!  jacinth-crash --soak     sums up                                                   this file
//!    └─ epoch               a process with an arena, for a few seconds; it kills       epoch
//!         ├─ founder        makes the arena, runs its supervisor, and is killed first
//!         └─ worker, eight  random operations, channels through channels among them    worker
//! ```

pub mod epoch;
pub mod worker;

use anyhow::{Context as _, Result};
use epoch::Epoch;
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a soak came to.
#[derive(Debug, Default, Serialize)]
pub struct Soaked {
    /// Arenas, one after another.
    pub epochs: u64,
    /// Operations of all workers.
    pub operations: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Of those, how many ran the supervisor.
    pub supervisors_killed: u64,
    /// Deaths that were seen by a sleeper.
    pub recoveries: u64,
    /// The time from death to PEER_CLOSED seen: the median, in microseconds.
    pub recovery_p50_us: u64,
    /// The same: 99 of 100 took no longer.
    pub recovery_p99_us: u64,
    /// Epochs that left something over.
    pub leaks: usize,
    /// Epochs whose audit found something out of place.
    pub audit_failures: usize,
    /// Deaths that a sleeper was not told of.
    pub lost_wakes: u64,
    /// Workers that ended by themselves, having seen what they must not see.
    pub failed_workers: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// How long one arena is used.
const EPOCH_SECONDS: f64 = 5.0;

/// Soaks for so many seconds.
pub fn soak(seconds: u64, seed: u64) -> Result<Soaked> {
    let start = Instant::now();
    let style = ProgressStyle::with_template("soak {bar:40} {pos}/{len} s  {msg}")?;
    let bar = ProgressBar::new(seconds).with_style(style);
    let mut soaked = Soaked::default();
    let mut latencies = Histogram::<u64>::new(3)?;
    while start.elapsed().as_secs() < seconds {
        let left = seconds as f64 - start.elapsed().as_secs_f64();
        let Epoch {
            kills,
            supervisors_killed,
            operations,
            latencies_us,
            leaks,
            audit_failures,
            lost_wakes,
            failed_workers,
        } = run_epoch(left.min(EPOCH_SECONDS), seed + soaked.epochs)?;
        soaked.epochs += 1;
        soaked.kills += kills;
        soaked.supervisors_killed += supervisors_killed;
        soaked.operations += operations;
        soaked.recoveries += latencies_us.len() as u64;
        soaked.lost_wakes += lost_wakes;
        soaked.failed_workers += failed_workers;
        latencies_us.iter().for_each(|latency| latencies.saturating_record(*latency));
        for (what, texts) in [("left over", &leaks), ("out of place", &audit_failures)] {
            texts.iter().for_each(|text| bar.suspend(|| eprintln!("{what}: {text}")));
        }
        soaked.leaks += leaks.len();
        soaked.audit_failures += audit_failures.len();
        bar.set_position(start.elapsed().as_secs());
        bar.set_message(format!("{} kills, {} operations", soaked.kills, soaked.operations));
    }
    bar.finish_and_clear();
    soaked.recovery_p50_us = latencies.value_at_quantile(0.5);
    soaked.recovery_p99_us = latencies.value_at_quantile(0.99);
    soaked.seconds = start.elapsed().as_secs_f64();
    Ok(soaked)
}

impl Soaked {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.leaks == 0 && self.audit_failures == 0 && self.lost_wakes == 0 && self.failed_workers == 0
    }
}

fn run_epoch(seconds: f64, seed: u64) -> Result<Epoch> {
    let output = Command::new("/proc/self/exe")
        .args(["soak-epoch", "--seconds", &seconds.to_string(), "--seed", &seed.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("starting an epoch")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| format!("an epoch ended with {}", output.status))?;
    serde_json::from_str(line).with_context(|| format!("an epoch said {line:?}"))
}
