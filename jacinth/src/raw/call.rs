//! Calls on a channel by a handle's value.

use super::channel::{RecvBuf, channel_with, check_sizes, discard};
use super::disposition::{Disposition, send_dispositions};
use crate::attachment::current_thread::{ThreadContext, with_current};
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;

/// Writes a message, its first four bytes replaced by a fresh transaction id, and waits for the message that
/// carries the same id back. Many threads may call on one channel at once; replies may come in any order.
///
/// Follows `docs/syscalls/channel_call.md`. Needs [`Rights::READ`] and [`Rights::WRITE`], and
/// [`Rights::TRANSFER`] on each handle. The handles are gone as after a write.
///
/// Gives the result of the write, and the result of the whole.
///
/// # Errors
/// Those of [`channel_write`](super::channel_write), with [`Status::INVALID_ARGS`] for fewer than four bytes;
/// [`Status::TIMED_OUT`]: the reply, should it come, is an ordinary message; [`Status::CANCELED`]: the channel
/// was closed or transferred meanwhile; [`Status::PEER_CLOSED`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// std::thread::scope(|threads| {
///     // The reply carries the transaction id of the request back.
///     threads.spawn(|| {
///         theirs.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
///         let mut request = MessageBuf::new();
///         theirs.read(&mut request).unwrap();
///         theirs.write(request.bytes(), &mut []).unwrap();
///     });
///     let (mut bytes, mut handles) = ([0; 8], []);
///     let mut reply = raw::SliceBuf::new(&mut bytes, &mut handles);
///     let (sent, replied) =
///         raw::call(ours.raw_handle(), MonotonicInstant::INFINITE, b"\0\0\0\0ping", &[], &mut reply);
///     assert_eq!((sent, replied), (Ok(()), Ok(())));
///     assert_eq!(&bytes[4..], b"ping");
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn call(
    value: u32,
    deadline: MonotonicInstant,
    bytes: &[u8],
    handles: &[u32],
    buffer: &mut impl RecvBuf,
) -> (Result<(), Status>, Result<(), Status>) {
    let (sent, mut result) = call_noretry(value, deadline, bytes, handles, buffer);
    // The deadline is absolute, so the interrupted part of the wait counts.
    while result == Err(Status::INTERNAL_INTR_RETRY) {
        result = call_finish(deadline, buffer);
    }
    (sent, result)
}

/// As [`call`], but when a signal handler has run in this thread while it slept, it gives
/// [`Status::INTERNAL_INTR_RETRY`]: the message is sent, and [`call_finish`] goes on waiting for the reply.
///
/// # Errors
/// Those of [`call`]; [`Status::BAD_STATE`] while another call of this thread waits to be finished: the message is not sent,
/// and the handles stay.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// std::thread::scope(|threads| {
///     // The reply carries the transaction id of the request back.
///     threads.spawn(|| {
///         theirs.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
///         let mut request = MessageBuf::new();
///         theirs.read(&mut request).unwrap();
///         theirs.write(request.bytes(), &mut []).unwrap();
///     });
///     let (mut bytes, mut handles) = ([0; 8], []);
///     let mut reply = raw::SliceBuf::new(&mut bytes, &mut handles);
///     let value = ours.raw_handle();
///     let forever = MonotonicInstant::INFINITE;
///     let (sent, mut replied) = raw::call_noretry(value, forever, b"\0\0\0\0ping", &[], &mut reply);
///     while replied == Err(Status::INTERNAL_INTR_RETRY) {
///         replied = raw::call_finish(forever, &mut reply);
///     }
///     assert_eq!((sent, replied), (Ok(()), Ok(())));
///     assert_eq!(&bytes[4..], b"ping");
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn call_noretry(
    value: u32,
    deadline: MonotonicInstant,
    bytes: &[u8],
    handles: &[u32],
    buffer: &mut impl RecvBuf,
) -> (Result<(), Status>, Result<(), Status>) {
    let mut is_sent = false;
    let result = with_current(|thread, current| {
        // First of all: BAD_STATE promises that the handles stay.
        refuse_second_call(current)?;
        let both = Rights::READ | Rights::WRITE;
        let checked = match bytes.len() {
            // The frequent case: `call_begin` checks the class and the rights by itself.
            4..=shm::MAX_MESSAGE_BYTES if handles.is_empty() => thread.lookup(shm::HandleValue(value)),
            len => check_call(thread, value, both, len, handles.len()),
        };
        let found = checked.inspect_err(|_| discard(thread, handles.iter().copied()))?;
        let pending = thread.call_begin(
            found,
            both.into(),
            bytes,
            shm::HandleValue::from_raw_slice(handles),
            Rights::TRANSFER.into(),
        )?;
        is_sent = true;
        finish(thread, current, pending, deadline, buffer)
    });
    (if is_sent { Ok(()) } else { result }, result)
}

/// As [`call`], with handles as [`channel_write_etc`](super::channel_write_etc) sends them.
///
/// # Errors
/// Those of both.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, _theirs) = Channel::create();
/// let mut handles = [raw::Disposition {
///     handle: Event::create().into_raw(),
///     is_move: true,
///     object_type: ObjectType::CHANNEL,
///     rights: Rights::SAME_RIGHTS,
///     result: Status::OK,
/// }];
/// let mut reply = raw::SliceBuf::new(&mut [], &mut []);
/// let (value, deadline) = (ours.raw_handle(), MonotonicInstant::INFINITE);
/// let (sent, _) = raw::call_etc(value, deadline, b"\0\0\0\0", &mut handles, &mut reply);
/// assert_eq!((sent, handles[0].result), (Err(Status::WRONG_TYPE), Status::WRONG_TYPE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn call_etc(
    value: u32,
    deadline: MonotonicInstant,
    bytes: &[u8],
    handles: &mut [Disposition],
    buffer: &mut impl RecvBuf,
) -> (Result<(), Status>, Result<(), Status>) {
    let mut is_sent = false;
    let mut result = with_current(|thread, current| {
        refuse_second_call(current)?;
        let both = Rights::READ | Rights::WRITE;
        let checked = check_call(thread, value, both, bytes.len(), handles.len());
        let pending = send_dispositions(thread, checked, handles, |found, values| {
            thread.call_begin(found, both.into(), bytes, values, Rights::NONE.into())
        })?;
        is_sent = true;
        finish(thread, current, pending, deadline, buffer)
    });
    let sent = if is_sent { Ok(()) } else { result };
    while result == Err(Status::INTERNAL_INTR_RETRY) {
        result = call_finish(deadline, buffer);
    }
    (sent, result)
}

/// One call at a time may wait to be finished.
fn refuse_second_call(current: &ThreadContext) -> shm::Result<()> {
    let Some(pending) = current.interrupted_call.take() else { return Ok(()) };
    current.interrupted_call.set(Some(pending));
    Err(shm::Error::BadState("a call of this thread waits to be finished"))
}

/// Finds fault with a call in the order in which Zircon does.
fn check_call(
    thread: &shm::Thread,
    value: u32,
    rights: Rights,
    bytes: usize,
    handles: usize,
) -> shm::Result<shm::ResolvedHandle> {
    if bytes < 4 {
        return Err(shm::Error::InvalidArgs("a call needs four bytes for its transaction id"));
    }
    let found = channel_with(thread, value, rights)?;
    check_sizes(bytes, handles)?;
    Ok(found)
}

/// Goes on with the call of this thread that a signal handler interrupted.
///
/// # Errors
/// Those of [`call_noretry`] once the message is sent; [`Status::BAD_STATE`] when no call of this thread was
/// interrupted. The example is that of [`call_noretry`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let mut reply = raw::SliceBuf::new(&mut [], &mut []);
/// assert_eq!(raw::call_finish(MonotonicInstant::INFINITE, &mut reply), Err(Status::BAD_STATE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn call_finish(deadline: MonotonicInstant, buffer: &mut impl RecvBuf) -> Result<(), Status> {
    with_current(|thread, current| {
        let pending = current.interrupted_call.take();
        let pending = pending.ok_or(shm::Error::BadState("no call of this thread was interrupted"))?;
        finish(thread, current, pending, deadline, buffer)
    })
}

fn finish(
    thread: &shm::Thread,
    current: &ThreadContext,
    pending: shm::Pending,
    deadline: MonotonicInstant,
    buffer: &mut impl RecvBuf,
) -> shm::Result<()> {
    let result = thread.call_finish(&pending, deadline.into_nanos(), buffer);
    if result == Err(shm::Error::Interrupted) {
        // The transaction id stays registered. A reply that comes meanwhile is kept for `call_finish`.
        current.interrupted_call.set(Some(pending));
    }
    result.map(drop)
}
