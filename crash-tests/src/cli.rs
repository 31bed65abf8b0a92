//! What can be asked on the command line.

use crate::campaign::{Deed, Orders};
use crate::operation;
use crate::report::{Summary, table};
use crate::run::Plan;
use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::process::ExitCode;
use std::time::Instant;

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

    /// A kill at every N-th instruction, beside those of --quick
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stride: Option<u32>,

    /// Only these operations (may be repeated; a prefix names all that begin with it)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Only at this instruction, as a finding names it; wants --only
    #[arg(long, value_name = "INSTRUCTION", requires = "only")]
    at: Option<usize>,

    /// What to do with the victim there
    #[arg(long, value_enum, default_value = "kill")]
    deed: Deed,

    /// How many stages run at once; as many as there are processors unless said otherwise
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
}

/// The stride of a quick run: a prime, so that it does not keep step with loops.
const QUICK_STRIDE: usize = 97;

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
    if let Some(Role::Stage(orders)) = &arguments.role {
        crate::campaign::run(orders)?;
        return Ok(ExitCode::SUCCESS);
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
    let plan = Plan {
        operations: wanted(&arguments.only)?,
        deed: arguments.deed,
        stride: if arguments.every_instruction {
            1
        } else {
            arguments.stride.map_or(QUICK_STRIDE, |stride| stride as usize)
        },
        changes: !arguments.every_instruction,
        at: arguments.at,
        seed: arguments.seed,
        jobs: arguments
            .jobs
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
            .max(1),
        skip_step: arguments.skip_step,
    };
    let outcomes = plan.carry_out()?;
    println!("{}", table(&outcomes));
    let summary = Summary::of(&outcomes, start.elapsed().as_secs_f64());
    println!("{}", serde_json::to_string(&summary)?);
    Ok(if summary.failures() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The operations of these names or prefixes; all of them when none is given.
fn wanted(only: &[String]) -> Result<Vec<String>> {
    let all: Vec<_> = operation::all().into_iter().map(|operation| operation.name).collect();
    for name in only {
        if !all.iter().any(|operation| operation.starts_with(name)) {
            bail!("no operation is called {name}, or begins like that; --list names them");
        }
    }
    let exact = |name: &String| only.contains(name);
    let prefix = |name: &String| only.iter().any(|only| !all.contains(only) && name.starts_with(only));
    Ok(all.iter().filter(|name| only.is_empty() || exact(name) || prefix(name)).cloned().collect())
}
