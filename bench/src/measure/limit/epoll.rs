//! The kernel's counterpart of an observer for one packet.

use crate::measure::MeasuredOperation;
use crate::process::link::seqpacket_pair;
use anyhow::{Result, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::retry_on_intr;
use std::os::fd::OwnedFd;

/// A socket with a message is armed for one event, and the event awaited.
pub struct EpollOneshot {
    epoll: OwnedFd,
    socket: OwnedFd,
    _peer: OwnedFd,
    events: Vec<Event>,
}

impl MeasuredOperation for EpollOneshot {
    const WHO: &'static str = "epoll_oneshot";

    fn prepare() -> Result<Self> {
        let (epoll, (socket, peer)) = (epoll::create(CreateFlags::CLOEXEC)?, seqpacket_pair()?);
        epoll::add(&epoll, &socket, EventData::new_u64(7), EventFlags::IN | EventFlags::ONESHOT)?;
        rustix::io::write(&peer, b"a message")?;
        Ok(Self { epoll, socket, _peer: peer, events: Vec::with_capacity(1) })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        let once = EventFlags::IN | EventFlags::ONESHOT;
        epoll::modify(&self.epoll, &self.socket, EventData::new_u64(7), once)?;
        self.events.clear();
        retry_on_intr(|| epoll::wait(&self.epoll, spare_capacity(&mut self.events), None))?;
        ensure!(self.events.len() == 1, "{} events", self.events.len());
        Ok(())
    }
}
