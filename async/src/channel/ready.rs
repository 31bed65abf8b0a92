//! The sources of an end: one for messages, and one for room.

use crate::reactor::Reactor;
use crate::reactor::source::{Place, Source};
use crate::reactor::sources::Key;
use jacinth::{MonotonicInstant, Signals, Status, WaitAsyncOpts};
use std::sync::{Arc, OnceLock};
use std::task::Context;

/// What the futures of an end wait for.
#[derive(Debug, Default)]
pub(super) struct Ready {
    messages: Direction,
    room: Direction,
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
        channel: &jacinth::Channel,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
        (signals, options): (Signals, WaitAsyncOpts),
    ) -> Result<bool, Status> {
        let reactor = Reactor::get()?;
        reactor.require_packets()?;
        self.source.wait(context, place, seen, || {
            let key = *self.key.get_or_init(|| reactor.register(self.source.clone()));
            reactor.observe(channel.raw_handle(), key, signals | Signals::CHANNEL_PEER_CLOSED, options)
        })
    }
}

impl Ready {
    /// How often messages may have come.
    pub(super) fn messages(&self) -> u64 {
        self.messages.source.packets()
    }

    /// How often room may have come.
    pub(super) fn room(&self) -> u64 {
        self.room.source.packets()
    }

    /// Has the task woken when a message comes after the `seen` ones. `false`: one may have come.
    pub(super) fn wait_for_message(
        &self,
        channel: &jacinth::Channel,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
    ) -> Result<bool, Status> {
        let observer = (Signals::CHANNEL_READABLE, WaitAsyncOpts::REPEATING);
        self.messages.wait(channel, context, place, seen, observer)
    }

    /// Has the task woken when room comes. `Ok(None)`: no signal will tell, because it is this process's share of
    /// memory that is used up. `Some(false)`: try again.
    pub(super) fn wait_for_room(
        &self,
        channel: &jacinth::Channel,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
    ) -> Result<Option<bool>, Status> {
        // An observer sees the channel's room alone.
        let looked = channel.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE_PAST);
        if looked.to_result() != Err(Status::TIMED_OUT) && self.room() == seen {
            return Ok(None);
        }
        let observer = (Signals::CHANNEL_WRITABLE, WaitAsyncOpts::ONCE);
        self.room.wait(channel, context, place, seen, observer).map(Some)
    }

    /// Wakes the tasks that wait for a message: one was set aside for them.
    pub(super) fn message_was_set_aside(&self) {
        self.messages.source.fire(false);
    }

    pub(super) fn leave_messages(&self, place: &mut Place) {
        self.messages.source.leave(place);
    }

    pub(super) fn leave_room(&self, place: &mut Place) {
        self.room.source.leave(place);
    }

    /// Ends the observers of a handle that stays open.
    pub(super) fn end_observers(&self, channel: &jacinth::Channel) {
        let Ok(reactor) = Reactor::get() else { return };
        for direction in [&self.messages, &self.room] {
            if let Some(key) = direction.key.get() {
                reactor.cancel(channel.raw_handle(), *key);
            }
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let Ok(reactor) = Reactor::get() else { return };
        for direction in [&self.messages, &self.room] {
            if let Some(key) = direction.key.get() {
                // The observers end with the handle.
                reactor.unregister(*key);
            }
        }
    }
}
