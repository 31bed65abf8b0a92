//! The blocks of buffers.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::object::buffer::BufferBody;
use crate::arena::word::block::BlockId;
use crate::arena::word::lifecycle::LifecycleState;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::memory::slot_pages;
use crate::object::{ObjectClass, own_block};

/// The blocks of all buffers, each with the object that it is bound to.
pub(super) fn walk(arena: &Arena) -> Result<Vec<(BlockId, ObjectRef)>> {
    let mut blocks = Vec::new();
    for slot in (0..arena.used_slots()).map(Slot) {
        let lifecycle = slot_pages::lifecycle_of(arena, slot)?;
        // A retired one keeps its block until that is freed.
        let is_there = matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired);
        if is_there && ObjectClass::of(lifecycle).is_ok_and(|class| class == ObjectClass::Buffer) {
            let linked = own_block::block_at(BufferBody::of(arena.body(slot)?).block());
            blocks.extend(linked.map(|block| (block, ObjectRef::new(slot, 0))));
        }
    }
    Ok(blocks)
}
