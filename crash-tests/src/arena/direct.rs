//! Attaching to an arena through `jacinth-shm` alone, without `jacinth` and its threads.

use anyhow::{Context as _, Result, bail};
use jacinth::SLOT_VARIABLE;
use jacinth_shm::{Arena, Process, ProcessIndex, ProcessSlot, Thread};
use procfs::process::FDTarget;
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;

/// The path under which other processes can open the arena that this process has open.
pub fn file_of(process: u32) -> Result<String> {
    // The process may close a descriptor meanwhile: then its entry is an error.
    for descriptor in procfs::process::Process::new(process.cast_signed())?.fd()?.flatten() {
        if matches!(&descriptor.target, FDTarget::MemFD(name) if name.starts_with("jacinth-arena")) {
            return Ok(format!("/proc/{process}/fd/{}", descriptor.fd));
        }
    }
    bail!("process {process} has no arena open")
}

/// Attaches this process, in the slot that its spawner reserved for it, to the arena that `process` has open.
pub fn attach_to_arena_of(process: u32) -> Result<Thread> {
    attach(Path::new(&file_of(process)?))
}

/// Attaches this process, in the slot that its spawner reserved for it, to the arena in this file.
pub fn attach(file: &Path) -> Result<Thread> {
    let file = OpenOptions::new().read(true).write(true).open(file)?;
    let arena = Arc::new(Arena::attach(file.into())?);
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
