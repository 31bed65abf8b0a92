//! Stored signals. One read-modify-write sets and clears them, and its old value also says whether a thread sleeps.

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::process::thread::{Thread, crash_point};
use crate::signal::{observers, wake, watch};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};

/// Asserts PEER_CLOSED on the other side and wakes its sleepers. Idempotent.
pub(crate) fn tell_peer_closed(thread: &Thread, object: ObjectRef) -> Result<()> {
    assert_for_good(thread, object.peer(), Signals::PEER_CLOSED)
}

/// Asserts a stored signal that is never cleared, and wakes the sleepers of the side. Idempotent.
pub(crate) fn assert_for_good(thread: &Thread, side: ObjectRef, signal: Signals) -> Result<()> {
    let state = thread.arena().state(side)?;
    // Relaxed: if the load shows the signal, there is no store to order.
    let mut word = State(state.load(Relaxed));
    while !word.signals().contains(signal) {
        // ORDER: Release: a thread that sees PEER_CLOSED also sees the messages sent before it, so it can read all
        // of them before it reports the closing. One word holds the signal and the waiter flags, so the wake below
        // misses no sleeper.
        sync::released(state);
        let next = word.changed(Signals::empty(), signal).next_version();
        match state.compare_exchange(word.0, next.0, Release, Relaxed) {
            Ok(_) => break,
            Err(changed) => word = State(changed),
        }
    }
    crash_point!(thread, "release.told");
    // Wake and evaluate even if the signal was set already: the thread that set it may have died before.
    wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
    // Relaxed: the change is in the same word, and a registrar that comes later sees it.
    if State(state.load(Relaxed)).has(State::OBSERVED) {
        observers::evaluate(thread, side)?;
    }
    Ok(())
}

/// Evaluates the observers of a side if it has any.
pub(crate) fn evaluate_if_observed(thread: &Thread, side: ObjectRef) -> Result<()> {
    // Relaxed: the change is in the same word, or recovery makes this call for a dead thread.
    if State(thread.arena().state(side)?.load(Relaxed)).has(State::OBSERVED) {
        observers::evaluate(thread, side)?;
    }
    Ok(())
}

pub(crate) fn signal(thread: &Thread, found: ResolvedHandle, clear: Signals, set: Signals) -> Result<()> {
    pin::with_pinned(thread, found, |object, _| update_signals(thread, object, clear, set))
}

pub(crate) fn signal_peer(
    thread: &Thread,
    found: ResolvedHandle,
    clear: Signals,
    set: Signals,
) -> Result<()> {
    pin::with_pinned(thread, found, |object, lifecycle| {
        if !lifecycle.is_two_sided() {
            return Err(Error::NotSupported("the object has no peer"));
        }
        let own = thread.arena().state(object)?;
        // Relaxed: this thread uses the signal alone, and reads no data that it publishes.
        if State(own.load(Relaxed)).signals().contains(Signals::PEER_CLOSED) {
            return Err(Error::PeerClosed);
        }
        update_signals(thread, object.peer(), clear, set)
    })
}

fn update_signals(thread: &Thread, object: ObjectRef, clear: Signals, set: Signals) -> Result<()> {
    let state = thread.arena().state(object)?;
    let mut word = State(state.load(Relaxed));
    sync::released(state);
    loop {
        // A clear must be latched for the sleepers first, and observers are told.
        if word.has(State::OBSERVERS) {
            return update_observed_signals(thread, object, state, clear, set);
        }
        let next = word.changed(clear, set);
        if next == word {
            wake_again(thread, state, set);
            return Ok(());
        }
        // ORDER: Release: the waiter that this thread wakes sees the signaller's earlier writes. One word holds the
        // signals and the waiter flags: a sleeper that was not armed in the replaced word sees the signals when it
        // arms.
        match state.compare_exchange(word.0, next.0, Release, Relaxed) {
            Ok(_) => {
                if word.has(State::HAS_WAITERS | State::HAS_WRITE_WAITERS) && !word.signals().contains(set) {
                    wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
                }
                return Ok(());
            }
            Err(changed) => word = State(changed),
        }
    }
}

/// The word did not change, because the signals were set already. The signaller that set them may have been stopped
/// before its wake, so this thread wakes in its place.
fn wake_again(thread: &Thread, state: &AtomicU64, set: Signals) {
    if !set.is_empty() {
        wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
    }
}

/// As `update_signals`, where a sleeper may have to be told of the signals that are cleared (`watch`), or ports observe
/// the side (`observers`).
#[cold]
fn update_observed_signals(
    thread: &Thread,
    object: ObjectRef,
    state: &AtomicU64,
    clear: Signals,
    set: Signals,
) -> Result<()> {
    loop {
        // ORDER: Acquire pairs with the Release of `arm`, and with the Release of the signaller that set the signals
        // which are cleared here.
        let word = State(state.load(Acquire));
        let mut next = word.changed(clear, set);
        if next == word {
            wake_again(thread, state, set);
            return evaluate_if_observed(thread, object);
        }
        let reusable = word.signals().difference(next.signals());
        let mut is_news = !word.signals().contains(set);
        if !reusable.is_empty() && word.has(State::WATCHED) {
            let Some(told) = watch::tell_watchers(thread, object, state, word.0, reusable)? else { continue };
            // No sleeper watches the side: later clears skip the walk. The CAS below fails if one has armed since.
            if !told.is_watched {
                next = next.without(State::WATCHED);
            }
            is_news |= told.is_news;
        }
        if !reusable.is_empty() && word.has(State::OBSERVED) {
            // While the signals are still set: the signaller that set them may not have come to this yet.
            observers::evaluate(thread, object)?;
        }
        next = next.next_version();
        crash_point!(thread, "signal.told");
        // ORDER: Release: as in `update_signals`; also, the watchers' places are written before it (INV-LATCH-1).
        if state.compare_exchange(word.0, next.0, Release, Relaxed).is_ok() {
            crash_point!(thread, "signal.changed");
            if is_news {
                wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
            }
            // No observer that was armed in the replaced word is missed, and one that comes later sees the change.
            if word.has(State::OBSERVED) {
                observers::evaluate(thread, object)?;
            }
            return Ok(());
        }
    }
}
