//! Fifos: elements in batches, beside a channel's bytes; and a fifo made and closed.

use super::channel::batch::{self, ChannelBatch};
use super::take_handle;
use crate::measure::{
    MeasuredOperation, Measurement, STOP, Sample, Stage, Streamed, Unit, first_word, last_message, message,
};
use crate::process::link::Reply;
use anyhow::{Context as _, Result};
use jacinth::{Fifo, MAX_FIFO_BYTES, Rights, Status};
use std::hint::black_box;

/// The bytes of an element.
const BYTES: usize = 32;
/// The elements of a batch.
const BATCH: usize = 16;
/// The elements that the fifo has room for: as many as a fifo can have.
const ELEMENTS: usize = MAX_FIFO_BYTES / BYTES;

type Element = [u8; BYTES];

/// Elements written and read in batches.
pub struct FifoRate;

impl Measurement for FifoRate {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "fifo_rate"
    }

    fn unit(&self) -> Unit {
        Unit::BytesPerSecond
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let (fifo, theirs) = Fifo::<Element>::create(ELEMENTS).context("making a fifo")?;
        stage.handover.write(b"", &mut [theirs.into()]).context("handing a fifo over")?;
        stage.link.expect_ready()?;
        // Tries again when the fifo is full: the other side is reading all the time.
        let write = |elements: &[Element]| -> Result<()> {
            let mut left = elements;
            while !left.is_empty() {
                match fifo.write(left) {
                    Ok(written) => left = &left[written..],
                    Err(Status::SHOULD_WAIT) => {}
                    Err(status) => return Err(status.into()),
                }
            }
            Ok(())
        };
        let batch = [*message::<BYTES>(); BATCH];
        let streamed = Streamed::run(stage.effort, || write(black_box(&batch)).map(|()| BATCH as u64))?;
        write(&[*last_message::<BYTES>()])?;
        Ok(in_bytes(streamed.received(stage.link.expect_done()?)?, BYTES))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let fifo = Fifo::<Element>::from(take_handle(stage)?);
        stage.link.send(&Reply::Ready)?;
        let mut batch = [[0; BYTES]; BATCH];
        let mut count = 0;
        loop {
            let read = match fifo.read(&mut batch) {
                Ok(read) => read,
                Err(Status::SHOULD_WAIT) => continue,
                Err(status) => return Err(status.into()),
            };
            for element in black_box(&batch[..read]) {
                if first_word(element)? == STOP {
                    return stage.link.send(&Reply::Done(count));
                }
                count += 1;
            }
        }
    }
}

/// The bytes of messages of a channel, as [`ChannelBatch`] writes and reads them.
pub struct ChannelBytes;

impl Measurement for ChannelBytes {
    fn who(&self) -> &'static str {
        "channel_batch"
    }

    fn what(&self) -> &'static str {
        "fifo_rate"
    }

    fn unit(&self) -> Unit {
        Unit::BytesPerSecond
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        Ok(in_bytes(ChannelBatch.near(stage)?, batch::BYTES))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        ChannelBatch.far(stage)
    }
}

/// A rate of messages of so many bytes, in bytes.
fn in_bytes(sample: Sample, bytes: usize) -> Sample {
    match sample {
        Sample::Rate(per_second) => Sample::Rate(per_second * bytes as f64),
        other => other,
    }
}

/// A fifo, made, and both its ends closed.
pub struct FifoCreateClose;

impl MeasuredOperation for FifoCreateClose {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        drop(black_box(Fifo::<Element>::create(ELEMENTS)?));
        Ok(())
    }
}

/// A batch written at one end of a fifo and read at the other, by one thread.
pub struct FifoWriteRead {
    one: Fifo<Element>,
    other: Fifo<Element>,
    batch: [Element; BATCH],
}

impl MeasuredOperation for FifoWriteRead {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let (one, other) = Fifo::create(ELEMENTS)?;
        Ok(Self { one, other, batch: [[0x5a; BYTES]; BATCH] })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.one.write(black_box(&self.batch))?;
        self.other.read(black_box(&mut self.batch))?;
        Ok(())
    }
}

/// The same at ends that have had a second handle, so that any process may use them.
pub struct SharedFifoWriteRead(FifoWriteRead);

impl MeasuredOperation for SharedFifoWriteRead {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let fifo = FifoWriteRead::prepare()?;
        drop(fifo.one.duplicate(Rights::SAME_RIGHTS)?);
        drop(fifo.other.duplicate(Rights::SAME_RIGHTS)?);
        Ok(Self(fifo))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.0.once()
    }
}
