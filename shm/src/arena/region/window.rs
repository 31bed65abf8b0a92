//! Windows: pages of the arena's file that are mapped a second time, at an address and with the access that a program
//! has chosen.
//!
//! The kernel enforces the access. A window without [`Access::WRITE`] *for good* is made from a descriptor that is open for
//! reading alone: then the kernel refuses to make it writable later, by any call.

use crate::arena::layout::PAGE_BYTES;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

bitflags::bitflags! {
    /// What a program may do with the bytes of a mapping.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u32 {
        /// Read them.
        const READ = 1;
        /// Write them.
        const WRITE = 2;
        /// Execute them.
        const EXECUTE = 4;
    }
}

impl Access {
    fn protection(self) -> libc::c_int {
        let of = |access, bit| if self.contains(access) { bit } else { libc::PROT_NONE };
        of(Self::READ, libc::PROT_READ)
            | of(Self::WRITE, libc::PROT_WRITE)
            | of(Self::EXECUTE, libc::PROT_EXEC)
    }
}

/// Reserves address space without access: at `at`, if nothing is there, or else at an address of the kernel's choice.
pub(crate) fn reserve(at: Option<usize>, len: usize) -> io::Result<usize> {
    let fixed = if at.is_some() { libc::MAP_FIXED_NOREPLACE } else { 0 };
    let hint = core::ptr::without_provenance_mut(at.unwrap_or(0));
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | fixed;
    // SAFETY: the kernel replaces no mapping: without MAP_FIXED it chooses a free range, and MAP_FIXED_NOREPLACE fails where
    // one is.
    let base = unsafe { libc::mmap(hint, len, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    if at.is_some_and(|at| at != base.addr()) {
        // A kernel before 4.17 takes the flag for a hint.
        // SAFETY: it was just mapped, and no other thread knows it.
        unsafe { libc::munmap(base, len) };
        return Err(io::Error::from_raw_os_error(libc::EEXIST));
    }
    Ok(base.addr())
}

/// Whether this process locks what it maps from now on (`mlockall(MCL_FUTURE)`): the kernel refuses to discard locked pages.
/// No page of the range is touched yet, so the call has no other effect.
///
/// # Safety
/// The range was reserved by [`reserve`], and no thread has used it since.
pub(crate) unsafe fn is_locked(at: usize) -> bool {
    // SAFETY: the caller's promise.
    unsafe { libc::madvise(core::ptr::without_provenance_mut(at), PAGE_BYTES, libc::MADV_DONTNEED) != 0 }
}

/// Maps `len` bytes of the file from `offset` on over reserved address space. `is_locked`: in a process that locks its memory.
/// There the kernel would commit all pages of a new mapping, those that were never written too. So access comes last.
///
/// # Safety
/// The range was reserved by [`reserve`], and no thread has used it since.
pub(crate) unsafe fn place(
    (at, len): (usize, usize),
    (file, offset): (BorrowedFd<'_>, usize),
    access: Access,
    is_locked: bool,
) -> io::Result<()> {
    let flags = libc::MAP_SHARED | libc::MAP_FIXED;
    let start = core::ptr::without_provenance_mut(at);
    let at_first = if is_locked { libc::PROT_NONE } else { access.protection() };
    // SAFETY: the caller's promise: only reserved pages are replaced.
    let placed = unsafe { libc::mmap(start, len, at_first, flags, file.as_raw_fd(), offset as libc::off_t) };
    if placed == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as for the arena itself (`mmap`): these change how the kernel treats the new mapping, and no byte.
    unsafe {
        libc::madvise(start, len, libc::MADV_DONTFORK);
        libc::madvise(start, len, libc::MADV_DONTDUMP);
        if is_locked {
            libc::munlock(start, len);
            libc::mlock2(start, len, libc::MLOCK_ONFAULT as _);
            return protect(at, len, access);
        }
    }
    Ok(())
}

/// Makes the kernel map the pages of the range now that have memory already.
pub(crate) fn populate(at: usize, len: usize) {
    // SAFETY: the call reads pages that are mapped; where none are it fails, which does no harm: it is a hint.
    unsafe { libc::madvise(core::ptr::without_provenance_mut(at), len, libc::MADV_WILLNEED) };
}

/// Lets the system swap the pages of the range again, if the program has locked them.
pub(crate) fn unlock(at: usize, len: usize) {
    // SAFETY: it changes only how the kernel treats the pages; where none are mapped it fails, which does no harm.
    unsafe { libc::munlock(core::ptr::without_provenance(at), len) };
}

/// Changes the access to mapped pages.
///
/// # Safety
/// The range is mapped by [`place`]. No thread relies on access that is taken away.
pub(crate) unsafe fn protect(at: usize, len: usize, access: Access) -> io::Result<()> {
    // SAFETY: the caller's promise.
    let result = unsafe { libc::mprotect(core::ptr::without_provenance_mut(at), len, access.protection()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Unmaps the range. It fails when the kernel has no memory, or no number of mappings, left to split one: then the pages stay.
///
/// # Safety
/// The range was reserved by [`reserve`], and no thread uses it any more.
pub(crate) unsafe fn unmap(at: usize, len: usize) -> io::Result<()> {
    // SAFETY: the caller's promise.
    let result = unsafe { libc::munmap(core::ptr::without_provenance_mut(at), len) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
