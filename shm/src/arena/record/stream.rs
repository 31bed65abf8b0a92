//! The words of a direction, as a stream uses them.
//!
//! ```text
//!  producer's line   tail · items · first place · places · geometry · sharing · control · accept queue
//!  consumer's line   head · passed · end · read threshold · (the words of every object that can be observed) · write threshold
//! ```
//!
//! | word | contents | written by |
//! |---|---|---|
//! | tail | the bytes ever written. Exact while the writing end is exclusive; of a shared one a hint, never too high | the exclusive writer: stores; any thread for a shared one: the maximum |
//! | items | how many items were ever linked, in the same way | as the tail |
//! | first place | the place of item 0 (`word/stream/item`) | the linker of the item; the thread that clears it |
//! | places | the block with the places of the other items, as a block link | any writer, once (`object/own_block`) |
//! | geometry | the size of the stream | its creator |
//! | sharing | 1: the ends of the side that writes this direction, its writing end and its reading end, are shared | the last exclusive owner, once |
//! | control | of a socket: the place of the message in the control plane (`word/stream/item`) | a writer of the message; its reader |
//! | accept queue | of a socket: the block with the queue of the side that writes this direction (`object/queue`) | any thread that shares, once |
//! | end | of a socket: 0, or the position behind the last byte that may be read, and 1 | the thread that first needs it (`object/stream/shutdown`), once |
//! | read threshold | of a socket: 1 more than the unread bytes that are READ_THRESHOLD of the reading side; 1: no bytes are; 0: it was never set | that side |
//! | write threshold | of a socket: the same for the room that is WRITE_THRESHOLD of the writing side | that side |
//! | head | the bytes ever read. Its store, or its CAS by a shared reader, commits a read | the readers |
//! | passed | all items below this one are cleared: a hint, never too high | the thread that has cleared one: the maximum |

use crate::arena::record::object::Direction;
use crate::sync::AtomicU64;

/// The bytes that the word of a threshold says.
pub(crate) fn threshold_bytes(word: u64) -> u64 {
    word.saturating_sub(1)
}

/// A direction of a stream.
#[derive(Clone, Copy)]
pub(crate) struct StreamWords<'a>(&'a Direction);

impl<'a> StreamWords<'a> {
    #[inline(always)]
    pub(crate) fn of(direction: &'a Direction) -> Self {
        Self(direction)
    }

    #[inline(always)]
    pub(crate) fn tail(self) -> &'a AtomicU64 {
        &self.0.producer.tail
    }

    #[inline(always)]
    pub(crate) fn items(self) -> &'a AtomicU64 {
        &self.0.producer.tail_segment
    }

    #[inline(always)]
    pub(crate) fn first_place(self) -> &'a AtomicU64 {
        &self.0.producer.first_segment
    }

    pub(crate) fn places(self) -> &'a AtomicU64 {
        &self.0.producer.blocks
    }

    #[inline(always)]
    pub(crate) fn geometry(self) -> &'a AtomicU64 {
        &self.0.producer.max_pending
    }

    #[inline(always)]
    pub(crate) fn sharing(self) -> &'a AtomicU64 {
        &self.0.producer.spare[0]
    }

    pub(crate) fn control(self) -> &'a AtomicU64 {
        &self.0.producer.spare[1]
    }

    pub(crate) fn accept_queue(self) -> &'a AtomicU64 {
        &self.0.producer.spare[2]
    }

    #[inline(always)]
    pub(crate) fn end(self) -> &'a AtomicU64 {
        &self.0.consumer.consumed
    }

    pub(crate) fn read_threshold(self) -> &'a AtomicU64 {
        &self.0.consumer.discards_late
    }

    pub(crate) fn write_threshold(self) -> &'a AtomicU64 {
        &self.0.consumer.spare
    }

    #[inline(always)]
    pub(crate) fn head(self) -> &'a AtomicU64 {
        &self.0.consumer.head
    }

    #[inline(always)]
    pub(crate) fn passed(self) -> &'a AtomicU64 {
        &self.0.consumer.head_segment
    }

    /// The words that are 0 in a new stream, but for those that lead to blocks, which are freed first.
    pub(crate) fn plain(self) -> [&'a AtomicU64; 11] {
        [
            self.tail(),
            self.items(),
            self.first_place(),
            self.geometry(),
            self.sharing(),
            self.control(),
            self.end(),
            self.read_threshold(),
            self.write_threshold(),
            self.head(),
            self.passed(),
        ]
    }
}
