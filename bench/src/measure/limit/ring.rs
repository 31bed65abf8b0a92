//! A bare single-producer single-consumer ring each way: cached positions, bytes written and read, a busy wait without
//! pause. This is the cost of a queue between two processes that promises only order.

use crate::measure::limit::shared_memory::{LINE_BYTES, Memory, Slots, Word};
use crate::measure::{Carrier, End, Stage};
use anyhow::Result;
use std::sync::atomic::{AtomicU64, Ordering::*};

/// A ring each way, of `SLOTS` slots of `BYTES` bytes.
pub struct Ring<const BYTES: usize, const SLOTS: usize> {
    out: Producer<BYTES>,
    back: Consumer<BYTES>,
}

/// The lines of one ring: the tail, the head two lines on (processors fetch lines in pairs), then the slots.
mod line {
    pub const TAIL: usize = 0;
    pub const HEAD: usize = 2;
    pub const SLOTS: usize = 64;
}

impl<const BYTES: usize, const SLOTS: usize> Ring<BYTES, SLOTS> {
    /// The lines of one of the two rings.
    const LINES: usize = line::SLOTS + (BYTES * SLOTS).div_ceil(LINE_BYTES);

    fn over(memory: &Memory, out: usize, back: usize) -> Result<Self> {
        let (out, back) = (out * Self::LINES, back * Self::LINES);
        Ok(Self {
            out: Producer {
                tail: memory.word(out + line::TAIL)?,
                head: memory.word(out + line::HEAD)?,
                slots: memory.slots(out + line::SLOTS, SLOTS)?,
                next: 0,
                head_seen: 0,
            },
            back: Consumer {
                tail: memory.word(back + line::TAIL)?,
                head: memory.word(back + line::HEAD)?,
                slots: memory.slots(back + line::SLOTS, SLOTS)?,
                next: 0,
                tail_seen: 0,
            },
        })
    }
}

impl<const BYTES: usize, const SLOTS: usize> Carrier<BYTES> for Ring<BYTES, SLOTS> {
    const WHO: &'static str = "bare_ring";

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let memory = Memory::create(2 * Self::LINES * LINE_BYTES)?;
        stage.link.send_fd(memory.file())?;
        Self::over(&memory, 0, 1)
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        let memory = Memory::open(stage.link.receive_fd()?)?;
        Self::over(&memory, 1, 0)
    }
}

impl<const BYTES: usize, const SLOTS: usize> End<BYTES> for Ring<BYTES, SLOTS> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        self.out.push(message);
        Ok(())
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        self.back.pop(into);
        Ok(())
    }
}

struct Producer<const BYTES: usize> {
    tail: Word<AtomicU64>,
    head: Word<AtomicU64>,
    slots: Slots<BYTES>,
    next: u64,
    head_seen: u64,
}

impl<const BYTES: usize> Producer<BYTES> {
    #[inline(always)]
    fn push(&mut self, message: &[u8; BYTES]) {
        while self.next - self.head_seen == self.slots.count() as u64 {
            // ORDER: Acquire, pairs with the Release in `pop`: the slot has been read before it is written again.
            self.head_seen = self.head.load(Acquire);
        }
        self.slots.write(self.next, message);
        self.next += 1;
        // ORDER: Release, pairs with the Acquire in `pop`; publishes the slot.
        self.tail.store(self.next, Release);
    }
}

struct Consumer<const BYTES: usize> {
    tail: Word<AtomicU64>,
    head: Word<AtomicU64>,
    slots: Slots<BYTES>,
    next: u64,
    tail_seen: u64,
}

impl<const BYTES: usize> Consumer<BYTES> {
    #[inline(always)]
    fn pop(&mut self, into: &mut [u8; BYTES]) {
        while self.next == self.tail_seen {
            // ORDER: Acquire, pairs with the Release in `push`: the slot was written before it is read.
            self.tail_seen = self.tail.load(Acquire);
        }
        self.slots.read(self.next, into);
        self.next += 1;
        // ORDER: Release, pairs with the Acquire in `push`; gives the slot back.
        self.head.store(self.next, Release);
    }
}
