//! Leader election: one word names the process that runs the supervisor. Each row names its process, so that a new
//! leader can watch all of them.
//!
//! ```text
//!  63     52 51         32 31              0
//!  ┌────────┬─────────────┬────────────────┐
//!  │ row 12 │ epoch 20    │ term 32        │      0: no process has led yet
//!  └────────┴─────────────┴────────────────┘
//! ```
//!
//! Only a CAS of the exact word changes it, and only by a candidate that has proof that the named process is dead. The
//! term advances with every change. So the CAS of a candidate that was stopped after its proof fails if any other
//! process has led meanwhile.
//!
//! INV-LEADER-1: a leader is replaced only after its death; so at any time at most one living process leads.
//! INV-LEADER-2: a row names its identity before it leaves STARTING(spawner): a successor can watch every process that
//! has a process slot.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::leader::{Leader, Member, ProcessIdentity};
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::process::slots;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, Release};

pub(crate) fn leader(arena: &Arena) -> Leader {
    // ORDER: Acquire pairs with the Release of `try_become_leader`: the row that the word names has its identity.
    Leader(arena.header().leader.load(Acquire))
}

/// Records the identity of the process that has the process slot, or will have it, so that a later leader can watch it.
pub(crate) fn record_identity(
    arena: &Arena,
    process_slot: ProcessSlot,
    identity: ProcessIdentity,
) -> Result<()> {
    let row = arena.process(process_slot.row)?;
    // Relaxed: the caller has reserved the process slot, or serves the process that has it, so the epoch cannot change.
    if RowState(row.state.load(Relaxed)).epoch() != process_slot.epoch {
        return Err(Error::BadState("the process slot belongs to another process now"));
    }
    // ORDER: Release pairs with the Acquire of `identity`: a reader of this identity sees the process slot's epoch.
    row.identity.store(identity.to_word(), Release);
    Ok(())
}

pub(crate) fn identity(arena: &Arena, process_slot: ProcessSlot) -> Result<Option<ProcessIdentity>> {
    let row = arena.process(process_slot.row)?;
    // ORDER: Acquire pairs with the Release of `record_identity`: the claim is read after the identity. So if the claim
    // still has the epoch, the identity belongs to that epoch.
    let identity = ProcessIdentity::from_word(row.identity.load(Acquire));
    let row_state = RowState(row.state.load(Relaxed));
    let is_consumed =
        row_state.epoch() == process_slot.epoch && row_state.process_state() != ProcessState::Free;
    Ok(is_consumed.then_some(identity))
}

pub(crate) fn members(arena: &Arena) -> Result<Vec<Member>> {
    let mut all = Vec::new();
    for row in arena.process_rows() {
        // ORDER: Acquire pairs with the Release of `confirm_slot` and `attach`: the identity was recorded before.
        let row_state = RowState(arena.process(row)?.state.load(Acquire));
        let is_attached = match row_state.process_state() {
            ProcessState::Active => true,
            ProcessState::Starting(RowState::NO_SPAWNER) => false,
            _ => continue,
        };
        let process_slot = ProcessSlot { row, epoch: row_state.epoch() };
        if let Some(identity) = identity(arena, process_slot)? {
            all.push(Member { process_slot, identity, is_attached });
        }
    }
    Ok(all)
}

pub(crate) fn try_become_leader(thread: &Thread, old: Leader, process_slot: ProcessSlot) -> Result<bool> {
    if !slots::is_attached(thread.arena(), process_slot) {
        return Ok(false);
    }
    let new = old.succeeded_by(process_slot);
    // ORDER: Release pairs with the Acquire of `leader`: the row has its identity. The new leader needs no Acquire: the
    // proof of its predecessor's death comes after all of the predecessor's stores.
    Ok(thread.arena().header().leader.compare_exchange(old.0, new.0, Release, Relaxed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::word::reference::ProcessIndex;

    #[test]
    fn identity_and_leader_words_round_trip() {
        let identity = ProcessIdentity { pid: 4_194_303, started: 1 << 41 };
        assert_eq!(ProcessIdentity::from_word(identity.to_word()), identity);
        let process_slot = ProcessSlot { row: ProcessIndex(4095), epoch: 0xf_ffff };
        let leader = Leader(0).succeeded_by(process_slot).succeeded_by(process_slot);
        assert_eq!((leader.process_slot(), leader.term()), (Some(process_slot), 2));
        assert_eq!(Leader(0).process_slot(), None);
    }
}
