//! An arena in a sealed, sparse memfd: the memory that processes share.
//!
//! The seals (`SHRINK`, `GROW`, `SEAL`) are what makes mapped memory safe to touch: nobody can truncate the
//! file and make another process fault. Untouched pages cost nothing. The mapping is not inherited by a
//! forked child (`MADV_DONTFORK`) and stays out of core dumps (`MADV_DONTDUMP`).

use super::Region;
use crate::arena::AttachError;
use core::ptr::NonNull;
use memmap2::{Advice, MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The seals an arena's file must carry.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A sparse memfd of `len_bytes`, sealed against any change of its size.
pub(crate) fn create_memfd(len_bytes: usize) -> Result<OwnedFd, AttachError> {
    let fd = rustix::fs::memfd_create("jacinth-arena", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&fd, len_bytes as u64)?;
    rustix::fs::fcntl_add_seals(&fd, SEALS)?;
    Ok(fd)
}

/// A mapped arena file.
pub(crate) struct Mapped {
    map: MmapRaw,
    file: OwnedFd,
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
        if len_bytes < 4096 {
            return Err(AttachError::Truncated { actual_bytes: len_bytes as u64, expected_bytes: 4096 });
        }
        match rustix::fs::fcntl_get_seals(&file) {
            Ok(seals) if seals.contains(SEALS) => {}
            // A file that cannot be sealed, or is not, could be truncated under us: it is no arena.
            _ => return Err(AttachError::NotSealed),
        }
        let map = MmapOptions::new().len(len_bytes).map_raw(&file).map_err(AttachError::Map)?;
        map.advise(Advice::DontFork).map_err(AttachError::Map)?;
        map.advise(Advice::DontDump).map_err(AttachError::Map)?;
        Ok(Self { map, file })
    }
}

// SAFETY: the mapping lives as long as `map`, is page-aligned, and the seals checked in `new` keep every page
// of it inside the file.
unsafe impl Region for Mapped {
    fn base(&self) -> NonNull<u8> {
        NonNull::new(self.map.as_mut_ptr()).expect("a mapping is never at address 0")
    }

    fn len_bytes(&self) -> usize {
        self.map.len()
    }

    fn file(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}
