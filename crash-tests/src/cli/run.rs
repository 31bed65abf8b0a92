//! The program that people start: it plans the stages, runs as many at once as there are processors, and tells what
//! came of them.

use crate::campaign::Orders;
use crate::campaign::progress::{Finding, Kind, News};
use anyhow::{Context as _, Result, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The stages, one after another.
    pub jobs: Vec<Orders>,
    /// How many run at once.
    pub at_once: usize,
}

/// What came of one stage.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it was to do.
    pub orders: Orders,
    /// Its length in instructions, those of libraries included.
    pub instructions: usize,
    /// Where victims were to be killed.
    pub points: usize,
    /// How many were.
    pub kills: usize,
    /// Kill points that no victim came by again.
    pub missed: usize,
    /// What was found wrong.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

impl Plan {
    /// Carries it out.
    pub fn carry_out(&self) -> Result<Vec<Outcome>> {
        ensure!(!self.jobs.is_empty(), "no operation is left to look at; --list names them");
        let bars = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix:24} {bar:40} {pos}/{len} {elapsed_precise} {msg}")?;
        let whole = bars.add(ProgressBar::new(self.jobs.len() as u64).with_style(style.clone()));
        whole.set_prefix("operations");
        let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            let work = || -> Result<()> {
                while let Some(orders) = self.jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let name = orders.to_string();
                    let bar = bars.add(ProgressBar::new(0).with_style(style.clone()));
                    bar.set_prefix(name.clone());
                    let outcome = run_stage(orders, &bar).with_context(|| format!("the stage of {name}"));
                    bar.finish_and_clear();
                    whole.inc(1);
                    let outcome = outcome?;
                    if whole.is_hidden() {
                        // Nobody sees the bars: a line a stage says as much.
                        let Outcome { kills, findings, took, .. } = &outcome;
                        eprintln!("{name}: {kills} of them, {} findings, {took:.1?}", findings.len());
                    }
                    outcomes.lock().expect("no worker panics").push(outcome);
                }
                Ok(())
            };
            let workers: Vec<_> = (0..self.at_once).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
        })?;
        whole.finish_and_clear();
        let mut outcomes = outcomes.into_inner().expect("no worker panics");
        let place = |outcome: &Outcome| self.jobs.iter().position(|orders| *orders == outcome.orders);
        outcomes.sort_by_key(place);
        Ok(outcomes)
    }
}

/// Runs one stage to its end.
fn run_stage(orders: &Orders, bar: &ProgressBar) -> Result<Outcome> {
    let mut program = Command::new("/proc/self/exe");
    program.arg("stage").args(orders.to_arguments());
    let start = Instant::now();
    let mut stage = program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(stage.stdout.take().context("a stage's output")?).lines();
    let mut outcome = Outcome {
        orders: orders.clone(),
        instructions: 0,
        points: 0,
        kills: 0,
        missed: 0,
        findings: Vec::new(),
        took: Duration::ZERO,
    };
    let mut done = false;
    for line in lines {
        let line = line?;
        match serde_json::from_str(&line).with_context(|| format!("a stage said {line:?}"))? {
            News::Recorded { instructions, points } => {
                outcome.instructions = outcome.instructions.max(instructions);
                outcome.points += points;
                bar.set_length(outcome.points as u64);
            }
            News::Killed => {
                outcome.kills += 1;
                bar.inc(1);
            }
            News::Missed(missed) => outcome.missed += missed,
            News::Found(finding) => {
                bar.suspend(|| eprintln!("{finding}"));
                outcome.findings.push(finding);
            }
            News::Done => done = true,
        }
    }
    let status = stage.wait()?;
    if !done && outcome.findings.is_empty() {
        // It hangs, or it failed in a way that it did not foresee: either may be the arena's fault.
        outcome.findings.push(Finding {
            kind: Kind::Hang,
            operation: orders.operation.clone(),
            at: None,
            place: "the stage itself".into(),
            text: format!("it ended with {status} before it was done; its own words are above"),
            again: orders.again(None),
        });
    }
    outcome.took = start.elapsed();
    Ok(outcome)
}
