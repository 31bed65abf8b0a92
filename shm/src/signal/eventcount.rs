//! Event counts: how a thread arms the objects that it waits for, so that it misses no change before it sleeps.
//!
//! The folder's first page draws the two sides, the sleeper and the changer.
//!
//! Why no wake is lost: this is an asymmetric fence. With FENCED set, both sides fence between their store and their
//! load, so one of them sees the other. Without FENCED no thread sleeps: a sleeper sets it first, and the sleeper's
//! heavy barrier puts a fence into every changer that has not seen it. BARRIER_DONE says that such a barrier is
//! complete. FENCED alone does not say so: another sleeper may have set it and not run its barrier yet. Stored signals
//! need none of this: they share a word with HAS_WAITERS.
//!
//! A dead waiter leaves HAS_WAITERS set, which costs one needless wake. A waker that dies before the wake also leaves
//! HAS_WAITERS set. Recovery wakes every object that a dead thread named.
//!
//! INV-WAIT-1: a sleeper holds no hazard. Event counts are type-stable, and a sleeper uses a value it read only if its
//! handle's entry is unchanged afterwards.

use crate::arena::error::Result;
use crate::arena::record::watch::UNWATCHED;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::process::patience::Yielded;
use crate::process::thread::Thread;
use crate::signal::wait_item::WaitItem;
use crate::signal::watch::Watch;
use crate::sync::{self, AtomicU64, Relaxed, Release};

/// After this many idle waits (waits that did not sleep), FENCED is cleared and writers stop fencing.
const IDLE_WAITS: u32 = if cfg!(loom) { 1 } else { 1024 };

/// The longest sleep between two checks, in nanoseconds, where the kernel refuses the heavy barrier to this process
/// alone.
pub(crate) const UNFENCED_SLEEP_NS: i64 = 1_000_000;

/// A word that a sleeper watches, and the value that the sleeper expects in its futex half.
pub(crate) type Armed<'a> = (&'a AtomicU64, u32);

/// The effect on a wait of a signal handler that runs during its sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// The wait sleeps on.
    Restart,
    /// The wait ends with `Error::Interrupted`.
    End,
}

/// Checks again and again, from `start_ns` on, for as long as the wait's plan says or until its deadline.
pub(crate) fn spin<T>(
    items: &mut [WaitItem],
    (start_ns, spin_ns, deadline_ns): (i64, i64, i64),
    check: &mut impl FnMut(&mut [WaitItem], Option<Watch>) -> Result<Option<T>>,
) -> Result<Option<T>> {
    if spin_ns == 0 {
        return Ok(None);
    }
    if cfg!(loom) {
        // Time does not advance in the models: one more check represents all of them.
        return check(items, None);
    }
    let until_ns = start_ns.saturating_add(spin_ns).min(deadline_ns);
    let mut step = 0;
    loop {
        // The clock is read once for 16 checks, since reading it costs more than a check.
        for _ in 0..16 {
            // An answer of a running thread comes within a microsecond, and a pause lasts up to a tenth of that.
            if step >= 4 {
                core::hint::spin_loop();
            }
            if let Some(done) = check(items, None)? {
                return Ok(Some(done));
            }
        }
        step += 1;
        if sync::now_ns() >= until_ns {
            return Ok(None);
        }
        sync::backoff(step);
    }
}

/// Yields the processor a few times, and checks after each. The threads that are waited for may need it.
pub(crate) fn give_way<T>(
    thread: &Thread,
    items: &mut [WaitItem],
    (start_ns, yields): (i64, u32),
    check: &mut impl FnMut(&mut [WaitItem], Option<Watch>) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let mut before_ns = start_ns;
    for _ in 0..yields {
        sync::yield_processor();
        let now_ns = sync::now_ns();
        let to = Yielded::within(now_ns.saturating_sub(before_ns));
        let done = check(items, None)?;
        thread.patience.yielded(to, done.is_some());
        if done.is_some() || to != Yielded::Others {
            return Ok(done);
        }
        before_ns = now_ns;
    }
    Ok(None)
}

/// Makes every changer of these objects take the slow path. Returns `false` when the kernel refused the barrier.
///
/// Relaxed throughout: the heavy barrier orders FENCED before the changers' loads. The fences at the end of that
/// barrier and in `sleep_until` order BARRIER_DONE after it.
pub(crate) fn enter_fenced_mode(thread: &Thread, found: &[ResolvedHandle]) -> Result<bool> {
    let mut unfenced = Vec::new();
    for found in found {
        let object = found.entry.object();
        let state = thread.arena().state(object)?;
        if !State(state.load(Relaxed)).is_barrier_done() {
            let before = State(state.fetch_or(State::FENCED, Relaxed));
            unfenced.push((state, before.epoch()));
        }
    }
    if unfenced.is_empty() {
        return Ok(true);
    }
    // ORDER: INV-EVENT-1. Pairs with the light barrier of `notify_derived`. Another sleeper that set FENCED may not
    // have run its barrier yet, so a word without BARRIER_DONE needs a barrier here too.
    if !pin::barrier(thread)? {
        return Ok(false);
    }
    for (state, epoch) in unfenced {
        // The epoch tells this use of FENCED from a later one: if another waiter has cleared FENCED since, this barrier
        // does not cover the changers that came after.
        let mut word = State(state.load(Relaxed));
        while word.has(State::FENCED) && word.epoch() == epoch && !word.is_barrier_done() {
            match state.compare_exchange(word.0, word.with(State::BARRIER_DONE).0, Relaxed, Relaxed) {
                Ok(_) => break,
                Err(changed) => word = State(changed),
            }
        }
    }
    Ok(true)
}

/// Clears FENCED after many idle waits, so that writers no longer fence for this thread.
pub(crate) fn maybe_leave_fenced_mode(thread: &Thread, found: &[ResolvedHandle]) {
    thread.idle_waits.set(thread.idle_waits.get() + 1);
    if thread.idle_waits.get() < IDLE_WAITS {
        return;
    }
    thread.idle_waits.set(0);
    for found in found {
        let object = found.entry.object();
        if let Ok(slot) = thread.arena().object(object.slot()) {
            let state = &slot.state[object.side()];
            let word = State(state.load(Relaxed));
            // An observed side stays in fenced mode (INV-OBSERVED-1).
            let flags = State::HAS_WAITERS | State::HAS_WRITE_WAITERS | State::OBSERVED;
            if word.is_barrier_done() && !word.has(flags) {
                // A sleeper that has just set FENCED finds it cleared when it arms, and starts over.
                // Relaxed: the word itself carries all the information.
                let _ = state.compare_exchange(word.0, word.unfenced().0, Relaxed, Relaxed);
            }
        }
    }
}

/// The flags that a thread sets when it arms for these signals.
pub(crate) fn arming(waitfor: Signals) -> u64 {
    let room = if waitfor.intersects(Signals::ROOM) { State::HAS_WRITE_WAITERS } else { 0 };
    let watched = if waitfor.intersects(!UNWATCHED) { State::WATCHED } else { 0 };
    State::HAS_WAITERS | room | watched
}

/// Arms a side's event count. Returns its state before; `None` if FENCED or BARRIER_DONE was cleared.
pub(crate) fn arm(state: &AtomicU64, waitfor: Signals, is_fenced: bool) -> Option<State> {
    let mut word = State(state.load(Relaxed));
    loop {
        if is_fenced && !word.is_barrier_done() {
            return None;
        }
        let armed = word.next_count().with(arming(waitfor));
        // ORDER: Release pairs with the Acquire of `update_observed_signals`: a clearer that sees this arming sees the
        // places of the wait (INV-LATCH-1). The fence of `sleep_until`, which follows, orders all other accesses. The
        // signals and the counter are in the word itself.
        match state.compare_exchange(word.0, armed.0, Release, Relaxed) {
            Ok(_) => return Some(word),
            Err(changed) => word = State(changed),
        }
    }
}

/// Models only: whether the model has killed this thread. A dead thread changes no more of the arena.
pub(crate) fn is_dead(_thread: &Thread) -> bool {
    #[cfg(loom)]
    return _thread.is_dead();
    #[cfg(not(loom))]
    false
}
