//! Read and write: copies between a VM object and the caller's memory.

use crate::arena::copy::Bytes;
use crate::arena::error::Result;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::vmo::extents::{Extents, with_vmo};
use crate::process::thread::Thread;
use core::mem::MaybeUninit;
use core::ops::Range;

/// Fills all of `buffer` from `offset` on. Bytes that were never written are 0.
pub(crate) fn read(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    offset: u64,
    buffer: &mut [MaybeUninit<u8>],
) -> Result<()> {
    with_vmo(thread, found, rights, |vmo| {
        let mut rest = buffer;
        for piece in vmo.pieces(vmo.range(offset, rest.len())?) {
            let piece = piece?;
            let (part, others) = rest.split_at_mut(piece.len);
            match vmo.lines(piece.extent)? {
                Some(lines) => Bytes::new(lines, piece.from).read_uninit(part),
                None => part.fill(MaybeUninit::new(0)),
            }
            rest = others;
        }
        Ok(())
    })
}

/// Writes all of `bytes` from `offset` on. If an extent finds no memory, the bytes before it are written.
pub(crate) fn write(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    offset: u64,
    bytes: &[u8],
) -> Result<()> {
    with_vmo(thread, found, rights, |vmo| write_at(thread, &vmo, vmo.range(offset, bytes.len())?, bytes))
}

/// Writes the bytes of a range that the object has.
pub(super) fn write_at(thread: &Thread, vmo: &Extents<'_>, range: Range<u64>, bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    for piece in vmo.pieces(range) {
        let piece = piece?;
        let (part, others) = rest.split_at(piece.len);
        Bytes::new(vmo.lines_to_write(thread, piece.extent)?, piece.from).write(part);
        rest = others;
    }
    Ok(())
}
