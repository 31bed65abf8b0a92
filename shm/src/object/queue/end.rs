//! The end of a queue: the handles in it are closed, by the thread that ends the side, or in the name of one that offered.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Entry;
use crate::arena::word::reference::ObjectRef;
use crate::handle::pin;
use crate::object::budget::Budget;
use crate::object::queue::places::{Place, Queue};
use crate::object::queue::{self, HasQueue};
use crate::process::thread::{Thread, crash_point};
use crate::refcount;
use crate::sync::{SeqCst, fence};

/// The last handle to the side is gone. `false` when the budget is spent before all is closed.
pub(crate) fn end<C: HasQueue>(thread: &Thread, side: ObjectRef, budget: &mut Budget) -> Result<bool> {
    // ORDER: pairs with the fences of `offer` and, in the name of a dead thread, of `wake_hazard_waiters`.
    fence(SeqCst);
    close_all(thread, queue::of::<C>(thread.arena(), side)?, budget)
}

/// After the death of a thread whose hazard names the object of the side. It may have offered a handle after the side had
/// ended (INV-ACCEPT-2).
pub(crate) fn after_death<C: HasQueue>(thread: &Thread, side: ObjectRef) -> Result<()> {
    // The fence of `wake_hazard_waiters`, which came before, pairs with that of `end`.
    if !pin::is_held(thread.arena(), side)? {
        close_all(thread, queue::of::<C>(thread.arena(), side)?, &mut Budget::unlimited())?;
    }
    Ok(())
}

fn close_all(thread: &Thread, queue: Queue<'_>, budget: &mut Budget) -> Result<bool> {
    for place in queue.places()? {
        let record = place.entry();
        if !record.is_live() {
            continue;
        }
        if !budget.charge() {
            return Ok(false);
        }
        close(thread, place, record)?;
        crash_point!(thread, "queued.closed");
    }
    Ok(true)
}

/// Closes a queued handle, unless another thread has taken or closed it.
pub(super) fn close(thread: &Thread, place: Place<'_>, record: Entry) -> Result<()> {
    match refcount::drop_reference(thread, place.location(), record) {
        Ok(()) | Err(Error::BadHandle) => Ok(()),
        Err(error) => Err(error),
    }
}
