//! The private half of a channel end: its endpoint.
//!
//! Each direction of a channel has one producing and one consuming process. State on which only their threads must
//! agree lies here: positions as last seen, the segment at hand, which blocks are free, which replies are awaited. When
//! an endpoint arrives, its half loads this state from the arena.
//!
//! INV-ENDPOINT-1: an operation on a ring holds the lock of its direction and, having taken it, has found its handle's
//! entry unchanged since the handle was admitted to the end, that is found bound to the endpoint, under the same lock.
//! Closing, moving or replacing the handle first changes the entry and then passes through both locks, which ends the
//! admission: so no operation outlives the handle.
//! INV-ENDPOINT-2: everything here can be rebuilt from the arena.
//! INV-ENDPOINT-3: a half that is unbound keeps no more than a little room for its next endpoint.
//! INV-ENDPOINT-4: a handle leaves this process, by a close, a move or a replacement, only while no part of the channel's
//! memory is lent to the program: no loan, and no message that is read in place. Its entry leaves LIVE under both
//! locks, under which the thread that changes it has found nothing lent ([`leaving`](Endpoint::leaving)).

use crate::arena::error::{Error, Result};
use crate::arena::segment::Segment;
use crate::arena::word::block::BlockId;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::Txid;
use crate::process::half::PrivateHalf;
use crate::process::half::calls::Calls;
use crate::process::half::entrance::Entrance;
use crate::process::half::stream_detector::StreamDetector;
use crate::process::quota::{MessageCredits, Quotas};
use crate::sync::{AtomicU64, Lock, Relaxed};
use crossbeam_utils::CachePadded;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The error of a close or a move while memory of the channel is lent to the program.
const LENT: Error = Error::BadState(
    "the channel has loans, or messages that are being read in place: send, drop or finish them first",
);

/// The private half of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    /// The endpoint that the entry holds, as a link; 0 while it holds none.
    bound: AtomicU64,
    /// The number of awaited replies, claimed messages and messages consumed out of order. While it is 0, the first
    /// unread message is the one at the head.
    pub(crate) out_of_order: AtomicU64,
    /// The messages below this position are READABLE although the tail may not show them yet: a read has shown one to its
    /// caller, and left it in the ring.
    pub(crate) shown: AtomicU64,
    /// How many messages had been written and read at the end, together, when it was last considered for trimming.
    pub(crate) activity_seen: AtomicU64,
    /// One more than the lines of payload that the last refused write needed; 0 if none was refused
    /// (`object/channel/write/refused.rs`).
    pub(crate) refused: AtomicU64,
    /// The entry of the handle, if its owner has given it up while memory was lent; 0 otherwise (`object/channel/given_up.rs`).
    pub(crate) given_up: AtomicU64,
    pub(crate) write_cursor: CachePadded<Lock<WriteCursor>>,
    pub(crate) read_cursor: CachePadded<Lock<ReadCursor>>,
}

impl Endpoint {
    /// Binds the half to an endpoint that arrived, and drops the calls, claims and reservations of
    /// an earlier handle.
    ///
    /// The endpoint has `pending` unread messages that were written before it arrived. They are charged to this
    /// process.
    pub(crate) fn bind(&self, object: ObjectRef, pending: u64, credits: &MessageCredits) {
        self.start_afresh(Some(object), pending, credits);
    }

    fn start_afresh(&self, bound: Option<ObjectRef>, pending: u64, credits: &MessageCredits) {
        // `leaving` and `closing` take them in the same order, and no other function holds both locks of a half at once: no deadlock.
        let (mut writing, mut reading) = (self.write_cursor.lock(), self.read_cursor.lock());
        self.start_afresh_held(&mut writing, &mut reading, bound, pending, credits);
    }

    /// As [`start_afresh`](Self::start_afresh), for a caller that holds both locks. Inlined: most ends that are closed were
    /// entered by no thread, and little of this is left for them.
    #[inline(always)]
    fn start_afresh_held(
        &self,
        writing: &mut WriteCursor,
        reading: &mut ReadCursor,
        bound: Option<ObjectRef>,
        pending: u64,
        credits: &MessageCredits,
    ) {
        // The whole grant, pending messages included: they are charged to the process that gets the end next.
        credits.refund(writing.granted);
        writing.granted = credits.charge(pending);
        // Nothing to forget at an end that no thread has entered.
        if writing.entrance.was_entered() {
            writing.forget();
        }
        if reading.entrance.was_entered() {
            reading.forget();
        }
        // Relaxed: the locks exclude other threads, and the entry that becomes LIVE next publishes both words.
        self.out_of_order.store(0, Relaxed);
        // The next owner starts without a refusal, also in the arena (`object/channel/write/refusal`).
        self.refused.store(0, Relaxed);
        self.shown.store(0, Relaxed);
        self.given_up.store(0, Relaxed);
        self.bound.store(bound.map_or(0, ObjectRef::to_link), Relaxed);
    }

    /// Binds the half to an endpoint that was just made by this process. The half is empty since
    /// [`unbind`](PrivateHalf::unbind), and no thread can look up the new handle before it is LIVE. So there is no state to
    /// drop and no thread to wait for: no lock is taken.
    pub(crate) fn bind_fresh(&self, object: ObjectRef) {
        // Relaxed: as in `bind`. The next thread that takes the locks sees what `unbind` dropped under them.
        self.bound.store(object.to_link(), Relaxed);
    }

    /// Runs `leave`, which takes the entry of a handle to `object` out of LIVE, while no operation is inside the endpoint. If the half
    /// was bound anew meanwhile, the handle has gone, and `leave` finds that out.
    ///
    /// # Errors
    /// `BadState` when memory of the channel is lent to the program (INV-ENDPOINT-4); then `leave` was not run.
    #[inline(always)]
    pub(crate) fn leaving<T>(&self, object: ObjectRef, leave: impl FnOnce() -> T) -> Result<T> {
        // In the order of `start_afresh`.
        let (writing, reading) = (self.write_cursor.lock(), self.read_cursor.lock());
        if self.is_bound_to(object) {
            require_nothing_lent(&writing, &reading)?;
        }
        Ok(leave())
    }

    /// As [`leaving`](Self::leaving), for a handle that is closed. If `close` succeeds, the half is unbound too.
    #[inline(always)]
    pub(crate) fn closing(
        &self,
        object: ObjectRef,
        quotas: &Quotas,
        close: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        // In the order of `start_afresh`.
        let (mut writing, mut reading) = (self.write_cursor.lock(), self.read_cursor.lock());
        if !self.is_bound_to(object) {
            return close();
        }
        require_nothing_lent(&writing, &reading)?;
        close()?;
        self.start_afresh_held(&mut writing, &mut reading, None, 0, &quotas.messages);
        Ok(())
    }

    /// The value of [`ReadCursor::out_of_order`], by one load. For a caller that holds the receiving lock.
    #[inline(always)]
    pub(crate) fn is_out_of_order(&self) -> bool {
        // Relaxed: written under the same lock.
        self.out_of_order.load(Relaxed) != 0
    }

    /// The endpoint that the entry holds, if it holds one.
    pub(crate) fn bound(&self) -> Option<ObjectRef> {
        // Relaxed: as in `bind`.
        ObjectRef::from_link(self.bound.load(Relaxed))
    }
}

/// Fails while memory of the channel is lent to the program.
#[inline(always)]
fn require_nothing_lent(writing: &WriteCursor, reading: &ReadCursor) -> Result<()> {
    if writing.lent == 0 && reading.in_place_reads.is_empty() { Ok(()) } else { Err(LENT) }
}

impl PrivateHalf for Endpoint {
    #[inline(always)]
    fn is_bound_to(&self, object: ObjectRef) -> bool {
        // Relaxed: as in `bind`.
        self.bound.load(Relaxed) == object.to_link()
    }

    /// Passes through both locks. A thread that still waits for a lock then finds the half not bound to its endpoint.
    fn unbind(&self, quotas: &Quotas) {
        self.start_afresh(None, 0, &quotas.messages);
    }
}

/// The capacity of each list that an unbound half keeps for its next endpoint.
const KEPT: usize = 16;

/// Where the writing end stands in its ring.
#[derive(Debug, Default)]
pub(crate) struct WriteCursor {
    pub(crate) entrance: Entrance,
    /// Whether the other fields were loaded from the arena since the endpoint arrived.
    pub(crate) ready: bool,
    pub(crate) tail: u64,
    /// The head when last looked at.
    pub(crate) head_seen: u64,
    /// The count of messages consumed, in any order, when last looked at.
    pub(crate) consumed_seen: u64,
    /// How many messages may be pending.
    pub(crate) max_pending: u64,
    /// The value of `consumed_seen` when a wait for the reader last found it idle.
    pub(crate) idle_at: Option<u64>,
    /// Writes below this position need not look at any shared word.
    pub(crate) limit: u64,
    /// Positions reserved: for transfers that are marking their handles, and for loans.
    pub(crate) reserved: u64,
    /// How many loans the program has.
    pub(crate) lent: u64,
    /// Messages that may be pending by the account of this process: those that are, and some to come.
    pub(crate) granted: u64,
    pub(crate) segment: Option<Segment>,
    /// This direction's payload blocks that are not in flight, by class.
    /// The one that was used longest ago comes first: so a stream goes through its blocks in order, as processors fetch
    /// ahead.
    pub(crate) spare: Vec<VecDeque<BlockId>>,
    /// How many blocks the direction has, in flight or not, by class.
    pub(crate) owned: Vec<u64>,
    /// The sum of `owned` over all classes.
    pub(crate) all_owned: u64,
    /// Payload blocks in flight, in the order of their messages.
    pub(crate) in_flight: VecDeque<(u64, BlockId)>,
    /// The count of messages consumed when `in_flight` was last searched for blocks of messages consumed out of order.
    pub(crate) searched: u64,
}

impl WriteCursor {
    /// Messages sent and not consumed, as far as is known.
    #[inline(always)]
    pub(crate) fn pending(&self) -> u64 {
        self.tail.saturating_sub(self.consumed_seen)
    }

    fn forget(&mut self) {
        // The tail and the other positions may keep old values: while the cursor is not ready, every user loads it
        // first or leaves it alone.
        self.ready = false;
        self.entrance = Entrance::default();
        // A sender that holds a reservation comes back, finds its handle gone, and takes no reservation back.
        self.reserved = 0;
        self.lent = 0;
        self.segment = None;
        // The blocks stay in the direction's list in the arena, where the next owner of the end finds them.
        self.spare = Vec::new();
        self.owned = Vec::new();
        self.all_owned = 0;
        self.in_flight.clear();
        self.in_flight.shrink_to(KEPT);
    }
}

/// Where the reading end stands in its ring.
#[derive(Debug, Default)]
pub(crate) struct ReadCursor {
    pub(crate) entrance: Entrance,
    /// Whether the other fields were loaded from the arena since the endpoint arrived.
    pub(crate) ready: bool,
    pub(crate) head: u64,
    /// Messages below this position are known to be sent.
    pub(crate) tail_seen: u64,
    /// Whether messages come one at a time or in a stream.
    pub(crate) stream: StreamDetector,
    /// The segment that holds the head, and the position where it ends, as far as is known.
    pub(crate) segment: Option<Segment>,
    pub(crate) end: u64,
    /// The segments after that one, by their first positions, as far as they have been visited.
    pub(crate) beyond: BTreeMap<u64, Beyond>,
    /// Messages below this position have been matched against the awaited replies.
    pub(crate) matched_to: u64,
    /// The calls that await their reply.
    pub(crate) calls: Calls,
    /// The positions of those replies, and of late replies.
    pub(crate) replies: Positions,
    /// Positions being read in place.
    pub(crate) in_place_reads: Positions,
    /// Where a plain read looks for its next message. All messages before it are consumed, claimed, or in `back`.
    pub(crate) plain: u64,
    /// Positions below `plain` that were claimed and are free for any reader again.
    pub(crate) back: BTreeSet<u64>,
    /// Messages above the head that are consumed already.
    pub(crate) taken: u64,
    pub(crate) next_txid: u32,
    /// The first id that this end has given out; 0: none yet.
    pub(crate) first_txid: u32,
    /// Whether this end discards replies to calls that have timed out, and the positions of such replies.
    pub(crate) discards_late: bool,
    pub(crate) late: Vec<u64>,
}

/// A segment after the head's.
#[derive(Debug)]
pub(crate) struct Beyond {
    pub(crate) segment: Segment,
    /// Where it ends, if the producer has left it; `u64::MAX` otherwise.
    pub(crate) end: u64,
    /// How many of its messages are consumed.
    pub(crate) taken: u64,
}

impl Beyond {
    /// Whether all its messages are consumed and no more can come.
    pub(crate) fn is_spent(&self) -> bool {
        self.end != u64::MAX && self.taken == self.end - self.segment.base
    }
}

/// A set of positions. It seldom has more than one, and the first needs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Positions {
    one: Option<u64>,
    others: BTreeSet<u64>,
}

impl Positions {
    pub(crate) fn insert(&mut self, position: u64) {
        if self.one.is_none() {
            self.one = Some(position);
        } else {
            self.others.insert(position);
        }
    }

    /// Returns whether it was there.
    pub(crate) fn remove(&mut self, position: u64) -> bool {
        if self.one == Some(position) {
            self.one = None;
            return true;
        }
        self.others.remove(&position)
    }

    pub(crate) fn contains(&self, position: u64) -> bool {
        self.one == Some(position) || self.others.contains(&position)
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.one.is_some()) + self.others.len()
    }

    fn is_empty(&self) -> bool {
        self.one.is_none() && self.others.is_empty()
    }

    fn clear(&mut self) {
        self.one = None;
        if !self.others.is_empty() {
            self.others.clear();
        }
    }
}

impl ReadCursor {
    fn forget(&mut self) {
        self.ready = false;
        self.entrance = Entrance::default();
        self.segment = None;
        self.calls.clear();
        self.replies.clear();
        self.in_place_reads.clear();
        // The maps of most ends are always empty, so test before clearing.
        if !self.beyond.is_empty() {
            self.beyond.clear();
        }
        if !self.back.is_empty() {
            self.back.clear();
        }
        self.taken = 0;
        // `next_txid` goes on. Any start will do that replies to earlier owners, still in flight, are unlikely to
        // carry.
        self.first_txid = 0;
        self.late = Vec::new();
    }

    /// How many things keep reading from being plain first in, first out; 0 if it is.
    #[inline]
    pub(crate) fn out_of_order(&self) -> u64 {
        // A call counts from its registration on: until its reply is found, each new message may be that reply.
        self.calls.len() as u64 + self.in_place_reads.len() as u64 + self.taken + u64::from(self.minds_late())
    }

    /// The head's segment, if the first message that is not known to be sent will lie there.
    #[inline(always)]
    pub(crate) fn segment_at_hand(&self) -> Option<&Segment> {
        let next = self.tail_seen;
        // P5: within a lap of the head. A damaged slot cannot send the reader further.
        self.segment.as_ref().filter(|segment| {
            segment.base <= next && next < self.end && next.wrapping_sub(self.head) < segment.messages()
        })
    }

    /// Whether the message belongs to a caller or to a reader in place.
    pub(crate) fn is_claimed(&self, position: u64) -> bool {
        self.in_place_reads.contains(position) || self.replies.contains(position)
    }

    /// Releases a claim: any reader may take the message, if it has not been consumed.
    pub(crate) fn release(&mut self, position: u64) {
        // Plain reads come to a message from `plain` on by themselves, and a message before the head is consumed.
        if position >= self.head && position < self.plain {
            self.back.insert(position);
        }
    }
}

impl ReadCursor {
    /// Whether late replies have to be looked for.
    pub(crate) fn minds_late(&self) -> bool {
        self.discards_late && self.first_txid != 0
    }

    /// Notes that the message at `position` is a late reply: it answers a call that is no longer awaited. No plain read
    /// takes it from here on.
    pub(crate) fn note_late(&mut self, position: u64) {
        self.replies.insert(position);
        self.late.push(position);
    }

    /// Whether a message with this id answers a call that this end has made.
    pub(crate) fn answers_a_call(&self, txid: Txid) -> bool {
        // Both count from 1 to 2³¹ − 1 and wrap around.
        // The number 0 is skipped at the wrap. That lengthens a distance by one and leaves the order of two distances
        // as it is.
        let since_first = |number: u32| number.wrapping_sub(self.first_txid) & 0x7fff_ffff;
        txid.0 >= 0x8000_0000 && since_first(txid.0) < since_first(self.next_txid)
    }
}

impl WriteCursor {
    /// Computes the position up to which the producer may write.
    pub(crate) fn set_limit(&mut self) {
        let by_count = (self.consumed_seen + self.max_pending).saturating_sub(self.reserved);
        // By the head, and not by the consumed messages: a slot is free only when the head has passed it. A segment
        // that begins after the head has no passed slot yet, so its room counts from its base. Reservations are not
        // subtracted: a sender that comes back to a full segment links another one.
        let by_segment =
            self.segment.map_or(0, |segment| self.head_seen.max(segment.base) + segment.messages());
        let by_grant = (self.consumed_seen + self.granted).saturating_sub(self.reserved);
        self.limit = by_count.min(by_segment).min(by_grant);
    }

    /// How many messages the end is granted at once, and keeps: as many as its segment holds, so that a stream of
    /// messages looks at the head no more often than without a quota.
    pub(crate) fn batch(&self) -> u64 {
        self.segment.as_ref().map_or(0, Segment::messages).max(MessageCredits::GRANT)
    }

    /// Messages granted that are neither pending nor reserved.
    pub(crate) fn unused(&self) -> u64 {
        self.granted.saturating_sub(self.pending() + self.reserved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_stay_until_removed() {
        let mut positions = Positions::default();
        (0..3).for_each(|position| positions.insert(position));
        assert!(positions.remove(0) && !positions.remove(0));
        positions.insert(9);
        assert_eq!((0..10).filter(|position| positions.contains(*position)).collect::<Vec<_>>(), [1, 2, 9]);
        assert_eq!(positions.len(), 3);
    }
}
