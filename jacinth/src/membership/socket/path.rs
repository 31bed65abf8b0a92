//! The path at which the supervisor listens for processes that want to join. It stays the same for as long as the arena
//! lives, whichever process runs the supervisor.
//!
//! `docs/supervisor.md` lists the files. Beside the socket are the next one (`.next`), which replaces the old one in one step,
//! and the lock file (see `lock`).
//!
//! Only the leader listens here, so `.next` has one user at a time.

use crate::membership::socket::address::SocketAddress;
use crate::membership::socket::folder::{bases, enter, set_mode};
use crate::membership::socket::lock::ArenaLock;
use crate::membership::socket::names::{FOLDER_PREFIX, NEXT_SUFFIX, SOCKET_NAME, beside, file_at};
use crate::membership::socket::stale::{is_alive, listener_at, remove_dead, remove_files};
use jacinth_shm::{FileId, Held};
use rustix::fs::{Access, AtFlags, CWD};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Connections that may wait to be accepted: as many as the system allows.
const BACKLOG: i32 = 4096;

/// Whether this process is about to exit and has removed the files: then they are not made again.
static IS_ENDING: Mutex<bool> = Mutex::new(false);

/// The path of an arena's socket, as this process came to know it.
pub(crate) struct SocketPath {
    path: PathBuf,
    /// The root folder at that time. After a chroot the same path leads to another place.
    root: Option<FileId>,
    lock: ArenaLock,
}

/// A socket that listens at the path.
pub(crate) struct ListeningSocket {
    pub(crate) socket: Held,
    at: FileId,
}

impl SocketPath {
    /// A path as it was given. It is made absolute, because the working directory may change.
    pub(crate) fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let lock = ArenaLock::beside(&path);
        Self { path, root: file_at(Path::new("/")), lock }
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }

    /// Makes a new arena's socket, at `named` or in a new folder, and listens there. The files of this user's dead arenas
    /// are removed.
    pub(crate) fn create(named: Option<&Path>) -> Result<(Self, ListeningSocket), (PathBuf, io::Error)> {
        let bases = bases();
        bases.iter().for_each(|base| remove_dead(base));
        if let Some(path) = named {
            let socket_path = Self::new(path);
            let listening = socket_path.claim_named().map_err(|error| (socket_path.path.clone(), error))?;
            return Ok((socket_path, listening));
        }
        let mut refused = None;
        for base in bases {
            match Self::create_in(&base) {
                Ok(found) => return Ok(found),
                Err(error) => refused = refused.or(Some((base, error))),
            }
        }
        Err(refused.unwrap_or_else(|| (PathBuf::new(), io::ErrorKind::NotFound.into())))
    }

    /// Listens in a new folder. Another process that creates an arena may remove the folder as a dead arena's, before it is
    /// locked. Then this makes another folder.
    fn create_in(base: &Path) -> io::Result<(Self, ListeningSocket)> {
        use io::ErrorKind::{NotFound, ResourceBusy};
        const MOST_TRIES: u32 = 16;
        for _ in 1..MOST_TRIES {
            match Self::create_in_folder_of(base) {
                // The folder is gone, or another process has its lock and is about to remove it. Without `base` each
                // further try would fail too.
                Err(error) if matches!(error.kind(), NotFound | ResourceBusy) && base.is_dir() => {}
                found => return found,
            }
        }
        Self::create_in_folder_of(base)
    }

    fn create_in_folder_of(base: &Path) -> io::Result<(Self, ListeningSocket)> {
        let folder = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(base)?;
        // The umask may have taken bits of the mode away.
        set_mode(folder.path(), 0o700)?;
        let socket_path = Self::new(&folder.path().join(SOCKET_NAME));
        socket_path.share_lock()?;
        let listening = socket_path.listen()?;
        // Until here each error has removed the folder.
        let _stays = folder.keep();
        Ok((socket_path, listening))
    }

    /// Takes a path that may have been another arena's. That arena must be dead.
    fn claim_named(&self) -> io::Result<ListeningSocket> {
        enter(self.folder()?)?;
        // A path that is refused gets no lock file beside it.
        make_way(&self.path)?;
        let start = std::time::Instant::now();
        while !self.lock.hold_alone()? {
            // A dying process holds its lock until the system has taken its memory down.
            if is_alive(listener_at(&self.path)) || start.elapsed() > std::time::Duration::from_secs(1) {
                return Err(self.in_use());
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.listen_claimed()
    }

    /// Claims the path for a new arena, if no arena lives there: this process holds the lock exclusively then. `false` if a
    /// process is attached, joins, or claims the path itself; the caller joins that arena, or asks again.
    ///
    /// The kernel drops the claim of a process that dies. So a claim is never stale, and needs no timeout.
    pub(crate) fn claim(&self) -> io::Result<bool> {
        enter(self.folder()?)?;
        make_way(&self.path)?;
        match self.lock.hold_alone() {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            // The file was removed again and again, so other processes are at work.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => return Ok(false),
            Err(error) => return Err(error),
        }
        let is_vacant = !is_alive(listener_at(&self.path));
        if !is_vacant {
            // The lock file was removed while an arena lived there. Its supervisor listens, so it can be joined.
            self.lock.release();
        }
        Ok(is_vacant)
    }

    /// Listens at a path whose lock this process holds exclusively.
    pub(crate) fn listen_claimed(&self) -> io::Result<ListeningSocket> {
        // After a refusal it leaves no file behind.
        let listening = self.listen_if_free().inspect_err(|_| self.abandon_claim())?;
        // Shared from here on, because the processes that attach hold it too.
        self.share_lock()?;
        Ok(listening)
    }

    fn share_lock(&self) -> io::Result<()> {
        if self.lock.hold()? { Ok(()) } else { Err(io::ErrorKind::ResourceBusy.into()) }
    }

    /// Gives the path up again. This process holds the lock exclusively.
    pub(crate) fn abandon_claim(&self) {
        self.lock.remove();
        self.lock.release();
    }

    /// Listens at the path from now on, unless a living process does.
    pub(crate) fn listen_if_free(&self) -> io::Result<ListeningSocket> {
        if is_alive(listener_at(&self.path)) { Err(self.in_use()) } else { self.listen() }
    }

    /// Listens at the path from now on, in place of the last supervisor's socket. That process may still live as another
    /// program, and a forked child of it may have the socket open.
    pub(crate) fn listen(&self) -> io::Result<ListeningSocket> {
        // Locked until the socket is in place. So an exit of this process removes it, or comes first and prevents it.
        let ending = IS_ENDING.lock().unwrap_or_else(PoisonError::into_inner);
        if *ending {
            return Err(io::Error::other("this process is about to exit"));
        }
        if !self.means_the_same() {
            return Err(io::Error::other(
                "this process has another root folder than when it learned of the path",
            ));
        }
        enter(self.folder()?)?;
        let next = beside(&self.path, NEXT_SUFFIX);
        for path in [&self.path, &next] {
            make_way(path)?;
        }
        let socket = bind(&next).inspect_err(|_| drop(std::fs::remove_file(&next)))?;
        let renamed = std::fs::rename(&next, &self.path);
        renamed.inspect_err(|_| drop(std::fs::remove_file(&next)))?;
        let at = file_at(&self.path).ok_or(io::ErrorKind::NotFound)?;
        Ok(ListeningSocket { socket: Held::new(socket)?, at })
    }

    /// Whether this process could probably listen here. If not, it leaves the lead to other processes for a moment.
    pub(crate) fn is_within_reach(&self) -> bool {
        let may_change = |path: &Path| {
            rustix::fs::accessat(CWD, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())
        };
        let Ok(folder) = self.folder() else { return false };
        // `listen` makes a missing folder, in its parent.
        let folder = if folder.exists() { Some(folder) } else { folder.parent() };
        self.means_the_same() && folder.is_some_and(|folder| may_change(folder).is_ok())
    }

    /// Whether this very socket is still at the path.
    pub(crate) fn has(&self, listening: &ListeningSocket) -> bool {
        file_at(&self.path) == Some(listening.at)
    }

    /// The file at the path, if it is this socket.
    pub(crate) fn file_of(&self, listening: &ListeningSocket) -> Option<FileId> {
        self.has(listening).then_some(listening.at)
    }

    /// Locks the arena's lock file, which shows that this process is attached, or about to be. `false` if another process
    /// holds it exclusively: that one makes an arena here, or removes the files of a dead one.
    pub(crate) fn hold(&self) -> bool {
        if !self.means_the_same() {
            return true;
        }
        match self.lock.hold() {
            Ok(is_held) => is_held,
            Err(error) => {
                // Without a lock, the arena still counts as alive while a process listens.
                tracing::debug!(%error, path = %self.path.display(), "the arena's lock file cannot be had");
                true
            }
        }
    }

    /// Releases the lock, because this process does not attach.
    pub(crate) fn release(&self) {
        self.lock.release();
    }

    /// Removes the files if this process, which is about to exit, is the last attached one.
    pub(crate) fn end(&self) {
        let mut ending = IS_ENDING.lock().unwrap_or_else(PoisonError::into_inner);
        *ending = true;
        if self.means_the_same() && self.lock.is_last() {
            remove_files(&self.path);
        }
    }

    pub(crate) fn folder(&self) -> io::Result<&Path> {
        self.path.parent().ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    fn means_the_same(&self) -> bool {
        self.root == file_at(Path::new("/"))
    }

    fn in_use(&self) -> io::Error {
        let who = match listener_at(&self.path) {
            Some(pid) => format!("the arena of process {} is there", pid.as_raw_nonzero()),
            None => "processes are attached to the arena that was made there".into(),
        };
        io::Error::new(io::ErrorKind::AddrInUse, format!("{who}: join it, or take another path"))
    }
}

/// Fails if the path has a file that is no socket. Only sockets are replaced.
fn make_way(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(()),
        Ok(_) => {
            let what = format!("{} is there, and is no socket", path.display());
            Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Listens at the path. A socket there is removed first.
fn bind(path: &Path) -> io::Result<OwnedFd> {
    let _ = std::fs::remove_file(path);
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    let socket_address = SocketAddress::of(path)?;
    rustix::net::bind(&socket, &socket_address.address)
        .map_err(|errno| socket_address.explain(path, errno))?;
    // In time: no process can connect before `listen`.
    set_mode(path, 0o600)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}
