//! Measures jacinth between two processes, beside the machine's own limit and beside its peers.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::Supervisor;
use jacinth_bench::machine::Machine;
use jacinth_bench::machine::placement::Cores;
use jacinth_bench::measure::{Effort, jacinth::many_handles};
use jacinth_bench::process::{team, victim};
use jacinth_bench::report::{self, Report};
use jacinth_bench::row::{self, Row, rows};
use jacinth_bench::run::schedule::{self, Plan};
use jacinth_bench::run::{member, partner};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Measures jacinth between two processes pinned to two processors, beside the machine's own limit (a bare ring, a bare
/// futex, a bare cache line, bare system calls) and beside its peers: iceoryx2, ipc-channel, Unix sockets, pipes, Aeron's
/// IPC if it was built with the feature `aeron`, and inside one process crossbeam-channel and rtrb. Rows of calls (`rpc_…`)
/// have a server process and up to 50 client processes, those of shared sockets (`socket_shared_4…`) two writers and two
/// readers, none of them pinned.
///
/// Every run measures the limits of the machine too, with which figures of two machines can be laid side by side. Every
/// round measures everything once, turn and turn about; an attempt during which the machine moved a process or
/// stole its time is repeated. The full run takes some seven minutes, more on a busy machine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Fewer and shorter rounds: under two minutes, rougher figures
    #[arg(long)]
    quick: bool,

    /// Measure this row only; may be given several times [see --list]
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Rounds, instead of 25 (with --quick 5, and 2 of calls)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,

    /// List the rows with their measurements, and measure none
    #[arg(long)]
    list: bool,

    /// Write the figures to this file as JSON as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Write the table to this file as Markdown as well
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,

    /// Write the ratios of the main rows to this file as Markdown as well, for the project's README
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,

    /// Draw the figures into this folder as well: an SVG file for each row, and one of all targets
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,

    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Subcommand)]
enum Role {
    /// Be the second process of a run
    #[command(hide = true, name = partner::SUBCOMMAND)]
    Partner {
        #[arg(long)]
        cpu: Option<usize>,
    },
    /// Be the server or a client of a measurement
    #[command(hide = true, name = team::SUBCOMMAND)]
    Member {
        #[command(flatten)]
        seat: team::Seat,
    },
    /// Be a process that is to be killed
    #[command(hide = true, name = victim::SUBCOMMAND)]
    Victim {
        #[arg(long)]
        cpu: Option<usize>,
        #[command(flatten)]
        workload: victim::Workload,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.role {
        Some(Role::Partner { cpu }) => partner::play(cpu),
        Some(Role::Member { seat }) => member::play(&seat),
        Some(Role::Victim { cpu, workload }) => victim::play(cpu, workload),
        None if arguments.list => {
            list();
            Ok(())
        }
        None => measure(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for row in rows() {
        println!("{}\n    {}", row.name, row.about);
        let beside: Vec<_> = row.measurements().skip(1).map(|one| one.who()).collect();
        println!("    beside {}", beside.join(", "));
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let rows = chosen(&arguments.only)?;
    let (rounds, effort) = if arguments.quick { (5, Effort::QUICK) } else { (25, Effort::FULL) };
    let unpinned_rounds = if arguments.quick && arguments.rounds.is_none() { 2 } else { u32::MAX };
    let rounds = arguments.rounds.unwrap_or(rounds);
    let measurements = row::measurements(rows.iter().copied());
    let plan = Plan { measurements, rounds, unpinned_rounds, effort };
    if Cores::choose()?.is_none() {
        eprintln!(
            "There is one processor only: both processes share it, and spinning measures the scheduler."
        );
    }

    let machine = Machine::look();
    // Made before this thread is pinned, so that the supervisor's thread is not.
    let supervisor = Supervisor::create(&many_handles::config_with_room()).context("making an arena")?;
    let progress =
        ProgressBar::new(plan.measurements.iter().map(|one| u64::from(plan.rounds_of(*one))).sum());
    progress.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg:42} {eta:>4} left")?);
    let outcome = schedule::run(&plan, &supervisor, |round, name| {
        progress.set_message(format!("round {} {name}", round + 1));
        progress.inc(1);
    })?;
    progress.finish_and_clear();
    supervisor.collect().context("collecting what the second process left")?;
    let audit = supervisor.audit();

    let report = Report { machine, rounds, rows, outcome };
    print!("{}", report::table(&report));
    if let Some(path) = &arguments.json {
        write(path, &(serde_json::to_string_pretty(&report::json(&report))? + "\n"))?;
    }
    if let Some(path) = &arguments.markdown {
        write(path, &report::markdown(&report))?;
    }
    if let Some(path) = &arguments.summary {
        write(path, &report::summary(&report))?;
    }
    if let Some(folder) = &arguments.svg {
        report::plots(&report, folder)?;
    }
    let failed = report.outcome.figures.values().filter(|figure| figure.is_err()).count();
    ensure!(failed == 0, "{failed} of the measurements failed: see the table");
    ensure!(audit.is_clean(), "the arena is not clean after the run: {audit}");
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// The rows that `--only` names, all when it names none.
fn chosen(only: &[String]) -> Result<Vec<&'static Row>> {
    for name in only {
        ensure!(rows().any(|row| row.name == name), "no row is called {name}: --list lists them");
    }
    Ok(rows().filter(|row| only.is_empty() || only.iter().any(|name| name == row.name)).collect())
}
