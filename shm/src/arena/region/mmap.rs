//! An arena in a sealed, sparse memfd: the memory that processes share.
//!
//! The seals (`SHRINK`, `GROW`, `SEAL`) are what makes mapped memory safe to touch: nobody can truncate the
//! file and make another process fault. Untouched pages cost nothing, also in a process that locks its memory. The
//! mapping is not inherited by a forked child (`MADV_DONTFORK`) and stays out of core dumps (`MADV_DONTDUMP`).

use super::Region;
use super::limited::{Limit, Limited};
use crate::arena::attach_error::AttachError;
use crate::arena::layout::PAGE_BYTES;
use crate::arena::region::held::{FileId, Held};
use crate::sync;
use core::ptr::NonNull;
use rustix::fs::{MemfdFlags, SealFlags};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// The seals an arena's file must carry.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A sparse memfd of `len_bytes`, sealed against any change of its size.
pub(crate) fn create_memfd(len_bytes: usize) -> Result<OwnedFd, AttachError> {
    // The kernel would end the process, by SIGXFSZ, before it said no.
    Limit::FileSize.check(len_bytes)?;
    let fd = rustix::fs::memfd_create("jacinth-arena", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&fd, len_bytes as u64)?;
    rustix::fs::fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

/// A mapped arena file.
pub(crate) struct Mapped {
    map: Mapping,
    file: Held,
}

impl Mapped {
    /// Maps the whole of `file`, having checked that it is a sealed file of this user and of a sane size.
    pub(crate) fn new(file: OwnedFd) -> Result<Self, AttachError> {
        let stat = rustix::fs::fstat(&file)?;
        let user = rustix::process::geteuid().as_raw();
        if stat.st_uid != user {
            return Err(AttachError::AnotherUser { owner: stat.st_uid, user });
        }
        let len_bytes = usize::try_from(stat.st_size).unwrap_or(0);
        if len_bytes < PAGE_BYTES {
            return Err(AttachError::Truncated {
                actual_bytes: len_bytes as u64,
                expected_bytes: PAGE_BYTES as u64,
            });
        }
        match rustix::fs::fcntl_get_seals(&file) {
            Ok(seals) if seals.contains(SEALS) => {}
            // A file that cannot be sealed, or is not, could be truncated under us: it is no arena.
            _ => return Err(AttachError::NotSealed),
        }
        let map = Mapping::new(file.as_fd(), len_bytes).map_err(|error| {
            Limited::behind(&error, len_bytes).map_or(AttachError::Map(error), AttachError::Limited)
        })?;
        Ok(Self { map, file: Held::new(file).map_err(AttachError::Map)? })
    }
}

/// Where a file is mapped. Unmapped when it is dropped.
struct Mapping {
    base: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: the mapping stays where it is, whichever thread has the value; this type gives no access to it.
unsafe impl Send for Mapping {}

// SAFETY: as for `Send`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the file for reading and writing.
    ///
    /// After `mlockall(MCL_FUTURE)` the kernel makes whatever is mapped real at once, all gigabytes of it: but only what
    /// may be accessed. So the mapping begins without access, is told to lock pages as they are touched
    /// (`MLOCK_ONFAULT`), and only then is opened.
    fn new(file: BorrowedFd<'_>, len_bytes: usize) -> io::Result<Self> {
        // SAFETY: a new mapping, where the kernel likes, touches nobody's memory.
        let base = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                len_bytes,
                libc::PROT_NONE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).expect("a mapping is never at address 0");
        // From here on it is undone by being dropped.
        let map = Self { base, len_bytes };
        // SAFETY: these change how the new mapping is treated, which nobody but `map` knows, and none of its bytes.
        unsafe {
            let base = base.as_ptr().cast();
            // What is locked cannot be let go of: asking for a page that nobody has touched changes nothing, and tells.
            let is_locked = libc::madvise(base, PAGE_BYTES, libc::MADV_DONTNEED) != 0;
            if is_locked {
                checked(libc::munlock(base, len_bytes))?;
                // Refused, by a kernel that cannot do it, the arena stays unlocked, which is the lesser evil.
                libc::mlock2(base, len_bytes, libc::MLOCK_ONFAULT as _);
            }
            checked(libc::madvise(base, len_bytes, libc::MADV_DONTFORK))?;
            checked(libc::madvise(base, len_bytes, libc::MADV_DONTDUMP))?;
            checked(libc::mprotect(base, len_bytes, libc::PROT_READ | libc::PROT_WRITE))?;
        }
        sync::mapped(base.as_ptr().addr(), len_bytes);
        Ok(map)
    }
}

fn checked(returned: libc::c_int) -> io::Result<()> {
    if returned == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`, and whoever uses the region borrows it.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len_bytes) };
    }
}

// SAFETY: the mapping lives as long as `map`, is page-aligned, and the seals checked in `new` keep every page
// of it inside the file.
unsafe impl Region for Mapped {
    fn base(&self) -> NonNull<u8> {
        self.map.base
    }

    fn len_bytes(&self) -> usize {
        self.map.len_bytes
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.get()
    }

    fn file_id(&self) -> Option<FileId> {
        Some(self.file.id())
    }

    fn give_back(&self, offset_bytes: usize, len_bytes: usize) -> usize {
        if offset_bytes >= self.map.len_bytes {
            return 0;
        }
        let end = offset_bytes.saturating_add(len_bytes).min(self.map.len_bytes);
        // What shares a page with the bytes before or behind stays.
        let (first, past) = (offset_bytes.next_multiple_of(PAGE_BYTES), end / PAGE_BYTES * PAGE_BYTES);
        if first >= past {
            return 0;
        }
        // SAFETY: the pages are inside the mapping. They stay mapped, and only their bytes change, to zero: the arena's
        // types accept any bytes, and are reached by atomic accesses alone (`Shared`), so this is a write like another
        // process's.
        let removed = unsafe {
            libc::madvise(self.map.base.as_ptr().add(first).cast(), past - first, libc::MADV_REMOVE)
        };
        // The kernel refuses (EINVAL) where the pages are locked: then they stay, as whoever locked them wants it.
        if removed == 0 { past - first } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: usize = 8;

    /// A region of a few pages, each byte of which is 1.
    fn written() -> Mapped {
        let region = Mapped::new(create_memfd(PAGES * PAGE_BYTES).unwrap()).unwrap();
        // SAFETY: the region is this long, and nobody else has it.
        unsafe { region.base().write_bytes(1, region.len_bytes()) };
        region
    }

    fn bytes(region: &Mapped) -> Vec<u8> {
        // SAFETY: mapped, this long, and nobody writes meanwhile.
        unsafe { core::slice::from_raw_parts(region.base().as_ptr(), region.len_bytes()) }.to_vec()
    }

    fn real_bytes(region: &Mapped) -> usize {
        rustix::fs::fstat(region.file().unwrap()).unwrap().st_blocks as usize * 512
    }

    #[test]
    fn what_is_given_back_costs_nothing_and_reads_as_zero() {
        let region = written();
        assert_eq!(real_bytes(&region), PAGES * PAGE_BYTES);
        assert_eq!(region.give_back(2 * PAGE_BYTES, 3 * PAGE_BYTES), 3 * PAGE_BYTES);
        assert_eq!(real_bytes(&region), (PAGES - 3) * PAGE_BYTES);
        for (index, byte) in bytes(&region).into_iter().enumerate() {
            let is_given = (2 * PAGE_BYTES..5 * PAGE_BYTES).contains(&index);
            assert_eq!(byte, u8::from(!is_given), "byte {index}");
        }
    }

    #[test]
    fn pages_that_are_given_in_part_stay_whole() {
        let region = written();
        assert_eq!(region.give_back(PAGE_BYTES + 1, 2 * PAGE_BYTES), PAGE_BYTES);
        assert_eq!(bytes(&region)[2 * PAGE_BYTES - 1], 1);
        assert_eq!(bytes(&region)[2 * PAGE_BYTES], 0);
        assert_eq!(bytes(&region)[3 * PAGE_BYTES], 1);
        assert_eq!(region.give_back(5 * PAGE_BYTES - 64, 128), 0);
        assert_eq!(region.give_back(5 * PAGE_BYTES, PAGE_BYTES - 1), 0);
        assert_eq!(bytes(&region)[5 * PAGE_BYTES - 64..6 * PAGE_BYTES], [1; PAGE_BYTES + 64]);
    }

    #[test]
    fn nothing_outside_the_region_is_given_back() {
        let region = written();
        assert_eq!(region.give_back(PAGES * PAGE_BYTES, PAGE_BYTES), 0);
        assert_eq!(region.give_back(usize::MAX - 1, 2), 0);
        assert_eq!(region.give_back((PAGES - 1) * PAGE_BYTES, usize::MAX), PAGE_BYTES);
    }

    #[test]
    fn another_mapping_of_the_file_sees_the_hole_too() {
        let region = written();
        let other = Mapped::new(region.file().unwrap().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(bytes(&other)[0], 1);
        assert_eq!(region.give_back(0, PAGE_BYTES), PAGE_BYTES);
        assert_eq!(bytes(&other)[0], 0);
        // What is written afterwards is both's again.
        // SAFETY: mapped, and nobody else is looking.
        unsafe { other.base().write(2) };
        assert_eq!(bytes(&region)[0], 2);
    }

    #[test]
    fn locked_pages_are_kept() {
        let region = written();
        // SAFETY: the region is mapped, and locking changes nothing in it.
        if unsafe { libc::mlock(region.base().as_ptr().cast(), PAGE_BYTES) } != 0 {
            return eprintln!("skipped: this user may lock no memory (RLIMIT_MEMLOCK)");
        }
        assert_eq!(region.give_back(0, PAGE_BYTES), 0);
        assert_eq!(bytes(&region)[0], 1);
    }
}
