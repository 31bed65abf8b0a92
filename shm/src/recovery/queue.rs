//! The dead, between the news of their deaths and their rows being free: many at a time, the long work in slices.
//!
//! What others wait for is the *news*: that a peer is closed, or a wake that the dead owe. It is settled and told for
//! every dead process at once (steps 1 to 4 of `recover`), at a cost of one walk over the dead process's own table. The
//! long work (steps 5 to 7: draining, closing, freeing) is done afterwards, a bounded number of steps at a time, so
//! that the supervisor hears of other deaths in between, and tells those first.
//!
//! ```text
//!  announce ──▶ waiting ──▶ batch: closing ──▶ rows free ──▶ retired slots collected, now and then
//!               (told)             one process     one walk for all of the batch
//!                                  after the other
//! ```
//!
//! A batch is what was waiting when the last one was done, so a stream of deaths starves nobody, and what is a walk
//! over the whole arena is done once for all who died together.
//!
//! Where this stands is in private memory: the arena says it too, since each step tests before it acts
//! (INV-RECOVER-1). A supervisor that dies here leaves rows that are DEAD, and its successor announces those again.
//!
//! INV-BURIAL-1: a row that is in one of these lists is in none of another's: one supervisor recovers at a time.
//! INV-BURIAL-2: nothing of a process is closed before its intents and its table are settled (INV-RECOVER-2), and that
//! is done, with the news, before it is on any list.

use crate::arena::error::Result;
use crate::arena::record::counter::Counter;
use crate::arena::word::intent::Record;
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::lifecycle::reclaim;
use crate::lifecycle::teardown::{self, Effort};
use crate::object::budget::Budget;
use crate::process::thread::{Thread, crash_point};
use crate::recovery::report::Recovered;
use crate::recovery::{dead_process, resolve_intents};
use crate::refcount;
use crate::sync::Relaxed;
use crate::sync::fail_point::{Step, is_skipped};

/// One dead process whose peers know.
#[derive(Debug)]
struct DeadProcess {
    process_slot: ProcessSlot,
    dead: RowState,
    /// One for each thread it had. None yet, if it had none.
    adopted_rows: Vec<Thread>,
    /// What the threads' counters said before.
    retired_before: u64,
    recovered: Recovered,
    /// Dying lists that have been worked, and entries that are closed: these many.
    lists_worked: usize,
    next_entry: u32,
    effort: Effort,
}

/// Where the work on a batch stands.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    /// There is no batch.
    #[default]
    Rest,
    /// Closing what this one of the batch held.
    Closing(usize),
    /// Freeing the rows.
    Rows,
    /// Finding what is retired and known to nobody.
    Retired,
}

/// Dead processes that are being recovered, for the supervisor's thread alone.
#[derive(Debug, Default)]
pub struct RecoveryQueue {
    waiting: Vec<DeadProcess>,
    batch: Vec<DeadProcess>,
    stage: Stage,
    /// How many slots may be retired and known to nobody, and how many were in use at the last walk.
    lost: u64,
    in_use: u64,
    /// Objects whose slots those walks have freed.
    reclaimed: u64,
    /// Rows that could not be recovered. They stay DEAD, and are tried again when the supervisor says so.
    failed: Vec<u16>,
    recovered: Recovered,
}

impl RecoveryQueue {
    /// Nobody is dead.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether everything has been done.
    pub fn is_empty(&self) -> bool {
        matches!(self.stage, Stage::Rest) && self.waiting.is_empty()
    }

    /// What has been done since this was asked last.
    pub fn take_recovered(&mut self) -> Recovered {
        core::mem::take(&mut self.recovered)
    }

    /// How many objects were reclaimed on the way since this was asked last: those that only the dead knew of.
    pub fn take_reclaimed(&mut self) -> u64 {
        core::mem::take(&mut self.reclaimed)
    }

    /// These processes are dead: settles what they were in the middle of, and tells others. The rest is
    /// [`work`](Self::work). The caller has proof, and recovers these by no other means.
    ///
    /// A failure does not keep the others from it; the first error is given.
    pub fn announce(&mut self, supervisor: &Thread, process_slots: &[ProcessSlot]) -> Result<()> {
        self.announce_in(supervisor, process_slots, &[ProcessState::Active])
    }

    /// Nobody will take this process slot. A child that attaches at this moment wins: `BadState` then.
    pub fn announce_given_up(&mut self, supervisor: &Thread, process_slot: ProcessSlot) -> Result<()> {
        self.announce_in(supervisor, &[process_slot], &[])?;
        // No process was recovered: none has ever been there.
        if let Some(dead_process) =
            self.waiting.iter_mut().find(|dead_process| dead_process.process_slot == process_slot)
        {
            dead_process.recovered.processes = 0;
        }
        Ok(())
    }

    /// Announces all rows that are DEAD: process slots whose spawners have died, and what a supervisor that died itself left
    /// unfinished. Those that have failed before are tried again.
    pub fn announce_unfinished(&mut self, supervisor: &Thread) -> Result<()> {
        self.failed.clear();
        let dead = dead_process::dead_slots(supervisor)?;
        self.announce_in(supervisor, &dead, &[])
    }

    /// Announces those of the process slots whose rows are DEAD, STARTING, or in one of the states `also`.
    pub(crate) fn announce_in(
        &mut self,
        supervisor: &Thread,
        process_slots: &[ProcessSlot],
        also: &[ProcessState],
    ) -> Result<()> {
        let mut error = None;
        let mut dead = Vec::new();
        for process_slot in process_slots.iter().filter(|process_slot| !self.has(process_slot.row)) {
            match dead_process::declare_dead(supervisor, *process_slot, also) {
                Ok(claim) => dead.extend(claim.map(|claim| (*process_slot, claim))),
                Err(error) if error.is_crash() => return Err(error),
                Err(why) => _ = error.get_or_insert(why),
            }
        }
        if !dead.is_empty() {
            let process_slots: Vec<ProcessSlot> =
                dead.iter().map(|(process_slot, _)| *process_slot).collect();
            for ((process_slot, claim), adopted_rows) in
                dead.into_iter().zip(dead_process::adopt_rows(supervisor, &process_slots)?)
            {
                let mut dead_process = DeadProcess::of(process_slot, claim, adopted_rows);
                match dead_process::resolve_and_notify(
                    supervisor,
                    process_slot,
                    &dead_process.adopted_rows,
                    &mut dead_process.recovered,
                ) {
                    Ok(()) => self.waiting.push(dead_process),
                    Err(error) if error.is_crash() => return Err(error),
                    Err(why) => {
                        self.failed.push(process_slot.row);
                        _ = error.get_or_insert(why);
                    }
                }
            }
        }
        error.map_or(Ok(()), Err)
    }

    fn has(&self, row: u16) -> bool {
        self.waiting.iter().chain(&self.batch).any(|dead_process| dead_process.process_slot.row == row)
    }

    /// Goes on, for about so many steps: a step is a message dropped, a block freed, a handle closed, or a
    /// few dozen words looked at.
    /// Gives whether everything has been done.
    ///
    /// A failure leaves the row DEAD and does not keep others from being recovered.
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

    /// Does everything.
    pub(crate) fn finish(&mut self, supervisor: &Thread) -> Result<()> {
        let mut error = None;
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
                self.stage = Stage::Rest;
                // Seats that the batch had prepared. What failed is left alone for now.
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

    /// What is looked for on behalf of the whole batch fails for all of it.
    fn fail_all_unless(&mut self, done: Result<()>) -> Result<()> {
        if done.is_err() {
            self.failed.extend(self.batch.drain(..).map(|dead_process| dead_process.process_slot.row));
            self.stage = Stage::Rest;
        }
        done
    }

    /// Collects the slots that the dead had retired and nobody else knows of. That is a walk over all slots in use: so it
    /// waits until the dead may have left an eighth as many, and costs each of them little, however many are in use.
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
        dead_process::fail_pending_slots(supervisor, |row| {
            self.batch.iter().any(|dead_process| dead_process.process_slot.row == row)
        })?;
        crash_point!(supervisor, "recover.freed");
        // One after the other, so that those whose rows are free are counted, should the next one fail.
        while let Some(dead_process) = self.batch.last() {
            let (row, result) = (dead_process.process_slot.row, dead_process.result());
            // What a thread may keep in its lists: a batch that it gathers, and two that wait for its next objects.
            self.lost += dead_process.adopted_rows.len() as u64 * 3 * supervisor.reclaim_batch as u64;
            dead_process.adopted_rows.iter().for_each(dead_process::clear_row);
            crash_point!(supervisor, "recover.cleared");
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
            effort: Effort::default(),
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

    /// Step 5. `false` when the budget is spent before all is done.
    fn close(&mut self, supervisor: &Thread, budget: &mut Budget) -> Result<bool> {
        if self.adopted_rows.is_empty() {
            self.adopted_rows.push(dead_process::claim_row_for(supervisor, self.process_slot.row)?);
            self.retired_before = self.retired();
        }
        // Before anything is closed: what is closed may take up the rows' intents for its own slots.
        for adopted in &self.adopted_rows {
            resolve_intents::resolve_slot_intent(adopted)?;
        }
        while let Some(adopted) = self.adopted_rows.get(self.lists_worked) {
            if !is_skipped(Step::WorkDying)
                && !teardown::run_release_queue_for(adopted, &mut self.effort, budget)?
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
        // What the last entry kept alive, if the last slice ended in the middle of it.
        if !is_skipped(Step::WorkDying) && !teardown::run_release_queue_for(worker, &mut self.effort, budget)?
        {
            return Ok(false);
        }
        while self.next_entry < end {
            if !budget.spend() {
                return Ok(false);
            }
            let index = self.next_entry;
            self.next_entry += 1;
            let entry = dead_process::entry_of(worker, self.process_slot.row, index)?;
            if !entry.is_live() {
                continue;
            }
            refcount::drop_reference(worker, Record::Entry { process: self.process_slot.row, index }, entry)?;
            self.recovered.handles_closed += 1;
            if !teardown::run_release_queue_for(worker, &mut self.effort, budget)? {
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
    use crate::arena::word::signals::signal;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use std::sync::Arc;

    /// A supervisor's thread, and `count` other processes with a thread each, which hold one end of a channel and the
    /// supervisor's process the other.
    fn stage(count: usize) -> (Thread, Vec<(ProcessSlot, u32)>) {
        let arena = Arc::new(Arena::create(&Config::default()).unwrap());
        let attach = |process_slot| {
            let process = Process::attach(arena.clone(), process_slot, std::process::id(), 1).unwrap();
            Thread::join(&process).unwrap()
        };
        let supervisor = attach(arena.first_slot().unwrap());
        let mut dead = Vec::new();
        for _ in 0..count {
            let process_slot = arena.reserve_slot(&supervisor).unwrap();
            let (near, far) = supervisor.create(ObjectClass::Channel, 1).unwrap();
            supervisor.leave_startup_handle(supervisor.lookup(far.unwrap()).unwrap(), process_slot).unwrap();
            let thread = attach(process_slot);
            for _ in 0..100 {
                thread.create(ObjectClass::Event, 1).unwrap();
            }
            thread.abandon_row();
            dead.push((process_slot, near));
        }
        (supervisor, dead)
    }

    fn is_told(thread: &Thread, value: u32) -> bool {
        let found = thread.lookup(value).unwrap();
        thread.signals(found).unwrap() & signal::PEER_CLOSED != 0
    }

    #[test]
    fn news_of_all_goes_out_before_anything_is_closed() {
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
    fn a_death_is_told_in_the_middle_of_work() {
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

    /// No step is longer than others: another's news waits for one slice, whatever one object holds.
    #[test]
    fn a_long_ring_is_taken_apart_in_slices() {
        const MESSAGES: u64 = 3000;
        const STEPS: u32 = 100;
        let (supervisor, dead) = stage(1);
        let (process_slot, near) = dead[0];
        for _ in 0..MESSAGES {
            supervisor.send(supervisor.lookup(near).unwrap(), 0, &[7; 200]).unwrap();
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
    fn what_was_left_in_the_middle_is_taken_up_again() {
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
