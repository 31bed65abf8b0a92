//! Every call by handle *value*, as Zircon's own interface has it: the typed API is made of these, and so is
//! whatever binds jacinth to another language.
//!
//! A value is only meaningful in the process that got it. Nothing here owns anything: a value that is dropped
//! stays open, and one that is closed twice gives [`Status::BAD_HANDLE`] the second time.

use crate::attach::{Current, with_any_thread, with_current, with_thread};
use crate::{HandleInfo, MonotonicInstant, ObjectType, Rights, Signals, Status, detail};
use jacinth_shm as shm;

/// The value that is never a handle (`ZX_HANDLE_INVALID`).
pub const INVALID: u32 = 0;

/// The most handles that one wait takes: 64, as in Zircon from 2019 on. (`ZX_WAIT_MANY_MAX_ITEMS` of late 2018, which
/// the C interface keeps to, is 16.)
pub const WAIT_MANY_MAX_ITEMS: usize = 64;

/// The rights of `rights` that a new handle made from `found` gets, if they are a subset.
fn subset(found: &shm::Found, rights: Rights) -> Result<u32, shm::Error> {
    if rights == Rights::SAME_RIGHTS {
        return Ok(found.rights());
    }
    let beyond = rights.bits() & !found.rights();
    if beyond == 0 {
        Ok(rights.bits())
    } else {
        Err(shm::Error::InvalidArgs("rights beyond those of the handle"))
    }
}

/// Closes a handle. Waits on it, in other threads of this process, end with [`Status::CANCELED`]. Closing
/// [`INVALID`] does nothing and succeeds.
///
/// Follows `docs/syscalls/handle_close.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`]: the value names no live handle of this process.
pub fn close(value: u32) -> Result<(), Status> {
    if value == INVALID {
        return Ok(());
    }
    with_any_thread(|thread| thread.close(thread.find(value)?))
}

/// Closes every handle of the list, whatever is wrong with some of them; [`INVALID`] is skipped.
///
/// Follows `docs/syscalls/handle_close_many.md`.
///
/// # Errors
/// [`Status::BAD_HANDLE`]: one or more values named no live handle, or stood in the list more than once. All
/// others are closed all the same.
pub fn close_many(values: &[u32]) -> Result<(), Status> {
    let mut result = Ok(());
    for value in values {
        result = close(*value).and(result);
    }
    result
}

/// Makes another handle to the same object, with `rights` or, for [`Rights::SAME_RIGHTS`], the same rights.
///
/// Follows `docs/syscalls/handle_duplicate.md`. Needs [`Rights::DUPLICATE`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::ACCESS_DENIED`] without the right; [`Status::INVALID_ARGS`] when `rights`
/// is no subset; [`Status::NO_RESOURCES`] when this process's table is full.
pub fn duplicate(value: u32, rights: Rights) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::DUPLICATE.bits())?;
        thread.duplicate(found, subset(&found, rights)?)
    })
}

/// Replaces a handle by one with `rights`, or the same rights for [`Rights::SAME_RIGHTS`]. The original is gone,
/// also on an error.
///
/// Follows `docs/syscalls/handle_replace.md`. Needs no right.
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::INVALID_ARGS`] when `rights` is no subset; [`Status::NO_RESOURCES`] when
/// this process's table is full.
pub fn replace(value: u32, rights: Rights) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        match subset(&found, rights) {
            Ok(rights) => thread.replace(found, rights),
            Err(error) => thread.close(found).and(Err(error)),
        }
    })
}

/// Whether the value names a live handle of this process (`ZX_INFO_HANDLE_VALID`). A load and a comparison.
///
/// # Errors
/// [`Status::BAD_HANDLE`] when it does not.
#[inline]
pub fn check_valid(value: u32) -> Result<(), Status> {
    with_thread(|thread| thread.find(value).map(drop))
}

/// What is known of a handle and its object, in plain numbers.
pub use shm::Basic;

/// What is known of the handle and its object (`ZX_INFO_HANDLE_BASIC`). Needs no right.
///
/// # Errors
/// [`Status::BAD_HANDLE`].
pub fn basic(value: u32) -> Result<Basic, Status> {
    with_thread(|thread| thread.basic(thread.find(value)?))
}

/// How many handles refer to the object (`ZX_INFO_HANDLE_COUNT`). Needs [`Rights::INSPECT`].
///
/// # Errors
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`].
pub fn handle_count(value: u32) -> Result<u32, Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::INSPECT.bits())?;
        Ok(thread.basic(found)?.handles)
    })
}

/// The bytes of an object's name, the closing NUL included (`ZX_MAX_NAME_LEN`).
pub use shm::MAX_NAME_BYTES;

pub use crate::property::{name, set_name};

/// The signals that a program may set on an object of this type.
fn settable(kind: u8) -> Signals {
    match ObjectType::from_raw(kind.into()) {
        ObjectType::EVENT | ObjectType::EVENTPAIR => Signals::USER_ALL | Signals::EVENT_SIGNALED,
        _ => Signals::USER_ALL,
    }
}

fn check_masks(thread: &shm::Thread, found: shm::Found, clear: Signals, set: Signals) -> shm::Result<()> {
    let allowed = settable(thread.kind(found)?);
    if (clear | set).bits() & !allowed.bits() == 0 {
        Ok(())
    } else {
        Err(shm::Error::InvalidArgs("signals that a program may not set"))
    }
}

/// Clears and then sets signals of the object.
///
/// Follows `docs/syscalls/object_signal.md`. Needs [`Rights::SIGNAL`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::ACCESS_DENIED`]; [`Status::INVALID_ARGS`] for signals other than the eight
/// user signals and, on events and event pairs, `SIGNALED`.
pub fn signal(value: u32, clear: Signals, set: Signals) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::SIGNAL.bits())?;
        check_masks(thread, found, clear, set)?;
        thread.signal(found, clear.bits(), set.bits())
    })
}

/// Clears and then sets signals of the object's peer.
///
/// Follows `docs/syscalls/object_signal_peer.md`. Needs [`Rights::SIGNAL_PEER`].
///
/// # Errors
/// As [`signal`]; [`Status::NOT_SUPPORTED`] for an object without a peer, [`Status::PEER_CLOSED`] when it is
/// closed.
pub fn signal_peer(value: u32, clear: Signals, set: Signals) -> Result<(), Status> {
    with_thread(|thread| {
        let found = thread.find(value)?;
        found.require(Rights::SIGNAL_PEER.bits())?;
        check_masks(thread, found, clear, set)?;
        thread.signal_peer(found, clear.bits(), set.bits())
    })
}

/// Waits until the object asserts one of `signals`, or until `deadline`. Gives what was seen, with the outcome.
///
/// Follows `docs/syscalls/object_wait_one.md`. Needs [`Rights::WAIT`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::ACCESS_DENIED`]; [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another
/// thread closed or transferred the handle meanwhile: [`Signals::HANDLE_CLOSED`] is then among what was seen.
pub fn wait_one(value: u32, signals: Signals, deadline: MonotonicInstant) -> (Result<(), Status>, Signals) {
    let mut seen = 0;
    let result = with_thread(|thread| {
        let (result, pending) =
            thread.wait_one(value, Rights::WAIT.bits(), signals.bits(), deadline.into_nanos());
        seen = pending;
        result
    });
    (result, Signals::from_bits_retain(seen))
}

/// A handle's value, the signals to wait for on it, and those that were seen (`zx_wait_item_t`).
pub use shm::WaitItem;

/// Waits until one of the items asserts one of its signals, or until `deadline`. Every item's `pending` is
/// filled in on success, on `TIMED_OUT` and on `CANCELED`.
///
/// Follows `docs/syscalls/object_wait_many.md`. Needs [`Rights::WAIT`] on each. With no items it sleeps until
/// the deadline.
///
/// # Errors
/// [`Status::OUT_OF_RANGE`] for more than [`WAIT_MANY_MAX_ITEMS`]; otherwise as [`wait_one`].
pub fn wait_many(items: &mut [WaitItem], deadline: MonotonicInstant) -> Result<(), Status> {
    if items.len() > WAIT_MANY_MAX_ITEMS {
        return Err(too_many_items());
    }
    with_thread(|thread| thread.wait_many(items, Rights::WAIT.bits(), deadline.into_nanos()))
}

/// A wait for more than [`WAIT_MANY_MAX_ITEMS`].
pub(crate) fn too_many_items() -> Status {
    detail::because(Status::OUT_OF_RANGE, "a wait is for WAIT_MANY_MAX_ITEMS handles at most")
}

/// How many sides an object has, and what is between them.
pub use shm::Shape;

/// Makes an object. Gives the value of a handle to each side; the second is [`INVALID`] where there is one.
///
/// # Errors
/// [`Status::NO_RESOURCES`] when the arena or this process's share of it is full.
pub fn create(shape: Shape, kind: ObjectType, rights: Rights) -> Result<(u32, u32), Status> {
    let kind = u8::try_from(kind.into_raw()).map_err(|_| Status::INVALID_ARGS)?;
    let (first, second) = with_thread(|thread| thread.create(shape, kind, rights.bits()))?;
    Ok((first, second.unwrap_or(INVALID)))
}

/// Makes a channel with options, as [`create`] makes one without. See [`ChannelOptions`](crate::ChannelOptions).
///
/// # Errors
/// As [`create`].
pub fn channel_create(rights: Rights, options: crate::ChannelOptions) -> Result<(u32, u32), Status> {
    // Every type's number fits.
    let kind = ObjectType::CHANNEL.into_raw() as u8;
    let (first, second) = with_thread(|thread| {
        thread.create_with(Shape::Channel, kind, rights.bits(), options.to_mechanism())
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
    handles: &mut [Option<HandleInfo>],
) -> (Result<(), Status>, Actual) {
    if handles.is_empty() {
        return receive(value, too_small, &mut shm::Fixed::new(bytes, &mut []));
    }
    let mut received = [None; shm::MAX_MESSAGE_HANDLES];
    let wanted = handles.len().min(received.len());
    let (result, actual) = receive(value, too_small, &mut shm::Fixed::new(bytes, &mut received[..wanted]));
    for (place, handle) in handles.iter_mut().zip(received.into_iter().take(actual.handles)) {
        *place = handle.and_then(HandleInfo::from_received);
    }
    (result, actual)
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
    current: &Current,
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
