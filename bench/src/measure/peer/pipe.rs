//! A pipe each way. A pipe knows no messages; these are small enough to be written and read whole.

use super::{Manner, until_done};
use crate::measure::{Carrier, End, Stage};
use anyhow::{Result, ensure};
use rustix::pipe::PipeFlags;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

/// One end of both.
pub struct Pipe<M> {
    out: OwnedFd,
    back: OwnedFd,
    _manner: PhantomData<M>,
}

impl<M: Manner> Pipe<M> {
    fn make(stage: &Stage<'_>) -> Result<Self> {
        let flags = if M::SPINS { PipeFlags::CLOEXEC | PipeFlags::NONBLOCK } else { PipeFlags::CLOEXEC };
        let (their_back, out) = rustix::pipe::pipe_with(flags)?;
        let (back, their_out) = rustix::pipe::pipe_with(flags)?;
        stage.link.send_fd(&their_out)?;
        stage.link.send_fd(&their_back)?;
        Ok(Self { out, back, _manner: PhantomData })
    }

    fn take(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self { out: stage.link.receive_fd()?, back: stage.link.receive_fd()?, _manner: PhantomData })
    }

    #[inline(always)]
    fn transmit(&self, message: &[u8]) -> Result<()> {
        let sent = until_done(|| rustix::io::write(&self.out, message))?;
        ensure!(sent == message.len(), "{sent} bytes went, not {}", message.len());
        Ok(())
    }

    #[inline(always)]
    fn collect(&self, into: &mut [u8]) -> Result<()> {
        let wanted = into.len();
        let got = until_done(|| rustix::io::read(&self.back, &mut *into))?;
        ensure!(got == wanted, "{got} bytes came, not {wanted}");
        Ok(())
    }
}

impl<M: Manner> Carrier<64> for Pipe<M> {
    const WHO: &'static str = if M::SPINS { "pipe" } else { "pipe_blocking" };
    const SLEEPS: bool = !M::SPINS;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        Self::make(stage)
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        Self::take(stage)
    }
}

impl<M: Manner> End<64> for Pipe<M> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; 64]) -> Result<()> {
        self.transmit(message)
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; 64]) -> Result<()> {
        self.collect(into)
    }
}
