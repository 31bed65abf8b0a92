//! All the deaths of one operation, in one stage.
//!
//! The operation is recorded, and a victim is killed at each kill point of the record. A victim that takes another
//! way (an arena that fills up takes a block from elsewhere) may not come by; so what was missed is looked for in a
//! new record, until nothing is left or records bring nothing new.

pub mod leader_crash;
pub(crate) mod progress;

use crate::campaign::leader_crash::Death;
use crate::campaign::progress::{Finding, Kind, News};
use crate::operation::{self, Operation, Thread, Way};
use crate::testbed::round::{Goal, Round, Stage, Then, recorded};
use crate::tracing::trace::{Route, Trace};
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
    /// Kill it, and then whoever recovers it, at every point of the recovery
    KillTwice,
    /// Kill it, and then the supervisor that recovers it: its successor finishes
    KillSupervisor,
}

impl Deed {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().into())
    }

    /// Whether it can be done in the middle of this operation.
    pub fn fits(self, operation: &Operation) -> bool {
        match self {
            Self::Kill => true,
            // A thread is not stopped by itself, and one that sleeps for ever completes nothing.
            Self::Stop => {
                operation.thread == Thread::Main && !operation.sleeps_for_ever && operation.way != Way::Forked
            }
            // The recoverer wants to know the victim's seat.
            Self::KillTwice | Self::KillSupervisor => {
                !operation.sleeps_for_ever
                    && operation.way == Way::Spawned
                    && operation.thread == Thread::Main
            }
        }
    }
}

/// What a stage is told to do.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
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
    /// At no more points than this, all over the operation
    #[arg(long)]
    pub most: Option<usize>,
    /// At how many places of the operation victims are killed whose recoverers are killed too
    #[arg(long)]
    pub victims: usize,
    /// At this instruction only
    #[arg(long)]
    pub at: Option<usize>,
    /// Recovery leaves this step out
    #[arg(long)]
    pub skip_step: Option<String>,
}

impl Orders {
    /// The arguments that give a stage these orders.
    pub fn to_arguments(&self) -> Vec<String> {
        let Self { operation, deed, stride, changes, seed, most, victims, at, skip_step } = self;
        let mut arguments = vec![
            format!("--operation={operation}"),
            format!("--deed={}", deed.name()),
            format!("--stride={stride}"),
            format!("--seed={seed}"),
            format!("--victims={victims}"),
        ];
        arguments.extend(changes.then(|| "--changes".into()));
        arguments.extend(most.map(|most| format!("--most={most}")));
        arguments.extend(at.map(|at| format!("--at={at}")));
        arguments.extend(skip_step.as_ref().map(|step| format!("--skip-step={step}")));
        arguments
    }

    /// The arguments with which somebody brings about again what was found `at` an instruction.
    pub fn again(&self, at: Option<usize>) -> String {
        let mut again = format!("--only {}", self.operation);
        match self.deed {
            Deed::Kill => {}
            Deed::Stop => again += " --deed stop",
            // The instruction is one of the recovery's: it says nothing without the victim's.
            Deed::KillTwice | Deed::KillSupervisor => {
                return format!("{again} --deed {} --victims {}", self.deed.name(), self.victims);
            }
        }
        if let Some(at) = at {
            again += &format!(" --at {at}");
        }
        if let Some(step) = &self.skip_step {
            again += &format!(" --skip-step {step}");
        }
        again
    }
}

impl std::fmt::Display for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.operation)?;
        match self.deed {
            Deed::Kill => Ok(()),
            Deed::Stop => f.write_str(", stopped"),
            Deed::KillTwice => f.write_str(", twice"),
            Deed::KillSupervisor => f.write_str(", in office"),
        }
    }
}

/// How many rounds come before the record, so that nothing happens there for the first time.
pub const WARM_UP: usize = 2;
/// How many records may be made.
const RECORDS: usize = 6;

/// Carries the orders out, and tells the news on the standard output.
pub fn run(orders: &Orders) -> Result<()> {
    let operation = operation::find(&orders.operation).context("there is no such operation")?;
    let stage = Stage::new()?;
    if let Some(name) = &orders.skip_step {
        jacinth_shm::skip_step(step(name)?);
    }
    let mut campaign = Campaign { orders, operation, stage };
    if campaign.carry_out()? == Course::Clear {
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

/// Whether a campaign can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Clear,
    /// Something was found, and told.
    Ended,
}

struct Campaign<'a> {
    orders: &'a Orders,
    operation: Operation,
    stage: Stage,
}

impl Campaign<'_> {
    fn carry_out(&mut self) -> Result<Course> {
        if self.operation.sleeps_for_ever {
            return self.kill_asleep();
        }
        for _ in 0..WARM_UP {
            let round = self.stage.round(&self.operation, &Goal::Complete)?;
            if self.has_fault(&round, None, "before any death") {
                return Ok(Course::Ended);
            }
        }
        match self.orders.deed {
            Deed::Kill => self.sweep(&Goal::Record, Goal::Kill),
            Deed::Stop => self.sweep(&Goal::Record, Goal::Stop),
            Deed::KillTwice => self.kill_twice(),
            Deed::KillSupervisor => self.kill_supervisors(),
        }
    }

    /// Recoveries from deaths at places all over the operation, each killed all over itself.
    fn kill_twice(&mut self) -> Result<Course> {
        for route in self.places()? {
            let record = Goal::KillTwice(route, Then::Record);
            if self.sweep(&record, |then| Goal::KillTwice(route, Then::Kill(then)))? == Course::Ended {
                return Ok(Course::Ended);
            }
        }
        Ok(Course::Clear)
    }

    /// The same, of the supervisor itself. Each death needs an arena of its own.
    fn kill_supervisors(&mut self) -> Result<Course> {
        for victim in self.places()? {
            let Death { fault, instructions, routes, .. } =
                leader_crash::die(&self.operation.name, &victim, None)?;
            let routes = some_of(routes, self.orders.most);
            tell(&News::Recorded { instructions, points: routes.len() });
            if let Some((kind, text)) = fault {
                self.tell_fault(kind, text, None, "killed after its recovery");
                return Ok(Course::Ended);
            }
            let mut missed = 0;
            for route in routes {
                let death = leader_crash::die(&self.operation.name, &victim, Some(&route))?;
                if let Some((kind, text)) = death.fault {
                    let place = self.stage.code.describe(route.address);
                    self.tell_fault(kind, text, None, &format!("its supervisor killed at {place}"));
                    return Ok(Course::Ended);
                }
                if death.reached {
                    tell(&News::Killed);
                } else {
                    missed += 1;
                }
            }
            if missed > 0 {
                tell(&News::Missed(missed));
            }
        }
        Ok(Course::Clear)
    }

    /// Where victims are killed whose recoverers are killed too.
    fn places(&mut self) -> Result<Vec<Route>> {
        let trace = recorded(self.stage.round(&self.operation, &Goal::Record)?)?;
        // Where the arena changes: in between, recovery has the same to do.
        let points = some_of(trace.points(true, usize::MAX, 1), Some(self.orders.victims));
        Ok(points.into_iter().map(|point| trace.route(point)).collect())
    }

    /// Records the way that `record` takes, and goes there with one victim for each of its points.
    fn sweep(&mut self, record: &Goal, goal: impl Fn(Route) -> Goal) -> Result<Course> {
        // An instruction, and how many times it had been executed before.
        let mut visited = HashSet::new();
        let mut missed = 0;
        for records in 0..RECORDS {
            let round = self.stage.round(&self.operation, record)?;
            if self.has_fault(&round, None, "step by step, before any death") {
                return Ok(Course::Ended);
            }
            let trace = recorded(round)?;
            let points = self.points(&trace, &visited);
            if records == 0 {
                tell(&News::Recorded { instructions: trace.len(), points: points.len() });
            }
            let before = visited.len();
            missed = 0;
            for point in points {
                let route = trace.route(point);
                let round = self.stage.round(&self.operation, &goal(route))?;
                let reached = round.reached;
                let place = self.stage.code.describe(route.address);
                if self.has_fault(&round, reached.then_some(point), &place) {
                    return Ok(Course::Ended);
                }
                if reached {
                    visited.insert(trace.visit(point));
                    tell(&News::Killed);
                } else {
                    missed += 1;
                }
            }
            // Where others are at work no two victims take the same way: enough is enough.
            if missed == 0 || records > 0 && (visited.len() - before) * 10 < missed {
                break;
            }
        }
        if missed > 0 {
            tell(&News::Missed(missed));
        }
        Ok(Course::Clear)
    }

    fn points(&self, trace: &Trace, visited: &HashSet<(u64, u32)>) -> Vec<usize> {
        let Orders { stride, changes, seed, most, at, .. } = *self.orders;
        if let Some(at) = at {
            return if visited.is_empty() { vec![at.min(trace.len() - 1)] } else { Vec::new() };
        }
        let mut points = some_of(trace.points(changes, stride, seed), most);
        points.retain(|point| !visited.contains(&trace.visit(*point)));
        points
    }

    fn kill_asleep(&mut self) -> Result<Course> {
        const TIMES: usize = 20;
        tell(&News::Recorded { instructions: 0, points: TIMES });
        for _ in 0..TIMES {
            let round = self.stage.round(&self.operation, &Goal::KillAsleep)?;
            if self.has_fault(&round, None, "killed asleep") {
                return Ok(Course::Ended);
            }
            tell(&News::Killed);
        }
        Ok(Course::Clear)
    }

    fn has_fault(&self, round: &Round, at: Option<usize>, place: &str) -> bool {
        let Some((kind, text)) = round.fault.clone() else { return false };
        self.tell_fault(kind, text, at, place);
        true
    }

    fn tell_fault(&self, kind: Kind, text: String, at: Option<usize>, place: &str) {
        let operation = self.operation.name.clone();
        let again = self.orders.again(at);
        tell(&News::Found(Finding { kind, operation, at, place: place.into(), text, again }));
    }
}

/// No more than so many, all over the list.
fn some_of<T: Copy>(all: Vec<T>, most: Option<usize>) -> Vec<T> {
    match most {
        Some(most) if most < all.len() => {
            (0..most).map(|place| all[(2 * place + 1) * all.len() / (2 * most)]).collect()
        }
        _ => all,
    }
}

fn tell(news: &News) {
    let line = serde_json::to_string(news).expect("news are plain data");
    // Whoever started the stage is gone when this fails, and the stage goes next.
    let _ = writeln!(std::io::stdout(), "{line}");
}
