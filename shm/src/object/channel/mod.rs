//! Channels: two sides, and a ring in each direction.
//!
//! `write` and `read` are the two ends of a ring. `call` pairs a write with the read of its reply. `drain` empties the
//! rings of a side that has closed. `idle` returns memory from quiet channels. `end` has the two ends of a direction,
//! locked. Both share `ring` and `options`.
//!
//! A small message in steady state is plain loads and stores. The writer loads the entry of its handle and its state word,
//! writes a slot, stores the slot's header, and then the tail, which the reader loads only in a stream. The reader loads the header
//! and the slot, and stores the head. The writer loads the head only when the room that it last saw is used up. The words
//! that an end uses were looked up at its first use (`end`). The private lock of an end is biased to the thread that uses
//! the end most. Only the other threads pay read-modify-writes for it.
//!
//! Some measures keep cache lines from moving for every message. A writer pauses for some microseconds when its channel is
//! nearly full (`write/writer`). A reader in a stream looks at the tail, and not at each header (`read/reader`). The lines
//! of the next slots and blocks are prefetched.
//!
//! A reader loads PEER_CLOSED (Acquire) before the header or the tail, so it sees every message that was sent before the
//! closing.

pub(crate) mod call;
pub(crate) mod drain;
pub(crate) mod end;
pub(crate) mod endpoint;
pub(crate) mod given_up;
pub(crate) mod idle;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod resolve;
pub(crate) mod ring;
pub(crate) mod write;

use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::intent::{ListIntent, Operation};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::channel::drain::Draining;
use crate::object::channel::end::Reader;
use crate::object::channel::read::{late_replies, reply};
use crate::object::channel::write::refusal::{self, Refusal};
use crate::object::channel::write::{refused, writable};
use crate::object::class::{Class, Edge, Observable};
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::Thread;
use crate::process::{Origin, Process};
use crate::signal::set;
use crate::sync::{self, Acquire, Inside, Relaxed, SeqCst, fence};

/// The class of channels.
pub(crate) struct Channel;

impl Class for Channel {
    const NUMBER: u8 = ring::CLASS_NUMBER;
    const SIDES: usize = 2;
    const IS_UNIQUE: bool = true;
    const HAS_RINGS: bool = true;
    const HAS_DEADLINE: bool = true;
    type Progress = Option<Draining>;

    /// READABLE and WRITABLE are derived from the rings.
    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        let mut signals = stored - (Signals::READABLE | Signals::WRITABLE);
        if is_readable(thread, found)? {
            signals |= Signals::READABLE;
        }
        if !stored.contains(Signals::PEER_CLOSED) && is_writable(thread, found)? {
            signals |= Signals::WRITABLE;
        }
        Ok(signals)
    }

    /// As [`signals`](Self::signals), from the rings and the refusal alone. A reply that a caller awaits counts as a message.
    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        let (incoming, outgoing) = (ring::direction(thread, side.peer())?, ring::direction(thread, side)?);
        // Relaxed, all: each evaluation follows a fence, and each look is followed by a CAS that shows it (`port/evaluate`).
        // Head before tail, so that no message is taken for one that is pending still.
        let consumed = incoming.consumed(incoming.consumer.head.load(Relaxed));
        let sent = incoming.producer.tail.load(Relaxed).max(consumed);
        sync::acquired(&incoming.producer.tail);
        let readable = Edge { signal: Signals::READABLE, mark: sent, passed: consumed, wraps: false };
        let taken = outgoing.consumed(outgoing.consumer.head.load(Relaxed));
        sync::acquired(&outgoing.consumer.head);
        let room = taken.saturating_add(options::max_pending(thread, side)?);
        let written = outgoing.producer.tail.load(Relaxed);
        let writable = Edge { signal: Signals::WRITABLE, mark: room, passed: written, wraps: false };
        let mut signals = stored - (Signals::READABLE | Signals::WRITABLE);
        signals.set(Signals::READABLE, sent > consumed);
        let (is_open, refusal) =
            (!stored.contains(Signals::PEER_CLOSED), Refusal::of(thread, side)?.try_again_ns());
        signals.set(Signals::WRITABLE, written < room && is_open && refusal.is_none());
        let next = refusal.filter(|_| is_open).map(|due_ns| (Signals::WRITABLE, due_ns));
        Ok(Observable { signals, edges: [readable, writable], next })
    }

    fn look_for(thread: &Thread, found: ResolvedHandle, now_ns: i64) -> Result<()> {
        let inside = thread.inside();
        match endpoint::endpoint(&thread.process, found.index, &inside) {
            Some(endpoint) => writable::would_succeed(thread, found, endpoint, now_ns).map(drop),
            None => Ok(()),
        }
    }

    fn look_for_another(thread: &Thread, side: ObjectRef, due_ns: i64, now_ns: i64) -> Result<Option<i64>> {
        refusal::end_overdue(thread, side, due_ns, now_ns)
    }

    /// A wait for memory gets no reliable wake: a thread that frees memory may not know of this sleeper.
    fn look_again_ns(thread: &Thread, found: ResolvedHandle, waitfor: Signals) -> Option<i64> {
        let is_refused = waitfor.contains(Signals::WRITABLE)
            && refused::refusal(thread, found, &thread.inside()).is_some();
        is_refused.then(|| sync::now_ns().saturating_add(TRY_AGAIN_NS))
    }

    fn bind_half<'a>(
        process: &'a Process,
        object: ObjectRef,
        index: EntryIndex,
        origin: Origin,
        inside: impl FnOnce() -> Inside<'a>,
    ) {
        endpoint::bind(process, object, index, origin, &inside());
    }

    fn trim(thread: &Thread, all: bool) -> Result<bool> {
        idle::trim_channels(thread, all)
    }

    fn complete(thread: &Thread, object: ObjectRef) -> Result<()> {
        ring::complete_tail(thread, object)
    }

    /// Tells the other side, and closes the handles of the messages that are queued for this side.
    #[inline(always)]
    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        draining: &mut Self::Progress,
        budget: &mut Budget,
    ) -> Result<bool> {
        let own = thread.arena().state(object)?;
        ring::complete_tail(thread, object)?;
        set::tell_peer_closed(thread, object)?;
        // ORDER: full fence between setting PEER_CLOSED at the peer and loading its tail. The peer stores its tail,
        // fences and then loads PEER_CLOSED (`drain_if_peer_closed`). So one of the two sees the other's store, and
        // closes every handle in transit. The same holds between two sides that end at once.
        fence(SeqCst);
        if !drain::drain_for(thread, object.peer(), draining, budget)? {
            return Ok(false);
        }
        // If the peer has ended too, no reader is left for the messages that this side sent: drain them as well.
        // ORDER: Acquire, and after the fence above, pairs with the Release of `tell_peer_closed`: the drain sees how far
        // the peer has read. With an older head it would close handles that the peer has received.
        if !State(own.load(Acquire)).signals().contains(Signals::PEER_CLOSED) {
            return Ok(true);
        }
        drain::drain_for(thread, object, draining, budget)
    }

    fn free_blocks(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
        drain::free_blocks_of(thread, slot, budget)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        drain::is_blank(thread, slot)
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        drain::free_directions(thread, slot)
    }

    fn has_committed(thread: &Thread, operation: Operation) -> Result<bool> {
        resolve::has_committed(thread, operation)
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        resolve::is_linked(thread, intent, from, block)
    }

    fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
        options::clear_options(thread, slot)
    }
}

fn is_readable(thread: &Thread, found: ResolvedHandle) -> Result<bool> {
    let inside = thread.inside();
    let endpoint = endpoint::endpoint(&thread.process, found.index, &inside);
    // ORDER: Acquire pairs with the Release of `update_out_of_order`: if this thread reads 0, the head and tail that it
    // loads below are no older than that store.
    if endpoint.is_some_and(|endpoint| endpoint.out_of_order.load(Acquire) != 0) {
        // Replies to calls are in the ring, so the answer needs the private half under its lock. If the endpoint has
        // left this process, there is no private half, and the wait is canceled.
        let mut reader =
            Reader::enter(thread, found, Rights::empty(), &inside).map_err(|_| Error::Canceled)?;
        if !reader.cursor.ready {
            return Ok(false);
        }
        let next = reply::first_unclaimed(&mut reader)?;
        late_replies::discard_late(&mut reader)?;
        return Ok(next.is_some());
    }
    let direction = ring::direction(thread, found.entry.object().peer())?;
    // Relaxed: at worst this reports a message that another thread has just taken. The fence of `validate` follows
    // every check, so a thread that sees READABLE also sees the writer's earlier stores.
    let head = direction.consumer.head.load(Relaxed);
    let tail = direction.producer.tail.load(Relaxed);
    sync::acquired(&direction.producer.tail);
    let shown = endpoint.map_or(0, |endpoint| endpoint.shown.load(Relaxed));
    // A reader may have taken messages past the tail.
    Ok(tail.max(shown) > head)
}

fn is_writable(thread: &Thread, found: ResolvedHandle) -> Result<bool> {
    let writer = found.entry.object();
    let direction = ring::direction(thread, writer)?;
    // Relaxed, both, as in `is_readable`. The tail may be older than the head: then the subtraction saturates, and the
    // answer is that there is room. That was true when the head advanced, and another thread of this process may have
    // used the room since.
    let head = direction.consumer.head.load(Relaxed);
    sync::acquired(&direction.consumer.head);
    let pending = direction.producer.tail.load(Relaxed).saturating_sub(direction.consumed(head));
    if pending >= options::max_pending(thread, writer)? {
        return Ok(false);
    }
    let inside = thread.inside();
    match refused::refusal(thread, found, &inside) {
        // The last write was refused for want of memory or of a place, so free places in the ring are not enough.
        Some(endpoint) => writable::would_succeed(thread, found, endpoint, sync::now_ns()),
        None => Ok(true),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::object::ObjectClass;
    use crate::object::channel::end::Writer;
    use crate::object::channel::read::recv_buf::{OnOverflow, SliceBuf};
    use crate::object::channel::write;

    /// The writer has stored the header, and stands before the store of the tail.
    #[test]
    fn a_message_that_was_shown_is_readable() {
        let none = Rights::empty();
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (near, far) = (thread.lookup(near).unwrap(), thread.lookup(far.unwrap()).unwrap());
        let receive = |bytes: &mut [u8]| {
            thread.receive(far, none, &mut SliceBuf::new(bytes, &mut []), OnOverflow::Keep)
        };
        thread.send(near, none, b"first").unwrap();
        receive(&mut [0; 8]).unwrap();
        let inside = thread.inside();
        let mut writer = Writer::enter(&thread, near, none, &inside).unwrap();
        write::enqueue(&mut writer, b"second", None).unwrap();
        drop(writer);
        assert!(!is_readable(&thread, far).unwrap(), "the tail does not show it");
        assert_eq!(receive(&mut [0; 1]), Err(Error::BufferTooSmall { bytes: 6, handles: 0 }));
        assert!(is_readable(&thread, far).unwrap());
        receive(&mut [0; 8]).unwrap();
        assert!(!is_readable(&thread, far).unwrap(), "it has been received");
    }
}
