//! Channels: two sides, and a ring in each direction.
//!
//! `write` and `read` are the two ends of a ring, `call` pairs a write with the read of its reply, and `drain` takes apart what
//! an end leaves behind. The rest is what both ends share.

pub(crate) mod call;
pub(crate) mod drain;
pub(crate) mod idle;
pub(crate) mod options;
pub(crate) mod read;
pub(crate) mod ring;
pub(crate) mod write;

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{State, signal};
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::channel::read::{late_replies, reader, reply};
use crate::object::channel::write::{refused, writable};
use crate::object::class::{Class, Progress};
use crate::process::thread::Thread;
use crate::signal::set;
use crate::sync::{self, Acquire, Relaxed, SeqCst, fence};

/// The class of channels.
pub(crate) struct Channel;

impl Class for Channel {
    const SIDES: usize = 2;
    const IS_UNIQUE: bool = true;
    const HAS_PRIVATE_HALF: bool = true;
    const QUEUES_HANDLES: bool = true;

    /// READABLE and WRITABLE follow from the rings.
    fn signals(thread: &Thread, found: ResolvedHandle, stored: u32) -> Result<u32> {
        let mut signals = stored & !(signal::READABLE | signal::WRITABLE);
        if is_readable(thread, found)? {
            signals |= signal::READABLE;
        }
        if stored & signal::PEER_CLOSED == 0 && is_writable(thread, found)? {
            signals |= signal::WRITABLE;
        }
        Ok(signals)
    }

    /// Tells the other side, and closes what is queued for this one.
    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        progress: &mut Progress,
        budget: &mut Budget,
    ) -> Result<bool> {
        let own = &thread.arena().object(object.slot())?.state[object.side()];
        set::tell_peer_closed(thread, object)?;
        // ORDER: full fence between telling the peer and looking at what it sent: it commits, fences and then looks
        // whether it was told (`write/handles`), so one of the two closes every handle in transit. The same between two
        // sides that end at once.
        fence(SeqCst);
        if !drain::drain_for(thread, object.peer(), &mut progress.draining, budget)? {
            return Ok(false);
        }
        // What this side sent to a side that is gone has no other reader. Relaxed: the fence is the ordering.
        if State(own.load(Relaxed)).signals() & signal::PEER_CLOSED == 0 {
            return Ok(true);
        }
        drain::drain_for(thread, object, &mut progress.draining, budget)
    }

    fn free_blocks(thread: &Thread, slot: u32, budget: &mut Budget) -> Result<bool> {
        drain::free_blocks_of(thread, slot, budget)
    }

    fn is_blank(thread: &Thread, slot: u32) -> Result<bool> {
        drain::is_blank(thread, slot)
    }

    fn reset(thread: &Thread, slot: u32) -> Result<()> {
        drain::free_directions(thread, slot)
    }

    fn undo_create(thread: &Thread, slot: u32) -> Result<()> {
        options::clear_options(thread, slot)
    }
}

fn is_readable(thread: &Thread, found: ResolvedHandle) -> Result<bool> {
    let at = found.entry.object();
    let inside = thread.inside();
    if thread
        .process
        .endpoint(found.index, &inside)
        .is_some_and(|endpoint| endpoint.out_of_order.load(Acquire) != 0)
    {
        // An endpoint that has left is nobody's here to look into: canceled.
        let (endpoint, mut receiver) =
            reader::enter_receiver(thread, found, 0, &inside).map_err(|_| Error::Canceled)?;
        if !receiver.ready {
            return Ok(false);
        }
        let next = reply::first_unclaimed(thread, at, &mut receiver)?;
        late_replies::discard_late(thread, at, endpoint, &mut receiver)?;
        return Ok(next.is_some());
    }
    let direction = ring::direction(thread, at.peer())?;
    // Relaxed: at worst this tells of a message that another thread has just taken. The fence of `validate` is behind
    // every look: whoever sees READABLE sees what the writer did before it wrote.
    let head = direction.consumer.head.load(Relaxed);
    let tail = direction.producer.tail.load(Relaxed);
    sync::acquired(&direction.producer.tail);
    Ok(tail != head)
}

fn is_writable(thread: &Thread, found: ResolvedHandle) -> Result<bool> {
    let writer = found.entry.object();
    let direction = ring::direction(thread, writer)?;
    // Relaxed, both, as in `is_readable`. The tail may be an older one, from before a message that was consumed since:
    // there was room when the head came to where it is, and another thread of this process may have filled it already.
    let head = direction.consumer.head.load(Relaxed);
    sync::acquired(&direction.consumer.head);
    let pending = direction.producer.tail.load(Relaxed).saturating_sub(direction.consumed(head));
    if pending >= options::max_pending(thread, writer)? {
        return Ok(false);
    }
    let inside = thread.inside();
    match refused::refusal(thread, found, &inside) {
        Some(endpoint) => writable::would_succeed(thread, found, endpoint),
        None => Ok(true),
    }
}
