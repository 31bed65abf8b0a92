//! Payload blocks: how a direction gets them, keeps them between messages, and gives them back.
//!
//! A block joins a direction under a list intent, and the direction owns it from then on. The block is in flight while
//! a message uses it, and spare otherwise. Spare blocks are given back after a burst, and when this process finds a
//! pool exhausted.

use crate::arena::error::{Error, Result};
use crate::arena::segment::MAX_MESSAGE_BYTES;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::memory::pressure;
use crate::memory::{block_credit, block_pool};
use crate::object::channel::end::Writer;
use crate::object::channel::idle;
use crate::object::channel::read::reader::MOST_BYTES_FETCHED;
use crate::object::channel::write::spare_blocks::{self, IN_FLIGHT_BYTES};
use crate::object::channel::write::writer;
use crate::process::half::channel::WriteCursor;
use crate::process::thread::crash_point;
use crate::sync::{self, Relaxed, Release};
use std::collections::VecDeque;

/// The largest size of block of which a direction takes more than it needs at once.
const MOST_BYTES_AHEAD: usize = 16 << 10;

/// A payload block of this direction with at least `lines` lines.
pub(crate) fn payload_block(writer: &mut Writer<'_>, lines: usize) -> Result<BlockId> {
    let class = SizeClass::fitting(lines);
    let spares = |cursor: &WriteCursor| cursor.spare.get(class.index()).map_or(0, VecDeque::len);
    if spares(&writer.cursor) == 0 {
        writer::refresh_head(writer)?;
        spare_blocks::search_in_flight(writer)?;
        // A load of the head costs the transfer of a cache line: keep enough blocks that it is loaded seldom.
        let most = (IN_FLIGHT_BYTES / class.bytes()).clamp(32, 512);
        let enough = most / 8;
        let owned = writer.cursor.owned.get(class.index()).copied().unwrap_or(0) as usize;
        if writer.cursor.in_flight.len() >= most && owned > 0 {
            let bytes = class.bytes().min(MAX_MESSAGE_BYTES);
            writer::back_off_for_reader(writer, bytes, |cursor| spares(cursor) >= enough.min(owned))?;
        }
        if spares(&writer.cursor) < enough
            && writer.cursor.in_flight.len() < most
            && class.bytes() <= MOST_BYTES_AHEAD
            || spares(&writer.cursor) == 0
        {
            // More blocks are only an optimization while there is a spare one: then a full pool or quota is no error.
            return match join_payload(writer, class) {
                Err(Error::NoMemory { .. } | Error::NoResources(_)) if spares(&writer.cursor) > 0 => {
                    Ok(writer.cursor.spare[class.index()].pop_front().expect("counted"))
                }
                taken => taken,
            };
        }
        spare_blocks::trim_after_burst(writer)?;
    }
    let block =
        writer.cursor.spare[class.index()].pop_front().ok_or(Error::Corrupt("spare blocks vanished"))?;
    // The next message's block is still in the reader's cache. Without a prefetch its lines would be fetched one after the
    // other, each when its store leaves the store buffer.
    if let Some(next) = writer.cursor.spare[class.index()].front()
        && next.bytes() <= MOST_BYTES_FETCHED
    {
        writer.thread.arena().lines(*next)?.iter().for_each(sync::prefetch_exclusive);
    }
    Ok(block)
}

/// Keeps a block of this direction, which no message uses, for the next one.
pub(crate) fn keep_block(writer: &mut Writer<'_>, block: Option<BlockId>) {
    // If the end has moved meanwhile, its new owner finds the block unused in the direction's list.
    if let Some(block) = block
        && writer.cursor.ready
        && let Some(spare) = writer.cursor.spare.get_mut(block.class().index())
    {
        spare.push_back(block);
    }
}

/// Takes a free block and makes it this direction's.
fn join_payload(writer: &mut Writer<'_>, class: SizeClass) -> Result<BlockId> {
    let thread = writer.thread;
    let held = writer.cursor.owned.get(class.index()).copied().unwrap_or(0);
    if !block_credit::leaves_enough(thread, class, held) {
        let walks = &thread.process.quotas.shares;
        if walks.is_due() {
            idle::trim_channels(thread, true)?;
            walks.walked(thread.process.entries_walked(), block_credit::leaves_enough(thread, class, held));
        }
        if !block_credit::leaves_enough(thread, class, held) {
            return Err(Error::NoResources(
                "this channel's share of its process's message memory, in blocks of this size \
                 (max_block_bytes_per_process)",
            ));
        }
    }
    let block = pressure::take_block(thread, class)?;
    // Counted before the block joins: if this thread dies here, the private estimate is too high by one, which is
    // harmless.
    writer.cursor.owned[class.index()] += 1;
    writer.cursor.all_owned += 1;
    let descriptor = thread.arena().descriptor(block)?;
    let blocks = &writer.direction().producer.blocks;
    // Relaxed: only this thread changes the direction's list, and the Release below publishes the block in it.
    descriptor.position.store(0, Relaxed);
    descriptor.link.store(blocks.load(Relaxed), Relaxed);
    thread.set_list_intent(ListIntent::LinkPayload { from: writer.side, block }, 0);
    crash_point!(thread, "payload.intended");
    // ORDER: Release: after the intent and the block's link, in the order that recovery sees.
    blocks.store(block.to_link(), Release);
    crash_point!(thread, "payload.linked");
    block_pool::bind_block(thread.arena(), block, thread.tag, writer.side)?;
    crash_point!(thread, "payload.bound");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(block)
}
