//! Listeners: the server's side of a name. Those who connect queue a handle there, and the server accepts it.
//!
//! ```text
//!  directory                listener
//!  name ── weak ──────────▶ body ─ block ─ name │ place, place, …
//!                                                 └ record, ticket: a handle in transit
//! ```
//!
//! A place holds a handle in transit as a message does: a record that owns a reference. Handles come and go by moves
//! (`refcount/moving`), from the entry of a process to the record and from the record to an entry, so a death between
//! any two instructions is resolved as for any other move.
//!
//! | file | contents |
//! |---|---|
//! | `block` | the block of a listener, and its size |
//! | `named` | the name, and how a thread without a handle finds out whether the listener lives |
//! | `queue` | the places: offer, accept, and the end of the listener |

pub(crate) mod block;
pub(crate) mod named;
pub(crate) mod queue;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::class::{Class, Edge, Observable};
use crate::object::own_block;
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// The class of listeners.
pub(crate) struct Listener;

impl Class for Listener {
    const NUMBER: u8 = 129;
    type Progress = ();

    /// READABLE is derived: a handle is queued. Read without a hazard: the caller validates the handle afterwards.
    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        let content = queue::content(thread.arena(), found.entry.object().slot())?;
        Ok(with_readable(stored, content))
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        let content = queue::content(thread.arena(), side.slot())?;
        let arrival =
            Edge { signal: Signals::READABLE, mark: content.unwrap_or_default(), passed: 0, wraps: true };
        let signals = with_readable(stored, content);
        Ok(Observable { signals, edges: [arrival, Edge::default()], next_ns: None })
    }

    fn after_death(thread: &Thread, slot: Slot) -> Result<()> {
        queue::after_death(thread, slot)
    }

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        budget: &mut Budget,
    ) -> Result<bool> {
        queue::end(thread, object.slot(), budget)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        // Relaxed: the listener is retired.
        Ok(block::body(thread.arena(), slot)?.all().iter().all(|word| word.load(Relaxed) == 0))
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        let body = block::body(thread.arena(), slot)?;
        own_block::unlink(thread, ObjectRef::new(slot, 0), body.block())?;
        own_block::clear(body.all());
        Ok(())
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        match intent {
            ListIntent::LinkPart { .. } | ListIntent::UnlinkPart { .. } => {
                Ok(own_block::block_at(block::body(thread.arena(), from.slot())?.block()) == Some(block))
            }
            _ => Err(Error::Corrupt("a block that a listener does not have")),
        }
    }
}

fn with_readable(stored: Signals, content: Option<u64>) -> Signals {
    let mut signals = stored;
    signals.set(Signals::READABLE, content.is_some());
    signals
}
