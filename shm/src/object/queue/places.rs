//! The places of a queue: where they lie, and what is in them.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{Entry, EntryState};
use crate::arena::word::intent::HandleLocation;
use crate::arena::word::reference::ObjectRef;
use crate::object::own_block;
use crate::process::thread::Thread;
use crate::sync::{Acquire, AtomicU64, Relaxed};

/// The words of a place: its record, and its ticket.
const PLACE_WORDS: usize = 2;

/// The queue of a side, as its class describes it.
#[derive(Clone, Copy)]
pub(crate) struct Queue<'a> {
    pub(crate) arena: &'a Arena,
    /// The side whose end ends the queue, and to which the block is bound.
    pub(crate) side: ObjectRef,
    /// The word of the body that leads to the block.
    pub(crate) block: &'a AtomicU64,
    /// How many lines of the block precede the places. They are the class's own.
    pub(crate) lines_before: usize,
    /// How many places there are.
    pub(crate) backlog: usize,
    /// How many tickets were ever given. `None`: there is one place, so there is no order.
    pub(crate) tickets: Option<&'a AtomicU64>,
}

/// One place of a queue.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    block: BlockId,
    number: usize,
    /// The number of the record among the words of the block.
    word: usize,
    pub(super) record: &'a AtomicU64,
    pub(super) ticket: &'a AtomicU64,
}

impl Place<'_> {
    pub(crate) fn location(&self) -> HandleLocation {
        HandleLocation::Transit { block: self.block, word: self.word as u32 }
    }

    pub(crate) fn entry(&self) -> Entry {
        // ORDER: Acquire pairs with the Release of `offer`: the ticket was written, and the object is complete.
        Entry(self.record.load(Acquire))
    }

    /// The word of the record, if the place is free.
    pub(super) fn if_free(&self) -> Option<Entry> {
        // Relaxed: the CAS that reserves the place orders.
        let record = Entry(self.record.load(Relaxed));
        matches!(record.state(), EntryState::Free | EntryState::Invalid).then_some(record)
    }
}

impl<'a> Queue<'a> {
    /// The places; none before the block is linked.
    pub(crate) fn places(self) -> Result<impl Iterator<Item = Place<'a>>> {
        let Queue { arena, lines_before, backlog, .. } = self;
        let block = own_block::block_at(self.block);
        let lines: &[Line] = block.map_or(Ok(&[][..]), |block| arena.lines(block))?;
        // A line at a time: every accept, and every look for a signal, goes over all of them.
        let places = lines.iter().skip(lines_before).flat_map(|line| line.0.as_chunks().0);
        let numbered = places.take(backlog).enumerate();
        Ok(numbered.filter_map(move |(number, [record, ticket]): (usize, &[AtomicU64; PLACE_WORDS])| {
            let word = lines_before * LINE_WORDS + number * PLACE_WORDS;
            Some(Place { block: block?, number, word, record, ticket })
        }))
    }

    /// Whether a handle could come: a place is free, or the block is not linked yet.
    pub(crate) fn has_room(self) -> Result<bool> {
        let mut places = self.places()?.peekable();
        Ok(places.peek().is_none() || places.any(|place| place.if_free().is_some()))
    }

    /// Links the block, unless it is linked. `fill` writes the class's own words; all others are 0.
    pub(crate) fn link(self, thread: &Thread, fill: impl FnOnce(&[Line])) -> Result<()> {
        if own_block::block_at(self.block).is_some() {
            return Ok(());
        }
        let class = SizeClass::fitting(self.lines_before + (self.backlog * PLACE_WORDS).div_ceil(LINE_WORDS));
        own_block::link(thread, self.side, self.block, class, |lines| {
            own_block::clear(lines.iter().flat_map(|line| &line.0));
            fill(lines);
        })
    }

    /// A number for the handles that are in the queue: each that comes makes it another. `None`: the queue is empty.
    ///
    /// Of the records, each loaded once: a ticket says nothing of arrival, since a thread may be stopped between its ticket
    /// and its record, and the ticket may be that of the place's next handle by now.
    pub(crate) fn content(self) -> Result<Option<u64>> {
        let live = self.places()?.map(|place| (place.number, place.entry())).filter(|(_, it)| it.is_live());
        // The sum of a bijection of 64 bits (splitmix64), of which an observer keeps 48.
        let mixed = live.map(|(number, record)| {
            let mut word = record.0.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1));
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        });
        Ok(mixed.reduce(u64::wrapping_add).map(|sum| sum >> 16))
    }
}
