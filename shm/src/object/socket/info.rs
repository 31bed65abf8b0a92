//! What a socket says of its buffers, and the thresholds of two of its signals.

use crate::arena::error::{Error, Result};
use crate::arena::record::stream::{self, StreamWords};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::arena::word::stream::geometry::{MAX_SOCKET_BYTES, SocketOptions};
use crate::object::stream::places::Stream;
use crate::process::thread::Thread;
use crate::signal::wake;
use crate::sync::{AtomicU64, Relaxed};

/// The buffers of a socket, as one of its sides sees them. In bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketInfo {
    /// As the socket was made.
    pub options: SocketOptions,
    /// How many bytes this side's buffer holds at most.
    pub rx_buf_max: usize,
    /// How many bytes are unread.
    pub rx_buf_size: usize,
    /// How many of them one read can give: of datagrams, those of the first.
    pub rx_buf_available: usize,
    /// As `rx_buf_max`, of the peer; 0 when it is closed.
    pub tx_buf_max: usize,
    /// As `rx_buf_size`, of the peer; 0 when it is closed.
    pub tx_buf_size: usize,
}

/// The buffers of a side that a hazard names.
pub(crate) fn info(thread: &Thread, side: ObjectRef) -> Result<SocketInfo> {
    let arena = thread.arena();
    let (incoming, outgoing) = (Stream::of(arena, side.peer())?, Stream::of(arena, side)?);
    let unread = incoming.unread();
    let is_closed = is_peer_closed(thread, side)?;
    Ok(SocketInfo {
        options: incoming.geometry.socket_options().unwrap_or_default(),
        rx_buf_max: MAX_SOCKET_BYTES,
        rx_buf_size: unread.bytes as usize,
        rx_buf_available: incoming.bytes_of_a_read(unread)? as usize,
        tx_buf_max: if is_closed { 0 } else { MAX_SOCKET_BYTES },
        tx_buf_size: if is_closed { 0 } else { outgoing.unread().bytes as usize },
    })
}

fn is_peer_closed(thread: &Thread, side: ObjectRef) -> Result<bool> {
    // Relaxed: no data is read on the strength of it.
    Ok(State(thread.arena().state(side)?.load(Relaxed)).signals().contains(Signals::PEER_CLOSED))
}

/// A threshold of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// READ_THRESHOLD is asserted while at least so many bytes are unread; 0: never.
    Read,
    /// WRITE_THRESHOLD is asserted while there is room for at least so many bytes; 0: never.
    Write,
}

fn word(thread: &Thread, side: ObjectRef, threshold: Threshold) -> Result<&AtomicU64> {
    let words = |writer: ObjectRef| thread.arena().direction(writer).map(StreamWords::of);
    Ok(match threshold {
        Threshold::Read => words(side.peer())?.read_threshold(),
        Threshold::Write => words(side)?.write_threshold(),
    })
}

/// A threshold of a side that a hazard names, in bytes.
pub(crate) fn threshold(thread: &Thread, side: ObjectRef, threshold: Threshold) -> Result<usize> {
    // Relaxed: a number alone.
    Ok(stream::threshold_bytes(word(thread, side, threshold)?.load(Relaxed)) as usize)
}

/// Sets a threshold of a side that a hazard names. As in Zircon, the threshold of writing only while the peer is open.
pub(crate) fn set_threshold(
    thread: &Thread,
    side: ObjectRef,
    threshold: Threshold,
    bytes: usize,
) -> Result<()> {
    if threshold == Threshold::Write && is_peer_closed(thread, side)? {
        return Err(Error::PeerClosed);
    }
    if bytes > MAX_SOCKET_BYTES {
        return Err(Error::InvalidArgs("a socket's threshold is larger than its buffer"));
    }
    // Relaxed: the wake orders it.
    word(thread, side, threshold)?.store(bytes as u64 + 1, Relaxed);
    let everyone = State::HAS_WAITERS | State::HAS_WRITE_WAITERS;
    wake::notify_derived(thread, thread.arena().state(side)?, everyone)?;
    Ok(())
}
