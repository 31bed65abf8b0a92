//! The memory of a VM object, as it comes and goes: pages cleared, committed and decommitted.

use crate::arena::copy::Bytes;
use crate::arena::error::{Error, Result};
use crate::arena::size_class::EXTENT_UNIT_BYTES;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::vmo::extents::{Extents, with_vmo};
use crate::process::thread::Thread;
use core::ops::Range;

const UNIT: u64 = EXTENT_UNIT_BYTES as u64;

/// An operation on a range of a VM object (`zx_vmo_op_range`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VmoRangeOp {
    /// The system provides memory for all pages of the range.
    Commit,
    /// The pages of the range go back to the system. They read as zero.
    Decommit,
    /// Only the range is checked: what one process writes, all others see, so there is no cache to synchronise.
    Cache,
}

pub(crate) fn op_range(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    op: VmoRangeOp,
    offset: u64,
    len: u64,
) -> Result<()> {
    with_vmo(thread, found, rights, |vmo| {
        if op == VmoRangeOp::Cache {
            if len == 0 {
                return Err(Error::InvalidArgs("a range of no bytes"));
            }
            return vmo.range(offset, usize::try_from(len).unwrap_or(usize::MAX)).map(drop);
        }
        // Zircon cuts off what is behind the end, and refuses only a range that begins there.
        let size = vmo.size().bytes();
        let end = offset.checked_add(len).filter(|_| offset <= size).ok_or(Error::OutOfRange {
            what: "the beginning of the range in a VM object, in bytes,",
            value: offset,
            most: size,
        })?;
        let bytes = offset..end.min(size);
        if bytes.is_empty() {
            return Ok(());
        }
        // All pages that the range touches.
        let bytes = bytes.start / UNIT * UNIT..bytes.end.next_multiple_of(UNIT);
        if op == VmoRangeOp::Commit { commit(thread, &vmo, bytes) } else { clear(&vmo, bytes) }
    })
}

/// Provides memory for pages.
pub(crate) fn commit(thread: &Thread, vmo: &Extents<'_>, bytes: Range<u64>) -> Result<()> {
    for piece in vmo.pieces(bytes) {
        let piece = piece?;
        let lines = piece.lines(vmo.lines_to_write(thread, piece.extent)?)?;
        if !vmo.arena.commit(lines) {
            return Err(Error::NoMemory { bytes: piece.len });
        }
    }
    Ok(())
}

/// Makes whole pages zero, and gives their memory back to the system where that is possible.
pub(crate) fn clear(vmo: &Extents<'_>, bytes: Range<u64>) -> Result<()> {
    for piece in vmo.pieces(bytes) {
        let piece = piece?;
        let Some(lines) = vmo.lines(piece.extent)? else { continue };
        if vmo.arena.decommit(piece.lines(lines)?) == piece.len {
            continue;
        }
        // Nothing is given back by the heap, and by a process that has locked its memory. There the pages that have memory
        // are cleared: a store to another one would commit it.
        let (mut at, end) = (piece.from, piece.from + piece.len);
        while let Some((first, past)) = vmo.arena.data_in(lines, at..end) {
            Bytes::new(lines, first).clear(past - first);
            at = past;
        }
    }
    Ok(())
}
