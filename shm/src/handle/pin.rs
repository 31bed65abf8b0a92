//! Hazards: how a thread keeps an object from being reused while it works on it without a reference of its own.
//!
//! The thread names the object in its row and looks at its handle again. The reclaimer runs a barrier in every process and
//! then looks at the rows. Each of the two sees the other's store, or its own second look fails. So the thread pays a store
//! and a compiler fence, and the reclaimer, a thousand times less often, a system call.

use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARD_OPERATION;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::row::{ProcessState, RowState};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, Release, heavy_barrier, light_barrier};

/// Keeps the object of `found` from being reused until [`unpin`].
pub(crate) fn pin(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let hazard = &thread.row().hazards()[HAZARD_OPERATION];
    // Relaxed: the barrier orders it.
    hazard.store(found.entry.object().to_link(), Relaxed);
    // ORDER: pairs with the heavy barrier of `scan_retired`: either the reclaimer sees the hazard, or the look
    // below sees that the handle is gone.
    light_barrier();
    if lookup::is_current(thread, found) {
        Ok(())
    } else {
        unpin(thread);
        Err(Error::BadHandle)
    }
}

pub(crate) fn unpin(thread: &Thread) {
    clear_hazard(thread, HAZARD_OPERATION);
}

/// The object that this hazard named is used no longer.
pub(crate) fn clear_hazard(thread: &Thread, hazard: usize) {
    // ORDER: Release: every use of the object comes before the reclaimer sees it unnamed (`collect_hazards`).
    thread.row().hazards()[hazard].store(0, Release);
}

/// Makes sure that every other thread has passed a full fence. `false` when that cannot be had: the kernel
/// refuses `membarrier` to this process, and not to all others.
pub(crate) fn barrier(thread: &Thread) -> Result<bool> {
    if heavy_barrier() {
        return Ok(true);
    }
    // Processes that could not register use full fences for their light barriers; where all of them do, the
    // fence above was enough. One that attaches from now on has no handle to what is retired already.
    for row in 1..thread.arena().layout().processes.count as u16 {
        let row = thread.arena().process(row)?;
        // Relaxed: a process that may be using what is retired has had a handle to it, and has changed its count
        // since it sat down. That came before, and with it whether it is fenced.
        let state = RowState(row.claim.load(Relaxed)).process_state();
        if state == ProcessState::Active && row.fenced.load(Relaxed) == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The slots that hazards name, sorted.
pub(crate) fn collect_hazards(thread: &Thread) -> Result<Vec<u32>> {
    let mut named = Vec::new();
    for tag in thread.arena().thread_tags() {
        for hazard in thread.arena().thread(tag)?.hazards() {
            // ORDER: Acquire pairs with the Release of `unpin`: an object seen unnamed is no longer used.
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
    // Relaxed, here and in what is done with it: the object was complete when its handle was found, and stays.
    let lifecycle = thread.arena().object(object.slot()).map(|slot| Lifecycle(slot.lifecycle.load(Relaxed)));
    let result = lifecycle.and_then(|lifecycle| use_object(object, lifecycle));
    #[cfg(loom)]
    if thread.is_dead() {
        return result;
    }
    unpin(thread);
    result
}
