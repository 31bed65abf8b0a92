//! The steps of recovery by name, so that a test can leave one out and see that the harness finds it.
//!
//! A harness that never fails proves nothing. But no library may be able to leave a step out: so neither a feature
//! nor a variable here says so. `jacinth-crash` overwrites [`is_skipped`] in the code of its own process.

/// A step of recovery (`recover.rs`), in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// Settling count changes.
    SettleReference,
    /// Settling blocks that were being linked.
    SettleLink,
    /// Looking whether operations had committed.
    SettleOperation,
    /// Settling the entries of the table.
    SettleTable,
    /// Waking whoever waits on what a hazard names.
    WakeHazarded,
    /// Telling the peers of channels before anything else is done. Closing the table tells them again.
    TellPeers,
    /// Working the release queues.
    WorkDying,
    /// Closing the handles of the table.
    CloseTable,
    /// Freeing slots in hand.
    FreeInHand,
    /// Giving up the process slots that the process had prepared.
    DoomSeats,
    /// Clearing and freeing the thread rows.
    ClearRows,
    /// Freeing the process row.
    FreeProcess,
    /// Recovering the rows that are dead besides.
    RecoverUnfinished,
    /// Finding retired slots that only the dead knew of.
    GatherRetired,
}

/// Whether the step is left out: never. The compiler cannot see that, so the question is asked; once for each step of a
/// recovery, which costs nothing beside it.
#[inline(never)]
pub(crate) fn is_skipped(step: Step) -> bool {
    const NONE: u32 = u8::MAX as u32;
    core::hint::black_box(u32::from(step as u8)) > NONE
}

/// Leaves a function whose whole work is this step, if the step is left out.
macro_rules! skippable {
    ($step:ident) => {
        if $crate::sync::fail_point::is_skipped($crate::sync::fail_point::Step::$step) {
            return Ok(Default::default());
        }
    };
}

pub(crate) use skippable;
