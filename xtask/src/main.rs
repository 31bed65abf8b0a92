//! Checks of jacinth's own sources that no compiler makes: `cargo run -p xtask -- layers --help`.

mod invariants;
mod layers;
mod source;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use std::path::Path;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Checks of jacinth's own sources that no compiler makes")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks that the files of each package form layers: no circles, few files in a folder, arrows that run down. Also
    /// checks the names of the tests.
    #[command(after_long_help = HOW_TO_READ)]
    Layers {
        /// Only this package, by its folder (`capi/calls`) or its name (`jacinth-capi-calls`).
        #[arg(long)]
        package: Option<String>,
        /// Prints the findings and never fails.
        #[arg(long)]
        report: bool,
        /// Prints the arrows between files for Graphviz instead.
        #[arg(long)]
        graph: bool,
    },
    /// Writes docs/invariants.md: the invariants by number, from the comments that state them.
    Invariants {
        /// Checks that the page is up to date instead.
        #[arg(long)]
        check: bool,
    },
}

const HOW_TO_READ: &str = "\
How to read it

An arrow runs from a file to each file that it needs:
  import  it names something of the other, in a `use` or in a path (`crate::a::X`, `super::X`). A name that comes
          through a re-export counts twice: to the file that re-exports it and to the file that defines it.
  call    it calls a method that stands in the other file, while the method's type is declared in a third one.
          Such a call needs no import, so nothing else shows it.
A file that only declares `mod` and re-exports what lies below it has no arrow for that. Tests make no arrows.

The table: files, folders, entries of `src`, most files in one folder, lines of the longest file; arrows; files in
circles of imports, and in circles of imports and calls together (15+2: one of 15 files and one of 2); methods placed
away from their type; arrows that run up.

Rules, each with its place, what is wrong and what to do:
  1. no circle of imports, none of imports and calls;
  2. at most 12 entries in a package's `src`, at most 12 files in a folder, at most 500 lines in a file;
  3. a name that the crate root re-exports is imported from the file that defines it;
  4. arrows run down, where a package has a `layers.txt` beside its Cargo.toml: one floor a line, the lowest first,
     with the names of files (without .rs) and folders of `src` (also `folder/file`; the longest name counts). A file
     may need its own floor and lower ones. `#` starts a comment.
  5. a folder's path, with `-` for `/`, is its package's name without the prefix `jacinth-`;
  6. the name of a test, in `src` and in `tests`, has 3 to 7 words; `child_main` is no test of its own.

A method's receiver is known where it is `self`, a field, a parameter, a plain `let` or the result of one of the
package's functions; else a name counts only if one type has it and the standard library does not.
The exit code is 1 when a rule is broken; with --report it is 0.";

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Layers { package, report, graph } => {
            let broken = layers::run(layers::Wanted { package: package.as_deref(), graph })?;
            if broken == 0 || report || graph {
                return Ok(ExitCode::SUCCESS);
            }
            eprintln!("\nlayers: {broken} broken");
        }
        Command::Invariants { check } => {
            let workspace =
                Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a package in a workspace")?;
            let faults = invariants::run(workspace, check)?;
            if faults.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            faults.iter().for_each(|fault| eprintln!("{fault}"));
        }
    }
    Ok(ExitCode::FAILURE)
}
