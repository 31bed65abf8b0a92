//! The extents of VM objects.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::block::BlockId;
use crate::arena::word::lifecycle::LifecycleState;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::memory::slot_pages;
use crate::object::ObjectClass;
use crate::object::vmo::remains;

/// The extents of all VM objects, each with the object that it is bound to.
pub(super) fn walk(arena: &Arena) -> Result<Vec<(BlockId, ObjectRef)>> {
    let mut blocks = Vec::new();
    for slot in (0..arena.used_slots()).map(Slot) {
        let lifecycle = slot_pages::lifecycle_of(arena, slot)?;
        // A retired one keeps its extents until it is reclaimed.
        let is_there = matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired);
        if is_there && ObjectClass::of(lifecycle).is_ok_and(|class| class == ObjectClass::Vmo) {
            let vmo = ObjectRef::new(slot, 0);
            blocks.extend(remains::blocks(arena, slot)?.into_iter().map(|block| (block, vmo)));
        }
    }
    Ok(blocks)
}
