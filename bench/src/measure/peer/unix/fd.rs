//! A descriptor (an eventfd) passed over a Unix socket and back again, in place of a handle's transfer.
//!
//! As with a handle, the sender keeps no copy: it closes its own descriptor once the other is on its way.

use crate::measure::peer::until_done;
use crate::measure::{Measurement, Sample, Stage, Unit, round_trips};
use crate::process::link::{Reply, receive_fd, send_fd, seqpacket_pair};
use anyhow::{Context as _, Result};
use rustix::event::EventfdFlags;
use rustix::net::{RecvFlags, SendFlags};
use std::os::fd::{AsFd, OwnedFd};

/// The measurement.
pub struct UnixFd;

impl Measurement for UnixFd {
    fn who(&self) -> &'static str {
        "unix_fd"
    }

    fn what(&self) -> &'static str {
        "rtt"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let (socket, theirs) = seqpacket_pair()?;
        stage.link.send_fd(&theirs)?;
        drop(theirs);
        stage.link.expect_ready()?;
        let mut event = Some(rustix::event::eventfd(0, EventfdFlags::CLOEXEC)?);
        let latency = round_trips(stage.effort, || {
            give(&socket, event.take().context("the event went and did not come back")?)?;
            event = take(&socket)?;
            Ok(())
        })?;
        // A socket closed is how the far side knows.
        drop(socket);
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let socket = stage.link.receive_fd()?;
        stage.link.send(&Reply::Ready)?;
        let mut count = 0;
        while let Some(event) = take(&socket)? {
            give(&socket, event)?;
            count += 1;
        }
        stage.link.send(&Reply::Done(count))
    }
}

/// Sends a descriptor, and keeps none.
#[inline(always)]
pub fn give(socket: &OwnedFd, file: OwnedFd) -> Result<()> {
    until_done(|| send_fd(socket, file.as_fd(), SendFlags::DONTWAIT)).context("sendmsg")
}

/// The next descriptor. `None` when the other end is closed.
#[inline(always)]
pub fn take(socket: &OwnedFd) -> Result<Option<OwnedFd>> {
    until_done(|| receive_fd(socket, RecvFlags::DONTWAIT)).context("recvmsg")
}
