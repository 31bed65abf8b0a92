//! The leader dies in the middle of recovering a victim; its successor finishes.
//!
//! The arena is made by an initial leader (`process/leader.rs`), and the testbed is its successor. A failover to the
//! testbed happens once in the life of an arena, so each of these crashes has a testbed of its own. The first of them records the
//! leader's supervisor, from the poll in which it learns of the victim's death to the poll after it.

use crate::operation;
use crate::testbed::defect::Defect;
use crate::testbed::fault_plan::{FaultPlan, RecoveryFault};
use crate::testbed::{Testbed, round};
use crate::tracing::kill_point::KillPoint;
use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::process::{Command, Stdio};

/// The role of a process that performs one crash. The job follows, as JSON.
pub const ROLE: &str = "leader-crash";

/// One crash.
#[derive(Serialize, Deserialize)]
struct LeaderCrashJob {
    operation: String,
    /// Where the victim is killed.
    victim: KillPoint,
    /// Where the leader is killed. `None`: its recovery of the victim is recorded.
    leader: Option<KillPoint>,
}

/// The result of one crash.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct LeaderCrash {
    /// Whether the victim or the leader missed its kill point.
    pub missed: bool,
    /// The first defect.
    pub defect: Option<Defect>,
    /// The length of the recovery in instructions, if it was recorded.
    pub instructions: usize,
    /// The kill points of the recovery, if it was recorded.
    pub kill_points: Vec<KillPoint>,
}

/// Performs one crash in this process, and prints its result.
pub fn run(job: &str) -> Result<()> {
    let LeaderCrashJob { operation, victim, leader } = serde_json::from_str(job)?;
    let operation = operation::find(&operation).context("there is no such operation")?;
    let mut testbed = Testbed::under_initial_leader()?;
    let defect = round::warm_up(&mut testbed, &operation)?;
    ensure!(defect.is_none(), "before any death: {defect:?}");
    let fault = leader.map_or(RecoveryFault::Record, RecoveryFault::Kill);
    let round = round::play(&mut testbed, &operation, &FaultPlan::KillLeader(victim, fault))?;
    let mut crash =
        LeaderCrash { missed: round.missed, defect: round.defect.clone(), ..LeaderCrash::default() };
    if round.trace.is_some() && round.defect.is_none() {
        let trace = round.into_trace()?;
        crash.instructions = trace.len();
        let points = trace.points(true, usize::MAX, 1);
        crash.kill_points = points.into_iter().map(|point| trace.kill_point(point)).collect();
    }
    testbed.clean_up();
    println!("{}", serde_json::to_string(&crash)?);
    Ok(())
}

/// Performs one crash in a process of its own.
pub fn perform(operation: &str, victim: KillPoint, leader: Option<KillPoint>) -> Result<LeaderCrash> {
    let job = LeaderCrashJob { operation: operation.into(), victim, leader };
    let mut program = Command::new("/proc/self/exe");
    program.args([ROLE, &serde_json::to_string(&job)?]);
    let output = program.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().with_context(|| format!("its testbed ended with {}", output.status))?;
    serde_json::from_str(line).with_context(|| format!("its testbed printed {line:?}"))
}
