//! Fifos: two sides, and a stream of elements of one size in each direction.
//!
//! A fifo holds at most 4,096 bytes in each direction. The rings of both are opened when it is made, so a write at an
//! exclusive end needs no memory. At a shared end each write needs a block.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::stream::StreamWords;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::{EntryIndex, Rights};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::arena::word::stream::geometry::Geometry;
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::budget::Budget;
use crate::object::class::{Class, Observable};
use crate::object::stream::end::{self, Reader, Writer};
use crate::object::stream::places::Stream;
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
    type Progress = ();

    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        Ok(signals::observable(thread.arena(), found.entry.object(), stored)?.signals)
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        signals::observable(thread.arena(), side, stored)
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
        if let Some(mut writer) = Writer::enter_bound(thread, fifo, rights, &inside)? {
            return Ok(write::write(&mut writer, bytes, check)? / element_bytes);
        }
    }
    let write = |side| write_shared::write(thread, side, bytes, check);
    Ok(with_shared(thread, fifo, rights, write)? / element_bytes)
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
        if let Some(mut reader) = Reader::enter_bound(thread, fifo, rights, &inside)? {
            return Ok(read::read(&mut reader, out, check)? / element_bytes);
        }
    }
    let read = |side| read_shared::read(thread, side, out, check);
    Ok(with_shared(thread, fifo, rights, read)? / element_bytes)
}

/// Runs an operation on a side that no private half is bound to, so that it is shared, or the handle is none.
#[cold]
fn with_shared<T>(
    thread: &Thread,
    fifo: HandleName,
    rights: Rights,
    operation: impl FnOnce(ObjectRef) -> Result<T>,
) -> Result<T> {
    let found = fifo.resolve(thread)?;
    pin::with_pinned(thread, found, |side, lifecycle: Lifecycle| {
        if ObjectClass::of(lifecycle)? != ObjectClass::Fifo {
            return Err(Error::WrongType);
        }
        found.require(rights)?;
        // INV-STREAM-1: a handle that is there, and was not found bound, is of a shared side.
        if !Stream::of(thread.arena(), side)?.is_shared() {
            return Err(Error::Corrupt("an exclusive end of a stream without its owner"));
        }
        operation(side)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::arena::word::handle::HandleValue;
    use std::sync::Arc;

    const NONE: Rights = Rights::empty();

    fn process() -> Arc<Process> {
        Process::alone(&Config { max_objects: 8, max_processes: 1, pool_bytes: 1 << 20, ..Config::default() })
    }

    fn read(thread: &Thread, fifo: HandleValue, element_bytes: usize, most: usize) -> Result<Vec<u8>> {
        let mut out = vec![MaybeUninit::uninit(); most * element_bytes];
        let many = thread.fifo_read(fifo, NONE, element_bytes, &mut out)?;
        // SAFETY: so many elements were read.
        Ok(out[..many * element_bytes].iter().map(|byte| unsafe { byte.assume_init() }).collect())
    }

    fn assert_clean(thread: &Thread) {
        let audit = thread.arena().audit();
        assert!(audit.is_clean(), "{audit}");
    }

    /// Three bytes an element do not divide a block, so elements wrap within the ring.
    #[test]
    fn elements_come_in_order_at_any_end() {
        for shared in [[false, false], [true, false], [false, true], [true, true]] {
            let thread = Thread::join(&process()).unwrap();
            let (near, far) = thread.fifo_create(4, 3, Rights::all()).unwrap();
            for (value, is_shared) in [near, far].into_iter().zip(shared) {
                if is_shared {
                    let other = thread.duplicate(thread.lookup(value).unwrap(), Rights::all()).unwrap();
                    thread.close(thread.lookup(other).unwrap()).unwrap();
                }
            }
            let mut sent = (0..=255u8).cycle();
            let mut expected = sent.clone();
            for round in 0..200 {
                let bytes: Vec<u8> = sent.clone().take(3 * (1 + round % 5)).collect();
                let many = thread.fifo_write(near, NONE, 3, &bytes).unwrap();
                assert_eq!(many, (1 + round % 5).min(4), "round {round} of {shared:?}");
                sent.nth(3 * many - 1);
                if round % 20 == 0 {
                    assert_clean(&thread);
                }
                let mut left = many;
                while left > 0 {
                    let some = read(&thread, far, 3, 1 + round % 3).unwrap();
                    assert!(some.iter().eq(expected.clone().take(some.len()).collect::<Vec<_>>().iter()));
                    expected.nth(some.len() - 1);
                    left -= some.len() / 3;
                }
                assert_eq!(read(&thread, far, 3, 1), Err(Error::ShouldWait));
            }
            for value in [near, far] {
                thread.close(thread.lookup(value).unwrap()).unwrap();
            }
            thread.collect().unwrap();
            assert_clean(&thread);
            assert_eq!(thread.arena().audit().blocks, 0);
        }
    }

    /// What the exclusive owner wrote comes first, and a full ring stays full.
    #[test]
    fn a_second_handle_keeps_what_was_written() {
        let thread = Thread::join(&process()).unwrap();
        let (near, far) = thread.fifo_create(8, 1, Rights::all()).unwrap();
        thread.fifo_write(near, NONE, 1, b"abcde").unwrap();
        let second = thread.duplicate(thread.lookup(near).unwrap(), Rights::all()).unwrap();
        assert_eq!(thread.fifo_write(second, NONE, 1, b"fghijk"), Ok(3));
        assert_eq!(thread.fifo_write(near, NONE, 1, b"i"), Err(Error::ShouldWait));
        assert_eq!(read(&thread, far, 1, 6).unwrap(), b"abcdef");
        assert_eq!(thread.fifo_write(near, NONE, 1, b"i"), Ok(1));
        assert_eq!(read(&thread, far, 1, 8).unwrap(), b"ghi");
        assert_clean(&thread);
        thread.close(thread.lookup(near).unwrap()).unwrap();
        thread.fifo_write(second, NONE, 1, b"last").unwrap();
        thread.close(thread.lookup(second).unwrap()).unwrap();
        assert_eq!(thread.fifo_write(far, NONE, 1, b"x"), Err(Error::PeerClosed));
        assert_eq!(read(&thread, far, 1, 8).unwrap(), b"last");
        assert_eq!(read(&thread, far, 1, 8), Err(Error::PeerClosed));
    }

    /// Each of them died once it had cleared its item, and before it noted that.
    #[test]
    fn dead_readers_hold_up_no_element() {
        let thread = Thread::join(&process()).unwrap();
        let (near, far) = thread.fifo_create(1, 1, Rights::all()).unwrap();
        thread.duplicate(thread.lookup(near).unwrap(), Rights::all()).unwrap();
        let writer = thread.lookup(near).unwrap().entry.object();
        let passed = StreamWords::of(thread.arena().direction(writer).unwrap()).passed();
        for number in 0..10 {
            assert_eq!(thread.fifo_write(near, NONE, 1, &[number]), Ok(1));
            let before = passed.load(Relaxed);
            assert_eq!(read(&thread, far, 1, 1), Ok(vec![number]));
            passed.store(before, Relaxed);
            assert_eq!(read(&thread, far, 1, 1), Err(Error::ShouldWait));
        }
    }

    #[test]
    fn damaged_position_is_an_error() {
        for is_shared in [false, true] {
            let thread = Thread::join(&process()).unwrap();
            let (near, far) = thread.fifo_create(4, 1, Rights::all()).unwrap();
            // Its new private half has seen no position.
            let near = thread.replace(thread.lookup(near).unwrap(), Rights::all()).unwrap();
            let writer = thread.lookup(near).unwrap().entry.object();
            if is_shared {
                thread.duplicate(thread.lookup(near).unwrap(), Rights::all()).unwrap();
            }
            let words = StreamWords::of(thread.arena().direction(writer).unwrap());
            for word in [words.tail(), words.head(), words.passed(), words.items()] {
                word.store(u64::MAX, Relaxed);
                // No more than that they end.
                let _ = (thread.fifo_write(near, NONE, 1, b"ab"), read(&thread, far, 1, 4));
            }
            assert!(matches!(thread.fifo_write(near, NONE, 1, b"ab"), Err(Error::Corrupt(_))));
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let thread = Thread::join(&process()).unwrap();
        for (elements, element_bytes) in
            [(0, 1), (1, 0), (3, 1), (4096, 2), (1, 4097), (8192, 1), (1 << 63, 2)]
        {
            let refused = thread.fifo_create(elements, element_bytes, NONE);
            assert!(
                matches!(refused, Err(Error::OutOfRange { .. })),
                "{elements} of {element_bytes}: {refused:?}"
            );
        }
        for (elements, element_bytes) in [(1, 1), (1, 4096), (4096, 1), (64, 33)] {
            thread.fifo_create(elements, element_bytes, NONE).unwrap();
        }
    }
}
