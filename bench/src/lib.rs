//! Jacinth beside the machine's own limit and beside what Linux offers.
//!
//! Three ways to measure live here:
//!
//! * `cargo bench -p jacinth-bench`: criterion, one process, the cost of each operation by itself;
//! * `cargo run --release -p jacinth-bench --bin compare`: two processes on two cores, each figure for jacinth,
//!   for the machine's limit and for the peers, in one run, turn and turn about;
//! * `cargo run --release -p jacinth-bench --bin endurance`: what services do all day, for millions of operations:
//!   whether cost and memory stay flat;
//!
//! and four ways to look closer: `--bin memory`, the real memory that arenas, channels and events take,
//! `--bin instructions`, what callgrind counts, `--bin worst`, the longest single call, and `--bin burial`, the news of
//! deaths while another is buried.
//!
//! | room | what it knows |
//! |---|---|
//! | [`measure`] | one file for each thing measured, both its sides: near (that times) and far (that answers) |
//! | [`row`] | which measurement stands beside which, and the ratio that is asked for |
//! | [`schedule`] | rounds: every measurement once in each, repeated when the machine moved under it |
//! | [`placement`] | pinning, and telling whether the machine moved |
//! | [`partner`], [`link`] | the second process, and the socket that its orders come by |
//! | [`victim`] | a process that is there to be killed |
//! | [`shared`] | plain shared memory for the bare limits; the `unsafe` of the package |
//! | [`endurance`] | what services do all day, and whether it stays flat |
//! | [`report`] | the table, the JSON, the plots |
//! | [`memory`] | the real memory of an arena |
//! | [`plain`] | how a table looks |
//!
//! A new measurement is a file under `measure/` and a word in `row.rs`; nothing else changes.

#![deny(unsafe_code)]

pub mod endurance;
pub mod link;
pub mod machine;
pub mod measure;
pub mod memory;
pub mod partner;
pub mod placement;
pub mod plain;
pub mod report;
pub mod row;
pub mod schedule;
pub mod shared;
pub mod victim;
