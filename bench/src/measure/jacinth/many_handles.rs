//! An operation while its process holds many handles, each of an object of its own.

use crate::measure::MeasuredOperation;
use anyhow::{Context as _, Result};
use jacinth::{Config, Event};

/// The many handles.
pub const MANY: usize = 1_000_000;
/// The few handles, for comparison.
pub const FEW: usize = 1_000;

/// The operation in a process that holds handles to `EVENTS` events.
pub struct AmongHandles<O, const EVENTS: usize> {
    operation: O,
    _others: Vec<Event>,
}

impl<O: MeasuredOperation, const EVENTS: usize> MeasuredOperation for AmongHandles<O, EVENTS> {
    const WHO: &'static str = if EVENTS == MANY { super::WHO } else { "jacinth_1000_handles" };

    /// The operation's own handles are made after half of the events, so they have neighbours on both sides.
    fn prepare() -> Result<Self> {
        let mut others = Vec::with_capacity(EVENTS);
        grow(&mut others, EVENTS / 2)?;
        let operation = O::prepare()?;
        grow(&mut others, EVENTS)?;
        Ok(Self { operation, _others: others })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.operation.once()
    }
}

/// Makes events until there are `events` of them.
pub fn grow(others: &mut Vec<Event>, events: usize) -> Result<()> {
    while others.len() < events {
        others.push(Event::try_create().with_context(|| format!("making event {}", others.len()))?);
    }
    Ok(())
}

/// The default configuration, with room for so many handles in one process.
pub fn config_with_room() -> Config {
    let mut config = Config::default();
    config.max_handles_per_process = (1 << 20) - 1;
    config.max_objects = 2 << 20;
    config.max_objects_per_process = (2 << 20) / 8 * 7;
    config
}
