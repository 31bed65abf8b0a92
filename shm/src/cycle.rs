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
//! was, a header below the tail only becomes TAKEN; and while a message is not TAKEN a record only leaves LIVE: the cell
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
//! | an entry RESERVED by a receive that has consumed | owns; its record is below the head, or TAKEN |
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
//! list, and the cascade of `dying` drains their queues, events and all, and tells live peers.
//!
//! INV-CYCLE-2: no queue is drained before the last of the records is closed, so none of them moves meanwhile. One
//! thread of the arena collects at a time.
//!
//! A collector may die at any step. A record that it was closing is settled by its intent; sides whose count
//! reached 0 are on its list, from which the cascade reaches whatever they held. What it did not come to is still
//! garbage, and found by the next.

use crate::bits::ObjectRef;
use crate::block::{BlockId, BlockState, BlockWord};
use crate::error::{Error, Result, crash_point};
use crate::layout::CLASS_0_LINES;
use crate::object::{Count, Life, LifeState, Shape};
use crate::owner::Record;
use crate::ring::{Header, MAX_POSITION};
use crate::sync::{Acquire, Relaxed, fence};
use crate::table::Entry;
use crate::thread::Thread;
use crate::way::{Step, Way};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What one look at the messages for a side saw. Equal looks saw the same words.
#[derive(PartialEq, Eq)]
struct Sight {
    life: u64,
    count: Count,
    head: u64,
    /// Messages from here on were not looked at.
    tail: u64,
    /// The segments that were passed, with their exact words.
    segments: Vec<(BlockId, u64)>,
    messages: Vec<Carrier>,
}

/// A message with handles.
#[derive(PartialEq, Eq)]
struct Carrier {
    header: Header,
    /// What carries it: its payload block, or its segment, with the exact word.
    block: BlockId,
    word: u64,
    /// Its LIVE records, with their places.
    records: Vec<(Record, Entry)>,
}

impl Sight {
    fn records(&self) -> impl Iterator<Item = (Record, Entry)> {
        self.messages.iter().flat_map(|message| message.records.iter().copied())
    }

    fn objects(&self) -> impl Iterator<Item = ObjectRef> {
        self.records().map(|(_, entry)| entry.object())
    }
}

/// By side, in order: models want every run alike.
type Sights = BTreeMap<ObjectRef, Sight>;

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

impl Thread {
    /// Closes channel ends that nobody can reach any more, because they are only queued inside each other. Gives
    /// how many such ends there were; what was queued for them ends with them.
    ///
    /// Others may go on meanwhile; but only one thread of the arena may collect cycles at a time: it is the
    /// supervisor's work.
    pub fn collect_cycles(&self) -> Result<usize> {
        loop {
            if let Some(found) = self.collect_cycles_while(&mut || true)? {
                return Ok(found);
            }
        }
    }

    /// As [`collect_cycles`](Self::collect_cycles), for as long as `go_on` says so, which is asked every few dozen
    /// microseconds of looking. `None` when the look was given up, and nothing was done.
    pub fn collect_cycles_while(&self, go_on: &mut dyn FnMut() -> bool) -> Result<Option<usize>> {
        // What an earlier collection that failed has left.
        self.work_dying()?;
        match self.find_cycles(&mut Effort::of(self, go_on)) {
            Err(Error::ShouldWait) => Ok(None),
            Err(error) => Err(error),
            Ok(suspects) => {
                let closed = self.close_suspects(&suspects);
                let ended = match closed {
                    Err(Error::Died) => return Err(Error::Died),
                    _ => self.work_dying(),
                };
                closed.and(ended).map(|()| Some(suspects.len()))
            }
        }
    }

    /// Both passes.
    fn find_cycles(&self, effort: &mut Effort) -> Result<Sights> {
        let mut sights = self.look_at_all(effort)?;
        keep_suspects(&mut sights);
        for side in sights.keys().copied().collect::<Vec<_>>() {
            let seen = &sights[&side];
            if self.look_at(side, Some(seen.tail), effort)?.as_ref() != Some(seen) {
                // Somebody is at work there, so it is none, nor is what it holds.
                sights.remove(&side);
            }
        }
        keep_suspects(&mut sights);
        Ok(sights)
    }

    /// Pass 1: every side for which handles are queued.
    fn look_at_all(&self, effort: &mut Effort) -> Result<Sights> {
        let mut sights = Sights::new();
        for slot in self.arena().slots_in_use() {
            effort.spend(self, 1)?;
            // Relaxed: looked at again below.
            let life = Life(self.arena().object(slot)?.life.load(Relaxed));
            if life.state() != LifeState::Live || life.shape() != Some(Shape::Channel) {
                continue;
            }
            for side in 0..2 {
                let side = ObjectRef::new(slot, side);
                if let Some(sight) = self.look_at(side, None, effort)?
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
    fn look_at(&self, reader: ObjectRef, until: Option<u64>, effort: &mut Effort) -> Result<Option<Sight>> {
        let before = self.standing(reader)?;
        let (life, count, head) = before;
        let life_word = Life(life);
        if life_word.state() != LifeState::Live
            || life_word.shape() != Some(Shape::Channel)
            || life_word.is_done(reader.side())
            || count.number() == 0
        {
            return Ok(None);
        }
        // ORDER: Acquire pairs with the producer's Release: the messages up to the tail are complete.
        let tail = self.direction(reader.peer())?.producer.tail.load(Acquire);
        let tail = until.map_or(tail, |until| tail.min(until));
        if tail < head || tail > MAX_POSITION {
            return Ok(None);
        }
        let mut sight = Sight { life, count, head, tail, segments: Vec::new(), messages: Vec::new() };
        if head < tail && !self.look_at_messages(reader.peer(), &mut sight, effort)? {
            return Ok(None);
        }
        // ORDER: pairs with the Release of whoever changed what was seen above. What led to it is seen in whatever is
        // read from here on: whether the side stands as before, and all of pass 2.
        fence(Acquire);
        let stands = self.standing(reader)? == before && self.blocks_stand(&sight);
        Ok(stands.then_some(sight))
    }

    fn standing(&self, reader: ObjectRef) -> Result<(u64, Count, u64)> {
        let object = self.arena().object(reader.slot())?;
        // Relaxed: it is read on both sides of the fence of `look_at`.
        let life = object.life.load(Relaxed);
        let count = Count(object.count[reader.side()].load(Relaxed));
        let head = self.direction(reader.peer())?.consumer.head.load(Relaxed);
        Ok((life, count, head))
    }

    /// `false` when the ring is not what it was: its reader is at work.
    fn look_at_messages(&self, writer: ObjectRef, sight: &mut Sight, effort: &mut Effort) -> Result<bool> {
        // What is read of a segment that its reader leaves meanwhile may be anything, an error too.
        let Ok(Some(segment)) = self.arena().head_segment(self.direction(writer)?) else { return Ok(false) };
        let is_bound = |word| BlockWord(word).state() == BlockState::Bound(writer);
        let mut word = self.block_word(segment.block)?;
        let mut payloads = HashSet::new();
        sight.segments.push((segment.block, word));
        let mut way = Way::new(segment, sight.head);
        let mut position = sight.head;
        while position < sight.tail {
            effort.spend(self, 1)?;
            match self.arena().step(&mut way, position) {
                Ok(Step::Here) => {}
                Ok(Step::Gap(end)) => {
                    position = end;
                    continue;
                }
                Ok(Step::Moved) => {
                    word = self.block_word(way.segment.block)?;
                    sight.segments.push((way.segment.block, word));
                    continue;
                }
                Err(_) => return Ok(false),
            }
            if !is_bound(word) {
                return Ok(false);
            }
            let Ok(message) = self.message(&way.segment, position) else { return Ok(false) };
            position += 1;
            let header = message.header;
            if header.is_taken() || header.handles() == 0 {
                continue;
            }
            let mut carrier = Carrier { header, block: way.segment.block, word, records: Vec::new() };
            if let Some(block) = header.block() {
                // Checked before anything is read there, and a block carries one message: a damaged ring is not
                // worth more looks, nor more memory, than a sound one.
                (carrier.block, carrier.word) = (block, self.block_word(block)?);
                if !is_bound(carrier.word) || !payloads.insert(block) {
                    return Ok(false);
                }
            }
            effort.spend(self, header.handles() as u64)?;
            carrier.records = self.channels_among(message.records())?;
            if !carrier.records.is_empty() {
                sight.messages.push(carrier);
            }
        }
        Ok(true)
    }

    /// Whether every block that was looked into was this direction's all the while.
    fn blocks_stand(&self, sight: &Sight) -> bool {
        let payloads = sight.messages.iter().map(|message| (message.block, message.word));
        let mut blocks = sight.segments.iter().copied().chain(payloads);
        blocks.all(|(block, word)| self.block_word(block).is_ok_and(|now| now == word))
    }

    fn block_word(&self, block: BlockId) -> Result<u64> {
        // Relaxed: it is read on both sides of the fence of `look_at`.
        Ok(self.arena().descriptor(block)?.state.load(Relaxed))
    }

    /// The LIVE records of channel ends among these: nothing else can hold anything.
    fn channels_among(&self, records: impl Iterator<Item = Record>) -> Result<Vec<(Record, Entry)>> {
        let mut channels = Vec::new();
        for record in records {
            let entry = Entry(self.arena().record(record)?.load(Relaxed));
            // The record keeps the object, so its shape stands. Relaxed: published with the record.
            if entry.is_live()
                && let Ok(object) = self.arena().object(entry.object().slot())
                && Life(object.life.load(Relaxed)).shape() == Some(Shape::Channel)
            {
                channels.push((record, entry));
            }
        }
        Ok(channels)
    }

    /// Closes the records by which suspects hold suspects: after that, all of them are on the dying list.
    fn close_suspects(&self, suspects: &Sights) -> Result<()> {
        for (record, entry) in suspects.values().flat_map(Sight::records) {
            if suspects.contains_key(&entry.object()) {
                match self.drop_reference(record, entry) {
                    Ok(()) | Err(Error::BadHandle) => {}
                    Err(error) => return Err(error),
                }
                crash_point!(self, "cycle.closed");
            }
        }
        Ok(())
    }
}

/// Leaves the largest set of sides whose counts are explained by records in messages for sides of the set.
fn keep_suspects(sights: &mut Sights) {
    let mut found: HashMap<ObjectRef, u64> = HashMap::new();
    for object in sights.values().flat_map(Sight::objects) {
        *found.entry(object).or_default() += 1;
    }
    let explained = |found: &HashMap<ObjectRef, u64>, side: &ObjectRef, sight: &Sight| {
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
