//! A member of a team: the same program again, which plays one part of a measurement.

use crate::process::link::Link;
use crate::process::team::Seat;
use crate::row;
use anyhow::{Context as _, Result};
use rustix::process::{Signal, set_parent_process_death_signal};

/// Plays the part of this seat.
pub fn play(seat: &Seat) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let link = Link::inherited()?;
    let name = &seat.measurement;
    row::find(name).with_context(|| format!("no measurement {name}"))?.play(seat, &link)?;
    // Lives until it is dismissed: the near side reads its processor time before.
    link.receive::<()>()?;
    Ok(())
}
