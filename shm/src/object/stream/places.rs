//! The items of a stream and their places, as any thread finds them.

use crate::arena::Arena;
use crate::arena::arena_ref::ArenaRef;
use crate::arena::copy::Bytes;
use crate::arena::error::{Error, Result};
use crate::arena::record::block::Descriptor;
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::record::stream::StreamWords;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::stream::geometry::Geometry;
use crate::arena::word::stream::item::ItemWord;
use crate::object::end::{Cursor, End};
use crate::object::own_block;
use crate::process::half::stream::{ReadRing, Ring};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release, fence};
use core::mem::MaybeUninit;

/// The end of an open item.
pub(crate) const OPEN: u64 = u64::MAX;

/// P5: how often an operation starts over. Each time another thread has moved the stream on, so no undamaged arena comes
/// near it.
pub(crate) const MOST_ROUNDS: u32 = if cfg!(loom) { 20 } else { 1 << 16 };

/// The models have rings of a few bytes in blocks of 256.
pub(crate) const BLOCK_BYTES_A_BYTE: usize = if cfg!(loom) { 64 } else { 1 };

/// P5: no stream comes to this position. What is added to a lower one does not overflow.
const MOST_WRITTEN: u64 = u64::MAX / 2;

/// A stream that no round has come to the end of.
pub(crate) const RESTLESS: Error = Error::Corrupt("a stream that never comes to rest");

/// A stream, for one operation.
#[derive(Clone, Copy)]
pub(crate) struct Stream<'a> {
    pub(crate) arena: &'a Arena,
    /// The side that writes it.
    pub(crate) writer: ObjectRef,
    pub(crate) words: StreamWords<'a>,
    pub(crate) geometry: Geometry,
}

/// An item that is linked.
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub(crate) number: u64,
    pub(crate) place: &'a AtomicU64,
    pub(crate) word: ItemWord,
    pub(crate) block: BlockId,
    /// The position of its first byte.
    pub(crate) start: u64,
    /// The position behind its last byte.
    pub(crate) end: u64,
    /// Whether an exclusive writer may add bytes.
    pub(crate) is_open: bool,
}

/// How far a stream is written.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    /// The position behind the last byte.
    pub(crate) end: u64,
    /// Whether a shared end would find a place for another item.
    pub(crate) has_place: bool,
}

/// What is unread.
#[derive(Clone, Copy)]
pub(crate) struct Unread {
    pub(crate) head: u64,
    pub(crate) bytes: u64,
}

/// What a read has found.
#[derive(Clone, Copy)]
pub(crate) struct Copied {
    pub(crate) bytes: usize,
    /// Where the head is to be.
    pub(crate) head: u64,
}

/// What stands at the place of an item.
pub(crate) enum At<'a> {
    /// The item.
    Here(Item<'a>),
    /// It was cleared.
    Cleared,
    /// No item yet.
    Vacant { place: &'a AtomicU64, word: ItemWord },
    /// The item that had the place before.
    Occupied { by: u64 },
    /// The stream has only its first place as yet.
    NoPlaces,
}

impl<'a> Stream<'a> {
    /// The stream of an exclusive end. It knows the size with its ring, and need not read it where the writer stores.
    #[inline(always)]
    pub(crate) fn of_end<C: Cursor>(end: &End<'a, C>, ring: Option<&Ring>) -> Result<Self> {
        let (arena, writer) = (end.thread.arena(), C::writer_of(end.side));
        match ring {
            Some(&Ring { geometry, .. }) => {
                Ok(Self { arena, writer, words: StreamWords::of(end.direction()), geometry })
            }
            None => Self::of(arena, writer),
        }
    }

    /// The stream that `writer` writes.
    #[inline(always)]
    pub(crate) fn of(arena: &'a Arena, writer: ObjectRef) -> Result<Self> {
        let words = StreamWords::of(arena.direction(writer)?);
        // Relaxed: written before the object was LIVE.
        let geometry = Geometry(words.geometry().load(Relaxed)).checked()?;
        Ok(Self { arena, writer, words, geometry })
    }

    /// Fails unless the stream is a socket's, or a fifo's.
    #[inline(always)]
    pub(crate) fn require(&self, is_socket: bool) -> Result<()> {
        if self.geometry.is_socket() == is_socket { Ok(()) } else { Err(Error::WrongType) }
    }

    /// How many places the stream has beside its first.
    #[inline(always)]
    pub(crate) fn places(&self) -> u64 {
        self.geometry.places()
    }

    /// The class of the block with the places.
    pub(crate) fn class_of_places(&self) -> SizeClass {
        SizeClass::fitting((self.places() as usize).div_ceil(LINE_WORDS))
    }

    /// The numbers of the items from `first` on, as many as there can be. P5: no loop over items is longer.
    pub(crate) fn numbers_from(&self, first: u64) -> impl Iterator<Item = u64> + use<> {
        first..=first.saturating_add(self.places() + 1)
    }

    /// Whether any thread may write, as opposed to those of one process.
    pub(crate) fn is_shared(&self) -> bool {
        // Relaxed: it publishes nothing. The ring of a side that is shared is closed, and each thread learns that otherwise: the
        // receiver of a second handle from the handle's arrival, a thread that found its half unbound from the half's lock, all
        // others from the tail.
        self.words.sharing().load(Relaxed) != 0
    }

    /// The place of an item, and the lap in which it is the item's. `None`: the places are not linked yet.
    #[inline(always)]
    fn place(&self, item: u64) -> Result<Option<(&'a AtomicU64, u64)>> {
        let Some(behind_first) = item.checked_sub(1) else { return Ok(Some((self.words.first_place(), 0))) };
        let Some(lines) = own_block::lines(self.arena, self.words.places())? else { return Ok(None) };
        let place = own_block::word(lines, (behind_first % self.places()) as usize)?;
        Ok(Some((place, 1 + behind_first / self.places())))
    }

    /// What stands at the place of an item.
    #[inline(always)]
    pub(crate) fn at(&self, item: u64) -> Result<At<'a>> {
        let Some((place, lap)) = self.place(item)? else { return Ok(At::NoPlaces) };
        // ORDER: Acquire pairs with the Release CAS that linked the item: its block, start and end are written. And with that
        // of a thread that cleared the place: the head has passed the item, and `items` counts it.
        let word = ItemWord(place.load(Acquire));
        match (word.laps_ahead_of(lap), word.block()) {
            (0, None) => Ok(At::Vacant { place, word }),
            (0, Some(block)) => self.item(item, place, word, block, self.arena.descriptor(block)?),
            (1.., _) => Ok(At::Cleared),
            (-1, Some(_)) => Ok(At::Occupied { by: item.saturating_sub(self.places()) }),
            _ => Err(Error::Corrupt("a place of a stream that is laps behind")),
        }
    }

    #[inline(always)]
    fn item(
        &self,
        number: u64,
        place: &'a AtomicU64,
        word: ItemWord,
        block: BlockId,
        descriptor: &Descriptor,
    ) -> Result<At<'a>> {
        // ORDER: Acquire pairs with the Release stores of the tail. And before the end is loaded: a tail that counts bytes
        // behind an item that was open was stored after that item was closed.
        let tail = self.words.tail().load(Acquire);
        sync::acquired(self.words.tail());
        // Relaxed: published with the place.
        let start = descriptor.position.load(Relaxed);
        // Relaxed: the fence below orders it.
        let end = descriptor.link.load(Relaxed);
        // ORDER: Acquire pairs with the Release of `link::close`: all bytes up to the end are written. And with that of
        // `link::link`: if a load above shows what the block's next item has, the one below shows the place cleared.
        fence(Acquire);
        if place.load(Relaxed) != word.0 {
            return Ok(At::Cleared);
        }
        let is_open = end == OPEN;
        // The tail may be older than the item.
        let end = if is_open { tail.max(start) } else { end };
        if end < start {
            return Err(Error::Corrupt("an item of a stream that ends before it starts"));
        }
        Ok(At::Here(Item { number, place, word, block, start, end, is_open }))
    }

    /// Looks again at an item that was found open, without a new search: an end has kept where the item lies. `item` compares the
    /// place once more, so another item in the place is noticed.
    #[inline(always)]
    pub(crate) fn at_again(&self, kept: &ReadRing) -> Result<At<'a>> {
        let ReadRing { ring, number, place, word, descriptor } = kept;
        self.item(*number, place.get(self.arena), *word, ring.block, descriptor.get(self.arena))
    }

    /// Counts an item that is linked (INV-STREAM-3).
    pub(crate) fn count(&self, item: &Item<'_>) {
        raise(self.words.tail(), item.end);
        // ORDER: Release: after the tail.
        let _ =
            self.words.items().compare_exchange(item.number, item.number.saturating_add(1), Release, Relaxed);
    }

    /// How far the stream is written. For a thread without a hazard: damage reads as no more bytes.
    pub(crate) fn written(&self) -> Written {
        // ORDER: Acquire, and before the tail (INV-STREAM-3).
        let first = self.words.items().load(Acquire);
        // ORDER: Acquire pairs with the Release stores of the tail.
        let tail = self.words.tail().load(Acquire);
        sync::acquired(self.words.tail());
        let mut written = Written { end: tail, has_place: true };
        if !self.is_shared() {
            return written;
        }
        for number in self.numbers_from(first) {
            match self.at(number) {
                Ok(At::Here(item)) => written.end = written.end.max(item.end),
                Ok(At::Cleared) => {}
                Ok(At::Occupied { by }) => {
                    written.has_place = self.is_read(by);
                    break;
                }
                _ => break,
            }
        }
        written
    }

    /// What is unread, as of now.
    pub(crate) fn unread(&self) -> Unread {
        // Relaxed: each evaluation of signals follows a fence. Before the tail, so that no byte is taken for one that is
        // unread still.
        let head = self.words.head().load(Relaxed);
        let end = self.end().unwrap_or_else(|| self.written().end);
        Unread { head, bytes: end.saturating_sub(head) }
    }

    /// How many of the unread bytes one read can give: of datagrams, those of the first.
    pub(crate) fn bytes_of_a_read(&self, unread: Unread) -> Result<u64> {
        if !self.geometry.has_datagrams() || unread.bytes == 0 {
            return Ok(unread.bytes);
        }
        // Relaxed: a hint.
        for number in self.numbers_from(self.words.passed().load(Relaxed)) {
            match self.at(number)? {
                At::Here(item) if item.end > unread.head => return Ok(item.end - item.start),
                At::Here(_) | At::Cleared => {}
                _ => break,
            }
        }
        Ok(0)
    }

    /// Whether an item can be cleared, or is.
    fn is_read(&self, item: u64) -> bool {
        // Relaxed: a writer that needs the place looks again.
        let head = self.words.head().load(Relaxed);
        !matches!(self.at(item), Ok(At::Here(item)) if item.is_open || item.end > head)
    }

    /// The position behind the last byte that may be read, once it is fixed (`shutdown`).
    #[inline(always)]
    pub(crate) fn end(&self) -> Option<u64> {
        // Relaxed: a position of bytes that the caller finds otherwise.
        self.words.end().load(Relaxed).checked_sub(1)
    }

    /// How many unread bytes the block of an item has room for. They go round.
    #[inline(always)]
    pub(crate) fn ring_bytes(&self, block: BlockId) -> u64 {
        self.geometry.capacity().min((block.bytes() / BLOCK_BYTES_A_BYTE) as u64)
    }

    /// A block with an open item that begins at `start`, for an end to keep.
    pub(crate) fn ring(&self, block: BlockId, start: u64) -> Result<Ring> {
        let (lines, bytes) = (ArenaRef::new(self.arena.lines(block)?), self.ring_bytes(block));
        Ok(Ring { block, lines, start, bytes, geometry: self.geometry })
    }

    /// An item that is open, for a reader to keep.
    pub(crate) fn read_ring(&self, item: &Item<'_>) -> Result<ReadRing> {
        let Item { number, place, word, block, start, .. } = *item;
        let descriptor = ArenaRef::new(self.arena.descriptor(block)?);
        let place = ArenaRef::new(place);
        Ok(ReadRing { ring: self.ring(block, start)?, number, place, word, descriptor })
    }

    /// Where the bytes of an item from `position` on lie, and how many of them follow each other there.
    #[inline(always)]
    fn bytes(&self, block: BlockId, start: u64, position: u64) -> Result<(Bytes<'a>, usize)> {
        let ring_bytes = self.ring_bytes(block);
        let offset = position.wrapping_sub(start) % ring_bytes;
        Ok((Bytes::new(self.arena.lines(block)?, offset as usize), (ring_bytes - offset) as usize))
    }

    /// Copies bytes into a block whose first byte has the position `start`. The caller has found room for them.
    #[inline(always)]
    pub(crate) fn copy_in(&self, block: BlockId, start: u64, position: u64, bytes: &[u8]) -> Result<()> {
        let (at, most) = self.bytes(block, start, position)?;
        let (first, rest) = bytes.split_at(bytes.len().min(most));
        at.write(first);
        if !rest.is_empty() {
            self.bytes(block, start, start)?.0.write(rest);
        }
        Ok(())
    }

    /// As [`bytes`](Self::bytes), of a ring that an end has kept.
    #[inline(always)]
    fn bytes_of_ring(&self, ring: &Ring, position: u64) -> (Bytes<'a>, usize) {
        let from_start = position.wrapping_sub(ring.start);
        // A division is slow, and only the largest rings of sockets need one.
        let offset = if ring.bytes.is_power_of_two() {
            from_start & (ring.bytes - 1)
        } else {
            from_start % ring.bytes
        };
        (Bytes::new(ring.lines.get(self.arena), offset as usize), (ring.bytes - offset) as usize)
    }

    /// Copies bytes into a ring. The caller, which alone writes it, has found room for them.
    #[inline(always)]
    pub(crate) fn copy_into_ring(&self, ring: &Ring, position: u64, bytes: &[u8]) {
        let (at, most) = self.bytes_of_ring(ring, position);
        let (first, rest) = bytes.split_at(bytes.len().min(most));
        at.write(first);
        if !rest.is_empty() {
            self.bytes_of_ring(ring, ring.start).0.write(rest);
        }
    }

    /// Copies bytes out of a ring. The caller, which alone reads it, has found so many.
    #[inline(always)]
    pub(crate) fn copy_out_of_ring(&self, ring: &Ring, position: u64, out: &mut [MaybeUninit<u8>]) {
        let (at, most) = self.bytes_of_ring(ring, position);
        let (first, rest) = out.split_at_mut(out.len().min(most));
        at.take_uninit(first);
        if !rest.is_empty() {
            self.bytes_of_ring(ring, ring.start).0.take_uninit(rest);
        }
    }

    /// Has the lines brought to this processor in which the next write to the ring begins, so that its stores need not wait.
    #[inline(always)]
    pub(crate) fn prefetch(&self, ring: &Ring, position: u64) {
        self.bytes_of_ring(ring, position).0.prefetch();
    }

    /// Copies bytes out of a block, from this position on. The caller compares a word afterwards that says whose bytes they
    /// were.
    #[inline(always)]
    pub(crate) fn copy_out(
        &self,
        block: BlockId,
        (start, position): (u64, u64),
        out: &mut [MaybeUninit<u8>],
    ) -> Result<()> {
        let (at, most) = self.bytes(block, start, position)?;
        let (first, rest) = out.split_at_mut(out.len().min(most));
        at.read_uninit(first);
        if !rest.is_empty() {
            self.bytes(block, start, start)?.0.read_uninit(rest);
        }
        Ok(())
    }

    /// Copies the bytes from `head` on, as many as there are and fit; of datagrams the first. `None`: the head has moved since
    /// it was loaded.
    #[inline(always)]
    pub(crate) fn copy_from(&self, head: u64, out: &mut [MaybeUninit<u8>]) -> Result<Option<Copied>> {
        // Relaxed: *passed* is a hint. An old number costs looks at items that are cleared. A new number leads to items behind a
        // head that is still the old one here. So a fence precedes the caller's next look at the head: that of `item`, or the
        // caller's own.
        let first = self.words.passed().load(Relaxed);
        let mut copied = 0;
        for number in self.numbers_from(first) {
            match self.at(number)? {
                At::Here(item) => {
                    let position = head + copied as u64;
                    if position < item.start {
                        return Ok(None);
                    }
                    if item.end > position {
                        let unread = item.end - position;
                        // Also P5: the bytes lie in the block.
                        if unread > self.ring_bytes(item.block) {
                            return Ok(None);
                        }
                        let many = (out.len() - copied).min(unread as usize);
                        self.copy_out(item.block, (item.start, position), &mut out[copied..][..many])?;
                        copied += many;
                        if self.geometry.has_datagrams() {
                            return Ok(Some(Copied { bytes: many, head: item.end }));
                        }
                    }
                    if item.is_open || copied == out.len() {
                        break;
                    }
                }
                // A dead thread has not noted it. If each of them left one more, the loop would not come to the rest.
                At::Cleared => self.pass(number),
                // Occupied: all places hold items, and the loop has been to each.
                At::Vacant { .. } | At::NoPlaces | At::Occupied { .. } => break,
            }
        }
        Ok(Some(Copied { bytes: copied, head: head + copied as u64 }))
    }

    /// Notes that this item is cleared, and so all before it (INV-STREAM-7).
    pub(crate) fn pass(&self, item: u64) {
        // P5: a damaged number may be the last.
        raise(self.words.passed(), item.saturating_add(1));
    }
}

/// A tail that was read from the arena, unless bytes behind it would have no position.
pub(crate) fn checked(tail: u64) -> Result<u64> {
    if tail > MOST_WRITTEN { Err(Error::Corrupt("a stream's tail is impossibly high")) } else { Ok(tail) }
}

/// Makes a word that only grows at least `value`.
fn raise(word: &AtomicU64, value: u64) {
    // Relaxed: the CAS compares it again.
    let mut seen = word.load(Relaxed);
    while seen < value {
        // ORDER: Release pairs with the Acquire loads of the tail, and with the fences behind a load of *passed*: the items below
        // are linked, or cleared.
        match word.compare_exchange(seen, value, Release, Relaxed) {
            Ok(_) => break,
            Err(changed) => seen = changed,
        }
    }
}

/// The places of a new block.
pub(crate) fn prepare(lines: &[Line]) {
    for place in lines.iter().flat_map(|line| &line.0) {
        // Relaxed: the CAS that links the block publishes it.
        place.store(ItemWord::vacant(1).0, Relaxed);
    }
}
