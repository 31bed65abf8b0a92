//! The recovery queue: dead processes, from the report of their deaths until their rows are free. It recovers many at a
//! time and does the long work in slices.
//!
//! Other processes wait for the *notification*: PEER_CLOSED, or a wake that a dead thread owed. So steps 1 to 4 of
//! recovery (`recovery/mod`) are done for every dead process at once, at a cost of one walk over each one's own table.
//! The long work (steps 5 to 7: draining, closing, freeing) comes afterwards, a bounded number of steps at a time.
//! Between two slices the supervisor learns of further deaths, and announces those first.
//!
//! ```text
//!  announce ──▶ waiting ──▶ batch: closing ──▶ rows free ──▶ retired slots collected, now and then
//!               (notified)         one process     one walk for all of the batch
//!                                  after the other
//! ```
//!
//! A batch takes all processes that were waiting when the last batch was done. So a stream of deaths delays no process
//! for ever, and a walk over the whole arena serves all processes of a batch.
//!
//! The queue's state is in private memory. A supervisor that dies leaves rows that are DEAD, and its successor
//! announces them again: each step tests before it acts (INV-RECOVER-1), so it continues from the state of the arena.
//!
//! INV-SLICE-1: a row that is in one of these lists is in no list of another queue: one supervisor recovers at a time.
//! INV-SLICE-2: no handle of a process is closed before its intents and its table are resolved (INV-RECOVER-2), and
//! that is done, with the notification, before the process is on any list.

use crate::arena::error::Result;
use crate::arena::record::counter::Counter;
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::intent::HandleLocation;
use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::lifecycle::reclaim;
use crate::lifecycle::teardown::{self, ReleaseRun};
use crate::object::budget::Budget;
use crate::process::thread::{Thread, crash_point};
use crate::recovery::report::Recovered;
use crate::recovery::{dead_process, resolve_intents};
use crate::refcount;
use crate::sync::Relaxed;
use crate::sync::fail_point::{Step, is_skipped};

/// One dead process, after its peers have been notified.
#[derive(Debug)]
struct DeadProcess {
    process_slot: ProcessSlot,
    dead: RowState,
    /// One for each thread that it had. If it had none, `close` claims one.
    adopted_rows: Vec<Thread>,
    /// The threads' counts of retired objects before recovery.
    retired_before: u64,
    recovered: Recovered,
    /// How many release queues have been run.
    lists_worked: usize,
    /// The first entry that is not closed yet.
    next_entry: u32,
    release_run: ReleaseRun,
}

/// The stage of the work on a batch.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// There is no batch.
    #[default]
    Rest,
    /// Closing the handles of the batch's process with this index.
    Closing(usize),
    /// Freeing the rows.
    Rows,
    /// Finding slots that are retired and in no living thread's list.
    Retired,
}

/// The dead processes in recovery. For the supervisor's thread alone.
#[derive(Debug, Default)]
pub struct RecoveryQueue {
    waiting: Vec<DeadProcess>,
    batch: Vec<DeadProcess>,
    stage: Stage,
    /// How many slots may be retired and in no living thread's list.
    lost: u64,
    /// How many slots were in use at the last walk.
    in_use: u64,
    /// Objects reclaimed by those walks.
    reclaimed: u64,
    /// Rows that could not be recovered. They stay DEAD until `announce_unfinished` tries them again.
    failed: Vec<ProcessIndex>,
    recovered: Recovered,
}

impl RecoveryQueue {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether all announced processes have been recovered.
    pub fn is_empty(&self) -> bool {
        matches!(self.stage, Stage::Rest) && self.waiting.is_empty()
    }

    /// The counts since the last call.
    pub fn take_recovered(&mut self) -> Recovered {
        core::mem::take(&mut self.recovered)
    }

    /// How many objects were reclaimed since the last call: those that only dead threads had in their lists.
    pub fn take_reclaimed(&mut self) -> u64 {
        core::mem::take(&mut self.reclaimed)
    }

    /// These processes are dead: resolves their in-doubt intents and notifies other processes. [`work`](Self::work)
    /// does the rest. The caller has proof of the deaths, and recovers these processes by no other means.
    ///
    /// A process that fails does not keep the others from being announced; the first error is given.
    pub fn announce(&mut self, supervisor: &Thread, process_slots: &[ProcessSlot]) -> Result<()> {
        self.announce_in(supervisor, process_slots, &[ProcessState::Active])
    }

    /// No child will take this process slot. A child that attaches at this moment wins: `BadState` then.
    pub fn announce_given_up(&mut self, supervisor: &Thread, process_slot: ProcessSlot) -> Result<()> {
        self.announce_in(supervisor, &[process_slot], &[])?;
        // No process was recovered: none ever attached to the slot.
        if let Some(dead_process) =
            self.waiting.iter_mut().find(|dead_process| dead_process.process_slot == process_slot)
        {
            dead_process.recovered.processes = 0;
        }
        Ok(())
    }

    /// Announces all rows that are DEAD: process slots of spawners that have died, and rows that an earlier supervisor
    /// left unfinished when it died. Rows that have failed before are tried again.
    pub fn announce_unfinished(&mut self, supervisor: &Thread) -> Result<()> {
        self.failed.clear();
        let dead = dead_process::dead_slots(supervisor)?;
        self.announce_in(supervisor, &dead, &[])
    }

    /// Announces the process slots that are DEAD, STARTING, or in one of the states `also`.
    pub(crate) fn announce_in(
        &mut self,
        supervisor: &Thread,
        process_slots: &[ProcessSlot],
        also: &[ProcessState],
    ) -> Result<()> {
        let mut error = None;
        let mut dead = Vec::new();
        // A second adoption of its thread rows would run the same release queues twice.
        for process_slot in process_slots.iter().filter(|process_slot| !self.has(process_slot.row)) {
            match dead_process::declare_dead(supervisor, *process_slot, also) {
                Ok(row_state) => dead.extend(row_state.map(|row_state| (*process_slot, row_state))),
                Err(error) if error.is_crash() => return Err(error),
                Err(why) => _ = error.get_or_insert(why),
            }
        }
        // After all of them are DEAD: no child can attach to such a row any more, so the walk misses no thread row.
        if !dead.is_empty() {
            let process_slots: Vec<ProcessSlot> =
                dead.iter().map(|(process_slot, _)| *process_slot).collect();
            for ((process_slot, row_state), adopted_rows) in
                dead.into_iter().zip(dead_process::adopt_rows(supervisor, &process_slots)?)
            {
                let mut dead_process = DeadProcess::of(process_slot, row_state, adopted_rows);
                match dead_process::resolve_and_notify(
                    supervisor,
                    process_slot,
                    &dead_process.adopted_rows,
                    &mut dead_process.recovered,
                ) {
                    Ok(()) => self.waiting.push(dead_process),
                    Err(error) if error.is_crash() => return Err(error),
                    Err(why) => {
                        // The row stays DEAD. Dropping an adopted row gives no row back.
                        self.failed.push(process_slot.row);
                        _ = error.get_or_insert(why);
                    }
                }
            }
        }
        error.map_or(Ok(()), Err)
    }

    fn has(&self, row: ProcessIndex) -> bool {
        self.waiting.iter().chain(&self.batch).any(|dead_process| dead_process.process_slot.row == row)
    }

    /// Continues for about `steps` steps. A step drops a message, frees a block, closes a handle, or looks at a few
    /// dozen words. Gives whether all announced processes have been recovered.
    ///
    /// A failure leaves the row DEAD and does not keep other rows from being recovered.
    pub fn work(&mut self, supervisor: &Thread, steps: u32) -> Result<bool> {
        let mut budget = Budget(steps.into());
        while !self.is_empty() {
            if budget.is_spent() {
                return Ok(false);
            }
            self.advance(supervisor, &mut budget)?;
        }
        Ok(true)
    }

    /// Works until the queue is empty. The first error is given.
    pub(crate) fn finish(&mut self, supervisor: &Thread) -> Result<()> {
        let mut error = None;
        // The loop ends: an error takes its process off the lists, or leaves the queue at rest.
        while !self.is_empty() {
            match self.work(supervisor, u32::MAX) {
                Ok(_) => {}
                Err(error) if error.is_crash() => return Err(error),
                Err(why) => _ = error.get_or_insert(why),
            }
        }
        error.map_or(Ok(()), Err)
    }

    fn advance(&mut self, supervisor: &Thread, budget: &mut Budget) -> Result<()> {
        match self.stage {
            Stage::Rest => {
                self.batch = core::mem::take(&mut self.waiting);
                self.stage = Stage::Closing(0);
            }
            Stage::Closing(index) => match self.batch.get_mut(index) {
                None => self.stage = Stage::Rows,
                Some(dead_process) => match dead_process.close(supervisor, budget) {
                    Ok(true) => self.stage = Stage::Closing(index + 1),
                    Ok(false) => {}
                    Err(error) => {
                        // The stage keeps its index, which names the next process of the batch from here on.
                        self.failed.push(self.batch.remove(index).process_slot.row);
                        return Err(error);
                    }
                },
            },
            Stage::Rows => {
                let done = self.free_rows(supervisor);
                self.fail_all_unless(done)?;
                self.stage = Stage::Retired;
            }
            Stage::Retired => {
                // First, so that an error below cannot bring `finish` back to this stage for ever.
                self.stage = Stage::Rest;
                // Process slots that the batch had prepared are DEAD now. Rows that have failed are left to
                // `announce_unfinished`: otherwise each batch would try them again.
                let mut dead = dead_process::dead_slots(supervisor)?;
                dead.retain(|process_slot| !self.failed.contains(&process_slot.row));
                self.announce_in(supervisor, &dead, &[])?;
                if self.waiting.is_empty() {
                    self.find_lost(supervisor)?;
                }
            }
        }
        Ok(())
    }

    /// If `done` is an error, the whole batch fails: its work was done for all of the batch together.
    fn fail_all_unless(&mut self, done: Result<()>) -> Result<()> {
        if done.is_err() {
            self.failed.extend(self.batch.drain(..).map(|dead_process| dead_process.process_slot.row));
            self.stage = Stage::Rest;
        }
        done
    }

    /// Collects the slots that are only in the lists of dead threads. That takes a walk over all slots in use, so it
    /// waits until the dead threads may have left an eighth as many. Then the walk costs each lost slot little, for any
    /// number of slots in use.
    fn find_lost(&mut self, supervisor: &Thread) -> Result<()> {
        if self.lost > 0 && self.lost >= self.in_use / 8 {
            self.in_use = reclaim::gather_retired(supervisor)?;
            self.lost = 0;
            self.reclaimed += reclaim::reclaim(supervisor)? as u64;
        }
        Ok(())
    }

    /// The rest of step 6, and step 7.
    fn free_rows(&mut self, supervisor: &Thread) -> Result<()> {
        // Before any row of the batch is free: a slot that a dead process had prepared names its spawner's row, and
        // another process may take a free row.
        dead_process::fail_pending_slots(supervisor, |row| {
            self.batch.iter().any(|dead_process| dead_process.process_slot.row == row)
        })?;
        crash_point!(supervisor, "recover.freed");
        // One after the other: if one fails, the processes before it have been counted.
        while let Some(dead_process) = self.batch.last() {
            // Before the rows are cleared: the next thread counts in the same words.
            let (row, result) = (dead_process.process_slot.row, dead_process.result());
            // The most slots in a thread's lists: a batch of retired slots, and two batches of reusable slots.
            self.lost += dead_process.adopted_rows.len() as u64 * 3 * supervisor.reclaim_batch as u64;
            dead_process.adopted_rows.iter().for_each(dead_process::clear_row);
            crash_point!(supervisor, "recover.cleared");
            // The thread rows before the process row: a DEAD process row is all that leads a successor to them.
            dead_process::free_process_slot(supervisor, row, dead_process.dead)?;
            self.recovered += result;
            self.batch.pop();
            if is_skipped(Step::FreeProcess) {
                self.failed.push(row);
            }
        }
        Ok(())
    }
}

impl DeadProcess {
    fn of(process_slot: ProcessSlot, dead: RowState, adopted_rows: Vec<Thread>) -> Self {
        let mut dead_process = Self {
            process_slot,
            dead,
            adopted_rows,
            retired_before: 0,
            recovered: Recovered { processes: 1, ..Recovered::default() },
            lists_worked: 0,
            next_entry: 1,
            release_run: ReleaseRun::default(),
        };
        dead_process.retired_before = dead_process.retired();
        dead_process
    }

    /// How many objects its threads have retired.
    fn retired(&self) -> u64 {
        let count =
            |adopted: &Thread| adopted.row().counters()[Counter::ObjectsRetired as usize].load(Relaxed);
        self.adopted_rows.iter().map(count).fold(0, u64::wrapping_add)
    }

    fn result(&self) -> Recovered {
        Recovered {
            threads: self.adopted_rows.len() as u32,
            objects_retired: self.retired().wrapping_sub(self.retired_before) as u32,
            ..self.recovered
        }
    }

    /// Step 5. `false` when the budget is spent before the last handle is closed.
    fn close(&mut self, supervisor: &Thread, budget: &mut Budget) -> Result<bool> {
        if self.adopted_rows.is_empty() {
            self.adopted_rows.push(dead_process::claim_row_for(supervisor, self.process_slot.row)?);
            self.retired_before = self.retired();
        }
        // Before the first close: teardown runs under the adopted rows, and would overwrite the slot intents of the
        // dead threads with its own.
        for adopted in &self.adopted_rows {
            resolve_intents::resolve_slot_intent(adopted)?;
        }
        while let Some(adopted) = self.adopted_rows.get(self.lists_worked) {
            if !is_skipped(Step::RunTeardown)
                && !teardown::run_release_queue_for(adopted, &mut self.release_run, budget)?
            {
                return Ok(false);
            }
            self.lists_worked += 1;
        }
        let Some(worker) = self.adopted_rows.first() else { return Ok(false) };
        let end = if is_skipped(Step::CloseTable) {
            0
        } else {
            supervisor.arena().used_entries(self.process_slot.row)
        };
        // If the last slice ended during the teardown that its last entry caused, the rest of that comes first.
        if !is_skipped(Step::RunTeardown)
            && !teardown::run_release_queue_for(worker, &mut self.release_run, budget)?
        {
            return Ok(false);
        }
        // A successor begins at entry 1 again, and finds the closed entries FREE.
        while self.next_entry < end {
            if !budget.charge() {
                return Ok(false);
            }
            let index = EntryIndex(self.next_entry);
            self.next_entry += 1;
            let entry = dead_process::entry_of(worker, self.process_slot.row, index)?;
            if !entry.is_live() {
                continue;
            }
            refcount::drop_reference(
                worker,
                HandleLocation::Entry { process: self.process_slot.row, index },
                entry,
            )?;
            self.recovered.handles_closed += 1;
            // After each entry, so that the sides of at most one entry are left when the budget ends.
            if !teardown::run_release_queue_for(worker, &mut self.release_run, budget)? {
                return Ok(false);
            }
            crash_point!(worker, "recover.entry");
        }
        crash_point!(supervisor, "recover.closed");
        Ok(true)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::arena::config::Config;
    use crate::arena::word::handle::HandleValue;
    use crate::arena::word::handle::Rights;
    use crate::arena::word::signals::Signals;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use std::sync::Arc;

    /// A supervisor's thread, and `count` other processes with a thread each. Each holds one end of a channel, and the
    /// supervisor's process holds the other.
    fn stage(count: usize) -> (Thread, Vec<(ProcessSlot, HandleValue)>) {
        let arena = Arc::new(Arena::create(&Config::default()).unwrap());
        let attach = |process_slot| {
            let process = Process::attach(arena.clone(), process_slot, std::process::id(), 1).unwrap();
            Thread::join(&process).unwrap()
        };
        let supervisor = attach(arena.first_slot().unwrap());
        let mut dead = Vec::new();
        for _ in 0..count {
            let process_slot = arena.reserve_slot(&supervisor).unwrap();
            let (near, far) = supervisor.create(ObjectClass::Channel, Rights::from_bits_retain(1)).unwrap();
            supervisor.leave_startup_handle(supervisor.lookup(far.unwrap()).unwrap(), process_slot).unwrap();
            let thread = attach(process_slot);
            for _ in 0..100 {
                thread.create(ObjectClass::Event, Rights::from_bits_retain(1)).unwrap();
            }
            thread.abandon_row();
            dead.push((process_slot, near));
        }
        (supervisor, dead)
    }

    fn is_told(thread: &Thread, value: HandleValue) -> bool {
        let found = thread.lookup(value).unwrap();
        thread.signals(found).unwrap().contains(Signals::PEER_CLOSED)
    }

    #[test]
    fn notifications_precede_every_close() {
        let (supervisor, dead) = stage(3);
        let process_slots: Vec<ProcessSlot> = dead.iter().map(|(process_slot, _)| *process_slot).collect();
        let mut queue = RecoveryQueue::new();
        queue.announce(&supervisor, &process_slots).unwrap();
        assert!(dead.iter().all(|(_, near)| is_told(&supervisor, *near)));
        assert_eq!(queue.take_recovered(), Recovered::default());
        while !queue.work(&supervisor, 1).unwrap() {}
        let recovered = queue.take_recovered();
        assert_eq!((recovered.processes, recovered.threads), (3, 3));
        assert_eq!(recovered.handles_closed, 3 * 101);
    }

    #[test]
    fn new_death_is_announced_between_slices() {
        let (supervisor, dead) = stage(2);
        let mut queue = RecoveryQueue::new();
        queue.announce(&supervisor, &[dead[0].0]).unwrap();
        assert!(!queue.work(&supervisor, 10).unwrap(), "there is more to do");
        assert!(!is_told(&supervisor, dead[1].1));
        queue.announce(&supervisor, &[dead[1].0, dead[0].0]).unwrap();
        assert!(is_told(&supervisor, dead[1].1));
        while !queue.work(&supervisor, 10).unwrap() {}
        assert_eq!(queue.take_recovered().processes, 2, "each once");
        assert!(supervisor.arena().audit().is_clean());
    }

    /// No step is much longer than the others: a notification waits for one slice, for any number of queued messages.
    #[test]
    fn long_ring_is_drained_in_slices() {
        const MESSAGES: u64 = 3000;
        const STEPS: u32 = 100;
        let (supervisor, dead) = stage(1);
        let (process_slot, near) = dead[0];
        for _ in 0..MESSAGES {
            supervisor.send(supervisor.lookup(near).unwrap(), Rights::empty(), &[7; 200]).unwrap();
        }
        supervisor.close(supervisor.lookup(near).unwrap()).unwrap();
        let freed = || supervisor.arena().counters().blocks_freed;
        let first = freed();
        let mut queue = RecoveryQueue::new();
        queue.announce(&supervisor, &[process_slot]).unwrap();
        let (mut before, mut is_done) = (first, false);
        while !is_done {
            is_done = queue.work(&supervisor, STEPS).unwrap();
            assert!(freed() - before <= STEPS.into(), "{} blocks in one slice", freed() - before);
            before = freed();
        }
        assert!(before - first >= MESSAGES, "a block for each message");
        assert_eq!(queue.take_recovered().processes, 1);
        assert!(supervisor.arena().audit().is_clean());
    }

    #[test]
    fn successor_finishes_interrupted_recovery() {
        let (supervisor, dead) = stage(2);
        let process_slots: Vec<ProcessSlot> = dead.iter().map(|(process_slot, _)| *process_slot).collect();
        let mut left = RecoveryQueue::new();
        left.announce(&supervisor, &process_slots).unwrap();
        assert!(!left.work(&supervisor, 150).unwrap());
        drop(left);
        let recovered = supervisor.recover_unfinished().unwrap();
        assert_eq!((recovered.processes, recovered.threads), (2, 2));
        assert!(supervisor.arena().audit().is_clean());
    }
}
