//! Counts the stores of a write and of a read, and the cache lines that they move between two processors.

#![forbid(unsafe_code)]

use anyhow::Result;
use clap::{Parser, Subcommand};
use jacinth_bench::report::plain;
use jacinth_bench::traffic::counters;
use jacinth_bench::traffic::exchange::{self, Messages};
use jacinth_bench::traffic::trace;
use std::process::ExitCode;

/// Counts the stores of a write and of a read, the cache lines that they store to, and the lines that move between two
/// processors for a message: every access to memory is traced (by valgrind's lackey) and played on two caches. So the
/// counts are the same on every machine. Where the machine passes its counters on, they are read too, during real round
/// trips.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,

    /// Messages of one size only: to see that it works
    #[arg(long)]
    quick: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Exchange messages, to be traced
    #[command(hide = true, name = trace::SUBCOMMAND)]
    Exchange(Messages),
}

/// The messages: in one line with their header, in two, in a payload block; one by one, and in a stream.
const MESSAGES: [Messages; 6] = [
    Messages { bytes: 56, at_once: 1 },
    Messages { bytes: 64, at_once: 1 },
    Messages { bytes: 120, at_once: 1 },
    Messages { bytes: 1024, at_once: 1 },
    Messages { bytes: 56, at_once: 32 },
    Messages { bytes: 64, at_once: 32 },
];

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.role {
        Some(Role::Exchange(messages)) => exchange::play(messages),
        None => report(if arguments.quick { &MESSAGES[..1] } else { &MESSAGES }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("traffic: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn report(all: &[Messages]) -> Result<()> {
    if trace::is_possible() {
        report_traces(all)?;
    } else {
        println!("Accesses are not traced: valgrind is not installed.");
    }
    report_counters(all)
}

fn report_traces(all: &[Messages]) -> Result<()> {
    let header =
        ["messages", "call", "instructions", "stores", "private lines", "arena lines", "lines moved"];
    let mut table = plain::table(&header, 2..7);
    for messages in all {
        let counts = trace::count(*messages)?;
        let how = if messages.at_once == 1 { "one by one" } else { "32, then read" };
        for (index, (call, tally)) in [("write", &counts.write), ("read", &counts.read)].iter().enumerate() {
            let name = if index == 0 { format!("{} B, {how}", messages.bytes) } else { String::new() };
            let mut cells = vec![name, (*call).to_owned()];
            cells.extend(tally.each().map(|each| format!("{each:.2}")));
            table.add_row(cells);
        }
    }
    println!("{table}");
    println!(
        "\nFor one call. Private lines and arena lines: lines that it stores to, in memory of its process and in the arena. \
         Lines moved: lines of the arena that its processor gets from the other one, or takes from it.\n"
    );
    Ok(())
}

fn report_counters(all: &[Messages]) -> Result<()> {
    let one_by_one = all.iter().filter(|messages| messages.at_once == 1);
    let sizes: Vec<usize> = one_by_one.map(|messages| messages.bytes).collect();
    match counters::count(&sizes)? {
        Ok(counted) => {
            for (bytes, counts) in sizes.iter().zip(counted) {
                let counts: Vec<_> = counts.iter().map(|(name, each)| format!("{each:.2} {name}")).collect();
                println!("{bytes} B, there and back, the asking thread: {}.\n", counts.join(", "));
            }
        }
        Err(reason) => {
            println!("The processor's counters are not read: the machine does not pass them on ({reason}).");
        }
    }
    Ok(())
}
