//! The names of an arena's files.

use jacinth_shm::FileId;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The name of the socket in a folder that was made for it.
pub(crate) const SOCKET_NAME: &str = "supervisor";
/// The ending of the name of the next socket, until it is renamed to its place.
pub(crate) const NEXT_SUFFIX: &str = ".next";
/// How the names of folders begin that are made for a socket; six letters or digits follow.
pub(crate) const FOLDER_PREFIX: &str = "jacinth-";

/// A name beside the path.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().map(OsStr::to_owned).unwrap_or_default();
    name.push(suffix);
    path.with_file_name(name)
}

pub(crate) fn lock_file_of(socket: &Path) -> PathBuf {
    beside(socket, ".lock")
}

/// The file at the path now. A symbolic link is not followed.
pub(crate) fn file_at(path: &Path) -> Option<FileId> {
    let found = std::fs::symlink_metadata(path).ok()?;
    Some(FileId { device: found.dev(), inode: found.ino() })
}

pub(crate) fn is_own(found: &std::fs::Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

pub(crate) fn is_private(found: &std::fs::Metadata) -> bool {
    found.mode() & 0o077 == 0
}

pub(crate) fn is_made_name(name: &std::ffi::OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(FOLDER_PREFIX));
    random.is_some_and(|random| random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
