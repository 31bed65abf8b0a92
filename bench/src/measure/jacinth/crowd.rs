//! An operation while its process holds many handles, each of an object of its own.

use crate::measure::Operation;
use anyhow::{Context as _, Result};
use jacinth::{Config, Event};

/// Many.
pub const MANY: usize = 1_000_000;
/// Few.
pub const FEW: usize = 1_000;

/// The operation, in a crowd of so many events.
pub struct Crowded<O, const EVENTS: usize> {
    operation: O,
    _crowd: Vec<Event>,
}

impl<O: Operation, const EVENTS: usize> Operation for Crowded<O, EVENTS> {
    const WHO: &'static str = if EVENTS == MANY { super::WHO } else { "jacinth_1000_handles" };

    /// What the operation works on comes after half of the crowd, and has neighbours on both sides.
    fn prepare() -> Result<Self> {
        let mut crowd = Vec::with_capacity(EVENTS);
        grow(&mut crowd, EVENTS / 2)?;
        let operation = O::prepare()?;
        grow(&mut crowd, EVENTS)?;
        Ok(Self { operation, _crowd: crowd })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.operation.once()
    }
}

/// Makes events until there are so many.
pub fn grow(crowd: &mut Vec<Event>, events: usize) -> Result<()> {
    while crowd.len() < events {
        crowd.push(Event::try_create().with_context(|| format!("making event {}", crowd.len()))?);
    }
    Ok(())
}

/// The default configuration with room for the crowd in one process.
pub fn config_with_room() -> Config {
    let mut config = Config::default();
    config.max_handles_per_process = (1 << 20) - 1;
    config.max_objects = 2 << 20;
    config.max_objects_per_process = (2 << 20) / 8 * 7;
    config
}
