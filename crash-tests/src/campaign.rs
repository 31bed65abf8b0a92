//! All the deaths of one operation, in one stage.
//!
//! The operation is recorded, and a victim is killed at each kill point of the record. A victim that takes another
//! way (an arena that fills up takes a block from elsewhere) may not come by; so what was missed is looked for in a
//! new record, until nothing is left or records bring nothing new.

use crate::finding::{Finding, Kind, News};
use crate::operation::{self, Operation};
use crate::stage::{Goal, Round, Stage, recorded};
use crate::trace::Trace;
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use std::collections::HashSet;
use std::io::Write as _;

/// What to do at the kill points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deed {
    /// Kill the victim
    Kill,
    /// Stop it for a while, and let it go on
    Stop,
}

/// What a stage is told to do.
#[derive(Args, Clone, Debug)]
pub struct Orders {
    /// The operation
    #[arg(long)]
    pub operation: String,
    /// What to do at the kill points
    #[arg(long, value_enum)]
    pub deed: Deed,
    /// Every how many instructions
    #[arg(long)]
    pub stride: usize,
    /// Also at one point between any two changes of the arena
    #[arg(long)]
    pub changes: bool,
    /// Where the stride begins
    #[arg(long)]
    pub seed: usize,
    /// At this instruction only
    #[arg(long)]
    pub at: Option<usize>,
    /// Which part of the points is this stage's
    #[arg(long)]
    pub part: usize,
    /// Of how many
    #[arg(long)]
    pub parts: usize,
    /// Recovery leaves this step out
    #[arg(long)]
    pub skip_step: Option<String>,
}

/// How many rounds come before the record, so that nothing happens there for the first time.
const WARM_UP: usize = 2;
/// How many records may be made.
const RECORDS: usize = 6;

/// Carries the orders out, and tells the news on the standard output.
pub fn run(orders: &Orders) -> Result<()> {
    let operation = operation::find(&orders.operation).context("there is no such operation")?;
    let stage = Stage::new()?;
    if let Some(name) = &orders.skip_step {
        jacinth_shm::skip_step(step(name)?);
    }
    let mut campaign = Campaign { orders, operation, stage, visited: HashSet::new() };
    if campaign.carry_out()? {
        tell(&News::Done);
    }
    Ok(())
}

/// The step of recovery of this name.
pub fn step(name: &str) -> Result<jacinth_shm::Step> {
    let all = jacinth_shm::Step::ALL;
    let found = all.into_iter().find(|step| format!("{step:?}") == name);
    found.with_context(|| format!("recovery has no step {name}; it has {all:?}"))
}

struct Campaign<'a> {
    orders: &'a Orders,
    operation: Operation,
    stage: Stage,
    /// Kill points that were reached: an instruction, and how many times it had been executed before.
    visited: HashSet<(u64, u32)>,
}

impl Campaign<'_> {
    /// `false` when something was found.
    fn carry_out(&mut self) -> Result<bool> {
        if self.operation.sleeps_for_ever {
            return self.kill_asleep();
        }
        for _ in 0..WARM_UP {
            let round = self.stage.round(&self.operation, &Goal::Complete)?;
            if self.has_fault(round, None, "before any death") {
                return Ok(false);
            }
        }
        let mut missed = Vec::new();
        for record in 0..RECORDS {
            let round = self.stage.round(&self.operation, &Goal::Record)?;
            if let Some((kind, text)) = round.fault {
                self.tell_fault(kind, text, None, "step by step, before any death");
                return Ok(false);
            }
            let trace = recorded(round)?;
            let points = self.points(&trace);
            if record == 0 {
                tell(&News::Recorded { instructions: trace.len(), points: points.len() });
            }
            let before = self.visited.len();
            missed.clear();
            for point in points {
                let visit = trace.visit(point);
                match self.visit(&trace, point)? {
                    None => return Ok(false),
                    Some(true) => {
                        self.visited.insert(visit);
                        tell(&News::Killed);
                    }
                    Some(false) => missed.push(visit),
                }
            }
            if missed.is_empty() || record > 0 && self.visited.len() == before {
                break;
            }
        }
        if !missed.is_empty() {
            tell(&News::Missed(missed.len()));
        }
        Ok(true)
    }

    fn points(&self, trace: &Trace) -> Vec<usize> {
        let Orders { stride, changes, seed, at, part, parts, .. } = *self.orders;
        if let Some(at) = at {
            return if self.visited.is_empty() { vec![at.min(trace.len() - 1)] } else { Vec::new() };
        }
        let points = trace.points(changes, stride, seed).into_iter().skip(part).step_by(parts);
        points.filter(|point| !self.visited.contains(&trace.visit(*point))).collect()
    }

    /// One victim. `None`: something was found; otherwise whether it came by.
    fn visit(&mut self, trace: &Trace, point: usize) -> Result<Option<bool>> {
        let route = trace.route(point);
        let goal = match self.orders.deed {
            Deed::Kill => Goal::Kill(route),
            Deed::Stop => Goal::Stop(route),
        };
        let round = self.stage.round(&self.operation, &goal)?;
        let reached = round.reached;
        let place = self.stage.code.describe(route.address);
        let at = if reached { Some(point) } else { None };
        Ok(if self.has_fault(round, at, &place) { None } else { Some(reached) })
    }

    fn kill_asleep(&mut self) -> Result<bool> {
        const TIMES: usize = 20;
        tell(&News::Recorded { instructions: 0, points: TIMES });
        for _ in 0..TIMES {
            let round = self.stage.round(&self.operation, &Goal::KillAsleep)?;
            if self.has_fault(round, None, "killed asleep") {
                return Ok(false);
            }
            tell(&News::Killed);
        }
        Ok(true)
    }

    fn has_fault(&self, round: Round, at: Option<usize>, place: &str) -> bool {
        let Some((kind, text)) = round.fault else { return false };
        self.tell_fault(kind, text, at, place);
        true
    }

    fn tell_fault(&self, kind: Kind, text: String, at: Option<usize>, place: &str) {
        let operation = self.operation.name.clone();
        let mut again = format!("--only {operation}");
        if self.orders.deed == Deed::Stop {
            again += " --deed stop";
        }
        if let Some(at) = at {
            again += &format!(" --at {at}");
        }
        if let Some(step) = &self.orders.skip_step {
            again += &format!(" --skip-step {step}");
        }
        tell(&News::Found(Finding { kind, operation, at, place: place.into(), text, again }));
    }
}

fn tell(news: &News) {
    let line = serde_json::to_string(news).expect("news are plain data");
    // Whoever started the stage is gone when this fails, and the stage goes next.
    let _ = writeln!(std::io::stdout(), "{line}");
}
