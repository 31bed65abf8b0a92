//! The arena of a stage: as small as the operations allow, so that walking it costs little and leaks fill it soon.

use jacinth::{Audit, Channel, Config, Event, Supervisor};

/// How many messages may be pending in one direction.
pub const PENDING_MESSAGES: u32 = 64;

/// The arena's limits.
pub fn config() -> Config {
    let mut config = Config::default();
    config.max_processes = 8;
    config.max_threads = 32;
    config.max_objects = 256;
    config.max_handles_per_process = 2047;
    config.max_pending_messages = PENDING_MESSAGES;
    config.pool_bytes = 1 << 20;
    config.max_loan_bytes = 256 << 10;
    config
}

/// Uses every object slot once, so that later creations find the arena as an old one is, from the first kill to the
/// last.
pub fn use_up() {
    let mut events = Vec::new();
    while let Ok(event) = Event::create() {
        events.push(event);
    }
    drop(events);
    drop(Channel::create());
}

/// What is in an arena, as far as it must be the same after every death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    processes: u32,
    /// Threads with a row.
    pub threads: u32,
    objects: u32,
    retired: u32,
    handles: u32,
    in_transit: u32,
    messages: u64,
    blocks: u32,
}

impl Footprint {
    /// Of the arena now.
    pub fn of(supervisor: &Supervisor) -> Self {
        let Audit { processes, threads, objects, retired, handles, in_transit, messages, blocks, .. } =
            supervisor.inspect();
        Self { processes, threads, objects, retired, handles, in_transit, messages, blocks }
    }
}

impl std::fmt::Display for Footprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processes, threads, objects, retired, handles, in_transit, messages, blocks } = self;
        write!(
            f,
            "{processes} processes, {threads} threads, {objects} objects ({retired} retired), {handles} handles, \
             {in_transit} in transit, {messages} messages, {blocks} blocks"
        )
    }
}
