//! The part of the audit that looks at directories and listeners: their blocks, and the handles that are queued.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::directory::{DirectoryBody, ListenerBody};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::EntryState;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::reference::{ObjectRef, Slot, Tag};
use crate::memory::slot_pages;
use crate::object::class::Class;
use crate::object::directory::Directory;
use crate::object::listener::{Listener, queue};
use crate::object::own_block;
use crate::sync::Relaxed;

/// What directories and listeners hold, and the faults in them.
#[derive(Default)]
pub(super) struct Names {
    /// Every block of a directory and of a listener, with the side it is bound to.
    pub(super) blocks: Vec<(BlockId, ObjectRef)>,
    /// The sides that queued handles refer to, and the root, to which the arena itself has a handle.
    pub(super) references: Vec<ObjectRef>,
    /// How many handles are queued.
    pub(super) queued: u32,
    pub(super) findings: Vec<String>,
}

/// Walks over all directories and listeners.
pub(super) fn walk(arena: &Arena, is_alive: impl Fn(Tag) -> bool) -> Result<Names> {
    let mut names = Names::default();
    // The arena's own handle.
    names.references.push(ObjectRef::new(arena.root_slot(), 0));
    let root = core::iter::once(arena.root_slot());
    for slot in (0..arena.used_slots()).map(Slot).chain(root) {
        let lifecycle = match slot == arena.root_slot() {
            // No page of slots that are used again has it.
            true => Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed)),
            false => slot_pages::lifecycle_of(arena, slot)?,
        };
        // A retired object keeps its blocks until it is reclaimed.
        if !matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired) {
            continue;
        }
        let places = match lifecycle.class_number() {
            Directory::NUMBER => {
                let body = DirectoryBody::of(arena.body(slot)?);
                vec![body.names(), body.passed()]
            }
            Listener::NUMBER => {
                names.walk_queue(arena, slot, &is_alive)?;
                vec![ListenerBody::of(arena.body(slot)?).block()]
            }
            _ => continue,
        };
        let blocks = places.into_iter().filter_map(own_block::block_at);
        names.blocks.extend(blocks.map(|block| (block, ObjectRef::new(slot, 0))));
    }
    Ok(names)
}

impl Names {
    fn walk_queue(&mut self, arena: &Arena, listener: Slot, is_alive: &impl Fn(Tag) -> bool) -> Result<()> {
        for place in queue::places(arena, listener)? {
            let record = place.entry();
            match record.state() {
                EntryState::Invalid | EntryState::Free => {}
                EntryState::Live => {
                    self.references.push(record.object());
                    self.queued += 1;
                }
                EntryState::Reserved(tag) | EntryState::Moved(tag) if is_alive(tag) => {}
                EntryState::Closing(tag) if is_alive(tag) => self.references.push(record.object()),
                state => self
                    .findings
                    .push(format!("listener {listener}: a queued handle is {state:?}, whose thread is gone")),
            }
        }
        Ok(())
    }
}
