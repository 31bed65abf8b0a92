//! A thread sleeps: for systems that refuse the ring. It writes an eventfd when its sleep has ended.
//!
//! The thread sleeps on the event count and on a word of its own, so that its owner can end it without a wake of other
//! sleepers.

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::process::Process;
use crate::sync::{AtomicU64, Relaxed};
use rustix::event::{EventfdFlags, eventfd};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Starts a thread with this body.
pub(crate) type Spawn<'a> = &'a dyn Fn(Box<dyn FnOnce() + Send>) -> std::io::Result<()>;

/// What the owner asks of the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// The last sleep has ended.
    None,
    Sleep {
        object: ObjectRef,
        expected: u32,
        until_ns: i64,
    },
    End,
}

/// What the owner and the thread share.
struct Shared {
    process: Arc<Process>,
    request: Mutex<Request>,
    asked: Condvar,
    /// Changes when the thread is to end.
    ended: AtomicU64,
    event: OwnedFd,
}

impl Shared {
    fn request(&self) -> MutexGuard<'_, Request> {
        self.request.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut request = self.request();
        loop {
            match *request {
                Request::None => {
                    request = self.asked.wait(request).unwrap_or_else(PoisonError::into_inner);
                }
                Request::Sleep { object, expected, until_ns } => {
                    // Relaxed: the mutex orders it. The thread that changes it has set `End` before.
                    let ended = self.ended.load(Relaxed);
                    drop(request);
                    // An error would mean that the owner named no object: then it is asked to look again.
                    if let Ok(state) = self.process.arena.state(object) {
                        let words = [(state, expected), (&self.ended, ended as u32)];
                        self.process.arena.futex().wait(&words, until_ns);
                    }
                    request = self.request();
                    if *request != Request::End {
                        *request = Request::None;
                        // Under the lock, so that `is_asleep` finds the descriptor readable. The counter is 0 or 1, so
                        // the write does not fail.
                        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
                    }
                }
                Request::End => return,
            }
        }
    }
}

/// A thread that sleeps, and its eventfd.
pub(crate) struct Helper(Arc<Shared>);

impl Helper {
    pub(super) fn new(process: &Arc<Process>, spawn: Spawn<'_>) -> Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|_| Error::NoResources("file descriptors of this process"))?;
        let shared = Arc::new(Shared {
            process: process.clone(),
            request: Mutex::new(Request::None),
            asked: Condvar::new(),
            ended: AtomicU64::new(0),
            event,
        });
        let its = shared.clone();
        spawn(Box::new(move || its.run())).map_err(|_| Error::NoResources("threads of this process"))?;
        Ok(Self(shared))
    }

    pub(super) fn is_asleep(&self) -> bool {
        let request = self.0.request();
        let is_asleep = matches!(*request, Request::Sleep { .. });
        if !is_asleep {
            // An error means that it was not readable.
            let _ = rustix::io::read(&self.0.event, &mut [0u8; 8]);
        }
        is_asleep
    }

    pub(super) fn start(&self, object: ObjectRef, expected: u32, until_ns: i64) {
        *self.0.request() = Request::Sleep { object, expected, until_ns };
        self.0.asked.notify_one();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // A forked child has a copy of the lock, which a thread of its parent may have held, and no such thread.
        if !self.0.process.is_here() {
            return;
        }
        *self.0.request() = Request::End;
        // Relaxed: the mutex orders it, and the futex compares under a lock of the kernel.
        self.0.ended.fetch_add(1, Relaxed);
        self.0.process.arena.futex().wake_all(&self.0.ended);
        self.0.asked.notify_one();
    }
}

impl AsRawFd for Helper {
    fn as_raw_fd(&self) -> RawFd {
        self.0.event.as_raw_fd()
    }
}
