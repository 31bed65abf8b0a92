//! VM objects: bytes in pages, which any process that has a handle reads and writes in place.
//!
//! ```text
//!  body ─ size, version
//!       ├ geometry                       which extents there are
//!       └ extent 0 │ extent 1 │ …        blocks, each linked when a byte of it is first written
//!           [0, S)   [S, 4·S)  [4·S, 16·S)
//! ```
//!
//! The pages lie in *extents*: blocks of pools of their own, in the arena's one file, which all processes have mapped. So
//! a read and a write are copies without a system call, and a handle that is sent carries its pages with it, if the
//! sender dies too. The pools are sparse: an extent takes address space for all of its bytes, and memory where it was written. An
//! object has no extent before it is written, and finds a byte's extent by its offset alone (`word/vmo/geometry`).
//!
//! INV-VMO-1: an extent that is FREE, and one that was just taken, is all zero. *Why:* it is written only while it is
//! linked, and a reclaimer clears it before it unlinks it. A death in between leaves it linked, and the successor clears
//! it again.
//! INV-VMO-2: a page is cleared before the size is cut below it, and never after: a thread that has been stopped for long
//! clears no page that others have been given since. So the size is changed by a CAS of the exact word, with its version:
//! if it was another one meanwhile, the pages are cleared again, or are not cut at all.
//! INV-VMO-3: an extent is linked once (INV-PART-1), and stays until the object ends. So a copy that a hazard protects
//! never meets an extent of another object.
//!
//! **Deaths.** A copy under way is partly done, as in Zircon. A shrink clears pages before it commits, so its thread says so
//! in an intent, and recovery completes it; a shrink that has committed left nothing to do. Extents are linked under the
//! intents of `own_block`.
//!
//! **What a race may show.** A write that is under way while the object is shrunk, or one through a mapping, may land behind
//! the new size: such bytes are seen again when the object grows, and go with the object. If two threads set different
//! sizes at once and one dies, the pages that it was about to cut may be partly zero.
//!
//! | file | contents |
//! |---|---|
//! | `extents` | which extent holds which bytes |
//! | `copy` | read and write |
//! | `size` | create, the size, grow and shrink |
//! | `pages` | memory that comes and goes: clear, commit, decommit |
//! | `map` | mappings in the own process |
//! | `snapshot`, `children` | clones, and ZERO_CHILDREN |
//! | `info`, `listing` | what an object tells of itself, and the objects of the own process |
//! | `remains` | teardown, and what recovery and the audit ask |

pub(crate) mod children;
pub(crate) mod copy;
pub(crate) mod extents;
#[cfg(not(loom))]
pub(crate) mod info;
#[cfg(not(loom))]
pub(crate) mod listing;
#[cfg(not(loom))]
pub(crate) mod map;
pub(crate) mod pages;
pub(crate) mod remains;
pub(crate) mod size;
pub(crate) mod snapshot;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::{ListIntent, Operation};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::class::{Class, Edge, Observable};
use crate::process::thread::Thread;

/// The class of VM objects.
pub(crate) struct Vmo;

impl Class for Vmo {
    const NUMBER: u8 = extents::NUMBER;
    const HAS_SIZE: bool = true;
    type Progress = ();

    /// ZERO_CHILDREN is derived. Read without a hazard: the caller validates the handle afterwards.
    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        let (has_child, _) = children::look(thread.arena(), found.entry.object().slot())?;
        Ok(with_zero_children(stored, has_child))
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        let (has_child, lost) = children::look(thread.arena(), side.slot())?;
        let childless = Edge { signal: Signals::SIGNALED, mark: lost, passed: 0, wraps: true };
        let signals = with_zero_children(stored, has_child);
        Ok(Observable { signals, edges: [childless, Edge::default()], next: None })
    }

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        budget: &mut Budget,
    ) -> Result<bool> {
        children::leave(thread, object.slot())?;
        remains::give_back_pages(thread, object.slot(), budget)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        remains::is_blank(thread, slot)
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        remains::reset(thread, slot)
    }

    fn has_committed(thread: &Thread, operation: Operation) -> Result<bool> {
        match operation {
            Operation::Shrink { vmo, to } => size::complete_shrink(thread, vmo, to),
            _ => Err(Error::Corrupt("an operation that a VM object does not have")),
        }
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        match intent {
            ListIntent::LinkPart { .. } | ListIntent::UnlinkPart { .. } => {
                Ok(remains::blocks(thread.arena(), from.slot())?.contains(&block))
            }
            _ => Err(Error::Corrupt("a block that a VM object does not have")),
        }
    }

    fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
        remains::fault(arena, slot)
    }

    fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
        size::undo_create(thread, slot)
    }
}

/// ZERO_CHILDREN, which has the bit of SIGNALED.
fn with_zero_children(stored: Signals, has_child: bool) -> Signals {
    let mut signals = stored;
    signals.set(Signals::SIGNALED, !has_child);
    signals
}
