//! A sleep on an event count that holds no thread: its end makes a descriptor readable.
//!
//! An event loop sleeps in `epoll_wait` or `poll`, for sockets and for the arena at once, so it cannot sleep on a futex.
//! It arms the event count as a sleeping thread does, and hands the sleep to one of these:
//!
//! | | the sleeper | the descriptor |
//! |---|---|---|
//! | `ring` | the kernel: a `FUTEX_WAIT` operation of an io_uring (Linux 6.7) | the ring's |
//! | `helper` | a thread of its own, where the kernel or a seccomp filter refuses such a ring | an eventfd |
//!
//! A waker sees no difference: it changes the event count and makes one `FUTEX_WAKE`, and only while HAS_WAITERS is set.
//! So the descriptor becomes readable once for each sleep, not for each change.
//!
//! INV-SLEEPFD-1: a sleep ends once, by one of these: a wake, its deadline, a changed word, the end of the thread that
//! started it, a fault. Its end makes the descriptor readable, and it stays so until `is_asleep` has told.
//! INV-SLEEPFD-2: nothing of it lies in the arena. A process that dies while one sleeps leaves HAS_WAITERS set, as a thread
//! that dies asleep does, which costs one needless wake.

pub(crate) mod helper;
mod ring;

use crate::arena::error::Result;
use crate::arena::word::reference::ObjectRef;
use crate::process::Process;
use crate::signal::background_sleep::BackgroundSleep;
use crate::signal::eventcount::Armed;
use crate::signal::sleep_fd::helper::{Helper, Spawn};
use crate::signal::sleep_fd::ring::Ring;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

/// At most one sleep at a time, whose end makes a descriptor readable.
pub(crate) enum SleepFd {
    Ring(Box<Ring>),
    Helper(Helper),
}

impl core::fmt::Debug for SleepFd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = if self.has_thread() { "a helper thread" } else { "a ring" };
        f.debug_struct("SleepFd").field("sleeper", &name).field("fd", &self.raw_fd()).finish()
    }
}

impl SleepFd {
    /// A descriptor without a sleep. `spawn` starts the helper, where one is needed.
    pub(crate) fn new(process: &Arc<Process>, spawn: Spawn<'_>) -> Result<Self> {
        match Ring::new(process) {
            Some(ring) => Ok(Self::Ring(Box::new(ring))),
            None => Helper::new(process, spawn).map(Self::Helper),
        }
    }

    /// The descriptor to poll, which `self` owns.
    pub(crate) fn raw_fd(&self) -> RawFd {
        match self {
            Self::Ring(ring) => ring.as_raw_fd(),
            Self::Helper(helper) => helper.as_raw_fd(),
        }
    }

    /// Whether a thread of its own sleeps for it.
    pub(crate) fn has_thread(&self) -> bool {
        matches!(self, Self::Helper(_))
    }
}

impl BackgroundSleep for SleepFd {
    fn is_asleep(&mut self) -> bool {
        match self {
            Self::Ring(ring) => ring.is_asleep(),
            Self::Helper(helper) => helper.is_asleep(),
        }
    }

    fn start(&mut self, object: ObjectRef, armed: Armed<'_>, until_ns: i64) -> Result<()> {
        match self {
            Self::Ring(ring) => ring.start(armed, until_ns),
            Self::Helper(helper) => {
                helper.start(object, armed.1, until_ns);
                Ok(())
            }
        }
    }
}
