//! The directory that has the listener's name. Those who wait for the name, or for room in the queue, sleep there.
//!
//! INV-LISTENER-1: *a place that becomes free wakes those who wait for room.* They sleep at the listener's directory, where
//! others wait for other names. So a client that finds no place says so in `wants_room`, fences, and looks again. A thread
//! that frees a place fences, and looks at that word: one of the two sees the other. It clears the word and wakes all;
//! a client that finds no place again sets it again. A thread that dies in between: recovery wakes them, as the hazard
//! names the listener.

use crate::arena::error::Result;
use crate::arena::record::row::HAZARD_PORT;
use crate::arena::word::directory::name::WeakRef;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::State;
use crate::handle::pin;
use crate::object::listener::block;
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Relaxed, SeqCst, fence};

/// The next place that becomes free is told to the listener's directory.
pub(crate) fn ask_for_room(thread: &Thread, listener: Slot) -> Result<()> {
    // Relaxed: the fence orders it.
    block::body(thread.arena(), listener)?.wants_room().store(1, Relaxed);
    // ORDER: pairs with the fence of `tell_of_room` (INV-LISTENER-1).
    fence(SeqCst);
    Ok(())
}

/// A place has become free: wakes the clients that found none.
pub(crate) fn tell_of_room(thread: &Thread, listener: Slot) -> Result<()> {
    // ORDER: pairs with the fence of `ask_for_room`.
    fence(SeqCst);
    let wants_room = block::body(thread.arena(), listener)?.wants_room();
    // Relaxed, both: the fence orders the load. The store may overwrite the 1 of a client that asked after the load. If
    // that client finds no place either, the wake that follows reaches it: its sleep is armed before it asks.
    if wants_room.load(Relaxed) == 0 {
        return Ok(());
    }
    wants_room.store(0, Relaxed);
    crash_point!(thread, "room.cleared");
    tell(thread, listener)
}

/// Wakes those who wait at the listener's directory: for room in the queue, or for the name.
pub(crate) fn tell(thread: &Thread, listener: Slot) -> Result<()> {
    // Relaxed: this thread came here by a handle to the listener, or by its name, which it has read in the listener's block.
    let Some(home) = WeakRef::from_word(block::body(thread.arena(), listener)?.home().load(Relaxed)) else {
        return Ok(());
    };
    // HAZARD_PORT: recovery, too, has no other use for it here (`recovery/dead_process`). An evaluation that takes it for a
    // port has named the directory by HAZARD_OBSERVED before.
    if pin::pin_weak(thread, home, HAZARD_PORT).is_some() {
        wake::notify_derived(
            thread,
            thread.arena().state(ObjectRef::new(home.slot, 0))?,
            State::HAS_WAITERS,
        )?;
    }
    pin::clear_hazard(thread, HAZARD_PORT);
    Ok(())
}
