//! A connection to a supervisor, and the packets on it.

use crate::membership::failure_detector::process;
use crate::membership::poll::wait_for;
use crate::membership::protocol::{Answer, Request};
use crate::membership::socket::address::SocketAddress;
use crate::membership::socket::path::SocketPath;
use crate::membership::socket::rendezvous;
use crate::membership::socket::stale::is_alive;
use jacinth_shm::{self as shm, Held};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, sockopt::Timeout,
};
use rustix::process::Pid;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;
use zerocopy::IntoBytes;

/// How long a supervisor may take to make room in its queue of connections.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An answer, and the descriptor that came with it.
pub(crate) type Answered = (Answer, Option<OwnedFd>);

/// A connected socket.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Held>);

impl Connection {
    /// Connects to the process that listens at the path.
    pub(crate) fn to(path: &SocketPath) -> io::Result<Self> {
        Self::connect(&SocketAddress::of(path.as_path())?.address)
    }

    /// Connects to the process that leads. An attached process finds it by the arena, or by the path.
    pub(crate) fn to_leader(arena: &shm::Arena, path: &SocketPath) -> io::Result<Self> {
        let leader = arena.leader();
        // The abstract socket is unknown in another network namespace. There the path may lead to the leader.
        let connection = rendezvous::place(arena, leader).and_then(|place| Self::connect(&place));
        let connection = connection.or_else(|error| Self::to(path).map_err(|_| error))?;
        let (listener, _) = process::peer_of(&connection.socket()?)?;
        let identity = leader.process_slot().and_then(|slot| arena.identity(slot).ok().flatten());
        let leading = identity.and_then(|identity| Pid::from_raw(identity.pid.cast_signed()));
        // Any process can take the socket's name, and a forked child of a dead leader may have its socket. Only the
        // kernel's word counts.
        match listener {
            Some(listener) if leading == Some(listener) => Ok(connection),
            Some(listener) => Err(io::Error::other(format!("process {listener} listens, and does not lead"))),
            None => Err(io::Error::other("a process of another PID namespace listens")),
        }
    }

    /// The connection of a process to its own supervisor, and the supervisor's end of it.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (near, far) = net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self(Arc::new(Held::new(near)?)), far))
    }

    fn connect(to: &SocketAddrUnix) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let socket = net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        // A dead supervisor's forked child may hold the socket open, and never accept a connection.
        net::sockopt::set_socket_timeout(&socket, Timeout::Send, Some(CONNECT_TIMEOUT))?;
        net::connect(&socket, to)?;
        Ok(Self(Arc::new(Held::new(socket)?)))
    }

    /// Whether the process at the other end is in this PID namespace.
    pub(crate) fn shares_namespace(&self) -> bool {
        self.socket()
            .and_then(|socket| process::peer_of(&socket))
            .is_ok_and(|(pid, _)| process::shares_namespace_with(pid))
    }

    /// Whether the process that listens at the other end lives.
    pub(crate) fn has_living_listener(&self) -> bool {
        self.socket().and_then(|socket| process::peer_of(&socket)).is_ok_and(|(pid, _)| is_alive(pid))
    }

    /// Asks, and waits for the answer, for `at_most` if that is given.
    pub(crate) fn request(
        &self,
        request: Request,
        along: Option<BorrowedFd<'_>>,
        at_most: Option<Duration>,
    ) -> io::Result<Answered> {
        send_packet(self.socket()?, request.to_packet().as_bytes(), along)?;
        if wait_for(&mut [PollFd::from_borrowed_fd(self.socket()?, PollFlags::IN)], at_most)? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut packet = [0; size_of::<Answer>()];
        let (len, file) = receive_packet(self.socket()?, &mut packet, RecvFlags::empty())?;
        let hung_up = || io::Error::new(io::ErrorKind::UnexpectedEof, "the supervisor hung up");
        Ok((Answer::from_bytes(&packet[..len]).ok_or_else(hung_up)?, file))
    }

    /// The socket; an error if the program has closed it.
    fn socket(&self) -> io::Result<BorrowedFd<'_>> {
        let closed =
            || io::Error::new(io::ErrorKind::NotConnected, "this program has closed the library's socket");
        self.0.get().ok_or_else(closed)
    }

    /// The socket's number, to be watched for its end.
    pub(crate) fn number(&self) -> BorrowedFd<'_> {
        self.0.number()
    }

    /// Whether both are the same connection.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether the other end has hung up.
    pub(crate) fn is_down(&self) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.number(), PollFlags::RDHUP)];
        wait_for(&mut fds, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
    }

    /// Whether the program has left it alone.
    pub(crate) fn is_intact(&self) -> bool {
        self.0.is_intact()
    }

    /// Shuts it down: a thread that waits for an answer on it gets an error.
    pub(crate) fn shut_down(&self) {
        let _ = self.0.get().map(|socket| net::shutdown(socket, Shutdown::Both));
    }
}

/// Sends one packet, with the descriptor `along`.
pub(crate) fn send_packet(
    socket: BorrowedFd<'_>,
    packet: &[u8],
    along: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let along = along.as_slice();
    if !along.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(along));
    }
    // A broken connection is an error here. It must not raise SIGPIPE in the program.
    net::sendmsg(socket, &[IoSlice::new(packet)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one packet, and the descriptor that came along. 0 bytes mean that the other end has hung up.
pub(crate) fn receive_packet(
    socket: BorrowedFd<'_>,
    packet: &mut [u8],
    flags: RecvFlags,
) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match net::recvmsg(
            socket,
            &mut [IoSliceMut::new(packet)],
            &mut ancillary,
            flags | RecvFlags::CMSG_CLOEXEC,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    let mut file = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(files) = message {
            file = files.into_iter().next();
        }
    }
    Ok((received.bytes, file))
}
