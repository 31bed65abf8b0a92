//! The kernel's counterparts of one operation, and its cheapest system call.

use crate::measure::MeasuredOperation;
use crate::process::link::seqpacket_pair;
use anyhow::Result;
use rustix::event::{EventfdFlags, eventfd};
use std::hint::black_box;
use std::os::fd::OwnedFd;

fn event() -> Result<OwnedFd> {
    Ok(eventfd(0, EventfdFlags::CLOEXEC)?)
}

/// A system call that only returns a number the kernel has at hand.
pub struct NullCall;

impl MeasuredOperation for NullCall {
    const WHO: &'static str = "null_system_call";

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        black_box(rustix::process::getppid());
        Ok(())
    }
}

/// A descriptor duplicated, and the duplicate closed.
pub struct DupClose(OwnedFd);

impl MeasuredOperation for DupClose {
    const WHO: &'static str = "dup_close";

    fn prepare() -> Result<Self> {
        Ok(Self(event()?))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        black_box(rustix::io::dup(&self.0)?);
        Ok(())
    }
}

/// Whether a descriptor is one.
pub struct FcntlGetfd(OwnedFd);

impl MeasuredOperation for FcntlGetfd {
    const WHO: &'static str = "fcntl_getfd";

    fn prepare() -> Result<Self> {
        Ok(Self(event()?))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        black_box(rustix::io::fcntl_getfd(black_box(&self.0))?);
        Ok(())
    }
}

/// An eventfd, made and closed.
pub struct EventFd;

impl MeasuredOperation for EventFd {
    const WHO: &'static str = "eventfd";

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        black_box(event()?);
        Ok(())
    }
}

/// A pair of connected sockets, made and closed.
pub struct SocketPair;

impl MeasuredOperation for SocketPair {
    const WHO: &'static str = "socketpair";

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        black_box(seqpacket_pair()?);
        Ok(())
    }
}
