//! Options of sockets and of their calls, and what a socket says of itself.

use bitflags::bitflags;
use jacinth_shm as shm;

bitflags! {
    /// What a socket is made for, for [`Socket::create`](crate::Socket::create). Follows `docs/syscalls/socket_create.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Socket::create(SocketOpts::DATAGRAM | SocketOpts::HAS_CONTROL)?;
    /// assert_eq!(ours.info()?.options, SocketOpts::DATAGRAM | SocketOpts::HAS_CONTROL);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct SocketOpts: u32 {
        /// The socket carries bytes, without bounds: this is the default, and no bit.
        const STREAM = 0;
        /// The socket carries datagrams: each write is one, and is read whole.
        const DATAGRAM = 1 << 0;
        /// The socket has a control plane: one message each way beside the data.
        const HAS_CONTROL = 1 << 1;
        /// Other sockets can be shared over the socket.
        const HAS_ACCEPT = 1 << 2;
    }
}

bitflags! {
    /// Options of [`Socket::read_opts`](crate::Socket::read_opts). Follows `docs/syscalls/socket_read.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// ours.write(b"hello")?;
    /// let mut bytes = [0; 2];
    /// assert_eq!((theirs.read_opts(&mut bytes, SocketReadOpts::PEEK)?, &bytes), (2, b"he"));
    /// assert_eq!((theirs.read(&mut bytes)?, &bytes), (2, b"he"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct SocketReadOpts: u32 {
        /// Reads the message of the control plane.
        const CONTROL = 1 << 2;
        /// Leaves what is read in the socket.
        const PEEK = 1 << 3;
    }
}

bitflags! {
    /// Options of [`Socket::write_opts`](crate::Socket::write_opts). Follows `docs/syscalls/socket_write.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create(SocketOpts::HAS_CONTROL)?;
    /// ours.write_opts(b"80x25", SocketWriteOpts::CONTROL)?;
    /// let mut bytes = [0; 100];
    /// assert_eq!(theirs.read_opts(&mut bytes, SocketReadOpts::CONTROL)?, 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct SocketWriteOpts: u32 {
        /// Writes a message to the control plane.
        const CONTROL = 1 << 2;
    }
}

bitflags! {
    /// What a [`Socket::shutdown`](crate::Socket::shutdown) ends. Follows `docs/syscalls/socket_shutdown.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Socket::create_stream();
    /// ours.shutdown(SocketShutdown::READ | SocketShutdown::WRITE)?;
    /// assert_eq!(ours.write(b"x"), Err(Status::BAD_STATE));
    /// assert_eq!(theirs.write(b"x"), Err(Status::BAD_STATE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct SocketShutdown: u32 {
        /// This end writes no more, and the other end reads no more than there is.
        const WRITE = 1 << 0;
        /// This end reads no more than there is, and the other end writes no more.
        const READ = 1 << 1;
    }
}

/// The buffers of a socket, as one of its ends sees them (`zx_info_socket_t`). In bytes of payload: what a socket adds to
/// datagrams does not count.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Socket::create_datagram();
/// ours.write(b"one")?;
/// ours.write(b"another")?;
/// let info = theirs.info()?;
/// assert_eq!((info.rx_buf_size, info.rx_buf_available, info.tx_buf_size), (10, 3, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketInfo {
    /// What the socket was made for.
    pub options: SocketOpts,
    /// How many bytes may wait to be read here.
    pub rx_buf_max: usize,
    /// How many bytes wait to be read here.
    pub rx_buf_size: usize,
    /// How many of them one read can give: of datagrams, those of the next.
    pub rx_buf_available: usize,
    /// How many bytes may wait at the other end; 0 once it is closed.
    pub tx_buf_max: usize,
    /// How many bytes wait at the other end; 0 once it is closed.
    pub tx_buf_size: usize,
}

impl From<shm::SocketInfo> for SocketInfo {
    fn from(info: shm::SocketInfo) -> Self {
        Self {
            options: SocketOpts::from_bits_retain(info.options.bits().into()),
            rx_buf_max: info.rx_buf_max,
            rx_buf_size: info.rx_buf_size,
            rx_buf_available: info.rx_buf_available,
            tx_buf_max: info.tx_buf_max,
            tx_buf_size: info.tx_buf_size,
        }
    }
}
