//! All faults of one job, in one testbed.
//!
//! The operation is recorded, and one victim meets its fault at each kill point of the record. A victim that takes
//! another path (an arena that fills up takes a block from elsewhere) may miss its point. So missed points are looked
//! for in a new record, until none is left or a record brings no new one.

pub mod job;
pub mod leader_crash;
pub mod progress;

use crate::operation;
use crate::operation::spec::OperationSpec;
use crate::testbed::Testbed;
use crate::testbed::defect::{Defect, DefectKind};
use crate::testbed::fault_plan::{FaultPlan, RecoveryFault};
use crate::testbed::round::{self, Round};
use crate::tracing::kill_point::KillPoint;
use crate::tracing::trace::{Trace, Visit};
use anyhow::{Context as _, Result};
use job::{Fault, Job};
use leader_crash::LeaderCrash;
use progress::{Finding, Progress, emit};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// The role of a testbed. The job follows, as JSON.
pub const ROLE: &str = "testbed";

/// How many records of an operation may be made.
const MOST_RECORDS: usize = 6;
/// How many victims of an operation that sleeps for ever are killed.
const KILLS_ASLEEP: usize = 20;

/// `Break`: a defect was found and reported, and the campaign ends.
type Flow = Result<ControlFlow<()>>;

/// Performs the job, and prints its progress.
pub fn run(job: &str) -> Result<()> {
    let job: Job = serde_json::from_str(job)?;
    let operation = operation::find(&job.operation).context("there is no such operation")?;
    let testbed = Testbed::new()?;
    if let Some(step) = job.skip_step {
        step.omit(&testbed.code)?;
    }
    let mut campaign = Campaign { job: &job, operation, testbed };
    match campaign.run() {
        Ok(ControlFlow::Continue(())) => emit(&Progress::Done),
        Ok(ControlFlow::Break(())) => {}
        Err(error) => {
            let defect = Defect::new(DefectKind::Testbed, format!("{error:#}"));
            let _ = campaign.report(defect, None, "the testbed itself");
        }
    }
    Ok(())
}

struct Campaign<'a> {
    job: &'a Job,
    operation: OperationSpec,
    testbed: Testbed,
}

impl Campaign<'_> {
    fn run(&mut self) -> Flow {
        if self.operation.sleeps_forever {
            return self.kill_asleep();
        }
        if let Some(defect) = round::warm_up(&mut self.testbed, &self.operation)? {
            return Ok(self.report(defect, None, "before any death"));
        }
        match self.job.fault {
            Fault::Kill => self.sweep(&FaultPlan::Record, FaultPlan::Kill),
            Fault::Stop => self.sweep(&FaultPlan::Record, FaultPlan::Stop),
            Fault::KillRecoverer => self.kill_recoverers(),
            Fault::KillLeader => self.kill_leaders(),
        }
    }

    fn play(&mut self, plan: &FaultPlan) -> Result<Round> {
        round::play(&mut self.testbed, &self.operation, plan)
    }

    /// For victims killed at places all over the operation: one recoverer is killed at each point of the recovery.
    fn kill_recoverers(&mut self) -> Flow {
        for victim in self.victims()? {
            let record = FaultPlan::KillRecoverer(victim, RecoveryFault::Record);
            let kill = |point| FaultPlan::KillRecoverer(victim, RecoveryFault::Kill(point));
            if self.sweep(&record, kill)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// For victims killed at places all over the operation: the leader is killed at each point of the recovery. Each
    /// crash needs an arena of its own.
    fn kill_leaders(&mut self) -> Flow {
        for victim in self.victims()? {
            let LeaderCrash { defect, instructions, kill_points, .. } =
                leader_crash::perform(&self.operation.name, victim, None)?;
            let kill_points = spread(kill_points, self.job.most);
            emit(&Progress::Recorded { instructions, points: kill_points.len() });
            if let Some(defect) = defect {
                return Ok(self.report(defect, None, "killed after its recovery"));
            }
            let mut missed = 0;
            for point in kill_points {
                let crash = leader_crash::perform(&self.operation.name, victim, Some(point))?;
                if let Some(defect) = crash.defect {
                    let place = self.testbed.code.describe(point.address);
                    return Ok(self.report(defect, None, &format!("its leader killed at {place}")));
                }
                if crash.missed {
                    missed += 1;
                } else {
                    emit(&Progress::Killed);
                }
            }
            if missed > 0 {
                emit(&Progress::Missed(missed));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The places at which victims are killed for a fault in their recovery.
    fn victims(&mut self) -> Result<Vec<KillPoint>> {
        let trace = self.play(&FaultPlan::Record)?.into_trace()?;
        // One for each state of the arena: between two, recovery has the same work.
        let points = spread(trace.points(true, usize::MAX, 1), Some(self.job.victims));
        Ok(points.into_iter().map(|point| trace.kill_point(point)).collect())
    }

    /// Records the path that `record` takes, and plays a round with a fault at each of its points.
    fn sweep(&mut self, record: &FaultPlan, plan: impl Fn(KillPoint) -> FaultPlan) -> Flow {
        let mut visited = HashSet::new();
        let mut missed = 0;
        for records in 0..MOST_RECORDS {
            let mut round = self.play(record)?;
            if let Some(defect) = round.defect.take() {
                return Ok(self.report(defect, None, "step by step, before any death"));
            }
            let trace = round.into_trace()?;
            let points = self.points(&trace, &visited);
            if records == 0 {
                emit(&Progress::Recorded { instructions: trace.len(), points: points.len() });
            }
            let before = visited.len();
            // The given point may lie on another path than the one that was recorded.
            missed = usize::from(self.job.at.is_some() && points.is_empty());
            for point in points {
                let kill_point = trace.kill_point(point);
                let round = self.play(&plan(kill_point))?;
                if let Some(defect) = round.defect {
                    let place = self.testbed.code.describe(kill_point.address);
                    let at = (!round.missed).then(|| (point, trace.visit(point)));
                    return Ok(self.report(defect, at, &place));
                }
                if round.missed {
                    missed += 1;
                } else {
                    visited.insert(trace.visit(point));
                    emit(&Progress::Killed);
                }
            }
            // Beside other active threads no two victims take the same path. End when a record brought a tenth of the
            // missed points or less.
            let is_worth_another =
                records == 0 || (visited.len() - before) * 10 >= missed || self.job.at.is_some();
            if missed == 0 || !is_worth_another {
                break;
            }
        }
        if missed > 0 {
            emit(&Progress::Missed(missed));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The points of the record that the job asks for, without those visited.
    fn points(&self, trace: &Trace, visited: &HashSet<Visit>) -> Vec<usize> {
        let Job { stride, changes, seed, most, at, .. } = *self.job;
        if let Some(at) = at {
            return if visited.is_empty() { trace.find(at).into_iter().collect() } else { Vec::new() };
        }
        let mut points = spread(trace.points(changes, stride, seed), most);
        points.retain(|point| !visited.contains(&trace.visit(*point)));
        points
    }

    fn kill_asleep(&mut self) -> Flow {
        emit(&Progress::Recorded { instructions: 0, points: KILLS_ASLEEP });
        for _ in 0..KILLS_ASLEEP {
            if let Some(defect) = self.play(&FaultPlan::KillAsleep)?.defect {
                return Ok(self.report(defect, None, "killed asleep"));
            }
            emit(&Progress::Killed);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reports the defect; it ends the campaign.
    fn report(&self, defect: Defect, at: Option<(usize, Visit)>, place: &str) -> ControlFlow<()> {
        let (operation, reproduction) =
            (self.operation.name.clone(), self.job.reproduction(at.map(|(_, visit)| visit)));
        let at = at.map(|(point, _)| point);
        emit(&Progress::Found(Finding { defect, operation, at, place: place.into(), reproduction }));
        ControlFlow::Break(())
    }
}

/// At most so many of the list, spread evenly over it.
fn spread<T: Copy>(all: Vec<T>, most: Option<usize>) -> Vec<T> {
    match most {
        Some(most) if most < all.len() => {
            (0..most).map(|place| all[(2 * place + 1) * all.len() / (2 * most)]).collect()
        }
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn few_points_lie_all_over_the_list() {
        let all: Vec<_> = (0..100).collect();
        assert_eq!(spread(all.clone(), Some(1)), [50]);
        assert_eq!(spread(all.clone(), Some(4)), [12, 37, 62, 87]);
        assert_eq!(spread(all.clone(), Some(100)), all);
        assert_eq!(spread(all.clone(), None), all);
    }
}
