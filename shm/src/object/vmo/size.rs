//! The size of a VM object: at its creation, as it grows, and as it shrinks.

use crate::arena::error::{Error, Result};
use crate::arena::record::object::vmo::VmoBody;
use crate::arena::size_class::EXTENT_UNIT_BYTES;
use crate::arena::word::handle::Rights;
use crate::arena::word::intent::Operation;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::vmo::geometry::Geometry;
use crate::arena::word::vmo::size::SizeWord;
use crate::handle::lookup::ResolvedHandle;
use crate::object::own_block;
use crate::object::vmo::extents::{Extents, with_vmo};
use crate::object::vmo::pages;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Relaxed, Release};

const UNIT: u64 = EXTENT_UNIT_BYTES as u64;

/// A size in whole pages. `OutOfRange`: no VM object can ever be so large.
fn rounded(bytes: u64) -> Result<u64> {
    let rounded = bytes.checked_next_multiple_of(UNIT).filter(|bytes| *bytes <= SizeWord::MOST_BYTES);
    rounded.ok_or(Error::OutOfRange {
        what: "the size of a VM object, in bytes,",
        value: bytes,
        most: SizeWord::MOST_BYTES,
    })
}

/// The words of a new object of so many bytes.
pub(crate) fn words(thread: &Thread, bytes: u64, is_resizable: bool) -> Result<(SizeWord, Geometry)> {
    let bytes = rounded(bytes)?;
    if bytes > thread.arena().config().largest_vmo_bytes() {
        return Err(Error::NoMemory { bytes: bytes as usize });
    }
    Ok((SizeWord::new(bytes), Geometry::new(bytes, is_resizable)))
}

/// Writes the words of a new object, before it is LIVE.
pub(crate) fn initialize(thread: &Thread, slot: Slot, (size, geometry): (SizeWord, Geometry)) -> Result<()> {
    let body = VmoBody::of(thread.arena().body(slot)?);
    // Relaxed, both: the lifecycle word publishes them.
    body.size().store(size.0, Relaxed);
    body.geometry().store(geometry.0, Relaxed);
    Ok(())
}

/// Clears what a creator wrote that died before its commit.
pub(crate) fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
    let body = VmoBody::of(thread.arena().body(slot)?);
    own_block::clear([body.size(), body.geometry()]);
    Ok(())
}

/// The size in bytes, and whether it can be set.
pub(crate) fn get(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<(u64, bool)> {
    with_vmo(thread, found, rights, |vmo| Ok((vmo.size().bytes(), vmo.geometry.is_resizable())))
}

pub(crate) fn set(thread: &Thread, found: ResolvedHandle, rights: Rights, bytes: u64) -> Result<()> {
    with_vmo(thread, found, rights, |vmo| {
        if !vmo.geometry.is_resizable() {
            return Err(Error::Unavailable("the size of a VM object that is not resizable"));
        }
        let (bytes, most) = (rounded(bytes)?, thread.arena().config().largest_vmo_bytes());
        if bytes > most {
            return Err(Error::OutOfRange {
                what: "the size of a VM object, in bytes (vmo_pool_bytes),",
                value: bytes,
                most,
            });
        }
        // P5: a round fails only when another thread has set the size.
        for _ in 0..10_000 {
            if set_from(thread, &vmo, vmo.size(), bytes)? {
                return Ok(());
            }
        }
        Err(Error::Corrupt("a VM object whose size changes all the time"))
    })
}

/// Sets the size if it is still `from`. `false`: it is another one.
fn set_from(thread: &Thread, vmo: &Extents<'_>, from: SizeWord, bytes: u64) -> Result<bool> {
    let is_shrinking = bytes < from.bytes();
    if is_shrinking {
        // From here on a death completes the shrink: pages may be gone.
        thread.set_operation(Operation::Shrink { vmo: vmo.vmo, to: from.with_bytes(bytes) });
        crash_point!(thread, "vmo.shrinking");
        pages::clear(vmo, bytes..from.bytes())?;
        crash_point!(thread, "vmo.cleared");
    }
    let to = from.changed_to(bytes);
    // ORDER: Release pairs with the Acquire of `Extents::size`. For recovery it comes after the intent. Commits.
    let is_set = vmo.body.size().compare_exchange(from.0, to.0, Release, Relaxed).is_ok();
    if is_shrinking {
        crash_point!(thread, "vmo.shrunk");
        thread.set_operation(Operation::Idle);
    }
    Ok(is_set)
}

/// Recovery of a thread that died while it shrank an object: the pages behind the new size may be cleared in part, so the
/// shrink is completed. If the size has another version, the thread had committed, or another one has set it since.
pub(crate) fn complete_shrink(thread: &Thread, vmo: ObjectRef, to: SizeWord) -> Result<bool> {
    let extents = Extents::of(thread.arena(), vmo.slot())?;
    // Relaxed: the CAS compares it again.
    let size = SizeWord(extents.body.size().load(Relaxed));
    if size.version() == to.version() && to.bytes() < size.bytes() {
        pages::clear(&extents, to.bytes()..size.bytes())?;
        let word = size.changed_to(to.bytes()).0;
        // ORDER: Release: as in `set_from`. If it fails, another thread has set the size.
        let _ = extents.body.size().compare_exchange(size.0, word, Release, Relaxed);
        crash_point!(thread, "resolve.shrunk");
    }
    Ok(true)
}
