//! A block becomes an item of a stream, and is freed when the item is read.

use crate::arena::error::Result;
use crate::arena::record::line::LINE_BYTES;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::stream::item::ItemWord;
use crate::memory::{block_credit, block_pool, pressure};
use crate::object::own_block;
use crate::object::stream::places::{self, At, BLOCK_BYTES_A_BYTE, Item, Stream};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// A block that is bound to a stream, under the intent to link it, and in no place yet.
#[derive(Clone, Copy)]
pub(crate) struct Loose {
    pub(crate) block: BlockId,
    word: BlockWord,
}

/// Makes sure that item `number` has a place.
pub(crate) fn need_place(thread: &Thread, stream: &Stream<'_>, number: u64) -> Result<()> {
    if number == 0 || own_block::block_at(stream.words.places()).is_some() {
        return Ok(());
    }
    own_block::link(thread, stream.writer, stream.words.places(), stream.class_of_places(), places::prepare)
}

/// Takes a block of at least so many bytes. No other thread knows it yet.
pub(crate) fn take(thread: &Thread, bytes: usize) -> Result<BlockId> {
    pressure::take_block(thread, SizeClass::fitting((bytes * BLOCK_BYTES_A_BYTE).div_ceil(LINE_BYTES)))
}

/// OWNED → BOUND, under the intent to link the block.
pub(crate) fn bind(thread: &Thread, stream: &Stream<'_>, block: BlockId) -> Result<Loose> {
    let from = stream.writer;
    // Relaxed: this thread has just taken the block.
    let owned = BlockWord(thread.arena().descriptor(block)?.state.load(Relaxed));
    let word = owned.bound(from);
    thread.set_list_intent(ListIntent::LinkItem { from, block }, word.0);
    crash_point!(thread, "item.intended");
    block_pool::bind_block(thread.arena(), block, thread.tag, from)?;
    crash_point!(thread, "item.bound");
    Ok(Loose { block, word })
}

/// Puts the block into a place that was vacant. `false` if another thread was first. The caller ends the intent.
pub(crate) fn link(
    thread: &Thread,
    (place, vacant): (&AtomicU64, ItemWord),
    loose: Loose,
    start: u64,
    end: u64,
) -> Result<bool> {
    let descriptor = thread.arena().descriptor(loose.block)?;
    // ORDER: Release, both, pairs with the fence of `Stream::item`: a thread that reads them for an item which had the block
    // before finds that item cleared.
    descriptor.position.store(start, Release);
    descriptor.link.store(end, Release);
    let holding = ItemWord::holding(vacant.lap(), loose.block);
    // ORDER: Release pairs with the Acquire of `Stream::at`: the start, the end, and the bytes. Commits a write of a shared
    // end.
    Ok(place.compare_exchange(vacant.0, holding.0, Release, Relaxed).is_ok())
}

/// Frees a block that was not linked.
pub(crate) fn give_back(thread: &Thread, loose: Loose) -> Result<()> {
    block_credit::free_block(thread, loose.block, loose.word)?;
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(())
}

/// Gives an open item its end.
pub(crate) fn close(stream: &Stream<'_>, block: BlockId, end: u64) -> Result<()> {
    // ORDER: Release pairs with the Acquire of `Stream::item`: all bytes up to the end are written.
    stream.arena.descriptor(block)?.link.store(end, Release);
    Ok(())
}

/// Clears the place of an item whose bytes are all read, and frees its block. Another thread may do so at the same time.
pub(crate) fn clear(thread: &Thread, stream: &Stream<'_>, item: &Item<'_>) -> Result<()> {
    stream.count(item);
    unlink(thread, stream, item.place, item.word, item.block)?;
    stream.pass(item.number);
    Ok(())
}

/// HOLDING → VACANT of the next lap, and frees the block. `false` if another thread was first.
pub(crate) fn unlink(
    thread: &Thread,
    stream: &Stream<'_>,
    place: &AtomicU64,
    word: ItemWord,
    block: BlockId,
) -> Result<bool> {
    let from = stream.writer;
    // ORDER: Acquire pairs with the Release of `bind_block`: if this is the word of the block's next item, the load below
    // shows the place cleared. That item may be in no place yet, and recovery would free its block by an intent that names
    // this word.
    let bound = BlockWord(thread.arena().descriptor(block)?.state.load(Acquire));
    // Relaxed: only equality counts, and the CAS below decides.
    if place.load(Relaxed) != word.0 {
        return Ok(false);
    }
    thread.set_list_intent(ListIntent::UnlinkItem { from, block }, bound.0);
    crash_point!(thread, "item.leaving");
    // ORDER: Release: after the intent, in the order that recovery sees; after the copies of this thread; and pairs with the
    // Acquire of `Stream::at`: the item is counted, and the head has passed it.
    let is_first = place.compare_exchange(word.0, word.cleared().0, Release, Relaxed).is_ok();
    if is_first {
        crash_point!(thread, "item.unlinked");
        // A damaged word must not free another object's block.
        if bound.state() == BlockState::Bound(from) {
            block_credit::free_block(thread, block, bound)?;
        }
        crash_point!(thread, "item.freed");
    }
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(is_first)
}

/// Clears the items that are read, after the head has moved on.
pub(crate) fn clear_read(thread: &Thread, stream: &Stream<'_>, head: u64) -> Result<()> {
    // Relaxed: a hint; an older one costs looks at items that are cleared.
    let first = stream.words.passed().load(Relaxed);
    for number in stream.numbers_from(first) {
        match stream.at(number)? {
            At::Here(item) if !item.is_open && item.end <= head => clear(thread, stream, &item)?,
            // As in `Stream::copy_from`.
            At::Cleared => stream.pass(number),
            _ => break,
        }
    }
    Ok(())
}
