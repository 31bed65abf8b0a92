//! The ends of streams that one process holds alone: their private halves, locked, and bound when a handle arrives.
//!
//! A [`Writer`] is the writing end of the stream that its side writes; a [`Reader`] is the reading end of the stream that the
//! peer writes.

use crate::arena::record::stream::StreamWords;
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::reference::ObjectRef;
use crate::object::end::{Cursor, End, EndsHalf};
use crate::process::Process;
use crate::process::half::entrance::Entrance;
use crate::process::half::stream::{ReadPosition, StreamEndpoint, WritePosition};
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
