//! The libraries and system calls that a program would use without jacinth.

#[cfg(feature = "aeron")]
pub mod aeron;
pub mod crossbeam;
pub mod iceoryx2;
pub mod ipc_channel;
pub mod ipc_receiver_set;
pub mod pipe;
pub mod rtrb;
pub mod unix;

/// Whether a side sleeps in the kernel until there is something, or asks again and again.
pub trait Manner {
    /// It asks again and again.
    const SPINS: bool;
}

/// Asks again and again.
pub struct Spinning;

/// Sleeps in the kernel.
pub struct Blocking;

impl Manner for Spinning {
    const SPINS: bool = true;
}

impl Manner for Blocking {
    const SPINS: bool = false;
}

/// Repeats `what` until the kernel gives another result than "not now" or "interrupted".
#[inline(always)]
pub fn until_done<T>(mut what: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match what() {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            done => return done,
        }
    }
}
