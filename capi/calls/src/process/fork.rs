//! State of a process that its forked children begin without.
//!
//! A forked child has a copy of its parent's memory and one of its threads. What the others had locked stays locked
//! there, and whoever slept is not there any more. So a child forgets such state and makes it anew when it needs it.

use crate::process::threads;
use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A value that each process makes for itself, at its first use.
#[derive(Debug)]
pub(crate) struct PerProcess<T>(AtomicPtr<T>);

impl<T: Default + Sync> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    /// The value of this process.
    pub(crate) fn get(&self) -> &T {
        // ORDER: Acquire, pairs with the Release below; the value was written before its pointer.
        let known = self.0.load(Ordering::Acquire);
        // SAFETY: it came from a box that is never freed, and nobody has it mutably.
        unsafe { known.as_ref() }.unwrap_or_else(|| self.make())
    }

    #[cold]
    fn make(&self) -> &T {
        static WATCH: Once = Once::new();
        // SAFETY: the function is there for as long as this library is, and safe to call in a child of many threads: the C
        // library has made its allocator usable by then.
        WATCH.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(forget_all));
        });
        let made = Box::into_raw(Box::<T>::default());
        // ORDER: Release, pairs with the Acquire of `get`; Acquire where another thread was first, for the same reason.
        match self.0.compare_exchange(null_mut(), made, Ordering::Release, Ordering::Acquire) {
            // SAFETY: from a box, as above.
            Ok(_) => unsafe { &*made },
            Err(first) => {
                // SAFETY: `made` is this function's alone; `first` is from a box, as above.
                unsafe {
                    drop(Box::from_raw(made));
                    &*first
                }
            }
        }
    }

    /// Has the next use make another one. The old one is leaked: its lock may be anybody's.
    pub(crate) fn forget(&self) {
        // Relaxed: the child has one thread.
        self.0.store(null_mut(), Ordering::Relaxed);
    }
}

/// The child's one thread begins without what its parent's threads had.
extern "C" fn forget_all() {
    threads::forget();
    crate::futex::forget();
}
