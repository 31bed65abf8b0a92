//! Sockets by a handle's value.

use crate::attachment::current_thread::with_thread;
use crate::raw::handle::close;
use crate::types::rights::Rights;
use crate::types::socket::{SocketInfo, SocketOpts, SocketReadOpts, SocketShutdown, SocketWriteOpts};
use crate::types::status::Status;
use jacinth_shm as shm;
use std::mem::MaybeUninit;

/// How many bytes a socket holds in each direction.
pub use shm::MAX_SOCKET_BYTES;

/// The most bytes of a message in the control plane of a socket.
pub use shm::MAX_CONTROL_BYTES;

/// Makes a socket. Gives the value of a handle to each end.
///
/// Follows `docs/syscalls/socket_create.md`.
///
/// # Errors
/// [`Status::INVALID_ARGS`] for other options than those of [`SocketOpts`]; [`Status::NO_RESOURCES`] when the arena or this
/// process's share of it is full.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::close_many(&[one, other])?;
/// let unknown = SocketOpts::from_bits_retain(1 << 9);
/// assert_eq!(raw::socket_create(unknown, Rights::SOCKET_DEFAULT), Err(Status::INVALID_ARGS));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_create(options: SocketOpts, rights: Rights) -> Result<(u32, u32), Status> {
    let (first, second) = with_thread(|thread| {
        let known = u8::try_from(options.bits()).ok().and_then(shm::SocketOptions::from_bits);
        let known = known.ok_or(shm::Error::InvalidArgs("options that no socket has"))?;
        thread.socket_create(known, rights.into())
    })?;
    Ok((first.0, second.0))
}

/// Writes to a socket: of a stream as many of `bytes` as there is room for; a datagram, or a message of the control plane,
/// whole. Gives how many.
///
/// Follows `docs/syscalls/socket_write.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// In this order: [`Status::INVALID_ARGS`] for other options than [`SocketWriteOpts::CONTROL`]; [`Status::BAD_HANDLE`];
/// [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::PEER_CLOSED`]; [`Status::BAD_STATE`] after a shutdown;
/// [`Status::SHOULD_WAIT`] when the socket is full, of bytes or of 1,024 unread datagrams, or has no room for this datagram;
/// [`Status::OUT_OF_RANGE`] for a datagram of more than [`MAX_SOCKET_BYTES`]. [`Status::NO_MEMORY`] when the arena's pools are
/// exhausted, and [`Status::NO_RESOURCES`] beyond this process's quota of memory.
///
/// Of the control plane: [`Status::BAD_STATE`] when the socket has none; [`Status::INVALID_ARGS`] for no bytes;
/// [`Status::OUT_OF_RANGE`] for more than [`MAX_CONTROL_BYTES`]; [`Status::PEER_CLOSED`]; [`Status::SHOULD_WAIT`] when the
/// message before has not been read.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// assert_eq!(raw::socket_write(one, SocketWriteOpts::empty(), b"hello"), Ok(5));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn socket_write(value: u32, options: SocketWriteOpts, bytes: &[u8]) -> Result<usize, Status> {
    let (value, rights) = (shm::HandleValue(value), Rights::WRITE.into());
    with_thread(|thread| {
        if options.is_empty() {
            thread.socket_write(value, rights, bytes)
        } else if options == SocketWriteOpts::CONTROL {
            thread.socket_write_control(value, rights, bytes).map(|()| bytes.len())
        } else {
            Err(shm::Error::InvalidArgs("options that a write to a socket does not have"))
        }
    })
}

fn taking(options: SocketReadOpts) -> shm::Result<shm::Taking> {
    if !SocketReadOpts::all().contains(options) {
        return Err(shm::Error::InvalidArgs("options that a read from a socket does not have"));
    }
    let is_peek = options.contains(SocketReadOpts::PEEK);
    Ok(if is_peek { shm::Taking::Peek } else { shm::Taking::Consume })
}

/// Reads from a socket: of a stream as many bytes as there are and as fit into `bytes`; the first datagram, or the message of
/// the control plane, whose rest is discarded; a read of no bytes leaves a datagram. Gives how many. While others read at the
/// same end, the rest of `bytes` may have changed too.
///
/// Follows `docs/syscalls/socket_read.md`. Needs [`Rights::READ`].
///
/// # Errors
/// In this order: [`Status::INVALID_ARGS`] for other options than those of [`SocketReadOpts`]; [`Status::BAD_HANDLE`];
/// [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]. When nothing is there to be read: [`Status::PEER_CLOSED`] when the other
/// end is closed; [`Status::BAD_STATE`] after a shutdown; [`Status::SHOULD_WAIT`].
///
/// Of the control plane: [`Status::BAD_STATE`] when the socket has none; [`Status::SHOULD_WAIT`] when it is empty, also if
/// the other end is closed.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::socket_write(one, SocketWriteOpts::empty(), b"hello")?;
/// let mut bytes = *b"-------";
/// assert_eq!(raw::socket_read(other, SocketReadOpts::empty(), &mut bytes), Ok(5));
/// assert_eq!(&bytes, b"hello--");
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn socket_read(value: u32, options: SocketReadOpts, bytes: &mut [u8]) -> Result<usize, Status> {
    let (value, rights) = (shm::HandleValue(value), Rights::READ.into());
    with_thread(|thread| {
        let taking = taking(options)?;
        if options.contains(SocketReadOpts::CONTROL) {
            thread.socket_read_control_bytes(value, rights, taking, bytes)
        } else {
            thread.socket_read_bytes(value, rights, taking, bytes)
        }
    })
}

/// As [`socket_read`], into memory that need not be initialised. The bytes that were read are.
///
/// # Errors
/// Those of [`socket_read`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// use std::mem::MaybeUninit;
///
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::socket_write(one, SocketWriteOpts::empty(), b"hello")?;
/// let mut bytes = [MaybeUninit::uninit(); 64];
/// assert_eq!(raw::socket_read_uninit(other, SocketReadOpts::empty(), &mut bytes), Ok(5));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn socket_read_uninit(
    value: u32,
    options: SocketReadOpts,
    bytes: &mut [MaybeUninit<u8>],
) -> Result<usize, Status> {
    let (value, rights) = (shm::HandleValue(value), Rights::READ.into());
    with_thread(|thread| {
        let taking = taking(options)?;
        if options.contains(SocketReadOpts::CONTROL) {
            thread.socket_read_control(value, rights, taking, bytes)
        } else {
            thread.socket_read(value, rights, taking, bytes)
        }
    })
}

/// Ends writing, reading, or both, for good. What has been written can still be read. Idempotent.
///
/// Follows `docs/syscalls/socket_shutdown.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// [`Status::INVALID_ARGS`] for other options than those of [`SocketShutdown`]; [`Status::BAD_HANDLE`];
/// [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::socket_shutdown(one, SocketShutdown::WRITE)?;
/// assert_eq!(raw::socket_write(one, SocketWriteOpts::empty(), b"x"), Err(Status::BAD_STATE));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_shutdown(value: u32, how: SocketShutdown) -> Result<(), Status> {
    with_thread(|thread| {
        let known = u8::try_from(how.bits()).ok().and_then(shm::Shutdown::from_bits);
        let known = known.ok_or(shm::Error::InvalidArgs("options that a shutdown does not have"))?;
        thread.socket_shutdown(shm::HandleValue(value), Rights::WRITE.into(), known)
    })
}

/// Puts the handle `shared`, to another socket, into the queue of the other end of `value`, where
/// [`socket_accept`] takes it out. The queue has one place. `shared` is gone afterwards, also after an error.
///
/// Follows `docs/syscalls/socket_share.md`. Needs [`Rights::WRITE`], and [`Rights::TRANSFER`] of `shared`.
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`], of either handle, that of `value` first, and the
/// right of `shared` before its type;
/// [`Status::BAD_STATE`] when `shared` is an end of the same socket, or can share sockets itself;
/// [`Status::NOT_SUPPORTED`] when the socket was made without [`SocketOpts::HAS_ACCEPT`]; [`Status::PEER_CLOSED`];
/// [`Status::SHOULD_WAIT`] when a socket is in the queue already; [`Status::NO_MEMORY`], [`Status::NO_RESOURCES`] when the
/// first socket to be shared finds no memory for the queue.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::HAS_ACCEPT, Rights::SOCKET_DEFAULT)?;
/// let (near, far) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::socket_share(one, far)?;
/// let far = raw::socket_accept(other)?;
/// raw::socket_write(far, SocketWriteOpts::empty(), b"here")?;
/// # raw::close_many(&[one, other, near, far])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_share(value: u32, shared: u32) -> Result<(), Status> {
    let result = socket_try_share(value, shared);
    if result.is_err() {
        // A value that is no handle has nothing to be closed.
        let _ = close(shared);
    }
    result
}

/// As [`socket_share`], and after an error `shared` is still the caller's.
///
/// # Errors
/// Those of [`socket_share`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (server, client) = raw::socket_create(SocketOpts::HAS_ACCEPT, Rights::SOCKET_DEFAULT)?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::socket_try_share(server, one)?;
/// assert_eq!(raw::socket_try_share(server, other), Err(Status::SHOULD_WAIT));
/// raw::socket_accept(client)?;
/// raw::socket_try_share(server, other)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_try_share(value: u32, shared: u32) -> Result<(), Status> {
    with_thread(|thread| {
        thread.socket_share(
            shm::HandleValue(value),
            Rights::WRITE.into(),
            shm::HandleValue(shared),
            Rights::TRANSFER.into(),
        )
    })
}

/// Takes the socket out of the queue of this end. Gives the value of a handle to it, with the rights that the handle had.
///
/// Follows `docs/syscalls/socket_accept.md`. Needs [`Rights::READ`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::NOT_SUPPORTED`] when the socket was
/// made without [`SocketOpts::HAS_ACCEPT`]; [`Status::SHOULD_WAIT`] when no socket is in the queue;
/// [`Status::NO_RESOURCES`] when this process has no room for another handle.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::HAS_ACCEPT, Rights::SOCKET_DEFAULT)?;
/// assert_eq!(raw::socket_accept(other), Err(Status::SHOULD_WAIT));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_accept(value: u32) -> Result<u32, Status> {
    with_thread(|thread| thread.socket_accept(shm::HandleValue(value), Rights::READ.into()))
        .map(|received| received.value.0)
}

/// The buffers of a socket (`ZX_INFO_SOCKET`). Needs [`Rights::INSPECT`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// assert_eq!(raw::socket_info(one)?.rx_buf_max, raw::MAX_SOCKET_BYTES);
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_info(value: u32) -> Result<SocketInfo, Status> {
    with_thread(|thread| thread.socket_info(shm::HandleValue(value), Rights::INSPECT.into()))
        .map(SocketInfo::from)
}

/// A threshold of a socket.
pub use shm::Threshold;

/// A threshold of this end, in bytes (`ZX_PROP_SOCKET_RX_THRESHOLD`, `ZX_PROP_SOCKET_TX_THRESHOLD`). Needs
/// [`Rights::GET_PROPERTY`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// assert_eq!(raw::socket_threshold(one, raw::Threshold::Read), Ok(0));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_threshold(value: u32, threshold: Threshold) -> Result<usize, Status> {
    with_thread(|thread| {
        thread.socket_threshold(shm::HandleValue(value), Rights::GET_PROPERTY.into(), threshold)
    })
}

/// Sets a threshold of this end, in bytes; 0 turns its signal off. Needs [`Rights::SET_PROPERTY`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::PEER_CLOSED`] for
/// [`Threshold::Write`] when the other end is closed; [`Status::INVALID_ARGS`] for more than [`MAX_SOCKET_BYTES`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::socket_create(SocketOpts::STREAM, Rights::SOCKET_DEFAULT)?;
/// raw::socket_set_threshold(one, raw::Threshold::Read, 512)?;
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn socket_set_threshold(value: u32, threshold: Threshold, bytes: usize) -> Result<(), Status> {
    with_thread(|thread| {
        thread.socket_set_threshold(shm::HandleValue(value), Rights::SET_PROPERTY.into(), threshold, bytes)
    })
}
