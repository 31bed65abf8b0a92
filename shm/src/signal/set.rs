//! Stored signals: setting and clearing them is one read-modify-write, which also says whether a thread sleeps.

use crate::arena::error::{Error, Result};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::{State, signal};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::process::thread::{Thread, crash_point};
use crate::signal::{wake, watch};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};

/// Asserts PEER_CLOSED on the other side and wakes whoever sleeps there. Idempotent.
pub(crate) fn tell_peer_closed(thread: &Thread, object: ObjectRef) -> Result<()> {
    let peer = object.peer();
    let state = &thread.arena().object(peer.slot())?.state[peer.side()];
    // Relaxed: told already is told.
    if State(state.load(Relaxed)).signals() & signal::PEER_CLOSED == 0 {
        // ORDER: Release: what was sent before is seen by whoever sees PEER_CLOSED ("after it has read what
        // was sent"), and one word holds signal and sleepers, so no sleeper is missed.
        sync::released(state);
        state.fetch_or(u64::from(signal::PEER_CLOSED) << 32, Release);
    }
    crash_point!(thread, "release.told");
    wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
    Ok(())
}

pub(crate) fn signal(thread: &Thread, found: ResolvedHandle, clear: u32, set: u32) -> Result<()> {
    pin::with_pinned(thread, found, |object, _| update_signals(thread, object, clear, set))
}

pub(crate) fn signal_peer(thread: &Thread, found: ResolvedHandle, clear: u32, set: u32) -> Result<()> {
    pin::with_pinned(thread, found, |object, lifecycle| {
        if !lifecycle.is_two_sided() {
            return Err(Error::NotSupported("the object has no peer"));
        }
        let own = &thread.arena().object(object.slot())?.state[object.side()];
        if State(own.load(Relaxed)).signals() & signal::PEER_CLOSED != 0 {
            return Err(Error::PeerClosed);
        }
        update_signals(thread, object.peer(), clear, set)
    })
}

fn update_signals(thread: &Thread, object: ObjectRef, clear: u32, set: u32) -> Result<()> {
    let state = &thread.arena().object(object.slot())?.state[object.side()];
    let mut word = State(state.load(Relaxed));
    sync::released(state);
    loop {
        if word.has(State::WATCHED) {
            return update_watched_signals(thread, object, state, clear, set);
        }
        let next = word.changed(clear, set);
        if next == word {
            wake_again(thread, state, set);
            return Ok(());
        }
        // ORDER: Release: what the signaller did before is seen by the waiter it wakes. One word holds
        // signals and sleepers: one that is not armed in the word that was replaced finds the signals when it arms.
        match state.compare_exchange(word.0, next.0, Release, Relaxed) {
            Ok(_) => {
                if word.has(State::HAS_WAITERS | State::HAS_WRITE_WAITERS) && set & !word.signals() != 0 {
                    wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
                }
                return Ok(());
            }
            Err(changed) => word = State(changed),
        }
    }
}

/// Nothing was changed. Signals to be set were set already: but whoever set them may have been stopped before its
/// wake.
fn wake_again(thread: &Thread, state: &AtomicU64, set: u32) {
    if set != 0 {
        wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
    }
}

/// The same where a sleeper may have to be told of signals that are cleared: see `watch`.
#[cold]
fn update_watched_signals(
    thread: &Thread,
    object: ObjectRef,
    state: &AtomicU64,
    clear: u32,
    set: u32,
) -> Result<()> {
    loop {
        // ORDER: Acquire pairs with the Release of `arm`, and of the signaller that set what is cleared here.
        let word = State(state.load(Acquire));
        let mut next = word.changed(clear, set);
        if next == word {
            wake_again(thread, state, set);
            return Ok(());
        }
        let reusable = word.signals() & !next.signals();
        let mut is_news = set & !word.signals() != 0;
        if reusable != 0 && word.has(State::WATCHED) {
            let Some(told) = watch::tell_watchers(thread, object, state, word, reusable)? else { continue };
            if !told.is_watched {
                next = next.without(State::WATCHED);
            }
            is_news |= told.is_news;
        }
        crash_point!(thread, "signal.told");
        // ORDER: Release: as above, and after the watchers were told (INV-PULSE-1).
        if state.compare_exchange(word.0, next.0, Release, Relaxed).is_ok() {
            crash_point!(thread, "signal.changed");
            if is_news {
                wake::wake(thread, state, State::HAS_WAITERS | State::HAS_WRITE_WAITERS);
            }
            return Ok(());
        }
    }
}
