//! Recovery without one of its steps: the harness must find the defects that this causes.

use clap::ValueEnum;
use jacinth_shm::Step;
use serde::{Deserialize, Serialize};

/// A step of recovery, in the order of `docs/crash-recovery.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryStep {
    /// Resolving in-doubt changes of reference counts
    ResolveReference,
    /// Resolving blocks that were being linked
    ResolveLink,
    /// Finding out whether operations had committed
    ResolveOperation,
    /// Resolving the entries of the handle table
    ResolveTable,
    /// Waking the waiters of objects that a hazard names
    WakeHazarded,
    /// Telling peers before anything is closed
    TellPeers,
    /// Freeing the slot in hand
    FreeSlotInHand,
    /// Running the teardown queues
    RunTeardown,
    /// Closing the handles of the table
    CloseTable,
    /// Giving up the process slots that were reserved for children
    FailPendingSlots,
    /// Clearing and freeing the thread rows
    ClearRows,
    /// Freeing the process row
    FreeProcess,
    /// Finding other rows that are DEAD
    FindDead,
    /// Finding retired slots that only the dead threads knew of
    GatherRetired,
}

impl RecoveryStep {
    /// Recovery leaves the step out from now on, in this process.
    pub fn omit(self) {
        jacinth_shm::skip_step(match self {
            Self::ResolveReference => Step::SettleReference,
            Self::ResolveLink => Step::SettleLink,
            Self::ResolveOperation => Step::SettleOperation,
            Self::ResolveTable => Step::SettleTable,
            Self::WakeHazarded => Step::WakeHazarded,
            Self::TellPeers => Step::TellPeers,
            Self::FreeSlotInHand => Step::FreeInHand,
            Self::RunTeardown => Step::WorkDying,
            Self::CloseTable => Step::CloseTable,
            Self::FailPendingSlots => Step::DoomSeats,
            Self::ClearRows => Step::ClearRows,
            Self::FreeProcess => Step::FreeProcess,
            Self::FindDead => Step::RecoverUnfinished,
            Self::GatherRetired => Step::GatherRetired,
        });
    }
}
