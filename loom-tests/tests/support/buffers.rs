//! Buffers for the models, of one line.

use super::{ALL, small_with};
use jacinth_shm_loom::{Config, HandleValue, Result, Thread};

/// An arena with two blocks for buffers.
pub fn config_of_buffers() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 1024;
    })
}

/// A frozen buffer with this byte.
pub fn buffer_of(thread: &Thread, byte: u8) -> Result<HandleValue> {
    let buffer = thread.buffer_create(1, ALL)?;
    thread.buffer_fill(&buffer, byte)?;
    thread.freeze(buffer)
}
