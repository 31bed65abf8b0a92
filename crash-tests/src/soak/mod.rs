//! The soak: eight processes perform random operations, and one of them is killed every few milliseconds.
//!
//! ```text
//!  jacinth-crash --soak     adds the results up                                           this file
//!    └─ arena run           one arena, for a few seconds; kills workers                   arena_run
//!         ├─ initial leader makes the arena, runs its supervisor, and is killed first     process/leader
//!         └─ worker, eight  random operations, channels through channels among them       worker/
//! ```

pub mod arena_run;
pub mod worker;

use anyhow::{Context as _, Result};
use arena_run::{ArenaRun, ArenaRunJob};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The result of a soak.
#[derive(Debug, Default, Serialize)]
pub struct SoakReport {
    /// Arenas, one after another.
    pub arenas: u64,
    /// Operations of all workers.
    pub operations: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Of those, how many ran the supervisor.
    pub leaders_killed: u64,
    /// Deaths that a sleeper saw.
    pub recoveries: u64,
    /// The time from death to PEER_CLOSED: the median, in microseconds.
    pub recovery_p50_us: u64,
    /// The same: 99 of 100 took no longer.
    pub recovery_p99_us: u64,
    /// Arenas that were not empty in the end.
    pub leaks: usize,
    /// Arenas with an audit that found an inconsistency.
    pub audit_failures: usize,
    /// Deaths that did not wake a sleeper.
    pub lost_wakes: u64,
    /// Workers that ended by themselves: they saw an inconsistency.
    pub failed_workers: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// No sleeper waits longer: an hour, in microseconds. A histogram without bounds would clamp what is above 2 ms.
const LONGEST_US: u64 = 3_600_000_000;
/// How long one arena is used, in seconds.
const ARENA_SECONDS: f64 = 5.0;

/// Soaks for so many seconds.
pub fn run(seconds: u64, seed: u64) -> Result<SoakReport> {
    let start = Instant::now();
    let style = ProgressStyle::with_template("soak {bar:40} {pos}/{len} s  {msg}")?;
    let bar = ProgressBar::new(seconds).with_style(style);
    let mut report = SoakReport::default();
    let mut latencies = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 3)?;
    while start.elapsed().as_secs() < seconds {
        let left = seconds as f64 - start.elapsed().as_secs_f64();
        let job = ArenaRunJob { seconds: left.min(ARENA_SECONDS), seed: seed + report.arenas };
        let run = run_in_own_process(&job)?;
        run.latencies_us.iter().for_each(|latency| latencies.saturating_record(*latency));
        for (finding, texts) in [("left over", &run.leaks), ("audit failure", &run.audit_failures)] {
            texts.iter().for_each(|text| bar.suspend(|| eprintln!("{finding}: {text}")));
        }
        report.add(&run);
        bar.set_position(start.elapsed().as_secs());
        bar.set_message(format!("{} kills, {} operations", report.kills, report.operations));
    }
    bar.finish_and_clear();
    report.recovery_p50_us = latencies.value_at_quantile(0.5);
    report.recovery_p99_us = latencies.value_at_quantile(0.99);
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}

impl SoakReport {
    fn add(&mut self, run: &ArenaRun) {
        self.arenas += 1;
        self.kills += run.kills;
        self.leaders_killed += run.leaders_killed;
        self.operations += run.operations;
        self.recoveries += run.latencies_us.len() as u64;
        self.lost_wakes += run.lost_wakes;
        self.failed_workers += run.failed_workers;
        self.leaks += run.leaks.len();
        self.audit_failures += run.audit_failures.len();
    }

    /// Whether there was no finding.
    pub fn is_clean(&self) -> bool {
        self.leaks == 0 && self.audit_failures == 0 && self.lost_wakes == 0 && self.failed_workers == 0
    }
}

fn run_in_own_process(job: &ArenaRunJob) -> Result<ArenaRun> {
    let output = Command::new("/proc/self/exe")
        .args([arena_run::ROLE, &serde_json::to_string(job)?])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("starting a soak's arena")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| format!("a soak's arena ended with {}", output.status))?;
    serde_json::from_str(line).with_context(|| format!("a soak's arena printed {line:?}"))
}
