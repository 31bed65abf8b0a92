//! Rings: message headers beside 64-byte payload cells, in linked segments that grow.
//!
//! ```text
//!  direction ── producer line: tail, tail segment, first segment, payload blocks
//!            └─ consumer line: head, head segment, consumed
//!
//!  segment (a block of class c, 2·2^c messages):
//!    ┌ headers, 8 bytes each, 8 to a line ┬ payload cells, one line each ┐
//!    └────────────────────────────────────┴──────────────────────────────┘   descriptor.link → next segment
//!
//! ```
//!
//! A message is at one position for ever: `tail` counts messages sent; below `head` all are consumed. A segment is
//! itself a ring: while the consumer keeps up, the producer goes round in one segment and allocates nothing.
//! When it is full and the limit of pending messages is not reached, another one is linked behind it (`way.rs`).
//!
//! A message that is consumed ahead of its turn (a reply, or one behind a message that is read in place) is marked
//! CONSUMED and is room at once (`ahead.rs`): `consumed` counts what was consumed in whatever order, and a segment
//! behind the head of which nothing is left goes back.
//!
//! INV-RING-1: head ≤ consumed ≤ tail ≤ consumed + limit, where consumed is the greater of the two words.
//! INV-RING-2: only the producer stores `tail`; that one store sends the message with all its handles.
//! INV-RING-3: only the consumer stores `head`, or marks a header CONSUMED; that one store receives. Once the
//! consumer's side is closed, whoever drains advances `head` by CAS.
//! INV-RING-4: a segment's first position is written before it is linked, and it is linked before the tail
//! passes into it: whoever sees such a tail sees the link.
//! INV-RING-5: the consumer gives a segment back, after its head has reached the end or all of its messages are CONSUMED
//! and another is linked behind it; the producer never looks back at it.

use crate::arena::error::{Error, Result};
use crate::arena::record::object::Direction;
use crate::arena::segment::{self, Message, Segment};
use crate::arena::word::block::BlockId;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::{self, ResolvedHandle};
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// The direction that `writer`'s side writes.
#[inline(always)]
pub(crate) fn direction(thread: &Thread, writer: ObjectRef) -> Result<&Direction> {
    Ok(&thread.arena().body(writer.slot())?.directions[writer.side()])
}

/// The segment in `block`.
pub(crate) fn segment(thread: &Thread, block: BlockId) -> Result<Segment> {
    segment::segment(thread.arena(), block)
}

/// The message at a published `position` of `segment`.
#[inline(always)]
pub(crate) fn message<'a>(thread: &'a Thread, segment: &'a Segment, position: u64) -> Result<Message<'a>> {
    segment::message(thread.arena(), segment, position)
}

/// The number of the class of channels, as lifecycle words have it: the registry names the same.
pub(crate) const CLASS_NUMBER: u8 = 4;

/// Why `found` is not an endpoint of this process: gone, or of another type.
#[cold]
pub(crate) fn not_an_endpoint(thread: &Thread, found: ResolvedHandle) -> Error {
    // Relaxed: should the slot have its next user by now, either answer is true of a handle that is gone.
    let class = thread
        .arena()
        .object(found.entry.object().slot())
        .map(|object| Lifecycle(object.lifecycle.load(Relaxed)).class_number());
    match class {
        Ok(class) if class != CLASS_NUMBER && lookup::is_current(thread, found) => Error::WrongType,
        _ => Error::BadHandle,
    }
}
