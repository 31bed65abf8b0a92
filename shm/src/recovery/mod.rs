//! What is done for a process that has died: every operation it was in the middle of is finished or undone, its
//! handles are closed, its peers are told, and what it named is free again.
//!
//! Recovery acts *as* the dead threads: a adopted row takes over a dead row and goes on in its name, under its
//! intents. So a supervisor that dies in the middle leaves exactly what a thread that dies in the middle
//! leaves, and its successor runs the same steps again.
//!
//! 1. The process's row becomes DEAD.
//! 2. Each row's intents are settled: `reference`, then `link`, which names every block in hand, then `operation`.
//! 3. The handle table is settled: transitional entries become LIVE or FREE, by what has committed.
//! 4. Whoever may have missed a wake is woken: all objects named by hazards, all peers of its channels and pairs.
//! 5. Slots that its threads had in hand are freed, its release queues are worked, its LIVE entries closed.
//! 6. Seats it had prepared are recovered too.
//! 7. Hazards are cleared, thread rows freed, and **last** the process row, with its epoch advanced.
//!
//! Steps 1 to 4 are the *news*, which others wait for; steps 5 to 7 the work, which is done in slices (`dead_process`).
//!
//! Loads are Relaxed: the kernel's news of a death, or its word that no thread of a process will take another step,
//! comes after every store that the dead have made, and after whatever they had seen of others'. Stores are Release where
//! a successor relies on their order, for recovery is an operation that can be cut short like any other.
//!
//! INV-RECOVER-1: each step tests before it acts; running all of them again changes nothing.
//! INV-RECOVER-2: no side is cleared before step 3 is complete: the heads and tails that say what has committed
//! stay as they were. (Step 2 finishes closes that had committed; sides that end by it wait on the release queue.)
//! INV-RECOVER-3: recovery needs no rights: whatever it makes LIVE is closed next.

pub(crate) mod audit;
pub(crate) mod cycle_collection;
pub(crate) mod dead_process;
pub(crate) mod leader_election;
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

/// Recovers a row that is DEAD, STARTING, or in one of the states `also`, and then the process slots that its threads
/// had prepared.
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
