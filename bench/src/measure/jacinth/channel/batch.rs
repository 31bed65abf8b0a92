//! Batches: many messages written, published and read together.

use crate::measure::jacinth::{WHO, hand_over, take_over};
use crate::measure::{Measurement, STOP, Sample, Stage, Streamed, Unit, first_word, last_message, message};
use crate::process::link::Reply;
use anyhow::Result;
use jacinth::{Batch, Status};
use std::hint::black_box;

/// The messages of a batch.
pub const MESSAGES: usize = 32;
/// The bytes of a message.
pub const BYTES: usize = 64;

/// The measurement.
pub struct ChannelBatch;

impl Measurement for ChannelBatch {
    fn who(&self) -> &'static str {
        WHO
    }

    fn what(&self) -> &'static str {
        "rate_64B_batch"
    }

    fn unit(&self) -> Unit {
        Unit::MessagesPerSecond
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let channel = hand_over(stage)?;
        stage.link.expect_ready()?;
        let message = message::<BYTES>();
        let write = |messages: &[&[u8]]| -> Result<()> {
            let mut left = messages;
            while !left.is_empty() {
                match channel.write_batch(left.iter().copied()) {
                    Ok(written) => left = &left[written..],
                    Err(Status::SHOULD_WAIT) => {}
                    Err(status) => return Err(status.into()),
                }
            }
            Ok(())
        };
        let batch: [&[u8]; MESSAGES] = [&message[..]; MESSAGES];
        let streamed = Streamed::run(stage.effort, || write(black_box(&batch)).map(|()| MESSAGES as u64))?;
        write(&[&last_message::<BYTES>()[..]])?;
        streamed.received(stage.link.expect_done()?)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let channel = take_over(stage)?;
        stage.link.send(&Reply::Ready)?;
        let mut batch = Batch::new();
        let mut count = 0;
        loop {
            match channel.read_batch(MESSAGES, &mut batch) {
                Ok(_) => {}
                Err(Status::SHOULD_WAIT) => continue,
                Err(status) => return Err(status.into()),
            }
            for message in black_box(&batch).iter() {
                if first_word(message)? == STOP {
                    return stage.link.send(&Reply::Done(count));
                }
                count += 1;
            }
        }
    }
}
