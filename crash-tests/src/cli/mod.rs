//! What can be asked on the command line.

mod report;
mod run;

use crate::campaign::{Deed, Orders};
use crate::cli::report::{Summary, table};
use crate::cli::run::Plan;
use crate::operation::{self, Operation};
use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::time::Instant;

/// Stages for each processor: most of the time a victim waits for the kernel to see it off, or to register the next one for
/// memory barriers.
const STAGES_A_PROCESSOR: usize = 4;

/// Kills processes in the middle of jacinth's operations, lets the supervisor recover what they leave, and looks at
/// what the survivors see.
///
/// A victim is run instruction by instruction, and killed before one of them; the next victim before the next; until
/// the operation completes. After each death the survivors go on, the arena is audited, and must hold what it held
/// before. Ends with a table and one line of JSON, and fails if anything was found.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
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

    /// Only at this instruction, as a finding names it; wants --only
    #[arg(long, value_name = "INSTRUCTION", requires = "only")]
    at: Option<usize>,

    /// What to do with victims there; all of it unless said otherwise
    #[arg(long, value_enum)]
    deed: Option<Deed>,

    /// With --deed kill-twice: at how many places of an operation victims are killed
    #[arg(long, value_name = "N")]
    victims: Option<usize>,

    /// How many stages run at once; four for each processor unless said otherwise
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,

    /// Where strides begin
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: usize,

    /// Name the operations, and what a survivor may see of each
    #[arg(long)]
    list: bool,

    /// Leave one step of recovery out, to see that the harness notices
    #[arg(long, value_name = "STEP")]
    skip_step: Option<String>,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// One stage: started by the program itself
    #[command(hide = true)]
    Stage(Orders),
    /// One death of a supervisor: started by the program itself
    #[command(hide = true)]
    Office(crate::campaign::leader_crash::Orders),
    /// A few seconds of a soak: started by the program itself
    #[command(hide = true)]
    SoakEpoch {
        #[arg(long)]
        seconds: f64,
        #[arg(long)]
        seed: u64,
    },
}

/// The stride of a quick run: a prime, so that it does not keep step with loops.
const QUICK_STRIDE: usize = 97;

/// In a quick run: at how many places of an operation victims are killed that does what another does, by other calls.
const QUICK_AGAIN: usize = 60;

/// In a quick run: how many recoverers and how many supervisors are killed of one victim's, and how many
/// victims are stopped, an operation.
const QUICK_TWICE: usize = 40;
const QUICK_STOPS: usize = 4;
const QUICK_OFFICES: usize = 8;
/// The same in a run of every instruction: recoverers are killed at each state that they take the arena through, and
/// at a stride over all other instructions.
const EVERY_STRIDE_TWICE: usize = 17;
const EVERY_STOPS: usize = 40;
const EVERY_OFFICES: usize = 500;

/// Runs the program.
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("jacinth-crash: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    match &arguments.role {
        Some(Role::Stage(orders)) => return crate::campaign::run(orders).map(|()| ExitCode::SUCCESS),
        Some(Role::Office(orders)) => {
            return crate::campaign::leader_crash::run(orders).map(|()| ExitCode::SUCCESS);
        }
        Some(Role::SoakEpoch { seconds, seed }) => {
            return crate::soak::epoch::run(*seconds, *seed).map(|()| ExitCode::SUCCESS);
        }
        None => {}
    }
    if let Some(seconds) = arguments.soak {
        let soaked = crate::soak::soak(seconds, arguments.seed as u64)?;
        println!("{}", serde_json::to_string(&soaked)?);
        return Ok(if soaked.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if arguments.list {
        for operation in operation::all() {
            println!("{:24} {}", operation.name, operation.claim);
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(name) = &arguments.skip_step {
        crate::campaign::step(name)?;
    }
    let start = Instant::now();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = arguments.jobs.unwrap_or(STAGES_A_PROCESSOR * processors).max(1);
    let plan = Plan { jobs: jobs(&arguments)?, at_once };
    let outcomes = plan.carry_out()?;
    println!("{}", table(&outcomes));
    let summary = Summary::of(&outcomes, start.elapsed().as_secs_f64());
    println!("{}", serde_json::to_string(&summary)?);
    Ok(if summary.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is to be done, deed by deed.
fn jobs(arguments: &Arguments) -> Result<Vec<Orders>> {
    let deeds = match arguments.deed {
        Some(deed) => vec![deed],
        // A place to reproduce a finding is one of a kill's, unless it says otherwise; so is a step to leave out.
        None if arguments.at.is_some() || arguments.skip_step.is_some() => vec![Deed::Kill],
        None => vec![Deed::Kill, Deed::KillTwice, Deed::KillSupervisor, Deed::Stop],
    };
    let every = arguments.every_instruction;
    let mut jobs = Vec::new();
    for deed in deeds {
        for operation in wanted(&arguments.only, deed)? {
            // All the operations are done twice over only when nothing says which.
            if matches!(deed, Deed::KillTwice | Deed::KillSupervisor)
                && arguments.deed.is_none()
                && !operation.is_rich
            {
                continue;
            }
            let (stride, changes, most) = match deed {
                Deed::Kill if every => (1, false, None),
                Deed::Kill => (QUICK_STRIDE, true, operation.is_again.then_some(QUICK_AGAIN)),
                Deed::KillTwice if every => (EVERY_STRIDE_TWICE, true, None),
                Deed::KillTwice => (usize::MAX, true, Some(QUICK_TWICE)),
                Deed::KillSupervisor => {
                    (usize::MAX, true, Some(if every { EVERY_OFFICES } else { QUICK_OFFICES }))
                }
                Deed::Stop => (QUICK_STRIDE, true, Some(if every { EVERY_STOPS } else { QUICK_STOPS })),
            };
            let (stride, most) = arguments.stride.map_or((stride, most), |stride| (stride as usize, None));
            jobs.push(Orders {
                operation: operation.name,
                deed,
                stride,
                changes,
                seed: arguments.seed,
                most,
                victims: arguments.victims.unwrap_or(if every { 3 } else { 1 }).max(1),
                at: arguments.at,
                skip_step: arguments.skip_step.clone(),
            });
        }
    }
    Ok(jobs)
}

/// The operations of these names or prefixes with which this can be done; all of them when none is given.
fn wanted(only: &[String], deed: Deed) -> Result<Vec<Operation>> {
    let all = operation::all();
    for name in only {
        if !all.iter().any(|operation| operation.name.starts_with(name)) {
            bail!("no operation is called {name}, or begins like that; --list names them");
        }
    }
    let exact: Vec<_> = only.iter().filter(|only| all.iter().any(|known| known.name == **only)).collect();
    let is_wanted = |name: &String| {
        let named = |only: &String| name == only || !exact.contains(&only) && name.starts_with(only);
        only.is_empty() || only.iter().any(named)
    };
    let fitting = |operation: &Operation| deed.fits(operation) && is_wanted(&operation.name);
    Ok(operation::all().into_iter().filter(fitting).collect())
}
