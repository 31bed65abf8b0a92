//! Jacinth beside the machine's own limit and beside other ways to communicate on Linux.
//!
//! Three ways to measure live here:
//!
//! * `cargo bench -p jacinth-bench`: criterion, one process, the cost of each operation by itself;
//! * `cargo run --release -p jacinth-bench --bin compare`: two processes on two cores, each figure for jacinth,
//!   for the machine's limit and for the peers, in one run, turn and turn about; and calls from many processes to one;
//! * `cargo run --release -p jacinth-bench --bin endurance`: the work of services, for millions of operations:
//!   whether cost and memory stay flat;
//!
//! and five ways to look closer: `--bin memory`, the real memory that arenas, channels and events take,
//! `--bin instructions`, callgrind's counts, `--bin traffic`: stores and cache lines of a message, `--bin worst`, the longest single call, and `--bin death_latency`,
//! how late a death is known during the recovery of another.
//!
//! | folder | contents |
//! |---|---|
//! | [`measure`] | one file for each thing measured, with both its sides: the near one times, the far one answers |
//! | [`row`] | which measurement stands beside which, and the target for their ratio |
//! | [`run`] | rounds: every measurement once in each, repeated when the machine changed; the process of the far sides |
//! | [`process`] | the socket between the two processes, the processes of calls, and a process to kill |
//! | [`machine`] | its name for reports, pinning, whether it changed during a measurement, the real memory of an arena |
//! | [`endurance`] | millions of operations of a service, and whether cost and memory stay flat |
//! | [`traffic`] | every access to memory of a write and a read, traced; and the processor's counters |
//! | [`report`] | the tables, the JSON, the plots |
//!
//! `measure/limit/shared_memory.rs` has nearly all the `unsafe` of the package.
//!
//! A new measurement is a file under `measure/`, and its row in the file of its object in `row/`.

#![deny(unsafe_code)]

pub mod endurance;
pub mod machine;
pub mod measure;
pub mod process;
pub mod report;
pub mod row;
pub mod run;
pub mod traffic;
