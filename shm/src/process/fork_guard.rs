//! A check, for the price of one load, that this process is not a forked child.
//!
//! A child does not inherit the arena's mapping (`MADV_DONTFORK`), so touching the arena there would fault. It inherits
//! one private page, wiped to zero (`MADV_WIPEONFORK`). A thread that reads 1 there runs in the process that attached.

use crate::sync::{AtomicU64, Relaxed};
use core::ptr::NonNull;

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
        let page = unsafe { mmap_anonymous(core::ptr::null_mut(), 4096, protection, MapFlags::PRIVATE) };
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
