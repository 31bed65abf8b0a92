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

use crate::membership::failure_detector::process::{self, is_ready};
use crate::membership::socket::path::{
    FOLDER_PREFIX, Reach, SOCKET_NAME, beside, file_at, is_own, is_private,
};
use jacinth_shm::Held;
use rustix::fs::{FlockOperation, Mode, OFlags, fcntl_lock};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long whoever has made a folder may take to put its lock file there.
const TIME_TO_LOCK: Duration = Duration::from_secs(60);

/// This process's lock on an arena's lock file.
pub(crate) struct Mark {
    path: PathBuf,
    file: Mutex<Option<LockFile>>,
}

struct LockFile(Held);

impl LockFile {
    fn open(path: &Path, more: OFlags) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | more;
        let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self(Held::new(file)?))
    }

    /// Whether it is still open, and at the path. The program may have closed what is not its own.
    fn is_at(&self, path: &Path) -> bool {
        self.0.is_intact() && file_at(path) == Some(self.0.id())
    }

    /// Gives whether the lock was to be had.
    fn lock(&self, how: FlockOperation) -> io::Result<bool> {
        let Some(file) = self.0.get() else { return Ok(false) };
        match fcntl_lock(file, how) {
            Ok(()) => Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Mark {
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

fn lock_file_of(socket: &Path) -> PathBuf {
    beside(socket, ".lock")
}

/// The process that listens at the path, or did when it was forked from.
pub(crate) fn listener_at(path: &Path) -> Option<Pid> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    rustix::net::connect(&socket, &Reach::of(path).ok()?.address).ok()?;
    // One that cannot be seen from this PID namespace lives, for all that is known here; as does its first process.
    process::peer_of(&socket).ok().map(|(pid, _)| pid.unwrap_or(Pid::INIT))
}

/// Whether it is a process that lives, other than this one. What cannot be seen lives.
pub(crate) fn is_alive(pid: Option<Pid>) -> bool {
    pid.is_some_and(|pid| {
        pid != rustix::process::getpid()
            && match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => !is_ready(&pidfd),
                Err(error) => error != Errno::SRCH,
            }
    })
}

/// Removes what dead arenas of this user have left in a folder of temporary files.
pub(crate) fn remove_dead(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for folder in entries.flatten().filter(is_of_an_arena) {
        remove_if_dead(&folder.path().join(SOCKET_NAME));
    }
}

fn is_of_an_arena(folder: &std::fs::DirEntry) -> bool {
    let is_named_so = is_made_name(&folder.file_name());
    // Of a symbolic link it is the link itself that is looked at.
    is_named_so && folder.metadata().is_ok_and(|found| found.is_dir() && is_own(&found) && is_private(&found))
}

fn is_made_name(name: &std::ffi::OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(FOLDER_PREFIX));
    random.is_some_and(|random| random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn remove_if_dead(socket: &Path) {
    let path = lock_file_of(socket);
    let lock = LockFile::open(&path, OFlags::empty());
    let is_dead = match &lock {
        Ok(lock) => lock.lock(FlockOperation::NonBlockingLockExclusive).unwrap_or(false) && lock.is_at(&path),
        Err(error) => error.kind() == io::ErrorKind::NotFound && is_abandoned(socket),
    };
    if is_dead && !is_alive(listener_at(socket)) {
        tracing::debug!(path = %socket.display(), "removed what a dead arena has left");
        remove_files(socket);
    }
}

/// Whether the folder's maker has had the time to put a lock file there, and has not.
fn is_abandoned(socket: &Path) -> bool {
    let changed = socket.parent().and_then(|folder| folder.metadata().ok()?.modified().ok());
    changed.is_some_and(|changed| changed.elapsed().is_ok_and(|age| age > TIME_TO_LOCK))
}

/// Removes a socket and what belongs to it; the folder too, if it was made for it and has nothing else in it.
pub(crate) fn remove_files(socket: &Path) {
    let Some(folder) = socket.parent() else { return };
    let is_made = folder.file_name().is_some_and(is_made_name) && socket.ends_with(SOCKET_NAME);
    // The lock last: who finds it gone finds nothing else.
    for path in [socket, &beside(socket, ".next"), &lock_file_of(socket)] {
        let _ = std::fs::remove_file(path);
    }
    if is_made {
        let _ = std::fs::remove_dir(folder);
    }
}
