//! Calls: a message out, and the one reply that carries its transaction id back, whatever comes in between.
//!
//! Replies stay in the ring until the caller they belong to takes them. Whoever holds the receiving lock sorts:
//! it notes, for each awaited id, the *position* of its reply. So nothing is moved to private memory, and a
//! process that dies in a call leaves the ring as readable as before. A reply taken ahead of its turn is marked
//! TAKEN; the head passes it later.
//!
//! INV-CALL-1: an id is registered before the message that carries it is sent.
//! INV-CALL-2: a reply is taken by the caller it was noted for, or, once that caller has left, by a plain read.

use crate::bits::ObjectRef;
use crate::copy;
use crate::count::Found;
use crate::endpoint::{Endpoint, Receiver};
use crate::error::{Error, Result};
use crate::object::{State, signal};
use crate::receive::{Arrivals, Sink, TooSmall};
use crate::send::payload_lines;
use crate::sync::{Acquire, Relaxed, Release};
use crate::thread::Thread;
use crate::wait::{OnInterrupt, WaitItem};

/// A call under way: its transaction id.
#[derive(Debug)]
pub struct Pending {
    found: Found,
    txid: u32,
}

impl Pending {
    /// The transaction id, 0x8000_0000 and up.
    pub fn txid(&self) -> u32 {
        self.txid
    }
}

impl core::fmt::Debug for Found {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Found({}: {:?}, rights {:#x})", self.index, self.entry.object(), self.rights())
    }
}

impl Thread {
    /// Sends `bytes`, its first four replaced by a fresh transaction id, with `handles`. The reply is then
    /// awaited by [`call_finish`](Self::call_finish), or given up with [`call_abandon`](Self::call_abandon).
    ///
    /// As for a send, all `handles` are gone unless it says `ShouldWait` or `NoResources`.
    pub fn call_begin(
        &self,
        found: Found,
        rights: u32,
        bytes: &[u8],
        handles: &[u32],
        transfer: u32,
    ) -> Result<Pending> {
        let txid = match self.register_call(found, rights) {
            Ok(txid) => txid,
            Err(error) => {
                for value in handles {
                    let _ = self.find(*value).and_then(|handle| self.close(handle));
                }
                return Err(error);
            }
        };
        let pending = Pending { found, txid };
        let sent = if handles.is_empty() {
            self.send_call(found, rights, bytes, txid)
        } else {
            self.send_with_handles(found, rights, bytes, handles, transfer, Some(txid))
        };
        match sent {
            Ok(()) => Ok(pending),
            Err(error) => {
                self.call_abandon(&pending);
                Err(error)
            }
        }
    }

    fn send_call(&self, found: Found, rights: u32, bytes: &[u8], txid: u32) -> Result<()> {
        let writer = found.entry.object();
        let inside = self.inside();
        let (endpoint, mut sender) = self.enter_sender(found, rights, &inside)?;
        let put = self.put(writer, &mut sender, bytes, Some(txid));
        self.noting(endpoint, payload_lines(bytes.len()), put)?;
        self.publish(writer, &mut sender, 1)
    }

    fn register_call(&self, found: Found, rights: u32) -> Result<u32> {
        let inside = self.inside();
        let (endpoint, mut receiver) = self.enter_receiver(found, rights, &inside)?;
        let at = found.entry.object();
        if !receiver.ready {
            let _ = self.next_message(at, endpoint, &mut receiver);
        }
        if receiver.calls.is_empty() {
            // What is already there answers no call that is yet to be made; but perhaps one that is over.
            self.sort(at, &mut receiver)?;
        }
        if receiver.next_txid == 0 {
            // Not where the last owner of this end began: its replies may still be on their way.
            receiver.next_txid = self.process.txid_start();
        }
        if receiver.first_txid == 0 {
            receiver.first_txid = receiver.next_txid;
        }
        let txid = loop {
            let txid = 0x8000_0000 | receiver.next_txid;
            receiver.next_txid = (receiver.next_txid & 0x7fff_ffff) + 1;
            if !receiver.calls.contains_key(&txid) {
                break txid;
            }
        };
        receiver.calls.insert(txid, None);
        // Relaxed: whoever finds disorder looks closer, under the lock.
        endpoint.disorder.store(receiver.disorder(), Relaxed);
        Ok(txid)
    }

    /// Waits for the reply and receives it into `sink`; one that does not fit is discarded.
    ///
    /// `TimedOut`: the reply, should it come, is an ordinary message. `Canceled`: the handle went. `Interrupted`: a
    /// signal handler ran; the call is still under way, to be finished by another `call_finish` or abandoned.
    pub fn call_finish(
        &self,
        pending: &Pending,
        deadline_ns: i64,
        sink: &mut impl Sink,
    ) -> Result<(usize, usize)> {
        let found = pending.found;
        let mut items = [WaitItem { handle: 0, waitfor: signal::READABLE, pending: 0 }];
        let result = self.wait_until(&[found], &mut items, deadline_ns, OnInterrupt::End, |_, _| {
            self.try_reply(pending, sink)
        });
        // Late replies may have been discarded on the way.
        self.work_dying()?;
        match result {
            Err(Error::BufferTooSmall { .. } | Error::Interrupted) => result,
            // The last look was under the lock: the reply is not there.
            Err(Error::TimedOut) => {
                let late = self.try_reply(pending, sink);
                self.call_abandon(pending);
                self.work_dying()?;
                match late {
                    Ok(Some(reply)) => Ok(reply),
                    Err(error @ Error::BufferTooSmall { .. }) => Err(error),
                    _ => result,
                }
            }
            result => {
                if result.is_err() {
                    self.call_abandon(pending);
                }
                result
            }
        }
    }

    /// Receives the reply into `sink` if it is there; `None` while it is not. Otherwise as
    /// [`call_finish`](Self::call_finish), but an error of this leaves the call under way.
    pub fn call_poll(&self, pending: &Pending, sink: &mut impl Sink) -> Result<Option<(usize, usize)>> {
        let polled = self.try_reply(pending, sink);
        self.work_dying()?;
        polled
    }

    /// Takes the reply if it is there.
    fn try_reply(&self, pending: &Pending, sink: &mut impl Sink) -> Result<Option<(usize, usize)>> {
        let inside = self.inside();
        let entered = self.enter_receiver(pending.found, 0, &inside);
        let (endpoint, mut receiver) = entered.map_err(|_| Error::Canceled)?;
        let at = pending.found.entry.object();
        // ORDER: Acquire, and before the tail is looked at: a reply sent before the peer closed is found.
        let state = State(self.arena().object(at.slot())?.state[at.side()].load(Acquire));
        self.sort(at, &mut receiver)?;
        self.discard_late(at, endpoint, &mut receiver)?;
        match *receiver.calls.get(&pending.txid).ok_or(Error::Canceled)? {
            Some(position) => {
                receiver.calls.remove(&pending.txid);
                receiver.replies.remove(position);
                let mut arrived = Arrivals::new();
                let discard = TooSmall::Discard;
                let taken = self.take(at, endpoint, &mut receiver, position, sink, &mut arrived, discard);
                if !matches!(taken, Ok(_) | Err(Error::BufferTooSmall { .. })) {
                    receiver.release(position);
                }
                self.settle_disorder(at, endpoint, &receiver);
                drop(receiver);
                arrived.into_iter().for_each(|handle| sink.handle(handle));
                taken.map(Some)
            }
            None if state.signals() & signal::PEER_CLOSED != 0 => Err(Error::PeerClosed),
            None => Ok(None),
        }
    }

    /// Gives the call up. Its reply, should it come or have come, is an ordinary message; or it is discarded, if the end
    /// was told so.
    pub fn call_abandon(&self, pending: &Pending) {
        let inside = self.inside();
        if let Ok((endpoint, mut receiver)) = self.enter_receiver(pending.found, 0, &inside) {
            let at = pending.found.entry.object();
            if let Some(Some(position)) = receiver.calls.remove(&pending.txid) {
                receiver.replies.remove(position);
                if receiver.minds_late() {
                    receiver.note_late(position);
                } else {
                    receiver.release(position);
                }
            }
            // What fails here fails for the next who looks as well.
            let _ = self.discard_late(at, endpoint, &mut receiver);
            self.settle_disorder(at, endpoint, &receiver);
        }
        let _ = self.work_dying();
    }

    /// After a call or a claim has gone: a message that was spoken for may be anybody's now, and whoever sleeps
    /// until one can be read is told.
    pub(crate) fn settle_disorder(&self, at: ObjectRef, endpoint: &Endpoint, receiver: &Receiver) {
        // ORDER: Release pairs with the Acquire of `is_readable`; the wake fences before it looks for sleepers.
        endpoint.disorder.store(receiver.disorder(), Release);
        if receiver.head != receiver.tail_seen
            && let Ok(slot) = self.arena().object(at.slot())
        {
            self.wake_after_update(&slot.state[at.side()], State::ARMED);
        }
    }

    /// Matches what has come since the last time against the awaited ids.
    fn sort(&self, at: ObjectRef, receiver: &mut Receiver) -> Result<()> {
        self.refresh_tail(at, receiver)?;
        if receiver.calls.is_empty() && !receiver.minds_late() {
            receiver.sorted = receiver.tail_seen;
        }
        while receiver.sorted < receiver.tail_seen {
            self.leave_passed(at.peer(), receiver)?;
            let (position, segment) = self.place_of(at.peer(), receiver, receiver.sorted)?;
            receiver.sorted = position + 1;
            if position >= receiver.tail_seen {
                break;
            }
            let message = self.message(&segment, position)?;
            if !message.header.is_taken() && message.header.length() >= 4 {
                let txid = copy::first_word(message.bytes);
                if let Some(reply) = receiver.calls.get_mut(&txid) {
                    if reply.is_none() {
                        *reply = Some(position);
                        receiver.replies.insert(position);
                    }
                } else if receiver.minds_late() && receiver.answers_a_call(txid) {
                    receiver.note_late(position);
                }
            }
        }
        Ok(())
    }

    /// The first message that is neither taken nor anybody's in particular.
    pub(crate) fn unspoken(&self, at: ObjectRef, receiver: &mut Receiver) -> Result<Option<u64>> {
        self.sort(at, receiver)?;
        // Those that were passed over are older than whatever comes next.
        while let Some(position) = receiver.back.first().copied() {
            if position >= receiver.head {
                return Ok(Some(position));
            }
            receiver.back.pop_first();
        }
        receiver.plain = receiver.plain.max(receiver.head);
        while receiver.plain < receiver.tail_seen {
            self.leave_passed(at.peer(), receiver)?;
            let (position, segment) = self.place_of(at.peer(), receiver, receiver.plain)?;
            receiver.plain = position;
            if position >= receiver.tail_seen {
                break;
            }
            let taken = receiver.taken > 0 && self.message(&segment, position)?.header.is_taken();
            if !taken && !receiver.is_spoken_for(position) {
                return Ok(Some(position));
            }
            receiver.plain += 1;
        }
        Ok(None)
    }
}
