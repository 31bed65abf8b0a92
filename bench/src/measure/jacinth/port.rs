//! Ports: a packet for a message, an observer for one packet, and channels that no port observes.

use super::READABLE_OR_CLOSED;
use super::operation::WriteRead;
use crate::measure::MeasuredOperation;
use anyhow::{Context as _, Result, ensure};
use jacinth::{Channel, MonotonicInstant, OnOverflow, Port, Signals, WaitAsyncOpts};
use std::hint::black_box;

/// The many observed channels.
pub const MANY: usize = 100_000;

/// A port that observes channels: both ends of each are held, and one end is observed.
struct Observed {
    port: Port,
    pairs: Vec<(Channel, Channel)>,
}

impl Observed {
    fn channels(number: usize) -> Result<Self> {
        let (port, mut pairs) = (Port::try_create()?, Vec::with_capacity(number));
        for key in 0..number {
            let pair = Channel::try_create().with_context(|| format!("making channel {key}"))?;
            pair.0
                .wait_async(&port, key as u64, READABLE_OR_CLOSED, WaitAsyncOpts::REPEATING)
                .with_context(|| format!("observing channel {key}"))?;
            pairs.push(pair);
        }
        Ok(Self { port, pairs })
    }
}

/// One of so many observed channels gets a message: its packet is awaited, and the message read.
pub struct PacketAmong<const CHANNELS: usize> {
    observed: Observed,
    bytes: [u8; 64],
}

impl<const CHANNELS: usize> MeasuredOperation for PacketAmong<CHANNELS> {
    const WHO: &'static str = if CHANNELS == MANY { super::WHO } else { "jacinth_1_channel" };

    fn prepare() -> Result<Self> {
        Ok(Self { observed: Observed::channels(CHANNELS)?, bytes: [0x5a; 64] })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        let key = CHANNELS / 2;
        let (ours, theirs) = &self.observed.pairs[key];
        theirs.write(black_box(&self.bytes), &mut [])?;
        let packet = self.observed.port.wait(MonotonicInstant::INFINITE)?;
        ensure!(packet.key() == key as u64, "a packet of another channel");
        ours.read_into(OnOverflow::Keep, black_box(&mut self.bytes), &mut []).to_result()?;
        Ok(())
    }
}

/// A channel with a message is observed for one packet, and the packet awaited.
pub struct ObserveOnce {
    port: Port,
    channel: Channel,
    _peer: Channel,
}

impl MeasuredOperation for ObserveOnce {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let (port, (channel, peer)) = (Port::try_create()?, Channel::try_create()?);
        peer.write(b"a message", &mut [])?;
        Ok(Self { port, channel, _peer: peer })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.channel.wait_async(&self.port, 7, Signals::CHANNEL_READABLE, WaitAsyncOpts::ONCE)?;
        ensure!(black_box(self.port.wait(MonotonicInstant::INFINITE)?).key() == 7, "another packet");
        Ok(())
    }
}

/// 64 bytes written and read over a channel that no port observes, in a process whose port observes so many others.
pub struct WriteReadBeside<const CHANNELS: usize> {
    unobserved: WriteRead,
    _observed: Option<Observed>,
}

impl<const CHANNELS: usize> MeasuredOperation for WriteReadBeside<CHANNELS> {
    const WHO: &'static str = if CHANNELS == 0 { "jacinth_no_port" } else { super::WHO };

    fn prepare() -> Result<Self> {
        let observed = if CHANNELS == 0 { None } else { Some(Observed::channels(CHANNELS)?) };
        Ok(Self { unobserved: WriteRead::prepare()?, _observed: observed })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.unobserved.once()
    }
}
