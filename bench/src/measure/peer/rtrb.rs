//! rtrb: a ring of one producer and one consumer, between threads of one process. Both ask again and again.

use crate::measure::{End, Pair};
use anyhow::{Result, ensure};
use rtrb::{Consumer, Producer, RingBuffer};

/// As many as the bare ring has slots.
const MESSAGES: usize = 1024;

/// One end of two rings, one each way.
pub struct Rtrb<const BYTES: usize> {
    out: Producer<[u8; BYTES]>,
    back: Consumer<[u8; BYTES]>,
}

impl<const BYTES: usize> Pair<BYTES> for Rtrb<BYTES> {
    const WHO: &'static str = "rtrb";

    fn pair() -> (Self, Self) {
        let (out, theirs) = RingBuffer::new(MESSAGES);
        let (their_out, back) = RingBuffer::new(MESSAGES);
        (Self { out, back }, Self { out: their_out, back: theirs })
    }
}

impl<const BYTES: usize> End<BYTES> for Rtrb<BYTES> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        while self.out.push(*message).is_err() {
            ensure!(!self.out.is_abandoned(), "the other thread is gone");
        }
        Ok(())
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        loop {
            match self.back.pop() {
                Ok(message) => {
                    *into = message;
                    return Ok(());
                }
                // Messages sent before the sender went are still there.
                Err(_) => {
                    ensure!(!self.back.is_abandoned() || !self.back.is_empty(), "the other thread is gone")
                }
            }
        }
    }
}
