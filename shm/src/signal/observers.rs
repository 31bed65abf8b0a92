//! Observers: how a change of signals reaches the ports that observe a side.
//!
//! Observers lie in ports, and which signals a side has depends on its class. This folder knows neither. So `api`
//! registers what is to be done from above, and the functions of `wake` and `set` call it for sides that are OBSERVED.

use crate::arena::Arena;
use crate::arena::error::{Error, Result, UnlessDied};
use crate::arena::record::object::Object;
use crate::arena::word::handle::{Entry, EntryIndex};
use crate::arena::word::port::observer::SourceHandle;
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Slot};
use crate::arena::word::signals::State;
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Relaxed};
use core::mem::size_of;
use std::sync::OnceLock;

/// What observers need to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observers {
    /// The signals of the side have changed.
    pub(crate) evaluate: fn(&Thread, ObjectRef) -> Result<()>,
    /// The handle, to this side, has left its table.
    pub(crate) end_of_handle: fn(&Thread, ObjectRef, SourceHandle) -> Result<()>,
}

/// The same for every process and arena: it is code, not state.
static OBSERVERS: OnceLock<Observers> = OnceLock::new();

/// Registers the functions that tell observers. Only the first call counts.
pub(crate) fn register(observers: Observers) {
    let _ = OBSERVERS.set(observers);
}

/// Evaluates an OBSERVED side. Damage that the evaluation meets is no error of the change that caused it, which has
/// happened.
#[cold]
pub(crate) fn evaluate(thread: &Thread, side: ObjectRef) -> UnlessDied {
    Error::only_crash(OBSERVERS.get().map_or(Ok(()), |observers| (observers.evaluate)(thread, side)))
}

/// Ends the observers of a handle to an OBSERVED side.
#[cold]
pub(crate) fn end_of_handle(thread: &Thread, side: ObjectRef, source: SourceHandle) -> UnlessDied {
    Error::only_crash(
        OBSERVERS.get().map_or(Ok(()), |observers| (observers.end_of_handle)(thread, side, source)),
    )
}

/// After a handle of a dead process has left its table: its observers end. A dead process has no sleepers to wake.
pub(crate) fn end_of_dead_handle(
    thread: &Thread,
    (process, index, entry): (ProcessIndex, EntryIndex, Entry),
) -> Result<()> {
    let side = entry.object();
    // Relaxed: the dead thread has set the flag, or another thread, whose registrations are not this handle's.
    if State(thread.arena().state(side)?.load(Relaxed)).has(State::OBSERVED) {
        end_of_handle(thread, side, SourceHandle::new(process, index, entry))?;
    }
    Ok(())
}

/// The side whose state this is. Those who change a signal have the state at hand, and need the side only here.
pub(crate) fn side_of(arena: &Arena, state: &AtomicU64) -> Result<ObjectRef> {
    let objects = arena.all(arena.layout().objects);
    let offset = core::ptr::from_ref(state).addr().wrapping_sub(objects.as_ptr().addr());
    let slot = offset / size_of::<Object>();
    let side = objects
        .get(slot)
        .and_then(|object| object.state.iter().position(|side| core::ptr::eq(side, state)))
        .ok_or(Error::Corrupt("a state outside the objects"))?;
    Ok(ObjectRef::new(Slot(slot as u32), side as u32))
}
