//! Counts the instructions that each operation takes, by valgrind's callgrind.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use jacinth::Supervisor;
use jacinth_bench::measure::MeasuredOperation;
use jacinth_bench::measure::jacinth::fifo::{FifoWriteRead, SharedFifoWriteRead};
use jacinth_bench::measure::jacinth::loan::LoanSendRead;
use jacinth_bench::measure::jacinth::many_handles;
use jacinth_bench::measure::jacinth::operation::{
    ChannelCreateClose, DuplicateClose, EventCreateClose, HandleLookup, WriteRead,
};
use jacinth_bench::measure::jacinth::socket::{SocketLook, SocketWriteRead};
use jacinth_bench::report::plain;
use std::process::{Command, ExitCode};

/// Counts the instructions that each operation takes: callgrind counts a process that does it often and one that does
/// it more often, and the difference is divided by the number of times. So neither the load of the machine nor the
/// beginning and the end of the process matters. Needs valgrind.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Do this operation so often, to be counted
    #[arg(long, hide = true, num_args = 2, value_names = ["NAME", "TIMES"])]
    perform: Option<Vec<String>>,
}

/// Does an operation so many times.
type Perform = fn(u64) -> Result<()>;

const OPERATIONS: [(&str, Perform); 10] = [
    ("handle_lookup", perform::<HandleLookup>),
    ("duplicate_close", perform::<DuplicateClose>),
    ("event_create_close", perform::<EventCreateClose>),
    ("channel_create_close", perform::<ChannelCreateClose>),
    ("write_read_64B", perform::<WriteRead>),
    ("loan_1MiB", perform::<LoanSendRead<{ 1 << 20 }>>),
    ("socket_write_read_64B", perform::<SocketWriteRead>),
    ("socket_look", perform::<SocketLook>),
    ("fifo_write_read_512B", perform::<FifoWriteRead>),
    ("shared_fifo_512B", perform::<SharedFifoWriteRead>),
];

/// Before anything is counted: retired objects are reclaimed in batches of 512, which is to happen as often as it
/// does in the long run.
const FEW: u64 = 2 * 1024;
/// And the times that are counted.
const COUNTED: u64 = 8 * 1024;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.perform.as_deref() {
        Some([name, times]) => perform_by_name(name, times),
        _ => count_all(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform_by_name(name: &str, times: &str) -> Result<()> {
    let (_, perform) = OPERATIONS
        .iter()
        .find(|(known, _)| *known == name)
        .with_context(|| format!("no operation {name}"))?;
    let _supervisor = Supervisor::create(&many_handles::config_with_room()).context("making an arena")?;
    perform(times.parse()?)
}

fn perform<O: MeasuredOperation>(times: u64) -> Result<()> {
    let mut operation = O::prepare()?;
    (0..times).try_for_each(|_| operation.once())
}

fn count_all() -> Result<()> {
    let mut table = plain::table(&["operation", "instructions"], 1..2);
    for (name, _) in OPERATIONS {
        let [few, many] = [FEW, FEW + COUNTED].map(|times| count(name, times));
        let each = many?.saturating_sub(few?) as f64 / COUNTED as f64;
        table.add_row([name.to_owned(), format!("{each:.1}")]);
    }
    println!("{table}");
    Ok(())
}

/// The instructions of a process that does the operation so often.
fn count(name: &str, times: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["--perform", name, &times.to_string()])
        .output()
        .context("starting valgrind, which has to be installed (on Debian: apt-get install valgrind)")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed under valgrind:\n{said}");
    let Some((_, count)) = said.lines().find_map(|line| line.split_once("Collected : ")) else {
        bail!("valgrind did not say how many instructions it collected:\n{said}");
    };
    Ok(count.trim().parse()?)
}
