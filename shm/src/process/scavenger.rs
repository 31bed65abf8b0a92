//! A process's private record of its scavenger: how to start it, and whether it has work.
//!
//! The scavenger's work is in `lifecycle/scavenge.rs`.

use core::sync::atomic::AtomicU64 as Private;
use core::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::OnceLock;

/// How many bytes a process takes before it is worth a look at the memory that its channels keep.
pub(crate) const MUCH_BYTES: u64 = 256 << 10;

/// Starts a thread that runs [`Process::keep`](crate::Process::keep). Returns whether there is one.
type Start = Box<dyn Fn() -> bool + Send + Sync>;

/// A process's private record of its scavenger.
#[derive(Default)]
pub(crate) struct Scavenger {
    start: OnceLock<Start>,
    started: AtomicBool,
    /// The bytes taken since no channel kept any memory that it could give back.
    pub(crate) taken_bytes: Private,
    pub(crate) asked_ns: AtomicI64,
}

impl Scavenger {
    /// Registers how to start the thread that runs [`Process::keep`](crate::Process::keep). Only the first call counts.
    pub(crate) fn set_start(&self, start: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.start.set(Box::new(start));
    }

    /// Notes that a channel of this process took so many bytes.
    pub(crate) fn note_taken(&self, bytes: usize) {
        // Relaxed: a hint that publishes no data.
        let before = self.taken_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if before + bytes as u64 >= MUCH_BYTES {
            self.start();
        }
    }

    /// Starts the scavenger, if there is none yet and a start is registered.
    pub(crate) fn start(&self) {
        if !self.started.load(Ordering::Relaxed)
            && let Some(start) = self.start.get()
            && !self.started.swap(true, Ordering::Relaxed)
            && !start()
        {
            // The system could not start a thread now. The next call tries again.
            self.started.store(false, Ordering::Relaxed);
        }
    }
}
