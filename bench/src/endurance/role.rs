//! The part that a peer plays.

use super::peer::Part;
use super::streams::{bytes, elements};
use super::{clients, handover, mixture};
use anyhow::Result;
use jacinth::Channel;
use rustix::process::{Signal, set_parent_process_death_signal};

/// Plays a peer's part, in the second process.
pub fn play(part: Part, seed: u64) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let line = Channel::from(jacinth::take_startup_handle()?);
    match part {
        Part::Closer => handover::close_what_comes(&line),
        Part::Echo => elements::echo(&line),
        Part::EchoBytes => bytes::echo(&line),
        Part::Client => clients::be_a_client(&line),
        Part::Worker => mixture::work(&line, seed),
    }
}
