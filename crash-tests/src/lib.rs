//! Kills a process at every instruction of every operation, and checks the survivors' view.
//!
//! ```text
//!  cli        the program that people start: plan, progress, table, JSON
//!  campaign   all faults of one operation: which kill points, in which order
//!  testbed    one arena, its survivor, and one victim after another; the checks
//!  process    the other roles: victim, recoverer, initial leader
//!  operation  the victims' actions, and the guarantees to the survivors
//!  tracing    single-stepping by ptrace, and which instruction is a kill point
//!  sleepers   threads of the survivor that sleep when a victim dies
//!  ports      the calls on ports
//!  arena      the arena's limits, and its contents
//!  soak       beside all this: random operations and random kills
//! ```
//!
//! Each imports from those below it only. All processes are this program, in different roles.
#![deny(unsafe_code)]

mod arena;
mod campaign;
mod cli;
mod operation;
mod ports;
mod process;
mod sleepers;
mod soak;
mod testbed;
mod tracing;

use campaign::leader_crash;
use process::{leader, recoverer, victim};
use std::process::ExitCode;

/// Plays the role that the arguments name; without one, runs the program that people start.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [victim::ROLE, operation] => victim::play(operation),
        [recoverer::ROLE, supervisor, dead] => recoverer::play(supervisor, dead),
        [leader::ROLE] => leader::play(&arena::config()),
        [soak::worker::ROLE, seed] => soak::worker::play(seed),
        [soak::arena_run::LEADER_ROLE] => leader::play(&soak::arena_run::config()),
        [soak::arena_run::ROLE, job] => soak::arena_run::run(job),
        [campaign::ROLE, job] => campaign::run(job),
        [leader_crash::ROLE, job] => leader_crash::run(job),
        _ => return cli::main(),
    };
    cli::exit_code(result.map(|()| true))
}
