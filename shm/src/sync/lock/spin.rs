//! How long a thread that waits for a lock spins and yields before it sleeps.

use crate::sync::backoff;
use core::iter::repeat_n;

/// How often a waiter looks without yielding, for about a microsecond. Locks are held for tens of nanoseconds.
///
/// Models do not spin. Their spin would yield, and loom gives a thread that has yielded no value again that a newer store
/// has replaced: it would hide a sleep that such a value begins.
const SPINS: usize = if cfg!(loom) { 0 } else { 20 };
/// How often a waiter yields before it sleeps. If the holder waits for this processor, a yield is cheaper than a
/// barrier, a sleep and a wake. If the holder has a lower priority, yielding does not help, and ends after some
/// microseconds.
const YIELDS: usize = if cfg!(loom) { 0 } else { 40 };
/// The step of `backoff` that yields.
const YIELD: u32 = 63;

/// Looks again and again, for some microseconds. Whether it is over now.
pub(super) fn spin_until(mut is_over: impl FnMut() -> bool) -> bool {
    let spins = repeat_n(0, SPINS);
    spins.chain(repeat_n(YIELD, YIELDS)).any(|step| {
        backoff(step);
        is_over()
    })
}
