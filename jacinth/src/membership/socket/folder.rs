//! The folders of sockets: where they lie, and whether another user could replace a file in them.

use crate::membership::socket::names::{is_own, is_private};
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The environment variable that names the user's runtime folder.
const RUNTIME_VARIABLE: &str = "XDG_RUNTIME_DIR";

/// Where folders for sockets are made: in the user's runtime folder, or else among the temporary files.
pub(crate) fn bases() -> Vec<PathBuf> {
    let runtime = runtime().map(PathBuf::from).filter(|folder| check_runtime(folder).is_ok());
    runtime.into_iter().chain([std::env::temp_dir()]).collect()
}

/// The folder of this user in which the sockets of arenas with a name lie. It is made if it is missing.
///
/// Unlike [`bases`] this takes no second choice: processes that look into different folders would never meet.
pub(crate) fn of_named_arenas() -> Result<PathBuf, (PathBuf, io::Error)> {
    let folder = match runtime() {
        Some(runtime) => {
            let runtime = PathBuf::from(runtime);
            check_runtime(&runtime).map_err(|error| (runtime.clone(), error))?;
            runtime.join("jacinth")
        }
        None => {
            let base = std::env::temp_dir();
            check_safe(&base).map_err(|error| (base.clone(), error))?;
            // No name of a folder that is made for one arena, which may be removed: see `names::is_made_name`.
            base.join(format!("jacinth-user-{}", rustix::process::geteuid().as_raw()))
        }
    };
    own_private(&folder).map_err(|error| (folder.clone(), error))?;
    Ok(folder)
}

fn runtime() -> Option<OsString> {
    std::env::var_os(RUNTIME_VARIABLE).filter(|folder| !folder.is_empty())
}

fn check_runtime(folder: &Path) -> io::Result<()> {
    let found = std::fs::metadata(folder)
        .map_err(|error| io::Error::new(error.kind(), format!("{RUNTIME_VARIABLE} names it: {error}")))?;
    if folder.is_absolute() && found.is_dir() && is_own(&found) && is_private(&found) {
        return Ok(());
    }
    let what = format!(
        "{RUNTIME_VARIABLE} names it, and it is not a folder of this user alone, by an absolute path ({}): set the variable \
         right, or unset it for a folder among the temporary files",
        described(&found)
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

/// Makes the folder if it is missing. Checks that it is this user's, that only this user can enter it, and that it is no
/// symbolic link.
fn own_private(folder: &Path) -> io::Result<()> {
    make(folder)?;
    let found = std::fs::symlink_metadata(folder)?;
    if !found.is_dir() || !is_own(&found) || !is_private(&found) {
        let what = format!(
            "it is not a folder that only this user can enter ({}): another program made it; remove it, or set \
             {RUNTIME_VARIABLE} to another folder",
            described(&found)
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    // Its maker was killed before it could undo the umask.
    if found.mode() & 0o700 != 0o700 { set_mode(folder, 0o700) } else { Ok(()) }
}

/// Makes the folder if it is missing. Checks that no other user can replace a socket in it.
pub(crate) fn enter(folder: &Path) -> io::Result<()> {
    make(folder)?;
    check_safe(folder)
}

fn make(folder: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        // The umask may have taken bits of the mode away.
        Ok(()) => set_mode(folder, 0o700),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Checks that no other user can replace a file of this user in the folder.
fn check_safe(folder: &Path) -> io::Result<()> {
    let found = std::fs::metadata(folder)?;
    let (writable_by_others, sticky) = (found.mode() & 0o022 != 0, found.mode() & 0o1000 != 0);
    // In a sticky folder such as `/tmp` other users can make files, and cannot remove or rename this user's.
    if found.is_dir() && (is_own(&found) || found.uid() == 0) && (!writable_by_others || sticky) {
        Ok(())
    } else {
        let what = format!("{} is not a folder in which this user's files are safe", folder.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
    }
}

/// Sets the mode of a file or folder.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

fn described(found: &std::fs::Metadata) -> String {
    let what = if found.is_dir() {
        "a folder"
    } else if found.is_symlink() {
        "a symbolic link"
    } else {
        "a file"
    };
    format!("{what} of user {}, mode {:o}", found.uid(), found.mode() & 0o7777)
}
