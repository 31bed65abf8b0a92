//! Payload blocks: how a direction comes by them, keeps them between messages, and gives them back.
//!
//! A block joins a direction under a link intent and stays its own: in flight while a message uses it, spare
//! otherwise. Spare blocks are given back after a burst, and when this process finds a pool exhausted.

use crate::bits::ObjectRef;
use crate::block::BlockId;
use crate::endpoint::Sender;
use crate::error::{Error, Result, crash_point};
use crate::layout::{block_bytes, class_of_lines};
use crate::owner::Link;
use crate::sync::{self, Relaxed, Release};
use crate::thread::Thread;
use std::collections::HashSet;

/// How much may be on its way in one direction, before its writer waits a moment for blocks to come back rather than
/// taking more: what fits a processor's own cache.
const FLYING_BYTES: usize = 512 << 10;

/// The largest block of which more are taken than are needed at once.
const MOST_BYTES_AHEAD: usize = 16 << 10;

/// The largest block that is fetched ahead of its use: a processor asks for a few dozen lines at once, not for hundreds.
pub(crate) const MOST_BYTES_FETCHED: usize = 4096;

/// So many blocks a direction keeps, of whatever class, until it is quiet.
pub(crate) const MOST_KEPT_ANYHOW: u64 = 4;

/// How much a direction keeps of each class after a burst, and four times as much while it lasts.
const KEPT_BYTES: usize = 1 << 20;

impl Thread {
    /// A payload block of this direction with at least `lines` lines.
    pub(crate) fn payload_block(
        &self,
        writer: ObjectRef,
        sender: &mut Sender,
        lines: usize,
    ) -> Result<BlockId> {
        let class = class_of_lines(lines);
        let spares = |sender: &Sender| sender.spare.get(class).map_or(0, Vec::len);
        if spares(sender) == 0 {
            self.refresh_head(writer, sender)?;
            self.search_flying(sender)?;
            // Looking at the head costs a line transfer: keep enough blocks that it is looked at seldom.
            let most = (FLYING_BYTES / block_bytes(class)).clamp(32, 512);
            let enough = most / 8;
            if sender.flying.len() >= most {
                self.let_run_ahead(writer, sender, |sender| spares(sender) >= enough)?;
            }
            if spares(sender) < enough && sender.flying.len() < most && block_bytes(class) <= MOST_BYTES_AHEAD
                || spares(sender) == 0
            {
                return match self.join_payload(writer, sender, class) {
                    Err(Error::NoMemory { .. } | Error::NoResources(_)) if spares(sender) > 0 => {
                        Ok(sender.spare[class].pop().expect("counted"))
                    }
                    taken => taken,
                };
            }
            self.trim_after_burst(writer, sender)?;
        }
        let block = sender.spare[class].pop().ok_or(Error::Corrupt("spare blocks vanished"))?;
        // The next message's block is still in the reader's cache. The lock that is taken first waits for all stores
        // before it, so the lines of one message would come only when those of the last have: unless they are asked
        // for now.
        if let Some(next) = sender.spare[class].last()
            && next.bytes() <= MOST_BYTES_FETCHED
        {
            self.arena().lines(*next)?.iter().for_each(sync::fetch_to_write);
        }
        Ok(block)
    }

    /// Takes a free block and makes it this direction's.
    fn join_payload(&self, writer: ObjectRef, sender: &mut Sender, class: usize) -> Result<BlockId> {
        let held = sender.owned.get(class).copied().unwrap_or(0);
        if !self.leaves_enough(class, held) {
            let walks = &self.process.quotas.shares;
            if walks.is_due() {
                self.tidy_channels(true)?;
                walks.walked(self.process.entries_walked(), self.leaves_enough(class, held));
            }
            if !self.leaves_enough(class, held) {
                return Err(Error::NoResources(
                    "this channel's share of its process's message memory, in blocks of this size \
                     (max_block_bytes_per_process)",
                ));
            }
        }
        let block = self.take_block(class)?;
        // Before it is the direction's: an estimate that is too high by one, should this thread die here, harms nobody.
        sender.owned[class] += 1;
        sender.all_owned += 1;
        let descriptor = self.arena().descriptor(block)?;
        let blocks = &self.direction(writer)?.producer.blocks;
        // Relaxed: the list is this direction's own, and the block joins it by the Release below.
        descriptor.position.store(0, Relaxed);
        descriptor.link.store(blocks.load(Relaxed), Relaxed);
        self.set_link(Link::JoinPayload { from: writer, block }, 0);
        crash_point!(self, "payload.intended");
        blocks.store(block.to_link(), Release);
        crash_point!(self, "payload.linked");
        self.arena().bind_block(block, self.tag, writer)?;
        crash_point!(self, "payload.bound");
        self.set_link(Link::Idle, 0);
        Ok(block)
    }

    /// After a burst: one flood must not pin its memory for the life of the channel. Asked by every write that looks at
    /// the head, whatever its size.
    pub(crate) fn trim_after_burst(&self, writer: ObjectRef, sender: &mut Sender) -> Result<()> {
        let in_use = 2 * sender.flying.len();
        let keep = |class| (KEPT_BYTES / block_bytes(class)).clamp(1, 64).max(in_use);
        if sender.spare.iter().enumerate().any(|(class, spare)| spare.len() > 4 * keep(class)) {
            self.trim_spares(writer, sender, keep)?;
        }
        Ok(())
    }

    /// Gives back the spare blocks of each class beyond `keep`.
    pub(crate) fn trim_spares(
        &self,
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
        let mut chain = &self.direction(writer)?.producer.blocks;
        let mut left = self.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
        while let Some(block) = BlockId::from_link(chain.load(Relaxed)) {
            if excess.contains(&block) {
                self.take_off(chain, block, Link::LeavePayload { from: writer, block }, writer)?;
                let owned = &mut sender.owned[block.class()];
                *owned = owned.saturating_sub(1);
                sender.all_owned = sender.all_owned.saturating_sub(1);
            } else {
                chain = &self.arena().descriptor(block)?.link;
            }
            left = left.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
        }
        Ok(())
    }

    /// A free block of `class`, OWNED by this thread. Where the pool has none, or this process may have no more of
    /// them, the spare blocks of its other channels are given back, and what others are about to free is waited for.
    pub(crate) fn take_block(&self, class: usize) -> Result<BlockId> {
        let exhausted = match self.take_free_block(class) {
            Err(error @ (Error::NoMemory { .. } | Error::NoResources(_)))
                if class < self.arena().layout().pools.len() =>
            {
                error
            }
            taken => return taken,
        };
        self.take_block_that_comes_back(class, exhausted)
    }
}
