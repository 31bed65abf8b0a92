//! Where the accept queue of a socket's side lies.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::stream::StreamWords;
use crate::arena::word::reference::ObjectRef;
use crate::object::queue::Queue;

/// The queue of a side. Its block comes with the first socket that is shared.
pub(crate) fn of(arena: &Arena, side: ObjectRef) -> Result<Queue<'_>> {
    let block = StreamWords::of(arena.direction(side)?).accept_queue();
    Ok(Queue { arena, side, block, lines_before: 0, backlog: 1, tickets: None })
}
