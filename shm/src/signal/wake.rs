//! Waking: what a thread does after it has changed the signals of an object, or a ring that they are derived from.

use crate::arena::record::counter::Counter;
use crate::arena::word::signals::State;
use crate::process::thread::Thread;
use crate::sync::{AtomicU64, Relaxed, SeqCst, fence, light_barrier};

/// Wakes the sleepers of a word if one of `flags` is set in it.
pub(crate) fn wake(thread: &Thread, state: &AtomicU64, flags: u64) {
    let mut word = State(state.load(Relaxed));
    loop {
        if !word.has(flags) {
            return;
        }
        // Relaxed: a sleeper that finds the counter moved looks, and if it saw too little it arms again, fences
        // and looks again. The fences are what orders a change and a look.
        match state.compare_exchange(word.0, word.next_count().0, Relaxed, Relaxed) {
            Ok(_) => break,
            Err(changed) => word = State(changed),
        }
    }
    thread.arena().futex().wake_all(state);
    thread.increment(Counter::Wakes, 1);
    let woken = word.next_count();
    // Whoever armed since then has advanced the counter, and keeps its flags (INV-EVENT-2).
    let _ = state.compare_exchange(
        woken.0,
        woken.without(State::HAS_WAITERS | State::HAS_WRITE_WAITERS).0,
        Relaxed,
        Relaxed,
    );
}

/// After a change of derived signals: wakes whoever sleeps on them. One load when nobody ever does.
#[inline(always)]
pub(crate) fn notify_derived(thread: &Thread, state: &AtomicU64, flags: u64) {
    // ORDER: pairs with the heavy barrier of `arm`.
    light_barrier();
    if State(state.load(Relaxed)).has(State::SLOW_PATH) {
        notify_fenced(thread, state, flags);
    }
}

#[cold]
pub(crate) fn notify_fenced(thread: &Thread, state: &AtomicU64, flags: u64) {
    // ORDER: pairs with the fence of `sleep_until`: either this sees HAS_WAITERS or the sleeper sees the change.
    fence(SeqCst);
    wake(thread, state, flags);
}
