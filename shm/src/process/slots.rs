//! How a process attaches to the arena: a process row is reserved for it, and it then attaches to that row.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::credit::Returned;
use crate::arena::word::leader::ProcessIdentity;
use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState, SlotState};
use crate::process::half::Halves;
use crate::process::handle_table::{EntryPool, HandleCodec};
use crate::process::quota::Quotas;
use crate::process::scavenger::Scavenger;
use crate::process::thread::Thread;
use crate::process::{Process, STARTUP_ENTRY};
use crate::sync::{self, Acquire, Grace, Lock, Relaxed, Release};
use std::sync::Arc;

pub(crate) fn reserve_slot(arena: &Arena, spawner: &Thread) -> Result<ProcessSlot> {
    for row in arena.process_rows() {
        let state = &arena.process(row)?.state;
        let free = RowState(state.load(Relaxed));
        if free.process_state() != ProcessState::Free {
            continue;
        }
        let starting = free.starting(spawner.table_row);
        // ORDER: Acquire pairs with the Release of recovery's last store: the row's table is clean.
        if state.compare_exchange(free.0, starting.0, Acquire, Relaxed).is_ok() {
            return Ok(ProcessSlot { row, epoch: free.epoch() });
        }
    }
    Err(Error::NoResources("process rows"))
}

/// The row of the first process.
const FIRST: ProcessIndex = ProcessIndex(1);

pub(crate) fn first_slot(arena: &Arena) -> Result<ProcessSlot> {
    // Relaxed: no other process has the arena yet.
    let row_state = RowState(arena.process(FIRST)?.state.load(Relaxed));
    let starting = row_state.starting(RowState::NO_SPAWNER);
    if row_state.process_state() != ProcessState::Free
        || arena.process(FIRST)?.state.compare_exchange(row_state.0, starting.0, Relaxed, Relaxed).is_err()
    {
        return Err(Error::NoResources("the first process row"));
    }
    Ok(ProcessSlot { row: FIRST, epoch: row_state.epoch() })
}

pub(crate) fn slot_state(arena: &Arena, process_slot: ProcessSlot) -> SlotState {
    // Relaxed: no other data is read on the strength of it.
    let row_state = arena.process(process_slot.row).map(|row| RowState(row.state.load(Relaxed)));
    let Some(row_state) = row_state.ok().filter(|row_state| row_state.epoch() == process_slot.epoch) else {
        return SlotState::Gone;
    };
    match row_state.process_state() {
        ProcessState::Starting(_) if row_state.is_admitted() => SlotState::Admitted,
        ProcessState::Starting(_) => SlotState::Waiting,
        ProcessState::Active => SlotState::Attached,
        ProcessState::Free | ProcessState::Dead => SlotState::Gone,
    }
}

pub(crate) fn is_attached(arena: &Arena, process_slot: ProcessSlot) -> bool {
    slot_state(arena, process_slot) == SlotState::Attached
}

pub(crate) fn attach(
    arena: Arc<Arena>,
    process_slot: ProcessSlot,
    identity: impl Into<ProcessIdentity>,
    seed: u32,
) -> Result<Arc<Process>> {
    let guard = crate::process::fork_guard::ForkGuard::new()?;
    let row = arena.process(process_slot.row)?;
    // Relaxed, here and for the startup handle: this process learned of its process slot by an exec or over a socket,
    // after every store to the slot.
    let row_state = RowState(row.state.load(Relaxed));
    let expected = matches!(row_state.process_state(), ProcessState::Starting(_))
        && row_state.epoch() == process_slot.epoch;
    if expected {
        // Registered before the row is ACTIVE: a reclaimer that sees the row relies on it.
        let fenced = !sync::register_barriers();
        // Relaxed: published by the word of the row.
        row.fenced.store(u64::from(fenced), Relaxed);
        row.answered.store(0, Relaxed);
        for word in &row.returned {
            word.store(Returned::none(process_slot.epoch), Relaxed);
        }
        let identity = identity.into();
        match ProcessIdentity::from_word(row.identity.load(Relaxed)) {
            recorded if recorded == ProcessIdentity::default() => {
                // ORDER: Release pairs with the Acquire of `identity` (`recovery/leader_election.rs`), as in
                // `record_identity`: a reader of this identity sees the process slot's epoch.
                row.identity.store(identity.to_word(), Release)
            }
            recorded if recorded.may_be(identity) => {}
            _ => {
                return Err(Error::BadState("the supervisor recorded another process number for this slot"));
            }
        }
    }
    // ORDER: Release publishes the words above (`fenced` is read by `barrier` in `handle/pin.rs`).
    if !expected || row.state.compare_exchange(row_state.0, row_state.active().0, Release, Relaxed).is_err() {
        return Err(Error::BadState(
            "the process slot was given up: its spawner died, or it was already taken",
        ));
    }
    let last = arena.layout().config.max_handles_per_process + 1;
    let process = Arc::new(Process {
        guard,
        row: process_slot.row,
        epoch: process_slot.epoch,
        codec: HandleCodec::new(seed),
        entries: Lock::new(EntryPool::new(STARTUP_ENTRY.0 + 1..last)),
        threads: Lock::new(0),
        orphans: Lock::new(Vec::new()),
        quotas: Quotas::new(&arena.layout().config, process_slot),
        halves: Halves::new(last as usize),
        #[cfg(not(loom))]
        maps: Lock::default(),
        grace: Grace::default(),
        scavenger: Scavenger::default(),
        has_one_processor: sync::has_one_processor(),
        arena,
    });
    process.advance_hwm(STARTUP_ENTRY.0 + 1);
    Ok(process)
}
