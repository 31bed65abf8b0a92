//! Measures everything that RESULTS.md and the project's README tell, and writes it there.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Runs the programs of this package one after another, and writes their tables into bench/RESULTS.md and README.md, each
/// between its marks: `<!-- results: NAME -->` and `<!-- end: NAME -->`. The plots of `compare` go into bench/plots. It
/// takes some twenty minutes, on a machine that does nothing else.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Only this table; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Without Aeron: its C sources need more programs to be built (see RESULTS.md)
    #[arg(long)]
    without_aeron: bool,

    /// List the tables, and measure nothing
    #[arg(long)]
    list: bool,
}

/// A program that prints its tables as Markdown when its output is not a terminal.
struct Program {
    name: &'static str,
    cargo: &'static [&'static str],
}

/// The name of the table that `compare` writes, which also writes the README's.
const COMPARE: &str = "compare";
const SUMMARY: &str = "summary";

const PROGRAMS: [Program; 7] = [
    Program { name: "endurance", cargo: &["run", "--release", "--bin", "endurance"] },
    Program { name: "worst", cargo: &["run", "--release", "--bin", "worst"] },
    Program { name: "death_latency", cargo: &["run", "--release", "--bin", "death_latency"] },
    Program { name: "memory", cargo: &["run", "--release", "--bin", "memory"] },
    Program { name: "instructions", cargo: &["run", "--release", "--bin", "instructions"] },
    Program { name: "traffic", cargo: &["run", "--release", "--bin", "traffic"] },
    Program { name: "c_calls", cargo: &["bench", "--bench", "c_calls"] },
];

fn main() -> ExitCode {
    match refresh(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("results: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn refresh(arguments: &Arguments) -> Result<()> {
    let names = || std::iter::once(COMPARE).chain(PROGRAMS.iter().map(|program| program.name));
    if arguments.list {
        names().for_each(|name| println!("{name}"));
        return Ok(());
    }
    for name in &arguments.only {
        ensure!(names().any(|known| known == name), "no table is called {name}: --list lists them");
    }
    let is_chosen = |name: &str| arguments.only.is_empty() || arguments.only.iter().any(|only| only == name);
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (results, readme) = (package.join("RESULTS.md"), package.join("../README.md"));
    if is_chosen(COMPARE) {
        let (table, summary) = compare(package, arguments.without_aeron)?;
        replace(&results, COMPARE, &table)?;
        replace(&readme, SUMMARY, &summary)?;
    }
    for program in PROGRAMS.iter().filter(|program| is_chosen(program.name)) {
        eprintln!("results: {}", program.name);
        let output = cargo(program.cargo).stderr(Stdio::inherit()).output().context("starting cargo")?;
        ensure!(output.status.success(), "{} failed", program.name);
        replace(&results, program.name, &String::from_utf8(output.stdout)?)?;
    }
    Ok(())
}

/// Cargo for this package.
fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).args(["-p", "jacinth-bench"]);
    command
}

/// The whole tables, and those for the README.
fn compare(package: &Path, without_aeron: bool) -> Result<(String, String)> {
    eprintln!("results: {COMPARE}");
    let folder = std::env::temp_dir();
    let file = |what: &str| -> PathBuf { folder.join(format!("jacinth-{what}-{}.md", std::process::id())) };
    let (table, summary) = (file(COMPARE), file(SUMMARY));
    let mut command = cargo(&["run", "--release", "--bin", COMPARE]);
    if !without_aeron {
        command.args(["--features", "aeron"]);
    }
    command.arg("--").arg("--markdown").arg(&table).arg("--summary").arg(&summary);
    command.arg("--svg").arg(package.join("plots"));
    ensure!(command.stdout(Stdio::null()).status()?.success(), "{COMPARE} failed");
    let [table, summary] = [table, summary].map(|path| -> Result<String> {
        let text = std::fs::read_to_string(&path)?;
        std::fs::remove_file(path)?;
        Ok(text)
    });
    Ok((table?, summary?))
}

/// Replaces the text between the marks of this name.
fn replace(path: &Path, name: &str, with: &str) -> Result<()> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let (begin, end) = (format!("<!-- results: {name} -->\n"), format!("<!-- end: {name} -->"));
    let parts = text.split_once(&begin).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(&end)?;
        Some((before, after))
    });
    let (before, after) = parts.with_context(|| format!("{} has no marks of {name}", path.display()))?;
    let text = format!("{before}{begin}{}\n{end}{after}", with.trim_end());
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
