//! This process's line to its supervisor. Kept open for as long as the process is attached: the line's end is
//! one of the two signs by which the supervisor knows an exec.

use super::protocol::{Answer, PACKET_BYTES};
use rustix::net::{
    self, AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

pub(crate) use super::protocol::Request;

/// A connected socket; one question at a time.
pub(crate) struct Client {
    socket: Mutex<OwnedFd>,
}

impl Client {
    pub(crate) fn connect(path: &Path) -> io::Result<Self> {
        let socket =
            net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        net::connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self { socket: Mutex::new(socket) })
    }

    /// Asks, and waits for the answer. A descriptor can go along, and one can come back.
    pub(crate) fn ask(
        &self,
        request: Request,
        along: Option<BorrowedFd<'_>>,
    ) -> io::Result<(Answer, Option<OwnedFd>)> {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        send_packet(socket.as_fd(), &request.to_packet(), along)?;
        let mut packet = [0; PACKET_BYTES];
        let (len, file) = receive_packet(socket.as_fd(), &mut packet, RecvFlags::empty())?;
        let hung_up = || io::Error::new(io::ErrorKind::UnexpectedEof, "the supervisor hung up");
        let answer = Answer::from_packet(&packet[..len]).ok_or_else(hung_up)?;
        Ok((answer, file))
    }
}

/// Sends one packet, with a descriptor if one goes along.
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
    net::sendmsg(socket, &[IoSlice::new(packet)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one packet, and the descriptor that came along. 0 bytes: the other side has hung up.
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
