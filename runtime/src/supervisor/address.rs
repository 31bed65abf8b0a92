//! Where the supervisor listens: a socket in a folder that only this user can enter. The path stays the same for as
//! long as the arena lives, whichever process runs the supervisor.

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Listens at `path`, instead of whoever did so before. The socket is made under another name and moved into place,
/// so that nobody ever finds the path empty.
pub(super) fn listen(path: &Path) -> io::Result<OwnedFd> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    enter(folder)?;
    let aside = path.with_extension(format!("{}", std::process::id()));
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(&aside)?)?;
    rustix::net::listen(&socket, 128)?;
    std::fs::rename(&aside, path)?;
    Ok(socket)
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
        let first = listen(&path).unwrap();
        let inode = std::fs::metadata(&path).unwrap().ino();
        let _second = listen(&path).unwrap();
        assert_ne!(std::fs::metadata(&path).unwrap().ino(), inode);
        drop(first);
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
        let refused = listen(&folder.path().join("supervisor")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    }
}
