//! READABLE and WRITABLE, which follow from the streams of both directions.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::object::class::{Edge, Observable};
use crate::object::stream::places::{Stream, Unread};
use crate::sync::{self, Relaxed};

/// A side as a look has found it.
pub(crate) struct Seen<'a> {
    pub(crate) incoming: Stream<'a>,
    pub(crate) outgoing: Stream<'a>,
    /// What this side may read.
    pub(crate) unread: Unread,
    /// What this side has written, and the peer has not read.
    pub(crate) sent: Unread,
    /// READABLE and WRITABLE, and the stored signals.
    pub(crate) observable: Observable,
}

/// Looks at a side. A caller without a hazard validates its handle afterwards.
pub(crate) fn look(arena: &Arena, side: ObjectRef, stored: Signals) -> Result<Seen<'_>> {
    let (incoming, outgoing) = (Stream::of(arena, side.peer())?, Stream::of(arena, side)?);
    let unread = incoming.unread();
    let readable = Edge {
        signal: Signals::READABLE,
        mark: unread.head.saturating_add(unread.bytes),
        passed: unread.head,
        wraps: false,
    };
    // Relaxed: as in `Stream::unread`.
    let taken = outgoing.words.head().load(Relaxed);
    sync::acquired(outgoing.words.head());
    let room = taken.saturating_add(outgoing.geometry.capacity());
    let written = outgoing.written();
    let sent = Unread { head: taken, bytes: outgoing.end().unwrap_or(written.end).saturating_sub(taken) };
    // A shared end of a socket may lack a place, and not the room. A place comes with a read, so each one counts.
    let by_reads = outgoing.geometry.is_socket() && outgoing.is_shared();
    let (mark, passed) = if by_reads { (taken, 0) } else { (room, written.end) };
    let writable = Edge { signal: Signals::WRITABLE, mark, passed, wraps: by_reads };
    let mut signals = stored - (Signals::READABLE | Signals::WRITABLE);
    signals.set(Signals::READABLE, unread.bytes > 0);
    let is_open = !stored.intersects(Signals::PEER_CLOSED | Signals::WRITE_DISABLED);
    signals.set(Signals::WRITABLE, is_open && written.end < room && written.has_place);
    let observable = Observable { signals, edges: [readable, writable], next: None };
    Ok(Seen { incoming, outgoing, unread, sent, observable })
}
