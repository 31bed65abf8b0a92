//! The outcome of a scenario, its targets, and the table.

use crate::report::plain;
use comfy_table::Table;
use serde::{Deserialize, Serialize};

/// The cost of an operation may grow so much from the first tenth of a scenario to the last.
const MOST_COST: f64 = 1.2;
/// Memory may grow so much from the end of the first tenth to the end of the last,
const MOST_MEMORY: f64 = 1.1;
/// and by so many bytes more. A drained arena takes so much more than an idle one at most.
const SLACK_BYTES: u64 = 8 << 20;

/// The outcome of a scenario. All times are of one operation; all memory is real memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which scenario.
    pub name: String,
    /// How many operations there were.
    pub operations: u64,
    /// The cost of one in the first tenth: the median of the means of ten slices.
    pub ns_first_tenth: f64,
    /// The cost of one in the last tenth, likewise.
    pub ns_last_tenth: f64,
    /// 999 of 1,000 took no longer. Those that were timed together count as equals.
    pub p999_ns: u64,
    /// The time of the longest.
    pub worst_ns: u64,
    /// The private memory of the scenario's processes after the first tenth.
    pub private_bytes_first: u64,
    /// The same after the last.
    pub private_bytes_last: u64,
    /// The memory of the arena before the scenario.
    pub arena_bytes_idle: u64,
    /// The memory of the arena after the first tenth.
    pub arena_bytes_first: u64,
    /// The same after the last.
    pub arena_bytes_last: u64,
    /// The same when everything was closed, and some seconds had passed.
    pub arena_bytes_after_quiet: u64,
}

impl Row {
    /// Whether an operation costs the same at the end as at the beginning.
    pub fn is_cost_flat(&self) -> bool {
        self.ns_last_tenth <= self.ns_first_tenth * MOST_COST
    }

    /// Whether the memory stayed the same, and went back to the system.
    pub fn is_memory_flat(&self) -> bool {
        let grew = |first: u64, last: u64| last as f64 > first as f64 * MOST_MEMORY + SLACK_BYTES as f64;
        !grew(self.private_bytes_first, self.private_bytes_last)
            && !grew(self.arena_bytes_first, self.arena_bytes_last)
            && self.arena_bytes_after_quiet <= self.arena_bytes_idle + SLACK_BYTES
    }

    fn verdict(&self) -> &'static str {
        match (self.is_cost_flat(), self.is_memory_flat()) {
            (true, true) => "flat",
            (false, true) => "cost grows",
            (true, false) => "memory grows",
            (false, false) => "cost and memory grow",
        }
    }
}

/// The rows as the terminal has them.
pub fn table(rows: &[Row]) -> Table {
    const HEADER: [&str; 11] = [
        "scenario",
        "operations",
        "first",
        "last tenth",
        "×",
        "p99.9",
        "worst",
        "private, MiB",
        "arena, MiB",
        "when quiet",
        "",
    ];
    let mut table = plain::table(&HEADER, 1..10);
    for row in rows {
        let from_to = |first, last| format!("{:.1} → {:.1}", in_mebibytes(first), in_mebibytes(last));
        table.add_row([
            row.name.clone(),
            row.operations.to_string(),
            in_time(row.ns_first_tenth),
            in_time(row.ns_last_tenth),
            format!("{:.2}", row.ns_last_tenth / row.ns_first_tenth),
            in_time(row.p999_ns as f64),
            in_time(row.worst_ns as f64),
            from_to(row.private_bytes_first, row.private_bytes_last),
            from_to(row.arena_bytes_first, row.arena_bytes_last),
            from_to(row.arena_bytes_idle, row.arena_bytes_after_quiet),
            row.verdict().to_owned(),
        ]);
    }
    table
}

fn in_time(ns: f64) -> String {
    match ns {
        1e6.. => format!("{:.1} ms", ns / 1e6),
        1e3.. => format!("{:.2} µs", ns / 1e3),
        _ => format!("{ns:.0} ns"),
    }
}

fn in_mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat() -> Row {
        Row {
            name: "a scenario".into(),
            operations: 1000,
            ns_first_tenth: 100.0,
            ns_last_tenth: 100.0,
            p999_ns: 100,
            worst_ns: 100,
            private_bytes_first: 1 << 20,
            private_bytes_last: 1 << 20,
            arena_bytes_idle: 1 << 14,
            arena_bytes_first: 1 << 20,
            arena_bytes_last: 1 << 20,
            arena_bytes_after_quiet: 1 << 20,
        }
    }

    #[test]
    fn a_row_names_each_growth() {
        assert_eq!(flat().verdict(), "flat");
        assert_eq!(Row { ns_last_tenth: 121.0, ..flat() }.verdict(), "cost grows");
        assert_eq!(Row { private_bytes_last: 10 << 20, ..flat() }.verdict(), "memory grows");
        assert_eq!(Row { arena_bytes_last: 10 << 20, ..flat() }.verdict(), "memory grows");
        assert_eq!(Row { arena_bytes_after_quiet: 9 << 20, ..flat() }.verdict(), "memory grows");
    }
}
