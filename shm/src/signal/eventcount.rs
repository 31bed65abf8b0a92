//! Event counts: how a thread arms the objects that it waits for, so that no change is missed before it sleeps.
//!
//! *Sleeper*: FENCED set and followed by a heavy barrier, once; HAS_WAITERS set by CAS; full fence; look again; sleep
//! while the words are unchanged; look again from the start.
//! *Changer*: store; light barrier; look at the word; if it asks for attention, full fence, look again; if
//! HAS_WAITERS: advance the counter, wake all, clear HAS_WAITERS only if the word is unchanged.
//!
//! Why no wake is lost: with FENCED set both sides fence between their store and their look, so one of them sees
//! the other. Without FENCED nobody sleeps: whoever would, sets it first, and its heavy barrier puts a fence into
//! every changer that has not seen it. BARRIER_DONE says that such a barrier is over: FENCED alone could be another
//! sleeper's whose barrier is still to come. Stored signals need none of this: they share a word with HAS_WAITERS.
//!
//! A dead waiter leaves HAS_WAITERS set and costs one needless wake. A waker that dies before the wake leaves HAS_WAITERS
//! set too; recovery wakes every object that a dead thread named.
//!
//! INV-WAIT-1: a sleeper holds no hazard: event counts are type-stable, and what it reads counts only if its
//! handle's entry is unchanged afterwards.

use crate::arena::error::Result;
use crate::arena::record::watch::UNWATCHED;
use crate::arena::word::signals::{State, signal};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::process::thread::Thread;
use crate::signal::wait_item::WaitItem;
use crate::signal::watch::Watch;
use crate::sync::{self, AtomicU64, Relaxed, Release};

/// However often spinning was in vain, this much is tried.
pub(crate) const SPIN_LEAST_NS: i64 = 300;

/// After this many waits without a sleep, FENCED is cleared and writers stop fencing.
const IDLE_WAITS: u32 = if cfg!(loom) { 1 } else { 1024 };

/// Where the barrier is refused to this process alone, no sleep may last longer than this without looking again.
pub(crate) const UNSURE_SLEEP_NS: i64 = 1_000_000;

/// A word that a sleeper watches, and the half of it that it expects.
pub(crate) type Armed<'a> = (&'a AtomicU64, u32);

/// What a signal handler that runs during a sleep does to the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// Nothing: it sleeps on.
    Restart,
    /// It ends, with `Error::Interrupted`.
    End,
}

pub(crate) fn spin<T>(
    thread: &Thread,
    items: &mut [WaitItem],
    deadline_ns: i64,
    check: &mut impl FnMut(&mut [WaitItem], Option<Watch>) -> Result<Option<T>>,
) -> Result<Option<T>> {
    if thread.spin_ns.get() == 0 {
        return Ok(None);
    }
    if cfg!(loom) {
        // Time stands still: one more look stands for all of them.
        return check(items, None);
    }
    let until_ns = sync::now_ns().saturating_add(thread.spin_ns.get()).min(deadline_ns);
    let mut step = 0;
    loop {
        for _ in 0..16 {
            core::hint::spin_loop();
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

pub(crate) fn set_spin_ns(thread: &Thread, spin_ns: i64) {
    thread.spin_most_ns.set(spin_ns.max(0));
    thread.spin_ns.set(spin_ns.max(0));
}

/// Makes sure that every changer of these objects looks closely. `false` when the kernel refused the
/// barrier.
///
/// Relaxed throughout: what orders FENCED before the changers' looks is the barrier, and BARRIER_DONE after the barrier
/// the fences at its end and in `sleep_until`.
pub(crate) fn enter_fenced_mode(thread: &Thread, found: &[ResolvedHandle]) -> Result<bool> {
    let mut unsure = Vec::new();
    for found in found {
        let object = found.entry.object();
        let state = &thread.arena().object(object.slot())?.state[object.side()];
        if !State(state.load(Relaxed)).is_barrier_done() {
            let before = State(state.fetch_or(State::FENCED, Relaxed));
            unsure.push((state, before.epoch()));
        }
    }
    if unsure.is_empty() {
        return Ok(true);
    }
    // ORDER: INV-EVENT-1. Pairs with the light barrier of `notify_derived`. Another sleeper's barrier
    // may still be on its way, so a word that is not BARRIER_DONE needs one here too.
    if !pin::barrier(thread)? {
        return Ok(false);
    }
    for (state, epoch) in unsure {
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

/// After many waits without a sleep, writers need not fence for this thread's sake any more.
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
            if word.is_barrier_done() && !word.has(State::HAS_WAITERS | State::HAS_WRITE_WAITERS) {
                // A sleeper that has just set FENCED finds it gone when it arms, and starts again.
                // Relaxed: the word is all there is to see.
                let _ = state.compare_exchange(word.0, word.relaxed().0, Relaxed, Relaxed);
            }
        }
    }
}

/// The flags that arming for these signals sets.
pub(crate) fn arming(waitfor: u32) -> u64 {
    let room = if waitfor & signal::WRITABLE != 0 { State::HAS_WRITE_WAITERS } else { 0 };
    let watched = if waitfor & !UNWATCHED != 0 { State::WATCHED } else { 0 };
    State::HAS_WAITERS | room | watched
}

/// Arms a side's event count. Gives its state before; `None` if FENCED or BARRIER_DONE is gone.
pub(crate) fn arm(state: &AtomicU64, waitfor: u32, sure: bool) -> Option<State> {
    let mut word = State(state.load(Relaxed));
    loop {
        if sure && !word.is_barrier_done() {
            return None;
        }
        let armed = word.next_count().with(arming(waitfor));
        // ORDER: Release pairs with the Acquire of `update_watched_signals`: a clearer that finds this arming finds the
        // places of the wait (INV-PULSE-1). For all else the fence of `sleep_until` comes next; the signals and the counter
        // are in the word itself.
        match state.compare_exchange(word.0, armed.0, Release, Relaxed) {
            Ok(_) => return Some(word),
            Err(changed) => word = State(changed),
        }
    }
}

/// Models only: a dead thread leaves everything as it is.
pub(crate) fn is_dead(_thread: &Thread) -> bool {
    #[cfg(loom)]
    return _thread.is_dead();
    #[cfg(not(loom))]
    false
}
