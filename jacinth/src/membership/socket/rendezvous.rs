//! Where attached processes find the supervisor again if the arena's path is gone, or if their view of the file system has
//! changed: an abstract Unix socket, named for the leader.
//!
//! An abstract name is no file. It needs no folder, and it is the same after `chroot(2)`. It belongs to a network
//! namespace: a process that has left its network namespace finds the supervisor by the path, if it can.
//!
//! The name is no secret, and any process may take it first. So a process that connects asks the kernel for the process
//! that listens, and accepts only the one that leads; the supervisor asks for the process that connects, as at the path.

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

/// The socket of a process that is about to lead. It has no name yet. It exists before the process leads, because there
/// may be no descriptor later.
pub(crate) fn prepare() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Listens for attached processes, under the name of the present leader.
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
