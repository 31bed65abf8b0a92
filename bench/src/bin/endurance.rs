//! Runs the work of services, for millions of operations, and says whether cost and memory stay flat.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use jacinth_bench::endurance::Scenario;
use jacinth_bench::endurance::outcome::{self, Row};
use jacinth_bench::endurance::peer::Role;
use jacinth_bench::endurance::role;
use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Runs the work of services, for millions of operations, and says whether the cost of an operation and the memory
/// behind it stay flat from the first tenth to the last.
///
/// Each scenario has an arena and a process of its own. No thread is pinned, and all settings are the defaults. Memory that
/// grows makes the run fail; cost that grows is shown, since another program may be its cause: run it again then.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Fewer operations: under two minutes
    #[arg(long)]
    quick: bool,

    /// Run this scenario only; may be given several times [see --list]
    #[arg(long, value_name = "NAME")]
    only: Vec<Scenario>,

    /// List the scenarios, and run none
    #[arg(long)]
    list: bool,

    /// Fail if cost grows, too
    #[arg(long)]
    strict: bool,

    /// Write a row for each scenario to this file as JSON as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Be the process that runs this scenario
    #[arg(long, hide = true)]
    scene: Option<Scenario>,

    #[command(subcommand)]
    role: Option<Role>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match (&arguments.role, arguments.scene) {
        (Some(Role::Peer { part, seed }), _) => role::play(*part, *seed),
        (None, Some(scenario)) => run_here(scenario, arguments.quick),
        (None, None) if arguments.list => {
            list();
            Ok(())
        }
        (None, None) => run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("endurance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for scenario in <Scenario as clap::ValueEnum>::value_variants() {
        println!("{}\n    {}", scenario.name(), scenario.about());
    }
}

/// A line of a scenario's process: its progress, and at last its row.
const PROGRESS: &str = "done ";

fn run_here(scenario: Scenario, quick: bool) -> Result<()> {
    let row = scenario.run(quick, &mut |done| println!("{PROGRESS}{done}"))?;
    println!("{}", serde_json::to_string(&row)?);
    Ok(())
}

fn run(arguments: &Arguments) -> Result<()> {
    let all = <Scenario as clap::ValueEnum>::value_variants();
    let chosen = if arguments.only.is_empty() { all } else { &arguments.only };
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for scenario in chosen {
        match run_elsewhere(*scenario, arguments.quick) {
            Ok(row) => rows.push(row),
            Err(error) => failed.push(format!("{}: {error:#}", scenario.name())),
        }
    }
    println!("{}", outcome::table(&rows));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows)?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n           "));
    let grows = |is_flat: fn(&Row) -> bool| rows.iter().filter(|row| !is_flat(row)).count();
    ensure!(grows(Row::is_memory_flat) == 0, "memory grows in {} scenarios", grows(Row::is_memory_flat));
    ensure!(
        !arguments.strict || grows(Row::is_cost_flat) == 0,
        "cost grows in {} scenarios",
        grows(Row::is_cost_flat)
    );
    Ok(())
}

/// Runs the scenario in a process of its own.
fn run_elsewhere(scenario: Scenario, quick: bool) -> Result<Row> {
    let progress = ProgressBar::new(scenario.operations(quick));
    progress.set_style(ProgressStyle::with_template("{msg:22} {wide_bar} {pos}/{len} {eta:>4} left")?);
    progress.set_message(scenario.name());
    let mut command = Command::new("/proc/self/exe");
    command.args(["--scene", &scenario.name()]).args(quick.then_some("--quick"));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("starting it")?;
    let mut row = None;
    for line in std::io::BufReader::new(child.stdout.take().context("its output")?).lines() {
        let line = line?;
        match line.strip_prefix(PROGRESS) {
            Some(done) => progress.set_position(done.parse().context("how far it is")?),
            None => row = Some(serde_json::from_str(&line).context("its row")?),
        }
    }
    progress.finish_and_clear();
    let status = child.wait()?;
    ensure!(status.success(), "it ended with {status}; its own words are above");
    row.context("it gave no row")
}
