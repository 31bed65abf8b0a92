//! The sources of an object that becomes readable and writable: one for each.

use super::Reactor;
use super::source::{Place, Source};
use super::sources::Key;
use jacinth::{HandleRef, Signals, Status, WaitAsyncOpts};
use std::sync::{Arc, OnceLock};
use std::task::Context;

/// What the futures of an end wait for.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    readable: Direction,
    writable: Direction,
}

#[derive(Debug, Default)]
struct Direction {
    source: Arc<Source>,
    /// Given when a future waits for the first time.
    key: OnceLock<Key>,
}

impl Direction {
    fn wait(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
        (signals, options): (Signals, WaitAsyncOpts),
    ) -> Result<bool, Status> {
        let reactor = Reactor::get()?;
        reactor.require_packets()?;
        self.source.wait(context, place, seen, || {
            let key = *self.key.get_or_init(|| reactor.register(self.source.clone()));
            reactor.observe(handle.raw_handle(), key, signals | Signals::OBJECT_PEER_CLOSED, options)
        })
    }
}

impl Ready {
    /// How often it may have become readable.
    pub(crate) fn readable(&self) -> u64 {
        self.readable.source.packets()
    }

    /// How often it may have become writable.
    pub(crate) fn writable(&self) -> u64 {
        self.writable.source.packets()
    }

    /// Has the task woken when it becomes readable after the `seen` times. `false`: it may have.
    pub(crate) fn wait_readable(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
    ) -> Result<bool, Status> {
        let observer = (Signals::OBJECT_READABLE, WaitAsyncOpts::REPEATING);
        self.readable.wait(handle, context, place, seen, observer)
    }

    /// Has the task woken when it becomes writable after the `seen` times, and at once if it is. `false`: it may have.
    pub(crate) fn wait_writable(
        &self,
        handle: &HandleRef<'_>,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
    ) -> Result<bool, Status> {
        let observer = (Signals::OBJECT_WRITABLE, WaitAsyncOpts::ONCE);
        self.writable.wait(handle, context, place, seen, observer)
    }

    /// Wakes the tasks that wait until it is readable: a message was set aside for them.
    pub(crate) fn wake_readers(&self) {
        self.readable.source.fire(false);
    }

    /// Takes a future away that waits until it is readable.
    pub(crate) fn leave_readable(&self, place: &mut Place) {
        self.readable.source.leave(place);
    }

    /// Takes a future away that waits until it is writable.
    pub(crate) fn leave_writable(&self, place: &mut Place) {
        self.writable.source.leave(place);
    }

    /// Ends the observers of a handle that stays open.
    pub(crate) fn end_observers(&self, handle: &HandleRef<'_>) {
        let Ok(reactor) = Reactor::get() else { return };
        for direction in [&self.readable, &self.writable] {
            if let Some(key) = direction.key.get() {
                reactor.cancel(handle.raw_handle(), *key);
            }
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
