//! Settling what a dead thread was in the middle of: did it commit? Then it is finished, and otherwise undone. Steps 2
//! and 3 of recovery (`recover.rs`), before anything is closed.

use crate::bits::{ObjectRef, Tag};
use crate::block::{BlockId, BlockState, BlockWord};
use crate::error::{Error, Result, crash_point};
use crate::object::{Count, Life, LifeState};
use crate::owner::{Change, Link, Operation, Record, Reference};
use crate::recover::Recovered;
use crate::step::skippable;
use crate::sync::{Acquire, Relaxed, Release};
use crate::table::{Entry, EntryState};
use crate::thread::Thread;
use crate::way::{SegmentLink, Way};

/// Whether a dead thread's operation had committed, kept for the sweep of its process's table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    tag: Tag,
    operation: Operation,
    committed: bool,
}

impl Thread {
    /// Step 2, counts: did the change land?
    pub(crate) fn settle_reference(&self, recovered: &mut Recovered) -> Result<()> {
        skippable!(SettleReference);
        let reference = Reference(self.row().reference.load(Relaxed));
        let Some(change) = reference.change() else { return Ok(()) };
        let object = reference.object();
        let record = Record::from_word(self.row().record.load(Relaxed));
        let count = &self.arena().object(object.slot())?.count[object.side()];
        // The count first, the mark after it: whoever overwrites the one has set the other before.
        // ORDER: Acquire pairs with the Release of whoever overwrote it.
        let count = Count(count.load(Acquire));
        let stands = count.changer() == self.tag && count.sequence() == reference.sequence();
        let landed = stands || Reference(self.row().reference.load(Relaxed)).is_landed();
        let cell = self.arena().record(record)?;
        let entry = Entry(cell.load(Relaxed));
        let mut ended = stands && count.number() == 0;
        match (change, entry.state()) {
            (Change::Up, EntryState::Reserved(tag)) if tag == self.tag => {
                let settled = if landed { entry.live(0, object) } else { entry.freed() };
                // Relaxed: nothing has to come before it, and a successor would settle it alike.
                cell.store(settled.0, Relaxed);
                *recovered.tally(landed) += 1;
            }
            (Change::Down, EntryState::Closing(tag)) if tag == self.tag => {
                // The close has committed. It is finished here and now, never taken back: another thread that
                // drains the same message passes over a closing record, and nobody would come by again.
                if !landed {
                    ended = self.change_count(object, Change::Down, reference.sequence())? == 0;
                    crash_point!(self, "settle.counted");
                }
                cell.store(entry.freed().0, Release);
                *recovered.tally(true) += 1;
            }
            _ => {}
        }
        crash_point!(self, "settle.record");
        if change == Change::Down && ended && self.row().dying.load(Relaxed) != object.to_link() {
            self.push_dying(object)?;
        }
        self.intend_nothing();
        Ok(())
    }

    /// Step 2, blocks: is it linked? Whatever is found, the map of free ones agrees afterwards.
    pub(crate) fn settle_link(&self, recovered: &mut Recovered) -> Result<()> {
        skippable!(SettleLink);
        let link = Link::from_word(self.row().link.load(Relaxed));
        let left = BlockWord(self.row().link_word.load(Relaxed));
        let (block, is_linked) = match link {
            Link::Idle => return Ok(()),
            Link::Taking { block } => (block, false),
            Link::GivingBack { block } | Link::Trimming { block } => {
                recovered.blocks_freed += match link {
                    Link::Trimming { .. } => self.settle_trimming(block)?,
                    _ => self.settle_giving_back(block)?,
                };
                self.set_link(Link::Idle, 0);
                return Ok(());
            }
            Link::GivingSlotsBack { page } => {
                self.settle_slots_of(page)?;
                self.set_link(Link::Idle, 0);
                return Ok(());
            }
            Link::JoinSegment { from, block }
            | Link::JoinPayload { from, block }
            | Link::LeaveSegment { from, block }
            | Link::LeavePayload { from, block } => (block, self.is_reachable(link, from, block)?),
        };
        let word = BlockWord(self.arena().descriptor(block)?.state.load(Relaxed));
        let is_in_hand = word.state() == BlockState::Owned(self.tag);
        match link {
            Link::JoinSegment { from, .. } | Link::JoinPayload { from, .. } if is_linked => {
                self.arena().bind_block(block, self.tag, from)?;
            }
            Link::LeaveSegment { .. } | Link::LeavePayload { .. } if !is_linked => {
                self.free_block(block, left)?;
            }
            // Without a credit: its taker is dead, and may not have come to writing its charge over that of the last one.
            _ if is_in_hand => recovered.blocks_freed += u32::from(self.free_block_named(block, word)?),
            Link::Taking { .. } => recovered.blocks_freed += u32::from(self.free_virgin(block)?),
            _ => {}
        }
        let map = self.arena().free_blocks(block.class())?;
        map.repair(self, block.index() as u32, || self.arena().is_free(block))?;
        self.arena().mark_freed_lately(block)?;
        self.set_link(Link::Idle, 0);
        Ok(())
    }

    fn is_reachable(&self, link: Link, from: ObjectRef, block: BlockId) -> Result<bool> {
        let direction = self.direction(from)?;
        let (producer, consumer) = (&direction.producer, &direction.consumer);
        let sought = block.to_link();
        match link {
            Link::JoinSegment { .. } => {
                let last = producer.tail_segment.load(Relaxed);
                let after_last = match BlockId::from_link(last) {
                    Some(last) => SegmentLink(self.arena().descriptor(last)?.link.load(Relaxed)).next_link(),
                    None => producer.first_segment.load(Relaxed),
                };
                Ok(last == sought || after_last == sought)
            }
            // One that was read to its end is the first, one of which nothing is left anywhere among the others.
            Link::LeaveSegment { .. } => {
                let head = consumer.head_segment.load(Relaxed);
                let first = if head == 0 { producer.first_segment.load(Relaxed) } else { head };
                self.is_in_chain(first, sought)
            }
            _ => self.is_in_chain(producer.blocks.load(Relaxed), sought),
        }
    }

    fn is_in_chain(&self, mut next: u64, sought: u64) -> Result<bool> {
        let mut left = self.arena().layout().descriptors.iter().map(|section| section.count).sum::<usize>();
        while let Some(at) = BlockId::from_link(next) {
            if next == sought {
                return Ok(true);
            }
            next = SegmentLink(self.arena().descriptor(at)?.link.load(Relaxed)).next_link();
            left = left.checked_sub(1).ok_or(Error::Corrupt("a channel's blocks run in a circle"))?;
        }
        Ok(false)
    }

    /// Step 2, operations: had it committed?
    pub(crate) fn settle_operation(&self, recovered: &mut Recovered) -> Result<Option<Verdict>> {
        skippable!(SettleOperation);
        let words = [self.row().operation[0].load(Relaxed), self.row().operation[1].load(Relaxed)];
        let operation = Operation::from_words(words);
        let committed = match operation {
            Operation::Idle => return Ok(None),
            Operation::Create { slot } => {
                Life(self.arena().object(slot)?.life.load(Relaxed)).state() == LifeState::Live
            }
            Operation::Move { from, to } => self.settle_move(from, to)?,
            Operation::Send { from, position } => {
                let tail = self.direction(from)?.producer.tail.load(Relaxed);
                position.is_some_and(|position| position < tail)
            }
            Operation::Receive { at, position } => self.is_consumed(at, position)?,
        };
        *recovered.tally(committed) += 1;
        Ok(Some(Verdict { tag: self.tag, operation, committed }))
    }

    fn settle_move(&self, from: Record, to: Record) -> Result<bool> {
        let (old, new) = (self.arena().record(from)?, self.arena().record(to)?);
        let (old_entry, new_entry) = (Entry(old.load(Relaxed)), Entry(new.load(Relaxed)));
        let committed = old_entry.state() == EntryState::Moved(self.tag);
        if new_entry.state() == EntryState::Reserved(self.tag) {
            let settled = if committed { new_entry.live(0, new_entry.object()) } else { new_entry.freed() };
            // Relaxed: nothing has to come before it.
            new.store(settled.0, Relaxed);
        }
        crash_point!(self, "settle.moved");
        if committed {
            // ORDER: Release: the new handle first, or a successor would take the move for one that never was.
            old.store(old_entry.freed().0, Release);
        }
        Ok(committed)
    }

    /// Whether the message at `position` has been received by `at`.
    fn is_consumed(&self, at: ObjectRef, position: u64) -> Result<bool> {
        let direction = self.direction(at.peer())?;
        let (head, tail) = (direction.consumer.head.load(Relaxed), direction.producer.tail.load(Relaxed));
        if position < head || position >= tail {
            return Ok(position < head);
        }
        let segment = self.arena().head_segment(direction)?;
        let mut way = Way::new(segment.ok_or(Error::Corrupt("messages without a segment"))?, head);
        // In a gap everything was consumed.
        let found = self.arena().follow(&mut way, position)?;
        Ok(found > position || self.message(&way.segment, position)?.header.is_taken())
    }

    /// Step 3: every transitional entry becomes LIVE, if it owns a reference, or FREE.
    pub(crate) fn settle_table(&self, process: u16, verdicts: &[Verdict]) -> Result<()> {
        skippable!(SettleTable);
        for index in 1..self.arena().used_entries(process) {
            let cell =
                self.arena().entry(process, index).ok_or(Error::Corrupt("an entry is out of range"))?;
            let entry = Entry(cell.load(Relaxed));
            let of = |tag| verdicts.iter().find(|verdict: &&Verdict| verdict.tag == tag && verdict.committed);
            let owns = match entry.state() {
                EntryState::Invalid | EntryState::Free | EntryState::Live => continue,
                EntryState::Reserved(tag) => match of(tag).map(|verdict| verdict.operation) {
                    Some(Operation::Receive { .. }) => true,
                    Some(Operation::Create { slot }) => slot == entry.object().slot(),
                    _ => false,
                },
                EntryState::Moving(tag) => {
                    !matches!(of(tag).map(|verdict| verdict.operation), Some(Operation::Send { .. }))
                }
                EntryState::Moved(_) => false,
                // Its intent was settled: no closing entry is left. One that is owns what nobody accounts for.
                EntryState::Closing(_) => {
                    return Err(Error::Corrupt("a closing handle that no intent names"));
                }
            };
            let settled = if owns { entry.live(0, entry.object()) } else { entry.freed() };
            // Relaxed: a successor would settle it alike, until the operations are gone.
            cell.store(settled.0, Relaxed);
            crash_point!(self, "settle.entry");
        }
        Ok(())
    }
}

impl Recovered {
    fn tally(&mut self, finished: bool) -> &mut u32 {
        if finished { &mut self.operations_finished } else { &mut self.operations_undone }
    }
}
