//! Spare payload blocks, which no message uses: how a direction finds them again, and which of them it gives back.

use crate::arena::error::{Error, Result};
use crate::arena::size_class::block_bytes;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::object::channel::{drain, ring};
use crate::process::endpoint::Sender;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed};
use std::collections::HashSet;

/// Finds, among the payload blocks in flight, those with messages that were consumed out of order. Searches only if
/// enough messages were consumed since the last search to make a walk over all blocks in flight worthwhile.
pub(crate) fn search_in_flight(thread: &Thread, sender: &mut Sender) -> Result<()> {
    let news = sender.consumed_seen.saturating_sub(sender.searched);
    if sender.consumed_seen == sender.head_seen || news == 0 || news < sender.in_flight.len() as u64 / 8 {
        return Ok(());
    }
    sender.searched = sender.consumed_seen;
    for _ in 0..sender.in_flight.len() {
        let Some((position, block)) = sender.in_flight.pop_front() else { break };
        // ORDER: Acquire pairs with the Release of `mark_consumed`.
        if thread.arena().descriptor(block)?.position.load(Acquire) == 0 {
            sender.spare[block.class()].push(block);
        } else {
            sender.in_flight.push_back((position, block));
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
pub(crate) fn trim_after_burst(thread: &Thread, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
    let in_use = 2 * sender.in_flight.len();
    let keep = |class| (KEPT_BYTES / block_bytes(class)).clamp(1, 64).max(in_use);
    if sender.spare.iter().enumerate().any(|(class, spare)| spare.len() > 4 * keep(class)) {
        trim_spares(thread, writer, sender, keep)?;
    }
    Ok(())
}

/// Gives back the spare blocks of each class beyond `keep`.
pub(crate) fn trim_spares(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    keep: impl Fn(usize) -> usize,
) -> Result<()> {
    let mut excess = HashSet::new();
    for (class, spare) in sender.spare.iter_mut().enumerate() {
        excess.extend(spare.drain(keep(class).min(spare.len())..));
    }
    if excess.is_empty() {
        return Ok(());
    }
    let mut chain = &ring::direction(thread, writer)?.producer.blocks;
    let mut left = thread.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
    // Relaxed: only this end's process changes the list, under the sending lock.
    while let Some(block) = BlockId::from_link(chain.load(Relaxed)) {
        if excess.contains(&block) {
            drain::unlink_and_free(
                thread,
                chain,
                block,
                ListIntent::UnlinkPayload { from: writer, block },
                writer,
            )?;
            let owned = &mut sender.owned[block.class()];
            *owned = owned.saturating_sub(1);
            sender.all_owned = sender.all_owned.saturating_sub(1);
        } else {
            chain = &thread.arena().descriptor(block)?.link;
        }
        left = left.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
    }
    Ok(())
}
