//! A supervisor that is killed in the middle of its work: this program again, which recovers one dead process step
//! by step.
//!
//! The stage's own supervisor cannot be killed without the stage. So the recoverer is a process of its own, in a seat
//! that it was spawned into; it calls the recovery of `jacinth-shm`, as every supervisor does, for a victim that
//! stands at its kill point and will not execute another instruction. Then both are killed, and the stage's
//! supervisor is the successor: it finds a dead process half recovered, and a dead supervisor.

use anyhow::{Context as _, Result};
use jacinth::SLOT_VARIABLE;
use jacinth_shm::{Arena, Process, Seat, Thread};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use std::fs::OpenOptions;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The first argument of a recoverer; the arena's file and the dead process's seat follow.
pub const ROLE: &str = "recoverer";

/// The program that recovers the process `victim`.
pub fn program(victim: i32) -> Result<Command> {
    let environment = std::fs::read(format!("/proc/{victim}/environ")).context("the victim's environment")?;
    let prefix = format!("{SLOT_VARIABLE}=");
    let mut variables = environment.split(|byte| *byte == 0);
    let seat = variables.find_map(|variable| variable.strip_prefix(prefix.as_bytes()));
    let seat = String::from_utf8_lossy(seat.context("the victim was spawned into no seat")?).into_owned();
    let mut program = Command::new("/proc/self/exe");
    program.args([ROLE, &arena_file(std::process::id())?, &seat]);
    Ok(program)
}

/// Where others find the arena that the process has open.
fn arena_file(process: u32) -> Result<String> {
    for entry in std::fs::read_dir(format!("/proc/{process}/fd"))? {
        let path = entry?.path();
        // A descriptor may close while one looks.
        let Ok(target) = std::fs::read_link(&path) else { continue };
        if target.to_string_lossy().contains("memfd:jacinth-arena") {
            return Ok(path.to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("process {process} has no arena open")
}

/// Plays the recoverer.
pub fn play(arena: &str, seat: &str) -> ! {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .expect("asking to die with the stage");
    ptrace::traceme().expect("asking to be traced");
    // Nobody watches a process that takes its seat by itself before its spawner has reported it.
    raise(Signal::SIGSTOP).expect("stopping before the attachment");
    let (thread, dead) = prepare(Path::new(arena), seat).expect("a recoverer's place in the arena");
    raise(Signal::SIGSTOP).expect("stopping before the recovery");
    let recovered = thread.recover(dead);
    raise(Signal::SIGSTOP).expect("stopping after the recovery");
    panic!("the recoverer was to be killed, having done this: {recovered:?}");
}

fn prepare(arena: &Path, dead: &str) -> Result<(Thread, Seat)> {
    Ok((sit(arena)?, seat(dead)?))
}

/// Takes the seat that this process was spawned into, without the runtime, in the arena that `process` has open.
pub fn sit_down(process: u32) -> Result<Thread> {
    sit(Path::new(&arena_file(process)?))
}

fn sit(arena: &Path) -> Result<Thread> {
    let file = OpenOptions::new().read(true).write(true).open(arena)?;
    let arena = Arc::new(Arena::attach(file.into())?);
    let own = seat(&std::env::var(SLOT_VARIABLE)?)?;
    let process = Process::sit(arena, own, std::process::id(), 1)?;
    Ok(Thread::join(&process)?)
}

fn seat(text: &str) -> Result<Seat> {
    let (row, epoch) = text.split_once(':').context("a seat is a row and an epoch")?;
    Ok(Seat { row: row.parse()?, epoch: epoch.parse()? })
}
