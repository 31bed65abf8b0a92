//! The blocks of directories.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::directory::DirectoryBody;
use crate::arena::word::block::BlockId;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::memory::slot_pages;
use crate::object::class::Class;
use crate::object::directory::Directory;
use crate::object::own_block;
use crate::sync::Relaxed;

/// The blocks of all directories, the root among them, each with the side that it is bound to.
pub(super) fn walk(arena: &Arena) -> Result<Vec<(BlockId, ObjectRef)>> {
    let mut blocks = Vec::new();
    let root = core::iter::once(arena.root_slot());
    for slot in (0..arena.used_slots()).map(Slot).chain(root) {
        let lifecycle = match slot == arena.root_slot() {
            // No page of slots that are used again has it.
            true => Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed)),
            false => slot_pages::lifecycle_of(arena, slot)?,
        };
        // A retired object keeps its blocks until it is reclaimed.
        let is_there = matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired);
        if is_there && lifecycle.class_number() == Directory::NUMBER {
            let body = DirectoryBody::of(arena.body(slot)?);
            let places = [body.names(), body.passed()];
            let linked = places.into_iter().filter_map(own_block::block_at);
            blocks.extend(linked.map(|block| (block, ObjectRef::new(slot, 0))));
        }
    }
    Ok(blocks)
}
