//! Times how late a death is known, on a quiet machine and during the recovery of a process that left much.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::{Config, MonotonicInstant, Signals, Supervisor};
use jacinth_bench::process::victim::{self, Victim, Workload};
use jacinth_bench::report::plain;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Times how long it takes from a SIGKILL until PEER_CLOSED is seen: of small processes alone, of one that leaves 220,000
/// events and 1.26 million messages, and of small ones during the recovery of that one.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How often everything is done
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    rounds: u64,
}

#[derive(Subcommand)]
enum Role {
    /// Be a process that is to be killed
    #[command(hide = true, name = victim::SUBCOMMAND)]
    Victim {
        #[arg(long)]
        cpu: Option<usize>,
        #[command(flatten)]
        workload: Workload,
    },
}

/// The large process leaves so much.
const LARGE: Workload = Workload { touched_bytes: 0, events: 220_000, messages: 1_260_000 };
/// How many small ones die alone in a round, and during the recovery of the large one.
const SMALL: usize = 10;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.role {
        Some(Role::Victim { cpu, workload }) => victim::play(cpu, workload),
        None => run(arguments.rounds),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("death_latency: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(rounds: u64) -> Result<()> {
    let supervisor = Supervisor::create(&Config::default()).context("making an arena")?;
    let progress = ProgressBar::new(rounds);
    progress.set_style(ProgressStyle::with_template("{wide_bar} round {pos} of {len}, {eta} left")?);
    let (mut alone, mut large, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let small = spawn_small(&supervisor)?;
        for victim in &small {
            alone.push(time_to_peer_closed(victim)?);
        }
        let small = spawn_small(&supervisor)?;
        let victim = Victim::spawn(&supervisor, None, LARGE)?;
        large.push(time_to_peer_closed(&victim)?);
        for victim in &small {
            beside.push(time_to_peer_closed(victim)?);
        }
        // The recovery is complete then, so that the next round finds the same arena.
        supervisor.collect()?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut table = plain::table(&["death", "times", "median", "longest"], 1..4);
    for (what, mut times) in
        [("small, alone", alone), ("large", large), ("small, during its recovery", beside)]
    {
        times.sort_unstable();
        let in_ms = |time: Option<&Duration>| {
            time.map_or_else(String::new, |time| format!("{:.2} ms", time.as_secs_f64() * 1e3))
        };
        let (count, median) = (times.len().to_string(), in_ms(times.get(times.len() / 2)));
        table.add_row([what.to_owned(), count, median, in_ms(times.last())]);
    }
    println!("{table}");
    Ok(())
}

fn spawn_small(supervisor: &Supervisor) -> Result<Vec<Victim>> {
    (0..SMALL).map(|_| Victim::spawn(supervisor, None, Workload::default())).collect()
}

/// Kills a victim, and waits until its channel shows PEER_CLOSED.
fn time_to_peer_closed(victim: &Victim) -> Result<Duration> {
    let start = Instant::now();
    victim.kill()?;
    victim.channel().wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).to_result()?;
    Ok(start.elapsed())
}
