//! The handle of an event, moved to the other process and back again.

use super::{hand_over, take_over};
use crate::measure::{Measurement, Sample, Stage, Unit, round_trips};
use crate::process::link::Reply;
use anyhow::{Context as _, Result};
use jacinth::{Channel, Event, MessageBuf, NullableHandle, Status};

/// The measurement.
pub struct Transfer;

impl Measurement for Transfer {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "transfer_rtt"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let channel = hand_over(stage)?;
        stage.link.expect_ready()?;
        let mut message = MessageBuf::new();
        let mut luggage = [Event::try_create()?.into()];
        let latency = round_trips(stage.effort, || {
            channel.write(b"", &mut luggage)?;
            anyhow::ensure!(take(&channel, &mut message, &mut luggage)?, "the far side closed the channel");
            Ok(())
        })?;
        drop(channel);
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let channel = take_over(stage)?;
        stage.link.send(&Reply::Ready)?;
        let mut message = MessageBuf::new();
        let mut luggage = [NullableHandle::invalid()];
        let mut count = 0;
        while take(&channel, &mut message, &mut luggage)? {
            channel.write(b"", &mut luggage)?;
            count += 1;
        }
        stage.link.send(&Reply::Done(count))
    }
}

/// Reads again and again until the handle is here; false when the channel is closed.
#[inline(always)]
pub fn take(channel: &Channel, message: &mut MessageBuf, luggage: &mut [NullableHandle; 1]) -> Result<bool> {
    loop {
        match channel.read(message) {
            Ok(()) => {
                luggage[0] = message.take_handle(0).context("a message came without the event")?;
                return Ok(true);
            }
            Err(Status::SHOULD_WAIT) => {}
            Err(Status::PEER_CLOSED) => return Ok(false),
            Err(status) => return Err(status.into()),
        }
    }
}
