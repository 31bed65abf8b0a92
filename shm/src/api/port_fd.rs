//! The wait for a port by a descriptor: for event loops.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::handle::lookup::ResolvedHandle;
use crate::object::port::event_loop;
use crate::object::port::packet::{self, Packet};
use crate::process::Process;
use crate::process::thread::Thread;
use crate::signal::sleep_fd::SleepFd;
use crate::signal::sleep_fd::helper::Spawn;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

/// A descriptor that becomes readable when an event loop must look at a port again.
#[derive(Debug)]
pub struct PortFd {
    process: Arc<Process>,
    found: ResolvedHandle,
    sleep: Mutex<SleepFd>,
    fd: RawFd,
    has_thread: bool,
}

impl PortFd {
    /// A descriptor for the port, whose handle must have `rights`. `spawn` starts a thread with the body that it is given, on
    /// systems where one is needed.
    pub fn new(thread: &Thread, port: ResolvedHandle, rights: Rights, spawn: Spawn<'_>) -> Result<Self> {
        packet::require(thread, port, rights)?;
        let sleep = SleepFd::new(&thread.process, spawn)?;
        let (fd, has_thread) = (sleep.raw_fd(), sleep.has_thread());
        Ok(Self { process: thread.process.clone(), found: port, sleep: Mutex::new(sleep), fd, has_thread })
    }

    /// Whether a thread of its own sleeps for it.
    pub fn has_thread(&self) -> bool {
        self.has_thread
    }

    /// Whether this is the process that made it, and not a child forked from it.
    pub fn is_here(&self) -> bool {
        self.process.is_here()
    }
}

impl AsFd for PortFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `sleep` owns the descriptor, and closes it when `self` is dropped.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

impl AsRawFd for PortFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd
    }
}

impl Thread {
    /// Takes the first packet of the descriptor's port. `ShouldWait`: there is none, and the descriptor becomes readable when
    /// there may be one. `Canceled` if the port's handle is gone.
    pub fn port_fd_wait(&self, fd: &PortFd) -> Result<Packet> {
        // Two threads that arm take turns.
        let mut sleep = fd.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        event_loop::take_or_sleep(self, fd.found, &mut *sleep)?.ok_or(Error::ShouldWait)
    }
}
