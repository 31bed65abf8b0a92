//! Channels by a handle's value: create, write, read, call.

use crate::attachment::current_thread::{ThreadContext, with_current, with_thread};
use crate::raw::INVALID;
use crate::types::channel_options::ChannelOptions;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;

/// Makes a channel with options, as [`create`](super::create) makes one without. See [`ChannelOptions`](crate::ChannelOptions).
///
/// # Errors
/// As [`create`](super::create).
pub fn channel_create(rights: Rights, options: ChannelOptions) -> Result<(u32, u32), Status> {
    // Every type's number fits.
    let kind = ObjectType::CHANNEL.into_raw() as u8;
    let (first, second) = with_thread(|thread| {
        thread.create_with(shm::Shape::Channel, kind, rights.bits(), options.to_mechanism())
    })?;
    Ok((first, second.unwrap_or(INVALID)))
}

/// Closes a message's handles, as every failed write does.
fn discard(thread: &shm::Thread, handles: &[u32]) {
    for value in handles {
        // Those that are no handles are no loss.
        let _ = thread.find(*value).and_then(|found| thread.close(found));
    }
}

fn check_sizes(bytes: &[u8], handles: &[u32]) -> Result<(), shm::Error> {
    if bytes.len() > shm::MAX_MESSAGE_BYTES {
        return Err(shm::Error::out_of_range("the number of bytes", bytes.len(), shm::MAX_MESSAGE_BYTES));
    }
    if handles.len() > shm::MAX_MESSAGE_HANDLES {
        return Err(shm::Error::out_of_range(
            "the number of handles",
            handles.len(),
            shm::MAX_MESSAGE_HANDLES,
        ));
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
#[inline]
pub fn channel_write(value: u32, bytes: &[u8], handles: &[u32]) -> Result<(), Status> {
    if handles.is_empty() && bytes.len() <= shm::MAX_MESSAGE_BYTES {
        return with_thread(|thread| thread.send(thread.find(value)?, Rights::WRITE.bits(), bytes));
    }
    write_with_handles(value, bytes, handles)
}

fn write_with_handles(value: u32, bytes: &[u8], handles: &[u32]) -> Result<(), Status> {
    with_thread(|thread| {
        // The order in which Zircon finds fault: the channel first, then the sizes.
        let checked = channel_with(thread, value, Rights::WRITE)
            .and_then(|found| check_sizes(bytes, handles).map(|()| found));
        match checked {
            Ok(found) => {
                let (write, transfer) = (Rights::WRITE.bits(), Rights::TRANSFER.bits());
                thread.send_with_handles(found, write, bytes, handles, transfer, None)
            }
            Err(error) => {
                discard(thread, handles);
                Err(error)
            }
        }
    })
}

/// The channel that `value` names, with these rights.
pub(crate) fn channel_with(thread: &shm::Thread, value: u32, rights: Rights) -> shm::Result<shm::Found> {
    let found = thread.find(value)?;
    if u32::from(thread.kind(found)?) != ObjectType::CHANNEL.into_raw() {
        return Err(shm::Error::WrongType);
    }
    found.require(rights.bits())?;
    Ok(found)
}

/// What a read did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actual {
    /// The message's size in bytes.
    pub bytes: usize,
    /// How many handles it carries.
    pub handles: usize,
}

/// Whether a read may discard a message that its buffers cannot hold (`ZX_CHANNEL_READ_MAY_DISCARD`).
pub use shm::TooSmall;

/// Reads the next message of a channel into buffers of a fixed size. Each handle comes with its type and
/// rights, as from `zx_channel_read_etc`.
///
/// Follows `docs/syscalls/channel_read.md`. Needs [`Rights::READ`].
///
/// # Errors
/// [`Status::BUFFER_TOO_SMALL`], with the sizes that are needed: the message stays, or is discarded with its
/// handles for [`TooSmall::Discard`]. [`Status::SHOULD_WAIT`] when there is none, [`Status::PEER_CLOSED`] when
/// there will be none. [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`]. When this
/// process's table has no room for the handles: [`Status::NO_RESOURCES`], and the message stays.
#[inline]
pub fn channel_read(
    value: u32,
    too_small: TooSmall,
    bytes: &mut [u8],
    handles: &mut [Option<Received>],
) -> (Result<(), Status>, Actual) {
    receive(value, too_small, &mut shm::Fixed::new(bytes, handles))
}

/// Where a read puts a message's bytes and handles, and a handle that came in one.
pub use shm::{Received, Sink};

/// Reads the next message of a channel into any sink.
///
/// # Errors
/// As [`channel_read`].
#[inline]
pub fn receive(value: u32, too_small: TooSmall, sink: &mut impl shm::Sink) -> (Result<(), Status>, Actual) {
    let mut actual = Actual { bytes: 0, handles: 0 };
    let result = with_thread(|thread| {
        let received = thread.receive(thread.find(value)?, Rights::READ.bits(), sink, too_small);
        match received {
            Ok((bytes, handles)) | Err(shm::Error::BufferTooSmall { bytes, handles }) => {
                actual = Actual { bytes, handles }
            }
            Err(_) => {}
        }
        received.map(drop)
    });
    (result, actual)
}

/// Writes a message, its first four bytes replaced by a fresh transaction id, and waits for the message that
/// carries the same id back. Many threads may call on one channel at once; replies may come in any order.
///
/// Follows `docs/syscalls/channel_call.md`. Needs [`Rights::READ`] and [`Rights::WRITE`], and
/// [`Rights::TRANSFER`] on each handle. The handles are gone as after a write.
///
/// Gives what came of the write, and what came of the whole.
///
/// # Errors
/// Those of [`channel_write`], with [`Status::INVALID_ARGS`] for fewer than four bytes;
/// [`Status::TIMED_OUT`]: the reply, should it come, is an ordinary message; [`Status::CANCELED`]: the channel
/// was closed or transferred meanwhile; [`Status::PEER_CLOSED`].
pub fn call(
    value: u32,
    deadline: MonotonicInstant,
    bytes: &[u8],
    handles: &[u32],
    sink: &mut impl Sink,
) -> (Result<(), Status>, Result<(), Status>) {
    let (sent, mut result) = call_noretry(value, deadline, bytes, handles, sink);
    while result == Err(Status::INTERNAL_INTR_RETRY) {
        result = call_finish(deadline, sink);
    }
    (sent, result)
}

/// As [`call`], but when a signal handler has run in this thread while it slept, it gives
/// [`Status::INTERNAL_INTR_RETRY`]: the message is sent, and [`call_finish`] goes on waiting for the reply.
///
/// # Errors
/// Those of [`call`]; [`Status::BAD_STATE`] while another call of this thread waits to be finished: nothing is sent,
/// and the handles stay.
pub fn call_noretry(
    value: u32,
    deadline: MonotonicInstant,
    bytes: &[u8],
    handles: &[u32],
    sink: &mut impl Sink,
) -> (Result<(), Status>, Result<(), Status>) {
    let mut is_sent = false;
    let result = with_current(|thread, current| {
        if let Some(pending) = current.interrupted_call.take() {
            current.interrupted_call.set(Some(pending));
            return Err(shm::Error::BadState("a call of this thread waits to be finished"));
        }
        let both = Rights::READ | Rights::WRITE;
        // The order in which Zircon finds fault.
        let checked = match bytes.len() {
            0..4 => Err(shm::Error::InvalidArgs("a call needs four bytes for its transaction id")),
            _ => channel_with(thread, value, both)
                .and_then(|found| check_sizes(bytes, handles).map(|()| found)),
        };
        let found = checked.inspect_err(|_| discard(thread, handles))?;
        let pending = thread.call_begin(found, both.bits(), bytes, handles, Rights::TRANSFER.bits())?;
        is_sent = true;
        finish(thread, current, pending, deadline, sink)
    });
    (if is_sent { Ok(()) } else { result }, result)
}

/// Goes on with the call of this thread that a signal handler interrupted.
///
/// # Errors
/// Those of [`call_noretry`] once the message is sent; [`Status::BAD_STATE`] when no call of this thread was
/// interrupted.
pub fn call_finish(deadline: MonotonicInstant, sink: &mut impl Sink) -> Result<(), Status> {
    with_current(|thread, current| {
        let pending = current.interrupted_call.take();
        let pending = pending.ok_or(shm::Error::BadState("no call of this thread was interrupted"))?;
        finish(thread, current, pending, deadline, sink)
    })
}

fn finish(
    thread: &shm::Thread,
    current: &ThreadContext,
    pending: shm::Pending,
    deadline: MonotonicInstant,
    sink: &mut impl Sink,
) -> shm::Result<()> {
    let result = thread.call_finish(&pending, deadline.into_nanos(), sink);
    if result == Err(shm::Error::Interrupted) {
        current.interrupted_call.set(Some(pending));
    }
    result.map(drop)
}
