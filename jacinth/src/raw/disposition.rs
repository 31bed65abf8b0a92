//! Messages whose handles are moved or duplicated, checked, and sent with fewer rights.

use super::channel::{channel_with, check_sizes, discard};
use super::handle::subset;
use crate::attachment::current_thread::with_thread;
use crate::types::object_type::ObjectType;
use crate::types::rights::Rights;
use crate::types::status::{self, Status};
use arrayvec::ArrayVec;
use jacinth_shm as shm;

/// The values of a message's handles.
type Values = ArrayVec<shm::HandleValue, { shm::MAX_MESSAGE_HANDLES }>;

/// A handle to be sent (`zx_handle_disposition_t`).
///
/// ```
/// # use jacinth::*;
/// let lent = raw::Disposition {
///     handle: 0x1234,
///     is_move: false,
///     object_type: ObjectType::NONE,
///     rights: Rights::SAME_RIGHTS,
///     result: Status::OK,
/// };
/// assert!(!lent.is_move);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// Its value. A write that gives the end of a channel back may put another in its place, with fewer rights.
    pub handle: u32,
    /// Whether the handle itself goes, or a duplicate.
    pub is_move: bool,
    /// The type that its object must have; [`ObjectType::NONE`] for any.
    pub object_type: ObjectType,
    /// The rights of the handle that arrives; [`Rights::SAME_RIGHTS`] for the same.
    pub rights: Rights,
    /// Why it could not go.
    pub result: Status,
}

/// Writes a message with such handles. Late-2018 Zircon has no such call: its meaning is that of today's
/// `zx_channel_write_etc`.
///
/// Needs [`Rights::WRITE`], and on each handle [`Rights::TRANSFER`], and [`Rights::DUPLICATE`] where a duplicate goes.
/// Handles that move are gone as after [`channel_write`](super::channel_write).
///
/// # Errors
/// Those of [`channel_write`](super::channel_write). Each `result` says whether that handle was at fault.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, _theirs) = Channel::create();
/// let mut handles = [raw::Disposition {
///     handle: Event::create().into_raw(),
///     is_move: true,
///     object_type: ObjectType::EVENT,
///     rights: Rights::SIGNAL,
///     result: Status::OK,
/// }];
/// raw::channel_write_etc(ours.raw_handle(), b"", &mut handles)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn channel_write_etc(value: u32, bytes: &[u8], handles: &mut [Disposition]) -> Result<(), Status> {
    with_thread(|thread| {
        let checked = channel_with(thread, value, Rights::WRITE)
            .and_then(|found| check_sizes(bytes.len(), handles.len()).map(|()| found));
        send_dispositions(thread, checked, handles, |found, values| {
            // The right to transfer was checked on the handles that the caller has.
            thread.send_with_handles(found, Rights::WRITE.into(), bytes, values, Rights::NONE.into(), None)
        })
    })
}

/// Makes the handles that go, and sends them by `send`.
pub(super) fn send_dispositions<T>(
    thread: &shm::Thread,
    channel: shm::Result<shm::ResolvedHandle>,
    handles: &mut [Disposition],
    send: impl FnOnce(shm::ResolvedHandle, &[shm::HandleValue]) -> shm::Result<T>,
) -> shm::Result<T> {
    let checked = channel.and_then(|channel| check_all(thread, handles).map(|()| channel));
    let channel = checked.inspect_err(|_| close_moved(thread, handles))?;
    // The sizes were checked: they fit.
    let mut values = Values::new();
    let made = make_all(thread, handles, &mut values);
    let sent = made.and_then(|()| send(channel, &values));
    // A replaced end of a channel is not among these: `make` has put its new value into the list.
    let made_anew = handles.iter().zip(&values).filter(|(handle, made)| handle.handle != made.0);
    match &sent {
        // No handle was consumed: only those that were made for the message are closed.
        Err(shm::Error::ShouldWait | shm::Error::NoResources(_) | shm::Error::BadState(_)) => {
            discard(thread, made_anew.map(|(_, made)| made.0));
        }
        // The originals of handles made with fewer rights are closed, sent or not.
        _ => {
            discard(thread, made_anew.filter(|(handle, _)| handle.is_move).map(|(handle, _)| handle.handle));
            if values.len() < handles.len() {
                // A handle was gone before it could be sent.
                discard(thread, values.iter().map(|value| value.0));
                close_moved(thread, &handles[values.len()..]);
            }
        }
    }
    sent
}

/// Checks each handle, and notes its fault. Fails with the first fault.
fn check_all(thread: &shm::Thread, handles: &mut [Disposition]) -> shm::Result<()> {
    let mut result = Ok(());
    for at in 0..handles.len() {
        let (earlier, later) = handles.split_at_mut(at);
        let handle = &mut later[0];
        // A handle that moves is gone when its turn comes again.
        let is_gone =
            earlier.iter().any(|other| other.handle == handle.handle && (other.is_move || handle.is_move));
        let checked = if is_gone { Err(shm::Error::BadHandle) } else { check(thread, handle) };
        handle.result = checked.map_or_else(status::of, |()| Status::OK);
        // The walk goes on after a fault, because each handle is to have its own result.
        result = result.and(checked);
    }
    result
}

fn check(thread: &shm::Thread, handle: &Disposition) -> shm::Result<()> {
    let found = thread.lookup(shm::HandleValue(handle.handle))?;
    if handle.object_type != ObjectType::NONE
        && u32::from(thread.class(found)?.number()) != handle.object_type.into_raw()
    {
        return Err(shm::Error::WrongType);
    }
    let needed = if handle.is_move { Rights::TRANSFER } else { Rights::TRANSFER | Rights::DUPLICATE };
    found.require(needed.into())?;
    subset(&found, handle.rights).map(drop)
}

/// Makes the handle that goes: the one given, or another. A handle with fewer rights is made beside the one that moves,
/// so that that one can come back as it was. A handle that cannot be duplicated is replaced instead.
fn make_all(thread: &shm::Thread, handles: &mut [Disposition], values: &mut Values) -> shm::Result<()> {
    for handle in handles {
        let made = make(thread, handle).inspect_err(|error| handle.result = status::of(*error))?;
        values.push(made);
    }
    Ok(())
}

fn make(thread: &shm::Thread, handle: &mut Disposition) -> shm::Result<shm::HandleValue> {
    let found = thread.lookup(shm::HandleValue(handle.handle))?;
    let rights = subset(&found, handle.rights)?;
    if handle.is_move && rights == found.rights() {
        return Ok(shm::HandleValue(handle.handle));
    }
    if handle.is_move && thread.class(found)?.is_unique() {
        let replaced = thread.replace(found, rights)?;
        handle.handle = replaced.0;
        return Ok(replaced);
    }
    thread.duplicate(found, rights)
}

/// Closes the handles that were to be moved.
fn close_moved(thread: &shm::Thread, handles: &[Disposition]) {
    discard(thread, handles.iter().filter(|handle| handle.is_move).map(|handle| handle.handle));
}
