//! Payload blocks: how a direction comes by them, keeps them between messages, and gives them back.
//!
//! A block joins a direction under a link intent and stays its own: in flight while a message uses it, spare
//! otherwise. Spare blocks are given back after a burst, and when this process finds a pool exhausted.

use crate::arena::error::{Error, Result};
use crate::arena::size_class::{block_bytes, class_of_lines};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::memory::pressure;
use crate::memory::{block_credit, block_pool};
use crate::object::channel::read::reader::MOST_BYTES_FETCHED;
use crate::object::channel::write::sender;
use crate::object::channel::write::spare_blocks::{self, IN_FLIGHT_BYTES};
use crate::object::channel::{idle, ring};
use crate::process::endpoint::Sender;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{self, Relaxed, Release};

/// The largest block of which more are taken than are needed at once.
const MOST_BYTES_AHEAD: usize = 16 << 10;

/// A payload block of this direction with at least `lines` lines.
pub(crate) fn payload_block(
    thread: &Thread,
    writer: ObjectRef,
    sender: &mut Sender,
    lines: usize,
) -> Result<BlockId> {
    let class = class_of_lines(lines);
    let spares = |sender: &Sender| sender.spare.get(class).map_or(0, Vec::len);
    if spares(sender) == 0 {
        sender::refresh_head(thread, writer, sender)?;
        spare_blocks::search_in_flight(thread, sender)?;
        // Looking at the head costs a line transfer: keep enough blocks that it is looked at seldom.
        let most = (IN_FLIGHT_BYTES / block_bytes(class)).clamp(32, 512);
        let enough = most / 8;
        if sender.in_flight.len() >= most {
            sender::back_off_for_reader(thread, writer, sender, |sender| spares(sender) >= enough)?;
        }
        if spares(sender) < enough && sender.in_flight.len() < most && block_bytes(class) <= MOST_BYTES_AHEAD
            || spares(sender) == 0
        {
            return match join_payload(thread, writer, sender, class) {
                Err(Error::NoMemory { .. } | Error::NoResources(_)) if spares(sender) > 0 => {
                    Ok(sender.spare[class].pop().expect("counted"))
                }
                taken => taken,
            };
        }
        spare_blocks::trim_after_burst(thread, writer, sender)?;
    }
    let block = sender.spare[class].pop().ok_or(Error::Corrupt("spare blocks vanished"))?;
    // The next message's block is still in the reader's cache. The lock that is taken first waits for all stores
    // before it, so the lines of one message would come only when those of the last have: unless they are asked
    // for now.
    if let Some(next) = sender.spare[class].last()
        && next.bytes() <= MOST_BYTES_FETCHED
    {
        thread.arena().lines(*next)?.iter().for_each(sync::prefetch_write);
    }
    Ok(block)
}

/// Takes a free block and makes it this direction's.
fn join_payload(thread: &Thread, writer: ObjectRef, sender: &mut Sender, class: usize) -> Result<BlockId> {
    let held = sender.owned.get(class).copied().unwrap_or(0);
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
    // Before it is the direction's: an estimate that is too high by one, should this thread die here, harms nobody.
    sender.owned[class] += 1;
    sender.all_owned += 1;
    let descriptor = thread.arena().descriptor(block)?;
    let blocks = &ring::direction(thread, writer)?.producer.blocks;
    // Relaxed: the list is this direction's own, and the block joins it by the Release below.
    descriptor.position.store(0, Relaxed);
    descriptor.link.store(blocks.load(Relaxed), Relaxed);
    thread.set_list_intent(ListIntent::LinkPayload { from: writer, block }, 0);
    crash_point!(thread, "payload.intended");
    blocks.store(block.to_link(), Release);
    crash_point!(thread, "payload.linked");
    block_pool::bind_block(thread.arena(), block, thread.tag, writer)?;
    crash_point!(thread, "payload.bound");
    thread.set_list_intent(ListIntent::Idle, 0);
    Ok(block)
}
