//! Ports: packets that programs queue, and packets of observers, which `wait_async` registers.
//!
//! ```text
//!  observed object                  port
//!  state: OBSERVED                  body ─ ring: place, place, …      the order of the packets
//!  index ─ word, word, … ─────────────────▶ cells ◀──┘                the packets and the observers
//! ```
//!
//! One idea carries it: hints and truth. Several processes change an index, a ring and the cells at once, and each may
//! die or stop between any two instructions. So no list has a middle to be unlinked from. Each cell has one word that is
//! the truth about its packet or observer, and every operation commits by one CAS of that word. Index words and places
//! of the ring are hints: a thread that follows one compares it with the cell, and drops it if it does not fit. What
//! a thread leaves undone, any other thread completes.
//!
//! An object that no port observes costs nothing: those who change it look at FENCED and WATCHED only, as before
//! (INV-OBSERVED-1). Observers are weak both ways: a port keeps no object alive, and no object keeps a port.
//!
//! | file | contents |
//! |---|---|
//! | `observe` | `wait_async`, `port_cancel`, and the ends of a registration |
//! | `index` | which cells observe a side |
//! | `evaluate` | a side has changed: which observers fire |
//! | `deadlines`, `due` | observers of timers, which fire by the clock, and of channels whose last write was refused |
//! | `cells` | where observers and packets lie, and how a free cell is found |
//! | `ring` | the order of the packets |
//! | `packet` | `port_queue`, `port_wait` |
//! | `event_loop` | a look for a packet that may arm a sleep, for waiters that hold no thread |
//! | `blocks` | the memory of a port |
//! | `recover` | after a death |
//!
//! `arena/word/port.rs` draws the states of a cell.

pub(crate) mod blocks;
pub(crate) mod cells;
pub(crate) mod deadlines;
pub(crate) mod due;
pub(crate) mod evaluate;
pub(crate) mod event_loop;
pub(crate) mod index;
pub(crate) mod observe;
pub(crate) mod packet;
pub(crate) mod recover;
pub(crate) mod ring;
#[cfg(all(test, not(loom)))]
mod tests;

use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::class::Class;
use crate::process::thread::Thread;

/// The class of ports.
pub(crate) struct Port;

impl Class for Port {
    const NUMBER: u8 = 6;
    /// A port has no signals.
    const SETTABLE_SIGNALS: Signals = Signals::empty();
    type Progress = ();

    /// A waiter looks at the timers that the port observes.
    fn look_again_ns(thread: &Thread, found: ResolvedHandle, _waitfor: Signals) -> Option<i64> {
        deadlines::earliest_ns(thread, found.entry.object().slot()).ok()?
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        blocks::is_blank(thread.arena(), slot)
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        blocks::free_all(thread, slot)
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        match intent {
            ListIntent::LinkPart { .. } | ListIntent::UnlinkPart { .. } => {
                blocks::is_linked(thread.arena(), from.slot(), block)
            }
            _ => Err(Error::Corrupt("a block that a port does not have")),
        }
    }
}
