//! Kills a process at every instruction of every operation, and looks at what the survivors see.
//!
//! ```text
//!  jacinth-crash                the program that people start: plan, progress, table, JSON     cli, run, report
//!    └─ stage, one an operation its arena, supervisor, survivors and their sleepers; traces    campaign, stage,
//!         │                     and kills                                                      asleep, watchdog
//!         └─ victim, one a kill attaches, prepares, and is stepped through one operation       victim, operation
//!         └─ recoverer          recovers a victim, and is itself stepped through and killed    recoverer
//! ```
//!
//! All three are this program. `code` knows which instructions are the project's, `trace` the way that an operation
//! takes through them, and `tracee` leads a victim along it.
#![deny(unsafe_code)]

mod arena;
pub mod campaign;
mod cli;
mod operation;
pub mod process;
mod sleepers;
pub mod soak;
mod testbed;
mod tracing;

pub use cli::main;
