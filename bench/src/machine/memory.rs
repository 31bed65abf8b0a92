//! The real memory of an arena: the blocks that its file has, not the size it could grow to.

use anyhow::{Context as _, Result};
use procfs::process::{FDTarget, Process};
use std::os::unix::fs::MetadataExt as _;

/// The name of the arena's memfd.
const FILE: &str = "jacinth-arena";

/// The bytes that the file of this process's arena really takes.
pub fn of_arena() -> Result<u64> {
    for descriptor in Process::myself()?.fd()?.flatten() {
        if matches!(&descriptor.target, FDTarget::MemFD(name) if name.strip_suffix(" (deleted)") == Some(FILE))
        {
            return Ok(std::fs::metadata(format!("/proc/self/fd/{}", descriptor.fd))?.blocks() * 512);
        }
    }
    anyhow::bail!("no descriptor of this process is called {FILE}")
}

/// The bytes of anonymous memory that a process has: its own, and none of the arena's.
pub fn private_of(process: u32) -> Result<u64> {
    let status = Process::new(process.cast_signed())?.status()?;
    let kibibytes =
        status.rssanon.with_context(|| format!("the status of process {process} has no RssAnon"))?;
    Ok(kibibytes * 1024)
}
