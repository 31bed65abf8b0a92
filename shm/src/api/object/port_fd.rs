//! The wait for a port by a descriptor: for event loops.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Rights;
use crate::arena::word::port::sleeper::Sleepers;
use crate::handle::lookup::ResolvedHandle;
use crate::object::port::event_loop;
use crate::object::port::packet::{self, Packet};
use crate::process::Process;
use crate::process::thread::Thread;
use crate::signal::sleep_fd::SleepFd;
use crate::signal::sleep_fd::helper::Spawn;
use crate::signal::stepwise_wait::{Next, StepwiseWait};
use crate::sync;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

/// A descriptor that becomes readable when an event loop must look at a port again.
#[derive(Debug)]
pub struct PortFd {
    process: Arc<Process>,
    found: ResolvedHandle,
    waiting: Mutex<Waiting>,
    fd: RawFd,
    has_thread: bool,
}

/// The event loop's wait.
#[derive(Debug)]
struct Waiting {
    sleep: SleepFd,
    steps: StepwiseWait,
}

/// What a step of an event loop's wait has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first packet.
    Packet(Packet),
    /// None yet: a look soon is likely to find one, and costs less than a sleep.
    Soon,
    /// None: the descriptor becomes readable when there may be one.
    Asleep,
}

impl PortFd {
    /// A descriptor for the port, whose handle must have `rights`. `spawn` starts a thread with the body that it is given, on
    /// systems where one is needed.
    pub fn new(thread: &Thread, port: ResolvedHandle, rights: Rights, spawn: Spawn<'_>) -> Result<Self> {
        packet::require(thread, port, rights)?;
        let sleep = SleepFd::new(&thread.process, spawn)?;
        let (fd, has_thread) = (sleep.raw_fd(), sleep.has_thread());
        Ok(Self {
            process: thread.process.clone(),
            found: port,
            waiting: Mutex::new(Waiting { sleep, steps: StepwiseWait::default() }),
            fd,
            has_thread,
        })
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
        let mut waiting = fd.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let packet =
            event_loop::take_or_sleep(self, fd.found, &mut waiting.sleep)?.ok_or(Error::ShouldWait)?;
        waiting.steps.forget();
        Ok(packet)
    }

    /// The same, as a step of a wait that adapts: it may ask for another look before the descriptor is armed.
    pub fn port_fd_step(&self, fd: &PortFd) -> Result<Step> {
        let word = self.arena().state(fd.found.entry.object())?;
        let take = || packet::take(self, fd.found, Sleepers::event_loop());
        // Not locked while this thread spins or gives its processor away.
        let waiting = || fd.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(packet) = take()? {
            waiting().steps.found(self, word);
            return Ok(Step::Packet(packet));
        }
        let next = waiting().steps.found_none(self);
        let taken = match next {
            Next::Soon => None,
            Next::Glance(until_ns) => {
                let taken = loop {
                    let taken = take()?;
                    if taken.is_some() || sync::now_ns() >= until_ns {
                        break taken;
                    }
                };
                if taken.is_some() {
                    waiting().steps.found(self, word);
                }
                taken
            }
            Next::Yield => {
                let before_ns = sync::now_ns();
                sync::yield_processor();
                let took_ns = sync::now_ns().saturating_sub(before_ns);
                let taken = take()?;
                waiting().steps.yielded(self, took_ns, taken.is_some());
                taken
            }
            Next::Sleep => {
                let mut waiting = waiting();
                // It alone takes the end of the last sleep away, and starts the next: in between, another thread of the
                // loop may poll the descriptor.
                let Some(packet) = event_loop::take_or_sleep(self, fd.found, &mut waiting.sleep)? else {
                    return Ok(Step::Asleep);
                };
                waiting.steps.forget();
                Some(packet)
            }
        };
        Ok(taken.map_or(Step::Soon, Step::Packet))
    }
}
