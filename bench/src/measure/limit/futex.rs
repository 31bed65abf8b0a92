//! A bare futex ping-pong: both sides sleep, each wakes the other.

use crate::measure::limit::shared_memory::{LINE_BYTES, Memory, Word};
use crate::measure::{Carrier, End, Stage};
use anyhow::Result;
use rustix::io::Errno;
use rustix::thread::futex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// A word to sleep on and one word of message each way.
pub struct Futex {
    out: Way,
    back: Way,
}

struct Way {
    turn: Word<AtomicU32>,
    message: Word<AtomicU64>,
}

impl Way {
    fn at(memory: &Memory, line: usize) -> Result<Self> {
        Ok(Self { turn: memory.word(line)?, message: memory.word(line + 1)? })
    }
}

impl Futex {
    fn over(memory: &Memory, out: usize, back: usize) -> Result<Self> {
        Ok(Self { out: Way::at(memory, out)?, back: Way::at(memory, back)? })
    }
}

impl Carrier<8> for Futex {
    const WHO: &'static str = "bare_futex";
    const SLEEPS: bool = true;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let memory = Memory::create(4 * LINE_BYTES)?;
        stage.link.send_fd(memory.file())?;
        Self::over(&memory, 0, 2)
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        let memory = Memory::open(stage.link.receive_fd()?)?;
        Self::over(&memory, 2, 0)
    }
}

impl End<8> for Futex {
    #[inline(always)]
    fn send(&mut self, message: &[u8; 8]) -> Result<()> {
        self.out.message.store(u64::from_le_bytes(*message), Relaxed);
        // ORDER: Release, pairs with the Acquire in `receive`; publishes the message.
        self.out.turn.store(1, Release);
        futex::wake(&self.out.turn, futex::Flags::empty(), 1)?;
        Ok(())
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; 8]) -> Result<()> {
        // ORDER: Acquire, pairs with the Release in `send`.
        while self.back.turn.load(Acquire) == 0 {
            match futex::wait(&self.back.turn, futex::Flags::empty(), 0, None) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Relaxed: the sender writes again only after it has our answer.
        self.back.turn.store(0, Relaxed);
        *into = self.back.message.load(Relaxed).to_le_bytes();
        Ok(())
    }
}
