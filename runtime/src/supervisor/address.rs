//! Where the supervisor listens: a socket in a folder that only this user can enter. The path stays the same for as
//! long as the arena lives, whichever process runs the supervisor.

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A socket that listens under a name of its own, beside the path that it is for. So whoever becomes the supervisor has
/// it before, and nobody ever finds the path empty.
pub(super) struct Aside {
    socket: Option<OwnedFd>,
    name: PathBuf,
    path: PathBuf,
}

impl Aside {
    /// Listens, not yet at `path`.
    pub(super) fn listen(path: &Path) -> io::Result<Self> {
        enter(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        let name = path.with_extension(format!("{}", std::process::id()));
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(&name)?)?;
        let aside = Self { socket: Some(socket), name, path: path.into() };
        rustix::net::listen(aside.socket.as_ref().ok_or(io::ErrorKind::InvalidInput)?, 128)?;
        Ok(aside)
    }

    /// Where it listens until it is at the path.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// Listens at the path from now on, instead of whoever did so before.
    pub(super) fn take_place(&mut self) -> io::Result<OwnedFd> {
        enter(self.path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        std::fs::rename(&self.name, &self.path)?;
        self.socket.take().ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.socket.is_some() {
            let _ = std::fs::remove_file(&self.name);
        }
    }
}

/// Makes sure that the folder is there (it may have gone with the process that made it), and this user's alone.
fn enter(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = std::fs::symlink_metadata(folder)?;
    let is_own = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if is_own && found.mode() & 0o077 == 0 {
        Ok(())
    } else {
        let what = format!("{} is not a folder of this user alone", folder.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_folder_is_made_again_and_the_path_is_taken_over() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("folder/supervisor");
        let first = Aside::listen(&path).unwrap().take_place().unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino();
        let second = Aside::listen(&path).unwrap().take_place().unwrap();
        assert_ne!(std::fs::metadata(&path).unwrap().ino(), inode);
        drop((first, second, Aside::listen(&path).unwrap()));
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let refused = Aside::listen(&folder.path().join("supervisor")).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
