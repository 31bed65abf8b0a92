//! Fifos: two sides, and a stream of elements of one size in each direction.
//!
//! A fifo holds at most 4,096 bytes in each direction. The rings of both are opened when it is made, so a write at an
//! exclusive end needs no memory. At a shared end each write needs a block.

#[cfg(all(test, not(loom)))]
mod tests;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::stream::StreamWords;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::arena::word::stream::geometry::Geometry;
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::object::ObjectClass;
use crate::object::budget::Budget;
use crate::object::class::{Class, Observable};
use crate::object::stream::end;
use crate::object::stream::places::Stream;
use crate::object::stream::read::Taking;
use crate::object::stream::{read, read_shared, remains, share, signals, write, write_shared};
use crate::process::thread::Thread;
use crate::process::{Origin, Process};
use crate::signal::set;
use crate::sync::{Inside, Relaxed};
use core::mem::MaybeUninit;

/// The most bytes that a fifo holds in each direction.
pub const MAX_FIFO_BYTES: usize = 4096;

/// The class of fifos.
pub(crate) struct Fifo;

impl Class for Fifo {
    const NUMBER: u8 = end::CLASS_NUMBER;
    const SIDES: usize = 2;
    const HAS_SIZE: bool = true;
    type Progress = ();

    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        Ok(signals::look(thread.arena(), found.entry.object(), stored)?.observable.signals)
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        Ok(signals::look(thread.arena(), side, stored)?.observable)
    }

    fn bind_half<'a>(
        process: &'a Process,
        object: ObjectRef,
        index: EntryIndex,
        _origin: Origin,
        inside: impl FnOnce() -> Inside<'a>,
    ) {
        end::bind(process, object, index, &inside());
    }

    fn before_duplicate(thread: &Thread, found: ResolvedHandle) -> Result<()> {
        share::share(thread, found)
    }

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        _budget: &mut Budget,
    ) -> Result<bool> {
        set::tell_peer_closed(thread, object)?;
        Ok(true)
    }

    fn free_blocks(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
        remains::free_blocks(thread, slot, budget)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        remains::is_blank(thread, slot)
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        remains::reset(thread, slot)
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        remains::is_linked(thread, intent, from, block)
    }

    fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
        remains::fault(arena, slot)
    }

    fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
        remains::undo_create(thread, slot)
    }
}

/// The size of a fifo with so many elements of so many bytes.
pub(crate) fn geometry(elements: usize, element_bytes: usize) -> Result<Geometry> {
    let out_of_range = |what, value, most| Err(Error::out_of_range(what, value, most));
    if element_bytes == 0 || element_bytes > MAX_FIFO_BYTES {
        return out_of_range("the size of a fifo's elements in bytes", element_bytes, MAX_FIFO_BYTES);
    }
    let most = MAX_FIFO_BYTES / element_bytes;
    if !elements.is_power_of_two() || elements > most {
        return out_of_range("the number of a fifo's elements, a power of two,", elements, most);
    }
    Ok(Geometry::new(elements as u64, element_bytes as u64))
}

/// Writes the size of a new fifo into its slot.
pub(crate) fn initialize(thread: &Thread, slot: Slot, geometry: Geometry) -> Result<()> {
    for side in 0..2 {
        // Relaxed: the store that makes the object LIVE publishes it.
        let direction = thread.arena().direction(ObjectRef::new(slot, side))?;
        StreamWords::of(direction).geometry().store(geometry.0, Relaxed);
    }
    Ok(())
}

/// Fails unless the fifo's elements have this size, and at least one is asked for.
fn check(stream: &Stream<'_>, element_bytes: usize, bytes: usize) -> Result<()> {
    let own = stream.geometry.element_bytes() as usize;
    if element_bytes != own {
        return Err(Error::out_of_range(
            "the size of an element, which is not the fifo's,",
            element_bytes,
            own,
        ));
    }
    if bytes < own {
        return Err(Error::out_of_range("the number of elements", bytes / own, MAX_FIFO_BYTES / own));
    }
    Ok(())
}

/// The bytes of whole elements.
fn whole(bytes: usize, element_bytes: usize) -> usize {
    bytes - bytes.checked_rem(element_bytes).unwrap_or(bytes)
}

/// Writes as many elements as there is room for. How many.
#[inline]
pub(crate) fn write(
    thread: &Thread,
    fifo: HandleName,
    rights: Rights,
    element_bytes: usize,
    bytes: &[u8],
) -> Result<usize> {
    let bytes = &bytes[..whole(bytes.len(), element_bytes)];
    let check = |stream: &Stream<'_>| check(stream, element_bytes, bytes.len());
    {
        let inside = thread.inside();
        if let Some(mut writer) = end::enter(thread, fifo, ObjectClass::Fifo, rights, &inside)? {
            return Ok(write::write(&mut writer, false, bytes, check)? / element_bytes);
        }
    }
    let write = |side| write_shared::write(thread, side, bytes, check);
    Ok(end::with_shared(thread, fifo, ObjectClass::Fifo, rights, write)? / element_bytes)
}

/// Reads as many elements as there are and fit. How many.
#[inline]
pub(crate) fn read(
    thread: &Thread,
    fifo: HandleName,
    rights: Rights,
    element_bytes: usize,
    out: &mut [MaybeUninit<u8>],
) -> Result<usize> {
    let out = {
        let bytes = whole(out.len(), element_bytes);
        &mut out[..bytes]
    };
    let bytes = out.len();
    let check = |stream: &Stream<'_>| check(stream, element_bytes, bytes);
    {
        let inside = thread.inside();
        if let Some(mut reader) = end::enter(thread, fifo, ObjectClass::Fifo, rights, &inside)? {
            return Ok(read::read(&mut reader, false, Taking::Consume, out, check)? / element_bytes);
        }
    }
    let read = |side| read_shared::read(thread, side, Taking::Consume, out, check);
    Ok(end::with_shared(thread, fifo, ObjectClass::Fifo, rights, read)? / element_bytes)
}
