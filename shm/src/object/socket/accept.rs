//! Sockets that are sent over a socket: the accept queue of each side, which has one place (`object/queue`).

use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARD_SECOND;
use crate::arena::word::handle::Rights;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::arena::word::stream::geometry::SocketOptions;
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::bind::Received;
use crate::object::queue::{self, HasQueue};
use crate::object::socket::{self, Socket, accept_queue};
use crate::object::stream::places::Stream;
use crate::process::thread::Thread;
use crate::signal::wake;
use crate::sync::Relaxed;

const NO_QUEUE: Error = Error::NotSupported("the socket was not made for sharing others");

impl HasQueue for Socket {
    /// SHARE of the other side follows from the place.
    fn tell_of_room(thread: &Thread, side: ObjectRef) -> Result<()> {
        let sharers = thread.arena().state(side.peer())?;
        wake::notify_derived(thread, sharers, State::HAS_WRITE_WAITERS)?;
        Ok(())
    }
}

/// Moves a handle to another socket into the queue of the peer of `side`, which a hazard names. On an error the caller still
/// has the handle.
pub(crate) fn share(
    thread: &Thread,
    side: ObjectRef,
    shared: ResolvedHandle,
    transfer: Rights,
) -> Result<()> {
    check_shared(thread, side, shared, transfer)?;
    let arena = thread.arena();
    socket::require(&Stream::of(arena, side)?, SocketOptions::HAS_ACCEPT, NO_QUEUE)?;
    // Relaxed: if the peer closes from now on, it closes what it finds in its queue (INV-ACCEPT-2).
    if State(arena.state(side)?.load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
        return Err(Error::PeerClosed);
    }
    accept_queue::of(arena, side.peer())?.link(thread, |_| {})?;
    queue::offer::<Socket>(thread, side.peer(), shared)
}

/// Fails unless `shared` may be sent over the socket of `side`: what can be in a queue has none itself, so that queues hold no
/// chain of sockets, and no circle.
fn check_shared(thread: &Thread, side: ObjectRef, shared: ResolvedHandle, transfer: Rights) -> Result<()> {
    pin::pin_at(thread, shared, HAZARD_SECOND)?;
    let object = shared.entry.object();
    let checked = || {
        let arena = thread.arena();
        // As in Zircon, the right comes before the type.
        shared.require(transfer)?;
        if ObjectClass::of(pin::lifecycle_of(arena, object.slot())?)? != ObjectClass::Socket {
            return Err(Error::WrongType);
        }
        if object.slot() == side.slot() {
            return Err(Error::BadState("an end of a socket is not sent over the socket itself"));
        }
        let options = Stream::of(arena, object)?.geometry.socket_options().unwrap_or_default();
        if options.contains(SocketOptions::HAS_ACCEPT) {
            return Err(Error::BadState("a socket that others are sent over is not sent over one"));
        }
        Ok(())
    };
    let result = checked();
    pin::clear_hazard(thread, HAZARD_SECOND);
    result
}

/// Takes the socket out of the queue of a side that a hazard names.
pub(crate) fn accept(thread: &Thread, side: ObjectRef) -> Result<Received> {
    socket::require(&Stream::of(thread.arena(), side)?, SocketOptions::HAS_ACCEPT, NO_QUEUE)?;
    queue::accept::<Socket>(thread, side)?.ok_or(Error::ShouldWait)
}
