//! Channels by a handle's value: create, write, read.

use crate::attachment::current_thread::with_thread;
use crate::raw::INVALID;
use crate::types::channel_options::ChannelOptions;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;

/// Makes a channel with options, as [`create`](super::create) makes one without. See
/// [`ChannelOptions`](crate::ChannelOptions).
///
/// # Errors
/// As [`create`](super::create).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::channel_create(Rights::CHANNEL_DEFAULT, ChannelOptions::new())?;
/// raw::channel_write(one, b"hello", &[])?;
/// raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel_create(rights: Rights, options: ChannelOptions) -> Result<(u32, u32), Status> {
    let (first, second) = with_thread(|thread| thread.create_channel(options.to_mechanism(), rights.into()))?;
    Ok((first.0, second.map_or(INVALID, |value| value.0)))
}

/// Closes a message's handles, as every failed write does.
pub(super) fn discard(thread: &shm::Thread, handles: impl IntoIterator<Item = u32>) {
    for value in handles {
        // Those that are no handles are no loss.
        let _ = thread.lookup(shm::HandleValue(value)).and_then(|found| thread.close_when_returned(found));
    }
}

pub(super) fn check_sizes(bytes: usize, handles: usize) -> Result<(), shm::Error> {
    if bytes > shm::MAX_MESSAGE_BYTES {
        return Err(shm::Error::out_of_range("the number of bytes", bytes, shm::MAX_MESSAGE_BYTES));
    }
    if handles > shm::MAX_MESSAGE_HANDLES {
        return Err(shm::Error::out_of_range("the number of handles", handles, shm::MAX_MESSAGE_HANDLES));
    }
    Ok(())
}

/// Writes a message of up to 65,536 bytes and 64 handles to a channel.
///
/// Follows `docs/syscalls/channel_write.md`. Needs [`Rights::WRITE`], and [`Rights::TRANSFER`] on each handle.
/// The handles are gone on success and on every error but two, which are this library's own: a channel holds a bounded
/// number of pending messages ([`Status::SHOULD_WAIT`]), and a process may have no more of them pending, and of memory
/// in them, than its quota ([`Status::NO_RESOURCES`]).
///
/// # Errors
/// [`Status::BAD_HANDLE`] (also for a handle that stands in the list twice), [`Status::WRONG_TYPE`],
/// [`Status::ACCESS_DENIED`], [`Status::OUT_OF_RANGE`], [`Status::NOT_SUPPORTED`] when the channel itself is
/// among the handles, [`Status::PEER_CLOSED`], [`Status::NO_MEMORY`] when the arena's pools are exhausted.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, _theirs) = Channel::create();
/// raw::channel_write(ours.raw_handle(), b"with an event", &[Event::create().into_raw()])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn channel_write(value: u32, bytes: &[u8], handles: &[u32]) -> Result<(), Status> {
    if handles.is_empty() && bytes.len() <= shm::MAX_MESSAGE_BYTES {
        // The frequent case: `send` checks the class and the right by itself.
        return with_thread(|thread| thread.send(shm::HandleValue(value), Rights::WRITE.into(), bytes));
    }
    write_with_handles(value, bytes, handles)
}

fn write_with_handles(value: u32, bytes: &[u8], handles: &[u32]) -> Result<(), Status> {
    with_thread(|thread| {
        // The order in which Zircon finds fault: the channel first, then the sizes.
        let checked = channel_with(thread, value, Rights::WRITE)
            .and_then(|found| check_sizes(bytes.len(), handles.len()).map(|()| found));
        match checked {
            Ok(found) => {
                let (write, transfer) = (Rights::WRITE.into(), Rights::TRANSFER.into());
                let handles = shm::HandleValue::from_raw_slice(handles);
                thread.send_with_handles(found, write, bytes, handles, transfer, None)
            }
            Err(error) => {
                discard(thread, handles.iter().copied());
                Err(error)
            }
        }
    })
}

/// The channel that `value` names, with these rights.
pub(crate) fn channel_with(
    thread: &shm::Thread,
    value: u32,
    rights: Rights,
) -> shm::Result<shm::ResolvedHandle> {
    let found = thread.lookup(shm::HandleValue(value))?;
    if thread.class(found)? != shm::ObjectClass::Channel {
        return Err(shm::Error::WrongType);
    }
    found.require(rights.into())?;
    Ok(found)
}

pub use shm::Actual;

/// Whether a read may discard a message that its buffers cannot hold (`ZX_CHANNEL_READ_MAY_DISCARD`).
pub use shm::OnOverflow;

/// Reads the next message of a channel into buffers of a fixed size. Each handle comes with its type and
/// rights, as from `zx_channel_read_etc`.
///
/// Follows `docs/syscalls/channel_read.md`. Needs [`Rights::READ`].
///
/// # Errors
/// [`Status::BUFFER_TOO_SMALL`], with the sizes that are needed: the message stays, or is discarded with its
/// handles for [`OnOverflow::Discard`]. [`Status::SHOULD_WAIT`] when there is none, [`Status::PEER_CLOSED`] when
/// there will be none. [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`]. When this
/// process's table has no room for the handles: [`Status::NO_RESOURCES`], and the message stays.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// ours.write(b"hello", &mut [Event::create().into()])?;
/// let (mut bytes, mut handles) = ([0; 8], [None]);
/// let (read, actual) = raw::channel_read(theirs.raw_handle(), OnOverflow::Keep, &mut bytes, &mut handles);
/// assert_eq!((read, actual), (Ok(()), raw::Actual { bytes: 5, handles: 1 }));
/// raw::close(handles[0].map_or(raw::INVALID, |handle| handle.value.0))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn channel_read(
    value: u32,
    too_small: OnOverflow,
    bytes: &mut [u8],
    handles: &mut [Option<Received>],
) -> (Result<(), Status>, Actual) {
    receive(value, too_small, &mut shm::SliceBuf::new(bytes, handles))
}

/// Where a read puts a message's bytes and handles (any buffer, one of a fixed size, or vectors that grow), and a handle
/// that came in one.
pub use shm::{Received, RecvBuf, SliceBuf, VecBuf};

/// Reads the next message of a channel into any buffer.
///
/// # Errors
/// As [`channel_read`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// ours.write(b"hello", &mut [])?;
/// let (mut bytes, mut handles) = (Vec::new(), Vec::new());
/// let mut buffer = raw::VecBuf::new(&mut bytes, &mut handles);
/// let (read, actual) = raw::receive(theirs.raw_handle(), OnOverflow::Keep, &mut buffer);
/// assert_eq!((read, actual.bytes), (Ok(()), 5));
/// assert_eq!(bytes, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn receive(
    value: u32,
    too_small: OnOverflow,
    buffer: &mut impl shm::RecvBuf,
) -> (Result<(), Status>, Actual) {
    let mut actual = Actual { bytes: 0, handles: 0 };
    let result = with_thread(|thread| {
        let received = thread.receive(shm::HandleValue(value), Rights::READ.into(), buffer, too_small);
        match received {
            Ok(Actual { bytes, handles }) | Err(shm::Error::BufferTooSmall { bytes, handles }) => {
                actual = Actual { bytes, handles }
            }
            Err(_) => {}
        }
        received.map(drop)
    });
    (result, actual)
}
