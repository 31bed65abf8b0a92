//! The blocks of streams.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::block::BlockId;
use crate::arena::word::lifecycle::LifecycleState;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::memory::slot_pages;
use crate::object::ObjectClass;
use crate::object::stream::remains;

/// The blocks of all streams, each with the side that it is bound to.
pub(super) fn walk(arena: &Arena) -> Result<Vec<(BlockId, ObjectRef)>> {
    let mut blocks = Vec::new();
    for slot in (0..arena.used_slots()).map(Slot) {
        let lifecycle = slot_pages::lifecycle_of(arena, slot)?;
        // A retired one keeps the blocks of shared sides until it is reclaimed.
        let is_there = matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired);
        if is_there
            && ObjectClass::of(lifecycle)
                .is_ok_and(|class| matches!(class, ObjectClass::Fifo | ObjectClass::Socket))
        {
            for writer in [0, 1].map(|side| ObjectRef::new(slot, side)) {
                blocks.extend(remains::blocks(arena, writer)?.into_iter().map(|block| (block, writer)));
            }
        }
    }
    Ok(blocks)
}
