//! The control plane of a socket: a message each way, of its own signals, beside the data.
//!
//! ```text
//!  VACANT(lap) ──▶ HOLDING(lap, block) ──▶ VACANT(lap + 1) ──▶ …
//!       `write`: commits       `read`: commits
//! ```
//!
//! The message is an item without a number, whose place is a word of the direction. It is linked and unlinked as the items
//! of a stream are (`stream/link`), so a death between any two instructions is resolved as for them.

use crate::arena::error::{Error, Result};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::arena::word::stream::geometry::SocketOptions;
use crate::arena::word::stream::item::ItemWord;
use crate::object::socket;
use crate::object::stream::link;
use crate::object::stream::places::{MOST_ROUNDS, RESTLESS, Stream};
use crate::object::stream::read::Taking;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Acquire, Relaxed, Release};
use core::mem::MaybeUninit;

/// The most bytes of a message in the control plane.
pub const MAX_CONTROL_BYTES: usize = if cfg!(loom) { 8 } else { 1024 };

const NO_CONTROL: Error = Error::BadState("the socket has no control plane");

/// Writes a message at a side that a hazard names, whole.
pub(crate) fn write(thread: &Thread, side: ObjectRef, bytes: &[u8]) -> Result<()> {
    let arena = thread.arena();
    let stream = Stream::of(arena, side)?;
    socket::require(&stream, SocketOptions::HAS_CONTROL, NO_CONTROL)?;
    if bytes.is_empty() {
        return Err(Error::InvalidArgs("a message of the control plane has at least a byte"));
    }
    if bytes.len() > MAX_CONTROL_BYTES {
        let what = "the size of a message of the control plane in bytes";
        return Err(Error::out_of_range(what, bytes.len(), MAX_CONTROL_BYTES));
    }
    // Relaxed: no data is read on the strength of it.
    if State(arena.state(side)?.load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::PeerClosed);
    }
    let place = stream.words.control();
    // ORDER: Acquire pairs with the Release of `unlink`: the reader's copy is over.
    let vacant = ItemWord(place.load(Acquire));
    if vacant.block().is_some() {
        return Err(Error::ShouldWait);
    }
    let block = link::take(thread, bytes.len())?;
    stream.copy_in(block, 0, 0, bytes)?;
    let loose = link::bind(thread, &stream, block)?;
    if !link::link(thread, (place, vacant), loose, 0, bytes.len() as u64)? {
        // Another writer was first: its message was there, and may be read by now.
        link::give_back(thread, loose)?;
        return Err(Error::ShouldWait);
    }
    crash_point!(thread, "control.linked");
    thread.set_list_intent(ListIntent::Idle, 0);
    wake::notify_derived(thread, arena.state(side.peer())?, State::HAS_WAITERS)?;
    Ok(())
}

/// Reads as much of the message as fits, at a side that a hazard names. The rest is gone with it.
pub(crate) fn read(
    thread: &Thread,
    side: ObjectRef,
    taking: Taking,
    out: &mut [MaybeUninit<u8>],
) -> Result<usize> {
    let arena = thread.arena();
    let stream = Stream::of(arena, side.peer())?;
    socket::require(&stream, SocketOptions::HAS_CONTROL, NO_CONTROL)?;
    let place = stream.words.control();
    for _ in 0..MOST_ROUNDS {
        // ORDER: Acquire pairs with the Release of `link`: the message and its length.
        let word = ItemWord(place.load(Acquire));
        let Some(block) = word.block() else { return Err(Error::ShouldWait) };
        // Relaxed: published with the place. Of the block's next item, if the place has changed, which is seen below.
        let len = arena.descriptor(block)?.link.load(Relaxed);
        // So no more than the block has, whichever item's it is (also P5).
        let most = stream.ring_bytes(block).min(MAX_CONTROL_BYTES as u64);
        let many = out.len().min(len.min(most) as usize);
        stream.copy_out(block, (0, 0), &mut out[..many])?;
        let is_read = match taking {
            Taking::Consume => link::unlink(thread, &stream, place, word, block)?,
            // ORDER: Release: after the copy. A load might show an older word than the copy does.
            Taking::Peek => place.compare_exchange(word.0, word.0, Release, Relaxed).is_ok(),
        };
        if is_read {
            if taking == Taking::Consume {
                wake::notify_derived(thread, arena.state(side.peer())?, State::HAS_WRITE_WAITERS)?;
            }
            return Ok(many);
        }
    }
    Err(RESTLESS)
}
