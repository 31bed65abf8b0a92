//! Which arenas live, and what becomes of the files of those that do not.
//!
//! Each attached process holds a shared lock on a file beside the arena's socket. It is a record lock (`fcntl(2)`): the
//! process's own, so that a forked child does not have it, and gone with its death or its exec, also a violent one; a
//! process that is stopped keeps it. So who has the lock for itself alone knows that nobody is attached.
//!
//! A file that was removed and made again is another file, of which some processes have no lock yet. So nobody is taken
//! for dead either while a living process listens at the socket. What is removed wrongly all the same, between the
//! death of a leader and its successor's beginning, comes back: see `door`.
//!
//! INV-LIVING-1: files of an arena are removed only by who holds the lock alone; or if there is no lock file, and none
//! was made within a minute.

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

    /// Whether it is still open, and at the path. The program may have closed what is not its own.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        self.0.is_intact() && file_at(path) == Some(self.0.id())
    }

    /// Gives whether the lock was to be had.
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
    /// The lock of the arena with this socket. It is not held yet.
    pub(crate) fn beside(socket: &Path) -> Self {
        Self { path: lock_file_of(socket), file: Mutex::new(None) }
    }

    /// Holds the lock, together with all who are attached; also if the lock file is another than the last time.
    pub(crate) fn hold(&self) -> io::Result<()> {
        match self.take(FlockOperation::NonBlockingLockShared)? {
            true => Ok(()),
            false => Err(io::ErrorKind::ResourceBusy.into()),
        }
    }

    /// Holds it alone; `false` if anybody is attached.
    pub(crate) fn hold_alone(&self) -> io::Result<bool> {
        self.take(FlockOperation::NonBlockingLockExclusive)
    }

    /// Removes the file of a lock that this process holds alone.
    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Lets go of it, and says whether nobody is attached but this process. Of several that do this at once, at least
    /// one is told so: each has let go before it looks.
    pub(crate) fn is_last(&self) -> bool {
        if let Some(file) = &*self.file() {
            let _ = file.lock(FlockOperation::NonBlockingUnlock);
        }
        self.hold_alone().unwrap_or(false)
    }

    fn take(&self, how: FlockOperation) -> io::Result<bool> {
        let mut file = self.file();
        // More than once only if somebody removes the file at this very moment.
        for _ in 0..16 {
            if !file.as_ref().is_some_and(|file| file.is_at(&self.path)) {
                let opened = LockFile::open(&self.path, OFlags::CREATE)?;
                // Whatever the umask has left of the mode.
                rustix::fs::fchmod(opened.0.number(), Mode::RUSR | Mode::WUSR)?;
                *file = Some(opened);
            }
            let Some(file) = &*file else { continue };
            if !file.lock(how)? {
                return Ok(false);
            }
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
