//! Hazards: how a thread keeps an object from being reused while it works on it without a reference of its own.
//!
//! The thread stores the object's name in its row, and then loads its handle's entry again. The reclaimer runs a heavy
//! barrier, which reaches every process, and then loads the rows. Either the reclaimer sees the hazard, or the thread
//! sees that its handle has gone. So the thread pays a store and a compiler fence, and the reclaimer, a thousand times
//! less often, a system call.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARD_OPERATION;
use crate::arena::word::directory::name::WeakRef;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::row::{ProcessState, RowState};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, Release, heavy_barrier, light_barrier};

/// Keeps the object of `found` from being reused until [`unpin`].
pub(crate) fn pin(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    pin_at(thread, found, HAZARD_OPERATION)
}

/// Keeps the object of `found` from being reused until this hazard is cleared.
#[inline(always)]
pub(crate) fn pin_at(thread: &Thread, found: ResolvedHandle, hazard: usize) -> Result<()> {
    let cell = &thread.row().hazards()[hazard];
    // Relaxed: the light barrier orders it.
    cell.store(found.entry.object().to_link(), Relaxed);
    // ORDER: pairs with the heavy barrier of `scan_retired`: either the reclaimer sees the hazard, or the load of the
    // entry below shows that the handle has gone.
    light_barrier();
    if lookup::is_current(thread, found) {
        Ok(())
    } else {
        clear_hazard(thread, hazard);
        Err(Error::BadHandle)
    }
}

/// This life of an object, which has a handle of the caller's or a hazard.
pub(crate) fn weak_ref(arena: &Arena, slot: Slot) -> Result<WeakRef> {
    // Relaxed: the object was complete when its handle was found, or when it was pinned.
    let lifecycle = Lifecycle(arena.object(slot)?.lifecycle.load(Relaxed));
    Ok(WeakRef { slot, generation: lifecycle.generation() })
}

/// Whether a side still has a reference. A hazard of the caller names its object.
pub(crate) fn is_held(arena: &Arena, side: ObjectRef) -> Result<bool> {
    // ORDER: Acquire pairs with the Release of the thread that dropped the last reference.
    Ok(Count(arena.object(side.slot())?.count[side.side()].load(Acquire)).number() != 0)
}

/// Keeps an object from being reused that this thread holds no handle to, until this hazard is cleared. `None`: that life of
/// its slot is over.
pub(crate) fn pin_weak(thread: &Thread, object: WeakRef, hazard: usize) -> Option<Lifecycle> {
    // P5: the reference is from the arena.
    let lifecycle = pin_hinted(thread, ObjectRef::new(object.slot, 0), hazard).ok()?;
    let is_alive = lifecycle.state() == LifecycleState::Live && lifecycle.generation() == object.generation;
    is_alive.then_some(lifecycle)
}

/// Keeps the object from being reused that a hint leads to, until this hazard is cleared. Only if the lifecycle says that it
/// is LIVE, it has not been retired before.
pub(crate) fn pin_hinted(thread: &Thread, object: ObjectRef, hazard: usize) -> Result<Lifecycle> {
    // Relaxed: the light barrier orders it.
    thread.row().hazards()[hazard].store(object.to_link(), Relaxed);
    // ORDER: pairs with the heavy barrier of `scan_retired`: a reclaimer that retires the object after the look at its
    // lifecycle below sees the hazard.
    light_barrier();
    lifecycle_of(thread.arena(), object.slot())
}

/// The lifecycle of the object that a hint leads to, or the hazard of a dead thread.
pub(crate) fn lifecycle_of(arena: &Arena, slot: Slot) -> Result<Lifecycle> {
    // ORDER: Acquire pairs with the Release of `create`: whichever life of the slot it is, the object is complete.
    Ok(Lifecycle(arena.object(slot)?.lifecycle.load(Acquire)))
}

pub(crate) fn unpin(thread: &Thread) {
    clear_hazard(thread, HAZARD_OPERATION);
}

/// Ends the use of the object that this hazard names.
pub(crate) fn clear_hazard(thread: &Thread, hazard: usize) {
    // ORDER: Release pairs with the Acquire of `collect_hazards`: every use of the object comes before the reclaimer
    // sees the hazard cleared.
    thread.row().hazards()[hazard].store(0, Release);
}

/// Makes sure that every other thread has passed a full fence. `false` when it cannot: the kernel refuses `membarrier`
/// to this process, and not to all others.
pub(crate) fn barrier(thread: &Thread) -> Result<bool> {
    if heavy_barrier() {
        return Ok(true);
    }
    // Processes that could not register use full fences for their light barriers. If all processes do, the fence inside
    // `heavy_barrier` was enough. A process that attaches from now on has no handle to an object that is already
    // retired.
    for row in thread.arena().process_rows() {
        let row = thread.arena().process(row)?;
        // Relaxed: a process that may use a retired object has held a handle to it, and so has changed its count since
        // it attached. This thread has seen that change, and with it the process's `fenced`.
        let state = RowState(row.state.load(Relaxed)).process_state();
        if state == ProcessState::Active && row.fenced.load(Relaxed) == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The slots that hazards name, in ascending order.
pub(crate) fn collect_hazards(thread: &Thread) -> Result<Vec<Slot>> {
    let mut named = Vec::new();
    for tag in thread.arena().thread_tags() {
        for hazard in thread.arena().thread(tag)?.hazards() {
            // ORDER: Acquire pairs with the Release of `clear_hazard`: a thread no longer uses an object after its
            // hazard reads as cleared.
            named.extend(ObjectRef::from_link(hazard.load(Acquire)).map(ObjectRef::slot));
        }
    }
    named.sort_unstable();
    Ok(named)
}

/// Runs `use_object` while the object of `found` cannot be reused.
pub(crate) fn with_pinned<T>(
    thread: &Thread,
    found: ResolvedHandle,
    use_object: impl FnOnce(ObjectRef, Lifecycle) -> Result<T>,
) -> Result<T> {
    pin(thread, found)?;
    let object = found.entry.object();
    // Relaxed, here and in `use_object`: the object was complete when its handle was found, and the hazard keeps it.
    let lifecycle = thread.arena().object(object.slot()).map(|slot| Lifecycle(slot.lifecycle.load(Relaxed)));
    let result = lifecycle.and_then(|lifecycle| use_object(object, lifecycle));
    // A thread that the model has killed leaves its hazard set, as a real death would.
    #[cfg(loom)]
    if thread.is_dead() {
        return result;
    }
    unpin(thread);
    result
}
