//! The index of a side: which cells of which ports observe it.
//!
//! A few words lie in the object's body, the rest in a chain of blocks.
//!
//! INV-INDEX-1: an index word is written while its
//! cell is RESERVED, and before the side is OBSERVED. It is cleared by a CAS of the exact word once its registration is
//! over, by any thread that comes across it. So a word that is missing has no armed cell, and a word that is there says
//! only where to look.
//! INV-INDEX-2: the state of a side says INDEXED before the first word of its index is written. An object without that
//! flag has no index to clear and no block to free.
//! INV-INDEX-3: blocks are only added, at the head of the chain, until no hazard names the object.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::port::index::IndexWord;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::State;
use crate::memory::{block_credit, block_pool, pressure};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// Index words of a block; in models one, so that a chain is soon there.
const BLOCK_WORDS: usize = if cfg!(loom) { 1 } else { SizeClass::SMALLEST.lines() * LINE_WORDS };

/// Index words in the body; in models one.
const INLINE_WORDS: usize = if cfg!(loom) { 1 } else { 2 };

fn inline(arena: &Arena, side: ObjectRef) -> Result<&[AtomicU64]> {
    Ok(&arena.direction(side)?.consumer.index[..INLINE_WORDS])
}

fn chain(arena: &Arena, side: ObjectRef) -> Result<&AtomicU64> {
    Ok(&arena.direction(side)?.consumer.index_blocks)
}

/// The words of the index, those in use and those that are not.
pub(crate) fn words(arena: &Arena, side: ObjectRef) -> Result<impl Iterator<Item = Result<&AtomicU64>>> {
    let inline = inline(arena, side)?.iter().map(Ok);
    let blocks = blocks(arena, side)?.flat_map(|block| {
        let (lines, error): (&[Line], _) = match block.and_then(|block| arena.lines(block)) {
            Ok(lines) => (lines, None),
            Err(error) => (&[], Some(Err(error))),
        };
        lines.iter().flat_map(|line| &line.0).take(BLOCK_WORDS).map(Ok).chain(error)
    });
    Ok(inline.chain(blocks))
}

/// The word at a place of the index.
pub(crate) fn load(place: &AtomicU64) -> IndexWord {
    // ORDER: Acquire pairs with the Release of `add`: its cell is RESERVED and filled, or is in a later state. A thread that
    // found it FREE would clear the word.
    IndexWord(place.load(Acquire))
}

/// The blocks of the chain.
pub(crate) fn blocks(arena: &Arena, side: ObjectRef) -> Result<impl Iterator<Item = Result<BlockId>>> {
    // ORDER: Acquire pairs with the Release of `grow`: the block's words are cleared, and its link is set.
    let mut next = BlockId::from_link(chain(arena, side)?.load(Acquire));
    // P5: no chain has more blocks than the arena, and none runs in a circle. One block is marked, and after twice as many
    // steps another (Brent's method): so a circle is walked about twice, and not as often as the arena has blocks.
    let mut left = arena.layout().descriptors.iter().map(|section| section.count).sum::<usize>();
    let (mut marked, mut steps, mut next_mark) = (None, 0_usize, 1);
    Ok(core::iter::from_fn(move || {
        let block = next?;
        let is_circle = marked == Some(block);
        steps += 1;
        if steps == next_mark {
            (marked, next_mark) = (Some(block), next_mark * 2);
        }
        let link = match (arena.descriptor(block), left) {
            (Err(error), _) => Err(error),
            (_, left) if is_circle || left == 0 => {
                Err(Error::Corrupt("the blocks of an index run in a circle"))
            }
            // Relaxed: set before the block was linked.
            (Ok(descriptor), _) => Ok(descriptor.link.load(Relaxed)),
        };
        left = left.saturating_sub(1);
        next = link.ok().and_then(BlockId::from_link);
        Some(link.map(|_| block))
    }))
}

/// Whether a side of the object was ever observed.
pub(crate) fn is_indexed(arena: &Arena, slot: Slot) -> Result<bool> {
    // Relaxed: the caller is the only user of the object.
    Ok(arena.object(slot)?.state.iter().any(|state| State(state.load(Relaxed)).has(State::INDEXED)))
}

/// Marks the side INDEXED (INV-INDEX-2).
pub(crate) fn prepare(thread: &Thread, side: ObjectRef) -> Result<()> {
    let state = thread.arena().state(side)?;
    // Relaxed: the word itself is the message. Recovery of this thread sees it before the index words, which follow by
    // Release.
    if !State(state.load(Relaxed)).has(State::INDEXED) {
        state.fetch_or(State::INDEXED, Relaxed);
    }
    crash_point!(thread, "observe.indexed");
    Ok(())
}

/// Writes `word` into an empty place of the index.
pub(crate) fn add(thread: &Thread, side: ObjectRef, word: IndexWord) -> Result<()> {
    // P5: a round fails only if other threads have filled the block that this thread has added.
    for _ in 0..64 {
        for place in words(thread.arena(), side)? {
            let place = place?;
            // ORDER: Release: a thread that follows the word finds the cell filled.
            if place.load(Relaxed) == 0 && place.compare_exchange(0, word.0, Release, Relaxed).is_ok() {
                crash_point!(thread, "observe.named");
                return Ok(());
            }
        }
        grow(thread, side)?;
    }
    Err(Error::NoResources("places in the index of one object's observers"))
}

/// Whether the index has an empty place.
pub(crate) fn has_room(arena: &Arena, side: ObjectRef) -> Result<bool> {
    for place in words(arena, side)? {
        // Relaxed: `add` looks again.
        if place?.load(Relaxed) == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds a block to the chain.
#[cold]
fn grow(thread: &Thread, side: ObjectRef) -> Result<()> {
    let arena = thread.arena();
    let block = pressure::take_block(thread, SizeClass::SMALLEST)?;
    // Relaxed, both: the CAS of the chain publishes them.
    arena.lines(block)?.iter().flat_map(|line| &line.0).for_each(|word| word.store(0, Relaxed));
    let link = &arena.descriptor(block)?.link;
    thread.set_list_intent(ListIntent::LinkIndex { from: side, block }, 0);
    crash_point!(thread, "index.intended");
    let chain = chain(arena, side)?;
    let mut first = chain.load(Relaxed);
    loop {
        link.store(first, Relaxed);
        // ORDER: Release: after the intent, in the order that recovery sees; and it publishes the block. Blocks are only
        // added, so an equal word is the same chain. A read-modify-write: it continues the releases of the earlier blocks.
        match chain.compare_exchange(first, block.to_link(), Release, Relaxed) {
            Ok(_) => break,
            Err(changed) => first = changed,
        }
    }
    crash_point!(thread, "index.linked");
    block_pool::bind_block(arena, block, thread.tag, side)?;
    crash_point!(thread, "index.bound");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Whether `block` is in the chain of the side.
pub(crate) fn is_linked(arena: &Arena, side: ObjectRef, block: BlockId) -> Result<bool> {
    for linked in blocks(arena, side)? {
        if linked? == block {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Clears the index of an object that no thread uses any more, and frees its blocks. Resumable.
pub(crate) fn free(thread: &Thread, side: ObjectRef) -> Result<()> {
    let arena = thread.arena();
    // Relaxed, all loads: the registrars' hazards were cleared before (`collect_hazards`). The stores: the lifecycle word
    // publishes them.
    inline(arena, side)?.iter().for_each(|word| word.store(0, Relaxed));
    let chain = chain(arena, side)?;
    while let Some(block) = BlockId::from_link(chain.load(Relaxed)) {
        let descriptor = arena.descriptor(block)?;
        let word = BlockWord(descriptor.state.load(Relaxed));
        thread.set_list_intent(ListIntent::UnlinkIndex { from: side, block }, word.0);
        crash_point!(thread, "index.leaving");
        // ORDER: Release: after the intent, in the order that recovery sees.
        chain.store(descriptor.link.load(Relaxed), Release);
        crash_point!(thread, "index.unlinked");
        // A damaged link must not free another object's block, nor lead round in a circle.
        if word.state() != BlockState::Bound(side) {
            chain.store(0, Relaxed);
        } else {
            block_credit::free_block(thread, block, word)?;
        }
        thread.set_list_intent(ListIntent::Idle, 0);
    }
    Ok(())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::Rights;
    use crate::arena::word::port::cell::CellId;
    use crate::arena::word::reference::Slot;
    use crate::object::ObjectClass;
    use crate::process::Process;

    /// A walk of the chain as long as the arena has blocks would take seconds, at each change of the object.
    #[test]
    fn circles_of_blocks_end_soon() {
        let config =
            crate::arena::config::Config { max_objects: 64, pool_bytes: 4 << 20, ..Default::default() };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        let event = thread.create(ObjectClass::Event, Rights::all()).unwrap().0;
        let side = thread.lookup(event).unwrap().entry.object();
        prepare(&thread, side).unwrap();
        for number in 0..(INLINE_WORDS + 5 * BLOCK_WORDS) as u32 {
            add(&thread, side, IndexWord::new(Slot(1), CellId::new(40, 1), number)).unwrap();
        }
        let arena = thread.arena();
        let chain: Vec<_> = blocks(arena, side).unwrap().map(Result::unwrap).collect();
        assert_eq!(chain.len(), 5);
        // The chain comes back to each of its blocks.
        for first in 0..5 {
            let link = &arena.descriptor(chain[4]).unwrap().link;
            link.store(chain[first].to_link(), Relaxed);
            let walk: Vec<_> = blocks(arena, side).unwrap().collect();
            assert!(walk.len() <= 3 * chain.len(), "{first}: {} steps", walk.len());
            assert!(matches!(walk.last(), Some(Err(Error::Corrupt(_)))), "{first}");
            link.store(0, Relaxed);
        }
    }
}
