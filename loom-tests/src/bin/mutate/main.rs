//! Weakens each ordering of `shm/src` in turn and runs the models: which of them notices?
//!
//! ```text
//! cargo run -p jacinth-loom-tests --bin mutate            every ordering
//! cargo run -p jacinth-loom-tests --bin mutate -- --only ring.rs --list
//! ```
//!
//! Compiling once for each ordering would take hours. Instead a copy of the sources asks at every ordering, when it runs,
//! whether this is the one to weaken ([`tree`]). The copy is compiled once, and run with another answer each time. A first
//! run without an answer shows which orderings a model passes ([`reach`]). Then each mutant runs only the models that
//! pass it, the quickest first, until one fails ([`trial`]). A model that caught the mutant in an earlier run, or in
//! `loom-tests/MUTANTS.md`, comes before all others ([`catchers`]).
//!
//! Each verdict is printed on stderr as it comes, and is added to `rows.md` in the folder of the copy.

mod catchers;
mod model;
mod progress;
mod reach;
mod runner;
mod site;
mod table;
mod tree;
mod trial;
mod verdict;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Weakens each ordering of `shm/src` in turn, in a copy, and sees which model notices.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only orderings in this file or folder of shm/src, or at FILE:LINE. May be given several times.
    #[arg(long, value_name = "FILE")]
    only: Vec<String>,
    /// Only models with this in their names. May be given several times.
    #[arg(long, value_name = "NAME")]
    models: Vec<String>,
    /// Only models of this file of tests. The other files are not compiled. May be given several times.
    #[arg(long, value_name = "FILE")]
    test: Vec<String>,
    /// Print the orderings that would be weakened, and stop.
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
        println!("{}", table::of_exceptions(&sources.exceptions));
        println!("{}", sources.summary(&mutants));
        return Ok(ExitCode::SUCCESS);
    }
    let target = target_folder()?;
    let binaries = tree::build(workspace, &sources, &target, &arguments.test)?;
    let folder = target.join("mutants");
    let mut models = model::list(&binaries)?;
    let wanted = &arguments.models;
    models.retain(|model| wanted.is_empty() || wanted.iter().any(|name| model.name.contains(name)));
    ensure!(!models.is_empty(), "no model matches {wanted:?}");
    let catchers = catchers::Catchers::read(&folder, &workspace.join("loom-tests/MUTANTS.md"));
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

/// `--only FILE`, `--only FOLDER` and `--only FILE:LINE`. A file's name alone is enough: `set.rs` is `signal/set.rs`.
fn is_wanted(mutant: &site::Mutant, only: &[String]) -> bool {
    let file = Path::new(&mutant.site.file);
    let is_of = |wanted: &str| file.ends_with(wanted) || file.starts_with(wanted);
    only.is_empty()
        || only.iter().any(|wanted| match wanted.split_once(':') {
            Some((wanted, line)) => is_of(wanted) && mutant.site.line.to_string() == line,
            None => is_of(wanted),
        })
}

/// The folder in which this program was built. The copy is built there too, so that both share their dependencies.
fn target_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().and_then(Path::parent).context("a program in a target folder")?;
    Ok(folder.to_path_buf())
}
