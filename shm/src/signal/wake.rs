//! Waking: the step after a thread has changed an object's signals, or a ring that signals are derived from.

use crate::arena::record::counter::Counter;
use crate::arena::word::signals::State;
use crate::process::thread::Thread;
use crate::sync::trace::trace_event;
use crate::sync::{AtomicU64, Relaxed, SeqCst, fence, light_barrier};

/// Wakes the sleepers of a word if one of `flags` is set in it.
pub(crate) fn wake(thread: &Thread, state: &AtomicU64, flags: u64) {
    let mut word = State(state.load(Relaxed));
    loop {
        if !word.has(flags) {
            return;
        }
        // Relaxed: a sleeper that finds a new counter checks. If it does not see the change, it arms again, fences and
        // checks again. The fences order a change and a check.
        match state.compare_exchange(word.0, word.next_count().0, Relaxed, Relaxed) {
            Ok(_) => break,
            Err(changed) => word = State(changed),
        }
    }
    thread.arena().futex().wake_all(state);
    thread.increment(Counter::Wakes, 1);
    trace_event!(?word, "waiters woken");
    let woken = word.next_count();
    // The CAS clears the flags only if no thread has armed since: arming advances the counter, so a newer sleeper keeps
    // its flags (INV-EVENT-2).
    let _ = state.compare_exchange(
        woken.0,
        woken.without(State::HAS_WAITERS | State::HAS_WRITE_WAITERS).0,
        Relaxed,
        Relaxed,
    );
}

/// Wakes the sleepers after a change of derived signals. Costs one load while no thread sleeps on the object.
#[inline(always)]
pub(crate) fn notify_derived(thread: &Thread, state: &AtomicU64, flags: u64) {
    // ORDER: pairs with the heavy barrier of `enter_fenced_mode`.
    light_barrier();
    if State(state.load(Relaxed)).has(State::SLOW_PATH) {
        notify_fenced(thread, state, flags);
    }
}

#[cold]
pub(crate) fn notify_fenced(thread: &Thread, state: &AtomicU64, flags: u64) {
    // ORDER: pairs with the fence of `sleep_until`: either this thread sees HAS_WAITERS, or the sleeper sees the
    // change.
    fence(SeqCst);
    wake(thread, state, flags);
}
