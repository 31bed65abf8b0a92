//! Sockets: bytes or datagrams between two ends, with room that is limited.

use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::rights::Rights;
pub use crate::types::socket::{SocketInfo, SocketOpts, SocketReadOpts, SocketShutdown, SocketWriteOpts};
use crate::types::status::Status;

/// One end of a socket: what is written here is read at the other end. Follows `docs/objects/socket.md`.
///
/// A socket carries bytes without bounds (a *stream*), or datagrams. It holds 257,024 bytes in each direction, and a write
/// that finds no room gives [`Status::SHOULD_WAIT`]: so a fast writer waits for a slow reader, by
/// [`SOCKET_WRITABLE`](crate::Signals::SOCKET_WRITABLE). It carries no handles, but for other sockets:
/// [`share`](Self::share).
///
/// Several threads and processes may use one end: there may be duplicates of its handle. Each write is whole then, and each
/// byte or datagram goes to one of the readers. None of them waits for another, also when that one is stopped or killed.
///
/// A socket with little traffic keeps 4 KiB for a direction; the buffer grows when a reader falls behind.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Socket::create_stream();
/// ours.write(b"hello, ")?;
/// ours.write(b"world")?;
/// theirs.wait_one(Signals::SOCKET_READABLE, MonotonicInstant::INFINITE).to_result()?;
/// let mut bytes = [0; 100];
/// let actual = theirs.read(&mut bytes)?;
/// assert_eq!(&bytes[..actual], b"hello, world");
/// drop(ours);
/// assert_eq!(theirs.read(&mut bytes), Err(Status::PEER_CLOSED));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping an end of a socket closes it, and its peer is told"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Socket(pub(super) NullableHandle);

impl Socket {
    /// Makes a socket that carries bytes. Each end has [`Rights::SOCKET_DEFAULT`].
    ///
    /// Follows `docs/syscalls/socket_create.md`.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena: [`create`](Self::create)
    /// gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// assert_eq!(ours.basic_info()?.related_koid, theirs.koid()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create_stream() -> (Self, Self) {
        Self::create(SocketOpts::STREAM).expect("a socket is created")
    }

    /// Makes a socket that carries datagrams. Each end has [`Rights::SOCKET_DEFAULT`].
    ///
    /// # Panics
    /// As [`create_stream`](Self::create_stream).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_datagram();
    /// ours.write(b"one")?;
    /// ours.write(b"another")?;
    /// let mut bytes = [0; 100];
    /// assert_eq!(theirs.read(&mut bytes)?, 3);
    /// assert_eq!(theirs.read(&mut bytes)?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create_datagram() -> (Self, Self) {
        Self::create(SocketOpts::DATAGRAM).expect("a socket is created")
    }

    /// Makes a socket with these options. Each end has [`Rights::SOCKET_DEFAULT`].
    ///
    /// Follows `docs/syscalls/socket_create.md`.
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] for bits that are no option; [`Status::NO_RESOURCES`] when the arena has no room for another
    /// object, or this process's share of objects or handles is used up. [`Status::BAD_STATE`] in a process that is attached
    /// to no arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Socket::create(SocketOpts::STREAM | SocketOpts::HAS_CONTROL)?;
    /// ours.write_opts(b"resize", SocketWriteOpts::CONTROL)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(options: SocketOpts) -> Result<(Self, Self), Status> {
        Self::create_with_rights(options, Rights::SOCKET_DEFAULT)
    }

    /// Makes a socket with this name on both ends; see [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Socket::create_named(SocketOpts::STREAM, &Name::new("log")?)?;
    /// assert_eq!(ours.get_name()?, "log");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(options: SocketOpts, name: &Name) -> Result<(Self, Self), Status> {
        let pair = Self::create_with_rights(options, Rights::SOCKET_DEFAULT | Rights::PROPERTY)?;
        pair.0.set_name(name)?;
        pair.1.set_name(name)?;
        Ok(pair)
    }

    fn create_with_rights(options: SocketOpts, rights: Rights) -> Result<(Self, Self), Status> {
        let (first, second) = raw::socket_create(options, rights)?;
        Ok((Self::from_value(first), Self::from_value(second)))
    }

    /// Writes bytes: to a stream as many as there is room for, a datagram whole. Gives how many. A write of no bytes writes
    /// nothing, and no datagram.
    ///
    /// Follows `docs/syscalls/socket_write.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when there is no room; [`Status::PEER_CLOSED`] when the other end is closed;
    /// [`Status::BAD_STATE`] when writing was ended by a [`shutdown`](Self::shutdown); [`Status::OUT_OF_RANGE`] for a datagram
    /// that is larger than the socket; [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    /// [`Status::NO_MEMORY`] when the arena's pools are exhausted, and [`Status::NO_RESOURCES`] beyond this process's quota
    /// of memory.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Socket::create_stream();
    /// let much = vec![0; 300_000];
    /// assert_eq!(ours.write(&much), Ok(257_024)); // A short write.
    /// assert_eq!(ours.write(&much), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> Result<usize, Status> {
        raw::socket_write(self.raw_handle(), SocketWriteOpts::empty(), bytes)
    }

    /// As [`write`](Self::write), with options: to the control plane.
    ///
    /// # Errors
    /// As [`write`](Self::write). To the control plane: [`Status::BAD_STATE`] when the socket has none;
    /// [`Status::INVALID_ARGS`] for no bytes; [`Status::OUT_OF_RANGE`] for more than 1,024; [`Status::SHOULD_WAIT`] when the
    /// message before has not been read.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create(SocketOpts::HAS_CONTROL)?;
    /// ours.write_opts(b"interrupt", SocketWriteOpts::CONTROL)?;
    /// assert_eq!(ours.write_opts(b"again", SocketWriteOpts::CONTROL), Err(Status::SHOULD_WAIT));
    /// let mut bytes = [0; 100];
    /// assert_eq!(theirs.read_opts(&mut bytes, SocketReadOpts::CONTROL)?, 9);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn write_opts(&self, bytes: &[u8], options: SocketWriteOpts) -> Result<usize, Status> {
        raw::socket_write(self.raw_handle(), options, bytes)
    }

    /// Reads bytes: of a stream as many as there are and as fit into `bytes`, or the first datagram, whose rest is
    /// discarded; a read of no bytes leaves it. Gives how many. While others read at the same end, the rest of `bytes` may
    /// have changed too.
    ///
    /// Follows `docs/syscalls/socket_read.md`. Needs [`Rights::READ`].
    ///
    /// # Errors
    /// When there is nothing to be read: [`Status::SHOULD_WAIT`]; [`Status::PEER_CLOSED`] when the other end is closed;
    /// [`Status::BAD_STATE`] when a [`shutdown`](Self::shutdown) has ended the direction. [`Status::ACCESS_DENIED`],
    /// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_datagram();
    /// ours.write(b"datagram")?;
    /// let mut bytes = [0; 4];
    /// assert_eq!((theirs.read(&mut bytes)?, &bytes), (4, b"data"));
    /// assert_eq!(theirs.read(&mut bytes), Err(Status::SHOULD_WAIT)); // The rest is gone.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read(&self, bytes: &mut [u8]) -> Result<usize, Status> {
        raw::socket_read(self.raw_handle(), SocketReadOpts::empty(), bytes)
    }

    /// As [`read`](Self::read), with options: of the control plane, or leaving what is read in the socket.
    ///
    /// # Errors
    /// As [`read`](Self::read). Of the control plane: [`Status::BAD_STATE`] when the socket has none;
    /// [`Status::SHOULD_WAIT`] when it is empty, also if the other end is closed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// ours.write(b"GET /")?;
    /// let mut method = [0; 3];
    /// theirs.read_opts(&mut method, SocketReadOpts::PEEK)?;
    /// assert_eq!((&method, theirs.outstanding_read_bytes()?), (b"GET", 5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read_opts(&self, bytes: &mut [u8], options: SocketReadOpts) -> Result<usize, Status> {
        raw::socket_read(self.raw_handle(), options, bytes)
    }

    /// Ends writing, reading, or both, for good. What was written before can still be read. Idempotent.
    ///
    /// A write that is under way at another thread either comes before the end, and is read, or gives
    /// [`Status::BAD_STATE`].
    ///
    /// Follows `docs/syscalls/socket_shutdown.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] for bits that are no option; [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`],
    /// [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// ours.write(b"request")?;
    /// ours.shutdown(SocketShutdown::WRITE)?;
    /// let mut bytes = [0; 100];
    /// assert_eq!(theirs.read(&mut bytes)?, 7);
    /// assert_eq!(theirs.read(&mut bytes), Err(Status::BAD_STATE)); // The request is complete.
    /// theirs.write(b"answer")?;
    /// assert_eq!(ours.read(&mut bytes)?, 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shutdown(&self, how: SocketShutdown) -> Result<(), Status> {
        raw::socket_shutdown(self.raw_handle(), how)
    }

    /// Ends writing at this end: [`shutdown`](Self::shutdown) of [`SocketShutdown::WRITE`].
    ///
    /// # Errors
    /// As [`shutdown`](Self::shutdown).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Socket::create_stream();
    /// ours.half_close()?;
    /// assert_eq!(ours.write(b"x"), Err(Status::BAD_STATE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn half_close(&self) -> Result<(), Status> {
        self.shutdown(SocketShutdown::WRITE)
    }

    /// Puts an end of another socket into the queue of this socket's other end, where [`accept`](Self::accept) takes it out.
    /// The queue has one place: [`SOCKET_SHARE`](crate::Signals::SOCKET_SHARE) says that it is free. The socket that is
    /// shared is closed if the call fails.
    ///
    /// Follows `docs/syscalls/socket_share.md`. Needs [`Rights::WRITE`], and [`Rights::TRANSFER`] of the shared socket.
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when the queue has a socket already; [`Status::PEER_CLOSED`]; [`Status::NOT_SUPPORTED`] when
    /// this socket was made without [`SocketOpts::HAS_ACCEPT`]; [`Status::BAD_STATE`] when `shared` is an end of this socket,
    /// or was made with [`SocketOpts::HAS_ACCEPT`] itself; [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`],
    /// [`Status::WRONG_TYPE`]; [`Status::NO_MEMORY`], [`Status::NO_RESOURCES`] when there is no memory for the queue.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT)?;
    /// let (ours, theirs) = Socket::create_stream();
    /// server.share(theirs)?;
    /// client.wait_one(Signals::SOCKET_ACCEPT, MonotonicInstant::INFINITE).to_result()?;
    /// client.accept()?.write(b"a connection of its own")?;
    /// assert_eq!(ours.outstanding_read_bytes()?, 23);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn share(&self, shared: Socket) -> Result<(), Status> {
        raw::socket_share(self.raw_handle(), shared.into_raw())
    }

    /// As [`share`](Self::share), and gives `shared` back with the error: when the queue is taken, it can be shared later.
    ///
    /// # Errors
    /// As [`share`](Self::share).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT)?;
    /// let (one, other) = Socket::create_stream();
    /// server.share(one)?;
    /// let (status, other) = server.try_share(other).expect_err("the queue has one place");
    /// assert_eq!(status, Status::SHOULD_WAIT);
    /// client.accept()?;
    /// server.share(other)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_share(&self, shared: Socket) -> Result<(), (Status, Socket)> {
        match raw::socket_try_share(self.raw_handle(), shared.raw_handle()) {
            Ok(()) => {
                // The handle is in the queue.
                let _ = shared.into_raw();
                Ok(())
            }
            Err(status) => Err((status, shared)),
        }
    }

    /// Takes the socket out of the queue of this end, into which the other end has [shared](Self::share) it.
    ///
    /// Follows `docs/syscalls/socket_accept.md`. Needs [`Rights::READ`].
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when the queue is empty; [`Status::NOT_SUPPORTED`] when this socket was made without
    /// [`SocketOpts::HAS_ACCEPT`]; [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`];
    /// [`Status::NO_RESOURCES`] when this process has no room for another handle.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (server, client) = Socket::create(SocketOpts::HAS_ACCEPT)?;
    /// assert_eq!(client.accept().err(), Some(Status::SHOULD_WAIT));
    /// server.share(Socket::create_datagram().0)?;
    /// assert!(client.accept()?.write(b"x").is_err()); // Its peer was closed at once.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept(&self) -> Result<Socket, Status> {
        raw::socket_accept(self.raw_handle()).map(Self::from_value)
    }

    /// How many bytes one read can give: all that are there, or those of the next datagram.
    ///
    /// # Errors
    /// As [`info`](Self::info).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// ours.write(b"hello")?;
    /// assert_eq!(theirs.outstanding_read_bytes()?, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outstanding_read_bytes(&self) -> Result<usize, Status> {
        Ok(self.info()?.rx_buf_available)
    }

    /// The buffers of the socket (`ZX_INFO_SOCKET`). Needs [`Rights::INSPECT`].
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// ours.write(b"hello")?;
    /// assert_eq!((ours.info()?.tx_buf_size, theirs.info()?.rx_buf_size), (5, 5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn info(&self) -> Result<SocketInfo, Status> {
        raw::socket_info(self.raw_handle())
    }

    /// How many unread bytes assert [`SOCKET_READ_THRESHOLD`](crate::Signals::SOCKET_READ_THRESHOLD) at this end; 0: none do.
    /// Needs [`Rights::GET_PROPERTY`].
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Socket::create_stream().0.get_rx_threshold()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_rx_threshold(&self) -> Result<usize, Status> {
        raw::socket_threshold(self.raw_handle(), raw::Threshold::Read)
    }

    /// Sets how many unread bytes assert [`SOCKET_READ_THRESHOLD`](crate::Signals::SOCKET_READ_THRESHOLD) at this end. Needs
    /// [`Rights::SET_PROPERTY`].
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] for more than the socket holds; [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`],
    /// [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// theirs.set_rx_threshold(&4)?;
    /// ours.write(b"123")?;
    /// let read = |socket: &Socket| socket.wait_one(Signals::SOCKET_READ_THRESHOLD, MonotonicInstant::INFINITE_PAST).to_result();
    /// assert!(read(&theirs).is_err());
    /// ours.write(b"4")?;
    /// assert!(read(&theirs).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_rx_threshold(&self, bytes: &usize) -> Result<(), Status> {
        raw::socket_set_threshold(self.raw_handle(), raw::Threshold::Read, *bytes)
    }

    /// For how many bytes there must be room to assert [`SOCKET_WRITE_THRESHOLD`](crate::Signals::SOCKET_WRITE_THRESHOLD) at
    /// this end; 0: it is never asserted. Needs [`Rights::GET_PROPERTY`].
    ///
    /// # Errors
    /// As [`get_rx_threshold`](Self::get_rx_threshold).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Socket::create_stream().0.get_tx_threshold()?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_tx_threshold(&self) -> Result<usize, Status> {
        raw::socket_threshold(self.raw_handle(), raw::Threshold::Write)
    }

    /// Sets for how many bytes there must be room to assert
    /// [`SOCKET_WRITE_THRESHOLD`](crate::Signals::SOCKET_WRITE_THRESHOLD) at this end. Needs [`Rights::SET_PROPERTY`].
    ///
    /// # Errors
    /// As [`set_rx_threshold`](Self::set_rx_threshold), and [`Status::PEER_CLOSED`] when the other end is closed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Socket::create_stream();
    /// ours.set_tx_threshold(&100_000)?;
    /// ours.wait_one(Signals::SOCKET_WRITE_THRESHOLD, MonotonicInstant::INFINITE).to_result()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_tx_threshold(&self, bytes: &usize) -> Result<(), Status> {
        raw::socket_set_threshold(self.raw_handle(), raw::Threshold::Write, *bytes)
    }
}
