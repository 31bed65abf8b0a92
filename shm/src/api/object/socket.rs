//! The operations of [`Thread`] on sockets.

use crate::api::object::as_uninit;
use crate::arena::error::Result;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::stream::geometry::SocketOptions;
use crate::handle::lookup::HandleName;
use crate::lifecycle::create;
use crate::object::ObjectClass;
use crate::object::bind::Received;
use crate::object::socket::info::{self, SocketInfo, Threshold};
use crate::object::socket::{self, Shutdown, accept, control, data};
use crate::object::stream::read::Taking;
use crate::process::thread::Thread;
use core::mem::MaybeUninit;

impl Thread {
    /// Makes a socket, with a handle of `rights` to each side.
    ///
    /// # Errors
    /// `NoResources`, `NoMemory`: there is no room for another object or handle.
    pub fn socket_create(
        &self,
        options: SocketOptions,
        rights: Rights,
    ) -> Result<(HandleValue, HandleValue)> {
        let (one, other) = create::create(self, ObjectClass::Socket, rights, |slot| {
            socket::initialize(self, slot, options)
        })?;
        Ok((one, other.expect("a socket has two sides")))
    }

    /// Writes as many of `bytes` as there is room for, or all of them as a datagram, and returns how many. `rights` are those
    /// the handle must have.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType` when the object is no socket; `AccessDenied`; `PeerClosed`; `BadState` after a shutdown;
    /// `ShouldWait` when there is no room; `OutOfRange` when a datagram is larger than
    /// [`MAX_SOCKET_BYTES`](crate::MAX_SOCKET_BYTES); `NoMemory` or `NoResources` when there is no memory for the bytes.
    #[inline]
    pub fn socket_write(&self, socket: impl Into<HandleName>, rights: Rights, bytes: &[u8]) -> Result<usize> {
        data::write(self, socket.into(), rights, bytes)
    }

    /// Reads as many bytes as there are and as `buffer` has room for, or the first datagram, whose rest is discarded, and
    /// returns how many.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; when nothing is unread `ShouldWait`, or `PeerClosed`, or `BadState` after a
    /// shutdown.
    #[inline]
    pub fn socket_read(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        taking: Taking,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<usize> {
        data::read(self, socket.into(), rights, taking, buffer)
    }

    /// As [`socket_read`](Self::socket_read), into memory that is initialised.
    ///
    /// # Errors
    /// Those of [`socket_read`](Self::socket_read).
    #[inline]
    pub fn socket_read_bytes(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        taking: Taking,
        buffer: &mut [u8],
    ) -> Result<usize> {
        data::read(self, socket.into(), rights, taking, as_uninit(buffer))
    }

    /// Writes a message to the control plane, whole.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; `BadState` when the socket has no control plane; `InvalidArgs` for no bytes;
    /// `OutOfRange` for more than [`MAX_CONTROL_BYTES`](control::MAX_CONTROL_BYTES); `PeerClosed`; `ShouldWait` when there is
    /// a message already; `NoMemory`, `NoResources`.
    pub fn socket_write_control(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        bytes: &[u8],
    ) -> Result<()> {
        socket::with_socket(self, socket.into(), rights, |side| control::write(self, side, bytes))
    }

    /// Reads as much of the message in the control plane as `buffer` has room for, and returns how many bytes. The rest is
    /// discarded.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; `BadState` when the socket has no control plane; `ShouldWait` when there is
    /// no message.
    pub fn socket_read_control(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        taking: Taking,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<usize> {
        socket::with_socket(self, socket.into(), rights, |side| control::read(self, side, taking, buffer))
    }

    /// As [`socket_read_control`](Self::socket_read_control), into memory that is initialised.
    ///
    /// # Errors
    /// Those of [`socket_read_control`](Self::socket_read_control).
    pub fn socket_read_control_bytes(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        taking: Taking,
        buffer: &mut [u8],
    ) -> Result<usize> {
        self.socket_read_control(socket, rights, taking, as_uninit(buffer))
    }

    /// Ends writing, reading, or both. Idempotent.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`.
    pub fn socket_shutdown(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        how: Shutdown,
    ) -> Result<()> {
        socket::with_socket(self, socket.into(), rights, |side| socket::shutdown(self, side, how))
    }

    /// The buffers of a socket.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`.
    pub fn socket_info(&self, socket: impl Into<HandleName>, rights: Rights) -> Result<SocketInfo> {
        socket::with_socket(self, socket.into(), rights, |side| info::info(self, side))
    }

    /// A threshold of this end, in bytes.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`.
    pub fn socket_threshold(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        threshold: Threshold,
    ) -> Result<usize> {
        socket::with_socket(self, socket.into(), rights, |side| info::threshold(self, side, threshold))
    }

    /// Sets a threshold of this end, in bytes; 0 turns its signal off.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; `InvalidArgs` when it is more than a socket holds.
    pub fn socket_set_threshold(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        threshold: Threshold,
        bytes: usize,
    ) -> Result<()> {
        let set = |side| info::set_threshold(self, side, threshold, bytes);
        socket::with_socket(self, socket.into(), rights, set)
    }

    /// Moves the handle `shared`, to another socket, into the queue of the peer of `socket`, whose place is free. After an
    /// error it is still there.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`, of `socket` when it lacks `rights`, and then of `shared` when it lacks
    /// `transfer`; `BadState` when `shared` is an end of the same socket or has a queue itself; `NotSupported` when the socket
    /// has no queues; `PeerClosed`; `ShouldWait` when the place is taken; `NoMemory`, `NoResources`.
    pub fn socket_share(
        &self,
        socket: impl Into<HandleName>,
        rights: Rights,
        shared: HandleValue,
        transfer: Rights,
    ) -> Result<()> {
        let shared = self.lookup(shared);
        self.end_call(socket::with_socket(self, socket.into(), rights, |side| {
            accept::share(self, side, shared?, transfer)
        }))
    }

    /// Takes the handle out of the queue of this end. It has the rights with which it was shared.
    ///
    /// # Errors
    /// `BadHandle`; `WrongType`; `AccessDenied`; `NotSupported` when the socket has no queues; `ShouldWait` when the queue is
    /// empty; `NoResources` when this process has no room for another handle.
    pub fn socket_accept(&self, socket: impl Into<HandleName>, rights: Rights) -> Result<Received> {
        socket::with_socket(self, socket.into(), rights, |side| accept::accept(self, side))
    }
}
