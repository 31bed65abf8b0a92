//! State of a process that its forked children start without.
//!
//! A forked child has a copy of its parent's memory and one of its threads. A lock that another thread held stays locked
//! there, and the queues hold sleepers that do not exist. So a child forgets such state, and makes it anew at its first
//! use.

use std::ptr::null_mut;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A value that each process makes for itself, at its first use.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    value: AtomicPtr<T>,
    in_child: extern "C" fn(),
    registration: Once,
}

impl<T: Default + Sync> PerProcess<T> {
    /// `in_child` runs in each forked child once the value is in use. It must call [`Self::forget`].
    pub(crate) const fn new(in_child: extern "C" fn()) -> Self {
        Self { value: AtomicPtr::new(null_mut()), in_child, registration: Once::new() }
    }

    /// The value of this process.
    pub(crate) fn get(&self) -> &T {
        // ORDER: Acquire, pairs with the Release of `make`; the value was written before its pointer.
        let known = self.value.load(Ordering::Acquire);
        // SAFETY: the pointer is null or came from a box that is never freed, and no mutable reference to it exists.
        unsafe { known.as_ref() }.unwrap_or_else(|| self.make())
    }

    #[cold]
    fn make(&self) -> &T {
        // SAFETY: the function stays mapped, because this library is never unloaded. It allocates at most, and the C
        // library has made its allocator usable in the child by then.
        self.registration.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(self.in_child));
        });
        let made = Box::into_raw(Box::<T>::default());
        // ORDER: Release, pairs with the Acquire of `get`; publishes the value. Acquire on failure, because another
        // thread has published its value first.
        match self.value.compare_exchange(null_mut(), made, Ordering::Release, Ordering::Acquire) {
            // SAFETY: the pointer came from a box that is never freed from now on.
            Ok(_) => unsafe { &*made },
            Err(first) => {
                // SAFETY: no other thread has seen `made`. `first` came from a box that is never freed.
                unsafe {
                    drop(Box::from_raw(made));
                    &*first
                }
            }
        }
    }

    /// Makes the next use create a new value. The old one is leaked: another thread of the parent may hold its lock.
    pub(crate) fn forget(&self) {
        // Relaxed: the child has one thread.
        self.value.store(null_mut(), Ordering::Relaxed);
    }
}
