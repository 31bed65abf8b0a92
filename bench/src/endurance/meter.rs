//! Times operations slice by slice, and reads memory after the first tenth and after the last.

use super::outcome::Row;
use crate::machine::memory;
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

/// Into how many slices the operations are divided.
const SLICES: u64 = 100;
/// Slices of a tenth.
const TENTH: usize = (SLICES / 10) as usize;

/// A longer time counts as this one.
const LONGEST_NS: u64 = 1_000_000_000_000;

/// The memory behind a scenario at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// The private memory of the scenario's processes.
    private_bytes: u64,
    /// The real memory of the arena's file.
    arena_bytes: u64,
}

/// See the module's page.
pub struct Meter<'a> {
    operations: u64,
    done: u64,
    /// Nanoseconds and operations of the slice at hand.
    slice: (u128, u64),
    /// The mean cost of an operation in each slice that is over, in nanoseconds.
    slices: Vec<f64>,
    each_ns: Histogram<u64>,
    /// Processes with private memory that counts, beside this one.
    others: Vec<u32>,
    /// How long everything rests before memory is read.
    rest: Duration,
    idle_bytes: u64,
    first: Memory,
    last: Memory,
    progress: &'a mut dyn FnMut(u64),
}

impl<'a> Meter<'a> {
    /// Counts so many operations, in an arena that is idle now.
    pub fn new(operations: u64, progress: &'a mut dyn FnMut(u64)) -> Result<Self> {
        Ok(Self {
            operations,
            done: 0,
            slice: (0, 0),
            slices: Vec::new(),
            each_ns: Histogram::new_with_bounds(1, LONGEST_NS, 2)?,
            others: Vec::new(),
            rest: Duration::ZERO,
            idle_bytes: memory::of_arena()?,
            first: Memory::default(),
            last: Memory::default(),
            progress,
        })
    }

    /// From now on the private memory of these processes counts beside this one's.
    pub fn count_memory_of(&mut self, processes: Vec<u32>) {
        self.others = processes;
    }

    /// Waits for so long before memory is read: some of it goes back only when the arena is quiet.
    pub fn rest_before_reading(&mut self, rest: Duration) {
        self.rest = rest;
    }

    /// Whether all operations are done.
    pub fn is_over(&self) -> bool {
        self.done >= self.operations
    }

    /// Times `work`, which is `count` operations.
    pub fn time<T>(&mut self, count: u64, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let worked = work()?;
        let took = start.elapsed().as_nanos();
        let each = u64::try_from(took).unwrap_or(u64::MAX) / count.max(1);
        self.each_ns.saturating_record_n(each, count.max(1));
        let (ns, operations) = (self.slice.0 + took, self.slice.1 + count);
        self.slice = (ns, operations);
        self.done += count;
        // One piece of work may end several slices.
        let over = (self.done.min(self.operations) * SLICES / self.operations) as usize;
        let before = self.slices.len();
        if over > before {
            self.slices.resize(over, ns as f64 / operations.max(1) as f64);
            self.slice = (0, 0);
            (self.progress)(self.done.min(self.operations));
            if before < TENTH && over >= TENTH {
                self.first = self.memory()?;
            }
            if over == SLICES as usize {
                self.last = self.memory()?;
            }
        }
        Ok(worked)
    }

    fn memory(&self) -> Result<Memory> {
        std::thread::sleep(self.rest);
        let mut private_bytes = memory::private_of(std::process::id())?;
        for process in &self.others {
            private_bytes += memory::private_of(*process)?;
        }
        Ok(Memory { private_bytes, arena_bytes: memory::of_arena()? })
    }

    /// The row, once the scenario has let go of everything. Leaves the arena alone for so long first.
    pub fn finish(self, name: String, quiet: Duration) -> Result<Row> {
        ensure!(self.is_over(), "{name} did {} operations of {}", self.done, self.operations);
        std::thread::sleep(quiet);
        let (first_tenth, last_tenth) = (&self.slices[..TENTH], &self.slices[self.slices.len() - TENTH..]);
        Ok(Row {
            name,
            operations: self.done,
            ns_first_tenth: median(first_tenth),
            ns_last_tenth: median(last_tenth),
            p999_ns: self.each_ns.value_at_quantile(0.999),
            worst_ns: self.each_ns.max(),
            private_bytes_first: self.first.private_bytes,
            private_bytes_last: self.last.private_bytes,
            arena_bytes_idle: self.idle_bytes,
            arena_bytes_first: self.first.arena_bytes,
            arena_bytes_last: self.last.arena_bytes,
            arena_bytes_after_quiet: memory::of_arena()?,
        })
    }
}

/// Of the means of a tenth's slices. One slice that another program disturbed does not move it.
fn median(slices: &[f64]) -> f64 {
    let mut sorted = slices.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
