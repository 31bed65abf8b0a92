//! Where a process has mapped its program and the arena.

use anyhow::{Context as _, Result};
use procfs::process::{MMapPath, MemoryMap, Process};
use std::ops::Range;
use std::path::Path;

/// The name of the arena's memfd, as memory maps have it.
const ARENA: &str = "/memfd:jacinth-arena";

/// The address at which the process has mapped the first page of its program.
pub fn program_base(process: i32) -> Result<u64> {
    let process = Process::new(process)?;
    let program = process.exe()?;
    let maps = process.maps()?;
    // The kernel lists the mappings by rising address.
    let first = maps.iter().find(|map| path_of(map) == Some(&program));
    Ok(first.with_context(|| format!("process {} has not mapped its program", process.pid()))?.address.0)
}

/// The addresses at which the process has mapped the whole arena, once it has. Mappings of VM objects have the same file, and
/// are smaller.
pub fn arena(process: i32) -> Result<Option<Range<u64>>> {
    let maps = Process::new(process)?.maps()?;
    let is_of_arena =
        |map: &&MemoryMap| path_of(map).is_some_and(|path| path.to_string_lossy().starts_with(ARENA));
    let of_arena: Vec<&MemoryMap> = maps.iter().filter(is_of_arena).collect();
    // The kernel shows one mapping as several where its parts differ in their flags.
    let goes_on = |one: &&MemoryMap, next: &&MemoryMap| {
        let bytes = one.address.1 - one.address.0;
        one.address.1 == next.address.0 && one.offset + bytes == next.offset
    };
    let whole = of_arena.chunk_by(goes_on).filter_map(|parts| {
        let (first, last) = (parts.first()?, parts.last()?);
        Some(first.address.0..last.address.1)
    });
    Ok(whole.max_by_key(|addresses| addresses.end - addresses.start))
}

/// The file that is mapped.
fn path_of(map: &MemoryMap) -> Option<&Path> {
    match &map.pathname {
        MMapPath::Path(path) => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_lies_at_its_base() {
        let base = program_base(std::process::id().cast_signed()).unwrap();
        let here = program_base as fn(i32) -> Result<u64> as usize as u64;
        assert!(base <= here && here - base < 1 << 32, "{base:#x} {here:#x}");
    }
}
