//! Which process runs the supervisor: one word, and what its successor needs to know of everybody.
//!
//! ```text
//!  63     52 51         32 31              0
//!  ┌────────┬─────────────┬────────────────┐
//!  │ row 12 │ epoch 20    │ term 32        │      0: nobody has led yet
//!  └────────┴─────────────┴────────────────┘
//! ```
//!
//! Only a CAS of the exact word changes it, and only by one who has proof that the process it names is dead. The
//! term advances with every change, so a candidate that was stopped between its proof and its CAS fails, whoever
//! has led and died meanwhile.
//!
//! INV-LEADER-1: a leader is replaced only after its death; so at any time at most one living process leads.
//! INV-LEADER-2: a row names its identity before it leaves STARTING(spawner): a successor can watch whoever is
//! seated.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::leader::{Leader, Member, ProcessIdentity};
use crate::arena::word::row::{ProcessSlot, ProcessState, RowState};
use crate::process::slots;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, Release};

pub(crate) fn leader(arena: &Arena) -> Leader {
    // ORDER: Acquire pairs with the Release of `try_become_leader`: the row that it names says who it is.
    Leader(arena.header().leader.load(Acquire))
}

/// Notes which process has the process slot, or will have it, for whoever has to watch it later: before it is adopted.
pub(crate) fn record_identity(
    arena: &Arena,
    process_slot: ProcessSlot,
    identity: ProcessIdentity,
) -> Result<()> {
    let row = arena.process(process_slot.row)?;
    // Relaxed: whoever notes it has reserved the process slot, or serves its process.
    if RowState(row.claim.load(Relaxed)).epoch() != process_slot.epoch {
        return Err(Error::BadState("the process slot is another's by now"));
    }
    // ORDER: Release pairs with the Acquire of `identity`: who sees this one sees the process slot's epoch.
    row.identity.store(identity.to_word(), Release);
    Ok(())
}

pub(crate) fn identity(arena: &Arena, process_slot: ProcessSlot) -> Result<Option<ProcessIdentity>> {
    let row = arena.process(process_slot.row)?;
    // ORDER: Acquire, so the look below is not older than this one: the identity is of this epoch.
    let identity = ProcessIdentity::from_word(row.identity.load(Acquire));
    let claim = RowState(row.claim.load(Relaxed));
    let is_consumed = claim.epoch() == process_slot.epoch && claim.process_state() != ProcessState::Free;
    Ok(is_consumed.then_some(identity))
}

pub(crate) fn members(arena: &Arena) -> Result<Vec<Member>> {
    let mut all = Vec::new();
    for row in 1..arena.layout().processes.count as u16 {
        // ORDER: Acquire pairs with the Release of `confirm_slot` and `attach`: the identity was noted before.
        let claim = RowState(arena.process(row)?.claim.load(Acquire));
        let is_attached = match claim.process_state() {
            ProcessState::Active => true,
            ProcessState::Starting(RowState::NOBODY) => false,
            _ => continue,
        };
        let process_slot = ProcessSlot { row, epoch: claim.epoch() };
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
    // ORDER: Release pairs with the Acquire of `leader`: the row says who it is. What its predecessor has done the
    // successor sees by that one's death.
    Ok(thread.arena().header().leader.compare_exchange(old.0, new.0, Release, Relaxed).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_they_say() {
        let identity = ProcessIdentity { pid: 4_194_303, started: 1 << 41 };
        assert_eq!(ProcessIdentity::from_word(identity.to_word()), identity);
        let process_slot = ProcessSlot { row: 4095, epoch: 0xf_ffff };
        let leader = Leader(0).succeeded_by(process_slot).succeeded_by(process_slot);
        assert_eq!((leader.process_slot(), leader.term()), (Some(process_slot), 2));
        assert_eq!(Leader(0).process_slot(), None);
    }
}
