//! `call`: one caller, and a server that spins.

use super::{FOR_EVER, hand_over, take_over};
use crate::measure::{Measurement, Sample, Stage, Unit, round_trips};
use crate::process::link::Reply;
use anyhow::{Result, ensure};
use jacinth::{MessageBuf, MonotonicInstant, Status};
use std::hint::black_box;

/// The measurement.
pub struct Call;

/// The bytes of a request and of its reply, the transaction id included.
const BYTES: usize = 64;

impl Measurement for Call {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "call_rtt"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        jacinth::set_spin(FOR_EVER);
        let channel = hand_over(stage)?;
        stage.link.expect_ready()?;
        let request = [0x5a; BYTES];
        let mut reply = MessageBuf::new();
        let latency = round_trips(stage.effort, || {
            channel.call(MonotonicInstant::INFINITE, black_box(&request), &mut [], &mut reply)?;
            ensure!(reply.bytes().len() == BYTES, "a reply of {} bytes", reply.bytes().len());
            Ok(())
        })?;
        drop(channel);
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let channel = take_over(stage)?;
        stage.link.send(&Reply::Ready)?;
        let mut request = MessageBuf::new();
        let mut count = 0;
        loop {
            match channel.read(&mut request) {
                // The transaction id stands first in both.
                Ok(()) => channel.write(request.bytes(), &mut [])?,
                Err(Status::SHOULD_WAIT) => continue,
                Err(Status::PEER_CLOSED) => return stage.link.send(&Reply::Done(count)),
                Err(status) => return Err(status.into()),
            }
            count += 1;
        }
    }
}
