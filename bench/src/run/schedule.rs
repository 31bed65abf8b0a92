//! Rounds: every measurement once in each, so that a change of the machine affects all of them alike.

use crate::machine::placement::{self, Cores, Placement};
use crate::measure::limit::cache_line::CacheLine;
use crate::measure::{Effort, Sample, full_name};
use crate::row::Measured;
use crate::run::partner::Partner;
use anyhow::{Context as _, Result};
use jacinth::Supervisor;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The measurements of a run, and their effort.
pub struct Plan {
    /// Each once in every round.
    pub measurements: Vec<Measured>,
    /// How many rounds.
    pub rounds: u32,
    /// How many of them have the measurements that are not pinned. Those start up to 51 processes for each attempt.
    pub unpinned_rounds: u32,
    /// How long each attempt.
    pub effort: Effort,
}

impl Plan {
    /// How many of the rounds have this measurement.
    pub fn rounds_of(&self, measurement: Measured) -> u32 {
        if measurement.is_pinned() { self.rounds } else { self.rounds.min(self.unpinned_rounds) }
    }
}

/// The outcome of a run.
pub struct Outcome {
    /// By the measurement's full name: one attempt for each round, or why there are none.
    pub figures: HashMap<String, Result<Vec<Attempt>, String>>,
    /// Where the two processes were.
    pub placement: Placement,
    /// Attempts kept.
    pub attempts: u32,
    /// Attempts thrown away and repeated, because the placement changed or others took the processors.
    pub repeated: u32,
    /// Attempts kept, as the least disturbed of several, although something had changed.
    pub disturbed: u32,
}

/// The most times that one attempt is made: a machine that never stays still is reported, not waited for.
const TRIES: u32 = 5;
/// The share of an attempt's time that others may take: the hypervisor, other programs.
const LOST_AT_MOST: f64 = 0.01;
/// An attempt that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);

/// Runs the plan. `step` is told of each attempt before it is made.
pub fn run(plan: &Plan, supervisor: &Supervisor, mut step: impl FnMut(u32, &str)) -> Result<Outcome> {
    let cores = Cores::choose()?;
    if let Some(cores) = cores {
        placement::pin(cores.near)?;
    }
    let mut stand = Stand::new(supervisor, cores)?;
    let placement = stand.settle()?;
    let mut outcome = Outcome { figures: HashMap::new(), placement, attempts: 0, repeated: 0, disturbed: 0 };
    for round in 0..plan.rounds {
        for measurement in &plan.measurements {
            if round >= plan.rounds_of(*measurement) {
                continue;
            }
            let name = full_name(*measurement);
            step(round, &name);
            let figure = outcome.figures.entry(name).or_insert_with(|| Ok(Vec::new()));
            let Ok(attempts) = figure else { continue };
            // As many repeats as attempts, all in all.
            let tries = if outcome.repeated > 20 + outcome.attempts { 1 } else { TRIES };
            match stand.attempt(*measurement, plan.effort, placement, tries) {
                Ok(attempt) => {
                    outcome.attempts += 1;
                    outcome.repeated += attempt.repeated;
                    outcome.disturbed += u32::from(attempt.disturbed);
                    attempts.push(attempt);
                }
                Err(error) => {
                    *figure = Err(format!("{error:#}"));
                    stand = Stand::new(supervisor, cores)?;
                }
            }
        }
    }
    Ok(outcome)
}

/// A partner, and the means to see whether the machine stays still.
struct Stand {
    partner: Partner,
    cores: Option<Cores>,
    watchdog: Watchdog,
}

/// An attempt that is kept.
pub struct Attempt {
    /// Its sample.
    pub sample: Sample,
    /// How many were thrown away before it.
    pub repeated: u32,
    /// Whether the machine did not stay still meanwhile.
    pub disturbed: bool,
}

impl Stand {
    fn new(supervisor: &Supervisor, cores: Option<Cores>) -> Result<Self> {
        let partner = Partner::spawn(supervisor, cores)?;
        Ok(Self { partner, cores, watchdog: Watchdog::start() })
    }

    /// The placement that most of some probes see: the one to be reported.
    fn settle(&self) -> Result<Placement> {
        let mut siblings = 0;
        for _ in 0..25 {
            siblings += u32::from(self.probe()? == Placement::SiblingsOfOneCore);
            std::thread::sleep(Duration::from_millis(40));
        }
        Ok(match self.cores {
            None => Placement::OneProcessor,
            Some(_) if siblings > 12 => Placement::SiblingsOfOneCore,
            Some(_) => Placement::SeparateCores,
        })
    }

    fn probe(&self) -> Result<Placement> {
        if self.cores.is_none() {
            return Ok(Placement::OneProcessor);
        }
        let _watched = self.watchdog.watch("the probe".to_owned());
        Ok(Placement::of(self.partner.measure(&CacheLine, Effort::PROBE)?.value()))
    }

    /// `None` for a measurement that is not pinned: the two processors say nothing about it.
    fn probe_for(&self, measurement: Measured) -> Result<Option<Placement>> {
        measurement.is_pinned().then(|| self.probe()).transpose()
    }

    /// The time that both processes have lost to others so far.
    fn lost(&self, measurement: Measured) -> Duration {
        let Some(cores) = self.cores else { return Duration::ZERO };
        let waited = if measurement.sleeps() {
            Duration::ZERO
        } else {
            placement::waited(std::process::id()) + placement::waited(self.partner.process())
        };
        placement::stolen(cores) + waited
    }

    /// Measures until the machine stays still meanwhile, a few times at most; keeps the least disturbed attempt.
    fn attempt(
        &self,
        measurement: Measured,
        effort: Effort,
        wanted: Placement,
        tries: u32,
    ) -> Result<Attempt> {
        let mut best = None::<(f64, Sample)>;
        for repeated in 0..tries {
            let before = self.probe_for(measurement)?;
            let lost_before = self.lost(measurement);
            let start = Instant::now();
            let sample = {
                let _watched = self.watchdog.watch(full_name(measurement));
                self.partner.measure(measurement, effort)?
            };
            let elapsed = start.elapsed();
            let lost = self.lost(measurement).saturating_sub(lost_before);
            let stayed = before.is_none_or(|before| before == wanted)
                && self.probe_for(measurement)?.is_none_or(|after| after == wanted);
            let share_lost = if stayed { lost.as_secs_f64() / elapsed.as_secs_f64() } else { f64::INFINITY };
            if share_lost <= LOST_AT_MOST {
                return Ok(Attempt { sample, repeated, disturbed: false });
            }
            if best.as_ref().is_none_or(|(least, _)| share_lost < *least) {
                best = Some((share_lost, sample));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let (_, sample) = best.context("an attempt is made at least once")?;
        Ok(Attempt { sample, repeated: tries - 1, disturbed: true })
    }
}

/// Ends the program when an attempt hangs: two processes that spin on plain memory cannot be told to stop.
struct Watchdog {
    current: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Watchdog {
    fn start() -> Self {
        let current = Arc::new(Mutex::new(None::<(Instant, String)>));
        let watched = Arc::downgrade(&current);
        std::thread::spawn(move || {
            while let Some(current) = watched.upgrade() {
                if let Some((since, what)) = &*current.lock().unwrap_or_else(PoisonError::into_inner)
                    && since.elapsed() > HANGS_AFTER
                {
                    eprintln!("{what} has been running for {} s: it hangs", HANGS_AFTER.as_secs());
                    std::process::exit(1);
                }
                drop(current);
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        Self { current }
    }

    fn watch(&self, what: String) -> WatchdogGuard<'_> {
        self.set(Some((Instant::now(), what)));
        WatchdogGuard(self)
    }

    fn set(&self, to: Option<(Instant, String)>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

struct WatchdogGuard<'a>(&'a Watchdog);

impl Drop for WatchdogGuard<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
