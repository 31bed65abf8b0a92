//! Several threads that write one end of a channel; one process reads the other.

use super::channel::ChannelEnd;
use super::hand_over;
use crate::measure::peer::Spinning;
use crate::measure::writers::write_all_at_once;
use crate::measure::{Carrier, Measurement, Sample, Stage, Unit, drain, last_message};
use crate::process::link::Reply;
use anyhow::Result;
use jacinth::{Channel, Status};

/// The measurement.
pub struct Writers;

impl Measurement for Writers {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "writers"
    }

    fn unit(&self) -> Unit {
        Unit::MessagesPerSecond
    }

    fn sleeps(&self) -> bool {
        true
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let channel = hand_over(stage)?;
        stage.link.expect_ready()?;
        let streamed = write_all_at_once(stage.effort, |message| write(&channel, message))?;
        write(&channel, &last_message())?;
        streamed.received(stage.link.expect_done()?)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let mut end = <ChannelEnd<Spinning> as Carrier<64>>::far(stage)?;
        stage.link.send(&Reply::Ready)?;
        stage.link.send(&Reply::Done(drain::<64>(&mut end)?))
    }
}

/// Lets the others write when the channel is full: they share a processor.
#[inline(always)]
fn write(channel: &Channel, message: &[u8; 64]) -> Result<()> {
    loop {
        match channel.write(message, &mut []) {
            Ok(()) => return Ok(()),
            Err(Status::SHOULD_WAIT) => std::thread::yield_now(),
            Err(status) => return Err(status.into()),
        }
    }
}
