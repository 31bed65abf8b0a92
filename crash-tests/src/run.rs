//! The program that people start: it plans the stages, runs as many at once as there are processors, and tells what
//! came of them.

use crate::campaign::Deed;
use crate::finding::{Finding, Kind, News};
use crate::operation;
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
    /// The operations, by name.
    pub operations: Vec<String>,
    /// What to do at the kill points.
    pub deed: Deed,
    /// Every how many instructions of the project's own.
    pub stride: usize,
    /// Also at one point between any two changes of the arena.
    pub changes: bool,
    /// At this instruction only.
    pub at: Option<usize>,
    /// Where strides begin.
    pub seed: usize,
    /// How many stages run at once.
    pub jobs: usize,
    /// Recovery leaves this step out.
    pub skip_step: Option<String>,
}

/// What came of one operation.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its name.
    pub operation: String,
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
        ensure!(!self.operations.is_empty(), "no operation is left to look at; --list names them");
        let bars = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix:24} {bar:40} {pos}/{len} {elapsed_precise} {msg}")?;
        let whole = bars.add(ProgressBar::new(self.operations.len() as u64).with_style(style.clone()));
        whole.set_prefix("operations");
        let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            let work = || -> Result<()> {
                while let Some(name) = self.operations.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let bar = bars.add(ProgressBar::new(0).with_style(style.clone()));
                    bar.set_prefix(name.clone());
                    let outcome = self.stage(name, &bar).with_context(|| format!("the stage of {name}"));
                    bar.finish_and_clear();
                    whole.inc(1);
                    outcomes.lock().expect("no worker panics").push(outcome?);
                }
                Ok(())
            };
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
        })?;
        whole.finish_and_clear();
        let mut outcomes = outcomes.into_inner().expect("no worker panics");
        let order: Vec<_> = operation::all().into_iter().map(|operation| operation.name).collect();
        outcomes.sort_by_key(|outcome: &Outcome| order.iter().position(|name| *name == outcome.operation));
        Ok(outcomes)
    }

    /// Runs one stage to its end.
    fn stage(&self, name: &str, bar: &ProgressBar) -> Result<Outcome> {
        let mut program = Command::new("/proc/self/exe");
        program.args(["stage", "--operation", name, "--part", "0", "--parts", "1"]);
        program.args(["--deed", if self.deed == Deed::Stop { "stop" } else { "kill" }]);
        program.args(["--stride", &self.stride.to_string(), "--seed", &self.seed.to_string()]);
        if self.changes {
            program.arg("--changes");
        }
        if let Some(at) = self.at {
            program.args(["--at", &at.to_string()]);
        }
        if let Some(step) = &self.skip_step {
            program.args(["--skip-step", step]);
        }
        let start = Instant::now();
        let mut stage = program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(stage.stdout.take().context("a stage's output")?).lines();
        let mut outcome = Outcome { operation: name.into(), ..Outcome::default() };
        let mut done = false;
        for line in lines {
            let line = line?;
            match serde_json::from_str(&line).with_context(|| format!("a stage said {line:?}"))? {
                News::Recorded { instructions, points } => {
                    (outcome.instructions, outcome.points) = (instructions, points);
                    bar.set_length(points as u64);
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
                operation: name.into(),
                at: None,
                place: "the stage itself".into(),
                text: format!("it ended with {status} before it was done; its own words are above"),
                again: format!("--only {name}"),
            });
        }
        outcome.took = start.elapsed();
        Ok(outcome)
    }
}
