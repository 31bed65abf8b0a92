//! Carriers of messages of one size in both directions, and the two ways to time them.
//!
//! All carriers, the bare ring as well as jacinth, are timed by these very loops: the sender sends the same bytes each
//! time, the receiver copies all of them out and looks at the first word. Only the last message of an attempt differs
//! ([`STOP`]), and the receiver says how many came before it.
//!
//! A carrier inside one process is a [`Pair`]: its far end is played by a thread of the near process, on the processor
//! that the far process has otherwise.

use super::measurement::{Measurement, Stage, Unit};
use super::sample::{Latency, Sample, Streamed, round_trips};
use crate::machine::placement;
use crate::process::link::Reply;
use anyhow::{Result, anyhow, ensure};
use std::hint::black_box;
use std::marker::PhantomData;

/// One end of something that carries messages of `BYTES` bytes.
pub trait End<const BYTES: usize> {
    /// Sends, waiting for room if need be.
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()>;

    /// Waits for a message and copies it out.
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()>;
}

/// An end of which the other end is in another process.
pub trait Carrier<const BYTES: usize>: End<BYTES> + Sized {
    /// The name of its column.
    const WHO: &'static str;

    /// Whether its ends sleep in the kernel while they wait.
    const SLEEPS: bool = false;

    /// Makes it, and hands the other end over.
    fn near(stage: &Stage<'_>) -> Result<Self>;

    /// Takes the end that the near side hands over.
    fn far(stage: &Stage<'_>) -> Result<Self>;
}

/// An end of which the other end is in the same process.
pub trait Pair<const BYTES: usize>: End<BYTES> + Send + Sized {
    /// The name of its column.
    const WHO: &'static str;

    /// Both ends.
    fn pair() -> (Self, Self);
}

/// The first word of every message but the last.
pub const GO: u64 = 0x6f67_6f67_6f67_6f67;
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

impl<C, const BYTES: usize> RoundTrip<C, BYTES> {
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
        let latency = ask(&mut end, stage)?;
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let mut end = C::far(stage)?;
        stage.link.send(&Reply::Ready)?;
        stage.link.send(&Reply::Done(answer(&mut end)?))
    }
}

/// Messages one way, as fast as they go.
pub struct Stream<C, const BYTES: usize> {
    what: &'static str,
    _carrier: PhantomData<fn() -> C>,
}

impl<C, const BYTES: usize> Stream<C, BYTES> {
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
        let streamed = stream(&mut end, stage)?;
        streamed.received(stage.link.expect_done()?)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let mut end = C::far(stage)?;
        stage.link.send(&Reply::Ready)?;
        stage.link.send(&Reply::Done(drain(&mut end)?))
    }
}

/// A measurement of a [`Carrier`], made of a [`Pair`] between two threads.
pub struct Threads<M>(M);

impl<M> Threads<M> {
    /// The same between threads.
    pub const fn new(of: M) -> Self {
        Self(of)
    }
}

impl<P: Pair<BYTES>, const BYTES: usize> Measurement for Threads<RoundTrip<P, BYTES>> {
    fn who(&self) -> &'static str {
        P::WHO
    }

    fn what(&self) -> &'static str {
        self.0.what
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        stage.link.expect_done()?;
        let (mut near, mut far) = P::pair();
        let (latency, _) = beside(stage, move || answer(&mut far), || ask(&mut near, stage))?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        stage.link.send(&Reply::Done(0))
    }
}

impl<P: Pair<BYTES>, const BYTES: usize> Measurement for Threads<Stream<P, BYTES>> {
    fn who(&self) -> &'static str {
        P::WHO
    }

    fn what(&self) -> &'static str {
        self.0.what
    }

    fn unit(&self) -> Unit {
        Unit::MessagesPerSecond
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        stage.link.expect_done()?;
        let (mut near, mut far) = P::pair();
        let (streamed, received) = beside(stage, move || drain(&mut far), || stream(&mut near, stage))?;
        streamed.received(received)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        stage.link.send(&Reply::Done(0))
    }
}

/// Runs `near` here while a thread on the far processor runs `far`, and gives both results.
pub fn beside<N, F: Send>(
    stage: &Stage<'_>,
    far: impl FnOnce() -> Result<F> + Send,
    near: impl FnOnce() -> Result<N>,
) -> Result<(N, F)> {
    let cores = stage.cores;
    std::thread::scope(|threads| {
        let far = threads.spawn(move || {
            if let Some(cores) = cores {
                placement::pin(cores.far)?;
            }
            far()
        });
        let near = near()?;
        let far = far.join().map_err(|_| anyhow!("the far thread panicked"))??;
        Ok((near, far))
    })
}

/// Sends and waits for the answer, over and over.
fn ask<const BYTES: usize>(end: &mut impl End<BYTES>, stage: &Stage<'_>) -> Result<Latency> {
    let message = message();
    let mut answer = message.clone();
    let latency = round_trips(stage.effort, || {
        end.send(black_box(&message))?;
        end.receive(black_box(&mut answer))
    })?;
    end.send(&last_message())?;
    Ok(latency)
}

/// Sends each message back until the last one, and gives the number before it.
fn answer<const BYTES: usize>(end: &mut impl End<BYTES>) -> Result<u64> {
    let mut bytes = message();
    let mut count = 0;
    loop {
        end.receive(black_box(&mut bytes))?;
        if first_word(&bytes[..])? == STOP {
            return Ok(count);
        }
        count += 1;
        end.send(black_box(&bytes))?;
    }
}

/// Sends without pause.
fn stream<const BYTES: usize>(end: &mut impl End<BYTES>, stage: &Stage<'_>) -> Result<Streamed> {
    let message = message();
    let streamed = Streamed::run(stage.effort, || end.send(black_box(&message)).map(|()| 1))?;
    end.send(&last_message())?;
    Ok(streamed)
}

/// Receives until the last message; how many came before it.
pub fn drain<const BYTES: usize>(end: &mut impl End<BYTES>) -> Result<u64> {
    let mut bytes = message();
    let mut count = 0;
    loop {
        end.receive(black_box(&mut bytes))?;
        if first_word(&bytes[..])? == STOP {
            return Ok(count);
        }
        count += 1;
    }
}
