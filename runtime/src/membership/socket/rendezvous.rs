//! Where attached processes find the supervisor again, whatever has become of the arena's path, or of their own view of
//! the file system: an abstract Unix socket, whose name follows from who leads.
//!
//! A name of this kind is no file, so it needs no folder, and it is the same after `chroot(2)`. It belongs to a network
//! namespace: a process that has left its own finds the supervisor by the path, if it can.
//!
//! The name is no secret, and any process may take it first. So who connects asks the kernel who listens, and takes
//! nobody for the supervisor but the process that leads; and the supervisor asks who connects, as at the path.

use jacinth_shm::{self as shm, Held};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::os::fd::OwnedFd;

/// Processes that may wait to be accepted: as many as the system allows.
const BACKLOG: i32 = 4096;

/// The name under which the arena's leader listens.
pub(crate) fn place(arena: &shm::Arena, leader: shm::Leader) -> io::Result<SocketAddrUnix> {
    let file = arena.file_id().ok_or(io::ErrorKind::Unsupported)?;
    let name = format!("jacinth-{}-{}", file.inode, leader.term());
    Ok(SocketAddrUnix::new_abstract_name(name.as_bytes())?)
}

/// The socket of one who is about to lead. It has no name yet, and cannot fail for want of a descriptor any more.
pub(crate) fn prepare() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Listens for those who are attached, from the one who leads now.
pub(crate) fn listen(socket: OwnedFd, arena: &shm::Arena) -> Option<Held> {
    let listen = || {
        rustix::net::bind(&socket, &place(arena, arena.leader())?)?;
        rustix::net::listen(&socket, BACKLOG)?;
        Held::new(socket)
    };
    match listen() {
        Ok(socket) => Some(socket),
        Err(error) => {
            tracing::warn!(%error, "attached processes find this supervisor by its path alone");
            None
        }
    }
}
