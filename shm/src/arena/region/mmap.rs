//! An arena in a sealed, sparse memfd: the memory that processes share.
//!
//! The seals (`SHRINK`, `GROW`, `SEAL`) make mapped memory safe to touch: no process can truncate the file and so make
//! another process fault. Untouched pages cost no memory, even in a process that locks its memory. A forked child does
//! not inherit the mapping (`MADV_DONTFORK`), and core dumps do not contain it (`MADV_DONTDUMP`).

use super::Region;
use super::limited::{Limit, Limited};
use crate::arena::attach_error::AttachError;
use crate::arena::layout::PAGE_BYTES;
use crate::arena::region::held::{FileId, Held};
use crate::sync::{self, AtomicU64, Relaxed};
use core::ptr::NonNull;
use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// The seals an arena's file must carry.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A sparse memfd of `len_bytes`, sealed against any change of its size.
pub(crate) fn create_memfd(len_bytes: usize) -> Result<OwnedFd, AttachError> {
    // Check first: beyond the limit the kernel ends the process by SIGXFSZ, and gives no error.
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
    /// The same file, open for reading alone, from its first use on. `None`: it could not be opened.
    reading: OnceLock<Option<Held>>,
}

impl Mapped {
    /// Maps the whole of `file`, after checking that it is sealed, belongs to this user and has a plausible size.
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
            // Another process could truncate a file that is not sealed, or cannot be, so it is not an arena.
            _ => return Err(AttachError::NotSealed),
        }
        let map = Mapping::new(file.as_fd(), len_bytes).map_err(|error| {
            Limited::behind(&error, len_bytes).map_or(AttachError::Map(error), AttachError::Limited)
        })?;
        let file = Held::new(file).map_err(AttachError::Map)?;
        Ok(Self { map, file, reading: OnceLock::new() })
    }
}

/// The same file, open for reading alone: what is mapped from it cannot be made writable.
fn open_for_reading(file: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// The mapping of a file. Dropping it unmaps the file.
struct Mapping {
    base: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: the mapping stays in place, no matter which thread has the value; this type gives no access to the memory.
unsafe impl Send for Mapping {}

// SAFETY: as for `Send`.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the file for reading and writing.
    ///
    /// After `mlockall(MCL_FUTURE)` the kernel commits every new mapping at once, all gigabytes of it, but only if the
    /// mapping may be accessed. So the mapping is made without access, is then told to lock pages as they are touched
    /// (`MLOCK_ONFAULT`), and is opened for access last.
    fn new(file: BorrowedFd<'_>, len_bytes: usize) -> io::Result<Self> {
        // SAFETY: the kernel chooses the address of the new mapping, so no existing memory is touched.
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
        // From here on, dropping `map` undoes the mapping.
        let map = Self { base, len_bytes };
        // SAFETY: these change only how the kernel treats the new mapping, which only `map` knows, and none of its
        // bytes.
        unsafe {
            let base = base.as_ptr().cast();
            // The kernel refuses to discard locked pages. For an untouched page the call has no other effect, so it is
            // a test for `MCL_FUTURE`.
            let is_locked = libc::madvise(base, PAGE_BYTES, libc::MADV_DONTNEED) != 0;
            if is_locked {
                checked(libc::munlock(base, len_bytes))?;
                // A kernel without `MLOCK_ONFAULT` refuses this. Then the arena stays unlocked: committing all of it
                // would be worse.
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
        // SAFETY: mapped in `new`; every user of the region borrows it, so no reference to it is left.
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

    fn file_for_reading(&self) -> Option<BorrowedFd<'_>> {
        let open = || Held::new(open_for_reading(self.file.get()?).ok()?).ok();
        self.reading.get_or_init(open).as_ref()?.get()
    }

    fn file_id(&self) -> Option<FileId> {
        Some(self.file.id())
    }

    fn decommit(&self, offset_bytes: usize, len_bytes: usize) -> usize {
        if offset_bytes >= self.map.len_bytes {
            return 0;
        }
        let end = offset_bytes.saturating_add(len_bytes).min(self.map.len_bytes);
        // A page that is shared with the bytes before or after the range stays.
        let (first, past) = (offset_bytes.next_multiple_of(PAGE_BYTES), end / PAGE_BYTES * PAGE_BYTES);
        if first >= past {
            return 0;
        }
        // SAFETY: the pages are inside the mapping and stay mapped. Only their bytes change, to zero. The arena's types
        // accept any bytes and are accessed only atomically (`Shared`), so this is like a write by another process.
        let removed = unsafe {
            libc::madvise(self.map.base.as_ptr().add(first).cast(), past - first, libc::MADV_REMOVE)
        };
        // The kernel refuses (EINVAL) if the pages are locked. Then they stay, as the program that locked them wants.
        if removed == 0 { past - first } else { 0 }
    }

    fn data(&self, offset_bytes: usize, end_bytes: usize) -> Option<(usize, usize)> {
        use rustix::fs::SeekFrom;
        if offset_bytes >= end_bytes {
            return None;
        }
        // Without the descriptor, and where the system refuses the question, all may be. The calls move the position of the
        // file, which no thread uses.
        let all = Some((offset_bytes, end_bytes));
        let Some(file) = self.file() else { return all };
        let first = match rustix::fs::seek(file, SeekFrom::Data(offset_bytes as u64)) {
            Ok(first) => first as usize,
            Err(rustix::io::Errno::NXIO) => return None,
            Err(_) => return all,
        };
        let past =
            rustix::fs::seek(file, SeekFrom::Hole(first as u64)).map_or(end_bytes, |past| past as usize);
        (first < end_bytes).then_some((first, past.min(end_bytes)))
    }

    fn commit(&self, offset_bytes: usize, len_bytes: usize) -> bool {
        let end = offset_bytes.saturating_add(len_bytes).min(self.map.len_bytes);
        let first = offset_bytes / PAGE_BYTES * PAGE_BYTES;
        if first >= end {
            return true;
        }
        let start = self.map.base.as_ptr().wrapping_add(first);
        // SAFETY: the pages are inside the mapping. The call provides memory for them and changes no byte.
        let populated = unsafe { libc::madvise(start.cast(), end - first, libc::MADV_POPULATE_WRITE) };
        if populated == 0 {
            return true;
        }
        // A kernel before 5.14 does not know the call. Without memory a touch would end the process, so only then.
        if io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL) {
            return false;
        }
        for page in (first..end).step_by(PAGE_BYTES) {
            // SAFETY: the word is inside the mapping and aligned to a page; all accesses to it are atomic.
            let word = unsafe { self.map.base.add(page).cast::<AtomicU64>().as_ref() };
            // Relaxed: it changes no bit.
            word.fetch_or(0, Relaxed);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGES: usize = 8;

    /// A region of a few pages, each byte of which is 1.
    fn written() -> Mapped {
        let region = Mapped::new(create_memfd(PAGES * PAGE_BYTES).unwrap()).unwrap();
        // SAFETY: the region is this long, and no other thread has it.
        unsafe { region.base().write_bytes(1, region.len_bytes()) };
        region
    }

    fn bytes(region: &Mapped) -> Vec<u8> {
        // SAFETY: mapped, this long, and no thread writes at the same time.
        unsafe { core::slice::from_raw_parts(region.base().as_ptr(), region.len_bytes()) }.to_vec()
    }

    fn real_bytes(region: &Mapped) -> usize {
        rustix::fs::fstat(region.file().unwrap()).unwrap().st_blocks as usize * 512
    }

    #[test]
    fn given_back_pages_read_as_zero() {
        let region = written();
        assert_eq!(real_bytes(&region), PAGES * PAGE_BYTES);
        assert_eq!(region.decommit(2 * PAGE_BYTES, 3 * PAGE_BYTES), 3 * PAGE_BYTES);
        assert_eq!(real_bytes(&region), (PAGES - 3) * PAGE_BYTES);
        for (index, byte) in bytes(&region).into_iter().enumerate() {
            let is_given = (2 * PAGE_BYTES..5 * PAGE_BYTES).contains(&index);
            assert_eq!(byte, u8::from(!is_given), "byte {index}");
        }
    }

    #[test]
    fn partly_given_pages_stay_whole() {
        let region = written();
        assert_eq!(region.decommit(PAGE_BYTES + 1, 2 * PAGE_BYTES), PAGE_BYTES);
        assert_eq!(bytes(&region)[2 * PAGE_BYTES - 1], 1);
        assert_eq!(bytes(&region)[2 * PAGE_BYTES], 0);
        assert_eq!(bytes(&region)[3 * PAGE_BYTES], 1);
        assert_eq!(region.decommit(5 * PAGE_BYTES - 64, 128), 0);
        assert_eq!(region.decommit(5 * PAGE_BYTES, PAGE_BYTES - 1), 0);
        assert_eq!(bytes(&region)[5 * PAGE_BYTES - 64..6 * PAGE_BYTES], [1; PAGE_BYTES + 64]);
    }

    #[test]
    fn bytes_outside_the_region_are_ignored() {
        let region = written();
        assert_eq!(region.decommit(PAGES * PAGE_BYTES, PAGE_BYTES), 0);
        assert_eq!(region.decommit(usize::MAX - 1, 2), 0);
        assert_eq!(region.decommit((PAGES - 1) * PAGE_BYTES, usize::MAX), PAGE_BYTES);
    }

    #[test]
    fn other_mappings_see_the_hole_too() {
        let region = written();
        let other = Mapped::new(region.file().unwrap().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(bytes(&other)[0], 1);
        assert_eq!(region.decommit(0, PAGE_BYTES), PAGE_BYTES);
        assert_eq!(bytes(&other)[0], 0);
        // Bytes written afterwards are shared by both mappings again.
        // SAFETY: mapped, and no other thread accesses it.
        unsafe { other.base().write(2) };
        assert_eq!(bytes(&region)[0], 2);
    }

    #[test]
    fn locked_pages_are_kept() {
        let region = written();
        // SAFETY: the region is mapped, and locking changes none of its bytes.
        if unsafe { libc::mlock(region.base().as_ptr().cast(), PAGE_BYTES) } != 0 {
            return eprintln!("skipped: this user may lock no memory (RLIMIT_MEMLOCK)");
        }
        assert_eq!(region.decommit(0, PAGE_BYTES), 0);
        assert_eq!(bytes(&region)[0], 1);
    }
}
