//! Where the supervisor listens for processes that want to join: a socket in the file system. The path stays the same
//! for as long as the arena lives, whichever process runs the supervisor.
//!
//! ```text
//!  $XDG_RUNTIME_DIR/jacinth-Xy12zW/supervisor        the socket, mode 0600     (or $TMPDIR, /tmp; or as Config names it)
//!                                  supervisor.next   the same, before it takes its place: nobody finds the path empty
//!                                  supervisor.lock   held by each attached process: see `living`
//! ```
//!
//! Only the process that leads listens here, so `.next` has one user at a time.
//!
//! A socket's address has room for 108 bytes. A longer path is reached through `/proc/self/fd/N/supervisor`, where N is
//! its folder, opened for that moment. Whether that works is known when the arena is made.

use crate::membership::socket::lock::{Mark, is_alive, listener_at, remove_dead, remove_files};
use jacinth_shm::{FileId, Held};
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The name of the socket in a folder that was made for it.
pub(crate) const SOCKET_NAME: &str = "supervisor";
/// What the folders that are made for a socket are called; six letters or digits follow.
pub(crate) const FOLDER_PREFIX: &str = "jacinth-";

/// The bytes of a path that fit into a socket's address.
const ADDRESS_BYTES: usize = 108;
/// The bytes that a socket's name may have in a path that does not: `/proc/self/fd/` and a number come before it.
const NAME_BYTES: usize = 64;

/// Connections that may wait to be accepted: as many as the system allows.
const BACKLOG: i32 = 4096;

/// Whether this process is about to exit, and has removed what it leaves: nothing is made again then.
static IS_ENDING: Mutex<bool> = Mutex::new(false);

/// What is at the path now; a symbolic link is itself.
pub(crate) fn file_at(path: &Path) -> Option<FileId> {
    let found = std::fs::symlink_metadata(path).ok()?;
    Some(FileId { device: found.dev(), inode: found.ino() })
}

/// The place of an arena's socket, as this process came to know it.
pub(crate) struct Address {
    path: PathBuf,
    /// The root folder at that time: after a chroot the same path means another place.
    root: Option<FileId>,
    mark: Mark,
}

/// A socket that listens at an address.
pub(crate) struct Listening {
    pub(crate) socket: Held,
    at: FileId,
}

impl Address {
    /// A path as it was given. The working directory may change before it is needed again.
    pub(crate) fn new(path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        let mark = Mark::beside(&path);
        Self { path, root: file_at(Path::new("/")), mark }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Finds a place for a new arena's socket, and listens there: at `named`, or in a new folder. What dead arenas of
    /// this user have left is removed.
    pub(crate) fn found(named: Option<&Path>) -> Result<(Self, Listening), (PathBuf, io::Error)> {
        let bases = bases();
        bases.iter().for_each(|base| remove_dead(base));
        if let Some(path) = named {
            let address = Self::new(path);
            let listening = address.claim_named().map_err(|error| (address.path.clone(), error))?;
            return Ok((address, listening));
        }
        let mut refused = None;
        for base in bases {
            match Self::found_in(&base) {
                Ok(found) => return Ok(found),
                Err(error) => refused = refused.or(Some((base, error))),
            }
        }
        Err(refused.unwrap_or_else(|| (PathBuf::new(), io::ErrorKind::NotFound.into())))
    }

    /// Listens in a new folder. Another process that makes an arena may come by in the moment before the folder is locked,
    /// and take it for one that the dead have left: then this makes another.
    fn found_in(base: &Path) -> io::Result<(Self, Listening)> {
        use io::ErrorKind::{NotFound, ResourceBusy};
        const MOST_TRIES: u32 = 16;
        for _ in 1..MOST_TRIES {
            match Self::found_in_folder_of(base) {
                Err(error) if matches!(error.kind(), NotFound | ResourceBusy) && base.is_dir() => {}
                found => return found,
            }
        }
        Self::found_in_folder_of(base)
    }

    fn found_in_folder_of(base: &Path) -> io::Result<(Self, Listening)> {
        let folder = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir_in(base)?;
        // Whatever the umask leaves of the mode that it was made with.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
        let address = Self::new(&folder.path().join(SOCKET_NAME));
        address.mark.hold()?;
        let listening = address.listen()?;
        let _stays = folder.keep();
        Ok((address, listening))
    }

    /// Takes a path that may have been another arena's, which must be dead.
    fn claim_named(&self) -> io::Result<Listening> {
        enter(self.folder()?)?;
        make_way(&self.path)?;
        let start = std::time::Instant::now();
        while !self.mark.hold_alone()? {
            // A process whose memory the system is taking down holds its lock to the end.
            if is_alive(listener_at(&self.path)) || start.elapsed() > std::time::Duration::from_secs(1) {
                return Err(self.in_use());
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // It is this process's alone until now; of a refusal nothing is left.
        let listening = self.listen_if_free().inspect_err(|_| self.mark.remove())?;
        self.mark.hold()?;
        Ok(listening)
    }

    /// Listens at the path from now on, unless a living process does.
    pub(crate) fn listen_if_free(&self) -> io::Result<Listening> {
        if is_alive(listener_at(&self.path)) { Err(self.in_use()) } else { self.listen() }
    }

    /// Listens at the path from now on, in place of a socket of the supervisor that this process has succeeded. That may
    /// live still, as another program, with a forked child that has the socket open.
    pub(crate) fn listen(&self) -> io::Result<Listening> {
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
        let next = beside(&self.path, ".next");
        for path in [&self.path, &next] {
            make_way(path)?;
        }
        let socket = bind(&next).inspect_err(|_| drop(std::fs::remove_file(&next)))?;
        let renamed = std::fs::rename(&next, &self.path);
        renamed.inspect_err(|_| drop(std::fs::remove_file(&next)))?;
        let at = file_at(&self.path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Listening { socket: Held::new(socket)?, at })
    }

    /// Whether it looks as if this process could listen here: so that it leaves the lead to another that can.
    pub(crate) fn is_within_reach(&self) -> bool {
        let may_change = |path: &Path| {
            rustix::fs::accessat(CWD, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::empty())
        };
        let Ok(folder) = self.folder() else { return false };
        let folder = if folder.exists() { Some(folder) } else { folder.parent() };
        self.means_the_same() && folder.is_some_and(|folder| may_change(folder).is_ok())
    }

    /// Whether this very socket is still at the path.
    pub(crate) fn has(&self, listening: &Listening) -> bool {
        file_at(&self.path) == Some(listening.at)
    }

    /// What stands at the path, if it is this.
    pub(crate) fn file_of(&self, listening: &Listening) -> Option<FileId> {
        self.has(listening).then_some(listening.at)
    }

    /// Notes that this process is attached, for all who look whether the arena lives.
    pub(crate) fn hold(&self) {
        if self.means_the_same()
            && let Err(error) = self.mark.hold()
        {
            tracing::debug!(%error, path = %self.path.display(), "the arena's lock file cannot be had");
        }
    }

    /// This process is about to exit: if it is the last one, nothing is left at the path.
    pub(crate) fn end(&self) {
        let mut ending = IS_ENDING.lock().unwrap_or_else(PoisonError::into_inner);
        *ending = true;
        if self.means_the_same() && self.mark.is_last() {
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

/// Where folders for sockets are made: where the system has a place for just that, or else beside all temporary files.
fn bases() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let is_usable = |folder: &PathBuf| {
        let found = std::fs::metadata(folder);
        folder.is_absolute()
            && found.is_ok_and(|found| found.is_dir() && is_own(&found) && is_private(&found))
    };
    runtime.filter(is_usable).into_iter().chain([std::env::temp_dir()]).collect()
}

pub(crate) fn is_own(found: &std::fs::Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

pub(crate) fn is_private(found: &std::fs::Metadata) -> bool {
    found.mode() & 0o077 == 0
}

/// Makes sure that the folder is there (it may have been removed), and that no other user can put a socket in this one's
/// place.
fn enter(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        // Whatever the umask has left of the mode.
        Ok(()) => std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let found = std::fs::metadata(folder)?;
    let (writable_by_others, sticky) = (found.mode() & 0o022 != 0, found.mode() & 0o1000 != 0);
    if found.is_dir() && (is_own(&found) || found.uid() == 0) && (!writable_by_others || sticky) {
        Ok(())
    } else {
        let what = format!("{} is not a folder in which this user's files are safe", folder.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
    }
}

/// A name beside the path.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map(OsStr::to_owned).unwrap_or_default();
    name.push(suffix);
    path.with_file_name(name)
}

/// Nothing but a socket is replaced.
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

/// Listens at the path, at which there is nothing but a socket of nobody's.
fn bind(path: &Path) -> io::Result<OwnedFd> {
    let _ = std::fs::remove_file(path);
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    let reach = Reach::of(path)?;
    rustix::net::bind(&socket, &reach.address).map_err(|errno| reach.explain(path, errno))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// How a path is named to the system's calls for sockets.
pub(crate) struct Reach {
    pub(crate) address: SocketAddrUnix,
    /// Its folder, open for as long as the address is used, if the path is too long for one.
    folder: Option<OwnedFd>,
}

impl Reach {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() <= ADDRESS_BYTES {
            return Ok(Self { address: SocketAddrUnix::new(path)?, folder: None });
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if name.len() > NAME_BYTES {
            let what = format!(
                "the socket's path has {} bytes, and its name {}: of a path of more than {ADDRESS_BYTES} bytes, the \
                 limit of a socket's address, the name may have {NAME_BYTES}",
                path.as_os_str().len(),
                name.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidFilename, what));
        }
        let folder =
            rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
        Ok(Self { address: SocketAddrUnix::new(&short)?, folder: Some(folder) })
    }

    fn explain(&self, path: &Path, errno: rustix::io::Errno) -> io::Error {
        if self.folder.is_some() && !Path::new("/proc/self/fd").exists() {
            let what = format!(
                "the socket's path has {} bytes: without /proc, through which longer ones are reached, it may have \
                 {ADDRESS_BYTES}, the limit of a socket's address",
                path.as_os_str().len()
            );
            return io::Error::new(io::ErrorKind::InvalidFilename, what);
        }
        errno.into()
    }
}
