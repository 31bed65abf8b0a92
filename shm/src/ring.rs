//! Rings: message headers beside 64-byte payload cells, in linked segments that grow.
//!
//! ```text
//!  direction ── producer line: tail, tail segment, first segment, payload blocks
//!            └─ consumer line: head, head segment, consumed
//!
//!  segment (a block of class c, 2·2^c messages):
//!    ┌ headers, 8 bytes each, 8 to a line ┬ payload cells, one line each ┐
//!    └────────────────────────────────────┴──────────────────────────────┘   descriptor.link → next segment
//!
//!  header:  63 60 59          32 31     25 24            0
//!          ┌─────┬──────────────┬─────────┬───────────────┐
//!          │flags│ block link   │ handles │ length, bytes │
//!          └─────┴──────────────┴─────────┴───────────────┘
//! ```
//!
//! A message is at one position for ever: `tail` counts messages sent; below `head` all are consumed. A segment is
//! itself a ring: while the consumer keeps up, the producer goes round in one segment and allocates nothing.
//! When it is full and the limit of pending messages is not reached, another one is linked behind it (`way.rs`).
//!
//! A message that is consumed ahead of its turn (a reply, or one behind a message that is read in place) is marked
//! TAKEN and is room at once (`ahead.rs`): `consumed` counts what was consumed in whatever order, and a segment
//! behind the head of which nothing is left goes back.
//!
//! INV-RING-1: head ≤ consumed ≤ tail ≤ consumed + limit, where consumed is the greater of the two words.
//! INV-RING-2: only the producer stores `tail`; that one store sends the message with all its handles.
//! INV-RING-3: only the consumer stores `head`, or marks a header TAKEN; that one store receives. Once the
//! consumer's side is closed, whoever drains advances `head` by CAS.
//! INV-RING-4: a segment's first position is written before it is linked, and it is linked before the tail
//! passes into it: whoever sees such a tail sees the link.
//! INV-RING-5: the consumer gives a segment back, after its head has reached the end or all of its messages are TAKEN
//! and another is linked behind it; the producer never looks back at it.

use crate::arena::Arena;
use crate::bits::{Field, ObjectRef};
use crate::block::{BlockId, BlockState, BlockWord};
use crate::endpoint::Sender;
use crate::error::{Error, Result, crash_point};
use crate::layout::{CLASS_0_LINES, LINE_BYTES, LINE_WORDS, Line};
use crate::object::Direction;
use crate::owner::{Link, Record};
use crate::payload::MOST_BYTES_FETCHED;
use crate::payload::MOST_KEPT_ANYHOW;
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};
use crate::thread::Thread;
use crate::way::SegmentLink;
use core::ptr::NonNull;

/// The most handles a message carries (`ZX_CHANNEL_MAX_MSG_HANDLES`).
pub const MAX_MESSAGE_HANDLES: usize = 64;

/// How many classes a segment grows by: four times the messages, twice in models.
const GROWTH_CLASSES: usize = if cfg!(loom) { 1 } else { 2 };
/// Positions stay below this: at a hundred million messages a second, for a thousand years. What is beyond is
/// damage, and what is below can be added to without overflow.
pub(crate) const MAX_POSITION: u64 = 1 << 62;
/// The largest segment: 8,192 messages.
const LARGEST_SEGMENT_CLASS: usize = 12;
/// The largest that is linked while messages are consumed ahead of the head: 16 messages.
const SEGMENT_CLASS_BEHIND_HEAD: usize = if cfg!(loom) { 0 } else { 3 };

/// A message's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header(pub(crate) u64);

impl Header {
    const LENGTH: Field<0, 25> = Field;
    const HANDLES: Field<25, 7> = Field;
    const BLOCK: Field<32, 28> = Field;
    /// Consumed before the messages ahead of it.
    pub(crate) const TAKEN: u64 = 1 << 60;

    #[inline(always)]
    pub(crate) fn new(length: usize, handles: usize, block: Option<BlockId>) -> Self {
        let block = block.map_or(0, BlockId::to_link);
        Self(Self::LENGTH.of(length as u64) | Self::HANDLES.of(handles as u64) | Self::BLOCK.of(block))
    }

    #[inline(always)]
    pub(crate) fn length(self) -> usize {
        Self::LENGTH.get(self.0) as usize
    }

    #[inline(always)]
    pub(crate) fn handles(self) -> usize {
        Self::HANDLES.get(self.0) as usize
    }

    #[inline(always)]
    pub(crate) fn block(self) -> Option<BlockId> {
        BlockId::from_link(Self::BLOCK.get(self.0))
    }

    #[inline(always)]
    pub(crate) fn is_taken(self) -> bool {
        self.0 & Self::TAKEN != 0
    }
}

/// A segment, as one side knows it: checked once, then used without looking at the arena's numbers again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) block: BlockId,
    /// The position of its first message.
    pub(crate) base: u64,
    /// How many messages it holds less one: a power of two less one.
    mask: u64,
    lines: NonNull<Line>,
    header_lines: usize,
}

// SAFETY: `lines` points at `Sync` memory that outlives every endpoint (the process keeps the arena mapped).
unsafe impl Send for Segment {}

impl Segment {
    #[inline(always)]
    pub(crate) fn messages(&self) -> u64 {
        self.mask + 1
    }

    #[inline(always)]
    fn line(&self, index: usize) -> &Line {
        // SAFETY: `Thread::segment` took `lines` from a checked block with at least as many lines as headers
        // and cells for `mask + 1` messages; callers index with a masked position.
        unsafe { self.lines.add(index).as_ref() }
    }

    #[inline(always)]
    pub(crate) fn header(&self, position: u64) -> &AtomicU64 {
        let index = (position.wrapping_sub(self.base) & self.mask) as usize;
        &self.line(index / 8).0[index % 8]
    }

    #[inline(always)]
    pub(crate) fn cell(&self, position: u64) -> &Line {
        self.line(self.cell_line(position))
    }

    #[inline(always)]
    fn cell_line(&self, position: u64) -> usize {
        self.header_lines + (position.wrapping_sub(self.base) & self.mask) as usize
    }

    /// Where the first of a message's `handles` stands, if they are in its cell: at its end.
    #[inline(always)]
    pub(crate) fn first_record(&self, position: u64, handles: usize) -> u32 {
        ((self.cell_line(position) + 1) * LINE_WORDS - handles) as u32
    }
}

/// So many messages ahead a line of a ring is asked for, in which time it comes from the other side's processor.
pub(crate) const FETCH_AHEAD: u64 = 8;

/// Messages that a segment of this class holds.
const fn messages_of_class(class: usize) -> usize {
    (CLASS_0_LINES / 2) << class
}

/// The class of a segment for so many messages, a power of two.
pub(crate) const fn class_of_messages(messages: u32) -> usize {
    messages.trailing_zeros() as usize - 1
}

/// A message in the ring, its header copied and checked.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) header: Header,
    /// The lines that hold its bytes.
    pub(crate) bytes: &'a [Line],
    /// The block that holds its handles, and where in there they begin.
    records: (BlockId, u32),
}

impl Message<'_> {
    /// Where its handles stand.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + use<> {
        let (block, first) = self.records;
        (first..).take(self.header.handles()).map(move |word| Record::Transit { block, word })
    }
}

/// Whether so much fits a message's cell: the bytes from its beginning, the handles at its end.
#[inline(always)]
pub(crate) fn fits_cell(bytes: usize, handles: usize) -> bool {
    bytes + handles * size_of::<u64>() <= LINE_BYTES
}

impl Arena {
    /// The segment in `block`.
    pub(crate) fn segment(&self, block: BlockId) -> Result<Segment> {
        let lines = self.lines(block)?;
        let messages = messages_of_class(block.class());
        // Relaxed: published by the link.
        let base = self.descriptor(block)?.position.load(Relaxed);
        if base > MAX_POSITION || messages + messages.div_ceil(8) > lines.len() {
            return Err(Error::Corrupt("a segment's first position is out of range"));
        }
        Ok(Segment {
            block,
            base,
            mask: messages as u64 - 1,
            lines: NonNull::from(lines).cast(),
            header_lines: messages.div_ceil(8),
        })
    }

    /// The message at a published `position` of `segment`.
    #[inline]
    pub(crate) fn message<'a>(&'a self, segment: &'a Segment, position: u64) -> Result<Message<'a>> {
        // The header says what is in the cell, and where: its line would be asked for only when the header has come.
        sync::fetch_to_read(segment.cell(position));
        // Relaxed: the Acquire of the tail came first. Copied once; only the copy is believed, once checked.
        let header = Header(segment.header(position).load(Relaxed));
        let Some(block) = header.block() else {
            if !fits_cell(header.length(), header.handles()) {
                return Err(Error::Corrupt("a message longer than its cell"));
            }
            let records = (segment.block, segment.first_record(position, header.handles()));
            return Ok(Message { header, bytes: core::slice::from_ref(segment.cell(position)), records });
        };
        let lines = self.lines(block)?;
        let record_lines = header.handles().div_ceil(8);
        if header.handles() > MAX_MESSAGE_HANDLES
            || record_lines > lines.len()
            || header.length() > (lines.len() - record_lines) * LINE_BYTES
        {
            return Err(Error::Corrupt("a message longer than its block"));
        }
        Ok(Message { header, bytes: &lines[record_lines..], records: (block, 0) })
    }
}

impl Arena {
    /// Asks for the block of the published message at `position`, if it has one that is not too large: its lines come while
    /// the message before it is copied.
    pub(crate) fn fetch_block_to_read(&self, segment: &Segment, position: u64) {
        // Relaxed: a hint. P5: `lines` says whether the block is inside the arena; nothing is read of it here.
        let header = Header(segment.header(position).load(Relaxed));
        if let Some(block) = header.block()
            && let Ok(lines) = self.lines(block)
            && lines.len() * LINE_BYTES <= MOST_BYTES_FETCHED
        {
            lines.iter().for_each(sync::fetch_to_read);
        }
    }
}

impl Thread {
    /// The direction that `writer`'s side writes.
    #[inline(always)]
    pub(crate) fn direction(&self, writer: ObjectRef) -> Result<&Direction> {
        Ok(&self.arena().body(writer.slot())?.directions[writer.side()])
    }

    /// The segment in `block`.
    pub(crate) fn segment(&self, block: BlockId) -> Result<Segment> {
        self.arena().segment(block)
    }

    /// The message at a published `position` of `segment`.
    #[inline(always)]
    pub(crate) fn message<'a>(&'a self, segment: &'a Segment, position: u64) -> Result<Message<'a>> {
        self.arena().message(segment, position)
    }

    /// Reads the producing side's state from the arena, after the endpoint came.
    pub(crate) fn load_sender(&self, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
        let direction = self.direction(writer)?;
        // Relaxed, here and below: this process is the only writer of the producer's line and of what hangs from it;
        // the handle's arrival published them.
        sender.tail = direction.producer.tail.load(Relaxed);
        // ORDER: Acquire pairs with the consumer's Release: cells below the head may be written again.
        sender.head_seen = direction.consumer.head.load(Acquire);
        sync::acquired(&direction.consumer.head);
        sender.consumed_seen = direction.consumed(sender.head_seen);
        sender.max_pending = self.max_pending(writer)?;
        if sender.tail > MAX_POSITION
            || sender.consumed_seen > sender.tail
            || sender.pending() > u64::from(self.arena().config().max_pending_messages)
        {
            return Err(Error::Corrupt("a ring's head and tail are out of range"));
        }
        let link = direction.producer.tail_segment.load(Relaxed);
        sender.segment = BlockId::from_link(link).map(|block| self.segment(block)).transpose()?;
        if sender.segment.is_some_and(|segment| segment.base > sender.tail) {
            return Err(Error::Corrupt("a ring's last segment starts past its tail"));
        }
        sender.spare = vec![Vec::new(); self.arena().layout().pools.len()];
        sender.owned = vec![0; sender.spare.len()];
        sender.all_owned = 0;
        sender.flying.clear();
        let mut flying = Vec::new();
        let mut next = direction.producer.blocks.load(Relaxed);
        let mut bound = self.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
        while let Some(block) = BlockId::from_link(next) {
            let descriptor = self.arena().descriptor(block)?;
            if BlockWord(descriptor.state.load(Relaxed)).state() != BlockState::Bound(writer) {
                return Err(Error::Corrupt("a channel's list of blocks runs into another's"));
            }
            sender.owned[block.class()] += 1;
            sender.all_owned += 1;
            match descriptor.position.load(Relaxed) {
                used if used > sender.head_seen => flying.push((used - 1, block)),
                _ => sender.spare[block.class()].push(block),
            }
            next = descriptor.link.load(Relaxed);
            bound = bound.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
        }
        flying.sort_unstable_by_key(|(position, _)| *position);
        sender.flying.extend(flying);
        sender.searched = 0;
        // What was granted for, when the end came, and has been read since.
        let credits = &self.process.quotas.messages;
        credits.give_back(sender.granted);
        sender.granted = credits.charge(sender.pending());
        sender.ready = true;
        self.set_limit(sender);
        Ok(())
    }

    /// Up to where the producer may write with what it knows.
    pub(crate) fn set_limit(&self, sender: &mut Sender) {
        let by_count = (sender.consumed_seen + sender.max_pending).saturating_sub(sender.reserved);
        let by_segment =
            sender.segment.map_or(0, |segment| sender.head_seen.max(segment.base) + segment.messages());
        let by_grant = (sender.consumed_seen + sender.granted).saturating_sub(sender.reserved);
        sender.limit = by_count.min(by_segment).min(by_grant);
    }

    /// Looks at the head again: returns flown blocks, and makes room for one message, or says SHOULD_WAIT (the channel
    /// is full) or NO_RESOURCES (this process may have no more messages pending).
    #[cold]
    pub(crate) fn make_room(&self, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
        self.refresh_head(writer, sender)?;
        // A look at the lists only where there is more than is kept in any case.
        if sender.all_owned > MOST_KEPT_ANYHOW {
            self.trim_after_burst(writer, sender)?;
        }
        let pending = sender.max_pending;
        let free = |sender: &Sender| pending.saturating_sub(sender.pending());
        self.let_run_ahead(writer, sender, |sender| free(sender) >= pending / 64)?;
        if sender.pending() + sender.reserved >= pending {
            return Err(Error::ShouldWait);
        }
        self.grant(sender, 0)?;
        self.set_limit(sender);
        if sender.tail >= sender.limit {
            self.grow(writer, sender)?;
            self.set_limit(sender);
        }
        Ok(())
    }

    /// Where the reader is far behind, gives it up to some microseconds until what it has read is enough, and not only
    /// for one message.
    ///
    /// Whoever looks at the head takes its line from the reader, who waits for it at the next message. A writer that
    /// looks before each of its messages makes both as slow as the line. What comes after so many messages can wait a
    /// little longer, and nothing is refused that there is room for. Each look comes after twice the time of the last, so
    /// that a reader that is slow is not looked at more often.
    #[cold]
    pub(crate) fn let_run_ahead(
        &self,
        writer: ObjectRef,
        sender: &mut Sender,
        is_enough: impl Fn(&Sender) -> bool,
    ) -> Result<()> {
        for turn in 0..4 {
            if is_enough(sender) {
                break;
            }
            let seen = sender.consumed_seen;
            for _ in 0..1 << turn {
                sync::rest();
            }
            self.refresh_head(writer, sender)?;
            if sender.consumed_seen == seen {
                // Nobody is reading.
                break;
            }
        }
        Ok(())
    }

    /// Takes note of what has been consumed.
    pub(crate) fn refresh_head(&self, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
        let direction = self.direction(writer)?;
        // ORDER: Acquire pairs with the consumer's Release: it is done with the cells and blocks behind it.
        let head = direction.consumer.head.load(Acquire);
        let consumed = direction.consumed(head);
        sync::acquired(&direction.consumer.head);
        if head < sender.head_seen || consumed < sender.consumed_seen || consumed > sender.tail {
            return Err(Error::Corrupt("a ring's head is outside the ring"));
        }
        sender.head_seen = head;
        sender.consumed_seen = consumed;
        while let Some((position, block)) = sender.flying.front().copied()
            && position < head
        {
            sender.flying.pop_front();
            sender.spare[block.class()].push(block);
        }
        self.trim_grant(sender);
        self.set_limit(sender);
        Ok(())
    }

    /// Links another segment behind the one that is full.
    fn grow(&self, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
        let classes = self.arena().layout().pools.len();
        // While something keeps the head back, a segment is given back only as a whole: small ones, so that one message
        // which is not read keeps little.
        let is_kept_back = sender.segment.is_some() && sender.consumed_seen > sender.head_seen;
        let largest = if is_kept_back { SEGMENT_CLASS_BEHIND_HEAD } else { LARGEST_SEGMENT_CLASS };
        let largest = largest.min(classes - 1);
        let class = match &sender.segment {
            None => class_of_messages(self.arena().config().first_segment_messages),
            Some(segment) => segment.block.class() + GROWTH_CLASSES,
        };
        let block = self.take_block(class.min(largest))?;
        self.link_segment(writer, sender, block)
    }

    /// Links a segment, in a block that this thread has taken, behind the one at hand.
    pub(crate) fn link_segment(&self, writer: ObjectRef, sender: &mut Sender, block: BlockId) -> Result<()> {
        let descriptor = self.arena().descriptor(block)?;
        crash_point!(self, "grow.taken");
        // Relaxed: published by the link.
        descriptor.link.store(0, Relaxed);
        descriptor.position.store(sender.tail, Relaxed);
        self.set_link(Link::JoinSegment { from: writer, block }, 0);
        crash_point!(self, "grow.intended");
        let producer = &self.direction(writer)?.producer;
        match &sender.segment {
            // ORDER: Release pairs with the Acquire of `behind`: the segment's first position and empty link are seen
            // with it. The first segment's are seen with the tail; its link comes after the intent.
            None => producer.first_segment.store(block.to_link(), Release),
            Some(full) => {
                let link = SegmentLink::new(block, sender.tail);
                self.arena().descriptor(full.block)?.link.store(link.0, Release);
            }
        }
        crash_point!(self, "grow.linked");
        // ORDER: Release: after the link, in the order that recovery sees. Nobody looks at the segment before any more.
        producer.tail_segment.store(block.to_link(), Release);
        self.arena().bind_block(block, self.tag, writer)?;
        crash_point!(self, "grow.bound");
        self.set_link(Link::Idle, 0);
        sender.segment = Some(self.segment(block)?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_carries_a_length_a_handle_count_and_a_block() {
        let block = BlockId::new(16, 77);
        let header = Header::new(16 << 20, 64, Some(block));
        assert_eq!((header.length(), header.handles(), header.block()), (16 << 20, 64, Some(block)));
        assert!(!header.is_taken());
        assert!(Header(header.0 | Header::TAKEN).is_taken());
        assert_eq!(Header::new(0, 0, None), Header(0));
    }

    #[test]
    fn a_segment_fits_its_block_in_every_class() {
        for class in 0..=LARGEST_SEGMENT_CLASS {
            let messages = messages_of_class(class);
            assert!(messages + messages.div_ceil(8) <= CLASS_0_LINES << class, "class {class}");
        }
        assert_eq!(messages_of_class(LARGEST_SEGMENT_CLASS), 8192);
    }
}
