//! The signals of a socket that follow from its streams, its control plane, its accept queues and its thresholds.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::stream;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::arena::word::stream::geometry::SocketOptions;
use crate::arena::word::stream::item::ItemWord;
use crate::object::class::{Edge, Observable};
use crate::object::socket::accept_queue;
use crate::object::stream::signals::{self, Seen};
use crate::sync::Relaxed;

/// The signals of a side. A caller without a hazard validates its handle afterwards.
pub(crate) fn observable(arena: &Arena, side: ObjectRef, stored: Signals) -> Result<Observable> {
    let Seen { incoming, outgoing, unread, sent, observable: mut seen } = signals::look(arena, side, stored)?;
    let options = incoming.geometry.socket_options().unwrap_or_default();
    // Relaxed, all: as the heads of the streams.
    let peer = State(arena.state(side.peer())?.load(Relaxed)).signals();
    let [is_over, peer_is_over] = [stored, peer].map(|signals| signals.contains(Signals::WRITE_DISABLED));
    seen.signals.set(Signals::PEER_WRITE_DISABLED, peer_is_over);
    let [read_threshold, write_threshold] =
        [incoming.words.read_threshold(), outgoing.words.write_threshold()].map(|word| word.load(Relaxed));
    let room = outgoing.geometry.capacity().saturating_sub(sent.bytes);
    let is_reached = |word, bytes| (1..=bytes).contains(&stream::threshold_bytes(word));
    seen.signals.set(Signals::READ_THRESHOLD, is_reached(read_threshold, unread.bytes));
    seen.signals.set(Signals::WRITE_THRESHOLD, is_reached(write_threshold, room));
    let [received, written] =
        [incoming, outgoing].map(|stream| ItemWord(stream.words.control().load(Relaxed)));
    let has_control = options.contains(SocketOptions::HAS_CONTROL);
    seen.signals.set(Signals::CONTROL_READABLE, has_control && received.block().is_some());
    seen.signals.set(Signals::CONTROL_WRITABLE, has_control && written.block().is_none());
    let (mut acceptable, mut shared, mut has_room) = (None, None, false);
    if options.contains(SocketOptions::HAS_ACCEPT) {
        let (mine, theirs) = (accept_queue::of(arena, side)?, accept_queue::of(arena, side.peer())?);
        (acceptable, shared, has_room) = (mine.content()?, theirs.content()?, theirs.has_room()?);
    }
    seen.signals.set(Signals::ACCEPT, acceptable.is_some());
    seen.signals.set(Signals::SHARE, has_room);
    // For good once a threshold was set: the two kinds of marks do not compare.
    let is_plain = options.difference(SocketOptions::DATAGRAM).is_empty()
        && read_threshold == 0
        && write_threshold == 0
        && !is_over
        && !peer_is_over;
    if !is_plain {
        // A repeating observer of one of these signals may get a packet when another one has changed. It never misses one.
        let news = Signals::READABLE
            | Signals::CONTROL_READABLE
            | Signals::ACCEPT
            | Signals::READ_THRESHOLD
            | Signals::PEER_WRITE_DISABLED;
        let received = [
            unread.head.wrapping_add(unread.bytes),
            received.0,
            read_threshold,
            peer_is_over.into(),
            acceptable.unwrap_or_default(),
        ];
        let room = [
            sent.head,
            written.0,
            write_threshold,
            is_over.into(),
            shared.unwrap_or_default(),
            has_room.into(),
        ];
        seen.edges = [Edge::of_words(news, received), Edge::of_words(Signals::ROOM, room)];
    }
    Ok(seen)
}
