//! Removing the files of dead arenas.

use crate::membership::failure_detector::process::peer_of;
use crate::membership::poll::is_ready;
use crate::membership::socket::address::SocketAddress;
use crate::membership::socket::lock::LockFile;
use crate::membership::socket::names::{
    NEXT_SUFFIX, SOCKET_NAME, beside, is_made_name, is_own, is_private, lock_file_of,
};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::path::Path;
use std::time::Duration;

/// How long the maker of a folder may take to put its lock file there.
const TIME_TO_LOCK: Duration = Duration::from_secs(60);

/// Removes the files of this user's dead arenas from a folder of temporary files.
pub(crate) fn remove_dead(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for folder in entries.flatten().filter(is_of_an_arena) {
        remove_if_dead(&folder.path().join(SOCKET_NAME));
    }
}

fn is_of_an_arena(folder: &std::fs::DirEntry) -> bool {
    let is_named_so = is_made_name(&folder.file_name());
    // The metadata of a symbolic link is the link's own.
    is_named_so && folder.metadata().is_ok_and(|found| found.is_dir() && is_own(&found) && is_private(&found))
}

fn remove_if_dead(socket: &Path) {
    let path = lock_file_of(socket);
    let lock = LockFile::open(&path, OFlags::empty());
    // A lock on a file that was removed meanwhile proves no death, hence `is_at`. The lock is held to the end of this
    // function, so no other process gets it before the files are gone.
    let is_dead = match &lock {
        Ok(lock) => lock.lock(FlockOperation::NonBlockingLockExclusive).unwrap_or(false) && lock.is_at(&path),
        Err(error) => error.kind() == io::ErrorKind::NotFound && is_abandoned(socket),
    };
    if is_dead && !is_alive(listener_at(socket)) {
        tracing::debug!(path = %socket.display(), "removed the files of a dead arena");
        remove_files(socket);
    }
}

/// Whether the folder's maker had time enough to put a lock file there.
fn is_abandoned(socket: &Path) -> bool {
    let changed = socket.parent().and_then(|folder| folder.metadata().ok()?.modified().ok());
    changed.is_some_and(|changed| changed.elapsed().is_ok_and(|age| age > TIME_TO_LOCK))
}

/// Removes a socket and the files beside it; the folder too, if it was made for them and is empty.
pub(crate) fn remove_files(socket: &Path) {
    let Some(folder) = socket.parent() else { return };
    let is_made = folder.file_name().is_some_and(is_made_name) && socket.ends_with(SOCKET_NAME);
    // The lock file last: a process that finds it missing finds no other file.
    for path in [socket, &beside(socket, NEXT_SUFFIX), &lock_file_of(socket)] {
        let _ = std::fs::remove_file(path);
    }
    if is_made {
        let _ = std::fs::remove_dir(folder);
    }
}
/// The process that listens at the path, or did when it was forked from.
pub(crate) fn listener_at(path: &Path) -> Option<Pid> {
    // Not blocking: a listener whose queue is full must not hold this process up. Its arena's lock shows that it lives.
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    rustix::net::connect(&socket, &SocketAddress::of(path).ok()?.address).ok()?;
    // A process of another PID namespace is taken for alive, as process 1 is.
    peer_of(&socket).ok().map(|(pid, _)| pid.unwrap_or(Pid::INIT))
}

/// Whether it is a living process other than this one. A process that cannot be seen is taken for alive.
pub(crate) fn is_alive(pid: Option<Pid>) -> bool {
    pid.is_some_and(|pid| {
        pid != rustix::process::getpid()
            && match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => !is_ready(&pidfd),
                Err(error) => error != Errno::SRCH,
            }
    })
}
