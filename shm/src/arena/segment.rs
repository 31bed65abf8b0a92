//! A segment of a ring, and a message in it: checked views of the blocks that make up the rings of channels.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_BYTES, LINE_WORDS, Line};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::HandleLocation;
use crate::arena::word::ring::MessageHeader;
use crate::sync::{self, AtomicU64, Relaxed};
use core::ptr::NonNull;

/// The most handles a message carries (`ZX_CHANNEL_MAX_MSG_HANDLES`).
pub const MAX_MESSAGE_HANDLES: usize = 64;

/// Positions stay below this. At a hundred million messages a second it is reached after a thousand years, so a
/// position beyond it is damage. Adding to a position below it cannot overflow.
pub(crate) const MAX_POSITION: u64 = 1 << 62;

/// One side's view of a segment: checked once, then used without reading the arena's numbers again.
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
        // SAFETY: `segment` took `lines` from a checked block with at least as many lines as the headers and the cells
        // of `mask + 1` messages need; callers index with a masked position.
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

    /// The word of the first of a message's `handles`, if they are in its cell: they are at its end.
    #[inline(always)]
    pub(crate) fn first_record(&self, position: u64, handles: usize) -> u32 {
        ((self.cell_line(position) + 1) * LINE_WORDS - handles) as u32
    }
}

/// How many messages ahead a line of a ring is prefetched. In that time it arrives from the other side's processor.
pub(crate) const FETCH_AHEAD: u64 = 8;

/// How many messages a segment of this class holds.
pub(crate) const fn messages_of_class(class: SizeClass) -> usize {
    class.lines() / 2
}

/// The class of a segment that holds `messages` messages, a power of two.
pub(crate) const fn class_of_messages(messages: u32) -> SizeClass {
    SizeClass::new(messages.trailing_zeros() as u16 - 1)
}

/// A message in the ring. Its header was copied and checked.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) header: MessageHeader,
    /// The lines that hold its bytes.
    pub(crate) bytes: &'a [Line],
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

/// Whether a message fits its cell: the bytes at its beginning, the handles at its end.
#[inline(always)]
pub(crate) fn fits_cell(bytes: usize, handles: usize) -> bool {
    bytes + handles * size_of::<u64>() <= LINE_BYTES
}

/// The segment in `block`.
pub(crate) fn segment(arena: &Arena, block: BlockId) -> Result<Segment> {
    let lines = arena.lines(block)?;
    let messages = messages_of_class(block.class());
    // Relaxed: the link that names the segment publishes its position.
    let base = arena.descriptor(block)?.position.load(Relaxed);
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
pub(crate) fn message<'a>(arena: &'a Arena, segment: &'a Segment, position: u64) -> Result<Message<'a>> {
    // The header says which part of the cell is used. A fetch that waited for the header would begin too late.
    sync::prefetch_read(segment.cell(position));
    // Relaxed: the Acquire load of the tail came first. The header is copied once, and only the checked copy is used.
    let header = MessageHeader(segment.header(position).load(Relaxed));
    let Some(block) = header.block() else {
        if !fits_cell(header.length(), header.handles()) {
            return Err(Error::Corrupt("a message longer than its cell"));
        }
        let records = (segment.block, segment.first_record(position, header.handles()));
        return Ok(Message { header, bytes: core::slice::from_ref(segment.cell(position)), records });
    };
    let lines = arena.lines(block)?;
    let record_lines = header.handles().div_ceil(8);
    if header.handles() > MAX_MESSAGE_HANDLES
        || record_lines > lines.len()
        || header.length() > (lines.len() - record_lines) * LINE_BYTES
    {
        return Err(Error::Corrupt("a message longer than its block"));
    }
    Ok(Message { header, bytes: &lines[record_lines..], records: (block, 0) })
}
