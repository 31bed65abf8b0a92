//! After a death: ports and observed objects that the dead thread's hazards name.

use crate::arena::error::{Error, Result, UnlessDied};
use crate::arena::word::lifecycle::LifecycleState;
use crate::arena::word::port::cell::CellState;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::port::cells;
use crate::object::port::{evaluate, ring};
use crate::process::thread::{Thread, crash_point};

/// Completes what the dead thread, in whose name `thread` acts, may have left of the object in `slot`: a port's cells,
/// or the observers that a change did not reach.
///
/// P5: damage is no error here, or it would hold up the recovery of the dead thread's other objects. The audit reports it.
pub(crate) fn resolve(thread: &Thread, slot: Slot) -> UnlessDied {
    Error::only_crash(try_resolve(thread, slot))
}

/// The same for a port alone. Before the dead thread's intents are resolved: a port needs none of them, and other objects
/// may, to close handles in its name.
pub(crate) fn resolve_if_port(thread: &Thread, slot: Slot) -> UnlessDied {
    let is_port = pin::lifecycle_of(thread.arena(), slot).is_ok_and(evaluate::is_live_port);
    if is_port { Error::only_crash(resolve_port(thread, slot)) } else { Ok(()) }
}

fn try_resolve(thread: &Thread, slot: Slot) -> Result<()> {
    let lifecycle = pin::lifecycle_of(thread.arena(), slot)?;
    // A RETIRED object too: the hazard keeps it, and the dead thread may have left something there.
    if matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired) {
        ObjectClass::of(lifecycle)?.after_death(thread, slot)?;
    }
    if lifecycle.state() != LifecycleState::Live {
        return Ok(());
    }
    if evaluate::is_live_port(lifecycle) {
        return resolve_port(thread, slot);
    }
    for side in 0..if lifecycle.is_two_sided() { 2 } else { 1 } {
        evaluate::evaluate(thread, ObjectRef::new(slot, side))?;
    }
    Ok(())
}

/// The dead thread's hazard names the port, so no thread reuses it.
///
/// A cell that the dead thread had RESERVED becomes FREE: its packet or observer had not committed. Every cell that is
/// FIRED is put into the ring. A free cell whose bit says that it is in use is shown again.
fn resolve_port(thread: &Thread, port: Slot) -> Result<()> {
    for cell in cells::all(thread.arena(), port) {
        let cell = cell?;
        let word = cell.load();
        match word.state() {
            // Only this thread leaves the state, in the dead one's name.
            CellState::Reserved(tag) if tag == thread.tag && cell.change(word, word.freed()) => {
                crash_point!(thread, "resolve.cell");
                cells::show_free_in(cell);
            }
            CellState::Fired => Error::only_crash(ring::put(thread, port, cell))?,
            CellState::Free if cells::shows_use(cell) => cells::show_free_in(cell),
            _ => {}
        }
    }
    // The dead thread may have been woken, and not have taken the packet.
    ring::wake_all_waiters(thread, port)
}
