//! The messages of an end that makes calls: replies go to their calls, by their ids, and other messages to receives, in their
//! order.
//!
//! Any task that looks for its own message takes all that are there, and sets aside those of the others.

use crate::reactor::ready::Ready;
use jacinth::{Channel, MessageBuf, Status};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Calls have ids from here on, below those of `jacinth::Channel::call`.
pub(super) const FIRST_ID: u32 = 0x4000_0000;
const LAST_ID: u32 = 0x7fff_ffff;

/// So many dropped calls are remembered, the latest ones, until their replies come.
const MOST_DROPPED: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Whether a call was ever made.
    has_calls: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: HashMap<u32, Call>,
    /// The dropped ones among them, and perhaps some that were answered since.
    dropped: VecDeque<u32>,
    /// Messages that are no replies.
    others: VecDeque<MessageBuf>,
    last: u32,
}

#[derive(Debug)]
enum Call {
    Waiting,
    Answered(MessageBuf),
    /// Its reply is to be discarded.
    Dropped,
}

/// Where a message went.
enum Kind {
    /// It is no reply, and still there.
    Other,
    /// To its call.
    Reply,
    /// Nowhere: its call was dropped.
    Late,
}

impl State {
    /// Takes the message out if it is a reply.
    fn sort(&mut self, message: &mut MessageBuf) -> Kind {
        let id = message.bytes().first_chunk().map(|id| u32::from_le_bytes(*id));
        let Some(id) = id else { return Kind::Other };
        match self.calls.get_mut(&id) {
            Some(call @ Call::Waiting) => {
                *call = Call::Answered(std::mem::take(message));
                Kind::Reply
            }
            Some(Call::Dropped) => {
                self.calls.remove(&id);
                Kind::Late
            }
            // A second message with the id of a call that was answered is no reply.
            Some(Call::Answered(_)) | None => Kind::Other,
        }
    }

    fn take_reply(&mut self, id: u32) -> Option<MessageBuf> {
        match self.calls.entry(id) {
            Entry::Occupied(call) if matches!(call.get(), Call::Answered(_)) => match call.remove() {
                Call::Answered(reply) => Some(reply),
                Call::Waiting | Call::Dropped => None,
            },
            _ => None,
        }
    }
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_calls(&self) -> bool {
        // ORDER: Acquire, pairs with the Release of `begin`: a task that reads a reply knows of its call.
        self.has_calls.load(Ordering::Acquire)
    }

    /// The id of a new call. Before its request is sent.
    pub(super) fn begin(&self) -> u32 {
        let mut state = self.state();
        loop {
            state.last = if (FIRST_ID..LAST_ID).contains(&state.last) { state.last + 1 } else { FIRST_ID };
            let id = state.last;
            // After 2³⁰ calls an id may still be in use.
            if let Entry::Vacant(place) = state.calls.entry(id) {
                place.insert(Call::Waiting);
                // ORDER: Release, pairs with the Acquire of `has_calls`.
                self.has_calls.store(true, Ordering::Release);
                return id;
            }
        }
    }

    /// The call was dropped. If its request was sent, the reply will be discarded.
    pub(super) fn end(&self, id: u32, is_sent: bool) {
        let mut state = self.state();
        let is_open = matches!(state.calls.remove(&id), Some(Call::Waiting));
        if is_open && is_sent {
            state.calls.insert(id, Call::Dropped);
            state.dropped.push_back(id);
            if state.dropped.len() > MOST_DROPPED
                && let Some(oldest) = state.dropped.pop_front()
                && matches!(state.calls.get(&oldest), Some(Call::Dropped))
            {
                state.calls.remove(&oldest);
            }
        }
    }

    /// The next message that is no reply. `has_read`: `message` has one already.
    pub(super) fn receive(
        &self,
        channel: &Channel,
        ready: &Ready,
        message: &mut MessageBuf,
        mut has_read: bool,
    ) -> Result<(), Status> {
        let mut state = self.state();
        if !has_read && let Some(first) = state.others.pop_front() {
            *message = first;
            return Ok(());
        }
        let mut has_replies = false;
        let received = loop {
            if !std::mem::take(&mut has_read)
                && let Err(status) = channel.read(message)
            {
                break Err(status);
            }
            match state.sort(message) {
                Kind::Other => break Ok(()),
                Kind::Reply => has_replies = true,
                Kind::Late => {}
            }
        };
        drop(state);
        if has_replies {
            ready.wake_readers();
        }
        received
    }

    /// The reply to a call, which is over then.
    pub(super) fn reply_to(&self, channel: &Channel, ready: &Ready, id: u32) -> Result<MessageBuf, Status> {
        let mut state = self.state();
        let (mut message, mut is_for_others) = (MessageBuf::new(), false);
        let received = loop {
            if let Some(reply) = state.take_reply(id) {
                break Ok(reply);
            }
            if let Err(status) = channel.read(&mut message) {
                break Err(status);
            }
            match state.sort(&mut message) {
                Kind::Other => {
                    state.others.push_back(std::mem::take(&mut message));
                    is_for_others = true;
                }
                Kind::Reply => is_for_others |= !matches!(state.calls.get(&id), Some(Call::Answered(_))),
                Kind::Late => {}
            }
        };
        drop(state);
        if is_for_others {
            ready.wake_readers();
        }
        received
    }
}
