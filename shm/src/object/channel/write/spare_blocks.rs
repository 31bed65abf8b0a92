//! Spare payload blocks, which no message uses: how a direction finds them again, and which of them it gives back.

use crate::arena::error::{Error, Result};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::object::channel::drain;
use crate::object::channel::end::Writer;
use crate::sync::{Acquire, Relaxed};
use std::collections::HashSet;

/// Finds, among the payload blocks in flight, those with messages that were consumed out of order. Searches only if
/// enough messages were consumed since the last search to make a walk over all blocks in flight worthwhile.
pub(crate) fn search_in_flight(writer: &mut Writer<'_>) -> Result<()> {
    let cursor = &mut *writer.cursor;
    let news = cursor.consumed_seen.saturating_sub(cursor.searched);
    // If the head has passed every consumed message, none was consumed out of order.
    if cursor.consumed_seen == cursor.head_seen || news == 0 || news < cursor.in_flight.len() as u64 / 8 {
        return Ok(());
    }
    cursor.searched = cursor.consumed_seen;
    for _ in 0..cursor.in_flight.len() {
        // One full turn of the queue: the blocks that stay in flight come back in their old order.
        let Some((position, block)) = cursor.in_flight.pop_front() else { break };
        // ORDER: Acquire pairs with the Release of `mark_consumed`.
        if writer.thread.arena().descriptor(block)?.position.load(Acquire) == 0 {
            // P5: the 0 is the reader's word. A reader that writes it too early damages the message that it is reading,
            // and no other.
            cursor.spare[block.class().index()].push_back(block);
        } else {
            cursor.in_flight.push_back((position, block));
        }
    }
    Ok(())
}

/// How many bytes may be in flight in one direction before its writer waits a moment for blocks to come back instead of
/// taking more. The amount fits a processor's own cache.
pub(crate) const IN_FLIGHT_BYTES: usize = 512 << 10;

/// A direction keeps this many blocks, of any class, until it is idle.
pub(crate) const MOST_KEPT_ANYHOW: u64 = 4;

/// The bytes that a direction keeps of each class after a burst. During the burst it keeps four times as much.
const KEPT_BYTES: usize = 1 << 20;

/// Gives blocks back after a burst, so that one burst does not keep its memory for the lifetime of the channel. Every
/// write that loads the head calls this, for a message of any size.
pub(crate) fn trim_after_burst(writer: &mut Writer<'_>) -> Result<()> {
    // `keep` is at least 1, and a class is trimmed only beyond four times that: an end with so few blocks has none to give back.
    if writer.cursor.all_owned <= MOST_KEPT_ANYHOW {
        return Ok(());
    }
    // A steady stream needs as many blocks again as are in flight. To keep fewer would give blocks back in one lap and
    // take them again in the next.
    let in_use = 2 * writer.cursor.in_flight.len();
    let keep = |class: SizeClass| (KEPT_BYTES / class.bytes()).clamp(1, 64).max(in_use);
    if writer.cursor.spare.iter().zip(SizeClass::BLOCKS).any(|(spare, class)| spare.len() > 4 * keep(class)) {
        trim_spares(writer, keep)?;
    }
    Ok(())
}

/// Gives back the spare blocks of each class beyond `keep`.
pub(crate) fn trim_spares(writer: &mut Writer<'_>, keep: impl Fn(SizeClass) -> usize) -> Result<()> {
    let thread = writer.thread;
    let mut excess = HashSet::new();
    for (spare, class) in writer.cursor.spare.iter_mut().zip(SizeClass::BLOCKS) {
        // They leave the private list first. After an error below, the rest is in the arena's list alone, where the
        // next owner of the end finds it.
        excess.extend(spare.drain(keep(class).min(spare.len())..));
    }
    if excess.is_empty() {
        return Ok(());
    }
    let mut chain = &writer.direction().producer.blocks;
    // P5: no list has more blocks than the arena, so a longer walk runs in a circle.
    let mut left = thread.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
    // Relaxed: only this end's process changes the list, under the sending lock.
    while let Some(block) = BlockId::from_link(chain.load(Relaxed)) {
        if excess.contains(&block) {
            // `chain` stays where it is: unlinking stores the next block in it.
            let from = writer.side;
            drain::unlink_and_free(thread, chain, block, ListIntent::UnlinkPayload { from, block }, from)?;
            let owned = &mut writer.cursor.owned[block.class().index()];
            *owned = owned.saturating_sub(1);
            writer.cursor.all_owned = writer.cursor.all_owned.saturating_sub(1);
        } else {
            chain = &thread.arena().descriptor(block)?.link;
        }
        left = left.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
    }
    Ok(())
}
