//! The blocks of a port: its ring, its leaves and its groups of cells. Each is linked on first use, and stays until the
//! port ends.
//!
//! ```text
//!  body ─ ring                                     a packet a place
//!       ├ leaf ┬ group ─ header, cell, cell, …     user packets, then observers
//!       │      ├ group …
//!       ├ leaf …
//! ```
//!
//! A place is a word of the body or of a leaf: 0, or the link of the block.
//!
//! INV-PORT-1: a place changes from 0 once, by
//! a CAS, under the list intent of the thread that brings the block. So any thread may bring any block, and a block is
//! linked if its place names it.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::record::object::PortBody;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockState, BlockWord};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::port::cell::{CellId, GROUP_LINES};
use crate::arena::word::port::observer::Interest;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::memory::{block_credit, block_pool, pressure};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// Places of a ring. Packets beyond that number are found by a walk over the cells, and may leave their order.
pub(crate) const RING_PLACES: u64 = if cfg!(loom) { 2 } else { 4096 };

/// Groups of a leaf.
const LEAF_GROUPS: usize = if cfg!(loom) { 2 } else { 256 };

/// Leaves of a port: all places of its body but the ring.
const LEAVES: usize = crate::arena::record::object::PORT_PLACES - 1;

/// The most groups of a port.
pub(crate) const MAX_GROUPS: usize =
    if LEAVES * LEAF_GROUPS < CellId::MAX_GROUPS { LEAVES * LEAF_GROUPS } else { CellId::MAX_GROUPS };

/// What a place of a port holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Ring,
    Leaf(usize),
    Group(usize),
}

impl Part {
    fn class(self) -> SizeClass {
        let words = match self {
            Self::Ring => RING_PLACES as usize,
            Self::Leaf(_) => LEAF_GROUPS,
            Self::Group(_) => GROUP_LINES * LINE_WORDS,
        };
        SizeClass::fitting(words.div_ceil(LINE_WORDS))
    }

    /// The words that must be 0 in a new block: of a group the first word of each line.
    fn clear(self, lines: &[Line]) {
        // Relaxed, all: the CAS of the place publishes them.
        let words = if matches!(self, Self::Group(_)) { 1 } else { LINE_WORDS };
        lines.iter().flat_map(|line| &line.0[..words]).for_each(|word| word.store(0, Relaxed));
    }
}

/// The word of a cell that has its interest.
pub(crate) const INTEREST: usize = 4;

/// The lines of a group that are cells.
fn cells_of(group: &[Line]) -> impl Iterator<Item = &Line> {
    group.iter().skip(1)
}

/// The body of a port.
pub(crate) fn body(arena: &Arena, port: Slot) -> Result<PortBody<'_>> {
    arena.body(port).map(PortBody::of)
}

/// The word of a block's lines.
fn word_of(lines: &[Line], index: usize) -> Option<&AtomicU64> {
    lines.get(index / LINE_WORDS).map(|line| &line.0[index % LINE_WORDS])
}

/// The lines of the block at a place. `None`: it was never linked.
fn linked<'a>(arena: &'a Arena, place: &AtomicU64) -> Result<Option<&'a [Line]>> {
    // ORDER: Acquire pairs with the Release CAS of `link`: the block's words are cleared.
    BlockId::from_link(place.load(Acquire)).map(|block| arena.lines(block)).transpose()
}

/// The place of a part. `None`: the leaf that has it was never linked.
fn place<'a>(arena: &'a Arena, body: PortBody<'a>, part: Part) -> Result<Option<&'a AtomicU64>> {
    let places = body.places();
    Ok(match part {
        Part::Ring => Some(places[0]),
        Part::Leaf(leaf) => places.get(leaf + 1).copied(),
        Part::Group(group) => {
            let Some(leaf) = places.get(group / LEAF_GROUPS + 1) else {
                return Err(Error::Corrupt("a port's cell is out of range"));
            };
            linked(arena, leaf)?.and_then(|lines| word_of(lines, group % LEAF_GROUPS))
        }
    })
}

/// The lines of a part, if it was ever linked.
pub(crate) fn part(arena: &Arena, port: Slot, part: Part) -> Result<Option<&[Line]>> {
    part_in(arena, body(arena, port)?, part)
}

/// As [`part`], with the port's body at hand.
pub(crate) fn part_in<'a>(arena: &'a Arena, body: PortBody<'a>, part: Part) -> Result<Option<&'a [Line]>> {
    match place(arena, body, part)? {
        Some(place) => linked(arena, place),
        None => Ok(None),
    }
}

/// The place of the ring that a position is in.
pub(crate) fn ring_place(ring: &[Line], position: u64) -> Result<&AtomicU64> {
    word_of(ring, (position % RING_PLACES) as usize).ok_or(Error::Corrupt("a port's ring is too short"))
}

/// The lines of a part, which is linked now if it was not.
pub(crate) fn part_or_new(thread: &Thread, port: Slot, wanted: Part) -> Result<&[Line]> {
    let arena = thread.arena();
    if let Some(lines) = part(arena, port, wanted)? {
        return Ok(lines);
    }
    if let Part::Group(group) = wanted {
        let leaf = Part::Leaf(group / LEAF_GROUPS);
        if part(arena, port, leaf)?.is_none() {
            link(thread, port, leaf)?;
        }
    }
    link(thread, port, wanted)?;
    part(arena, port, wanted)?.ok_or(Error::Corrupt("a port's block has vanished"))
}

/// Links a new block at the place of a part. Another thread may be first: then its block stays, and this one is freed.
#[cold]
fn link(thread: &Thread, port: Slot, wanted: Part) -> Result<()> {
    let (arena, from) = (thread.arena(), ObjectRef::new(port, 0));
    let block = pressure::take_block(thread, wanted.class())?;
    wanted.clear(arena.lines(block)?);
    if let Part::Group(_) = wanted {
        let generation = Lifecycle(arena.object(port)?.lifecycle.load(Relaxed)).generation();
        cells_of(arena.lines(block)?)
            .for_each(|cell| cell.0[INTEREST].store(Interest::begun(generation).0, Relaxed));
    }
    let word = BlockWord(arena.descriptor(block)?.state.load(Relaxed));
    thread.set_list_intent(ListIntent::LinkPart { from, block }, 0);
    crash_point!(thread, "part.intended");
    let place =
        place(arena, body(arena, port)?, wanted)?.ok_or(Error::Corrupt("a port's leaf has vanished"))?;
    // ORDER: Release: after the intent, in the order that recovery sees; and it publishes the cleared words.
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

/// The groups that are linked, each with its lines, from `first` on.
pub(crate) fn groups(
    arena: &Arena,
    port: Slot,
    range: core::ops::Range<usize>,
) -> impl Iterator<Item = Result<(usize, &[Line])>> {
    let mut groups = range;
    core::iter::from_fn(move || {
        while let Some(group) = groups.next() {
            match part(arena, port, Part::Group(group)) {
                Ok(Some(lines)) => return Some(Ok((group, lines))),
                Ok(None) => {
                    // A leaf that is not linked has no groups.
                    if matches!(part(arena, port, Part::Leaf(group / LEAF_GROUPS)), Ok(None)) {
                        groups.start = groups.start.next_multiple_of(LEAF_GROUPS);
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
        None
    })
}

/// All blocks of a port, each with the word that links it: groups first, then leaves and the ring.
pub(crate) fn all(arena: &Arena, port: Slot) -> Result<Vec<(&AtomicU64, BlockId)>> {
    let places = body(arena, port)?.places();
    let mut groups = Vec::new();
    let named = |place: &AtomicU64| BlockId::from_link(place.load(Acquire));
    for leaf in &places[1..] {
        if let Some(lines) = linked(arena, leaf)? {
            let words = (0..LEAF_GROUPS).filter_map(|index| word_of(lines, index));
            groups.extend(words.filter_map(|place| Some((place, named(place)?))));
        }
    }
    let own = places.into_iter().filter_map(|place| Some((place, named(place)?)));
    groups.extend(own.rev());
    Ok(groups)
}

/// Whether `block` is part of the port.
pub(crate) fn is_linked(arena: &Arena, port: Slot, block: BlockId) -> Result<bool> {
    Ok(all(arena, port)?.iter().any(|(_, linked)| *linked == block))
}

/// Frees all blocks of a port that no thread uses any more, and clears its body. Resumable.
pub(crate) fn free_all(thread: &Thread, port: Slot) -> Result<()> {
    let (arena, from) = (thread.arena(), ObjectRef::new(port, 0));
    for (place, block) in all(arena, port)? {
        let word = BlockWord(arena.descriptor(block)?.state.load(Relaxed));
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
    }
    let body = body(arena, port)?;
    for word in [
        body.tail(),
        body.overflow(),
        body.hint(false),
        body.hint(true),
        body.head(),
        body.sleepers(),
        body.earliest(),
    ] {
        // Relaxed: the lifecycle word publishes them. Load before the store, as in `options::clear_options`.
        if word.load(Relaxed) != 0 {
            word.store(0, Relaxed);
        }
    }
    Ok(())
}

/// Whether the body is as a new object needs it.
pub(crate) fn is_blank(arena: &Arena, port: Slot) -> Result<bool> {
    let body = body(arena, port)?;
    // Relaxed: the port is retired. No packet was ever queued without a ring, and no cell reserved without a leaf.
    Ok(body.places().iter().all(|place| place.load(Relaxed) == 0) && body.sleepers().load(Relaxed) == 0)
}
