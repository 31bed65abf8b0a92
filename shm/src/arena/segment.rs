//! A segment of a ring, and a message in it: checked views of the blocks that make up the rings of channels.

use crate::arena::Arena;
use crate::arena::copy::{self, Payload};
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, LINE_WORDS, Line};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::HandleLocation;
use crate::arena::word::ring::MessageHeader;
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};
use core::ptr::NonNull;

/// The most bytes a copied message carries (`ZX_CHANNEL_MAX_MSG_BYTES`).
pub const MAX_MESSAGE_BYTES: usize = 65536;

/// The most handles a message carries (`ZX_CHANNEL_MAX_MSG_HANDLES`).
pub const MAX_MESSAGE_HANDLES: usize = 64;

/// Positions stay below this. At a hundred million messages a second it is reached after a thousand years, so a
/// position beyond it is damage. Adding to a position below it cannot overflow.
pub(crate) const MAX_POSITION: u64 = 1 << 62;

/// The lines of a slot. A message with its header fits into the first of them, or into both, or its payload is in a
/// block of its own.
pub(crate) const SLOT_LINES: usize = 2;

/// The words of a slot before the payload: the header.
const HEADER_WORDS: usize = 1;

/// The most bytes of payload, handles included, in a slot, and in its first line.
pub(crate) const SLOT_BYTES: usize = SLOT_LINES * LINE_BYTES - HEADER_WORDS * size_of::<u64>();
const FIRST_LINE_BYTES: usize = LINE_BYTES - HEADER_WORDS * size_of::<u64>();

/// One side's view of a segment: checked once, then used without reading the arena's numbers again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    pub(crate) block: BlockId,
    /// The logarithm of the number of messages that it holds.
    shift: u32,
    /// The position of its first message.
    pub(crate) base: u64,
    /// How many messages it holds less one: a power of two less one.
    mask: u64,
    lines: NonNull<Line>,
}

// SAFETY: `lines` points at `Sync` memory that outlives every endpoint (the process keeps the arena mapped).
unsafe impl Send for Segment {}

impl Segment {
    #[inline(always)]
    pub(crate) fn messages(&self) -> u64 {
        self.mask + 1
    }

    /// The lines of the slot of `position`.
    #[inline(always)]
    pub(crate) fn slot(&self, position: u64) -> &[Line; SLOT_LINES] {
        let first = self.first_line(position);
        // SAFETY: `segment` took `lines` from a checked block with at least `SLOT_LINES` lines for each of `mask + 1`
        // messages, and the position is masked.
        unsafe { self.lines.add(first).cast::<[Line; SLOT_LINES]>().as_ref() }
    }

    #[inline(always)]
    fn first_line(&self, position: u64) -> usize {
        SLOT_LINES * (position.wrapping_sub(self.base) & self.mask) as usize
    }

    /// How often the segment's slots have been used when `position` has its message.
    #[inline(always)]
    fn lap(&self, position: u64) -> u64 {
        (position.wrapping_sub(self.base) >> self.shift) + 1
    }

    #[inline(always)]
    pub(crate) fn header(&self, position: u64) -> &AtomicU64 {
        &self.slot(position)[0].0[0]
    }

    /// Stores the header of the message at `position`, which sends the message.
    #[inline(always)]
    pub(crate) fn commit(&self, position: u64, header: MessageHeader) {
        // ORDER: Release pairs with the Acquire of `is_committed`: the reader sees bytes, handles and block.
        self.header(position).store(header.in_lap(self.lap(position)).0, Release);
    }

    /// Whether the message at `position` has been sent. The position is not before the head, and less than a lap past
    /// it.
    #[inline(always)]
    pub(crate) fn is_committed(&self, position: u64) -> bool {
        // ORDER: Acquire pairs with the Release of `commit`.
        MessageHeader(self.header(position).load(Acquire)).is_of_lap(self.lap(position))
    }

    /// Makes all slots show no message, before the segment is linked.
    pub(crate) fn clear(&self) {
        // Relaxed: the link publishes the headers.
        (self.base..self.base + self.messages()).for_each(|position| self.header(position).store(0, Relaxed));
    }

    /// The payload of the slot of `position`.
    #[inline(always)]
    pub(crate) fn payload(&self, position: u64) -> Payload<'_> {
        Payload::new(self.slot(position), HEADER_WORDS)
    }

    /// The bytes of the message at `position`, which was sent, if it is a plain one: it has no handles and is not
    /// consumed. `None` also for a damaged one, for which [`message`] gives an error.
    #[inline(always)]
    pub(crate) fn plain_message<'a>(&'a self, arena: &'a Arena, position: u64) -> Option<PlainMessage<'a>> {
        // Relaxed: as in `message`.
        let header = MessageHeader(self.header(position).load(Relaxed));
        if !header.is_plain() || !header.is_of_lap(self.lap(position)) {
            return None;
        }
        let payload = if !header.is_in_block() {
            self.payload(position)
        } else {
            // Relaxed: published with the header.
            let block = BlockId::from_link(self.block_link(position).load(Relaxed))?;
            Payload::new(arena.lines(block).ok()?, 0)
        };
        let (len, is_in_block) = (header.length(), header.is_in_block());
        (len <= payload.len_bytes()).then_some(PlainMessage { payload, len, is_in_block })
    }

    /// Fetches the slot of `position`, for a message of so many bytes that will be written or read soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self, position: u64, bytes: usize) {
        let slot = self.slot(position);
        sync::prefetch_exclusive(&slot[0]);
        if bytes > FIRST_LINE_BYTES {
            sync::prefetch_exclusive(&slot[1]);
        }
    }

    /// Takes ownership of the lines of the plain message at `position`, which was read. The message keeps its header: the
    /// stores are to words after it.
    #[inline(always)]
    pub(crate) fn take_ownership(&self, position: u64, bytes: usize) {
        let slot = self.slot(position);
        copy::take_ownership(&slot[0].0[HEADER_WORDS]);
        if bytes > FIRST_LINE_BYTES {
            copy::take_ownership(&slot[1].0[0]);
        }
    }

    /// Where the link of the message's payload block is, if it has one.
    #[inline(always)]
    pub(crate) fn block_link(&self, position: u64) -> &AtomicU64 {
        &self.slot(position)[0].0[HEADER_WORDS]
    }

    /// The words in the slot for the handles of a message: at the end of the first line, if all of the message fits
    /// there, or at the end of the slot.
    #[inline(always)]
    pub(crate) fn records(
        &self,
        position: u64,
        bytes: usize,
        handles: usize,
    ) -> impl Iterator<Item = &AtomicU64> + use<'_> {
        let slot = self.slot(position);
        let first = first_record(bytes, handles);
        (first..first + handles).map(move |word| &slot[word / LINE_WORDS].0[word % LINE_WORDS])
    }
}

/// The index of the first handle's word in a slot.
#[inline(always)]
fn first_record(bytes: usize, handles: usize) -> usize {
    let lines = if bytes + handles * size_of::<u64>() <= FIRST_LINE_BYTES { 1 } else { SLOT_LINES };
    lines * LINE_WORDS - handles
}

/// How many messages ahead a line of a ring is prefetched. In that time it arrives from the other side's processor.
pub(crate) const FETCH_AHEAD: u64 = 8;

/// How many messages a segment of this class holds.
pub(crate) const fn messages_of_class(class: SizeClass) -> usize {
    class.lines() / SLOT_LINES
}

/// The class of a segment that holds `messages` messages, a power of two.
pub(crate) const fn class_of_messages(messages: u32) -> SizeClass {
    SizeClass::new(messages.trailing_zeros() as u16 - 1)
}

/// A message without handles. Its header was copied and checked.
pub(crate) struct PlainMessage<'a> {
    pub(crate) payload: Payload<'a>,
    pub(crate) len: usize,
    pub(crate) is_in_block: bool,
}

impl PlainMessage<'_> {
    #[inline(always)]
    pub(crate) fn bytes_in_slot(&self) -> usize {
        if self.is_in_block { 0 } else { self.len }
    }
}

/// A message in the ring. Its header was copied and checked.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) header: MessageHeader,
    /// Where its bytes are.
    pub(crate) payload: Payload<'a>,
    /// Its payload block, if it has one.
    pub(crate) block: Option<BlockId>,
    /// The block that holds its handles, and the index of the first one's word.
    records: (BlockId, u32),
}

impl Message<'_> {
    /// The records of its handles.
    pub(crate) fn records(&self) -> impl Iterator<Item = HandleLocation> + use<> {
        let (block, first) = self.records;
        (first..).take(self.header.handles()).map(move |word| HandleLocation::Transit { block, word })
    }
}

/// Whether a message fits its slot: the bytes after the header, the handles at the end of a line.
#[inline(always)]
pub(crate) fn fits_slot(bytes: usize, handles: usize) -> bool {
    bytes + handles * size_of::<u64>() <= SLOT_BYTES
}

/// The index of the first handle's word in a payload block: in the line behind the bytes, which begin with the block.
pub(crate) fn first_record_in_block(bytes: usize) -> usize {
    bytes.div_ceil(LINE_BYTES) * LINE_WORDS
}

/// How many lines of a payload block a message takes.
pub(crate) fn lines_in_block(bytes: usize, handles: usize) -> usize {
    (bytes.div_ceil(LINE_BYTES) + handles.div_ceil(LINE_WORDS)).max(1)
}

/// The segment in `block`.
pub(crate) fn segment(arena: &Arena, block: BlockId) -> Result<Segment> {
    let lines = arena.lines(block)?;
    let messages = messages_of_class(block.class());
    // Relaxed: the link that names the segment publishes its position.
    let base = arena.descriptor(block)?.position.load(Relaxed);
    if base > MAX_POSITION || SLOT_LINES * messages > lines.len() {
        return Err(Error::Corrupt("a segment's first position is out of range"));
    }
    let shift = messages.trailing_zeros();
    Ok(Segment { block, shift, base, mask: messages as u64 - 1, lines: NonNull::from(lines).cast() })
}

/// The message at a published `position` of `segment`.
#[inline]
pub(crate) fn message<'a>(arena: &'a Arena, segment: &'a Segment, position: u64) -> Result<Message<'a>> {
    // Relaxed: the Acquire load of the header, or of a later one, or of the tail came first. The header is copied once,
    // and only the checked copy is used.
    let header = MessageHeader(segment.header(position).load(Relaxed));
    if !header.is_of_lap(segment.lap(position)) {
        return Err(Error::Corrupt("a message that was never sent"));
    }
    if !header.is_in_block() {
        if !fits_slot(header.length(), header.handles()) {
            return Err(Error::Corrupt("a message longer than its slot"));
        }
        let first =
            segment.first_line(position) * LINE_WORDS + first_record(header.length(), header.handles());
        let payload = segment.payload(position);
        return Ok(Message { header, payload, block: None, records: (segment.block, first as u32) });
    }
    // Relaxed: published with the header.
    let block = BlockId::from_link(segment.block_link(position).load(Relaxed));
    let block = block.ok_or(Error::Corrupt("a message in no block"))?;
    let lines = arena.lines(block)?;
    if header.handles() > MAX_MESSAGE_HANDLES
        || lines_in_block(header.length(), header.handles()) > lines.len()
    {
        return Err(Error::Corrupt("a message longer than its block"));
    }
    let first = first_record_in_block(header.length());
    let payload = Payload::new(lines, 0);
    Ok(Message { header, payload, block: Some(block), records: (block, first as u32) })
}
