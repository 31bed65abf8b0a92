//! Timers: one side, whose SIGNALED follows from the clock.
//!
//! A timer is one word of the body (`arena/record/timer.rs`). SIGNALED holds if the word says EXPIRED, or if its
//! deadline has passed on the monotonic clock, which all processes share. So no thread runs for a timer, and no
//! descriptor is open for it. A wait sleeps until the earliest deadline of its timers, and then looks again
//! (`object/wait.rs`).
//!
//! | change of the word | by | then |
//! |---|---|---|
//! | any → set, or expired if the deadline has passed | `timer_set`: CAS, **commits** | sleepers are woken |
//! | any → not set | `timer_cancel`: CAS, **commits** | sleepers are woken |
//! | set, and the deadline has passed → expired | a look, or either of the above before its own change: CAS | – |
//!
//! Woken sleepers look, and compute anew how long they sleep. An expiry wakes no sleeper: each sleeps no longer than
//! the deadline.
//!
//! INV-TIMER-1: a look that reports SIGNALED has found the expiry in the word, or has recorded it there first. So all
//! looks agree until the timer is set or cancelled: after one thread has seen SIGNALED, a wait of another cannot miss
//! it.
//! INV-TIMER-2: an expired word is replaced only after the expiry was latched for all sleepers of the timer
//! (`signal/watch.rs`). *Why no sleeper is missed:* the thread that replaces the word loads it, fences, and then
//! loads the state. A sleeper arms, which changes the state, fences, and then loads the word. If the sleeper's load
//! shows the word before the expiry, it comes before the other thread's load, so that thread's load of the state
//! shows the arming.
//! INV-TIMER-3: the word is 0 in a slot that is FREE.
//!
//! **Deaths.** The hazard of `timer_set` and `timer_cancel` names the timer. Before the CAS, nothing has changed, or an
//! expiry was recorded that is true. After the CAS, recovery wakes the sleepers of the timer. Nothing in a timer
//! belongs to a process: if one of its owners dies, it goes on for the others.
//!
//! **Slack** is not used: an expiry at the deadline lies in the window of each mode.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::timer::TimerWord;
use crate::arena::word::handle::Rights;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::class::{Class, Edge, Observable};
use crate::process::thread::{Thread, crash_point};
use crate::signal::{observers, wake, watch};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release, SeqCst, fence};

/// The class of timers.
pub(crate) struct Timer;

impl Class for Timer {
    const NUMBER: u8 = 22;
    const HAS_DEADLINE: bool = true;
    type Progress = ();

    fn signals(thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
        let is_signaled = is_signaled(thread, found)?;
        Ok((stored - Signals::SIGNALED) | if is_signaled { Signals::SIGNALED } else { Signals::empty() })
    }

    fn observable(thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
        let word = settle(thread, side)?;
        let mut signals = stored;
        signals.set(Signals::SIGNALED, word.is_expired());
        let expiry = Edge { signal: Signals::SIGNALED, mark: word.mark(), passed: 0, wraps: true };
        let next = word.deadline_ns().map(|deadline_ns| (Signals::SIGNALED, deadline_ns));
        Ok(Observable { signals, edges: [expiry, Edge::default()], next })
    }

    fn look_again_ns(thread: &Thread, found: ResolvedHandle, waitfor: Signals) -> Option<i64> {
        // A damaged slot fails at the next look.
        let deadline_ns = deadline_of(thread.arena(), found.entry.object().slot()).ok()?;
        deadline_ns.filter(|_| waitfor.contains(Signals::SIGNALED))
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        // Relaxed, here and in `reset`: no thread uses the object any more.
        Ok(word_of(thread.arena(), slot)?.load(Relaxed) == 0)
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        let word = word_of(thread.arena(), slot)?;
        // Load before the store: most bodies were never written, and a store would make the kernel allocate their page.
        if word.load(Relaxed) != 0 {
            word.store(0, Relaxed);
        }
        Ok(())
    }

    fn fault(arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
        let word = TimerWord(word_of(arena, slot)?.load(Relaxed));
        Ok((!word.is_valid()).then_some("a timer that has expired, and has a deadline"))
    }
}

fn word_of(arena: &Arena, slot: Slot) -> Result<&AtomicU64> {
    Ok(arena.body(slot)?.timer())
}

/// The time at which the timer in this slot will expire, as its word stands. `None`: it is not set, or to a time that
/// never comes, or its expiry is recorded.
pub(crate) fn deadline_of(arena: &Arena, slot: Slot) -> Result<Option<i64>> {
    // Relaxed: a thread that sleeps until this deadline has armed and fenced before, or is woken by the next change.
    Ok(TimerWord(word_of(arena, slot)?.load(Relaxed)).deadline_ns())
}

fn is_due(word: TimerWord) -> bool {
    // The clock is read for a timer that is set, and for no other.
    word.deadline_ns().is_some_and(|deadline_ns| sync::now_ns() >= deadline_ns)
}

/// Read without a hazard: the caller validates the handle afterwards.
fn is_signaled(thread: &Thread, found: ResolvedHandle) -> Result<bool> {
    // ORDER: Acquire pairs with the Release of `change`: a thread that sees SIGNALED sees the stores of the thread that
    // set the timer, and one that sees it cleared sees the places in which the expiry was latched.
    let word = TimerWord(word_of(thread.arena(), found.entry.object().slot())?.load(Acquire));
    if word.is_expired() || !is_due(word) {
        return Ok(word.is_expired());
    }
    // Pinned: the word of the slot's next user must not be changed.
    match with_timer(thread, found, Rights::empty(), |object| settle(thread, object)) {
        Ok(settled) => Ok(settled.is_expired()),
        // The handle is gone, so the caller's validation fails.
        Err(Error::BadHandle) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The timer's word. If its deadline has passed, the expiry is recorded in it.
fn settle(thread: &Thread, object: ObjectRef) -> Result<TimerWord> {
    let cell = word_of(thread.arena(), object.slot())?;
    loop {
        // ORDER: Acquire, as in `is_signaled`: another thread may have changed the word since. A sleeper for which
        // `change` latches the expiry sees what the thread that set the timer had stored before.
        let word = TimerWord(cell.load(Acquire));
        if !is_due(word) {
            return Ok(word);
        }
        // Relaxed: it publishes no store of this thread, and continues the release sequence of the thread that set the
        // timer.
        if cell.compare_exchange(word.0, word.expired().0, Relaxed, Relaxed).is_ok() {
            crash_point!(thread, "timer.expired");
            tell_of(thread, object, Change::Expired)?;
            return Ok(word.expired());
        }
    }
}

/// Sets the timer to a time of the monotonic clock. A time that has passed expires it at once.
pub(crate) fn set(thread: &Thread, found: ResolvedHandle, rights: Rights, deadline_ns: i64) -> Result<()> {
    change(thread, found, rights, |word| word.set(deadline_ns, sync::now_ns()))
}

/// Makes the timer one that is not set.
pub(crate) fn cancel(thread: &Thread, found: ResolvedHandle, rights: Rights) -> Result<()> {
    change(thread, found, rights, TimerWord::canceled)
}

fn change(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    next: impl Fn(TimerWord) -> TimerWord,
) -> Result<()> {
    with_timer(thread, found, rights, |object| {
        let cell = word_of(thread.arena(), object.slot())?;
        loop {
            let word = settle(thread, object)?;
            if word.is_expired() && !latch_expiry(thread, object, cell, word)? {
                continue;
            }
            crash_point!(thread, "timer.told");
            // ORDER: Release: a thread that sees the timer expired sees the earlier stores of the thread that set it,
            // and one that finds the expiry gone sees where it was latched (INV-TIMER-2). Commits.
            if cell.compare_exchange(word.0, next(word).0, Release, Relaxed).is_ok() {
                break;
            }
        }
        crash_point!(thread, "timer.changed");
        tell_of(thread, object, Change::Set)
    })
}

/// Latches SIGNALED for the sleepers of a timer, whose expired `word` is about to be replaced. `false`: the word has
/// changed.
fn latch_expiry(thread: &Thread, object: ObjectRef, cell: &AtomicU64, word: TimerWord) -> Result<bool> {
    let state = thread.arena().state(object)?;
    // ORDER: pairs with the fence of `sleep_until` (INV-TIMER-2).
    fence(SeqCst);
    // ORDER: Acquire pairs with the Release of `arm`: the places of the sleepers armed in it are visible.
    let before = State(state.load(Acquire));
    if before.has(State::OBSERVED) {
        // Observers too: they fire while the timer is expired.
        observers::evaluate(thread, object)?;
    }
    if !before.has(State::WATCHED) {
        return Ok(true);
    }
    let Some(told) = watch::tell_watchers(thread, object, cell, word.0, Signals::SIGNALED)? else {
        return Ok(false);
    };
    if !told.is_watched {
        // No sleeper watches the timer: later changes skip the walk. The CAS fails if one has armed since.
        // Relaxed: the flag publishes no store.
        let _ = state.compare_exchange(before.0, before.without(State::WATCHED).0, Relaxed, Relaxed);
    }
    Ok(true)
}

/// What has become of a timer's word.
enum Change {
    /// The timer was set or cancelled.
    Set,
    /// Its expiry was recorded.
    Expired,
}

/// The step after every change of a timer's word: the one place from which other threads are told.
fn tell_of(thread: &Thread, object: ObjectRef, change: Change) -> Result<()> {
    if let Change::Set = change {
        wake::notify_derived(thread, thread.arena().state(object)?, State::HAS_WAITERS)?;
    }
    Ok(())
}

/// Runs `use_timer` while the timer of `found` cannot be reused. `BadHandle`, `WrongType` or `AccessDenied` for a
/// handle that does not permit it.
fn with_timer<T>(
    thread: &Thread,
    found: ResolvedHandle,
    rights: Rights,
    use_timer: impl FnOnce(ObjectRef) -> Result<T>,
) -> Result<T> {
    pin::with_pinned(thread, found, |object, lifecycle: Lifecycle| {
        if lifecycle.class_number() != Timer::NUMBER {
            return Err(Error::WrongType);
        }
        found.require(rights)?;
        use_timer(object)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::HandleValue;
    use crate::object::ObjectClass;
    use crate::process::Process;

    const SIGNALED: Signals = Signals::SIGNALED;

    fn thread_and_timer() -> (Thread, HandleValue) {
        let thread = Thread::join(&Process::alone_with_few_channels()).unwrap();
        let (timer, _) = thread.create(ObjectClass::Timer, Rights::all()).unwrap();
        (thread, timer)
    }

    fn found(thread: &Thread, timer: HandleValue) -> ResolvedHandle {
        thread.lookup(timer).unwrap()
    }

    fn word(thread: &Thread, timer: HandleValue) -> &AtomicU64 {
        word_of(thread.arena(), found(thread, timer).entry.object().slot()).unwrap()
    }

    #[test]
    fn a_sleeper_observes_expiries_once() {
        let (thread, timer) = thread_and_timer();
        let sleeper = Thread::join(&thread.process).unwrap();
        let none = Rights::empty();
        for _ in 0..3 {
            let asleep = sleeper.fall_asleep(timer, SIGNALED).unwrap();
            assert_eq!(
                sleeper.look_asleep(&asleep),
                Ok(Signals::empty()),
                "that of the round before is over"
            );
            set(&thread, found(&thread, timer), none, 0).unwrap();
            cancel(&thread, found(&thread, timer), none).unwrap();
            assert_eq!(thread.signals(found(&thread, timer)), Ok(Signals::empty()));
            assert_eq!(sleeper.look_asleep(&asleep), Ok(SIGNALED));
            sleeper.wake_up(asleep).unwrap();
        }
        let state = thread.arena().state(found(&thread, timer).entry.object()).unwrap();
        assert!(State(state.load(Relaxed)).has(State::WATCHED));
        set(&thread, found(&thread, timer), none, 0).unwrap();
        cancel(&thread, found(&thread, timer), none).unwrap();
        assert!(!State(state.load(Relaxed)).has(State::WATCHED), "no sleeper is left");
    }

    #[test]
    fn a_look_records_the_expiry() {
        let (thread, timer) = thread_and_timer();
        let deadline_ns = sync::now_ns() + 100_000;
        set(&thread, found(&thread, timer), Rights::empty(), deadline_ns).unwrap();
        let slot = found(&thread, timer).entry.object().slot();
        let kept_ns = deadline_of(thread.arena(), slot).unwrap().unwrap();
        assert!((deadline_ns..deadline_ns + 64).contains(&kept_ns));
        while sync::now_ns() < kept_ns {}
        assert!(!TimerWord(word(&thread, timer).load(Relaxed)).is_expired(), "no thread has looked");
        assert_eq!(thread.signals(found(&thread, timer)), Ok(SIGNALED));
        assert!(TimerWord(word(&thread, timer).load(Relaxed)).is_expired());
        assert_eq!(deadline_of(thread.arena(), slot), Ok(None));
    }

    #[test]
    fn the_audit_finds_a_damaged_timer() {
        let (thread, timer) = thread_and_timer();
        assert!(thread.arena().audit().is_clean());
        word(&thread, timer).store(u64::MAX, Relaxed);
        let audit = thread.arena().inspect();
        assert!(audit.findings.iter().any(|finding| finding.contains("a timer")), "{audit}");
        // Damage is no fault of those who look: the timer has expired, and can be set.
        assert_eq!(thread.signals(found(&thread, timer)), Ok(SIGNALED));
        cancel(&thread, found(&thread, timer), Rights::empty()).unwrap();
        assert!(thread.arena().inspect().is_clean());
    }
}
