//! Listeners: the server's side of a name. Those who connect queue a handle there, and the server accepts it.
//!
//! ```text
//!  directory                listener
//!  name ── weak ──────────▶ body ─ block ─ name │ place, place, …
//!                                                 └ a handle in transit (`object/queue`)
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `block` | the block of a listener, and its size |
//! | `named` | the name, and how a thread without a handle finds out whether the listener lives |
//! | `home` | the directory that has the name, and who waits there |

pub(crate) mod block;
pub(crate) mod home;
pub(crate) mod named;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::class::{Class, Edge, Observable};
use crate::object::own_block;
use crate::object::queue::{self, HasQueue, Queue};
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// The class of listeners.
pub(crate) struct Listener;

impl Class for Listener {
    const NUMBER: u8 = 129;
    type Progress = ();

    /// READABLE is derived: a handle is queued. Read without a hazard: the caller validates the handle afterwards.
    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        let content = block::queue(thread.arena(), found.entry.object().slot())?.content()?;
        Ok(with_readable(stored, content))
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        let content = block::queue(thread.arena(), side.slot())?.content()?;
        let arrival =
            Edge { signal: Signals::READABLE, mark: content.unwrap_or_default(), passed: 0, wraps: true };
        let signals = with_readable(stored, content);
        Ok(Observable { signals, edges: [arrival, Edge::default()], next: None })
    }

    fn after_death(thread: &Thread, slot: Slot) -> Result<()> {
        queue::after_death::<Self>(thread, ObjectRef::new(slot, 0))?;
        // It may have freed a place (INV-LISTENER-1).
        home::tell(thread, slot)
    }

    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        budget: &mut Budget,
    ) -> Result<bool> {
        if !queue::end::<Self>(thread, object, budget)? {
            return Ok(false);
        }
        // A server that waits for the name can have it now.
        home::tell(thread, object.slot())?;
        Ok(true)
    }

    fn queue(arena: &Arena, side: ObjectRef) -> Result<Option<Queue<'_>>> {
        block::queue(arena, side.slot()).map(Some)
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

impl HasQueue for Listener {
    fn ask_for_room(thread: &Thread, side: ObjectRef) -> Result<bool> {
        home::ask_for_room(thread, side.slot()).map(|()| true)
    }

    fn tell_of_room(thread: &Thread, side: ObjectRef) -> Result<()> {
        home::tell_of_room(thread, side.slot())
    }
}

fn with_readable(stored: Signals, content: Option<u64>) -> Signals {
    let mut signals = stored;
    signals.set(Signals::READABLE, content.is_some());
    signals
}
