//! VM objects for the models: of few units, with extents of one unit and of four.

use super::{ALL, find, small_with};
use jacinth_shm_loom::{Config, HandleValue, Result, Signals, Thread};

/// The smallest extent in models.
pub const UNIT: u64 = 256;

/// An arena with two extents of each size.
pub fn config_of_vmos() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 1024;
        config.vmo_pool_bytes = 2048;
    })
}

/// A VM object of so many units.
pub fn create_vmo(thread: &Thread, units: u64) -> HandleValue {
    thread.vmo_create(units * UNIT, true, ALL).unwrap()
}

/// Writes a byte at the beginning of a unit.
pub fn put_at(thread: &Thread, vmo: HandleValue, unit: u64, byte: u8) -> Result<()> {
    thread.vmo_write(find(thread, vmo), ALL, unit * UNIT, &[byte])
}

/// The byte at the beginning of a unit.
pub fn byte_at(thread: &Thread, vmo: HandleValue, unit: u64) -> Result<u8> {
    let mut byte = [0xee];
    thread.vmo_read_bytes(find(thread, vmo), ALL, unit * UNIT, &mut byte)?;
    Ok(byte[0])
}

/// The size in units.
pub fn units(thread: &Thread, vmo: HandleValue) -> u64 {
    thread.vmo_size(find(thread, vmo), ALL).unwrap().0 / UNIT
}

pub fn resize(thread: &Thread, vmo: HandleValue, units: u64) -> Result<()> {
    thread.vmo_set_size(find(thread, vmo), ALL, units * UNIT)
}

/// A clone of one unit.
pub fn clone_vmo(thread: &Thread, vmo: HandleValue) -> Result<HandleValue> {
    thread.vmo_clone(find(thread, vmo), ALL, 0, UNIT, true, ALL)
}

pub fn has_zero_children(thread: &Thread, vmo: HandleValue) -> bool {
    thread.signals(find(thread, vmo)).unwrap().contains(Signals::SIGNALED)
}
