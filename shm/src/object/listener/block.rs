//! The block of a listener: its name, and then the places of its queue.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::directory::ListenerBody;
use crate::arena::record::line::LINE_WORDS;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::object::queue::Queue;
use core::mem::size_of;

/// The lines of the name: its length, and its bytes.
const NAME_LINES: usize = if cfg!(loom) { 1 } else { 4 };

/// The longest name, in bytes.
pub const MAX_LISTENER_NAME_BYTES: usize = (NAME_LINES * LINE_WORDS - 1) * size_of::<u64>();

/// How many handles may be queued at a listener.
pub const LISTENER_BACKLOG: usize = if cfg!(loom) { 2 } else { 240 };

/// The body of a listener.
pub(crate) fn body(arena: &Arena, listener: Slot) -> Result<ListenerBody<'_>> {
    arena.body(listener).map(ListenerBody::of)
}

/// The queue of a listener.
pub(crate) fn queue(arena: &Arena, listener: Slot) -> Result<Queue<'_>> {
    let body = body(arena, listener)?;
    Ok(Queue {
        arena,
        side: ObjectRef::new(listener, 0),
        block: body.block(),
        lines_before: NAME_LINES,
        backlog: LISTENER_BACKLOG,
        tickets: Some(body.tickets()),
    })
}
