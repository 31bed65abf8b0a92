//! One write and one read for each message.

use super::{FOR_EVER, READABLE_OR_CLOSED, hand_over, take_over};
use crate::measure::peer::Manner;
use crate::measure::{Carrier, End, Stage};
use anyhow::{Result, ensure};
use jacinth::raw::TooSmall;
use jacinth::{AsHandleRef as _, Channel, Handle, MonotonicDuration, MonotonicInstant, Status};
use std::marker::PhantomData;

/// One end of a channel.
pub struct ChannelEnd<M> {
    channel: Channel,
    none: Vec<Handle>,
    _manner: PhantomData<M>,
}

impl<M: Manner> ChannelEnd<M> {
    fn new(channel: Channel) -> Self {
        jacinth::set_spin(if M::SPINS { FOR_EVER } else { MonotonicDuration::ZERO });
        Self { channel, none: Vec::new(), _manner: PhantomData }
    }
}

impl<M: Manner, const BYTES: usize> Carrier<BYTES> for ChannelEnd<M> {
    const WHO: &'static str = super::WHO;
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
            match self.channel.write(message, &mut self.none) {
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
            match self.channel.read_raw(TooSmall::Keep, into, &mut []) {
                (Ok(()), actual) => {
                    ensure!(actual.bytes == BYTES, "{} bytes came, not {BYTES}", actual.bytes);
                    return Ok(());
                }
                (Err(Status::SHOULD_WAIT), _) => {
                    if !M::SPINS {
                        self.channel.wait(READABLE_OR_CLOSED, MonotonicInstant::INFINITE)?;
                    }
                }
                (Err(status), _) => return Err(status.into()),
            }
        }
    }
}
