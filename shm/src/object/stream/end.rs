//! The ends of streams that one process holds alone: their private halves, locked, and bound when a handle arrives.
//!
//! A [`Writer`] is the writing end of the stream that its side writes; a [`Reader`] is the reading end of the stream that the
//! peer writes.

use crate::arena::error::{Error, Result};
use crate::arena::record::stream::StreamWords;
use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::ObjectRef;
use crate::handle::lookup::HandleName;
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::end::{Cursor, End, EndsHalf};
use crate::object::stream::places::Stream;
use crate::process::Process;
use crate::process::half::entrance::Entrance;
use crate::process::half::stream::{ReadPosition, StreamEndpoint, WritePosition};
use crate::process::thread::Thread;
use crate::sync::{Inside, Lock, Relaxed};

/// The writing end of a stream, locked.
pub(crate) type Writer<'a> = End<'a, WritePosition>;

impl EndsHalf for StreamEndpoint {
    const CLASS_NUMBER: u8 = CLASS_NUMBER;

    #[inline(always)]
    fn of_entry<'a>(process: &'a Process, index: EntryIndex, inside: &'a Inside<'_>) -> Option<&'a Self> {
        process.halves.stream.get(index.0 as usize, inside)
    }
}

impl Cursor for WritePosition {
    type Endpoint = StreamEndpoint;

    #[inline(always)]
    fn lock_of(endpoint: &StreamEndpoint) -> &Lock<Self> {
        &endpoint.writing
    }

    #[inline(always)]
    fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    #[inline(always)]
    fn entrance_mut(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    fn writer_of(side: ObjectRef) -> ObjectRef {
        side
    }
}

/// The reading end of a stream, locked.
pub(crate) type Reader<'a> = End<'a, ReadPosition>;

impl Cursor for ReadPosition {
    type Endpoint = StreamEndpoint;

    #[inline(always)]
    fn lock_of(endpoint: &StreamEndpoint) -> &Lock<Self> {
        &endpoint.reading
    }

    #[inline(always)]
    fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    #[inline(always)]
    fn entrance_mut(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    fn writer_of(side: ObjectRef) -> ObjectRef {
        side.peer()
    }
}

/// The number of the class of fifos in lifecycle words.
pub(crate) const CLASS_NUMBER: u8 = 19;

/// Enters an exclusive end by a handle to an object of `class`. `None`: no private half is bound to the object. The caller
/// checks that the stream is of the class (`Stream::require`).
///
/// # Errors
/// `BadHandle`, `WrongType`, `AccessDenied`, in this order.
#[inline(always)]
pub(crate) fn enter<'a, C: Cursor>(
    thread: &'a Thread,
    handle: HandleName,
    class: ObjectClass,
    rights: Rights,
    inside: &'a Inside<'_>,
) -> Result<Option<End<'a, C>>> {
    End::enter_bound(thread, handle, rights, inside, |denied| wrong_type_or(thread, handle, class, denied))
}

#[cold]
fn wrong_type_or(thread: &Thread, handle: HandleName, class: ObjectClass, error: Error) -> Error {
    match with_side(thread, handle, class, Rights::empty(), |_| Ok(())) {
        Err(Error::WrongType) => Error::WrongType,
        _ => error,
    }
}

/// Runs an operation on a side by a handle to an object of `class`, while a hazard names it.
///
/// # Errors
/// `BadHandle`, `WrongType`, `AccessDenied`, in this order, and those of the operation.
pub(crate) fn with_side<T>(
    thread: &Thread,
    handle: HandleName,
    class: ObjectClass,
    rights: Rights,
    operation: impl FnOnce(ObjectRef) -> Result<T>,
) -> Result<T> {
    let found = handle.resolve(thread)?;
    pin::with_pinned(thread, found, |side, lifecycle: Lifecycle| {
        if ObjectClass::of(lifecycle)? != class {
            return Err(Error::WrongType);
        }
        found.require(rights)?;
        operation(side)
    })
}

/// The same, of a side that no private half is bound to: so it is shared.
#[cold]
pub(crate) fn with_shared<T>(
    thread: &Thread,
    handle: HandleName,
    class: ObjectClass,
    rights: Rights,
    operation: impl FnOnce(ObjectRef) -> Result<T>,
) -> Result<T> {
    with_side(thread, handle, class, rights, |side| {
        // INV-STREAM-1: a handle that is there, and was not found bound, is of a shared side.
        if !Stream::of(thread.arena(), side)?.is_shared() {
            return Err(Error::Corrupt("an exclusive end of a stream without its owner"));
        }
        operation(side)
    })
}

/// Binds the private half of this entry to a side that has just come to this process, unless the side is shared.
pub(crate) fn bind(process: &Process, side: ObjectRef, index: EntryIndex, inside: &Inside<'_>) {
    let Ok(direction) = process.arena.direction(side) else { return };
    // Relaxed: a handle to a shared side was made after the word was stored, and its arrival published that.
    if StreamWords::of(direction).sharing().load(Relaxed) == 0
        && let Some(endpoint) = process.halves.stream.get_or_make(index.0 as usize, inside)
    {
        endpoint.bind(side);
    }
}
