//! A Unix stream socket pair: bytes without bounds.

use crate::measure::peer::{Manner, until_done};
use crate::measure::{Carrier, End, Stage};
use anyhow::{Result, ensure};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};
use std::marker::PhantomData;
use std::os::fd::OwnedFd;

/// One end.
pub struct UnixStream<M> {
    socket: OwnedFd,
    _manner: PhantomData<M>,
}

impl<M: Manner> UnixStream<M> {
    const SEND: SendFlags =
        if M::SPINS { SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT) } else { SendFlags::NOSIGNAL };
    const RECEIVE: RecvFlags = if M::SPINS { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
}

impl<M: Manner, const BYTES: usize> Carrier<BYTES> for UnixStream<M> {
    const WHO: &'static str = if M::SPINS { "unix_stream" } else { "unix_stream_blocking" };
    const SLEEPS: bool = !M::SPINS;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let (socket, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        stage.link.send_fd(&theirs)?;
        Ok(Self { socket, _manner: PhantomData })
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self { socket: stage.link.receive_fd()?, _manner: PhantomData })
    }
}

impl<M: Manner, const BYTES: usize> End<BYTES> for UnixStream<M> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        let mut left = &message[..];
        while !left.is_empty() {
            let sent = until_done(|| rustix::net::send(&self.socket, left, Self::SEND))?;
            left = &left[sent..];
        }
        Ok(())
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        let mut left = &mut into[..];
        while !left.is_empty() {
            let (_, got) = until_done(|| rustix::net::recv(&self.socket, &mut *left, Self::RECEIVE))?;
            ensure!(got > 0, "the other end is closed");
            left = &mut left[got..];
        }
        Ok(())
    }
}
