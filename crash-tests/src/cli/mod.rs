//! The command line.

mod plan;
mod report;
mod run;

use crate::campaign::job::Fault;
use crate::operation;
use crate::soak;
use crate::testbed::recovery_step::RecoveryStep;
use crate::tracing::trace::Visit;
use anyhow::Result;
use clap::Parser;
use plan::Request;
use report::{Summary, table};
use std::process::ExitCode;
use std::time::Instant;

/// Testbeds for each processor. Most of the time a victim waits for the kernel: to end it, or to register the next one
/// for memory barriers.
const TESTBEDS_PER_PROCESSOR: usize = 4;

/// Kills processes in the middle of jacinth's operations, lets the supervisor recover them, and checks the
/// survivors' view.
///
/// A victim is run instruction by instruction, and killed before one of them; the next victim before the next; until
/// the operation completes. After each death the survivors go on, the arena is audited, and must hold what it held
/// before. Ends with a table and one line of JSON, and fails if there was a finding.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// One kill for every state that the arena goes through, and a stride over all other instructions (the default)
    #[arg(long)]
    quick: bool,

    /// A kill at every instruction of the project's own code
    #[arg(long, conflicts_with_all = ["quick", "stride"])]
    every_instruction: bool,

    /// Instead: eight processes of random operations, one of them killed every few milliseconds, for so long
    #[arg(long, value_name = "SECONDS", conflicts_with_all = ["quick", "every_instruction", "stride", "only"])]
    soak: Option<u64>,

    /// A kill at every N-th instruction, beside those of --quick
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stride: Option<u32>,

    /// Only these operations (may be repeated; a prefix names all that begin with it)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Only at this kill point, as a finding names it; requires --only
    #[arg(long, value_name = "ADDRESS:TIMES", requires = "only")]
    at: Option<Visit>,

    /// Only this fault; all of them unless given
    #[arg(long, value_enum)]
    fault: Option<Fault>,

    /// With --fault kill-recoverer or kill-leader: at how many places of an operation victims are killed
    #[arg(long, value_name = "N")]
    victims: Option<usize>,

    /// How many testbeds run at once; four for each processor unless given
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// Where strides begin
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: usize,

    /// List the operations, and the guarantee of each
    #[arg(long)]
    list: bool,

    /// Leave one step of recovery out, to see that the harness finds it
    #[arg(long, value_name = "STEP", value_enum)]
    skip_step: Option<RecoveryStep>,
}

impl From<Arguments> for Request {
    fn from(arguments: Arguments) -> Self {
        let Arguments { every_instruction, stride, only, at, fault, victims, seed, skip_step, .. } =
            arguments;
        let stride = stride.map(|stride| stride as usize);
        Self { every_instruction, stride, only, at, fault, victims, seed, skip_step }
    }
}

/// Runs the program that people start.
pub fn main() -> ExitCode {
    exit_code(execute(Arguments::parse()))
}

/// Success is a result without findings.
pub fn exit_code(result: Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("jacinth-crash: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether there was no finding.
fn execute(arguments: Arguments) -> Result<bool> {
    if let Some(seconds) = arguments.soak {
        let report = soak::run(seconds, arguments.seed as u64)?;
        println!("{}", serde_json::to_string(&report)?);
        return Ok(report.is_clean());
    }
    if arguments.list {
        for operation in operation::all() {
            println!("{:24} {}", operation.name, operation.guarantee);
        }
        return Ok(true);
    }
    let start = Instant::now();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = arguments.jobs.unwrap_or(TESTBEDS_PER_PROCESSOR * processors).max(1);
    let results = run::run(&plan::jobs(&arguments.into())?, at_once)?;
    println!("{}", table(&results));
    // Again, and last: the lines printed when they were found are far above.
    for finding in results.iter().flat_map(|result| &result.findings) {
        println!("{finding}");
    }
    let summary = Summary::of(&results, start.elapsed().as_secs_f64());
    println!("{}", serde_json::to_string(&summary)?);
    Ok(summary.failures() == 0)
}
