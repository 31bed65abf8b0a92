//! The part of the audit that looks at queues: their blocks, and the handles in them.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::EntryState;
use crate::arena::word::lifecycle::LifecycleState;
use crate::arena::word::reference::{ObjectRef, Slot, Tag};
use crate::memory::slot_pages;
use crate::object::queue::Queue;
use crate::object::{ObjectClass, own_block};

/// What queues hold, and the faults in them.
#[derive(Default)]
pub(super) struct Queues {
    /// Every block of a queue, with the side it is bound to.
    pub(super) blocks: Vec<(BlockId, ObjectRef)>,
    /// The sides that queued handles refer to.
    pub(super) references: Vec<ObjectRef>,
    /// How many handles are queued.
    pub(super) queued: u32,
    pub(super) findings: Vec<String>,
}

/// Walks over the queues of all objects, of any class.
pub(super) fn walk(arena: &Arena, is_alive: impl Fn(Tag) -> bool) -> Result<Queues> {
    let mut queues = Queues::default();
    for slot in (0..arena.used_slots()).map(Slot) {
        let lifecycle = slot_pages::lifecycle_of(arena, slot)?;
        // A retired object keeps its blocks until it is reclaimed.
        let is_there = matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired);
        let Some(class) = ObjectClass::of(lifecycle).ok().filter(|_| is_there) else { continue };
        for side in 0..if lifecycle.is_two_sided() { 2 } else { 1 } {
            if let Some(queue) = class.queue(arena, ObjectRef::new(slot, side))? {
                queues.add(queue, &is_alive)?;
            }
        }
    }
    Ok(queues)
}

impl Queues {
    fn add(&mut self, queue: Queue<'_>, is_alive: &impl Fn(Tag) -> bool) -> Result<()> {
        self.blocks.extend(own_block::block_at(queue.block).map(|block| (block, queue.side)));
        for place in queue.places()? {
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
                    .push(format!("queue of {:?}: a handle is {state:?}, whose thread is gone", queue.side)),
            }
        }
        Ok(())
    }
}
