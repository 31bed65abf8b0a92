//! The sources of an object that becomes readable and writable: one for each.

use super::Reactor;
use super::source::{Place, Source};
use super::sources::Key;
use jacinth::{HandleRef, Signals, Status, WaitAsyncOpts};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// What the futures of an end wait for.
#[derive(Debug)]
pub(crate) struct Ready {
    readable: Direction,
    writable: Direction,
}

#[derive(Debug)]
struct Direction {
    source: Arc<Source>,
    /// Given when a future waits for the first time.
    key: OnceLock<Key>,
    signals: Signals,
    stay: Stay,
}

/// How long an observer stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    /// As long as the handle.
    Always,
    /// Until it has sent a packet, which it does at once if the signal is asserted.
    Once,
    /// While tasks wait. It sends a packet for each change, also when the signal was asserted before.
    WhileNeeded,
}

impl Stay {
    fn options(self) -> WaitAsyncOpts {
        match self {
            Self::Once => WaitAsyncOpts::ONCE,
            Self::Always | Self::WhileNeeded => WaitAsyncOpts::REPEATING,
        }
    }
}

/// The end of a channel or of a fifo: it has room if it is writable.
impl Default for Ready {
    fn default() -> Self {
        Self {
            readable: Direction::new(Signals::OBJECT_READABLE, Stay::Always),
            writable: Direction::new(Signals::OBJECT_WRITABLE, Stay::Once),
        }
    }
}

impl Direction {
    fn new(signals: Signals, stay: Stay) -> Self {
        let signals = signals | Signals::OBJECT_PEER_CLOSED;
        Self { source: Arc::default(), key: OnceLock::new(), signals, stay }
    }

    /// Tries until `attempt` gives something other than SHOULD_WAIT.
    fn poll<T>(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        mut attempt: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        loop {
            let seen = self.source.packets();
            match attempt() {
                Err(Status::SHOULD_WAIT) => {}
                done => {
                    if self.stay == Stay::WhileNeeded {
                        self.leave(handle, place);
                    }
                    return Poll::Ready(done);
                }
            }
            if self.wait(handle, context, place, seen)? {
                return Poll::Pending;
            }
        }
    }

    fn wait(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
    ) -> Result<bool, Status> {
        let reactor = Reactor::get()?;
        reactor.require_packets()?;
        self.source.wait(context, place, seen, || {
            let key = *self.key.get_or_init(|| reactor.register(self.source.clone()));
            reactor.observe(handle.raw_handle(), key, self.signals, self.stay.options())
        })
    }

    fn leave(&self, handle: &HandleRef<'_>, place: &mut Place) {
        if place.is_empty() {
            return;
        }
        self.source.leave(place);
        if self.stay == Stay::WhileNeeded {
            self.source.rest(|| self.cancel(handle));
        }
    }

    fn cancel(&self, handle: &HandleRef<'_>) {
        if let (Ok(reactor), Some(key)) = (Reactor::get(), self.key.get()) {
            reactor.cancel(handle.raw_handle(), *key);
        }
    }
}

impl Ready {
    /// The end of a socket: either direction can be shut down. A datagram may find no room though the socket is writable, so it
    /// waits for each read of the peer.
    pub(crate) fn of_socket() -> Self {
        let (read, written) = (
            Signals::SOCKET_READABLE | Signals::SOCKET_PEER_WRITE_DISABLED,
            Signals::SOCKET_WRITABLE | Signals::SOCKET_WRITE_DISABLED,
        );
        Self {
            readable: Direction::new(read, Stay::Always),
            writable: Direction::new(written, Stay::WhileNeeded),
        }
    }

    /// Tries until `read` gives something other than SHOULD_WAIT.
    pub(crate) fn poll_read<T>(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        read: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        self.readable.poll(handle, context, place, read)
    }

    /// Tries until `write` gives something other than SHOULD_WAIT.
    pub(crate) fn poll_write<T>(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        write: impl FnMut() -> Result<T, Status>,
    ) -> Poll<Result<T, Status>> {
        self.writable.poll(handle, context, place, write)
    }

    /// Wakes the tasks that wait until it is readable: a message was set aside for them.
    pub(crate) fn wake_readers(&self) {
        self.readable.source.fire(false);
    }

    /// Takes a future away that waits until it is readable.
    pub(crate) fn leave_readable(&self, handle: &HandleRef<'_>, place: &mut Place) {
        self.readable.leave(handle, place);
    }

    /// Takes a future away that waits until it is writable.
    pub(crate) fn leave_writable(&self, handle: &HandleRef<'_>, place: &mut Place) {
        self.writable.leave(handle, place);
    }

    /// Ends the observers of a handle that stays open.
    pub(crate) fn end_observers(&self, handle: &HandleRef<'_>) {
        for direction in [&self.readable, &self.writable] {
            direction.cancel(handle);
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let Ok(reactor) = Reactor::get() else { return };
        for direction in [&self.readable, &self.writable] {
            if let Some(key) = direction.key.get() {
                // The observers end with the handle.
                reactor.unregister(*key);
            }
        }
    }
}
