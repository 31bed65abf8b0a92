//! The steps of recovery, one function each, in the order of the folder's first page.

use crate::arena::error::{Error, Result, UnlessDied};
use crate::arena::record::row::{HAZARD_OBSERVED, HAZARD_PORT, HAZARDS};
use crate::arena::word::handle::{Entry, EntryIndex};
use crate::arena::word::intent::Operation;
use crate::arena::word::leader::ProcessIdentity;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::{ObjectRef, ProcessIndex};
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState, SlotState, Waiting};
use crate::arena::word::signals::State;
use crate::handle::pin;
use crate::memory::{decommit, returned_credits};
use crate::object::{ObjectClass, port};
use crate::process::rows;
use crate::process::slots;
use crate::process::thread::{Thread, crash_point};
use crate::recovery::report::Recovered;
use crate::recovery::{leader_election, resolve_intents};
use crate::signal::{set, wake, watch};
use crate::sync::fail_point::{Step, fail_point, is_skipped};
use crate::sync::trace::trace_event;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release, SeqCst, fence};

/// Step 1: the row becomes DEAD. `None` when the process slot is free by now, or belongs to another process.
pub(crate) fn declare_dead(
    thread: &Thread,
    process_slot: ProcessSlot,
    also: &[ProcessState],
) -> Result<Option<RowState>> {
    let row = thread.arena().process(process_slot.row)?;
    let row_state = RowState(row.state.load(Relaxed));
    let state = row_state.process_state();
    if row_state.epoch() != process_slot.epoch || state == ProcessState::Free {
        return Ok(None);
    }
    if state != ProcessState::Dead {
        let may = matches!(state, ProcessState::Starting(_)) || also.contains(&state);
        // CAS of the word that was judged: a child that has just attached is not dead.
        // ORDER: Acquire: none of recovery's stores comes before DEAD, or a successor would not know that recovery had
        // begun.
        if !may || row.state.compare_exchange(row_state.0, row_state.dead().0, Acquire, Relaxed).is_err() {
            return Err(Error::BadState("the process slot was taken before it became DEAD"));
        }
    }
    crash_point!(thread, "recover.dead");
    trace_event!(?process_slot, "process declared dead");
    Ok(Some(row_state.dead()))
}

/// Steps 2 to 4, for one process: its threads' in-doubt intents are resolved, and other processes are notified.
pub(crate) fn resolve_and_notify(
    thread: &Thread,
    process_slot: ProcessSlot,
    adopted_rows: &[Thread],
    recovered: &mut Recovered,
) -> Result<()> {
    // All threads before the table: an entry names one of the threads, and is resolved by that thread's operation.
    let mut resolutions = Vec::new();
    for adopted in adopted_rows {
        // First: ending a handle's observers, in the dead thread's name, makes this hazard name other ports.
        resolve_port(adopted)?;
        resolve_intents::resolve_refcount_intent(adopted, recovered)?;
        resolve_intents::resolve_list_intent(adopted, recovered)?;
        resolutions.extend(resolve_intents::resolve_operation(adopted, recovered)?);
        crash_point!(thread, "recover.resolved");
    }
    // Credits may have been lost with the dead threads; a process that runs out of credits counts again after this.
    returned_credits::count_death(thread.arena());
    resolve_intents::resolve_table(thread, process_slot.row, &resolutions)?;
    crash_point!(thread, "recover.table");
    // The operations are resolved, and must be idle before step 5 frees objects: a successor would otherwise judge them
    // by slots that are in use again.
    adopted_rows.iter().for_each(|adopted| adopted.set_operation(Operation::Idle));
    for adopted in adopted_rows {
        wake_hazard_waiters(adopted)?;
    }
    tell_peers_of(thread, process_slot.row)?;
    crash_point!(thread, "recover.told");
    trace_event!(?process_slot, "in-doubt intents resolved, peers notified");
    Ok(())
}

/// Step 7: the process's row is free again.
pub(crate) fn free_process_slot(thread: &Thread, row_index: ProcessIndex, dead: RowState) -> Result<()> {
    let row = thread.arena().process(row_index)?;
    // Relaxed: no reader uses the identity in a DEAD process slot, and no reader takes a death notice for a proof. If a
    // thread of the dead process has yet to end, the kernel leaves a word alone that does not name that thread
    // (INV-NOTICE-2).
    row.identity.store(0, Relaxed);
    row.death_notice.store(0, Relaxed);
    decommit::decommit_table(thread.arena(), row_index);
    // ORDER: Release, and last: the process that claims the row next finds its table clean.
    if !is_skipped(Step::FreeProcess) {
        row.state.store(dead.freed().0, Release);
    }
    Ok(())
}

/// The rows that are DEAD.
pub(crate) fn dead_slots(thread: &Thread) -> Result<Vec<ProcessSlot>> {
    let mut dead = Vec::new();
    fail_point!(RecoverUnfinished);
    for row in thread.arena().process_rows() {
        let row_state = RowState(thread.arena().process(row)?.state.load(Relaxed));
        if row_state.process_state() == ProcessState::Dead {
            dead.push(ProcessSlot { row, epoch: row_state.epoch() });
        }
    }
    Ok(dead)
}

/// An adopted row for every thread that each of these processes had; one walk for all of them.
pub(crate) fn adopt_rows(thread: &Thread, process_slots: &[ProcessSlot]) -> Result<Vec<Vec<Thread>>> {
    let mut place = vec![None; thread.arena().layout().processes.count];
    for (index, process_slot) in process_slots.iter().enumerate() {
        *place
            .get_mut(usize::from(process_slot.row.0))
            .ok_or(Error::Corrupt("a process row is out of range"))? = Some(index);
    }
    let mut adopted_rows: Vec<Vec<Thread>> = process_slots.iter().map(|_| Vec::new()).collect();
    for tag in thread.arena().thread_tags() {
        let owner = RowState(thread.arena().thread(tag)?.state.load(Relaxed)).thread_owner();
        let Some(owner) = owner else { continue };
        if let Some(index) = place.get(usize::from(owner.0)).copied().flatten() {
            adopted_rows[index].push(thread.adopt_row(tag, owner)?);
        }
    }
    Ok(adopted_rows)
}

/// A new row in the name of a dead process that had no thread.
pub(crate) fn claim_row_for(thread: &Thread, process: ProcessIndex) -> Result<Thread> {
    let named = rows::join_reserve(&thread.process)?;
    // From here on the row counts as the dead process's: a successor finds it among that process's threads.
    // Relaxed: until the store is visible, the row belongs to this thread's process, and the recovery of that process
    // clears the row too.
    thread.arena().thread(named.tag)?.state.store(RowState::thread_of(process).0, Relaxed);
    let adopted = thread.adopt_row(named.tag, process)?;
    named.abandon_row();
    Ok(adopted)
}

/// Step 2, ports: the dead thread may have been at a cell of the port that this hazard names.
fn resolve_port(thread: &Thread) -> UnlessDied {
    let hazard = ObjectRef::from_link(thread.row().hazards()[HAZARD_PORT].load(Relaxed));
    hazard.map_or(Ok(()), |port| port::recover::resolve_if_port(thread, port.slot()))
}

/// Step 4: the dead thread may have changed an object that its hazard names, without waking the object's waiters and
/// evaluating its observers. It may have left a port in the middle of an operation.
fn wake_hazard_waiters(thread: &Thread) -> Result<()> {
    fail_point!(WakeHazardWaiters);
    let named = |hazard: &AtomicU64| ObjectRef::from_link(hazard.load(Relaxed)).map(ObjectRef::slot);
    let hazards = thread.row().hazards();
    // ORDER: the fence that the dead thread has not passed: it may have changed a word that signals are derived from, and a
    // sleeper that missed the change has armed by now.
    fence(SeqCst);
    for slot in hazards.iter().filter_map(named) {
        for state in &thread.arena().object(slot)?.state {
            wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
        }
    }
    // Evaluating writes HAZARD_PORT and HAZARD_OBSERVED of this row. A successor must find what they name until it is
    // resolved, so these two come first.
    let first = [HAZARD_PORT, HAZARD_OBSERVED].into_iter();
    for hazard in first.chain((0..HAZARDS).filter(|hazard| !matches!(*hazard, HAZARD_PORT | HAZARD_OBSERVED)))
    {
        if let Some(slot) = named(&hazards[hazard]) {
            port::recover::resolve(thread, slot)?;
        }
    }
    Ok(())
}

/// Step 4: PEER_CLOSED is set before the long work, because it is the change that other processes wait for. A channel
/// end has one handle, and a side of a pair with a count of 1 has this handle only: no thread can make another one, so
/// the side has ended.
fn tell_peers_of(thread: &Thread, process: ProcessIndex) -> Result<()> {
    fail_point!(TellPeers);
    for index in (1..thread.arena().used_entries(process)).map(EntryIndex) {
        let entry = entry_of(thread, process, index)?;
        if !entry.is_live() {
            continue;
        }
        let object = entry.object();
        let slot = thread.arena().object(object.slot())?;
        let lifecycle = Lifecycle(slot.lifecycle.load(Relaxed));
        // ORDER: Acquire pairs with the Release of the thread that dropped the last other reference: a waiter that is
        // notified here sees all that this thread did before.
        let is_alone = |class: ObjectClass| {
            class.is_unique() || Count(slot.count[object.side()].load(Acquire)).number() == 1
        };
        if let Ok(class) = ObjectClass::of(lifecycle)
            && lifecycle.is_two_sided()
            && is_alone(class)
        {
            // The peer must not see PEER_CLOSED before a message that was sent.
            class.complete(thread, object)?;
            // Nor do its observers miss the message, or the room, that came before.
            set::evaluate_if_observed(thread, object.peer())?;
            set::tell_peer_closed(thread, object)?;
        }
    }
    Ok(())
}

pub(crate) fn entry_of(thread: &Thread, process: ProcessIndex, index: EntryIndex) -> Result<Entry> {
    let cell = thread.arena().entry(process, index).ok_or(Error::Corrupt("an entry is out of range"))?;
    Ok(Entry(cell.load(Relaxed)))
}

/// Step 6: the process slots that these processes prepared for children that they never reported become DEAD too,
/// before the spawners' own rows are free: then a successor finds them without the spawners. A child that attaches in
/// time wins the CAS, and is watched by itself.
pub(crate) fn fail_pending_slots(thread: &Thread, is_spawner: impl Fn(ProcessIndex) -> bool) -> Result<()> {
    fail_point!(FailPendingSlots);
    for row in thread.arena().process_rows() {
        let cell = &thread.arena().process(row)?.state;
        let row_state = RowState(cell.load(Relaxed));
        if matches!(row_state.process_state(), ProcessState::Starting(spawner) if is_spawner(spawner)) {
            // Relaxed: the Release that frees the spawner's own row comes after.
            let _ = cell.compare_exchange(row_state.0, row_state.dead().0, Relaxed, Relaxed);
        }
    }
    Ok(())
}

/// Step 7, for one thread: its row is free again.
pub(crate) fn clear_row(thread: &Thread) {
    if is_skipped(Step::ClearRows) {
        return;
    }
    let row = thread.row();
    thread.set_waiting(Waiting::AWAKE);
    thread.set_operation(Operation::Idle);
    // Relaxed: the queue has been run, so it is empty already.
    row.release_queue.store(0, Relaxed);
    // Cannot fail: every valid tag has a watch.
    let _ = watch::end_watch(thread);
    (0..HAZARDS).for_each(|hazard| pin::clear_hazard(thread, hazard));
    // ORDER: Release pairs with the Acquire of the thread that takes the row next.
    row.state.store(0, Release);
}

pub(crate) fn confirm_slot(
    thread: &Thread,
    process_slot: ProcessSlot,
    identity: impl Into<ProcessIdentity>,
) -> Result<bool> {
    let cell: &AtomicU64 = &thread.arena().process(process_slot.row)?.state;
    let row_state = RowState(cell.load(Relaxed));
    // The row of an admitted process has its identity already, and that process may be attaching now.
    if row_state.epoch() != process_slot.epoch
        || !matches!(row_state.process_state(), ProcessState::Starting(_))
        || row_state.is_admitted()
    {
        return Ok(false);
    }
    // INV-LEADER-2: the identity comes before the process slot passes to the supervisor. So if this supervisor dies,
    // the next one knows which process to watch.
    leader_election::record_identity(thread.arena(), process_slot, identity.into())?;
    // ORDER: Release pairs with the Acquire of `members`, and comes after the identity in the order that recovery sees.
    Ok(cell
        .compare_exchange(row_state.0, row_state.starting(RowState::NO_SPAWNER).0, Release, Relaxed)
        .is_ok())
}

/// Gives the process slot to the process that asks for it, unless another one has it. The state after that: `Admitted`
/// means that this process has it.
///
/// A slot that two processes ask for goes to one of them, and its identity does not change any more: so no process
/// attaches to a row that names another one.
pub(crate) fn admit_to_slot(
    thread: &Thread,
    process_slot: ProcessSlot,
    identity: ProcessIdentity,
) -> Result<SlotState> {
    let state = slots::slot_state(thread.arena(), process_slot);
    let is_its_own = |recorded: ProcessIdentity| recorded.may_be(identity);
    match state {
        SlotState::Waiting => {}
        // It asks again: its supervisor died before the answer, or its first attempt to attach failed.
        SlotState::Admitted
            if leader_election::identity(thread.arena(), process_slot)?.is_some_and(is_its_own) =>
        {
            return Ok(SlotState::Admitted);
        }
        SlotState::Admitted | SlotState::Attached => return Ok(SlotState::Attached),
        SlotState::Gone => return Ok(SlotState::Gone),
    }
    let cell: &AtomicU64 = &thread.arena().process(process_slot.row)?.state;
    let row_state = RowState(cell.load(Relaxed));
    // INV-LEADER-2: as in `confirm_slot`.
    leader_election::record_identity(thread.arena(), process_slot, identity)?;
    // ORDER: Release pairs with the Acquire of `members`, and comes after the identity in the order that recovery sees.
    match cell.compare_exchange(row_state.0, row_state.admitted().0, Release, Relaxed) {
        Ok(_) => Ok(SlotState::Admitted),
        // A program that attaches without having asked, as some tests do, was quicker.
        Err(_) => Ok(slots::slot_state(thread.arena(), process_slot)),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::arena::config::Config;
    use crate::arena::word::handle::Rights;
    use crate::arena::word::intent::{Change, HandleLocation};
    use crate::object::directory::meet::Meeting;
    use crate::process::Process;
    use crate::refcount;
    use std::sync::Arc;

    #[test]
    fn a_slot_admits_one_process() {
        // A small one: an arena on the heap is all written.
        let config =
            Config { max_objects: 64, pool_bytes: 1 << 16, max_loan_bytes: 1 << 13, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let first = Process::attach(arena.clone(), arena.first_slot().unwrap(), 1, 1).unwrap();
        let supervisor = Thread::join(&first).unwrap();
        let slot = arena.reserve_slot(&supervisor).unwrap();
        let process = |pid| ProcessIdentity { pid, started: 5 };
        let admit = |pid| admit_to_slot(&supervisor, slot, process(pid)).unwrap();
        assert_eq!(arena.slot_state(slot), SlotState::Waiting);
        // A child that was reported may start the program that takes its slot.
        assert!(confirm_slot(&supervisor, slot, process(6)).unwrap());
        assert_eq!(admit(7), SlotState::Admitted);
        assert_eq!(admit(8), SlotState::Attached, "another process has it");
        assert!(!confirm_slot(&supervisor, slot, process(9)).unwrap());
        assert_eq!(arena.identity(slot).unwrap(), Some(process(7)), "neither has left its name");
        assert_eq!(admit(7), SlotState::Admitted, "its own process may ask again");
        assert!(Process::attach(arena.clone(), slot, process(8), 1).is_err());
        let attached = Process::attach(arena.clone(), slot, process(7), 1).unwrap();
        assert_eq!((arena.slot_state(slot), admit(7)), (SlotState::Attached, SlotState::Attached));
        drop(attached);
        supervisor.recover(slot).unwrap();
        assert_eq!((arena.slot_state(slot), admit(7)), (SlotState::Gone, SlotState::Gone));
    }

    /// A hazard that was to name a port may name a listener that has the slot now. To close what is queued there, recovery
    /// needs the dead thread's row, in which a close of its own may be unfinished.
    #[test]
    fn an_ended_listener_disturbs_no_intent() {
        let config =
            Config { max_objects: 64, pool_bytes: 1 << 16, max_loan_bytes: 1 << 13, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let first = Process::attach(arena.clone(), arena.first_slot().unwrap(), 1, 1).unwrap();
        let supervisor = Thread::join(&first).unwrap();
        let slot = arena.reserve_slot(&supervisor).unwrap();
        let victim = Thread::join(&Process::attach(arena.clone(), slot, 2, 2).unwrap()).unwrap();
        let event = |thread: &Thread| thread.create(ObjectClass::Event, Rights::all()).unwrap().0;

        let directory = supervisor.open_root(Rights::all()).unwrap();
        let at = Meeting { directory, rights: Rights::empty(), name: "log", deadline_ns: 0 };
        let listener = supervisor.serve(at, Rights::all()).unwrap();
        supervisor.connect(at, event(&supervisor)).unwrap();
        let listener = supervisor.lookup(listener).unwrap();
        refcount::drop_handle(&supervisor, listener).unwrap();

        let closing = victim.lookup(event(&victim)).unwrap();
        let location = HandleLocation::Entry { process: victim.table_row, index: closing.index };
        victim.intend(Change::Decrement, closing.entry.object(), location);
        let cell = arena.entry(victim.table_row, closing.index).unwrap();
        cell.store(closing.entry.closing(victim.tag).0, Relaxed);
        victim.row().hazards()[HAZARD_PORT].store(listener.entry.object().to_link(), Relaxed);
        core::mem::forget(victim);

        supervisor.recover(slot).unwrap();
        supervisor.close(supervisor.lookup(directory).unwrap()).unwrap();
        let audit = arena.audit();
        assert!(audit.is_clean() && audit.objects == 0, "{audit}");
    }
}
