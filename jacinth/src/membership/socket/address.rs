//! How a socket's path is given to the system.
//!
//! A socket's address has room for 108 bytes. A longer path is reached through `/proc/self/fd/N/supervisor`, where N is a
//! descriptor of its folder, opened for that moment.

use rustix::fs::{Mode, OFlags};
use rustix::net::SocketAddrUnix;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// The bytes of a path that fit into a socket's address.
const ADDRESS_BYTES: usize = 108;
/// The bytes that a socket's name may have in a longer path: `/proc/self/fd/` and a number come before it.
pub(crate) const NAME_BYTES: usize = 64;

/// A path, as the system's calls for sockets take it.
pub(crate) struct SocketAddress {
    pub(crate) address: SocketAddrUnix,
    /// The folder of a path that is too long for an address, open for as long as the address is used.
    folder: Option<OwnedFd>,
}

impl SocketAddress {
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

    pub(crate) fn explain(&self, path: &Path, errno: rustix::io::Errno) -> io::Error {
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
