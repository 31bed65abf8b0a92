//! READABLE and WRITABLE, which follow from the streams of both directions.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::object::class::{Edge, Observable};
use crate::object::stream::places::Stream;
use crate::sync::{self, Relaxed};

/// The signals of a side. A caller without a hazard validates its handle afterwards.
pub(crate) fn observable(arena: &Arena, side: ObjectRef, stored: Signals) -> Result<Observable> {
    let (incoming, outgoing) = (Stream::of(arena, side.peer())?, Stream::of(arena, side)?);
    // Relaxed, both heads: each evaluation follows a fence, and so does the last look of a sleeper.
    // Head before tail, so that no byte is taken for one that is unread still.
    let read = incoming.words.head().load(Relaxed);
    let written = incoming.end().unwrap_or(incoming.written().end).max(read);
    let readable = Edge { signal: Signals::READABLE, mark: written, passed: read, wraps: false };
    let taken = outgoing.words.head().load(Relaxed);
    sync::acquired(outgoing.words.head());
    let room = taken.saturating_add(outgoing.geometry.capacity());
    let sent = outgoing.written();
    // A shared end of a socket may lack a place, and not the room. A place comes with a read, so each one counts.
    let by_reads = outgoing.geometry.is_socket() && outgoing.is_shared();
    let (mark, passed) = if by_reads { (taken, 0) } else { (room, sent.end) };
    let writable = Edge { signal: Signals::WRITABLE, mark, passed, wraps: by_reads };
    let mut signals = stored - (Signals::READABLE | Signals::WRITABLE);
    signals.set(Signals::READABLE, written > read);
    let is_open = !stored.intersects(Signals::PEER_CLOSED | Signals::WRITE_DISABLED);
    signals.set(Signals::WRITABLE, is_open && sent.end < room && sent.has_place);
    Ok(Observable { signals, edges: [readable, writable], next_ns: None })
}
