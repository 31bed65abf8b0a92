//! The facade over loom: the same names, explored instead of run.

use super::Slept;
use ::loom::sync::{Condvar, Mutex, MutexGuard};

pub(crate) use ::loom::sync::atomic::{AtomicU64, fence};

pub(crate) fn register_barriers() -> bool {
    true
}

/// loom has no `membarrier`: both halves of the pair are full fences.
pub(crate) fn light_barrier() {
    fence(super::SeqCst);
}

#[must_use]
pub(crate) fn heavy_barrier() -> bool {
    fence(super::SeqCst);
    true
}

/// Beside memory that is written by one and read by another, never both at once: the model fails when a read
/// and a write are not ordered, whatever values they happened to see.
#[derive(Debug, Default)]
pub(crate) struct Shadow(::loom::cell::UnsafeCell<()>);

// SAFETY: the cell holds no data; loom checks every access to it.
unsafe impl Sync for Shadow {}

impl Shadow {
    /// The memory is being read.
    pub(crate) fn read(&self) {
        self.0.with(|_| ());
    }

    /// The memory is being written.
    pub(crate) fn written(&self) {
        self.0.with_mut(|_| ());
    }
}

/// Spins must yield, or the model never ends.
pub(crate) fn pause(_step: u32) {
    ::loom::thread::yield_now();
}

/// Time stands still in a model: deadlines are either infinite or already past.
pub(crate) fn now_ns() -> i64 {
    0
}

/// One condition variable for the whole arena. The comparison and the sleep are one step, as in the kernel.
#[derive(Debug)]
pub(crate) struct Futex {
    gate: Mutex<()>,
    woken: Condvar,
}

impl Default for Futex {
    fn default() -> Self {
        Self { gate: Mutex::new(()), woken: Condvar::new() }
    }
}

impl Futex {
    pub(crate) const MOST_WORDS: usize = 128;

    pub(crate) fn wait(&self, words: &[(&AtomicU64, u32)], _deadline_ns: i64) -> Slept {
        let gate = self.gate.lock().unwrap();
        // The kernel compares under a lock that every waker takes: the mutex gives the same ordering.
        if words.iter().all(|(word, expected)| word.load(super::Relaxed) as u32 == *expected) {
            drop(self.woken.wait(gate).unwrap());
        }
        Slept::Woken
    }

    pub(crate) fn wake_all(&self, _word: &AtomicU64) {
        let _gate = self.gate.lock().unwrap();
        self.woken.notify_all();
    }
}

/// A process-private lock among threads.
#[derive(Debug)]
pub(crate) struct Lock<T> {
    inner: Mutex<T>,
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { inner: Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.inner.lock().unwrap()
    }
}

pub(crate) type Locked<'a, T> = MutexGuard<'a, T>;
