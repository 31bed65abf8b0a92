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
//! A place is a word of the body or of a leaf: 0, or the link of the block (`object/own_block`).

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::{LINE_WORDS, Line};
use crate::arena::record::object::PortBody;
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::BlockId;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::port::cell::{CellId, GROUP_LINES};
use crate::arena::word::port::observer::Interest;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::object::own_block;
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Relaxed};

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
            own_block::lines(arena, leaf)?
                .map(|lines| own_block::word(lines, group % LEAF_GROUPS))
                .transpose()?
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
        Some(place) => own_block::lines(arena, place),
        None => Ok(None),
    }
}

/// The place of the ring that a position is in.
pub(crate) fn ring_place(ring: &[Line], position: u64) -> Result<&AtomicU64> {
    own_block::word(ring, (position % RING_PLACES) as usize)
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

/// Links a new block at the place of a part, unless another thread is first.
#[cold]
fn link(thread: &Thread, port: Slot, wanted: Part) -> Result<()> {
    let arena = thread.arena();
    let place =
        place(arena, body(arena, port)?, wanted)?.ok_or(Error::Corrupt("a port's leaf has vanished"))?;
    let generation = Lifecycle(arena.object(port)?.lifecycle.load(Relaxed)).generation();
    own_block::link(thread, ObjectRef::new(port, 0), place, wanted.class(), |lines| {
        wanted.clear(lines);
        if let Part::Group(_) = wanted {
            cells_of(lines).for_each(|cell| cell.0[INTEREST].store(Interest::begun(generation).0, Relaxed));
        }
    })
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
    for leaf in &places[1..] {
        if let Some(lines) = own_block::lines(arena, leaf)? {
            let words = (0..LEAF_GROUPS).filter_map(|index| own_block::word(lines, index).ok());
            groups.extend(words.filter_map(|place| Some((place, own_block::block_at(place)?))));
        }
    }
    let own = places.into_iter().filter_map(|place| Some((place, own_block::block_at(place)?)));
    groups.extend(own.rev());
    Ok(groups)
}

/// Whether `block` is part of the port.
pub(crate) fn is_linked(arena: &Arena, port: Slot, block: BlockId) -> Result<bool> {
    Ok(all(arena, port)?.iter().any(|(_, linked)| *linked == block))
}

/// Frees all blocks of a port that no thread uses any more, and clears its body. Resumable.
pub(crate) fn free_all(thread: &Thread, port: Slot) -> Result<()> {
    let arena = thread.arena();
    for (place, _) in all(arena, port)? {
        own_block::unlink(thread, ObjectRef::new(port, 0), place)?;
    }
    let body = body(arena, port)?;
    own_block::clear([
        body.tail(),
        body.overflow(),
        body.hint(false),
        body.hint(true),
        body.head(),
        body.sleepers(),
        body.earliest(),
    ]);
    Ok(())
}

/// Whether the body is as a new object needs it.
pub(crate) fn is_blank(arena: &Arena, port: Slot) -> Result<bool> {
    let body = body(arena, port)?;
    // Relaxed: the port is retired. No packet was ever queued without a ring, and no cell reserved without a leaf.
    Ok(body.places().iter().all(|place| place.load(Relaxed) == 0) && body.sleepers().load(Relaxed) == 0)
}
