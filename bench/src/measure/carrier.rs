//! Whatever carries messages of one size both ways, and the two ways to time it.
//!
//! All carriers, the bare ring as well as jacinth, are timed by these very loops: the sender sends the same bytes each
//! time, the receiver copies all of them out and looks at the first word. Only the last message of an attempt differs
//! ([`STOP`]), and the receiver says how many came before it.

use super::{Measurement, Sample, Stage, Streamed, Unit, round_trips};
use crate::link::Reply;
use anyhow::{Result, ensure};
use std::hint::black_box;
use std::marker::PhantomData;

/// One end of something that carries messages of `BYTES` bytes.
pub trait Carrier<const BYTES: usize>: Sized {
    /// Whose it is.
    const WHO: &'static str;

    /// Whether its ends sleep in the kernel while they wait.
    const SLEEPS: bool = false;

    /// Makes it, and hands the other end over.
    fn near(stage: &Stage<'_>) -> Result<Self>;

    /// Takes the end that the near side hands over.
    fn far(stage: &Stage<'_>) -> Result<Self>;

    /// Sends, waiting for room if need be.
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()>;

    /// Waits for a message and copies it out.
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()>;
}

/// The first word of every message but the last.
const GO: u64 = 0x6f67_6f67_6f67_6f67;
/// The first word of the last message.
pub const STOP: u64 = 0x706f_7473_706f_7473;

/// A message that begins with `first`.
fn begin<const BYTES: usize>(first: u64) -> Box<[u8; BYTES]> {
    let mut bytes: Box<[u8; BYTES]> =
        vec![0x5a; BYTES].into_boxed_slice().try_into().expect("BYTES of them were made");
    bytes[..8].copy_from_slice(&first.to_le_bytes());
    bytes
}

/// The message sent all the time.
pub fn message<const BYTES: usize>() -> Box<[u8; BYTES]> {
    begin(GO)
}

/// The message that ends an attempt.
pub fn last_message<const BYTES: usize>() -> Box<[u8; BYTES]> {
    begin(STOP)
}

/// The first word of a message, having checked that it is one of the two there are.
#[inline(always)]
pub fn first_word(bytes: &[u8]) -> Result<u64> {
    let first = bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    ensure!(first == GO || first == STOP, "a message came damaged: {first:#x}");
    Ok(first)
}

/// Messages there and back.
pub struct RoundTrip<C, const BYTES: usize> {
    what: &'static str,
    _carrier: PhantomData<fn() -> C>,
}

impl<C: Carrier<BYTES>, const BYTES: usize> RoundTrip<C, BYTES> {
    /// Under this name.
    pub const fn new(what: &'static str) -> Self {
        Self { what, _carrier: PhantomData }
    }
}

impl<C: Carrier<BYTES>, const BYTES: usize> Measurement for RoundTrip<C, BYTES> {
    fn who(&self) -> &'static str {
        C::WHO
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn sleeps(&self) -> bool {
        C::SLEEPS
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let mut end = C::near(stage)?;
        stage.link.expect_ready()?;
        let message = message();
        let mut answer = message.clone();
        let latency = round_trips(stage.effort, || {
            end.send(black_box(&message))?;
            end.receive(black_box(&mut answer))
        })?;
        end.send(&last_message())?;
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let mut end = C::far(stage)?;
        stage.link.send(&Reply::Ready)?;
        let mut bytes = message();
        let mut count = 0;
        loop {
            end.receive(black_box(&mut bytes))?;
            if first_word(&bytes[..])? == STOP {
                break;
            }
            count += 1;
            end.send(black_box(&bytes))?;
        }
        stage.link.send(&Reply::Done(count))
    }
}

/// Messages one way, as fast as they go.
pub struct Stream<C, const BYTES: usize> {
    what: &'static str,
    _carrier: PhantomData<fn() -> C>,
}

impl<C: Carrier<BYTES>, const BYTES: usize> Stream<C, BYTES> {
    /// Under this name.
    pub const fn new(what: &'static str) -> Self {
        Self { what, _carrier: PhantomData }
    }
}

impl<C: Carrier<BYTES>, const BYTES: usize> Measurement for Stream<C, BYTES> {
    fn who(&self) -> &'static str {
        C::WHO
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn unit(&self) -> Unit {
        Unit::MessagesPerSecond
    }

    fn sleeps(&self) -> bool {
        C::SLEEPS
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let mut end = C::near(stage)?;
        stage.link.expect_ready()?;
        let message = message();
        let streamed = Streamed::run(stage.effort, || end.send(black_box(&message)).map(|()| 1))?;
        end.send(&last_message())?;
        streamed.received(stage.link.expect_done()?)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let mut end = C::far(stage)?;
        stage.link.send(&Reply::Ready)?;
        let mut bytes = message();
        let mut count = 0;
        loop {
            end.receive(black_box(&mut bytes))?;
            if first_word(&bytes[..])? == STOP {
                break;
            }
            count += 1;
        }
        stage.link.send(&Reply::Done(count))
    }
}
