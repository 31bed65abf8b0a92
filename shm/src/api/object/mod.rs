//! The operations of [`Thread`](crate::Thread) on objects: one file for each object that has some of its own.

mod buffer;
mod channel;
mod directory;
mod fifo;
mod port;
#[cfg(not(loom))]
pub(crate) mod port_fd;
mod socket;
mod timer;
mod vmo;

use core::mem::MaybeUninit;

/// Memory that is initialised, for a read: it writes bytes of the arena there, which are initialised, or nothing.
fn as_uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the same memory, with a type of the same size. The reads that the files of this folder pass it to never make a
    // byte uninitialised.
    unsafe { &mut *(&raw mut *buffer as *mut [MaybeUninit<u8>]) }
}
