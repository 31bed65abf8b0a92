//! Threads of the library's own: the supervisor, those who would succeed it, those who watch.
//!
//! They take none of the program's signals, and none of them keeps a program alive. Whoever counts a program's threads
//! leaves them out.

use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::thread::gettid;
use std::sync::{Mutex, OnceLock, PoisonError};

static THREADS: Mutex<Vec<i32>> = Mutex::new(Vec::new());

/// The ids (as of `gettid(2)`) of the threads that this library runs in this process.
pub fn threads() -> Vec<i32> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

static AT_FIRST_USE: OnceLock<fn()> = OnceLock::new();

/// Has `run` called in each thread that uses the arena for the first time, from now on: for libraries of other languages,
/// which have something of their own to keep in each.
pub fn at_first_use(run: fn()) {
    let _ = AT_FIRST_USE.set(run);
}

/// The calling thread is about to use the arena for the first time.
pub(crate) fn first_use() {
    if let Some(run) = AT_FIRST_USE.get() {
        run();
    }
}

/// Gives up what the calling thread keeps of the arena, as its end does: for libraries of other languages, whose threads
/// may end, or call once more, when the destructors of Rust's locals have run, or without them.
pub fn leave() {
    crate::attachment::leave();
}

/// What this library has to do before the process exits in good order, for who ends it without its exit handlers.
pub fn before_exit() {
    crate::attachment::before_exit();
}

/// A thread that is on the list for as long as this lives.
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

/// Runs `body` in a thread that takes none of the program's signals.
///
/// # Errors
/// What the system said when it had no thread to give.
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
