//! Cycle collection: channel ends and listeners that are queued inside each other, where no thread can ever read them, are
//! garbage.
//!
//! A side lives while a record refers to it. If the only record of a side is in a message queued for that side itself,
//! or for a side that is queued for it, the side keeps itself alive for ever (in Zircon too). The supervisor finds such
//! sides and closes the records that hold them, while all other threads continue. The queue of a listener counts as one
//! message for the listener.
//!
//! ## The search
//! *Pass 1* takes a snapshot of every direction: its reader's lifecycle word and count, its head, its messages that
//! carry handles, and their records. The *candidates* are the largest set of sides in which the count of each side
//! equals the number of LIVE records found in messages for members of the set. *Pass 2* takes a second snapshot of the
//! candidates' directions, up to the tails of pass 1. A side at which any word has changed is no candidate any more,
//! nor is any side that it holds.
//!
//! ## Why the candidates are garbage
//! INV-CYCLE-1: no word that is compared can change and come back. A count names its changer and its sequence; a
//! lifecycle word and a block word have generations; head and tail only grow. While the head and a segment's word stay
//! the same, a header below the tail can only become CONSUMED. While a message is not CONSUMED, a record can only leave
//! LIVE: its slot is written again only after the head has passed it, and its block only after that or after the
//! message is CONSUMED. A record of a listener's place has a generation. So a message that pass 2 finds not CONSUMED was not CONSUMED at any time before. (Therefore
//! head, count and lifecycle word are read again after the messages, in both passes.)
//!
//! Let T be any cut through the steps of all threads that contains all that pass 1 saw and all that came before. Pass 2
//! sees no older value: every snapshot has an Acquire fence behind the words that it reads for the first time. So by
//! INV-CYCLE-1 each word had at T the value that both passes saw. At T each record found was in a message that was sent
//! and not received: it owned a reference (INV-TRANSFER-1). A count is at every moment the number of owners. So at T
//! the candidates had *no other owner*:
//!
//! | under way at T, perhaps in a thread that is stopped or dead | why it holds no candidate |
//! |---|---|
//! | an entry LIVE, MOVING of a send that has not committed, a startup handle | owns: count > records found |
//! | an entry RESERVED by a receive that has consumed | owns; its record is below the head, or CONSUMED |
//! | an entry RESERVED by a duplicate that has counted | counted, and no record: count > records found |
//! | a send that has committed, its entries still MOVING | the message owns, and is found |
//! | an offer or an accept that has committed: MOVED, RESERVED | owns; its record is not LIVE: count > records found |
//! | a close of a record or an entry: CLOSING | not LIVE: not found; until it has counted, count > records found |
//! | an operation inside an endpoint | its handle's entry owns while the operation holds a lock (INV-ENDPOINT-1) |
//! | a read in place, an awaited reply | a private note, of no use without the handle's entry |
//! | a drain | of a side with count 0, which is no candidate |
//! | a recovery | acts as the dead threads, in their table; its references are in an entry or on a release queue |
//!
//! And a set without another owner at T stays so. To take a handle out of a message, a thread must hold the side that
//! the message was sent to. The first thread to get a candidate after T would have to receive it from a side that is no
//! candidate. At T no record of the candidate was queued there, and a thread could only send one after getting the
//! candidate itself. Sends *to* candidates, by a live peer, only add messages to the queue: they are not looked at, and
//! have no effect on the proof.
//!
//! One pass is not enough: between two snapshots a thread can read X out of Y's queue and write Y into X's. Each
//! snapshot by itself is true, and both sides are alive (`swapping_handle_is_no_garbage` in the models).
//!
//! ## The close Each record that holds a candidate is closed by CAS, as a drain does. Then all candidates are on this
//! thread's release queue, and its run drains their message queues, with all other handles in them, and notifies live
//! peers.
//!
//! INV-CYCLE-2: no queue is drained before the last of the records is closed, so none of them moves meanwhile. One
//! thread of the arena collects at a time.
//!
//! A collector may die at any step. Recovery resolves the record that it was closing by its intent. Sides with a count
//! of 0 are on its release queue, and the run of the queue reaches all that they held. The rest is still garbage, and
//! the next collector finds it.

use crate::arena::error::{Error, Result};
use crate::arena::segment::{self, MAX_POSITION};
use crate::arena::segment_chain::{self, ChainStep, SegmentCursor};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::HandleLocation;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::MessageHeader;
use crate::lifecycle::teardown;
use crate::memory::slot_pool;
use crate::object::class::Class;
use crate::object::listener::{Listener, block as listener_block};
use crate::object::{ObjectClass, own_block};
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::sync::{Acquire, Relaxed, fence};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A snapshot of the messages for one side. Equal snapshots saw the same words.
#[derive(PartialEq, Eq)]
struct QueueSnapshot {
    lifecycle: u64,
    count: Count,
    head: u64,
    /// Messages from this position on are not in the snapshot.
    tail: u64,
    /// The segments on the way, with their exact words.
    segments: Vec<(BlockId, u64)>,
    messages: Vec<MessageSnapshot>,
}

/// A message with handles.
#[derive(PartialEq, Eq)]
struct MessageSnapshot {
    header: MessageHeader,
    /// The block that carries it: its payload block, or its segment.
    block: BlockId,
    /// The exact word of that block.
    word: u64,
    /// Its LIVE records, with their places.
    records: Vec<(HandleLocation, Entry)>,
}

impl QueueSnapshot {
    fn records(&self) -> impl Iterator<Item = (HandleLocation, Entry)> {
        self.messages.iter().flat_map(|message| message.records.iter().copied())
    }

    fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        self.records().map(|(_, entry)| entry.object())
    }
}

/// By side, in order: the models need every run to be the same.
type QueueSnapshots = BTreeMap<ObjectRef, QueueSnapshot>;

/// P5: the bound of a walk, twice as much as all blocks in use have room for. A walk that exceeds it concludes that the
/// arena is damaged. The walk also asks at intervals whether to go on.
struct WorkBudget<'a> {
    left: u64,
    /// The cache lines of the blocks that were in use when the walk began.
    lines: u64,
    until_asked: u64,
    go_on: &'a mut dyn FnMut() -> bool,
}

impl<'a> WorkBudget<'a> {
    /// Steps between two questions: a few dozen microseconds.
    const ASK_EVERY: u64 = 256;

    fn of(thread: &Thread, go_on: &'a mut dyn FnMut() -> bool) -> Self {
        let lines = Self::lines_in_use(thread);
        let left = 2 * lines + 2 * u64::from(thread.arena().used_slots());
        Self { left, lines, until_asked: Self::ASK_EVERY, go_on }
    }

    fn lines_in_use(thread: &Thread) -> u64 {
        let arena = thread.arena();
        let lines = |class: SizeClass| u64::from(arena.used_blocks(class)) * class.lines() as u64;
        // Extents hold no messages.
        arena.layout().classes().filter(|class| !class.is_extent()).map(lines).sum()
    }

    fn charge(&mut self, thread: &Thread, steps: u64) -> WalkResult<()> {
        self.until_asked = self.until_asked.saturating_sub(steps);
        if self.until_asked == 0 {
            self.until_asked = Self::ASK_EVERY;
            if !(self.go_on)() {
                return Err(WalkEnd::Aborted);
            }
        }
        self.left = match self.left.checked_sub(steps) {
            Some(left) => left,
            // Other threads may have taken more blocks and sent more messages since the walk began.
            None if Self::lines_in_use(thread) > self.lines => return Err(WalkEnd::Aborted),
            None => return Err(Error::Corrupt("more messages than the segments have room for").into()),
        };
        Ok(())
    }
}

/// Why a walk ended without a result.
enum WalkEnd {
    /// Its budget was used up, or its caller asked it to end. Nothing was changed, and a later walk may succeed.
    Aborted,
    Failed(Error),
}

impl From<Error> for WalkEnd {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The result of a step of a walk.
type WalkResult<T> = core::result::Result<T, WalkEnd>;

pub(crate) fn collect_cycles(thread: &Thread) -> Result<usize> {
    loop {
        if let Some(found) = collect_cycles_while(thread, &mut || true)? {
            return Ok(found);
        }
    }
}

pub(crate) fn collect_cycles_while(
    thread: &Thread,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Option<usize>> {
    // An earlier collection that failed may have left sides on the release queue.
    teardown::run_release_queue(thread)?;
    match find_cycles(thread, &mut WorkBudget::of(thread, go_on)) {
        Err(WalkEnd::Aborted) => Ok(None),
        Err(WalkEnd::Failed(error)) => Err(error),
        Ok(candidates) => {
            let closed = close_candidates(thread, &candidates);
            // After an error too: the records that were closed have queued their sides.
            let ended = match closed {
                Err(error) if error.is_crash() => return Err(error),
                _ => teardown::run_release_queue(thread),
            };
            closed.and(ended).map(|()| Some(candidates.len()))
        }
    }
}

/// The candidates that both passes confirm.
fn find_cycles(thread: &Thread, budget: &mut WorkBudget) -> WalkResult<QueueSnapshots> {
    let mut snapshots = snapshot_all(thread, budget)?;
    retain_garbage(&mut snapshots);
    for side in snapshots.keys().copied().collect::<Vec<_>>() {
        let seen = &snapshots[&side];
        if snapshot_queue(thread, side, Some(seen.tail), budget)?.as_ref() != Some(seen) {
            // A thread is at work there, so the side is no candidate; the last `retain_garbage` removes the sides it
            // holds.
            snapshots.remove(&side);
        }
    }
    retain_garbage(&mut snapshots);
    Ok(snapshots)
}

/// Whether messages with handles may be queued in the object's rings.
fn has_rings(lifecycle: Lifecycle) -> bool {
    ObjectClass::of(lifecycle).is_ok_and(ObjectClass::has_rings)
}

/// Whether handles may be queued for the object. Objects of other classes hold no references.
fn may_hold(lifecycle: Lifecycle) -> bool {
    has_rings(lifecycle) || lifecycle.class_number() == Listener::NUMBER
}

/// Pass 1: a snapshot of every side for which handles are queued.
fn snapshot_all(thread: &Thread, budget: &mut WorkBudget) -> WalkResult<QueueSnapshots> {
    let mut snapshots = QueueSnapshots::new();
    for slot in slot_pool::slots_in_use(thread.arena()) {
        budget.charge(thread, 1)?;
        // Relaxed: `snapshot_queue` reads it again.
        let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
        if lifecycle.state() != LifecycleState::Live || !may_hold(lifecycle) {
            continue;
        }
        for side in 0..if lifecycle.is_two_sided() { 2 } else { 1 } {
            let side = ObjectRef::new(slot, side);
            if let Some(snapshot) = snapshot_queue(thread, side, None, budget)?
                && !snapshot.messages.is_empty()
            {
                snapshots.insert(side, snapshot);
            }
        }
    }
    Ok(snapshots)
}

/// A snapshot of the messages for `reader`, below `until`. `None` when another thread is at work on them, or the side
/// has no handle left to read them. Without a snapshot, the handles in those messages explain no count, so the sides
/// that they refer to are no candidates.
fn snapshot_queue(
    thread: &Thread,
    reader: ObjectRef,
    until: Option<u64>,
    budget: &mut WorkBudget,
) -> WalkResult<Option<QueueSnapshot>> {
    let before = liveness_words(thread, reader)?;
    let (lifecycle, count, head) = before;
    let lifecycle_word = Lifecycle(lifecycle);
    if lifecycle_word.class_number() == Listener::NUMBER {
        return snapshot_listener(thread, reader, before, budget);
    }
    if lifecycle_word.state() != LifecycleState::Live
        || !has_rings(lifecycle_word)
        || lifecycle_word.is_done(reader.side())
        || count.number() == 0
    {
        return Ok(None);
    }
    // ORDER: Acquire pairs with the producer's Release: the messages up to the tail are complete.
    let tail = thread.arena().direction(reader.peer())?.producer.tail.load(Acquire);
    let tail = until.map_or(tail, |until| tail.min(until));
    if tail < head || tail > MAX_POSITION {
        return Ok(None);
    }
    let mut snapshot =
        QueueSnapshot { lifecycle, count, head, tail, segments: Vec::new(), messages: Vec::new() };
    if head < tail && !snapshot_messages(thread, reader.peer(), &mut snapshot, budget)? {
        return Ok(None);
    }
    // ORDER: pairs with the Release of every thread that changed a word read above. All that came before the change is
    // visible to the loads from here on: those that check whether the side is as before, and all of pass 2.
    fence(Acquire);
    let is_unchanged = liveness_words(thread, reader)? == before && are_blocks_unchanged(thread, &snapshot);
    Ok(is_unchanged.then_some(snapshot))
}

/// A snapshot of the handles that are queued at a listener, as [`snapshot_queue`].
fn snapshot_listener(
    thread: &Thread,
    listener: ObjectRef,
    before: (u64, Count, u64),
    budget: &mut WorkBudget,
) -> WalkResult<Option<QueueSnapshot>> {
    let (lifecycle, count, _) = before;
    let queue = listener_block::queue(thread.arena(), listener.slot())?;
    let Some(block) = own_block::block_at(queue.block).filter(|_| count.number() != 0) else {
        return Ok(None);
    };
    let word = block_word(thread, block)?;
    if Lifecycle(lifecycle).state() != LifecycleState::Live
        || BlockWord(word).state() != BlockState::Bound(listener)
    {
        return Ok(None);
    }
    budget.charge(thread, queue.backlog as u64)?;
    let records = holders_among(thread, queue.places()?.map(|place| place.location()))?;
    let carrier = MessageSnapshot { header: MessageHeader::new(0, 0, true), block, word, records };
    let messages = if carrier.records.is_empty() { Vec::new() } else { vec![carrier] };
    // ORDER: as in `snapshot_queue`.
    fence(Acquire);
    let is_unchanged = liveness_words(thread, listener)? == before && block_word(thread, block)? == word;
    let snapshot = QueueSnapshot { lifecycle, count, head: 0, tail: 0, segments: Vec::new(), messages };
    Ok(is_unchanged.then_some(snapshot))
}

fn liveness_words(thread: &Thread, reader: ObjectRef) -> Result<(u64, Count, u64)> {
    let object = thread.arena().object(reader.slot())?;
    // Relaxed: the words are read on both sides of the fence of `snapshot_queue`.
    let lifecycle = object.lifecycle.load(Relaxed);
    let count = Count(object.count[reader.side()].load(Relaxed));
    let head = thread.arena().direction(reader.peer())?.consumer.head.load(Relaxed);
    Ok((lifecycle, count, head))
}

/// Adds the messages to the snapshot. `false` when the ring has changed meanwhile: its reader is at work.
fn snapshot_messages(
    thread: &Thread,
    writer: ObjectRef,
    snapshot: &mut QueueSnapshot,
    budget: &mut WorkBudget,
) -> WalkResult<bool> {
    // If the reader leaves the segment meanwhile, its words may have any value. So an error here is no damage.
    let Ok(Some(segment)) = segment_chain::head_segment(thread.arena(), thread.arena().direction(writer)?)
    else {
        return Ok(false);
    };
    let is_bound = |word| BlockWord(word).state() == BlockState::Bound(writer);
    let mut word = block_word(thread, segment.block)?;
    let mut payloads = HashSet::new();
    snapshot.segments.push((segment.block, word));
    let mut way = SegmentCursor::new(segment, snapshot.head);
    let mut position = snapshot.head;
    while position < snapshot.tail {
        budget.charge(thread, 1)?;
        match segment_chain::step(thread.arena(), &mut way, position) {
            Ok(ChainStep::Here) => {}
            Ok(ChainStep::Gap(end)) => {
                position = end;
                continue;
            }
            Ok(ChainStep::Moved) => {
                word = block_word(thread, way.segment.block)?;
                snapshot.segments.push((way.segment.block, word));
                continue;
            }
            Err(_) => return Ok(false),
        }
        if !is_bound(word) {
            return Ok(false);
        }
        let Ok(message) = segment::message(thread.arena(), &way.segment, position) else { return Ok(false) };
        position += 1;
        let header = message.header;
        if header.is_consumed() || header.handles() == 0 {
            continue;
        }
        let mut carrier = MessageSnapshot { header, block: way.segment.block, word, records: Vec::new() };
        if let Some(block) = message.block {
            // The block is checked before its contents are read. A block carries one message: so a damaged ring in
            // which many messages name the same block costs no more time or memory than a sound one.
            (carrier.block, carrier.word) = (block, block_word(thread, block)?);
            if !is_bound(carrier.word) || !payloads.insert(block) {
                return Ok(false);
            }
        }
        budget.charge(thread, header.handles() as u64)?;
        carrier.records = holders_among(thread, message.records())?;
        if !carrier.records.is_empty() {
            snapshot.messages.push(carrier);
        }
    }
    Ok(true)
}

/// Whether every block that was read still has the same word, so that it was this direction's all the while.
fn are_blocks_unchanged(thread: &Thread, snapshot: &QueueSnapshot) -> bool {
    let payloads = snapshot.messages.iter().map(|message| (message.block, message.word));
    let mut blocks = snapshot.segments.iter().copied().chain(payloads);
    blocks.all(|(block, word)| block_word(thread, block).is_ok_and(|now| now == word))
}

fn block_word(thread: &Thread, block: BlockId) -> Result<u64> {
    // Relaxed: the word is read on both sides of the fence of `snapshot_queue`.
    Ok(thread.arena().descriptor(block)?.state.load(Relaxed))
}

/// The LIVE records of channel ends and listeners at these locations. Handles to other objects hold no further references.
fn holders_among(
    thread: &Thread,
    locations: impl Iterator<Item = HandleLocation>,
) -> Result<Vec<(HandleLocation, Entry)>> {
    let mut holders = Vec::new();
    for location in locations {
        let entry = Entry(thread.arena().record(location)?.load(Relaxed));
        // The record keeps the object alive, so its class cannot change. Relaxed: published with the record.
        if entry.is_live()
            && let Ok(object) = thread.arena().object(entry.object().slot())
            && may_hold(Lifecycle(object.lifecycle.load(Relaxed)))
        {
            holders.push((location, entry));
        }
    }
    Ok(holders)
}

/// Closes the records by which candidates hold candidates. Then all candidates are on the release queue.
fn close_candidates(thread: &Thread, candidates: &QueueSnapshots) -> Result<()> {
    for (location, entry) in candidates.values().flat_map(QueueSnapshot::records) {
        if candidates.contains_key(&entry.object()) {
            match refcount::drop_reference(thread, location, entry) {
                Ok(()) | Err(Error::BadHandle) => {}
                Err(error) => return Err(error),
            }
            crash_point!(thread, "cycle.closed");
        }
    }
    Ok(())
}

/// Keeps the largest set of sides in which each count is explained by records in messages for sides of the set.
fn retain_garbage(snapshots: &mut QueueSnapshots) {
    let mut found: HashMap<ObjectRef, u64> = HashMap::new();
    for object in snapshots.values().flat_map(QueueSnapshot::objects) {
        *found.entry(object).or_default() += 1;
    }
    let explained = |found: &HashMap<ObjectRef, u64>, side: &ObjectRef, snapshot: &QueueSnapshot| {
        found.get(side).is_some_and(|found| *found == snapshot.count.number())
    };
    let mut reachable: Vec<ObjectRef> = snapshots
        .iter()
        .filter(|(side, snapshot)| !explained(&found, side, snapshot))
        .map(|(side, _)| *side)
        .collect();
    let mut known: HashSet<ObjectRef> = reachable.iter().copied().collect();
    // Removing a side takes away the records in its messages, which explain the counts of other sides: those are
    // reachable then. Each side is removed once, and each record with its side.
    while let Some(side) = reachable.pop() {
        let Some(snapshot) = snapshots.remove(&side) else { continue };
        for object in snapshot.objects() {
            if let Some(found) = found.get_mut(&object) {
                *found -= 1;
            }
            if snapshots.contains_key(&object) && known.insert(object) {
                reachable.push(object);
            }
        }
    }
}
