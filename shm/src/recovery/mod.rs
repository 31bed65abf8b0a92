//! Recovery of a dead process: its in-doubt intents are resolved, its peers are notified, its handles are closed, and
//! its rows become free.
//!
//! Recovery acts *as* the dead threads: it adopts each of their rows and continues in the row's name, under the row's
//! intents. So a supervisor that dies during recovery leaves the same states as any other thread that dies, and its
//! successor runs the same steps again.
//!
//! 1. The process's row becomes DEAD.
//! 2. The port that each row's hazard for ports names is put in order. The row's in-doubt intents are resolved:
//!    `refcount_intent`, then `list_intent`, which names every block in hand, then `operation`.
//! 3. The handle table is resolved: each transitional entry becomes LIVE or FREE, by whether its operation has
//!    committed.
//! 4. Waiters that may have missed a wake are woken: those of all objects that hazards name, and those of all peers of
//!    the process's channels and pairs.
//! 5. The slots in its threads' hands are freed, its release queues are run, its LIVE entries closed.
//! 6. Process slots that it had prepared are recovered too.
//! 7. Hazards are cleared, thread rows freed, and **last** the process row, with its epoch advanced.
//!
//! Steps 1 to 4 are the *notification*, which other processes wait for. Steps 5 to 7 are the long work, done in slices
//! (`recovery/queue`).
//!
//! Loads are Relaxed: the kernel reports a death, or that no thread of a process will take another step, after every
//! store that the dead threads have made, and after every store by others that they had seen. Stores are Release where
//! a successor relies on their order: recovery can be cut short like any other operation.
//!
//! INV-RECOVER-1: each step tests before it acts; running all of them again has no further effect.
//! INV-RECOVER-2: no side is cleared before step 3 is complete: the heads and tails that decide whether an operation
//! has committed stay as they were. (Step 2 completes closes that had committed; sides that end by it wait on the
//! release queue.)
//! INV-RECOVER-3: recovery needs no rights for an entry of a dead process: every one that it makes LIVE is closed next. A
//! handle that a dead thread has moved to a listener or to the root has the rights of the intent.

pub(crate) mod audit;
pub(crate) mod cycle_collection;
pub(crate) mod dead_process;
pub(crate) mod leader_election;
pub(crate) mod listing;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod resolve_intents;
#[cfg(not(loom))]
pub(crate) mod robust_futex;

use crate::arena::error::Result;
use crate::arena::word::row::{ProcessSlot, ProcessState};
use crate::process::thread::Thread;
use crate::recovery::queue::RecoveryQueue;
use crate::recovery::report::Recovered;

pub(crate) fn recover(thread: &Thread, process_slot: ProcessSlot) -> Result<Recovered> {
    recover_with(thread, process_slot, &[ProcessState::Active])
}

pub(crate) fn cancel_slot(thread: &Thread, process_slot: ProcessSlot) -> Result<Recovered> {
    recover_with(thread, process_slot, &[])
}

/// Recovers a row that is DEAD, STARTING, or in one of the states `also`. Then it recovers every other row that is
/// DEAD: the process slots that the dead threads had prepared are among them.
fn recover_with(thread: &Thread, process_slot: ProcessSlot, also: &[ProcessState]) -> Result<Recovered> {
    let mut queue = RecoveryQueue::new();
    queue.announce_in(thread, &[process_slot], also)?;
    queue.finish(thread)?;
    queue.announce_unfinished(thread)?;
    queue.finish(thread)?;
    Ok(queue.take_recovered())
}

pub(crate) fn recover_unfinished(thread: &Thread) -> Result<Recovered> {
    let mut queue = RecoveryQueue::new();
    queue.announce_unfinished(thread)?;
    queue.finish(thread)?;
    Ok(queue.take_recovered())
}
