//! What is left of a VM object: its extents, which teardown clears and frees, and which recovery and the audit ask for.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::object::vmo::VmoBody;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::object::budget::Budget;
use crate::object::own_block;
use crate::object::vmo::children;
use crate::object::vmo::extents::Extents;
use crate::object::vmo::pages;
use crate::process::thread::{Thread, crash_point};
use crate::sync::Relaxed;

/// Smaller extents keep their memory until the slot is reclaimed, with a batch of others: a system call for each close would
/// cost more than the memory is worth.
const MUCH_BYTES: usize = 64 << 10;

fn body(arena: &Arena, slot: Slot) -> Result<VmoBody<'_>> {
    arena.body(slot).map(VmoBody::of)
}

/// The extents of the object, and the block of its children.
pub(crate) fn blocks(arena: &Arena, slot: Slot) -> Result<Vec<BlockId>> {
    let body = body(arena, slot)?;
    Ok(body.extents().into_iter().chain([body.children()]).filter_map(own_block::block_at).collect())
}

/// The last handle is closed: no thread will read the pages again, so the memory of large extents goes back to the system at
/// once. A thread that is still at work here may write some more, which `reset` clears.
pub(crate) fn give_back_pages(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
    let arena = thread.arena();
    for block in blocks(arena, slot)? {
        // P5: only the pages of an extent, also if the place is damaged.
        let lines = arena.lines(block).ok().filter(|lines| size_of_val(*lines) > MUCH_BYTES);
        if let Some(lines) = lines.filter(|_| block.class().is_extent()) {
            if !budget.charge() {
                return Ok(false);
            }
            arena.decommit(lines);
        }
    }
    Ok(true)
}

pub(crate) fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
    let body = body(thread.arena(), slot)?;
    // Relaxed: the object is retired.
    let is_zero = |place: &crate::sync::AtomicU64| place.load(Relaxed) == 0;
    Ok(body.plain().into_iter().chain(body.extents()).chain([body.children()]).all(is_zero))
}

/// Clears the extents and frees them, and clears the words. The size and the geometry go last: a successor needs them.
pub(crate) fn reset(thread: &Thread, slot: Slot) -> Result<()> {
    let body = body(thread.arena(), slot)?;
    // A damaged geometry leads to no extent that could be cleared, so those blocks are lost: the audit finds them.
    if let Ok(vmo) = Extents::of(thread.arena(), slot) {
        for extent in 0..body.extents().len() {
            let bytes = vmo.geometry.class(extent).map_or(0, SizeClass::bytes) as u64;
            // The object's own bytes in this extent begin where the one before it ends.
            let from = extent.checked_sub(1).and_then(|before| vmo.geometry.class(before));
            pages::clear(&vmo, from.map_or(0, SizeClass::bytes) as u64..bytes)?;
            crash_point!(thread, "vmo.emptied");
            own_block::unlink(thread, ObjectRef::new(slot, 0), vmo.place(extent)?)?;
        }
    }
    own_block::unlink(thread, ObjectRef::new(slot, 0), body.children())?;
    own_block::clear(body.extents().into_iter().chain(body.plain()));
    Ok(())
}

/// What is wrong with a live object at rest.
pub(crate) fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
    let Ok(vmo) = Extents::of(arena, slot) else { return Ok(Some("a VM object of impossible extents")) };
    if vmo.size().bytes() > arena.config().largest_vmo_bytes() {
        return Ok(Some("a VM object that is larger than any can be"));
    }
    for extent in 0..vmo.body.extents().len() {
        if vmo.lines(extent).is_err() {
            return Ok(Some("an extent of the wrong size"));
        }
    }
    children::fault(arena, slot)
}
