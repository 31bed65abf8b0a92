//! What is left of streams: their blocks, which teardown frees, and which recovery and the audit ask for.
//!
//! While both sides are exclusive, no thread uses the blocks once both have ended: each close has passed through the locks of
//! its end (INV-ENDPOINT-1). So the worker of the last side frees them. A thread may still use a shared side after its handle
//! was closed, and a hazard of it says so: then the blocks go when the slot is reclaimed. The control plane goes by hazards at
//! every side: the worker is one more thread that unlinks its message, and one that is linked later goes with the slot. So does
//! the block of an accept queue, which a thread may be using.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::line::Line;
use crate::arena::record::stream::StreamWords;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::stream::item::ItemWord;
use crate::object::budget::Budget;
use crate::object::own_block;
use crate::object::stream::link;
use crate::object::stream::places::{At, Stream};
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Relaxed};

fn words(arena: &Arena, writer: ObjectRef) -> Result<StreamWords<'_>> {
    arena.direction(writer).map(StreamWords::of)
}

/// All places of a stream, those that hold no item too, and that of the control plane.
fn all_places<'a>(arena: &'a Arena, words: StreamWords<'a>) -> Result<impl Iterator<Item = &'a AtomicU64>> {
    let lines: &[Line] = own_block::lines(arena, words.places())?.unwrap_or_default();
    Ok([words.first_place(), words.control()].into_iter().chain(lines.iter().flat_map(|line| &line.0)))
}

/// The words that lead to the blocks which are no items.
fn parts(words: StreamWords<'_>) -> [&AtomicU64; 2] {
    [words.places(), words.accept_queue()]
}

/// The blocks of the items of the stream that `writer` writes, and that of its places. The audit finds that of a queue itself.
pub(crate) fn blocks(arena: &Arena, writer: ObjectRef) -> Result<Vec<BlockId>> {
    let words = words(arena, writer)?;
    // Relaxed: the audit's arena is at rest, and recovery asks for what a dead thread has stored.
    let items = all_places(arena, words)?.filter_map(|place| ItemWord(place.load(Relaxed)).block());
    Ok(items.chain(own_block::block_at(words.places())).collect())
}

/// Whether the block, which an intent names, is in a place, or has the places, or the accept queue.
pub(crate) fn is_linked(
    thread: &Thread,
    intent: ListIntent,
    from: ObjectRef,
    block: BlockId,
) -> Result<bool> {
    let words = words(thread.arena(), from)?;
    match intent {
        ListIntent::LinkPart { .. } | ListIntent::UnlinkPart { .. } => {
            Ok(parts(words).into_iter().any(|part| own_block::block_at(part) == Some(block)))
        }
        // Relaxed: the dead thread's store, or the exact word of the block decides.
        _ => Ok(all_places(thread.arena(), words)?
            .any(|place| ItemWord(place.load(Relaxed)).block() == Some(block))),
    }
}

/// Frees the blocks if both sides were exclusive to the end. `false` when the budget is spent before the last.
pub(crate) fn free_blocks(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
    for side in 0..2 {
        // Relaxed: both sides have ended, and the word changes no more.
        if words(thread.arena(), ObjectRef::new(slot, side))?.sharing().load(Relaxed) != 0 {
            return Ok(true);
        }
    }
    free_items(thread, slot, budget)
}

/// The blocks of the items and of the places: all that go by the locks of exclusive ends.
fn free_items(thread: &Thread, slot: Slot, budget: &mut Budget) -> Result<bool> {
    for side in 0..2 {
        let writer = ObjectRef::new(slot, side);
        let words = words(thread.arena(), writer)?;
        // A slot that never had a stream has nothing here, and no geometry.
        if let Ok(stream) = Stream::of(thread.arena(), writer) {
            for place in all_places(thread.arena(), words)? {
                let word = ItemWord(place.load(Relaxed));
                let Some(block) = word.block() else { continue };
                if !budget.charge() {
                    return Ok(false);
                }
                link::unlink(thread, &stream, place, word, block)?;
            }
        }
        own_block::unlink(thread, writer, words.places())?;
    }
    Ok(true)
}

/// Whether the bodies are as those of a new object.
pub(crate) fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
    // Relaxed: the object is retired, and the reclaimer's heavy barrier came before.
    for side in 0..2 {
        let words = words(thread.arena(), ObjectRef::new(slot, side))?;
        if words.plain().into_iter().chain(parts(words)).any(|word| word.load(Relaxed) != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Frees the blocks that are left, and clears the words.
pub(crate) fn reset(thread: &Thread, slot: Slot) -> Result<()> {
    free_items(thread, slot, &mut Budget::unlimited())?;
    for side in 0..2 {
        let writer = ObjectRef::new(slot, side);
        let words = words(thread.arena(), writer)?;
        own_block::unlink(thread, writer, words.accept_queue())?;
        own_block::clear(words.plain());
    }
    Ok(())
}

/// Clears what a creator wrote that died before its commit. The class of fifos calls it for sockets too: the class of the slot
/// is not known then.
pub(crate) fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
    for side in 0..2 {
        let words = words(thread.arena(), ObjectRef::new(slot, side))?;
        own_block::clear([words.geometry(), words.sharing()]);
    }
    Ok(())
}

/// What is wrong with the streams of an object at rest.
pub(crate) fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
    for side in 0..2 {
        let stream = Stream::of(arena, ObjectRef::new(slot, side))?;
        let (head, written) = (stream.words.head().load(Relaxed), stream.written().end);
        if head > written || written - head > stream.geometry.capacity() {
            return Ok(Some("a stream whose head and tail are out of range"));
        }
        if stream.end().is_some_and(|end| head > end) {
            return Ok(Some("a stream that was read behind its end"));
        }
        let first = stream.words.passed().load(Relaxed);
        let mut end = None;
        for number in stream.numbers_from(first) {
            match stream.at(number)? {
                At::Here(item) if end.is_some_and(|end| end != item.start) => {
                    return Ok(Some("a stream with a gap between two items"));
                }
                At::Here(item) => end = Some(item.end),
                At::Cleared if end.is_some() => {
                    return Ok(Some("a stream with an item cleared before its turn"));
                }
                At::Cleared => {}
                _ => break,
            }
        }
        if end.map_or(written != head, |end| end != written) {
            return Ok(Some("a stream whose items do not end at its tail"));
        }
    }
    Ok(None)
}
