//! Sockets: bytes of one stream between two processes, and a socket made and closed.

pub mod shared;

use super::channel::ChannelEnd;
use super::take_handle;
use crate::measure::peer::{Manner, Spinning};
use crate::measure::{Carrier, End, MeasuredOperation, Stage};
use anyhow::{Context as _, Result, ensure};
use jacinth::{MonotonicDuration, MonotonicInstant, Signals, Socket, Status};
use std::hint::black_box;
use std::marker::PhantomData;

const READABLE: Signals = Signals::SOCKET_READABLE.union(Signals::SOCKET_PEER_CLOSED);
const WRITABLE: Signals = Signals::SOCKET_WRITABLE.union(Signals::SOCKET_PEER_CLOSED);

/// One end of a socket.
pub struct SocketEnd<M> {
    socket: Socket,
    _manner: PhantomData<M>,
}

impl<M: Manner> SocketEnd<M> {
    fn new(socket: Socket) -> Self {
        jacinth::set_spin(if M::SPINS { super::FOR_EVER } else { MonotonicDuration::ZERO });
        Self { socket, _manner: PhantomData }
    }

    /// Tries again, or sleeps until it may be worth while.
    #[inline(always)]
    fn again(&self, tried: Status, signals: Signals) -> Result<()> {
        if tried != Status::SHOULD_WAIT {
            return Err(tried.into());
        }
        if !M::SPINS {
            self.socket.wait_one(signals, MonotonicInstant::INFINITE).to_result()?;
        }
        Ok(())
    }
}

impl<M: Manner, const BYTES: usize> Carrier<BYTES> for SocketEnd<M> {
    const WHO: &'static str = if M::SPINS { super::WHO } else { "jacinth_blocking" };
    const SLEEPS: bool = !M::SPINS;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let (ours, theirs) = Socket::create(Default::default()).context("making a socket")?;
        stage.handover.write(b"", &mut [theirs.into()]).context("handing a socket over")?;
        Ok(Self::new(ours))
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        Ok(Self::new(take_handle(stage)?.into()))
    }
}

impl<M: Manner, const BYTES: usize> End<BYTES> for SocketEnd<M> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        let mut left = &message[..];
        while !left.is_empty() {
            match self.socket.write(left) {
                Ok(written) => left = &left[written..],
                Err(status) => self.again(status, WRITABLE)?,
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        let mut left = &mut into[..];
        while !left.is_empty() {
            match self.socket.read(left) {
                Ok(read) => left = &mut left[read..],
                Err(status) => self.again(status, READABLE)?,
            }
        }
        Ok(())
    }
}

/// One end of a channel, for a column beside a socket's.
pub struct BesideSocket(ChannelEnd<Spinning>);

impl<const BYTES: usize> Carrier<BYTES> for BesideSocket {
    const WHO: &'static str = "channel";

    fn near(stage: &Stage<'_>) -> Result<Self> {
        <ChannelEnd<Spinning> as Carrier<BYTES>>::near(stage).map(Self)
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        <ChannelEnd<Spinning> as Carrier<BYTES>>::far(stage).map(Self)
    }
}

impl<const BYTES: usize> End<BYTES> for BesideSocket {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        self.0.send(message)
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        self.0.receive(into)
    }
}

/// A socket, made, and both its ends closed.
pub struct SocketCreateClose;

impl MeasuredOperation for SocketCreateClose {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        drop(black_box(Socket::create(Default::default())?));
        Ok(())
    }
}

/// 64 bytes written into a socket and read from its other end.
pub struct SocketWriteRead {
    one: Socket,
    other: Socket,
    bytes: [u8; 64],
}

impl MeasuredOperation for SocketWriteRead {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let (one, other) = Socket::create(Default::default())?;
        Ok(Self { one, other, bytes: [0x5a; 64] })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.one.write(black_box(&self.bytes))?;
        self.other.read(black_box(&mut self.bytes))?;
        Ok(())
    }
}

/// A read that finds a socket empty, which has carried bytes before.
pub struct SocketLook(SocketWriteRead);

impl MeasuredOperation for SocketLook {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let mut socket = SocketWriteRead::prepare()?;
        socket.once()?;
        Ok(Self(socket))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        let read = self.0.other.read(black_box(&mut self.0.bytes));
        ensure!(read == Err(Status::SHOULD_WAIT), "an empty socket gave {read:?}");
        Ok(())
    }
}
