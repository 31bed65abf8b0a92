//! One write and one read for each message.

pub mod batch;
pub mod frames;

use crate::measure::jacinth::{FOR_EVER, READABLE_OR_CLOSED, hand_over, take_over};
use crate::measure::peer::Manner;
use crate::measure::{Carrier, End, Stage};
use anyhow::{Result, ensure};
use jacinth::raw::OnOverflow;
use jacinth::{Channel, MonotonicDuration, MonotonicInstant, Status};
use std::marker::PhantomData;

/// One end of a channel.
pub struct ChannelEnd<M> {
    channel: Channel,
    _manner: PhantomData<M>,
}

impl<M: Manner> ChannelEnd<M> {
    fn new(channel: Channel) -> Self {
        jacinth::set_spin(if M::SPINS { FOR_EVER } else { MonotonicDuration::ZERO });
        Self { channel, _manner: PhantomData }
    }
}

impl<M: Manner, const BYTES: usize> Carrier<BYTES> for ChannelEnd<M> {
    const WHO: &'static str = crate::measure::jacinth::WHO;
    const SLEEPS: bool = !M::SPINS;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self::new(hand_over(stage)?))
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self::new(take_over(stage)?))
    }
}

impl<M: Manner, const BYTES: usize> End<BYTES> for ChannelEnd<M> {
    /// Tries again when the channel is full: the other side is reading all the time.
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        loop {
            match self.channel.write(message, &mut []) {
                Ok(()) => return Ok(()),
                Err(Status::SHOULD_WAIT) => {}
                Err(status) => return Err(status.into()),
            }
        }
    }

    /// Reads again and again, or sleeps until there is something to read.
    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        loop {
            match self.channel.read_into(OnOverflow::Keep, into, &mut []).to_result() {
                Ok((bytes, _)) => {
                    ensure!(bytes == BYTES, "{bytes} bytes came, not {BYTES}");
                    return Ok(());
                }
                Err(Status::SHOULD_WAIT) => {
                    if !M::SPINS {
                        self.channel.wait_one(READABLE_OR_CLOSED, MonotonicInstant::INFINITE).to_result()?;
                    }
                }
                Err(status) => return Err(status.into()),
            }
        }
    }
}
