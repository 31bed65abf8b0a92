//! Copies bytes into and out of memory that other processes write.
//!
//! A copy of up to two lines goes by whole atomic words. That is exact in Rust's memory model and costs no more than
//! another way. A longer copy goes by `memcpy` on raw pointers. If another process writes the source meanwhile, the
//! *bytes* of the copy are meaningless, and only these. The protocol above never trusts them. The bounds come from
//! checked, private numbers, and no byte is interpreted before it has been copied.
//!
//! A reader [takes ownership](take_ownership) of the lines of a longer copy, and of the slots that it reads in a stream. A
//! longer copy goes in pieces, so that the lines are still in the L1 data cache then.

use crate::arena::record::line::{LINE_BYTES, LINE_WORDS, Line};
#[cfg(loom)]
use crate::sync::Release;
use crate::sync::{self, AtomicU64, Relaxed};
use core::mem::MaybeUninit;

/// The most bytes that are copied by words: a slot of a ring has no more.
#[cfg(not(loom))]
const MOST_BY_WORDS: usize = 2 * LINE_BYTES;

/// The bytes of a longer copy that are read before ownership of their lines is taken.
#[cfg(not(loom))]
const PIECE_BYTES: usize = 2048;

/// Where the bytes of a message lie: in lines, from a word of the first line on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    lines: &'a [Line],
    first_word: usize,
}

impl<'a> Payload<'a> {
    /// # Panics
    /// If there is no such word.
    #[inline(always)]
    pub(crate) fn new(lines: &'a [Line], first_word: usize) -> Self {
        assert!(first_word <= lines.len() * LINE_WORDS);
        Self { lines, first_word }
    }

    /// How many bytes there is room for.
    #[inline(always)]
    pub(crate) fn len_bytes(&self) -> usize {
        self.lines.len() * LINE_BYTES - self.first_word * size_of::<u64>()
    }

    /// The first byte.
    #[cfg(not(loom))]
    #[inline(always)]
    pub(crate) fn as_ptr(&self) -> *const u8 {
        // SAFETY: the lines are contiguous words (asserted in `arena/layout`), and `new` has checked that the first
        // word is among them, or one past them.
        unsafe { self.lines.as_ptr().cast::<AtomicU64>().add(self.first_word).cast() }
    }

    /// The word at `index`, which is within [`len_bytes`](Self::len_bytes).
    #[inline(always)]
    fn word(&self, index: usize) -> &'a AtomicU64 {
        debug_assert!(index * size_of::<u64>() < self.len_bytes());
        #[cfg(loom)]
        return &self.lines[(self.first_word + index) / LINE_WORDS].0[(self.first_word + index) % LINE_WORDS];
        // SAFETY: the callers have compared the number of bytes with `len_bytes`; the words are contiguous, as above.
        #[cfg(not(loom))]
        unsafe {
            &*self.lines.as_ptr().cast::<AtomicU64>().add(self.first_word + index)
        }
    }

    /// The lines that `len` bytes lie in, for the model's detector of races.
    #[cfg(loom)]
    fn touched(&self, len: usize) -> &'a [Line] {
        let words = (self.first_word + len.div_ceil(8)).div_ceil(LINE_WORDS);
        &self.lines[self.first_word / LINE_WORDS..words]
    }

    /// Copies `bytes` in, from the first word on.
    ///
    /// # Panics
    /// If the bytes do not fit.
    #[inline(always)]
    pub(crate) fn write(&self, bytes: &[u8]) {
        assert!(bytes.len() <= self.len_bytes());
        #[cfg(not(loom))]
        if bytes.len() > MOST_BY_WORDS {
            return self.write_bulk(bytes);
        }
        #[cfg(loom)]
        self.touched(bytes.len()).iter().for_each(|line| line.1.written());
        // Relaxed, all: the Release store of the message's header publishes the bytes.
        let (mut words, rest) = bytes.as_chunks::<8>();
        let mut at = 0;
        while let Some((some, others)) = words.split_first_chunk::<8>() {
            self.store_words(at, some);
            (words, at) = (others, at + 8);
        }
        if let Some((some, others)) = words.split_first_chunk::<4>() {
            self.store_words(at, some);
            (words, at) = (others, at + 4);
        }
        if let Some((some, others)) = words.split_first_chunk::<2>() {
            self.store_words(at, some);
            (words, at) = (others, at + 2);
        }
        if let Some((some, _)) = words.split_first_chunk::<1>() {
            self.store_words(at, some);
            at += 1;
        }
        if !rest.is_empty() {
            self.word(at).store(last_word(bytes, rest), Relaxed);
        }
    }

    /// Stores words from the one at `at` on: a fixed number, so that no loop is left.
    #[inline(always)]
    fn store_words<const N: usize>(&self, at: usize, words: &[[u8; 8]; N]) {
        for (index, word) in words.iter().enumerate() {
            self.word(at + index).store(u64::from_le_bytes(*word), Relaxed);
        }
    }

    /// As [`store_words`](Self::store_words), the other way.
    #[inline(always)]
    fn load_words<const N: usize>(&self, at: usize, words: &mut [[MaybeUninit<u8>; 8]; N]) {
        for (index, word) in words.iter_mut().enumerate() {
            *word = self.word(at + index).load(Relaxed).to_le_bytes().map(MaybeUninit::new);
        }
    }

    /// Fills all of `bytes`, which may be uninitialised.
    ///
    /// # Panics
    /// If there are fewer bytes.
    #[inline(always)]
    pub(crate) fn read_uninit(&self, bytes: &mut [MaybeUninit<u8>]) {
        assert!(bytes.len() <= self.len_bytes());
        #[cfg(not(loom))]
        if bytes.len() > MOST_BY_WORDS {
            return self.read_bulk(bytes);
        }
        #[cfg(loom)]
        self.touched(bytes.len()).iter().for_each(|line| line.1.read());
        let (mut words, rest) = bytes.as_chunks_mut::<8>();
        let mut at = 0;
        // Relaxed, all: the Acquire load of the message's header, or of the tail, came first.
        while words.len() >= 8 {
            let (some, others) = words.split_first_chunk_mut::<8>().expect("eight words");
            self.load_words(at, some);
            (words, at) = (others, at + 8);
        }
        if words.len() >= 4 {
            let (some, others) = words.split_first_chunk_mut::<4>().expect("four words");
            self.load_words(at, some);
            (words, at) = (others, at + 4);
        }
        if words.len() >= 2 {
            let (some, others) = words.split_first_chunk_mut::<2>().expect("two words");
            self.load_words(at, some);
            (words, at) = (others, at + 2);
        }
        if let Some((some, _)) = words.split_first_chunk_mut::<1>() {
            self.load_words(at, some);
            at += 1;
        }
        if !rest.is_empty() {
            let mut last = self.word(at).load(Relaxed);
            for byte in rest {
                byte.write(last as u8);
                last >>= 8;
            }
        }
    }

    /// The first four bytes. `call` uses them as its transaction id. 0 if there are none.
    #[inline(always)]
    pub(crate) fn first_half_word(&self) -> u32 {
        if self.len_bytes() < 8 { 0 } else { self.word(0).load(Relaxed) as u32 }
    }

    /// Overwrites the first four bytes.
    ///
    /// # Panics
    /// If there are none.
    #[inline(always)]
    pub(crate) fn set_first_half_word(&self, value: u32) {
        assert!(self.len_bytes() >= 8);
        let word = self.word(0);
        // Relaxed: the store of the header publishes the word.
        word.store(word.load(Relaxed) & !0xffff_ffff | u64::from(value), Relaxed);
    }

    #[cfg(not(loom))]
    fn write_bulk(&self, bytes: &[u8]) {
        // SAFETY: `write` has checked that so many bytes lie there. They are interior-mutable memory (atomics); `bytes`
        // is private memory, so the two cannot overlap.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.as_ptr().cast_mut(), bytes.len()) }
    }

    #[cfg(not(loom))]
    fn read_bulk(&self, bytes: &mut [MaybeUninit<u8>]) {
        let mut first_word = 0;
        for piece in bytes.chunks_mut(PIECE_BYTES) {
            let words = first_word..first_word + piece.len().div_ceil(size_of::<u64>());
            let lines = || words.clone().step_by(LINE_WORDS).map(|word| self.word(word));
            // Asks for ownership at once, so that the stores below need not ask for each line a second time.
            lines().for_each(sync::prefetch_exclusive);
            // SAFETY: as in `write_bulk`, in the other direction. The memory is initialised: it belongs to a mapped file.
            unsafe {
                let from = self.as_ptr().cast::<MaybeUninit<u8>>().add(first_word * size_of::<u64>());
                core::ptr::copy_nonoverlapping(from, piece.as_mut_ptr(), piece.len());
            }
            lines().for_each(take_ownership);
            first_word += PIECE_BYTES / size_of::<u64>();
        }
    }
}

/// Bytes of a stream: of any number, at any place of a block's lines.
///
/// Another thread may write them while they are read. A reader of a shared end finds that out afterwards, and discards
/// what it has copied (`object/stream/read_shared`); so the models look for no race here, as they do for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a> {
    lines: &'a [Line],
    offset: usize,
}

impl<'a> Bytes<'a> {
    /// From the byte at `offset` on.
    #[inline(always)]
    pub(crate) fn new(lines: &'a [Line], offset: usize) -> Self {
        assert!(offset <= lines.len() * LINE_BYTES);
        Self { lines, offset }
    }

    /// How many bytes there are.
    #[inline(always)]
    fn len(&self) -> usize {
        self.lines.len() * LINE_BYTES - self.offset
    }

    /// Has the first two of the lines brought to this processor, for a writer.
    #[inline(always)]
    pub(crate) fn prefetch(&self) {
        let first = self.offset / LINE_BYTES;
        self.lines.iter().skip(first).take(2).for_each(sync::prefetch_exclusive);
    }

    /// # Panics
    /// If the bytes do not fit.
    #[inline(always)]
    pub(crate) fn write(&self, bytes: &[u8]) {
        assert!(bytes.len() <= self.len());
        // SAFETY: so many bytes lie there, as was just checked. They are interior-mutable memory (atomics); `bytes` is
        // private memory, so the two cannot overlap.
        #[cfg(not(loom))]
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.as_ptr().cast_mut(), bytes.len());
        }
        #[cfg(loom)]
        for (byte, at) in bytes.iter().zip(self.offset..) {
            // Relaxed: one thread writes to a block at a time.
            let word = self.word(at);
            let shift = at % size_of::<u64>() * 8;
            word.store(word.load(Relaxed) & !(0xff << shift) | u64::from(*byte) << shift, Relaxed);
        }
    }

    /// Fills all of `bytes`.
    ///
    /// # Panics
    /// If there are fewer bytes.
    #[inline(always)]
    pub(crate) fn read_uninit(&self, bytes: &mut [MaybeUninit<u8>]) {
        assert!(bytes.len() <= self.len());
        // SAFETY: as in `write`, in the other direction. The memory is initialised: it belongs to a mapped file.
        #[cfg(not(loom))]
        unsafe {
            core::ptr::copy_nonoverlapping(self.as_ptr().cast(), bytes.as_mut_ptr(), bytes.len());
        }
        #[cfg(loom)]
        for (byte, at) in bytes.iter_mut().zip(self.offset..) {
            // Relaxed: a load that shows the item, or the tail, came first.
            byte.write((self.word(at).load(Relaxed) >> (at % size_of::<u64>() * 8)) as u8);
        }
    }

    /// As [`read_uninit`](Self::read_uninit), for the only reader of the bytes: of a longer copy it takes ownership of the lines.
    ///
    /// # Panics
    /// If there are fewer bytes.
    #[inline(always)]
    pub(crate) fn take_uninit(&self, bytes: &mut [MaybeUninit<u8>]) {
        #[cfg(not(loom))]
        if bytes.len() > MOST_BY_WORDS {
            let lines = self.ended_lines(bytes.len());
            lines.iter().for_each(sync::prefetch_exclusive);
            self.read_uninit(bytes);
            return lines.iter().for_each(|line| take_ownership(&line.0[LINE_WORDS - 1]));
        }
        self.read_uninit(bytes);
    }

    /// The lines whose last words are among the first `len` bytes. The writer may be at work in the next line, and it stores
    /// no word of these, until all bytes are consumed.
    #[cfg(not(loom))]
    #[inline(always)]
    fn ended_lines(&self, len: usize) -> &'a [Line] {
        const LAST_WORD: usize = LINE_BYTES - size_of::<u64>();
        let first = self.offset.saturating_sub(LAST_WORD).div_ceil(LINE_BYTES);
        self.lines.get(first..(self.offset + len) / LINE_BYTES).unwrap_or_default()
    }

    /// Makes so many bytes 0, whole words, after all stores that come before: recovery relies on the intent to clear them.
    ///
    /// # Panics
    /// If there are fewer bytes.
    pub(crate) fn clear(&self, len: usize) {
        assert!(len <= self.len());
        // The compiler moves none of the stores below before the intent.
        #[cfg(not(loom))]
        sync::light_barrier();
        // SAFETY: as in `write`.
        #[cfg(not(loom))]
        unsafe {
            core::ptr::write_bytes(self.as_ptr().cast_mut(), 0, len);
        }
        // ORDER: Release: after the intent, in the order that recovery sees. Load before the store: models explore each
        // store.
        #[cfg(loom)]
        for at in (self.offset..self.offset + len).step_by(size_of::<u64>()) {
            let word = self.word(at);
            if word.load(Relaxed) != 0 {
                word.store(0, Release);
            }
        }
    }

    #[cfg(not(loom))]
    #[inline(always)]
    fn as_ptr(&self) -> *const u8 {
        // SAFETY: the lines are contiguous (asserted in `arena/layout`), and `new` has checked the offset.
        unsafe { self.lines.as_ptr().cast::<u8>().add(self.offset) }
    }

    #[cfg(loom)]
    fn word(&self, at: usize) -> &'a AtomicU64 {
        let word = at / size_of::<u64>();
        &self.lines[word / LINE_WORDS].0[word % LINE_WORDS]
    }
}

/// Stores a word of a message again, as it is. For the reader, before it consumes the message.
///
/// The store leaves the line in this processor's cache alone. Otherwise both processors share it, and the writer's next store
/// first has to invalidate this one's copy, which some processors do for one line at a time
/// (`docs/decisions/reader-owns-the-lines.md`).
#[inline(always)]
pub(crate) fn take_ownership(word: &AtomicU64) {
    // Relaxed, both: no other thread stores the word, and none learns anything from this store. P5: one that does has
    // damaged a message that is being read.
    word.store(word.load(Relaxed), Relaxed);
}

/// The word of the last bytes, `rest` of `all`: fewer than eight.
#[inline(always)]
fn last_word(all: &[u8], rest: &[u8]) -> u64 {
    match all.last_chunk::<8>() {
        // The eight last bytes, without those before the rest: one load.
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest.len()),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_reads_back_unchanged() {
        let lines: Vec<Line> = (0..5).map(|_| Line::default()).collect();
        for first_word in [0, 1, 7, 8, 9] {
            let payload = Payload::new(&lines, first_word);
            let bytes: Vec<u8> = (0..payload.len_bytes()).map(|i| i as u8 ^ 0x5a).collect();
            for len in 0..=bytes.len() {
                payload.write(&bytes[..len]);
                let mut back = vec![MaybeUninit::uninit(); len];
                payload.read_uninit(&mut back);
                // SAFETY: `read_uninit` fills all of the slice.
                let back: Vec<u8> = back.iter().map(|byte| unsafe { byte.assume_init() }).collect();
                assert_eq!(back, bytes[..len], "{len} bytes from word {first_word}");
            }
        }
    }

    /// The message stays as it is: its reader may die before it has consumed it.
    #[test]
    fn taking_ownership_changes_no_byte() {
        let lines: Vec<Line> = (0..100).map(|_| Line::default()).collect();
        let payload = Payload::new(&lines, 3);
        let bytes: Vec<u8> = (0..payload.len_bytes()).map(|i| (i % 251) as u8).collect();
        payload.write(&bytes);
        let mut back = vec![MaybeUninit::uninit(); bytes.len()];
        for _ in 0..2 {
            payload.read_uninit(&mut back);
            for (byte, expected) in back.iter().zip(&bytes) {
                // SAFETY: `read_uninit` fills all of the slice.
                assert_eq!(unsafe { byte.assume_init() }, *expected);
            }
        }
    }

    #[test]
    fn bytes_lie_where_they_were_written() {
        let lines: Vec<Line> = (0..3).map(|_| Line::default()).collect();
        Bytes::new(&lines, 0).write(&[0xff; 192]);
        for (offset, len) in [(0, 1), (5, 3), (7, 2), (63, 66), (191, 1), (192, 0)] {
            let bytes: Vec<u8> = (1..).take(len).collect();
            Bytes::new(&lines, offset).write(&bytes);
            let mut back = [MaybeUninit::uninit(); 192];
            Bytes::new(&lines, 0).read_uninit(&mut back);
            // SAFETY: `read_uninit` fills all of the array.
            let back = back.map(|byte| unsafe { byte.assume_init() });
            assert_eq!(back[offset..offset + len], bytes);
            assert!(back[..offset].iter().chain(&back[offset + len..]).all(|byte| *byte == 0xff));
            Bytes::new(&lines, offset).write(&vec![0xff; len]);
        }
    }

    /// The writer may be at work in the words around the bytes.
    #[cfg(not(loom))]
    #[test]
    fn taken_words_lie_among_the_bytes() {
        let lines: Vec<Line> = (0..6).map(|_| Line::default()).collect();
        let mut taken = 0;
        for (offset, len) in (0..=130).flat_map(|offset| (0..=254).map(move |len| (offset, len))) {
            for line in Bytes::new(&lines, offset).ended_lines(len) {
                let index = lines.iter().position(|other| core::ptr::eq(other, line)).unwrap();
                let last_word = index * LINE_BYTES + LINE_BYTES - size_of::<u64>();
                assert!(
                    offset <= last_word && last_word + size_of::<u64>() <= offset + len,
                    "{offset}, {len}"
                );
                taken += 1;
            }
        }
        assert!(taken > 0);
    }

    #[test]
    fn taken_bytes_stay_as_they_are() {
        let lines: Vec<Line> = (0..10).map(|_| Line::default()).collect();
        let bytes: Vec<u8> = (0..600).map(|i| (i % 251) as u8).collect();
        Bytes::new(&lines, 13).write(&bytes);
        for _ in 0..2 {
            let mut back = vec![MaybeUninit::uninit(); bytes.len()];
            Bytes::new(&lines, 13).take_uninit(&mut back);
            for (byte, expected) in back.iter().zip(&bytes) {
                // SAFETY: `take_uninit` fills all of the slice.
                assert_eq!(unsafe { byte.assume_init() }, *expected);
            }
        }
    }

    #[test]
    #[should_panic]
    fn writing_past_the_lines_panics() {
        Payload::new(&[Line::default()], 1).write(&[0; 57]);
    }
}
