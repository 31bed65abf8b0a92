//! Finds the longest single call.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result};
use clap::Parser;
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::{Channel, Config, Event, MessageBuf, NullableHandle, Supervisor};
use jacinth_bench::report::plain;
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

/// Finds the longest single create, write, read and close in an arena of default size, by CPU time and by wall-clock time.
///
/// Channels are filled to their limit and drained, and another thread closes every second end; 100,000 events are alive
/// beside them. Two rows are the machine's own: the longest time of an empty interval, and the first touch of a page.
/// Compare with them: wall-clock time includes the CPU's other work, and the thread's CPU time includes interrupts
/// and a hypervisor's share.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// How often everything is done
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    rounds: u64,
}

/// How many events are alive beside everything.
const ALIVE: usize = 100_000;
/// How many channels and events are made and closed in a round.
const WIDTH: usize = 1000;
/// A page, and how many a round touches.
const PAGE_BYTES: usize = 4096;
const PAGES: usize = 1000;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("worst: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let _supervisor = Supervisor::create(&Config::default()).context("making an arena")?;
    let alive = (0..ALIVE).map(|_| Event::try_create()).collect::<Result<Vec<_>, _>>()?;
    let progress = ProgressBar::new(arguments.rounds);
    progress.set_style(ProgressStyle::with_template("{wide_bar} round {pos} of {len}, {eta} left")?);
    let mut longest = Longest::default();
    let (ends, theirs) = channel();
    let closer = std::thread::spawn(move || close_what_comes(&theirs));
    for _ in 0..arguments.rounds {
        longest.round(&ends)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    drop((ends, alive));
    longest.calls.extend(closer.join().expect("the closing thread does not panic"));
    println!("{}", longest.table());
    Ok(())
}

/// Closes the objects that another thread made.
fn close_what_comes(ends: &Receiver<NullableHandle>) -> Vec<Call> {
    let mut longest = Longest::default();
    for end in ends {
        longest.time("close, of another thread's objects", || drop(end));
    }
    longest.calls
}

/// The statistics of the calls of a name.
struct Call {
    name: &'static str,
    times: u64,
    wall_ns: u64,
    cpu_ns: u64,
    /// How many took more than [`BAR_NS`] of CPU time.
    over: u64,
}

/// No single call is to take longer.
const BAR_NS: u64 = 100_000;

#[derive(Default)]
struct Longest {
    calls: Vec<Call>,
}

impl Longest {
    fn time<T>(&mut self, name: &'static str, call: impl FnOnce() -> T) -> T {
        let cpu = clock_gettime(ClockId::ThreadCPUTime);
        let start = Instant::now();
        let done = call();
        let wall_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let cpu_ns = since(cpu);
        let known = match self.calls.iter().position(|call| call.name == name) {
            Some(known) => known,
            None => {
                self.calls.push(Call { name, times: 0, wall_ns: 0, cpu_ns: 0, over: 0 });
                self.calls.len() - 1
            }
        };
        let known = &mut self.calls[known];
        known.times += 1;
        known.wall_ns = known.wall_ns.max(wall_ns);
        known.cpu_ns = known.cpu_ns.max(cpu_ns);
        known.over += u64::from(cpu_ns > BAR_NS);
        done
    }

    fn round(&mut self, ends: &Sender<NullableHandle>) -> Result<()> {
        self.time_the_machine();
        let mut message = MessageBuf::new();
        let long = vec![0x5a; 60_000];
        for _ in 0..WIDTH {
            let event = self.time("Event::try_create", Event::try_create)?;
            self.time("close, an event", || drop(event));
            let (one, other) = self.time("Channel::try_create", Channel::try_create)?;
            self.time("write, the first", || one.write(&[0x5a; 64], &mut []))?;
            self.time("write, 60,000 bytes", || one.write(&long, &mut []))?;
            self.time("read", || other.read(&mut message))?;
            self.time("close, a channel's first end", || drop(one));
            if ends.send(other.into()).is_err() {
                break;
            }
        }
        let (writer, reader) = Channel::try_create()?;
        let mut written = 0;
        while self.time("write, until it is full", || writer.write(&[0x5a; 64], &mut [])).is_ok() {
            written += 1;
        }
        for _ in 0..written {
            self.time("read, until it is empty", || reader.read(&mut message))?;
        }
        Ok(())
    }

    fn time_the_machine(&mut self) {
        let mut pages = vec![0_u8; PAGES * PAGE_BYTES];
        for page in pages.chunks_mut(PAGE_BYTES) {
            self.time("(the machine: an empty interval)", || ());
            self.time("(the machine: first touch of a page)", || *black_box(&mut page[0]) = 1);
        }
    }

    fn table(&self) -> Table {
        const HEADER: [&str; 5] =
            ["call", "times", "longest, CPU time", "over 100 µs", "longest, wall clock"];
        let mut table = plain::table(&HEADER, 1..5);
        for call in &self.calls {
            let in_us = |ns: u64| format!("{:.1} µs", ns as f64 / 1e3);
            table.add_row([
                call.name.to_owned(),
                call.times.to_string(),
                in_us(call.cpu_ns),
                call.over.to_string(),
                in_us(call.wall_ns),
            ]);
        }
        table
    }
}

fn since(before: Timespec) -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let ns = (now.tv_sec - before.tv_sec) * 1_000_000_000 + (now.tv_nsec - before.tv_nsec);
    u64::try_from(ns).unwrap_or_default()
}
