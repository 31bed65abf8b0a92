//! The signal PEER_CLOSED of a channel of which a victim had the other end.

use crate::measure::death::DeathObserver;
use crate::process::victim::Victim;
use anyhow::Result;
use jacinth::{MonotonicDuration, MonotonicInstant, Signals};

/// The signal.
pub struct PeerClosed;

impl DeathObserver for PeerClosed {
    const WHO: &'static str = super::WHO;

    fn of(_victim: &Victim) -> Result<Self> {
        jacinth::set_spin(MonotonicDuration::ZERO);
        Ok(Self)
    }

    fn wait(&self, victim: &Victim) -> Result<()> {
        victim.channel().wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).to_result()?;
        Ok(())
    }
}
