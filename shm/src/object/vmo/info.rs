//! What a VM object tells of itself.
//!
//! The numbers are read one by one while other threads work: together they are of no single moment.

use crate::arena::error::Result;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::info::{MAX_NAME_BYTES, koid_of, name_of};
use crate::object::vmo::children;
use crate::object::vmo::extents::{Extents, with_vmo};
use crate::process::thread::Thread;
use core::ops::Range;

/// Information about a VM object (`ZX_INFO_VMO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VmoInfo {
    /// The object's koid.
    pub koid: u64,
    /// Its name, padded with NULs.
    pub name: [u8; MAX_NAME_BYTES],
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// Whether the size can be set.
    pub is_resizable: bool,
    /// The koid of the object that this one is a clone of: 0 once that one has ended. `None`: it is no clone.
    pub parent_koid: Option<u64>,
    /// How many clones of it live.
    pub children: usize,
    /// How many ranges of this process's address space it is mapped to. Other processes' are not known.
    pub mappings: usize,
    /// How many of its bytes have memory. Without the arena's descriptor, how many have address space.
    pub committed_bytes: u64,
    /// The rights of the handle that it was found by. `None`: it was found by a mapping.
    pub rights: Option<Rights>,
}

/// `rights` are those that `found` must have.
pub(crate) fn info(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<VmoInfo> {
    with_vmo(thread, found, rights, |vmo| {
        let arena = thread.arena();
        let koid = koid_of(arena, vmo.vmo)?;
        Ok(VmoInfo {
            koid,
            name: name_of(arena, vmo.vmo)?,
            size_bytes: vmo.size().bytes(),
            is_resizable: vmo.geometry.is_resizable(),
            parent_koid: children::parent_koid(thread, vmo.vmo.slot())?,
            children: children::count(arena, vmo.vmo.slot())?,
            mappings: thread.process.maps.lock().count_of(koid),
            // Also behind its end, where a mapping or a late write may have committed some.
            committed_bytes: committed(&vmo, 0..arena.config().largest_vmo_bytes())?,
            rights: Some(found.rights()),
        })
    })
}

/// How many of these bytes have memory: one question to the system for each run of pages.
pub(crate) fn committed(vmo: &Extents<'_>, bytes: Range<u64>) -> Result<u64> {
    let mut sum = 0;
    for piece in vmo.pieces(bytes) {
        let piece = piece?;
        let Some(lines) = vmo.lines(piece.extent)? else { continue };
        let (mut at, end) = (piece.from, piece.from + piece.len);
        while let Some((first, past)) = vmo.arena.data_in(lines, at..end) {
            sum += (past - first) as u64;
            at = past;
        }
    }
    Ok(sum)
}
