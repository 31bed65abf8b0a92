//! The lock file of an arena, which tells whether the arena lives.
//!
//! Each attached process holds a shared lock on a file beside the arena's socket, from before it is admitted: between a
//! leader's death and its successor's start the lock alone shows that the arena lives. It is a record lock (`fcntl(2)`): it
//! belongs to the process, so a forked child does not have it; it is gone with the process's death or exec; a stopped
//! process keeps it. So a process that has the lock exclusively knows that no other process is attached.
//!
//! A lock file that was removed and made again is another file, and some attached processes have no lock on it yet. So an
//! arena is also alive while a living process listens at its socket. Between a leader's death and its successor's start,
//! files may be removed wrongly all the same. They are made again (`server::listener`).
//!
//! INV-LIVING-1: only a process that holds the lock exclusively removes an arena's files; or any process of this user, if
//! there is no lock file and none was made within a minute.

use crate::membership::socket::names::{file_at, lock_file_of};
use jacinth_shm::Held;
use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_lock};
use rustix::io::Errno;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// This process's lock on an arena's lock file.
pub(crate) struct ArenaLock {
    path: PathBuf,
    file: Mutex<Option<LockFile>>,
}

pub(crate) struct LockFile(Held);

impl LockFile {
    pub(crate) fn open(path: &Path, more: OFlags) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | more;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self(Held::new(file)?))
    }

    /// Whether it is still open, and at the path. The program may have closed the descriptor by mistake.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.0.is_intact() && file_at(path) == Some(self.0.id())
    }

    /// `false` if another process has the lock.
    pub(crate) fn lock(&self, how: FlockOperation) -> io::Result<bool> {
        let Some(file) = self.0.get() else { return Ok(false) };
        match fcntl_lock(file, how) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl ArenaLock {
    /// The lock of the arena with this socket, not held yet.
    pub(crate) fn beside(socket: &Path) -> Self {
        Self { path: lock_file_of(socket), file: Mutex::new(None) }
    }

    /// Holds the lock, shared by all attached processes; anew if the lock file is another one than before. `false` if
    /// another process holds it exclusively. A process that holds it exclusively shares it from then on, in one step.
    pub(crate) fn hold(&self) -> io::Result<bool> {
        self.take(FlockOperation::NonBlockingLockShared)
    }

    /// Holds it exclusively; `false` if another process is attached.
    pub(crate) fn hold_alone(&self) -> io::Result<bool> {
        self.take(FlockOperation::NonBlockingLockExclusive)
    }

    /// Removes the lock file. This process holds the lock exclusively.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Releases the lock.
    pub(crate) fn release(&self) {
        if let Some(file) = &*self.file() {
            let _ = file.lock(FlockOperation::NonBlockingUnlock);
        }
    }

    /// Releases the lock, and tells whether no other process is attached. Of several processes that do this at once, at
    /// least one gets `true`, because each releases before it looks.
    pub(crate) fn is_last(&self) -> bool {
        self.release();
        self.hold_alone().unwrap_or(false)
    }

    fn take(&self, how: FlockOperation) -> io::Result<bool> {
        let mut file = self.file();
        // Another process may remove the file at this very moment; then again.
        for _ in 0..16 {
            if !file.as_ref().is_some_and(|file| file.is_at(&self.path)) {
                let opened = LockFile::open(&self.path, OFlags::CREATE)?;
                // The umask may have taken bits of the mode away.
                rustix::fs::fchmod(opened.0.number(), Mode::RUSR | Mode::WUSR)?;
                *file = Some(opened);
            }
            let Some(file) = &*file else { continue };
            if !file.lock(how)? {
                return Ok(false);
            }
            // The file may have been removed between the opening and the lock. Other processes then lock another file.
            if file.is_at(&self.path) {
                return Ok(true);
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    fn file(&self) -> MutexGuard<'_, Option<LockFile>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
