//! Where a process has mapped its program and the arena.

use anyhow::{Context as _, Result};
use std::ops::Range;

/// The address at which the process has mapped the first page of its program.
pub fn program_base(process: i32) -> Result<u64> {
    let program = std::fs::read_link(format!("/proc/{process}/exe"))?;
    let program = program.to_string_lossy().into_owned();
    let maps = maps_of(process)?;
    let first = maps.lines().find(|line| line.ends_with(&program)).and_then(range_of);
    Ok(first.with_context(|| format!("process {process} has not mapped its program"))?.start)
}

/// The addresses at which the process has mapped the arena, once it has.
pub fn arena(process: i32) -> Result<Option<Range<u64>>> {
    let maps = maps_of(process)?;
    let of_arena = maps.lines().filter(|line| line.contains("memfd:jacinth-arena"));
    let ranges = of_arena.filter_map(range_of).collect::<Vec<_>>();
    Ok(ranges.first().zip(ranges.last()).map(|(first, last)| first.start..last.end))
}

fn maps_of(process: i32) -> Result<String> {
    Ok(std::fs::read_to_string(format!("/proc/{process}/maps"))?)
}

fn range_of(line: &str) -> Option<Range<u64>> {
    let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
    Some(u64::from_str_radix(start, 16).ok()?..u64::from_str_radix(end, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_with_its_range() {
        let line = "7f00a000-7f00b000 r-xp 00001000 08:01 42    /usr/bin/program";
        assert_eq!(range_of(line), Some(0x7f00_a000..0x7f00_b000));
        assert_eq!(range_of("no range"), None);
    }

    #[test]
    fn this_program_lies_at_its_base() {
        let base = program_base(std::process::id().cast_signed()).unwrap();
        let here = program_base as fn(i32) -> Result<u64> as usize as u64;
        assert!(base <= here && here - base < 1 << 32, "{base:#x} {here:#x}");
    }
}
