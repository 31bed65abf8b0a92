//! A recoverer: a process that recovers one dead process step by step, and is killed in the middle.
//!
//! The testbed's own supervisor cannot be killed without the testbed. So the recoverer is a process of its own, in a
//! slot that it was spawned into. Like every supervisor it calls the recovery of `jacinth-shm`, for a victim that
//! stands at its kill point and will not execute another instruction. Then both are killed, and the testbed's
//! supervisor is the successor: it finds a dead process half recovered, and a dead supervisor.

use crate::arena::direct;
use crate::process::parent_death::die_with_parent;
use anyhow::{Context as _, Result};
use jacinth::SLOT_VARIABLE;
use jacinth_shm::{ProcessSlot, Thread};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use procfs::process::Process;
use std::ffi::OsStr;
use std::process::Command;

/// The role. The process that has the arena open and the dead process's slot follow.
pub const ROLE: &str = "recoverer";

/// The program that recovers the process `victim`.
pub fn program(victim: i32) -> Result<Command> {
    let environment = Process::new(victim)?.environ().context("the victim's environment")?;
    let slot = environment.get(OsStr::new(SLOT_VARIABLE)).context("the victim was spawned into no slot")?;
    let mut program = Command::new("/proc/self/exe");
    program.args([ROLE, &std::process::id().to_string()]).arg(slot);
    Ok(program)
}

/// Recovers the process of the slot `dead`, with a stop before and after.
pub fn play(supervisor: &str, dead: &str) -> ! {
    die_with_parent();
    ptrace::traceme().expect("asking to be traced");
    // The supervisor does not watch a process that attaches by itself before its spawner has reported it.
    raise(Signal::SIGSTOP).expect("stopping before the attachment");
    let (thread, dead) = prepare(supervisor, dead).expect("a recoverer's place in the arena");
    raise(Signal::SIGSTOP).expect("stopping before the recovery");
    let recovered = thread.recover(dead);
    raise(Signal::SIGSTOP).expect("stopping after the recovery");
    panic!("the recoverer was to be killed, and has done this: {recovered:?}");
}

fn prepare(supervisor: &str, dead: &str) -> Result<(Thread, ProcessSlot)> {
    Ok((direct::attach_to_arena_of(supervisor.parse()?)?, direct::parse_slot(dead)?))
}
