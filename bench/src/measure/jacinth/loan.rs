//! Loans: messages filled and read where they lie, never copied. Only the first bytes of each are touched, which
//! the API calls `unsafe`: a safe loan is sent with zeros in its unwritten bytes.

use super::{hand_over, take_over};
use crate::measure::{GO, MeasuredOperation, Measurement, STOP, Sample, Stage, Streamed, Unit, first_word};
use crate::process::link::Reply;
use anyhow::{Result, ensure};
use jacinth::{Channel, Status};

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
        let channel = hand_over(stage)?;
        stage.link.expect_ready()?;
        let streamed = Streamed::run(stage.effort, || send::<BYTES>(&channel, GO).map(|()| 1))?;
        send::<BYTES>(&channel, STOP)?;
        streamed.received(stage.link.expect_done()?)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let channel = take_over(stage)?;
        stage.link.send(&Reply::Ready)?;
        let mut count = 0;
        loop {
            let message = match channel.read_in_place() {
                Ok(message) => message,
                Err(Status::SHOULD_WAIT) => continue,
                Err(status) => return Err(status.into()),
            };
            ensure!(message.len() == BYTES, "{} bytes came, not {BYTES}", message.len());
            let mut first = [0; 8];
            message.read_at(0, &mut first)?;
            message.finish()?;
            if first_word(&first)? == STOP {
                return stage.link.send(&Reply::Done(count));
            }
            count += 1;
        }
    }
}

/// Sends a message that begins with `first`; tries again when there is no room: the other side is reading all the time.
#[inline(always)]
fn send<const BYTES: usize>(channel: &Channel, first: u64) -> Result<()> {
    loop {
        let sent = channel.reserve(BYTES).and_then(|mut loan| {
            loan.write_at(0, &first.to_le_bytes())?;
            #[expect(unsafe_code, reason = "safe loans are sent with zeros where nothing was written")]
            // SAFETY: the bytes lie in a mapped file, so each has a value: zero, or an earlier message's byte.
            unsafe {
                loan.as_raw().set_written(BYTES);
            }
            loan.commit()
        });
        match sent {
            Ok(()) => return Ok(()),
            Err(Status::SHOULD_WAIT | Status::NO_RESOURCES | Status::NO_MEMORY) => {}
            Err(status) => return Err(status.into()),
        }
    }
}

/// A loan of `BYTES` bytes, sent and read in place.
pub struct LoanSendRead<const BYTES: usize> {
    one: Channel,
    other: Channel,
}

impl<const BYTES: usize> MeasuredOperation for LoanSendRead<BYTES> {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let (one, other) = Channel::try_create()?;
        Ok(Self { one, other })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        send::<BYTES>(&self.one, GO)?;
        let message = self.other.read_in_place()?;
        let mut first = [0; 8];
        message.read_at(0, &mut first)?;
        message.finish()?;
        first_word(&first).map(drop)
    }
}
