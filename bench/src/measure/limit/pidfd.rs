//! A process descriptor that becomes readable: how the kernel itself tells of a death.

use crate::measure::death::DeathObserver;
use crate::process::victim::Victim;
use anyhow::{Result, ensure};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::OwnedFd;

/// The descriptor.
pub struct Pidfd(OwnedFd);

impl DeathObserver for Pidfd {
    const WHO: &'static str = "pidfd";

    fn of(victim: &Victim) -> Result<Self> {
        Ok(Self(pidfd_open(Pid::from_child(victim.child()), PidfdFlags::empty())?))
    }

    fn wait(&self, _victim: &Victim) -> Result<()> {
        let mut fds = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut fds, None)?;
        ensure!(fds[0].revents().contains(PollFlags::IN), "a pidfd gave {:?}", fds[0].revents());
        Ok(())
    }
}
