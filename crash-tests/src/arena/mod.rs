//! The arena of a stage: as small as the operations allow, so that walking it costs little and leaks fill it soon.

use jacinth::{Audit, Channel, Config, Event, Supervisor};

/// How many messages may be pending in one direction.
pub const PENDING_MESSAGES: u32 = 64;

/// How many objects a thread retires in this arena before it uses their slots again: an eighth of all.
pub const RECLAIM_BATCH: u32 = MAX_OBJECTS / 8;
const MAX_OBJECTS: u32 = 256;

/// How much of the message memory one process may have, in blocks of each size.
pub const BLOCK_BYTES_PER_PROCESS: u64 = 768 << 10;

/// The arena's limits.
pub fn config() -> Config {
    let mut config = Config::default();
    config.max_processes = 8;
    config.max_threads = 32;
    config.max_objects = MAX_OBJECTS;
    config.max_handles_per_process = 2047;
    config.max_pending_messages = PENDING_MESSAGES;
    // Enough for three ends of four.
    config.max_pending_messages_per_process = 3 * PENDING_MESSAGES;
    config.pool_bytes = 1 << 20;
    // Some objects and some memory are beyond the reach of any one process: it is refused more when it has its share,
    // as in an arena of default size.
    config.max_objects_per_process = config.max_objects - 8;
    config.max_block_bytes_per_process = BLOCK_BYTES_PER_PROCESS;
    config.max_loan_bytes = 256 << 10;
    config
}

/// Uses every object slot once, so that later creations find the arena as an old one is, from the first kill to the
/// last.
pub fn use_up() {
    let mut events = Vec::new();
    while let Ok(event) = Event::try_create() {
        events.push(event);
    }
    drop(events);
    drop(Channel::try_create());
}

/// What is in an arena, as far as it must be the same after every death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Attached processes.
    pub processes: u32,
    /// Threads with a row; `None` when nobody knows how many there should be.
    pub threads: Option<u32>,
    objects: u32,
    /// Objects that have ended and whose slots are not free yet.
    pub retired: u32,
    /// In the tables of processes.
    pub handles: u32,
    in_transit: u32,
    messages: u64,
    blocks: u32,
}

impl Footprint {
    /// Of the arena now.
    pub fn of(supervisor: &Supervisor) -> Self {
        let Audit { processes, threads, objects, retired, handles, in_transit, messages, blocks, .. } =
            supervisor.inspect();
        Self { processes, threads: Some(threads), objects, retired, handles, in_transit, messages, blocks }
    }

    /// Without the founder and its threads, in whose place there are others of this process.
    pub fn without_a_founder(self) -> Self {
        Self { processes: self.processes - 1, threads: None, ..self }
    }

    /// Whether this is what was expected.
    pub fn fits(&self, expected: &Self) -> bool {
        let threads = if expected.threads.is_none() { None } else { self.threads };
        Self { threads, ..*self } == *expected
    }
}

impl std::fmt::Display for Footprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { processes, threads, objects, retired, handles, in_transit, messages, blocks } = self;
        write!(
            f,
            "{processes} processes, {} threads, {objects} objects ({retired} retired), {handles} handles, \
             {in_transit} in transit, {messages} messages, {blocks} blocks",
            threads.map_or("some".into(), |threads| threads.to_string())
        )
    }
}
