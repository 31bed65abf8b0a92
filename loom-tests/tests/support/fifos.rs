//! Fifos for the models: elements of one byte.

use super::ALL;
use jacinth_shm_loom::{Error, HandleValue, Result, Thread};
use std::mem::MaybeUninit;

/// A fifo of so many elements of one byte.
pub fn create_fifo(thread: &Thread, elements: usize) -> [HandleValue; 2] {
    let (near, far) = thread.fifo_create(elements, 1, ALL).unwrap();
    [near, far]
}

/// Writes as many of these elements as there is room for.
pub fn put(thread: &Thread, fifo: HandleValue, bytes: &[u8]) -> Result<usize> {
    thread.fifo_write(fifo, ALL, 1, bytes)
}

/// Reads up to so many elements.
pub fn get(thread: &Thread, fifo: HandleValue, most: usize) -> Result<Vec<u8>> {
    let mut out = vec![MaybeUninit::uninit(); most];
    let many = thread.fifo_read(fifo, ALL, 1, &mut out)?;
    // SAFETY: so many elements were read.
    Ok(out[..many].iter().map(|byte| unsafe { byte.assume_init() }).collect())
}

/// The same; nothing if there is none.
pub fn get_some(thread: &Thread, fifo: HandleValue, most: usize) -> Vec<u8> {
    match get(thread, fifo, most) {
        Err(Error::ShouldWait | Error::PeerClosed) => Vec::new(),
        got => got.unwrap(),
    }
}

/// Reads all that is there.
pub fn get_all(thread: &Thread, fifo: HandleValue) -> Vec<u8> {
    let mut got = Vec::new();
    loop {
        match get_some(thread, fifo, 8) {
            none if none.is_empty() => return got,
            some => got.extend(some),
        }
    }
}
