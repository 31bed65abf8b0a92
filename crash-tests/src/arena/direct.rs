//! Attaching to an arena through `jacinth-shm` alone, without `jacinth` and its threads.

use anyhow::{Context as _, Result, bail, ensure};
use jacinth::SLOT_VARIABLE;
use jacinth_shm::{Arena, Process, ProcessIndex, ProcessSlot, Thread};
use procfs::process::FDTarget;
use std::fs::{File, OpenOptions};
use std::sync::Arc;

/// Opens the arena that this process has open.
fn open_arena_of(process: u32) -> Result<File> {
    let mut had_one = false;
    // The process may close a descriptor meanwhile, before it is read here or before it is opened. Then another one is the arena's.
    for descriptor in procfs::process::Process::new(process.cast_signed())?.fd()?.flatten() {
        if matches!(&descriptor.target, FDTarget::MemFD(name) if name.starts_with("jacinth-arena")) {
            had_one = true;
            let path = format!("/proc/{process}/fd/{}", descriptor.fd);
            if let Ok(file) = OpenOptions::new().read(true).write(true).open(path) {
                return Ok(file);
            }
        }
    }
    ensure!(had_one, "process {process} has no arena open");
    bail!("the arena of process {process} cannot be opened")
}

/// Attaches this process, in the slot that its spawner reserved for it, to the arena that `process` has open.
pub fn attach_to_arena_of(process: u32) -> Result<Thread> {
    let arena = Arc::new(Arena::attach(open_arena_of(process)?.into())?);
    let own = parse_slot(&std::env::var(SLOT_VARIABLE)?)?;
    let process = Process::attach(arena, own, std::process::id(), 1)?;
    Ok(Thread::join(&process)?)
}

/// A process slot in the form in which a spawner passes it to its child.
pub fn parse_slot(text: &str) -> Result<ProcessSlot> {
    let mut parts = text.split(':');
    let (row, epoch) =
        parts.next().zip(parts.next()).context("a process slot is a row, an epoch and an arena")?;
    Ok(ProcessSlot { row: ProcessIndex(row.parse()?), epoch: epoch.parse()? })
}
