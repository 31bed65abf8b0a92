//! Refusals: that an end's last write found no memory or no place, as all processes see it.
//!
//! A write that is refused leaves a note at the end: what it needed, in the private half, and in the arena the time of the next
//! look for room. While that time stands there, WRITABLE does not follow from head and tail alone, neither for waits nor for
//! observers. One look serves both (`writable`). Only the process that holds the end can make it, because the look takes what
//! the write would take.
//!
//! | value | means | stored by |
//! |---|---|---|
//! | 0 | no write was refused, or a look has found room since | the process that holds the end, under its sending lock, or before the end's handle is LIVE there; the reclaimer |
//! | | | a thread in another process that waits at an observer's port, when the look is overdue: CAS |
//! | t + 1 | a write was refused; the next look is due at t, on the monotonic clock | the process that holds the end, under its sending lock |
//!
//! A wait sleeps for at most one interval (`look_again_ns`) and then looks, if the look is due. An observer tells its port when
//! to look (`object/port/deadlines`), and a thread that waits there looks.
//!
//! INV-REFUSAL-1: *no observer of room misses the end of a refusal.* A thread that notes a refusal (`begin`) stores the word, fences,
//! and evaluates the observers of the end. A registrar arms its cell, fences, and looks. So one of them sees the other, and the
//! observer's port knows when to look. A thread that ends a refusal (`end`) stores 0, advances the version of the end's signals
//! (`next_version`), and evaluates: the version makes the room a change for a repeating observer. `begin` and `end` run under the
//! sending lock, so no refusal ends between its store and its evaluation. `end_overdue` has no lock and evaluates no observer: its
//! caller fires its own, and the others find the version when their ports look, at the time that they know.
//!
//! **Deaths.** A dead holder's end is closed, and its observers end with its handle. Memory that another process had comes back
//! by recovery, and the next look finds it. A thread that waits at a port may stop before a look that it has taken upon itself:
//! the port then looks again one interval later. One that dies in `end_overdue` leaves a version that no observer has seen.
//!
//! No write depends on the word. A damaged value costs a look or a packet too many, or withholds WRITABLE until the word is stored
//! anew.

use crate::arena::error::{Result, UnlessDied};
use crate::arena::word::debug_as_fields;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::State;
use crate::object::channel::end::Writer;
use crate::object::channel::ring;
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::Thread;
use crate::signal::wake;
use crate::sync::{AtomicU64, Relaxed, Release};

/// The word of an end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal(u64);

debug_as_fields!(Refusal { try_again_ns });

impl Refusal {
    /// There is none.
    const NONE: Self = Self(0);

    /// The next look is due at this time.
    fn until(try_again_ns: i64) -> Self {
        Self(try_again_ns.max(0).cast_unsigned() + 1)
    }

    /// The word of the end that writes as `side`.
    #[inline(always)]
    pub(crate) fn of(thread: &Thread, side: ObjectRef) -> Result<Self> {
        // Relaxed: a hint. An evaluation has fenced, and has loaded the state with Acquire (`end`).
        Ok(Self(ring::direction(thread, side)?.producer.refusal().load(Relaxed)))
    }

    /// When the next look is due. `None`: there is no refusal.
    pub(crate) fn try_again_ns(self) -> Option<i64> {
        // P5: a damaged word gives a time that has passed, or one that never comes.
        self.0.checked_sub(1).map(|ns| i64::try_from(ns).unwrap_or(i64::MAX))
    }

    /// Whether the process that holds the end may look for room at this time.
    pub(crate) fn is_due(self, now_ns: i64) -> bool {
        self.try_again_ns().is_none_or(|due_ns| now_ns >= due_ns)
    }
}

/// Notes a refusal, or that something has come back since: the next look is due at this time.
#[cold]
pub(crate) fn begin(writer: &Writer<'_>, try_again_ns: i64) -> UnlessDied {
    let _ = postpone(writer, try_again_ns);
    // The waiters look again, and the observers' ports learn when to look.
    wake::notify_derived(writer.thread, writer.own_state(), State::HAS_WRITE_WAITERS)
}

/// Whether a refusal is noted.
pub(crate) fn is_noted(writer: &Writer<'_>) -> bool {
    // Relaxed: see `of`.
    writer.direction().producer.refusal().load(Relaxed) != Refusal::NONE.0
}

/// Notes the time of the next look without telling others: the caller looks now. Whether a refusal was noted. If none was, and the look
/// finds no room, the caller tells them ([`begin`]).
pub(crate) fn postpone(writer: &Writer<'_>, try_again_ns: i64) -> bool {
    // Relaxed: `notify_derived` fences; and see `of`. A swap: another process may end the refusal at the same time.
    writer.direction().producer.refusal().swap(Refusal::until(try_again_ns).0, Relaxed) != Refusal::NONE.0
}

/// Ends the refusal, if there is one: WRITABLE follows from head and tail again.
#[cold]
pub(crate) fn end(writer: &Writer<'_>) -> UnlessDied {
    // Relaxed: private to the process, under the sending lock.
    writer.endpoint.refused.store(0, Relaxed);
    let word = writer.direction().producer.refusal();
    if !is_noted(writer) {
        return Ok(());
    }
    // Relaxed: the version publishes it.
    word.store(Refusal::NONE.0, Relaxed);
    advance_version(writer.own_state());
    wake::notify_derived(writer.thread, writer.own_state(), State::HAS_WRITE_WAITERS)
}

/// Ends a refusal of another process's end if the look that was due at `due_ns` is overdue by an interval: no thread of that
/// process has looked. Then WRITABLE is a hint to try. The caller has a hazard on the channel. When to look again, if it
/// is not overdue.
pub(crate) fn end_overdue(thread: &Thread, side: ObjectRef, due_ns: i64, now_ns: i64) -> Result<Option<i64>> {
    let overdue_ns = due_ns.saturating_add(TRY_AGAIN_NS);
    if now_ns < overdue_ns {
        return Ok(Some(overdue_ns));
    }
    let word = ring::direction(thread, side)?.producer.refusal();
    // Once before, too: if this thread dies behind the CAS, an observer that finds the room finds another version.
    advance_version(thread.arena().state(side)?);
    // Relaxed: the version publishes it. If it fails, that process has looked since.
    if word.compare_exchange(Refusal::until(due_ns).0, Refusal::NONE.0, Relaxed, Relaxed).is_ok() {
        advance_version(thread.arena().state(side)?);
    }
    Ok(None)
}

/// A repeating observer takes the room that is there now for a new one.
fn advance_version(state: &AtomicU64) {
    let mut word = State(state.load(Relaxed));
    while word.next_version() != word {
        // ORDER: Release pairs with the Acquire of `Target::look`: an evaluator that sees the version sees that the refusal
        // is over.
        match state.compare_exchange(word.0, word.next_version().0, Release, Relaxed) {
            Ok(_) => return,
            Err(changed) => word = State(changed),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_a_refusal() {
        for ns in [0, 1, TRY_AGAIN_NS, i64::MAX] {
            assert_eq!(Refusal::until(ns).try_again_ns(), Some(ns));
        }
        assert_eq!(Refusal::NONE.try_again_ns(), None);
        assert_eq!(Refusal(u64::MAX).try_again_ns(), Some(i64::MAX), "damage");
    }
}
