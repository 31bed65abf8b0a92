//! The steps of recovery, one function each, in the order of the folder's first page.

use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARDS;
use crate::arena::word::handle::Entry;
use crate::arena::word::intent::Operation;
use crate::arena::word::leader::ProcessIdentity;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::arena::word::signals::State;
use crate::handle::pin;
use crate::memory::{give_back, returned_credits};
use crate::object::ObjectClass;
use crate::process::rows;
use crate::process::thread::{Thread, crash_point};
use crate::recovery::report::Recovered;
use crate::recovery::{leader_election, resolve_intents};
use crate::signal::{set, wake, watch};
use crate::sync::fail_point::{Step, is_skipped, skippable};
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// Step 1: the row becomes DEAD. `None` when the process slot is free, or another's, by now.
pub(crate) fn declare_dead(
    thread: &Thread,
    process_slot: ProcessSlot,
    also: &[ProcessState],
) -> Result<Option<RowState>> {
    let row = thread.arena().process(process_slot.row)?;
    let claim = RowState(row.claim.load(Relaxed));
    let state = claim.process_state();
    if claim.epoch() != process_slot.epoch || state == ProcessState::Free {
        return Ok(None);
    }
    if state != ProcessState::Dead {
        let may = matches!(state, ProcessState::Starting(_)) || also.contains(&state);
        // By CAS of the word that was judged: a child that has just attached is not dead. ORDER:
        // Acquire: none of recovery's stores comes before it, or a successor would not know that it had begun.
        if !may || row.claim.compare_exchange(claim.0, claim.dead().0, Acquire, Relaxed).is_err() {
            return Err(Error::BadState("the process slot was taken while it was given up"));
        }
    }
    crash_point!(thread, "recover.dead");
    Ok(Some(claim.dead()))
}

/// Steps 2 to 4, for one process: what its threads were in the middle of is settled, and others are told.
pub(crate) fn resolve_and_notify(
    thread: &Thread,
    process_slot: ProcessSlot,
    adopted_rows: &[Thread],
    recovered: &mut Recovered,
) -> Result<()> {
    let mut resolutions = Vec::new();
    for adopted in adopted_rows {
        resolve_intents::resolve_refcount_intent(adopted, recovered)?;
        resolve_intents::resolve_list_intent(adopted, recovered)?;
        resolutions.extend(resolve_intents::resolve_operation(adopted, recovered)?);
        crash_point!(thread, "recover.settled");
    }
    returned_credits::count_death(thread.arena());
    resolve_intents::resolve_table(thread, process_slot.row, &resolutions)?;
    crash_point!(thread, "recover.table");
    // What they named has been done; a successor must not judge by objects that have lived again since.
    adopted_rows.iter().for_each(|adopted| adopted.set_operation(Operation::Idle));
    for adopted in adopted_rows {
        wake_hazarded(adopted)?;
    }
    tell_peers_of(thread, process_slot.row)?;
    crash_point!(thread, "recover.told");
    Ok(())
}

/// Step 7: the process's row is free again.
pub(crate) fn free_process_slot(thread: &Thread, row_index: u16, dead: RowState) -> Result<()> {
    let row = thread.arena().process(row_index)?;
    // Relaxed: nobody watches who sat in a process slot that is DEAD. Nor is a death notice believed; a thread of the dead that
    // has not come to it yet leaves alone what does not name it (INV-TRIP-2).
    row.identity.store(0, Relaxed);
    row.death_notice.store(0, Relaxed);
    give_back::give_table_back(thread.arena(), row_index);
    // ORDER: Release, and last: whoever claims the row finds its table clean.
    if !is_skipped(Step::FreeProcess) {
        row.claim.store(dead.freed().0, Release);
    }
    Ok(())
}

/// The rows that are DEAD.
pub(crate) fn dead_slots(thread: &Thread) -> Result<Vec<ProcessSlot>> {
    let mut dead = Vec::new();
    skippable!(RecoverUnfinished);
    for row in 1..thread.arena().layout().processes.count as u16 {
        let claim = RowState(thread.arena().process(row)?.claim.load(Relaxed));
        if claim.process_state() == ProcessState::Dead {
            dead.push(ProcessSlot { row, epoch: claim.epoch() });
        }
    }
    Ok(dead)
}

/// A adopted row for every thread that each of these processes had; one walk for all of them.
pub(crate) fn adopt_rows(thread: &Thread, process_slots: &[ProcessSlot]) -> Result<Vec<Vec<Thread>>> {
    let mut place = vec![None; thread.arena().layout().processes.count];
    for (index, process_slot) in process_slots.iter().enumerate() {
        *place
            .get_mut(usize::from(process_slot.row))
            .ok_or(Error::Corrupt("a process row is out of range"))? = Some(index);
    }
    let mut adopted_rows: Vec<Vec<Thread>> = process_slots.iter().map(|_| Vec::new()).collect();
    for tag in thread.arena().thread_tags() {
        let owner = RowState(thread.arena().thread(tag)?.claim.load(Relaxed)).thread_owner();
        let Some(owner) = owner else { continue };
        if let Some(index) = place.get(usize::from(owner)).copied().flatten() {
            adopted_rows[index].push(thread.adopt_row(tag, owner)?);
        }
    }
    Ok(adopted_rows)
}

/// A row in the name of a process that had no thread.
pub(crate) fn claim_row_for(thread: &Thread, process: u16) -> Result<Thread> {
    let named = rows::join_reserve(&thread.process)?;
    // From here on the row counts as the dead process's: a successor finds it as one of its threads.
    // Relaxed: until it does, it is one of this thread's process, whose rows are cleared alike.
    thread.arena().thread(named.tag.0)?.claim.store(RowState::thread_of(process).0, Relaxed);
    let adopted = thread.adopt_row(named.tag.0, process)?;
    named.abandon_row();
    Ok(adopted)
}

/// Step 4: the dead thread may have changed what a hazard names and not woken anybody.
fn wake_hazarded(thread: &Thread) -> Result<()> {
    skippable!(WakeHazarded);
    for hazard in thread.row().hazards() {
        if let Some(object) = ObjectRef::from_link(hazard.load(Relaxed)) {
            for state in &thread.arena().object(object.slot())?.state {
                wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
            }
        }
    }
    Ok(())
}

/// Step 4: the news that matters most comes first. An end of a channel has one handle, and a side of a pair that
/// is counted once has this one: nobody can make another, so its peer is closed.
fn tell_peers_of(thread: &Thread, process: u16) -> Result<()> {
    skippable!(TellPeers);
    for index in 1..thread.arena().used_entries(process) {
        let entry = entry_of(thread, process, index)?;
        if !entry.is_live() {
            continue;
        }
        let object = entry.object();
        let slot = thread.arena().object(object.slot())?;
        let lifecycle = Lifecycle(slot.lifecycle.load(Relaxed));
        // ORDER: Acquire pairs with the Release of the thread that took the last other reference: whoever is told here
        // sees what it did.
        let is_last = lifecycle.is_two_sided()
            && ObjectClass::of(lifecycle).is_ok_and(|class| {
                class.is_unique() || Count(slot.count[object.side()].load(Acquire)).number() == 1
            });
        if is_last {
            set::tell_peer_closed(thread, object)?;
        }
    }
    Ok(())
}

pub(crate) fn entry_of(thread: &Thread, process: u16, index: u32) -> Result<Entry> {
    let cell = thread.arena().entry(process, index).ok_or(Error::Corrupt("an entry is out of range"))?;
    Ok(Entry(cell.load(Relaxed)))
}

/// Step 6: the process slots that these processes prepared for children they never reported are DEAD too, before their own
/// rows are free again: then whoever recovers finds them by themselves. A child that attaches in time is watched
/// by itself, and wins.
pub(crate) fn fail_pending_slots(thread: &Thread, is_spawner: impl Fn(u16) -> bool) -> Result<()> {
    skippable!(DoomSeats);
    for row in 1..thread.arena().layout().processes.count as u16 {
        let cell = &thread.arena().process(row)?.claim;
        let claim = RowState(cell.load(Relaxed));
        if matches!(claim.process_state(), ProcessState::Starting(spawner) if is_spawner(spawner)) {
            // Relaxed: before this process's own row is free, which is a Release.
            let _ = cell.compare_exchange(claim.0, claim.dead().0, Relaxed, Relaxed);
        }
    }
    Ok(())
}

/// Step 7.
pub(crate) fn clear_row(thread: &Thread) {
    if is_skipped(Step::ClearRows) {
        return;
    }
    let row = thread.row();
    thread.set_operation(Operation::Idle);
    // Relaxed: the list has been worked, so this says nothing new.
    row.release_queue.store(0, Relaxed);
    // The tag of a row that there is has a place for its waits too.
    let _ = watch::end_watch(thread);
    (0..HAZARDS).for_each(|hazard| pin::clear_hazard(thread, hazard));
    // ORDER: Release pairs with the Acquire of the next claim.
    row.claim.store(0, Release);
}

pub(crate) fn confirm_slot(
    thread: &Thread,
    process_slot: ProcessSlot,
    identity: impl Into<ProcessIdentity>,
) -> Result<bool> {
    let cell: &AtomicU64 = &thread.arena().process(process_slot.row)?.claim;
    let claim = RowState(cell.load(Relaxed));
    if claim.epoch() != process_slot.epoch || !matches!(claim.process_state(), ProcessState::Starting(_)) {
        return Ok(false);
    }
    // INV-LEADER-2: before the process slot is the supervisor's, it says whom the next supervisor would have to watch.
    leader_election::record_identity(thread.arena(), process_slot, identity.into())?;
    // ORDER: Release: after the identity, in the order that recovery sees.
    Ok(cell.compare_exchange(claim.0, claim.starting(RowState::NOBODY).0, Release, Relaxed).is_ok())
}
