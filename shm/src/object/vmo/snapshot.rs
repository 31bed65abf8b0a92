//! Clones: a new object with a copy of another one's bytes.
//!
//! Only pages that have memory are copied, so a clone of a sparse object is as sparse. The copy is made at once: later writes to
//! either object do not show in the other (`docs/decisions/a-clone-is-a-copy.md`).

use crate::arena::copy::Bytes;
use crate::arena::error::Result;
use crate::arena::record::row::HAZARD_SECOND;
use crate::arena::size_class::EXTENT_UNIT_BYTES;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::vmo::children;
use crate::object::vmo::copy::write_at;
use crate::object::vmo::extents::{Extents, with_vmo};
use crate::process::thread::Thread;
use core::mem::MaybeUninit;

/// How much is copied at once.
const PIECE_BYTES: usize = if cfg!(loom) { EXTENT_UNIT_BYTES } else { 16 * EXTENT_UNIT_BYTES };

/// Copies the bytes of `from` from `offset` on to the beginning of `to`, a new object, as far as both have some.
pub(crate) fn copy(thread: &Thread, from: &Extents<'_>, offset: u64, to: &Extents<'_>) -> Result<()> {
    let end = from.size().bytes().min(offset.saturating_add(to.size().bytes()));
    if offset >= end {
        return Ok(());
    }
    let mut buffer = vec![MaybeUninit::uninit(); PIECE_BYTES];
    for piece in from.pieces(offset..end) {
        let piece = piece?;
        let Some(lines) = from.lines(piece.extent)? else { continue };
        let mut at = piece.from;
        while let Some((first, past)) = thread.arena().data_in(lines, at..piece.from + piece.len) {
            let part = &mut buffer[..(past - first).min(PIECE_BYTES)];
            Bytes::new(lines, first).read_uninit(part);
            // SAFETY: `read_uninit` has filled all of it.
            let part = unsafe { &*(&raw const *part as *const [u8]) };
            let position = first as u64 - offset;
            write_at(thread, to, position..position + part.len() as u64, part)?;
            at = first + part.len();
        }
    }
    Ok(())
}

/// Fills the new object `child` with the bytes of `found` from `offset` on, and makes it a child of that. `rights` are those that
/// `found` must have.
pub(crate) fn fill_child(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    offset: u64,
    child: ResolvedHandle,
) -> Result<()> {
    with_vmo(thread, found, rights, |parent| {
        pin::pin_at(thread, child, HAZARD_SECOND)?;
        let slot = child.entry.object().slot();
        let filled = Extents::of(thread.arena(), slot)
            .and_then(|to| copy(thread, &parent, offset, &to))
            .and_then(|()| children::add(thread, parent.vmo.slot(), slot));
        // A thread that the model has killed leaves its hazard set.
        if !filled.is_err_and(|error| error.is_crash()) {
            pin::clear_hazard(thread, HAZARD_SECOND);
        }
        filled
    })
}
