//! Waking: the step after a thread has changed an object's signals, or a ring that signals are derived from.

use crate::arena::error::UnlessDied;
use crate::arena::record::counter::Counter;
use crate::arena::record::wake::Waker;
use crate::arena::word::handle::{Entry, EntryIndex};
use crate::arena::word::port::observer::SourceHandle;
use crate::arena::word::reference::ProcessIndex;
use crate::arena::word::signals::State;
use crate::process::thread::Thread;
use crate::signal::eventcount::Armed;
use crate::signal::observers;
use crate::sync::trace::trace_event;
use crate::sync::{self, AtomicU64, Relaxed, SeqCst, fence, light_barrier};

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
    note_wake(thread, state);
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

/// Wakes one sleeper of a word if there is one. The flags stay while others may sleep.
pub(crate) fn wake_one(thread: &Thread, state: &AtomicU64) {
    let mut word = State(state.load(Relaxed));
    loop {
        if !word.has(State::HAS_WAITERS) {
            return;
        }
        // Relaxed: as in `wake`. The count moves on, so a thread that is about to sleep looks again.
        match state.compare_exchange(word.0, word.next_count().0, Relaxed, Relaxed) {
            Ok(_) => break,
            Err(changed) => word = State(changed),
        }
    }
    thread.increment(Counter::Wakes, 1);
    note_wake(thread, state);
    if thread.arena().futex().wake_one(state) {
        return;
    }
    // None slept: a thread that has armed since has moved the count on, and keeps its flag (INV-EVENT-2).
    let awake = word.next_count();
    let _ = state.compare_exchange(awake.0, awake.without(State::HAS_WAITERS).0, Relaxed, Relaxed);
}

/// Leaves a stamp for the sleepers who are about to be woken. The models have no reader of it.
fn note_wake(thread: &Thread, state: &AtomicU64) {
    #[cfg(not(loom))]
    {
        thread.arena().header().wakes.note_wake(state, sync::now_ns(), sync::processor());
        thread.patience.wakes_another();
    }
    #[cfg(loom)]
    let _ = (thread, state);
}

/// The time of a wake in this arena. The models have no wakes that take time.
pub(crate) fn typical_ns(thread: &Thread) -> i64 {
    #[cfg(not(loom))]
    return thread.arena().header().wakes.typical_ns();
    #[cfg(loom)]
    {
        let _ = thread;
        1
    }
}

/// The time, for [`waker`]. In the models always 0.
pub(crate) fn now_ns() -> i64 {
    if cfg!(loom) { 0 } else { sync::now_ns() }
}

/// The waker that ended a sleep on one of these words, which began at `asleep_ns` and is over.
#[cfg(not(loom))]
pub(crate) fn waker<'a>(
    thread: &Thread,
    mut words: impl Iterator<Item = &'a AtomicU64>,
    asleep_ns: i64,
) -> Option<Waker> {
    let (wakes, now_ns, processor) = (&thread.arena().header().wakes, sync::now_ns(), sync::processor());
    words.find_map(|state| wakes.waker(state, asleep_ns, now_ns, processor))
}

/// The same, of a sleep that ended just now. Corrects the arena's figure of the time that a wake takes.
#[cfg(not(loom))]
pub(crate) fn woken_just_now(thread: &Thread, words: &[Armed<'_>], asleep_ns: i64) -> Option<Waker> {
    let waker = waker(thread, words.iter().map(|(state, _)| *state), asleep_ns)?;
    if !waker.is_on_this_processor {
        thread.arena().header().wakes.note_duration(sync::now_ns() - waker.at_ns);
    }
    Some(waker)
}

/// The models leave no stamps.
#[cfg(loom)]
pub(crate) fn woken_just_now(_thread: &Thread, _words: &[Armed<'_>], _asleep_ns: i64) -> Option<Waker> {
    None
}

/// Wakes the sleepers, and evaluates the observers, after a change of derived signals. Costs one load while no thread
/// sleeps on the object and no port observes it (INV-OBSERVED-1).
#[inline(always)]
pub(crate) fn notify_derived(thread: &Thread, state: &AtomicU64, flags: u64) -> UnlessDied {
    // ORDER: pairs with the heavy barrier of `enter_fenced_mode`.
    light_barrier();
    if State(state.load(Relaxed)).has(State::SLOW_PATH) {
        return notify_fenced(thread, state, flags);
    }
    Ok(())
}

#[cold]
fn notify_fenced(thread: &Thread, state: &AtomicU64, flags: u64) -> UnlessDied {
    // ORDER: pairs with the fence of `sleep_until`: either this thread sees HAS_WAITERS, or the sleeper sees the
    // change. And with the fence of `observe::register`, in the same way.
    fence(SeqCst);
    wake(thread, state, flags);
    let word = State(state.load(Relaxed));
    let is_asked = flags & State::HAS_WAITERS != 0 || word.has(State::OBSERVED_WRITABLE);
    if word.has(State::OBSERVED)
        && is_asked
        && let Ok(side) = observers::side_of(thread.arena(), state)
    {
        return observers::evaluate(thread, side);
    }
    Ok(())
}

/// After a handle has left its table: wakes the sleepers on it, which then find it gone, and ends its observers.
#[inline(always)]
pub(crate) fn notify_handle_gone(
    thread: &Thread,
    state: &AtomicU64,
    (process, index, entry): (ProcessIndex, EntryIndex, Entry),
) -> UnlessDied {
    // ORDER: as in `notify_derived`.
    light_barrier();
    if State(state.load(Relaxed)).has(State::SLOW_PATH) {
        return handle_gone_fenced(thread, state, process, index, entry);
    }
    Ok(())
}

#[cold]
fn handle_gone_fenced(
    thread: &Thread,
    state: &AtomicU64,
    process: ProcessIndex,
    index: EntryIndex,
    entry: Entry,
) -> UnlessDied {
    // ORDER: as in `notify_fenced`.
    fence(SeqCst);
    wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
    if State(state.load(Relaxed)).has(State::OBSERVED) {
        return observers::end_of_handle(thread, entry.object(), SourceHandle::new(process, index, entry));
    }
    Ok(())
}
