//! The steps of recovery by name, so that a test can leave one out and see whether anybody notices.
//!
//! A harness that never fails proves nothing. With the feature `skip-steps` (which only the crash tests switch on)
//! a process can leave a step of recovery out, for all of its threads and for good; without it the question below
//! is the constant `false`.

/// A step of recovery (`recover.rs`), in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
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

#[cfg(feature = "skip-steps")]
mod hook {
    use super::Step;
    use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

    impl Step {
        /// All of them.
        pub const ALL: [Step; 14] = [
            Step::SettleReference,
            Step::SettleLink,
            Step::SettleOperation,
            Step::SettleTable,
            Step::WakeHazarded,
            Step::TellPeers,
            Step::WorkDying,
            Step::CloseTable,
            Step::FreeInHand,
            Step::DoomSeats,
            Step::ClearRows,
            Step::FreeProcess,
            Step::RecoverUnfinished,
            Step::GatherRetired,
        ];
    }

    /// Private to the process, and set before anything is recovered: it publishes nothing.
    static SKIPPED: AtomicU32 = AtomicU32::new(0);

    /// Leaves the step out of every recovery that this process does from now on.
    pub fn skip_step(step: Step) {
        SKIPPED.fetch_or(1 << step as u32, Relaxed);
    }

    pub(crate) fn is_skipped(step: Step) -> bool {
        SKIPPED.load(Relaxed) & 1 << step as u32 != 0
    }
}

#[cfg(feature = "skip-steps")]
pub(crate) use hook::is_skipped;

#[cfg(feature = "skip-steps")]
pub use hook::skip_step;

/// Whether a test wants the step left out.
#[cfg(not(feature = "skip-steps"))]
#[inline(always)]
pub(crate) const fn is_skipped(_: Step) -> bool {
    false
}

/// Leaves a function whose whole work is this step, if a test wants it left out. Nothing at all otherwise.
macro_rules! skippable {
    ($step:ident) => {
        if $crate::sync::fail_point::is_skipped($crate::sync::fail_point::Step::$step) {
            return Ok(Default::default());
        }
    };
}

pub(crate) use skippable;
