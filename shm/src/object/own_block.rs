//! A block that an object has at a word of its body, or of another of its blocks: linked on first use, by any thread,
//! and freed with the object. Ports, directories, listeners, VM objects and buffers have such blocks.
//!
//! INV-PART-1: the word, the block's *place*, changes from 0 once, by a CAS, under the list intent of the thread that
//! brings the block. So any thread may bring it, and a block is linked if its place names it.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::memory::{block_credit, block_pool, pressure};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// The block at a place.
pub(crate) fn block_at(place: &AtomicU64) -> Option<BlockId> {
    // ORDER: Acquire pairs with the Release CAS of `link`: the block's words are prepared.
    BlockId::from_link(place.load(Acquire))
}

/// The lines of the block at a place. `None`: it was never linked.
pub(crate) fn lines<'a>(arena: &'a Arena, place: &AtomicU64) -> Result<Option<&'a [Line]>> {
    block_at(place).map(|block| arena.lines(block)).transpose()
}

/// A word of a block's lines.
pub(crate) fn word(lines: &[Line], index: usize) -> Result<&AtomicU64> {
    let line = lines.get(index / LINE_WORDS).ok_or(Error::Corrupt("a block is too short for its object"))?;
    Ok(&line.0[index % LINE_WORDS])
}

/// Links a new block, which `prepare` fills. Another thread may be first: then its block stays, and this one is freed.
#[cold]
pub(crate) fn link(
    thread: &Thread,
    from: ObjectRef,
    place: &AtomicU64,
    class: SizeClass,
    prepare: impl FnOnce(&[Line]),
) -> Result<()> {
    let arena = thread.arena();
    let block = pressure::take_block(thread, class)?;
    prepare(arena.lines(block)?);
    let word = BlockWord(arena.descriptor(block)?.state.load(Relaxed));
    thread.set_list_intent(ListIntent::LinkPart { from, block }, 0);
    crash_point!(thread, "part.intended");
    // ORDER: Release: after the intent, in the order that recovery sees; and it publishes the prepared words.
    if place.compare_exchange(0, block.to_link(), Release, Relaxed).is_ok() {
        crash_point!(thread, "part.linked");
        block_pool::bind_block(arena, block, thread.tag, from)?;
        crash_point!(thread, "part.bound");
    } else {
        block_credit::free_block(thread, block, word)?;
    }
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Frees the block at a place of an object that no thread uses any more. Resumable.
pub(crate) fn unlink(thread: &Thread, from: ObjectRef, place: &AtomicU64) -> Result<()> {
    let Some(block) = block_at(place) else { return Ok(()) };
    let word = BlockWord(thread.arena().descriptor(block)?.state.load(Relaxed));
    thread.set_list_intent(ListIntent::UnlinkPart { from, block }, word.0);
    crash_point!(thread, "part.leaving");
    // ORDER: Release: after the intent, in the order that recovery sees.
    place.store(0, Release);
    crash_point!(thread, "part.unlinked");
    // A damaged word must not free another object's block.
    if word.state() == BlockState::Bound(from) {
        block_credit::free_block(thread, block, word)?;
    }
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Clears words that no other thread uses: those of a body before its slot is free, and those of a new block.
pub(crate) fn clear<'a>(words: impl IntoIterator<Item = &'a AtomicU64>) {
    for word in words {
        // Relaxed: the lifecycle word publishes those of a body, and the block's place those of a block. Load before the
        // store: most were never written, and a store would make the kernel allocate their page.
        if word.load(Relaxed) != 0 {
            word.store(0, Relaxed);
        }
    }
}
