//! The real memory of an arena: the blocks that its file has, not the size it could grow to.

use anyhow::{Context as _, Result};
use procfs::process::{FDTarget, MMapPath, Process};
use std::ops::Range;
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

/// The addresses at which the arena's file is mapped.
pub fn mapping_of_arena() -> Result<Range<u64>> {
    let maps = Process::myself()?.maps()?;
    let of_arena = maps.iter().filter(|map| match &map.pathname {
        MMapPath::Path(path) => path.to_string_lossy().contains(FILE),
        MMapPath::Other(name) => name.contains(FILE),
        _ => false,
    });
    // The kernel shows parts of different flags as mappings of their own.
    of_arena
        .map(|map| map.address.0..map.address.1)
        .reduce(|all, part| all.start.min(part.start)..all.end.max(part.end))
        .with_context(|| format!("no mapping of this process is called {FILE}"))
}

/// The bytes of anonymous memory that a process has: its own, and none of the arena's.
pub fn private_of(process: u32) -> Result<u64> {
    let status = Process::new(process.cast_signed())?.status()?;
    let kibibytes =
        status.rssanon.with_context(|| format!("the status of process {process} has no RssAnon"))?;
    Ok(kibibytes * 1024)
}
