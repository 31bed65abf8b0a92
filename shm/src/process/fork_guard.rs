//! A check, for the price of one load, that this process is not a forked child.
//!
//! A child does not inherit the arena's mapping (`MADV_DONTFORK`), so touching the arena there would fault. It inherits
//! one private page, wiped to zero (`MADV_WIPEONFORK`). A thread that reads 1 there runs in the process that attached.
//!
//! [`PerProcess`] is for private data that a child must not share with its parent.

#[cfg(not(loom))]
use crate::sync::{Acquire, Release};
use crate::sync::{AtomicU64, Relaxed};
use core::ptr::NonNull;
#[cfg(not(loom))]
use core::ptr::null_mut;
#[cfg(not(loom))]
use core::sync::atomic::{AtomicBool, AtomicPtr};

/// A page that a forked child finds wiped.
#[derive(Debug)]
pub(crate) struct ForkGuard {
    page: NonNull<AtomicU64>,
}

// SAFETY: the page stays mapped as long as the guard, and is only used as an atomic.
unsafe impl Send for ForkGuard {}

// SAFETY: as for `Send`.
unsafe impl Sync for ForkGuard {}

impl ForkGuard {
    #[cfg(not(loom))]
    pub(crate) fn new() -> Result<Self, crate::arena::error::Error> {
        use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
        let failed = |_| crate::arena::error::Error::BadState("the fork guard's page cannot be mapped");
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses overlaps no other mapping.
        let page = unsafe { mmap_anonymous(null_mut(), 4096, protection, MapFlags::PRIVATE) };
        let page = page.map_err(failed)?;
        // SAFETY: the page was just mapped, no other code has its address, and it holds no data yet.
        unsafe { madvise(page, 4096, Advice::LinuxWipeOnFork) }.map_err(failed)?;
        let page = NonNull::new(page.cast::<AtomicU64>()).expect("a mapping is never at address 0");
        // SAFETY: aligned, mapped, and zero, which is a valid atomic.
        unsafe { page.as_ref() }.store(1, Relaxed);
        Ok(Self { page })
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Result<Self, crate::arena::error::Error> {
        Ok(Self { page: NonNull::dangling() })
    }

    /// Whether this is the process that made the guard, and not a fork of it.
    #[inline(always)]
    pub(crate) fn is_here(&self) -> bool {
        // SAFETY: the page stays mapped as long as the guard. Relaxed: only a fork changes it.
        cfg!(loom) || unsafe { self.page.as_ref() }.load(Relaxed) == 1
    }
}

#[cfg(not(loom))]
impl Drop for ForkGuard {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`, and no other code has its address.
        let _ = unsafe { rustix::mm::munmap(self.page.as_ptr().cast(), 4096) };
    }
}

/// A value that each process makes for itself, at its first use, and that its forked children start without.
///
/// A forked child has a copy of its parent's memory and one of its threads. A lock that another thread held stays locked
/// there, and lists name threads that do not exist. So a child forgets such state, and makes it anew at its first use.
#[cfg(not(loom))]
#[derive(Debug)]
pub struct PerProcess<T> {
    value: AtomicPtr<T>,
    in_child: extern "C" fn(),
    is_registered: AtomicBool,
}

#[cfg(not(loom))]
impl<T: Default + Sync> PerProcess<T> {
    /// `in_child` runs in each forked child once the value is in use. It must call [`Self::forget`].
    pub const fn new(in_child: extern "C" fn()) -> Self {
        Self { value: AtomicPtr::new(null_mut()), in_child, is_registered: AtomicBool::new(false) }
    }

    /// The value of this process.
    pub fn get(&self) -> &T {
        // ORDER: Acquire, pairs with the Release of `make`; the value was written before its pointer.
        let known = self.value.load(Acquire);
        // SAFETY: the pointer is null or came from a box that is never freed, and no mutable reference to it exists.
        unsafe { known.as_ref() }.unwrap_or_else(|| self.make())
    }

    #[cold]
    fn make(&self) -> &T {
        // A flag and no `Once`: a child that is forked in the middle of `call_once` would wait there for ever. Two threads
        // may both register, and to forget twice does no harm.
        if !self.is_registered.load(Relaxed) {
            // SAFETY: the function stays mapped, because a library that uses this must not be unloaded. It allocates at
            // most, and the C library has made its allocator usable in the child by then.
            unsafe { libc::pthread_atfork(None, None, Some(self.in_child)) };
            // Relaxed: a thread that does not see it registers again.
            self.is_registered.store(true, Relaxed);
        }
        let made = Box::into_raw(Box::<T>::default());
        // ORDER: Release, pairs with the Acquire of `get`; publishes the value. Acquire on failure, because another
        // thread has published its value first.
        match self.value.compare_exchange(null_mut(), made, Release, Acquire) {
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
    pub fn forget(&self) {
        // Relaxed: the child has one thread.
        self.value.store(null_mut(), Relaxed);
    }
}
