//! What a process knows of its keeper: how to start it, and whether there is something for it to do.
//!
//! The keeper's work is `lifecycle/scavenge`.

use core::sync::atomic::AtomicU64 as Private;
use core::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::OnceLock;

/// What a process takes before it is worth a look at what its channels keep.
pub(crate) const MUCH_BYTES: u64 = 256 << 10;

/// Starts a thread that runs [`Process::keep`](crate::Process::keep). Gives whether there is one.
type Start = Box<dyn Fn() -> bool + Send + Sync>;

/// What a process knows of its keeper.
#[derive(Default)]
pub(crate) struct Scavenger {
    start: OnceLock<Start>,
    started: AtomicBool,
    /// What has been taken since all was last tidy.
    pub(crate) taken_bytes: Private,
    pub(crate) asked_ns: AtomicI64,
}

impl Scavenger {
    /// Says how to start the thread that runs [`Process::keep`](crate::Process::keep). Only the first call counts.
    pub(crate) fn set_start(&self, start: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.start.set(Box::new(start));
    }

    /// A channel of this process has come to keep so much more.
    pub(crate) fn note_taken(&self, bytes: usize) {
        let before = self.taken_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if before + bytes as u64 >= MUCH_BYTES {
            self.start();
        }
    }

    /// Starts the keeper, if there is none yet and it is known how.
    pub(crate) fn start(&self) {
        if !self.started.load(Ordering::Relaxed)
            && let Some(start) = self.start.get()
            && !self.started.swap(true, Ordering::Relaxed)
            && !start()
        {
            // The system has no thread now; perhaps it has one next time.
            self.started.store(false, Ordering::Relaxed);
        }
    }
}
