//! Its loans: messages filled and read where they lie, never copied. Only the first bytes of each are touched, which its
//! API calls `unsafe`: its safe loan writes them all.

#![allow(unsafe_code)]

use super::publish_subscribe::{connect, publisher, subscriber};
use super::{hand_over, new_name, node, take_over_name};
use crate::measure::{GO, Measurement, STOP, Sample, Stage, Streamed, Unit, first_word};
use crate::process::link::Reply;
use anyhow::{Result, ensure};

/// The measurement, with messages of `BYTES` bytes.
pub struct LoanStream<const BYTES: usize>;

impl<const BYTES: usize> Measurement for LoanStream<BYTES> {
    fn who(&self) -> &'static str {
        super::WHO
    }

    fn what(&self) -> &'static str {
        "rate_loan"
    }

    fn unit(&self) -> Unit {
        Unit::MessagesPerSecond
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let name = new_name();
        let node = node()?;
        let publisher = publisher(&node, &name, BYTES)?;
        hand_over(stage, &name)?;
        stage.link.expect_ready()?;
        let send = |first: u64| -> Result<u64> {
            let mut message = publisher.loan_slice_uninit(BYTES)?;
            for (to, from) in message.payload_mut().iter_mut().zip(first.to_le_bytes()) {
                to.write(from);
            }
            // SAFETY: every byte of the payload has a value that any byte may have: the first eight were written just
            // now, and the others lie in a mapped file, in which bytes are zero or an earlier message's.
            let message = unsafe { message.assume_init() };
            message.send()?;
            Ok(1)
        };
        let streamed = Streamed::run(stage.effort, || send(GO))?;
        send(STOP)?;
        streamed.received(stage.link.expect_done()?)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let name = take_over_name(stage)?;
        let node = node()?;
        let subscriber = subscriber(&node, &name, BYTES)?;
        connect(&subscriber)?;
        stage.link.send(&Reply::Ready)?;
        let mut count = 0;
        loop {
            let Some(message) = subscriber.receive()? else { continue };
            ensure!(message.len() == BYTES, "{} bytes came, not {BYTES}", message.len());
            if first_word(&message)? == STOP {
                return stage.link.send(&Reply::Done(count));
            }
            count += 1;
        }
    }
}
