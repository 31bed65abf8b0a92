//! Bytes copied within one processor's caches, from private memory to private memory: what copying a message in, or
//! out, takes at the least.

use crate::measure::{MeasuredOperation, Unit};
use anyhow::Result;
use std::hint::black_box;

/// One copy of `BYTES` bytes.
pub struct Memcpy<const BYTES: usize> {
    from: Vec<u8>,
    to: Vec<u8>,
}

impl<const BYTES: usize> MeasuredOperation for Memcpy<BYTES> {
    const WHO: &'static str = "memcpy";
    const UNIT: Unit = Unit::MessagesPerSecond;

    fn prepare() -> Result<Self> {
        Ok(Self { from: vec![0x5a; BYTES], to: vec![0xa5; BYTES] })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        black_box(&mut self.to[..]).copy_from_slice(black_box(&self.from[..]));
        Ok(())
    }
}
