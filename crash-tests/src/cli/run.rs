//! Runs the jobs, several at once, each in a testbed of its own.

use crate::campaign;
use crate::campaign::job::Job;
use crate::campaign::progress::{Finding, Progress};
use crate::testbed::defect::{Defect, DefectKind};
use anyhow::{Context as _, Result, ensure};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The result of one job.
#[derive(Clone, Debug)]
pub struct JobResult {
    /// The job.
    pub job: Job,
    /// The operation's length in instructions, those of libraries included.
    pub instructions: usize,
    /// How many kill points there were.
    pub points: usize,
    /// How many victims met their fault.
    pub kills: usize,
    /// How many kill points no victim reached again.
    pub missed: usize,
    /// The findings.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

/// Runs the jobs, `at_once` of them at a time. The results are in the order of the jobs.
pub fn run(jobs: &[Job], at_once: usize) -> Result<Vec<JobResult>> {
    ensure!(!jobs.is_empty(), "no operation is left to run; --list names them");
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{prefix:24} {bar:40} {pos}/{len} {elapsed_precise} {msg}")?;
    let whole = bars.add(ProgressBar::new(jobs.len() as u64).with_style(style.clone()));
    whole.set_prefix("operations");
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(job) = jobs.get(index) else { return Ok(()) };
                let name = job.to_string();
                let bar = bars.add(ProgressBar::new(0).with_style(style.clone()));
                bar.set_prefix(name.clone());
                let result = run_testbed(job, &bar).with_context(|| format!("the testbed of {name}"));
                bar.finish_and_clear();
                whole.inc(1);
                let result = result?;
                if whole.is_hidden() {
                    // Without a terminal there are no bars: print a line for each job instead.
                    let JobResult { kills, findings, took, .. } = &result;
                    eprintln!("{name}: {kills} faults, {} findings, {took:.1?}", findings.len());
                }
                results.lock().expect("no worker panics").push((index, result));
            }
        };
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    whole.finish_and_clear();
    let mut results = results.into_inner().expect("no worker panics");
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Runs one testbed to its end.
fn run_testbed(job: &Job, bar: &ProgressBar) -> Result<JobResult> {
    let mut program = Command::new("/proc/self/exe");
    program.args([campaign::ROLE, &serde_json::to_string(job)?]);
    let start = Instant::now();
    let mut testbed = program.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(testbed.stdout.take().context("a testbed's output")?).lines();
    let mut result = JobResult {
        job: job.clone(),
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
        match serde_json::from_str(&line).with_context(|| format!("a testbed printed {line:?}"))? {
            Progress::Recorded { instructions, points } => {
                result.instructions = result.instructions.max(instructions);
                result.points += points;
                bar.set_length(result.points as u64);
            }
            Progress::Killed => {
                result.kills += 1;
                bar.inc(1);
            }
            Progress::Missed(missed) => result.missed += missed,
            Progress::Found(finding) => {
                bar.suspend(|| eprintln!("{finding}"));
                result.findings.push(finding);
            }
            Progress::Done => done = true,
        }
    }
    let status = testbed.wait()?;
    if !done && result.findings.is_empty() {
        let text = format!("it ended with {status} before it was done; its own output is above");
        result.findings.push(Finding {
            defect: Defect::new(DefectKind::Testbed, text),
            operation: job.operation.clone(),
            at: None,
            place: "the testbed itself".into(),
            reproduction: job.reproduction(None),
        });
    }
    result.took = start.elapsed();
    Ok(result)
}
