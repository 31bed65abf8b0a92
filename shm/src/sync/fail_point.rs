//! The steps of recovery by name, so that a test can leave one out and see that the harness finds it.
//!
//! A harness that never fails is no proof. But no library may be able to leave a step out. So no feature and no
//! variable selects a step: `jacinth-crash` overwrites [`is_skipped`] in the code of its own process.

/// Calls the macro `$made` with the steps of recovery (`recovery/mod.rs`), in the order in which recovery runs them. The
/// crash tests make their own list of it.
#[doc(hidden)]
#[macro_export]
macro_rules! recovery_steps {
    ($made:ident) => {
        $made! {
            /// Resolving in-doubt count changes
            ResolveRefcountIntent,
            /// Resolving in-doubt changes of block lists
            ResolveListIntent,
            /// Deciding whether operations had committed
            ResolveOperation,
            /// Resolving the transitional entries of the handle table
            ResolveTable,
            /// Waking the waiters of the objects that hazards name
            WakeHazardWaiters,
            /// Telling the peers of channels, before any handle is closed (closing the handles tells them again)
            TellPeers,
            /// Running the release queues
            RunTeardown,
            /// Closing the handles of the handle table
            CloseTable,
            /// Freeing the slots in hand
            FreeSlotInHand,
            /// Cancelling the process slots that the process had prepared
            FailPendingSlots,
            /// Clearing and freeing the thread rows
            ClearRows,
            /// Freeing the process row
            FreeProcess,
            /// Recovering the other rows that are DEAD
            RecoverUnfinished,
            /// Finding retired slots that only dead threads knew of
            GatherRetired,
        }
    };
}

macro_rules! step {
    ($( $(#[$doc:meta])* $step:ident, )+) => {
        /// A step of recovery.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Step {
            $( $(#[$doc])* $step, )+
        }
    };
}
recovery_steps!(step);

/// Whether the step is left out: never. The compiler cannot see that, so each step of a recovery calls this function
/// once. Beside the step, the call costs no measurable time.
#[inline(never)]
pub(crate) fn is_skipped(step: Step) -> bool {
    const NONE: u32 = u8::MAX as u32;
    core::hint::black_box(u32::from(step as u8)) > NONE
}

/// Returns from a function that consists of this step, if the step is left out.
macro_rules! fail_point {
    ($step:ident) => {
        if $crate::sync::fail_point::is_skipped($crate::sync::fail_point::Step::$step) {
            return Ok(Default::default());
        }
    };
}

pub(crate) use fail_point;
