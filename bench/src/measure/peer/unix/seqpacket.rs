//! A Unix seqpacket socket pair: whole messages, as a channel has them.

use crate::measure::peer::{Manner, until_done};
use crate::measure::{Carrier, End, Stage};
use crate::process::link::seqpacket_pair;
use anyhow::{Result, ensure};
use rustix::net::{RecvFlags, SendFlags};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

/// One end.
pub struct UnixSeqpacket<M> {
    socket: OwnedFd,
    _manner: PhantomData<M>,
}

impl<M: Manner> UnixSeqpacket<M> {
    const SEND: SendFlags =
        if M::SPINS { SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT) } else { SendFlags::NOSIGNAL };
    const RECEIVE: RecvFlags = if M::SPINS { RecvFlags::DONTWAIT } else { RecvFlags::empty() };

    fn make(stage: &Stage<'_>) -> Result<Self> {
        let (socket, theirs) = seqpacket_pair()?;
        stage.link.send_fd(&theirs)?;
        Ok(Self { socket, _manner: PhantomData })
    }

    fn take(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self { socket: stage.link.receive_fd()?, _manner: PhantomData })
    }

    #[inline(always)]
    fn transmit(&self, message: &[u8]) -> Result<()> {
        until_done(|| rustix::net::send(&self.socket, message, Self::SEND))?;
        Ok(())
    }

    #[inline(always)]
    fn collect(&self, into: &mut [u8]) -> Result<()> {
        let wanted = into.len();
        let (_, got) = until_done(|| rustix::net::recv(&self.socket, &mut *into, Self::RECEIVE))?;
        ensure!(got == wanted, "{got} bytes came, not {wanted}");
        Ok(())
    }
}

impl<M: Manner, const BYTES: usize> Carrier<BYTES> for UnixSeqpacket<M> {
    const WHO: &'static str = if M::SPINS { "unix_seqpacket" } else { "unix_seqpacket_blocking" };
    const SLEEPS: bool = !M::SPINS;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        Self::make(stage)
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        Self::take(stage)
    }
}

impl<M: Manner, const BYTES: usize> End<BYTES> for UnixSeqpacket<M> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        self.transmit(message)
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        self.collect(into)
    }
}
