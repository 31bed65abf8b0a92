//! Sockets: two sides, and a stream of bytes, or of datagrams, in each direction (`object/stream`).
//!
//! | what a socket has beside its streams | where | changes by |
//! |---|---|---|
//! | the control plane, a message each way | a place of its own in each direction | the CAS of the place (`control`) |
//! | the end of writing | WRITE_DISABLED of the writing side | `stream/shutdown` |
//! | a queue for one socket at each side | a block of the direction that the side writes | the moves of `object/queue` (`accept`) |
//! | thresholds | two words of each direction | stores (`info`) |
//!
//! A datagram is an item of its stream. So the ends of a socket with datagrams are shared from the beginning, whichever number
//! of handles they have: an exclusive end would write into a ring, which has no bounds of datagrams.

pub(crate) mod accept;
mod accept_queue;
pub(crate) mod control;
pub(crate) mod data;
pub(crate) mod info;
mod signals;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::stream::StreamWords;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::arena::word::stream::geometry::{Geometry, MAX_SOCKET_BYTES, SocketOptions};
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::object::ObjectClass;
use crate::object::budget::Budget;
use crate::object::class::{Class, Observable};
use crate::object::queue::{self, Queue};
use crate::object::stream::places::Stream;
use crate::object::stream::{end, remains, share, shutdown};
use crate::process::thread::Thread;
use crate::process::{Origin, Process};
use crate::signal::set;
use crate::sync::{Inside, Relaxed};

/// The class of sockets.
pub(crate) struct Socket;

impl Class for Socket {
    const NUMBER: u8 = 14;
    const SIDES: usize = 2;
    const HAS_SIZE: bool = true;
    type Progress = ();

    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        Ok(signals::observable(thread.arena(), found.entry.object(), stored)?.signals)
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        signals::observable(thread.arena(), side, stored)
    }

    fn bind_half<'a>(
        process: &'a Process,
        object: ObjectRef,
        index: EntryIndex,
        _origin: Origin,
        inside: impl FnOnce() -> Inside<'a>,
    ) {
        end::bind(process, object, index, &inside());
    }

    fn before_duplicate(thread: &Thread, found: ResolvedHandle) -> Result<()> {
        share::share(thread, found)
    }

    fn queue(arena: &Arena, side: ObjectRef) -> Result<Option<Queue<'_>>> {
        accept_queue::of(arena, side).map(Some)
    }

    fn after_death(thread: &Thread, slot: Slot) -> Result<()> {
        for side in 0..2 {
            queue::after_death::<Self>(thread, ObjectRef::new(slot, side))?;
        }
        Ok(())
    }

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        budget: &mut Budget,
    ) -> Result<bool> {
        if !queue::end::<Self>(thread, object, budget)? {
            return Ok(false);
        }
        set::tell_peer_closed(thread, object)?;
        Ok(true)
    }

    fn free_blocks(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
        remains::free_blocks(thread, slot, budget)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        remains::is_blank(thread, slot)
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        remains::reset(thread, slot)
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        remains::is_linked(thread, intent, from, block)
    }

    fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
        remains::fault(arena, slot)
    }
}

/// Writes the options of a new socket into its slot.
pub(crate) fn initialize(thread: &Thread, slot: Slot, options: SocketOptions) -> Result<()> {
    let geometry = Geometry::of_socket(MAX_SOCKET_BYTES as u64, options);
    for side in 0..2 {
        let words = StreamWords::of(thread.arena().direction(ObjectRef::new(slot, side))?);
        // Relaxed, both: the store that makes the object LIVE publishes them.
        words.geometry().store(geometry.0, Relaxed);
        if geometry.has_datagrams() {
            words.sharing().store(1, Relaxed);
        }
    }
    Ok(())
}

/// Runs an operation on the side of a socket, while a hazard names it.
pub(crate) fn with_socket<T>(
    thread: &Thread,
    socket: HandleName,
    rights: Rights,
    operation: impl FnOnce(ObjectRef) -> Result<T>,
) -> Result<T> {
    end::with_side(thread, socket, ObjectClass::Socket, rights, operation)
}

/// Fails unless the socket was made for this.
pub(crate) fn require(stream: &Stream<'_>, option: SocketOptions, error: Error) -> Result<()> {
    let options = stream.geometry.socket_options().unwrap_or_default();
    if options.contains(option) { Ok(()) } else { Err(error) }
}

bitflags::bitflags! {
    /// What a shutdown ends. The numbers are Zircon's (`ZX_SOCKET_SHUTDOWN_WRITE`, …).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Shutdown: u8 {
        /// This end writes no more.
        const WRITE = 1 << 0;
        /// This end reads no more than there is, and the other end writes no more.
        const READ = 1 << 1;
    }
}

/// Ends writing, reading, or both, at a side that a hazard names. Of both, reading is ended first: a peer that learns that
/// there is no more to read can write no more either.
pub(crate) fn shutdown(thread: &Thread, side: ObjectRef, how: Shutdown) -> Result<()> {
    for (part, writer) in [(Shutdown::READ, side.peer()), (Shutdown::WRITE, side)] {
        if how.contains(part) {
            shutdown::disable_writing(thread, writer)?;
        }
    }
    Ok(())
}
