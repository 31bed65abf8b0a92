//! The processor's own counters during round trips between two threads, each on a processor of its own.

use crate::machine::placement::{self, Cores};
use anyhow::{Context as _, Result, anyhow};
use jacinth::{Channel, Config, OnOverflow, Status, Supervisor};
use perf_event::events::{Cache, CacheOp, CacheResult, Hardware, WhichCache};
use perf_event::{Builder, Counter};
use procfs::{CpuInfo, Current as _};
use std::io;

/// The round trips that are counted.
const TRIPS: u64 = 100_000;
/// The round trips before them.
const WARM_UP_TRIPS: u64 = 10_000;

/// An event that processors count.
struct Event {
    name: &'static str,
    open: fn() -> io::Result<Counter>,
}

const EVENTS: [Event; 5] = [
    Event { name: "instructions", open: || Builder::new().kind(Hardware::INSTRUCTIONS).build() },
    Event {
        name: "first-level misses of loads",
        open: || {
            let (which, operation, result) = (WhichCache::L1D, CacheOp::READ, CacheResult::MISS);
            Builder::new().kind(Cache { which, operation, result }).build()
        },
    },
    // Intel: what the core's own caches did not have.
    Event { name: "last-level references", open: || Builder::new().kind(Hardware::CACHE_REFERENCES).build() },
    Event { name: "last-level misses", open: || Builder::new().kind(Hardware::CACHE_MISSES).build() },
    Event { name: "loads of a line that another core had modified", open: open_forwarded_loads },
];

/// MEM_LOAD_L3_HIT_RETIRED.XSNP_FWD (earlier XSNP_HITM) of Intel's server processors.
fn open_forwarded_loads() -> io::Result<Counter> {
    const RAW: u32 = 4;
    let cpuinfo = CpuInfo::current().map_err(io::Error::other)?;
    if cpuinfo.vendor_id(0) != Some("GenuineIntel") {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut builder = Builder::new();
    let attributes = builder.attrs_mut();
    (attributes.type_, attributes.config) = (RAW, 0x04d2);
    builder.build()
}

/// The events of one thread for each round trip, by name.
pub type Counts = Vec<(&'static str, f64)>;

/// Counts round trips of messages of each of these sizes: the thread that asks. Otherwise gives the system's reason why
/// this program gets no counters.
pub fn count(sizes: &[usize]) -> Result<io::Result<Vec<Counts>>> {
    let mut counters = Vec::new();
    let mut refused = None;
    for event in &EVENTS {
        match (event.open)() {
            Ok(counter) => counters.push((event.name, counter)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    if let (true, Some(error)) = (counters.is_empty(), refused) {
        return Ok(Err(error));
    }
    let Some(cores) = Cores::choose()? else {
        return Ok(Err(io::Error::other("there is one processor only")));
    };
    // Made before this thread is pinned, so that the supervisor's threads are not.
    let _supervisor = Supervisor::create(&Config::default()).context("making an arena")?;
    placement::pin(cores.near)?;
    sizes.iter().map(|bytes| round_trips(*bytes, cores, &mut counters)).collect::<Result<_>>().map(Ok)
}

fn round_trips(
    message_bytes: usize,
    cores: Cores,
    counters: &mut [(&'static str, Counter)],
) -> Result<Counts> {
    let (asking, answering) = Channel::try_create()?;
    std::thread::scope(|threads| {
        let answerer = threads.spawn(move || answer(&answering, cores, message_bytes));
        let mut bytes = vec![0x5a; message_bytes];
        let mut ask = |trips| -> Result<()> {
            for _ in 0..trips {
                asking.write(&bytes, &mut [])?;
                receive(&asking, &mut bytes)?;
            }
            Ok(())
        };
        ask(WARM_UP_TRIPS)?;
        let mut before = Vec::new();
        for (_, counter) in &mut *counters {
            before.push(counter.read_count_and_time()?);
            counter.enable()?;
        }
        ask(TRIPS)?;
        let counts = counters
            .iter_mut()
            .zip(before)
            .map(|((name, counter), before)| {
                counter.disable()?;
                let after = counter.read_count_and_time()?;
                // A processor with few counters counts the events in turns.
                let ran = (after.time_running - before.time_running) as f64;
                let share = ran / (after.time_enabled - before.time_enabled) as f64;
                Ok((*name, (after.count - before.count) as f64 / share / TRIPS as f64))
            })
            .collect::<Result<Counts>>()?;
        drop(asking);
        answerer.join().map_err(|_| anyhow!("the answering thread panicked"))??;
        Ok(counts)
    })
}

/// Sends every message back until the other end is closed.
fn answer(channel: &Channel, cores: Cores, message_bytes: usize) -> Result<()> {
    placement::pin(cores.far)?;
    let mut bytes = vec![0; message_bytes];
    while receive(channel, &mut bytes)? {
        match channel.write(&bytes, &mut []) {
            Ok(()) => {}
            Err(Status::PEER_CLOSED) => break,
            Err(status) => return Err(status.into()),
        }
    }
    Ok(())
}

/// Reads until there is a message. `false` when the other end is closed.
fn receive(channel: &Channel, into: &mut [u8]) -> Result<bool> {
    loop {
        match channel.read_into(OnOverflow::Keep, into, &mut []).to_result() {
            Ok(_) => return Ok(true),
            Err(Status::SHOULD_WAIT) => {}
            Err(Status::PEER_CLOSED) => return Ok(false),
            Err(status) => return Err(status.into()),
        }
    }
}
