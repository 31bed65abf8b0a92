//! Accept queues: places with a handle each, which any thread of any process fills and empties. A listener has such a queue.
//!
//! A place holds a handle in transit as a message does: a record that owns a reference. Handles come and go by moves
//! (`refcount/moving`), from the entry of a process to the record and from the record to an entry, so a death between
//! any two instructions is resolved as for any other move.
//!
//! ```text
//!  record:   FREE ──▶ RESERVED(t) ──▶ LIVE ──▶ MOVED(t) ──▶ FREE, generation + 1
//!                          └──▶ FREE    └────▶ CLOSING(t) ──▶ FREE       the side has ended
//!  ticket:   the order in which the handles came
//! ```
//!
//! | | commits | a death before | a death after |
//! |---|---|---|---|
//! | `offer` | the entry's CAS LIVE → MOVED | the handle is closed with its process | the record becomes LIVE |
//! | `accept` | the record's CAS LIVE → MOVED | the handle stays queued | it is closed with its process |
//!
//! INV-ACCEPT-1: a record is RESERVED under the intent to move a handle there. So of a thread that dies, recovery finds the
//! record by the intent (`recovery/resolve_intents`), and no other thread waits for it.
//! INV-ACCEPT-2: *no handle stays in the queue of a side that has ended.* The thread that ends it drops the last reference,
//! fences, and closes every LIVE record. A thread that offers stores LIVE, fences, and looks at the count: if no reference is
//! left, it closes its own record. So one of the two finds the record. A thread that dies in between: recovery does it,
//! since the dead thread's hazard names the object. (It leaves the other records alone: they may hold sides that a
//! collector of cycles is about to tear down, INV-CYCLE-2.)
//! INV-ACCEPT-3: a record in the state MOVED or CLOSING is left by the thread that its tag names, or by recovery for it. Its
//! generation makes two stays of one handle two words.
//! INV-ACCEPT-4: the block stays until the slot is reclaimed. A thread that offers or accepts may have no more than a hazard,
//! and writes to its place after both sides have ended. So a class frees the block in `reset`, never in `free_blocks`.
//!
//! A class says by [`Class::queue`] where the queue of a side lies, and by [`HasQueue`] what else a free place means. Recovery
//! wakes those who sleep at the object itself, and the audit counts the records, without a line for the class.
//!
//! | file | contents |
//! |---|---|
//! | `places` | where the places lie, and what is in them |
//! | `transfer` | offer and accept |
//! | `end` | the handles of a side that has ended are closed |

pub(crate) mod end;
pub(crate) mod places;
#[cfg(all(test, not(loom)))]
mod tests;
pub(crate) mod transfer;

pub(crate) use self::end::{after_death, end};
pub(crate) use self::places::Queue;
pub(crate) use self::transfer::{accept, offer};

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::object::class::Class;
use crate::process::thread::Thread;

/// A class whose sides have queues: what differs between such classes.
pub(crate) trait HasQueue: Class {
    /// A thread has found no free place. Whether it is to look again, since it will be told of room from now on.
    fn ask_for_room(_thread: &Thread, _side: ObjectRef) -> Result<bool> {
        Ok(false)
    }

    /// A place of the side's queue has become free.
    fn tell_of_room(thread: &Thread, side: ObjectRef) -> Result<()>;
}

/// The queue of a side of this class.
pub(crate) fn of<C: HasQueue>(arena: &Arena, side: ObjectRef) -> Result<Queue<'_>> {
    C::queue(arena, side)?.ok_or(Error::Corrupt("a side without its queue"))
}
