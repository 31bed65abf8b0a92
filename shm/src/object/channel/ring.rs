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
//! A message keeps its position for ever: `tail` counts the messages sent, and all messages below `head` are consumed.
//! A segment is itself a ring: while the consumer keeps up, the producer goes round in one segment and allocates no
//! memory. When the segment is full and the limit of pending messages is not reached, the producer links another one
//! behind it (`arena/segment_chain.rs`).
//!
//! A message may be consumed out of order: a reply, or a message behind one that is read in place. It is marked
//! CONSUMED and its place is free at once (`read/out_of_order.rs`). `consumed` counts the consumed messages, in any
//! order. A segment behind the head's is given back when all of its messages are CONSUMED.
//!
//! INV-RING-1: head ≤ consumed ≤ tail ≤ consumed + limit, where consumed is the greater of the two words.
//! INV-RING-2: only the producer stores `tail`; that one store sends the message with all its handles.
//! INV-RING-3: only the consumer stores `head`, or marks a header CONSUMED; that one store receives. Once the
//! consumer's side is closed, the drainers advance `head` by CAS.
//! INV-RING-4: a segment's first position is written before it is linked, and it is linked before the tail
//! passes into it: a thread that sees such a tail sees the link.
//! INV-RING-5: the consumer gives a segment back after its head has reached the end, or after all of its messages are
//! CONSUMED, and another is linked behind it; the producer never reads it again.

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
    thread.arena().direction(writer)
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

/// Where a message is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: Segment,
    pub(crate) position: u64,
}

impl Place {
    /// The published message that is here.
    #[inline(always)]
    pub(crate) fn message<'a>(&'a self, thread: &'a Thread) -> Result<Message<'a>> {
        message(thread, &self.segment, self.position)
    }
}

/// The number of the class of channels in lifecycle words.
pub(crate) const CLASS_NUMBER: u8 = 4;

/// The error for a `found` that is not an endpoint of this process: its handle has gone, or its type is another.
#[cold]
pub(crate) fn not_an_endpoint(thread: &Thread, found: ResolvedHandle) -> Error {
    // Relaxed: if the slot has its next user by now, the handle has gone, and either error is true of it.
    let class = thread
        .arena()
        .object(found.entry.object().slot())
        .map(|object| Lifecycle(object.lifecycle.load(Relaxed)).class_number());
    match class {
        Ok(class) if class != CLASS_NUMBER && lookup::is_current(thread, found) => Error::WrongType,
        _ => Error::BadHandle,
    }
}
