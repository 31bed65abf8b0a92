//! Weakens each ordering of `shm/src` in turn and runs the models: which of them notices?
//!
//! ```text
//! cargo run -p jacinth-loom-tests --bin mutate            every ordering
//! cargo run -p jacinth-loom-tests --bin mutate -- --only ring.rs --list
//! ```
//!
//! Compiling once for each ordering would take hours. Instead a copy of the sources asks at every ordering, when
//! it runs, whether this is the one to be weakened ([`tree`]): it is compiled once, and run with another answer
//! each time. A first run without any answer tells which orderings a model passes ([`models`]); then each
//! mutant runs only models that pass it, the quickest first, until one fails ([`trial`]). What caught a weakening in an
//! earlier run, or by `loom-tests/MUTANTS.md`, comes before all others.
//!
//! Each verdict is told on stderr as it comes, and is added to `rows.md` in the folder of the copy.

mod models;
mod site;
mod table;
mod tree;
mod trial;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Weakens each ordering of `shm/src` in turn, in a copy, and sees which model notices.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only orderings in this file of shm/src, or in FILE:LINE. May be given several times.
    #[arg(long, value_name = "FILE")]
    only: Vec<String>,
    /// Only models whose names contain this. May be given several times.
    #[arg(long, value_name = "NAME")]
    models: Vec<String>,
    /// Say what would be weakened, and stop.
    #[arg(long)]
    list: bool,
    /// How many models run at once.
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    jobs: usize,
    /// Give a mutant up as a survivor after this long.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    seconds_per_mutant: u64,
    /// Print the table as Markdown.
    #[arg(long)]
    markdown: bool,
    /// Show only the survivors.
    #[arg(long)]
    survivors: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a package in a workspace")?;
    let sources = site::read(&workspace.join("shm/src"))?;
    let mutants: Vec<_> =
        sources.mutants().into_iter().filter(|mutant| is_wanted(mutant, &arguments.only)).collect();
    ensure!(!mutants.is_empty(), "no ordering matches {:?}", arguments.only);
    if arguments.list {
        println!("{}", table::of_mutants(&mutants));
        println!("{}", sources.summary(&mutants));
        return Ok(ExitCode::SUCCESS);
    }
    let target = target_folder()?;
    let binaries = tree::build(workspace, &sources, &target)?;
    let folder = target.join("mutants");
    let mut models = models::list(&binaries)?;
    let wanted = &arguments.models;
    models.retain(|model| wanted.is_empty() || wanted.iter().any(|name| model.name.contains(name)));
    ensure!(!models.is_empty(), "no model matches {wanted:?}");
    let catchers = trial::Catchers::read(&folder, &workspace.join("loom-tests/MUTANTS.md"));
    let limit = Duration::from_secs(arguments.seconds_per_mutant);
    let means = trial::Means { folder: &folder, jobs: arguments.jobs, limit };
    let outcomes = trial::run(&mutants, &models, catchers, means)?;
    let shown: Vec<_> =
        outcomes.iter().filter(|outcome| !arguments.survivors || outcome.survived()).collect();
    if arguments.markdown {
        println!("{}", table::markdown(&shown));
    } else {
        println!("{}", table::of_outcomes(&shown));
    }
    println!("{}", sources.summary(&mutants));
    let survived = outcomes.iter().filter(|outcome| outcome.survived()).count();
    println!("{}", table::score(&outcomes));
    Ok(if survived == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `--only FILE` and `--only FILE:LINE`.
fn is_wanted(mutant: &site::Mutant, only: &[String]) -> bool {
    only.is_empty()
        || only.iter().any(|wanted| match wanted.split_once(':') {
            Some((file, line)) => mutant.site.file == file && mutant.site.line.to_string() == line,
            None => mutant.site.file == *wanted,
        })
}

/// Where this program was built: the copy is built there too, so that both share what they depend on.
fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().and_then(Path::parent).context("a program in a target folder")?;
    Ok(folder.to_path_buf())
}
