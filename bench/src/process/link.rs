//! The socket between the two processes of a run: orders one way, replies the other, descriptors when asked for.
//!
//! It is a seqpacket Unix socket, the far process's standard input. No timed message passes over it.

use anyhow::{Context as _, Result, bail, ensure};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// An order of the near process to the far one.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Play the far side of the measurement of this name.
    Run(String),
}

/// An answer of the far process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// The far side is set up, and listens.
    Ready,
    /// The last message came, after this many others.
    Done(u64),
    /// It could not be done.
    Failed(String),
}

/// The largest order or reply: the distribution of a client's calls.
const MAX_BYTES: usize = 64 << 10;

/// One end of the socket.
pub struct Link {
    socket: OwnedFd,
}

impl Link {
    /// Both ends of a new socket: this process's, and the one to be the standard input of the other.
    pub fn pair() -> Result<(Self, OwnedFd)> {
        let (ours, theirs) = seqpacket_pair()?;
        Ok((Self { socket: ours }, theirs))
    }

    /// The end that this process was started with.
    pub fn inherited() -> Result<Self> {
        let socket = rustix::stdio::stdin().try_clone_to_owned().context("standard input is no link")?;
        Ok(Self { socket })
    }

    /// Sends an order or a reply.
    pub fn send(&self, what: &impl Serialize) -> Result<()> {
        let bytes = serde_json::to_vec(what)?;
        ensure!(bytes.len() <= MAX_BYTES, "an order of {} bytes", bytes.len());
        rustix::net::send(&self.socket, &bytes, SendFlags::NOSIGNAL).context("the other process is gone")?;
        Ok(())
    }

    /// Waits for an order or a reply; `None` when the other process is gone.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let mut bytes = [0; MAX_BYTES];
        match rustix::net::recv(&self.socket, &mut bytes[..], RecvFlags::empty()) {
            Ok((_, 0)) | Err(rustix::io::Errno::CONNRESET) => Ok(None),
            Ok((_, len)) => Ok(Some(serde_json::from_slice(&bytes[..len])?)),
            Err(error) => Err(error).context("receiving an order"),
        }
    }

    /// Waits for the far side to be set up.
    pub fn expect_ready(&self) -> Result<()> {
        match self.receive()? {
            Some(Reply::Ready) => Ok(()),
            Some(Reply::Failed(why)) => bail!("the far side: {why}"),
            other => bail!("the far side said {other:?}, not that it is ready"),
        }
    }

    /// Waits for the far side to have seen the last message; how many came before it.
    pub fn expect_done(&self) -> Result<u64> {
        match self.receive()? {
            Some(Reply::Done(messages)) => Ok(messages),
            Some(Reply::Failed(why)) => bail!("the far side: {why}"),
            other => bail!("the far side said {other:?}, not that it is done"),
        }
    }

    /// Passes a descriptor to the other process.
    pub fn send_fd(&self, fd: impl AsFd) -> Result<()> {
        send_fd(&self.socket, fd.as_fd(), SendFlags::empty()).context("passing a descriptor")
    }

    /// Takes a descriptor that the other process passed.
    pub fn receive_fd(&self) -> Result<OwnedFd> {
        receive_fd(&self.socket, RecvFlags::empty())
            .context("taking a descriptor")?
            .context("no descriptor came")
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A pair of connected seqpacket sockets.
pub fn seqpacket_pair() -> Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .context("socketpair")
}

/// Sends one byte with `fd` beside it.
pub fn send_fd(socket: impl AsFd, fd: BorrowedFd<'_>, flags: SendFlags) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [fd];
    assert!(control.push(SendAncillaryMessage::ScmRights(&fds)), "the space is for one descriptor");
    rustix::net::sendmsg(socket, &[IoSlice::new(b"f")], &mut control, flags | SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives one byte and the descriptor beside it, `None` when the other end sent none or is closed.
pub fn receive_fd(socket: impl AsFd, flags: RecvFlags) -> rustix::io::Result<Option<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let got = rustix::net::recvmsg(
        socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        flags | RecvFlags::CMSG_CLOEXEC,
    )?;
    if got.flags.contains(ReturnFlags::CTRUNC) {
        return Err(rustix::io::Errno::MSGSIZE);
    }
    let fd = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok(fd)
}
