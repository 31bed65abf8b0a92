//! Garbage: ends of channels that are queued inside each other, where nobody can ever read them.
//!
//! A side lives while a record refers to it. One whose only record is a message queued for itself, or for a side
//! that is queued for it, keeps itself alive for ever (in Zircon too). The supervisor finds such sides and closes
//! the records that hold them, while everybody else works on.
//!
//! ## How they are found
//! *Pass 1* looks at every direction: its reader's life and count, its head, its messages that carry handles, and
//! their records. The *suspects* are the largest set of sides in which each one's count equals the number of LIVE
//! records found in messages for members of the set. *Pass 2* looks at the suspects' directions once more, up to
//! the tails of pass 1. Sides at which any word has changed, and whatever they hold, are suspects no more.
//!
//! ## Why they are garbage
//! INV-CYCLE-1: no word that is compared can change and come back. A count names its changer and its sequence, a
//! life and a block word have generations; head and tail only grow. While the head stands and a segment is what it
//! was, a header below the tail only becomes CONSUMED; and while a message is not CONSUMED a record only leaves LIVE: the cell
//! is written again after the head has passed, the block after that or after the mark. A message that pass 2 finds
//! unmarked was so all the time before. (So head, count and life are read again after the messages, in both passes.)
//!
//! Let T be any cut through everybody's steps that contains what pass 1 saw and whatever came before that. Pass 2
//! sees nothing older: every look has an Acquire fence behind what it reads for the first time. So by INV-CYCLE-1
//! each word had at T the value that both passes saw. At T each record found was in a message that was sent and not
//! received: it owned a reference (INV-TRANSFER-1). A count is at every moment the number of owners. So at T the
//! suspects had *no other owner*:
//!
//! | under way at T, perhaps in a thread that is stopped or dead | why it holds no suspect |
//! |---|---|
//! | an entry LIVE, MOVING of a send that has not committed, a startup handle | owns: count > records found |
//! | an entry RESERVED by a receive that has consumed | owns; its record is below the head, or CONSUMED |
//! | an entry RESERVED by a duplicate that has counted | counted, and no record: count > records found |
//! | a send that has committed, its entries still MOVING | the message owns, and is found |
//! | a close of a record or an entry: CLOSING | not LIVE: not found; until it has counted, count > records found |
//! | an operation inside an endpoint | its handle's entry owns: it leaves through the endpoint's locks (INV-ENDPOINT-1) |
//! | a read in place, an awaited reply | a private note, of no use without the handle's entry |
//! | a drain | of a side whose count is 0, which is no suspect |
//! | a recovery | acts as the dead, in their table; what it holds is in an entry or on a list |
//!
//! And what is so at T stays so. To take a handle out of a message one must hold the side it was sent to. The first
//! thread to come by a suspect after T would have to receive it from a side that is none, where no record of it
//! was at T, and where nobody could send one without having come by it before. Sends *to* suspects, by a live peer,
//! only put more into the queue: they are not looked at, and change nothing.
//!
//! One pass is not enough: between two looks a thread can read X out of Y's queue and write Y into X's. Each look
//! by itself is true, and both sides are alive (`swapping_handle_is_no_garbage` in the models).
//!
//! ## How they end
//! Each record that holds a suspect is closed by CAS, as a drain does; then all of them are on this thread's dying
//! list, and the cascade of `release_queue` drains their queues, events and all, and tells live peers.
//!
//! INV-CYCLE-2: no queue is drained before the last of the records is closed, so none of them moves meanwhile. One
//! thread of the arena collects at a time.
//!
//! A collector may die at any step. A record that it was closing is settled by its intent; sides whose count
//! reached 0 are on its list, from which the cascade reaches whatever they held. What it did not come to is still
//! garbage, and found by the next.

use crate::arena::error::{Error, Result};
use crate::arena::segment::MAX_POSITION;
use crate::arena::segment_chain::{self, SegmentCursor, Step};
use crate::arena::size_class::CLASS_0_LINES;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::Record;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::ring::Header;
use crate::lifecycle::teardown;
use crate::memory::slot_pool;
use crate::object::ObjectClass;
use crate::object::channel::ring;
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::sync::{Acquire, Relaxed, fence};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What one look at the messages for a side saw. Equal looks saw the same words.
#[derive(PartialEq, Eq)]
struct QueueSnapshot {
    lifecycle: u64,
    count: Count,
    head: u64,
    /// Messages from here on were not looked at.
    tail: u64,
    /// The segments that were passed, with their exact words.
    segments: Vec<(BlockId, u64)>,
    messages: Vec<MessageSnapshot>,
}

/// A message with handles.
#[derive(PartialEq, Eq)]
struct MessageSnapshot {
    header: Header,
    /// What carries it: its payload block, or its segment, with the exact word.
    block: BlockId,
    word: u64,
    /// Its LIVE records, with their places.
    records: Vec<(Record, Entry)>,
}

impl QueueSnapshot {
    fn records(&self) -> impl Iterator<Item = (Record, Entry)> {
        self.messages.iter().flat_map(|message| message.records.iter().copied())
    }

    fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        self.records().map(|(_, entry)| entry.object())
    }
}

/// By side, in order: models want every run alike.
type QueueSnapshots = BTreeMap<ObjectRef, QueueSnapshot>;

/// P5: how much a walk looks at before it concludes that the arena is damaged: twice as much as all blocks in use
/// have room for. And every so often it asks whether to go on.
struct Effort<'a> {
    left: u64,
    /// What the blocks in use had room for.
    lines: u64,
    until_asked: u64,
    go_on: &'a mut dyn FnMut() -> bool,
}

impl<'a> Effort<'a> {
    /// A few dozen microseconds' worth.
    const ASK_EVERY: u64 = 256;

    fn of(thread: &Thread, go_on: &'a mut dyn FnMut() -> bool) -> Self {
        let lines = Self::lines_in_use(thread);
        let left = 2 * lines + 2 * u64::from(thread.arena().used_slots());
        Self { left, lines, until_asked: Self::ASK_EVERY, go_on }
    }

    fn lines_in_use(thread: &Thread) -> u64 {
        let arena = thread.arena();
        let lines = |class| u64::from(arena.used_blocks(class)) * (CLASS_0_LINES << class) as u64;
        (0..arena.layout().pools.len()).map(lines).sum()
    }

    /// `ShouldWait`: this walk is given up.
    fn spend(&mut self, thread: &Thread, steps: u64) -> Result<()> {
        self.until_asked = self.until_asked.saturating_sub(steps);
        if self.until_asked == 0 {
            self.until_asked = Self::ASK_EVERY;
            if !(self.go_on)() {
                return Err(Error::ShouldWait);
            }
        }
        self.left = match self.left.checked_sub(steps) {
            Some(left) => left,
            // Others may have sent more than there was room for when the walk began.
            None if Self::lines_in_use(thread) > self.lines => return Err(Error::ShouldWait),
            None => return Err(Error::Corrupt("more messages than the segments have room for")),
        };
        Ok(())
    }
}

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
    // What an earlier collection that failed has left.
    teardown::run_release_queue(thread)?;
    match find_cycles(thread, &mut Effort::of(thread, go_on)) {
        Err(Error::ShouldWait) => Ok(None),
        Err(error) => Err(error),
        Ok(candidates) => {
            let closed = close_candidates(thread, &candidates);
            let ended = match closed {
                Err(error) if error.is_crash() => return Err(error),
                _ => teardown::run_release_queue(thread),
            };
            closed.and(ended).map(|()| Some(candidates.len()))
        }
    }
}

/// Both passes.
fn find_cycles(thread: &Thread, effort: &mut Effort) -> Result<QueueSnapshots> {
    let mut sights = snapshot_all(thread, effort)?;
    retain_garbage(&mut sights);
    for side in sights.keys().copied().collect::<Vec<_>>() {
        let seen = &sights[&side];
        if snapshot_queue(thread, side, Some(seen.tail), effort)?.as_ref() != Some(seen) {
            // Somebody is at work there, so it is none, nor is what it holds.
            sights.remove(&side);
        }
    }
    retain_garbage(&mut sights);
    Ok(sights)
}

/// Whether messages with handles may be queued for the object's sides: nothing else can hold anything.
fn queues_handles(lifecycle: Lifecycle) -> bool {
    ObjectClass::of(lifecycle).is_ok_and(ObjectClass::queues_handles)
}

/// Pass 1: every side for which handles are queued.
fn snapshot_all(thread: &Thread, effort: &mut Effort) -> Result<QueueSnapshots> {
    let mut sights = QueueSnapshots::new();
    for slot in slot_pool::slots_in_use(thread.arena()) {
        effort.spend(thread, 1)?;
        // Relaxed: looked at again below.
        let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
        if lifecycle.state() != LifecycleState::Live || !queues_handles(lifecycle) {
            continue;
        }
        for side in 0..2 {
            let side = ObjectRef::new(slot, side);
            if let Some(sight) = snapshot_queue(thread, side, None, effort)?
                && !sight.messages.is_empty()
            {
                sights.insert(side, sight);
            }
        }
    }
    Ok(sights)
}

/// One look at the messages for `reader`, below `until`. `None` when somebody is at work on them, or there is
/// nobody to read them: what is not seen keeps alive what it refers to.
fn snapshot_queue(
    thread: &Thread,
    reader: ObjectRef,
    until: Option<u64>,
    effort: &mut Effort,
) -> Result<Option<QueueSnapshot>> {
    let before = liveness_words(thread, reader)?;
    let (lifecycle, count, head) = before;
    let lifecycle_word = Lifecycle(lifecycle);
    if lifecycle_word.state() != LifecycleState::Live
        || !queues_handles(lifecycle_word)
        || lifecycle_word.is_done(reader.side())
        || count.number() == 0
    {
        return Ok(None);
    }
    // ORDER: Acquire pairs with the producer's Release: the messages up to the tail are complete.
    let tail = ring::direction(thread, reader.peer())?.producer.tail.load(Acquire);
    let tail = until.map_or(tail, |until| tail.min(until));
    if tail < head || tail > MAX_POSITION {
        return Ok(None);
    }
    let mut sight =
        QueueSnapshot { lifecycle, count, head, tail, segments: Vec::new(), messages: Vec::new() };
    if head < tail && !snapshot_messages(thread, reader.peer(), &mut sight, effort)? {
        return Ok(None);
    }
    // ORDER: pairs with the Release of whoever changed what was seen above. What led to it is seen in whatever is
    // read from here on: whether the side stands as before, and all of pass 2.
    fence(Acquire);
    let stands = liveness_words(thread, reader)? == before && blocks_stand(thread, &sight);
    Ok(stands.then_some(sight))
}

fn liveness_words(thread: &Thread, reader: ObjectRef) -> Result<(u64, Count, u64)> {
    let object = thread.arena().object(reader.slot())?;
    // Relaxed: it is read on both sides of the fence of `snapshot_queue`.
    let lifecycle = object.lifecycle.load(Relaxed);
    let count = Count(object.count[reader.side()].load(Relaxed));
    let head = ring::direction(thread, reader.peer())?.consumer.head.load(Relaxed);
    Ok((lifecycle, count, head))
}

/// `false` when the ring is not what it was: its reader is at work.
fn snapshot_messages(
    thread: &Thread,
    writer: ObjectRef,
    sight: &mut QueueSnapshot,
    effort: &mut Effort,
) -> Result<bool> {
    // What is read of a segment that its reader leaves meanwhile may be anything, an error too.
    let Ok(Some(segment)) = segment_chain::head_segment(thread.arena(), ring::direction(thread, writer)?)
    else {
        return Ok(false);
    };
    let is_bound = |word| BlockWord(word).state() == BlockState::Bound(writer);
    let mut word = block_word(thread, segment.block)?;
    let mut payloads = HashSet::new();
    sight.segments.push((segment.block, word));
    let mut way = SegmentCursor::new(segment, sight.head);
    let mut position = sight.head;
    while position < sight.tail {
        effort.spend(thread, 1)?;
        match segment_chain::step(thread.arena(), &mut way, position) {
            Ok(Step::Here) => {}
            Ok(Step::Gap(end)) => {
                position = end;
                continue;
            }
            Ok(Step::Moved) => {
                word = block_word(thread, way.segment.block)?;
                sight.segments.push((way.segment.block, word));
                continue;
            }
            Err(_) => return Ok(false),
        }
        if !is_bound(word) {
            return Ok(false);
        }
        let Ok(message) = ring::message(thread, &way.segment, position) else { return Ok(false) };
        position += 1;
        let header = message.header;
        if header.is_consumed() || header.handles() == 0 {
            continue;
        }
        let mut carrier = MessageSnapshot { header, block: way.segment.block, word, records: Vec::new() };
        if let Some(block) = header.block() {
            // Checked before anything is read there, and a block carries one message: a damaged ring is not
            // worth more looks, nor more memory, than a sound one.
            (carrier.block, carrier.word) = (block, block_word(thread, block)?);
            if !is_bound(carrier.word) || !payloads.insert(block) {
                return Ok(false);
            }
        }
        effort.spend(thread, header.handles() as u64)?;
        carrier.records = channels_among(thread, message.records())?;
        if !carrier.records.is_empty() {
            sight.messages.push(carrier);
        }
    }
    Ok(true)
}

/// Whether every block that was looked into was this direction's all the while.
fn blocks_stand(thread: &Thread, sight: &QueueSnapshot) -> bool {
    let payloads = sight.messages.iter().map(|message| (message.block, message.word));
    let mut blocks = sight.segments.iter().copied().chain(payloads);
    blocks.all(|(block, word)| block_word(thread, block).is_ok_and(|now| now == word))
}

fn block_word(thread: &Thread, block: BlockId) -> Result<u64> {
    // Relaxed: it is read on both sides of the fence of `snapshot_queue`.
    Ok(thread.arena().descriptor(block)?.state.load(Relaxed))
}

/// The LIVE records of channel ends among these: nothing else can hold anything.
fn channels_among(thread: &Thread, records: impl Iterator<Item = Record>) -> Result<Vec<(Record, Entry)>> {
    let mut channels = Vec::new();
    for record in records {
        let entry = Entry(thread.arena().record(record)?.load(Relaxed));
        // The record keeps the object, so its shape stands. Relaxed: published with the record.
        if entry.is_live()
            && let Ok(object) = thread.arena().object(entry.object().slot())
            && queues_handles(Lifecycle(object.lifecycle.load(Relaxed)))
        {
            channels.push((record, entry));
        }
    }
    Ok(channels)
}

/// Closes the records by which suspects hold suspects: after that, all of them are on the release queue.
fn close_candidates(thread: &Thread, candidates: &QueueSnapshots) -> Result<()> {
    for (record, entry) in candidates.values().flat_map(QueueSnapshot::records) {
        if candidates.contains_key(&entry.object()) {
            match refcount::drop_reference(thread, record, entry) {
                Ok(()) | Err(Error::BadHandle) => {}
                Err(error) => return Err(error),
            }
            crash_point!(thread, "cycle.closed");
        }
    }
    Ok(())
}

/// Leaves the largest set of sides whose counts are explained by records in messages for sides of the set.
fn retain_garbage(sights: &mut QueueSnapshots) {
    let mut found: HashMap<ObjectRef, u64> = HashMap::new();
    for object in sights.values().flat_map(QueueSnapshot::objects) {
        *found.entry(object).or_default() += 1;
    }
    let explained = |found: &HashMap<ObjectRef, u64>, side: &ObjectRef, sight: &QueueSnapshot| {
        found.get(side).is_some_and(|found| *found == sight.count.number())
    };
    let mut reachable: Vec<ObjectRef> = sights
        .iter()
        .filter(|(side, sight)| !explained(&found, side, sight))
        .map(|(side, _)| *side)
        .collect();
    let mut known: HashSet<ObjectRef> = reachable.iter().copied().collect();
    // Each side comes here once, each record with its side.
    while let Some(side) = reachable.pop() {
        let Some(sight) = sights.remove(&side) else { continue };
        for object in sight.objects() {
            if let Some(found) = found.get_mut(&object) {
                *found -= 1;
            }
            if sights.contains_key(&object) && known.insert(object) {
                reachable.push(object);
            }
        }
    }
}
