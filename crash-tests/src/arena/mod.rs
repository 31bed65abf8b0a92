//! The arena of a testbed: as small as the operations allow. A walk over it costs little, and a leak fills it soon.

pub mod direct;
pub mod usage;

use jacinth::{Channel, Config, Event};

/// How many messages may be pending in one direction of a channel.
pub const PENDING_MESSAGES: u32 = 64;

/// How many objects a thread retires in this arena before it reuses their slots: an eighth of all.
pub const RECLAIM_BATCH: u32 = MAX_OBJECTS / 8;
const MAX_OBJECTS: u32 = 256;

/// How much message memory one process may have, in bytes of blocks of each size.
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
    config.vmo_pool_bytes = 1 << 20;
    // One process cannot take all objects and all memory: its quota ends first, as in an arena of default size.
    config.max_objects_per_process = config.max_objects - 8;
    config.max_block_bytes_per_process = BLOCK_BYTES_PER_PROCESS;
    config.max_loan_bytes = 256 << 10;
    config
}

/// Uses every object slot once. The first victim finds the arena then as the last one does.
pub fn use_every_slot() {
    let mut events = Vec::new();
    while let Ok(event) = Event::try_create() {
        events.push(event);
    }
    drop(events);
    drop(Channel::try_create());
}
