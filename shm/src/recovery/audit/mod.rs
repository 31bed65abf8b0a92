//! The consistency check: a walk over a quiescent arena that finds every lost, leaked, doubled or misplaced item.
//!
//! | it checks | INV |
//! |---|---|
//! | count = handle entries + handles in transit, for every side | COUNT-1 |
//! | a side without references is done, an object with all sides done is retired | LIFE-2, LIFE-3 |
//! | transitional words name threads that are alive | ENTRY-3, LIFE-1 |
//! | head ≤ consumed ≤ tail ≤ consumed + limit; every message's header fits its block and its handles | RING-1 |
//! | consumed − head = messages CONSUMED, and those between segments | AHEAD-1 |
//! | every block is free, or part of exactly one object, or in a living thread's hands | BLOCK-1 |
//! | the map of free blocks shows the free blocks and no others; the map of free objects likewise | FREE-1, FREE-2 |
//! | every block and slot below its high-water mark can be found again | PAGE-4, TRIM-2 |
//! | the body of a live object has words that its class writes | – |
//! | no free thread row watches signals | LATCH-3 |
//! | a handle in a queue is counted, and no thread that is gone has its place | ACCEPT-1 |
//! | a cell of a port that can fire is in its object's index, and its handle is there; its packet is in the ring | OBSERVER-1, RING-P3 |
//! | the items of a stream follow each other from its head to its tail | STREAM-2, STREAM-6 |
//! | no dead process is unrecovered | RECOVER-1 |
//!
//! "Quiescent" means that no operation is under way: other processes may be attached and asleep. A quiescent arena that
//! fails the check is poisoned: later calls give an error.
//!
//! Every load is Relaxed: the caller of an audit has waited until the other threads were at rest, and that wait orders
//! their stores before the loads.

mod buffers;
mod directories;
mod ports;
mod queues;
mod report;
mod streams;
mod vmos;

pub use report::Audit;

use crate::arena::error::Result;
use crate::arena::segment::{self, Segment};
use crate::arena::word::block::{BlockId, BlockIndex, BlockState, BlockWord};
use crate::arena::word::handle::{Entry, EntryIndex, EntryState};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Slot, Tag};
use crate::arena::word::row::{ProcessState, RowState};
use crate::arena::{Arena, segment_chain};
use crate::memory::{block_pool, free_map, slot_pages};
use crate::object::ObjectClass;
use crate::sync::Relaxed;
use std::collections::HashMap;

/// One walk over the arena.
struct Walk<'a> {
    arena: &'a Arena,
    audit: Audit,
    references: HashMap<ObjectRef, u64>,
    blocks: HashMap<BlockId, ObjectRef>,
}

pub(crate) fn audit(arena: &Arena) -> Audit {
    #[cfg_attr(loom, expect(unused_mut, reason = "in models nothing is waited for"))]
    let mut audit = inspect(arena);
    // An operation that is just ending looks like a fault. So an arena with findings is checked again for up to a
    // second.
    #[cfg(not(loom))]
    for _ in 0..100 {
        if audit.is_clean() {
            break;
        }
        std::thread::sleep(core::time::Duration::from_millis(10));
        audit = inspect(arena);
    }
    // While an operation is under way, findings prove no damage.
    if !audit.is_clean() && is_quiescent(arena) {
        arena.poison();
    }
    audit
}

/// Whether no living thread's row names an operation that is under way.
fn is_quiescent(arena: &Arena) -> bool {
    // Recovery resolves a dead thread's row later. A free row's work is damage, which the walk reports.
    arena
        .thread_tags()
        .all(|tag| arena.thread(tag).is_ok_and(|row| row.is_idle() || row.state.load(Relaxed) == 0))
}

pub(crate) fn inspect(arena: &Arena) -> Audit {
    let mut walk =
        Walk { arena, audit: Audit::default(), references: HashMap::new(), blocks: HashMap::new() };
    if let Err(error) = walk.run() {
        walk.audit.find(format!("the walk ended early: {error}"));
    }
    walk.audit
}

impl Walk<'_> {
    fn run(&mut self) -> Result<()> {
        // Rows and directions first: they collect the references and blocks that the walks over objects and blocks
        // compare.
        self.walk_rows()?;
        for slot in (0..self.arena.used_slots()).map(Slot) {
            let lifecycle = slot_pages::lifecycle_of(self.arena, slot)?;
            // Only a LIVE object has rings (INV-RELEASE-4). `walk_blocks` reports a block of any other slot.
            if lifecycle.state() == LifecycleState::Live
                && ObjectClass::of(lifecycle).is_ok_and(ObjectClass::has_rings)
            {
                for side in 0..2 {
                    self.walk_direction(ObjectRef::new(slot, side), lifecycle)?;
                }
            }
        }
        let queues = queues::walk(self.arena, |tag| self.is_alive(tag))?;
        self.audit.in_transit += queues.queued;
        // The arena's own handle.
        let root = ObjectRef::new(self.arena.root_slot(), 0);
        for side in queues.references.into_iter().chain([root]) {
            *self.references.entry(side).or_default() += 1;
        }
        self.walk_objects()?;
        self.look_at_root()?;
        for (block, side) in queues.blocks {
            self.claim_block(block, side, "block of a queue")?;
        }
        queues.findings.into_iter().for_each(|finding| self.audit.find(finding));
        for (block, side) in directories::walk(self.arena)? {
            self.claim_block(block, side, "block of a directory")?;
        }
        let ports = ports::walk(self.arena)?;
        for (block, side) in ports.blocks {
            self.claim_block(block, side, "block of a port or an index")?;
        }
        ports.findings.into_iter().for_each(|finding| self.audit.find(finding));
        for (block, side) in streams::walk(self.arena)? {
            self.claim_block(block, side, "block of a stream")?;
        }
        for (block, buffer) in buffers::walk(self.arena)? {
            self.claim_block(block, buffer, "block of a buffer")?;
        }
        for (block, vmo) in vmos::walk(self.arena)? {
            self.claim_block(block, vmo, "extent")?;
        }
        self.walk_blocks()
    }

    fn is_alive(&self, tag: Tag) -> bool {
        self.arena.thread(tag).is_ok_and(|row| row.state.load(Relaxed) != 0)
    }

    fn walk_rows(&mut self) -> Result<()> {
        for tag in self.arena.thread_tags() {
            let row_state = RowState(self.arena.thread(tag)?.state.load(Relaxed));
            let Some(process) = row_state.thread_owner() else {
                // Recovery adopts only rows that name a dead process. So work left in a free row is lost.
                if self.arena.thread(tag)?.has_work() {
                    self.audit.find(format!("thread row {tag} is free and has unfinished work"));
                }
                // A bit that is left invents no signal, but each clearer would look at this row for ever.
                let (word, bit) = self.arena.watching_bit(tag)?;
                if word.load(Relaxed) & bit != 0 {
                    self.audit.find(format!("thread row {tag} is free and watches signals"));
                }
                continue;
            };
            self.audit.threads += 1;
            let owner = RowState(self.arena.process(process)?.state.load(Relaxed)).process_state();
            // Recovery frees the thread rows before their process row, so it has missed this one.
            if owner == ProcessState::Free {
                self.audit.find(format!("thread row {tag} belongs to process row {process}, which is free"));
            }
        }
        for row in self.arena.process_rows() {
            match RowState(self.arena.process(row)?.state.load(Relaxed)).process_state() {
                ProcessState::Free => self.walk_free_table(row)?,
                ProcessState::Dead => self.audit.find(format!("process row {row} is dead and not recovered")),
                state @ (ProcessState::Active | ProcessState::Starting(_)) => {
                    // Recovery makes pending slots DEAD before it frees their spawner's row, so it has missed this one.
                    if let ProcessState::Starting(spawner) = state
                        && spawner != RowState::NO_SPAWNER
                        && RowState(self.arena.process(spawner)?.state.load(Relaxed)).process_state()
                            == ProcessState::Free
                    {
                        self.audit.find(format!(
                            "process row {row} waits for a child of row {spawner}, which is free"
                        ));
                    }
                    self.audit.processes += 1;
                    self.walk_table(row)?;
                }
            }
            self.look_behind_table(row);
        }
        Ok(())
    }

    /// Recovery sweeps a table up to its high-water mark, so no entry above it may be in use.
    fn look_behind_table(&mut self, process: ProcessIndex) {
        // One entry, and not the rest of the table: its pages may never have been touched.
        let index = EntryIndex(self.arena.used_entries(process).max(1));
        if let Some(cell) = self.arena.entry(process, index)
            && cell.load(Relaxed) != 0
        {
            self.audit.find(format!("entry {process}:{index} lies above the high-water mark of its table"));
        }
    }

    fn walk_table(&mut self, process: ProcessIndex) -> Result<()> {
        for index in (1..self.arena.used_entries(process)).map(EntryIndex) {
            let Some(cell) = self.arena.entry(process, index) else { break };
            let entry = Entry(cell.load(Relaxed));
            // INV-ENTRY-1 says which states own a reference. At rest no operation is between its commit and its last
            // store, so the states alone decide.
            let (owner, owns) = match entry.state() {
                EntryState::Invalid | EntryState::Free => continue,
                EntryState::Live => (None, true),
                EntryState::Reserved(tag) | EntryState::Moved(tag) => (Some(tag), false),
                EntryState::Closing(tag) | EntryState::InTransit(tag) => (Some(tag), true),
            };
            if let Some(tag) = owner
                && !self.is_alive(tag)
            {
                self.audit
                    .find(format!("entry {process}:{index} is {:?}, whose thread is gone", entry.state()));
            }
            if owns {
                self.audit.handles += 1;
                *self.references.entry(entry.object()).or_default() += 1;
            }
        }
        Ok(())
    }

    fn walk_free_table(&mut self, process: ProcessIndex) -> Result<()> {
        for index in (1..self.arena.used_entries(process)).map(EntryIndex) {
            let Some(cell) = self.arena.entry(process, index) else { break };
            let state = Entry(cell.load(Relaxed)).state();
            // The next process with this row would find the entry in its own table, as a handle that it never received.
            if !matches!(state, EntryState::Invalid | EntryState::Free) {
                self.audit.find(format!("entry {process}:{index} is {state:?}, and its process row is free"));
            }
        }
        Ok(())
    }

    /// The messages and blocks of the direction that `writer` writes.
    fn walk_direction(&mut self, writer: ObjectRef, lifecycle: Lifecycle) -> Result<()> {
        let direction = self.arena.direction(writer)?;
        let tail = direction.producer.tail.load(Relaxed);
        let head = direction.consumer.head.load(Relaxed);
        let limit = u64::from(self.arena.config().max_pending_messages);
        let consumed = direction.consumed(head);
        // With numbers that contradict each other, the walk below would read slots that hold no message.
        if head > tail || consumed > tail || tail - consumed > limit {
            self.audit.find(format!(
                "ring {writer:?}: head {head}, consumed {consumed}, tail {tail}, limit {limit}"
            ));
            return Ok(());
        }
        // The messages for a side that is done were drained: they may be left, but without handles.
        let is_read = !lifecycle.is_done(writer.peer().side());
        self.audit.messages += if is_read { tail - consumed } else { 0 };
        let mut segment = segment_chain::head_segment(self.arena, direction)?;
        let mut position = head;
        let mut taken = 0;
        while let Some(here) = segment {
            if !self.claim_block(here.block, writer, "segment")? {
                return Ok(());
            }
            let from = head.max(here.base);
            // The end of this segment, and the beginning of the next one: all messages in between were consumed.
            let (end, beginning, next) = match segment_chain::behind(self.arena, &here, from)? {
                // The head has left this segment, and the reader unlinks the segment at its next read. The link has
                // only the low bits of the end, so an end that the head has passed cannot be told from it.
                Some((_, next)) if next.base <= head => (head, head, Some(next)),
                Some((end, next)) => (end, next.base, Some(next)),
                None => (tail, tail, None),
            };
            // A segment that ends too late would show one slot as two messages.
            if end < from || end - from > here.messages() || beginning < end || beginning > tail {
                self.audit.find(format!("ring {writer:?}: segment {:?} ends at {end}", here.block));
                return Ok(());
            }
            while position < end {
                taken += u64::from(self.walk_message(writer, &here, position)?);
                position += 1;
            }
            taken += beginning - end;
            position = beginning;
            segment = next;
        }
        if position < tail {
            self.audit.find(format!("ring {writer:?}: segments end at {position}, the tail is {tail}"));
        }
        // A drain moves the head and leaves `consumed` as it is, so the two may differ for a side that is done.
        if is_read && taken != consumed - head {
            self.audit.find(format!("ring {writer:?}: {taken} taken, but {} counted", consumed - head));
        }
        let mut next = direction.producer.blocks.load(Relaxed);
        while let Some(block) = BlockId::from_link(next) {
            if !self.claim_block(block, writer, "payload block")? {
                return Ok(());
            }
            next = self.arena.descriptor(block)?.link.load(Relaxed);
        }
        Ok(())
    }

    /// Records the block as this direction's. `false` if another direction, or this one, has it already: then the walk
    /// over the chain must stop, since the chain may be a circle.
    fn claim_block(&mut self, block: BlockId, writer: ObjectRef, what: &str) -> Result<bool> {
        let state = BlockWord(self.arena.descriptor(block)?.state.load(Relaxed)).state();
        if state != BlockState::Bound(writer) {
            self.audit.find(format!("ring {writer:?}: {what} {block:?} is {state:?}"));
        }
        match self.blocks.insert(block, writer) {
            None => {
                self.audit.blocks += 1;
                Ok(true)
            }
            Some(other) => {
                self.audit.find(format!("block {block:?} is in {other:?} and in {writer:?}"));
                Ok(false)
            }
        }
    }

    /// Whether the message is consumed. The handles of one that is not are counted as references.
    fn walk_message(&mut self, writer: ObjectRef, segment: &Segment, position: u64) -> Result<bool> {
        let message = match segment::message(self.arena, segment, position) {
            Ok(message) => message,
            Err(error) => {
                self.audit.find(format!("ring {writer:?}: message {position}: {error}"));
                return Ok(false);
            }
        };
        // The records of a consumed message own no reference any more, even if their words say LIVE.
        if message.header.is_consumed() {
            return Ok(true);
        }
        for (index, location) in message.records().enumerate() {
            let entry = Entry(self.arena.record(location)?.load(Relaxed));
            match entry.state() {
                EntryState::Live => {
                    self.audit.in_transit += 1;
                    *self.references.entry(entry.object()).or_default() += 1;
                }
                state => self
                    .audit
                    .find(format!("ring {writer:?}: handle {index} of message {position} is {state:?}")),
            }
        }
        Ok(false)
    }

    fn walk_objects(&mut self) -> Result<()> {
        // The high-water mark, as for blocks.
        let counted = self.arena.header().objects_hwm.load(Relaxed);
        for slot in (0..self.arena.used_slots()).map(Slot) {
            // Both look at the page's word first: a load from a page that was given back would make it real again.
            let is_free = slot_pages::is_free_slot(self.arena, slot)?;
            let shown = free_map::free_objects(self.arena).shows(slot.0)?;
            self.look_at_map(format_args!("object {slot}"), is_free, shown);
            let object = self.arena.object(slot)?;
            let lifecycle = slot_pages::lifecycle_of(self.arena, slot)?;
            let references = |side| self.references.get(&ObjectRef::new(slot, side)).copied().unwrap_or(0);
            let held = references(0) + references(1);
            match lifecycle.state() {
                LifecycleState::Live => {
                    self.audit.objects += 1;
                    let Ok(class) = ObjectClass::of(lifecycle) else {
                        self.audit.find(format!("object {slot} is live and of no known class"));
                        continue;
                    };
                    if lifecycle.is_two_sided() != (class.sides() == 2) {
                        self.audit.find(format!("object {slot}: {class:?}, with the wrong number of sides"));
                    }
                    for side in 0..class.sides() {
                        let number = Count(object.count[side].load(Relaxed)).number();
                        let references = references(side as u32);
                        // Too low a count ends the object under a handle. Too high a count keeps it for ever.
                        if number != references {
                            self.audit.find(format!(
                                "object {slot}.{side}: count {number}, but {references} references"
                            ));
                        }
                        let is_done = lifecycle.is_done(side);
                        if (number == 0) != is_done {
                            self.audit.find(format!("object {slot}.{side}: count {number}, done {is_done}"));
                        }
                    }
                    if lifecycle.is_complete() {
                        self.audit.find(format!("object {slot}: all sides are done and it is not retired"));
                    }
                    if let Some(fault) = class.fault(self.arena, slot)? {
                        self.audit.find(format!("object {slot}: {fault}"));
                    }
                }
                LifecycleState::Retired => {
                    self.audit.retired += 1;
                    // The slot is used again once no hazard names it: the handle would name its next object.
                    if held != 0 {
                        self.audit.find(format!("object {slot} is retired, with {held} references"));
                    }
                }
                LifecycleState::Reserved(tag) | LifecycleState::Reclaiming(tag) => {
                    // Only that thread moves the slot on, or recovery by its row.
                    if !self.is_alive(tag) {
                        self.audit
                            .find(format!("object {slot} is {:?}, whose thread is gone", lifecycle.state()));
                    }
                }
                LifecycleState::Free | LifecycleState::Invalid => {
                    if held != 0 {
                        self.audit.find(format!(
                            "object {slot} is {:?}, with {held} references",
                            lifecycle.state()
                        ));
                    }
                    // A search takes it only by the map or by its page (INV-PAGE-4), and has neither.
                    if !is_free && u64::from(slot.0) < counted {
                        self.audit
                            .find(format!("object {slot} is below the mark, and no thread will take it"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The root is no object of any process: it is not counted, and `walk_objects` does not come to it.
    fn look_at_root(&mut self) -> Result<()> {
        let root = ObjectRef::new(self.arena.root_slot(), 0);
        let object = self.arena.object(root.slot())?;
        let number = Count(object.count[0].load(Relaxed)).number();
        let references = self.references.get(&root).copied().unwrap_or(0);
        let lifecycle = Lifecycle(object.lifecycle.load(Relaxed));
        if lifecycle.state() != LifecycleState::Live || number != references {
            self.audit.find(format!(
                "the root is {:?}, with a count of {number} and {references} references",
                lifecycle.state()
            ));
        }
        Ok(())
    }

    /// Checks INV-FREE-1 and INV-FREE-2, which hold without exception while no operation is under way.
    fn look_at_map(
        &mut self,
        thing: std::fmt::Arguments<'_>,
        is_free: bool,
        (is_set, is_found): (bool, bool),
    ) {
        // A bit too many misleads a search once, and the search then clears it. A bit too few hides a free item from
        // every search by the map.
        if is_set != is_free {
            let shown = if is_set { "free" } else { "not free" };
            self.audit.find(format!("the map shows {thing} as {shown}, and it is not"));
        }
        // A search goes down from the top of the map, so a summary bit that is missing hides all items below it.
        if !is_found {
            self.audit.find(format!(
                "the map leads no thread to {thing} and its neighbours, some of which are free"
            ));
        }
    }

    fn walk_blocks(&mut self) -> Result<()> {
        for class in self.arena.layout().classes() {
            // The high-water mark: a thread takes a block below it only if the block is FREE. So an INVALID block below
            // it is lost.
            let counted = self.arena.header().blocks_hwm[class.index()].load(Relaxed);
            for index in 0..self.arena.used_blocks(class) {
                let block = BlockId::new(class, BlockIndex(index));
                let shown = free_map::free_blocks(self.arena, class)?.shows(index)?;
                self.look_at_map(
                    format_args!("block {block:?}"),
                    block_pool::is_free(self.arena, block)?,
                    shown,
                );
                match BlockWord(self.arena.descriptor(block)?.state.load(Relaxed)).state() {
                    // No reader, drain or reclaimer comes to a block that is bound and in no ring.
                    BlockState::Bound(writer) if !self.blocks.contains_key(&block) => {
                        self.audit.find(format!("block {block:?} of {writer:?} is not reachable from it"));
                    }
                    BlockState::Invalid if u64::from(index) < counted => {
                        self.audit
                            .find(format!("block {block:?} is below the mark, and no thread will take it"));
                    }
                    // Recovery finds an OWNED block by its owner's intent, and this row is free.
                    BlockState::Owned(tag) if !self.is_alive(tag) => {
                        self.audit
                            .find(format!("block {block:?} is owned by thread {}, which is gone", tag.0));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
