//! What is done for a process that has died: every operation it was in the middle of is finished or undone, its
//! handles are closed, its peers are told, and what it named is free again.
//!
//! Recovery acts *as* the dead threads: a stand-in takes over a dead row and goes on in its name, under its
//! intents. So a supervisor that dies in the middle leaves exactly what a thread that dies in the middle
//! leaves, and its successor runs the same steps again.
//!
//! 1. The process's row becomes DEAD.
//! 2. Each row's intents are settled: `reference`, then `link`, which names every block in hand, then `operation`.
//! 3. The handle table is settled: transitional entries become LIVE or FREE, by what has committed.
//! 4. Whoever may have missed a wake is woken: all objects named by hazards, all peers of its channels and pairs.
//! 5. Slots that its threads had in hand are freed, its dying lists are worked, its LIVE entries closed.
//! 6. Seats it had prepared are recovered too.
//! 7. Hazards are cleared, thread rows freed, and **last** the process row, with its epoch advanced.
//!
//! Steps 1 to 4 are the *news*, which others wait for; steps 5 to 7 the work, which is done in slices (`burial`).
//!
//! Loads are Relaxed: the kernel's news of a death, or its word that no thread of a process will take another step,
//! comes after every store that the dead have made, and after whatever they had seen of others'. Stores are Release where
//! a successor relies on their order, for recovery is an operation that can be cut short like any other.
//!
//! INV-RECOVER-1: each step tests before it acts; running all of them again changes nothing.
//! INV-RECOVER-2: no side is cleared before step 3 is complete: the heads and tails that say what has committed
//! stay as they were. (Step 2 finishes closes that had committed; sides that end by it wait on the dying list.)
//! INV-RECOVER-3: recovery needs no rights: whatever it makes LIVE is closed next.

use crate::bits::ObjectRef;
use crate::burial::Burials;
use crate::error::{Error, Result, crash_point};
use crate::leader::Occupant;
use crate::object::{Count, Life, LifeState, Shape, State};
use crate::owner::{Claim, HAZARDS, Operation, ProcessState};
use crate::process::Seat;
use crate::step::{Step, is_skipped, skippable};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};
use crate::table::Entry;
use crate::thread::Thread;

/// What recovery found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Processes whose rows are free again.
    pub processes: u32,
    /// Threads whose rows are free again.
    pub threads: u32,
    /// Handles closed on behalf of the dead.
    pub handles_closed: u32,
    /// Operations caught in the middle that had committed, and were finished.
    pub operations_finished: u32,
    /// Operations caught in the middle that had not committed, and were undone.
    pub operations_undone: u32,
    /// Blocks that were in a dead thread's hands.
    pub blocks_freed: u32,
    /// Objects that died of it.
    pub objects_retired: u32,
}

impl core::ops::AddAssign for Recovered {
    fn add_assign(&mut self, other: Self) {
        self.processes += other.processes;
        self.threads += other.threads;
        self.handles_closed += other.handles_closed;
        self.operations_finished += other.operations_finished;
        self.operations_undone += other.operations_undone;
        self.blocks_freed += other.blocks_freed;
        self.objects_retired += other.objects_retired;
    }
}

impl Thread {
    /// Recovers everything that the process of `seat` left. The caller has proof that it is dead, and no other
    /// recovery is under way.
    pub fn recover(&self, seat: Seat) -> Result<Recovered> {
        self.recover_with(seat, &[ProcessState::Active])
    }

    /// Gives up a seat that nobody has taken yet. A child that attaches at this moment wins: `BadState` then.
    pub fn give_up_seat(&self, seat: Seat) -> Result<Recovered> {
        self.recover_with(seat, &[])
    }

    /// Recovers a row that is DEAD, STARTING, or in one of the states `also`, and then the seats that its threads
    /// had prepared.
    fn recover_with(&self, seat: Seat, also: &[ProcessState]) -> Result<Recovered> {
        let mut burials = Burials::new();
        burials.announce_in(self, &[seat], also)?;
        burials.finish(self)?;
        burials.announce_unfinished(self)?;
        burials.finish(self)?;
        Ok(burials.take_recovered())
    }

    /// Recovers every process row that is DEAD: seats whose spawner has died, and what a supervisor that died
    /// itself left unfinished. One that fails does not keep the others from it; the first error is given.
    pub fn recover_unfinished(&self) -> Result<Recovered> {
        let mut burials = Burials::new();
        burials.announce_unfinished(self)?;
        burials.finish(self)?;
        Ok(burials.take_recovered())
    }

    /// Step 1: the row becomes DEAD. `None` when the seat is free, or another's, by now.
    pub(crate) fn declare_dead(&self, seat: Seat, also: &[ProcessState]) -> Result<Option<Claim>> {
        let row = self.arena().process(seat.row)?;
        let claim = Claim(row.claim.load(Relaxed));
        let state = claim.process_state();
        if claim.epoch() != seat.epoch || state == ProcessState::Free {
            return Ok(None);
        }
        if state != ProcessState::Dead {
            let may = matches!(state, ProcessState::Starting(_)) || also.contains(&state);
            // By CAS of the word that was judged: a child that has just attached is not dead. ORDER:
            // Acquire: none of recovery's stores comes before it, or a successor would not know that it had begun.
            if !may || row.claim.compare_exchange(claim.0, claim.dead().0, Acquire, Relaxed).is_err() {
                return Err(Error::BadState("the seat was taken while it was given up"));
            }
        }
        crash_point!(self, "recover.dead");
        Ok(Some(claim.dead()))
    }

    /// Steps 2 to 4, for one process: what its threads were in the middle of is settled, and others are told.
    pub(crate) fn settle_and_tell(
        &self,
        seat: Seat,
        stand_ins: &[Thread],
        recovered: &mut Recovered,
    ) -> Result<()> {
        let mut verdicts = Vec::new();
        for stand_in in stand_ins {
            stand_in.settle_reference(recovered)?;
            stand_in.settle_link(recovered)?;
            verdicts.extend(stand_in.settle_operation(recovered)?);
            crash_point!(self, "recover.settled");
        }
        self.arena().count_death();
        self.settle_table(seat.row, &verdicts)?;
        crash_point!(self, "recover.table");
        // What they named has been done; a successor must not judge by objects that have lived again since.
        stand_ins.iter().for_each(|stand_in| stand_in.set_operation(Operation::Idle));
        for stand_in in stand_ins {
            stand_in.wake_hazarded()?;
        }
        self.tell_peers_of(seat.row)?;
        crash_point!(self, "recover.told");
        Ok(())
    }

    /// Step 7: the process's row is free again.
    pub(crate) fn free_seat(&self, row_index: u16, dead: Claim) -> Result<()> {
        let row = self.arena().process(row_index)?;
        // Relaxed: nobody watches who sat in a seat that is DEAD. Nor is a tripwire believed; a thread of the dead that
        // has not come to it yet leaves alone what does not name it (INV-TRIP-2).
        row.occupant.store(0, Relaxed);
        row.tripwire.store(0, Relaxed);
        self.arena().give_table_back(row_index);
        // ORDER: Release, and last: whoever claims the row finds its table clean.
        if !is_skipped(Step::FreeProcess) {
            row.claim.store(dead.freed().0, Release);
        }
        Ok(())
    }

    /// The rows that are DEAD.
    pub(crate) fn dead_seats(&self) -> Result<Vec<Seat>> {
        let mut dead = Vec::new();
        skippable!(RecoverUnfinished);
        for row in 1..self.arena().layout().processes.count as u16 {
            let claim = Claim(self.arena().process(row)?.claim.load(Relaxed));
            if claim.process_state() == ProcessState::Dead {
                dead.push(Seat { row, epoch: claim.epoch() });
            }
        }
        Ok(dead)
    }

    /// A stand-in for every thread that each of these processes had; one walk for all of them.
    pub(crate) fn stand_ins(&self, seats: &[Seat]) -> Result<Vec<Vec<Thread>>> {
        let mut place = vec![None; self.arena().layout().processes.count];
        for (index, seat) in seats.iter().enumerate() {
            *place.get_mut(usize::from(seat.row)).ok_or(Error::Corrupt("a process row is out of range"))? =
                Some(index);
        }
        let mut stand_ins: Vec<Vec<Thread>> = seats.iter().map(|_| Vec::new()).collect();
        for tag in self.arena().thread_tags() {
            let owner = Claim(self.arena().thread(tag)?.claim.load(Relaxed)).thread_owner();
            let Some(owner) = owner else { continue };
            if let Some(index) = place.get(usize::from(owner)).copied().flatten() {
                stand_ins[index].push(self.stand_in(tag, owner)?);
            }
        }
        Ok(stand_ins)
    }

    /// A row in the name of a process that had no thread.
    pub(crate) fn claim_row_for(&self, process: u16) -> Result<Thread> {
        let named = Thread::join_reserve(&self.process)?;
        // From here on the row counts as the dead process's: a successor finds it as one of its threads.
        // Relaxed: until it does, it is one of this thread's process, whose rows are cleared alike.
        self.arena().thread(named.tag.0)?.claim.store(Claim::thread_of(process).0, Relaxed);
        let stand_in = self.stand_in(named.tag.0, process)?;
        named.leave_row();
        Ok(stand_in)
    }

    /// Step 4: the dead thread may have changed what a hazard names and not woken anybody.
    fn wake_hazarded(&self) -> Result<()> {
        skippable!(WakeHazarded);
        for hazard in self.row().hazards() {
            if let Some(object) = ObjectRef::from_link(hazard.load(Relaxed)) {
                for state in &self.arena().object(object.slot())?.state {
                    self.wake(state, State::ARMED | State::ARMED_WRITABLE);
                }
            }
        }
        Ok(())
    }

    /// Step 4: the news that matters most comes first. An end of a channel has one handle, and a side of a pair that
    /// is counted once has this one: nobody can make another, so its peer is closed.
    fn tell_peers_of(&self, process: u16) -> Result<()> {
        skippable!(TellPeers);
        for index in 1..self.arena().used_entries(process) {
            let entry = self.entry_of(process, index)?;
            if !entry.is_live() {
                continue;
            }
            let object = entry.object();
            let slot = self.arena().object(object.slot())?;
            let is_last = match Life(slot.life.load(Relaxed)).shape() {
                Some(Shape::Channel) => true,
                // ORDER: Acquire pairs with the Release of whoever took the last other reference: what it did
                // is seen by whoever is told here.
                Some(Shape::Pair) => Count(slot.count[object.side()].load(Acquire)).number() == 1,
                _ => false,
            };
            if is_last {
                self.tell_peer_closed(object)?;
            }
        }
        Ok(())
    }

    pub(crate) fn entry_of(&self, process: u16, index: u32) -> Result<Entry> {
        let cell = self.arena().entry(process, index).ok_or(Error::Corrupt("an entry is out of range"))?;
        Ok(Entry(cell.load(Relaxed)))
    }

    /// Step 6: the seats that these processes prepared for children they never reported are DEAD too, before their own
    /// rows are free again: then whoever recovers finds them by themselves. A child that attaches in time is watched
    /// by itself, and wins.
    pub(crate) fn doom_seats_of(&self, is_spawner: impl Fn(u16) -> bool) -> Result<()> {
        skippable!(DoomSeats);
        for row in 1..self.arena().layout().processes.count as u16 {
            let cell = &self.arena().process(row)?.claim;
            let claim = Claim(cell.load(Relaxed));
            if matches!(claim.process_state(), ProcessState::Starting(spawner) if is_spawner(spawner)) {
                // Relaxed: before this process's own row is free, which is a Release.
                let _ = cell.compare_exchange(claim.0, claim.dead().0, Relaxed, Relaxed);
            }
        }
        Ok(())
    }

    /// Step 7.
    pub(crate) fn clear_row(&self) {
        if is_skipped(Step::ClearRows) {
            return;
        }
        let row = self.row();
        self.set_operation(Operation::Idle);
        // Relaxed: the list has been worked, so this says nothing new.
        row.dying.store(0, Relaxed);
        // The tag of a row that there is has a place for its waits too.
        let _ = self.end_watch();
        (0..HAZARDS).for_each(|hazard| self.clear_hazard(hazard));
        // ORDER: Release pairs with the Acquire of the next claim.
        row.claim.store(0, Release);
    }

    /// Finds every RETIRED slot, whoever's private list names it: reclaiming is by exact word, so a list that is out
    /// of date does no harm. Gives how many slots are in use.
    pub(crate) fn gather_retired(&self) -> Result<u64> {
        skippable!(GatherRetired);
        let mut retired = self.retired.borrow_mut();
        let mut in_use = 0;
        for slot in self.arena().slots_in_use() {
            in_use += 1;
            let life = Life(self.arena().object(slot)?.life.load(Relaxed));
            if life.state() == LifeState::Retired {
                retired.push((slot, life));
            }
        }
        retired.sort_unstable();
        retired.dedup();
        Ok(in_use)
    }

    /// Reclaims every retired object that nobody names, whoever retired it. Gives how many.
    pub fn collect(&self) -> Result<usize> {
        self.gather_retired()?;
        self.reclaim()
    }

    /// Takes a seat over from its spawner: its child is watched now, and no longer dies with the spawner. For the
    /// supervisor alone.
    pub fn adopt_seat(&self, seat: Seat, occupant: impl Into<Occupant>) -> Result<bool> {
        let cell: &AtomicU64 = &self.arena().process(seat.row)?.claim;
        let claim = Claim(cell.load(Relaxed));
        if claim.epoch() != seat.epoch || !matches!(claim.process_state(), ProcessState::Starting(_)) {
            return Ok(false);
        }
        // INV-LEADER-2: before the seat is the supervisor's, it says whom the next supervisor would have to watch.
        self.arena().note_occupant(seat, occupant.into())?;
        // ORDER: Release: after the occupant, in the order that recovery sees.
        Ok(cell.compare_exchange(claim.0, claim.starting(Claim::NOBODY).0, Release, Relaxed).is_ok())
    }
}
