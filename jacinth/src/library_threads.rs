//! The library's own threads: the supervisor, the failover candidates, and those that watch for deaths.
//!
//! They block all of the program's signals, and none of them keeps a program alive. A count of the program's threads
//! must leave them out.

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::thread::gettid;
use std::sync::{Mutex, PoisonError};

static THREADS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// The ids (as of `gettid(2)`) of the threads that this library runs in this process.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// for id in library_threads::threads() {
///     assert!(std::path::Path::new(&format!("/proc/self/task/{id}")).exists());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn threads() -> Vec<i32> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Keeps the calling thread on the list until it is dropped.
struct Listed(i32);

impl Listed {
    fn new() -> Self {
        let own = gettid().as_raw_pid();
        THREADS.lock().unwrap_or_else(PoisonError::into_inner).push(own);
        Self(own)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        THREADS.lock().unwrap_or_else(PoisonError::into_inner).retain(|thread| *thread != self.0);
    }
}

/// Runs `body` in a new thread, which blocks all signals.
///
/// # Errors
/// The system's error when it can start no thread.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    // The new thread inherits the mask.
    let spawned = std::thread::Builder::new().name(name.into()).spawn(move || {
        let _listed = Listed::new();
        body();
    });
    before.thread_set_mask()?;
    spawned.map(drop)
}
