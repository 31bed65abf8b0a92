//! The wait loop: look, spin, arm, look again, and sleep on the event counts of all that is waited for.
//!
//! The protocol between sleepers and wakers is that of `signal/eventcount`.

use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::watch::UNWATCHED;
use crate::arena::word::signals::signal;
use crate::handle::lookup::ResolvedHandle;
use crate::object::channel::write::refused;
use crate::process::pace::TRY_AGAIN_NS;
use crate::process::thread::Thread;
use crate::signal::eventcount::{
    self, Armed, OnInterrupt, SPIN_LEAST_NS, UNSURE_SLEEP_NS, arm, arming, is_dead,
};
use crate::signal::wait_item::WaitItem;
use crate::signal::watch::{self, Watch};
use crate::sync::{self, DEADLINE_INFINITE_NS, SeqCst, WakeReason, fence};

/// Spins, then sleeps, until `check` gives something, an error, or the deadline passes. Wakes come from
/// the event counts of `found`; `items` says which of them wait for room.
pub(crate) fn wait_until<T>(
    thread: &Thread,
    found: &[ResolvedHandle],
    items: &mut [WaitItem],
    deadline_ns: i64,
    on_interrupt: OnInterrupt,
    mut check: impl FnMut(&mut [WaitItem], Option<Watch>) -> Result<Option<T>>,
) -> Result<T> {
    if let Some(done) = check(items, None)? {
        return Ok(done);
    }
    // A deadline that has passed makes this a look, and the first one has been.
    if deadline_ns <= 0 || deadline_ns != DEADLINE_INFINITE_NS && sync::now_ns() >= deadline_ns {
        return Err(Error::TimedOut);
    }
    if let Some(done) = eventcount::spin(thread, items, deadline_ns, &mut check)? {
        thread.spin_ns.set(thread.spin_ns.get().saturating_mul(2).min(thread.spin_most_ns.get()));
        eventcount::maybe_leave_fenced_mode(thread, found);
        return Ok(done);
    }
    thread.spin_ns.set((thread.spin_ns.get() / 2).max(SPIN_LEAST_NS).min(thread.spin_most_ns.get()));
    thread.idle_waits.set(0);
    let watch = if items.iter().any(|item| item.waitfor & !UNWATCHED != 0) {
        // What is set and cleared again counts from here on.
        let objects = found.iter().map(|found| found.entry.object());
        Some(watch::begin_watch(thread, objects.zip(items.iter()))?)
    } else {
        None
    };
    let slept = sleep_until(thread, found, items, watch, deadline_ns, on_interrupt, check);
    if watch.is_some() && !is_dead(thread) {
        watch::end_watch(thread)?;
    }
    slept
}

/// Sleeps until `check` gives something, an error, or the deadline passes.
pub(crate) fn sleep_until<T>(
    thread: &Thread,
    found: &[ResolvedHandle],
    items: &mut [WaitItem],
    watch: Option<Watch>,
    deadline_ns: i64,
    on_interrupt: OnInterrupt,
    mut check: impl FnMut(&mut [WaitItem], Option<Watch>) -> Result<Option<T>>,
) -> Result<T> {
    loop {
        if deadline_ns != DEADLINE_INFINITE_NS && sync::now_ns() >= deadline_ns {
            return check(items, watch)?.ok_or(Error::TimedOut);
        }
        let sure = eventcount::enter_fenced_mode(thread, found)?;
        let Some(words) = arm_all(thread, found, items, watch, sure)? else { continue };
        // ORDER: pairs with the fence of `notify_fenced`: a change that this look misses finds HAS_WAITERS.
        fence(SeqCst);
        if let Some(done) = check(items, watch)? {
            return Ok(done);
        }
        // Where memory is waited for, nobody may tell when there is some.
        let is_refused = |(found, item): (&ResolvedHandle, &WaitItem)| {
            item.waitfor & signal::WRITABLE != 0
                && refused::refusal(thread, *found, &thread.inside()).is_some()
        };
        let longest_ns = if !sure {
            Some(UNSURE_SLEEP_NS)
        } else if found.iter().zip(items.iter()).any(is_refused) {
            Some(TRY_AGAIN_NS)
        } else {
            None
        };
        let until_ns = longest_ns
            .map_or(deadline_ns, |longest_ns| deadline_ns.min(sync::now_ns().saturating_add(longest_ns)));
        thread.increment(Counter::Sleeps, 1);
        let slept = thread.arena().futex().wait(&words, until_ns);
        if let Some(done) = check(items, watch)? {
            return Ok(done);
        }
        match slept {
            WakeReason::TimedOut if longest_ns.is_none() => return Err(Error::TimedOut),
            WakeReason::Interrupted if on_interrupt == OnInterrupt::End => return Err(Error::Interrupted),
            _ => {}
        }
    }
}

/// Arms everything that is waited for. `None`: another waiter has cleared FENCED since `enter_fenced_mode`, and the round
/// starts over.
pub(crate) fn arm_all<'a>(
    thread: &'a Thread,
    found: &[ResolvedHandle],
    items: &[WaitItem],
    watch: Option<Watch>,
    sure: bool,
) -> Result<Option<Vec<Armed<'a>>>> {
    let mut words: Vec<Armed<'_>> = Vec::with_capacity(found.len());
    for (number, (found, item)) in found.iter().zip(items).enumerate() {
        let object = found.entry.object();
        let state = &thread.arena().object(object.slot())?.state[object.side()];
        let Some(before) = arm(state, item.waitfor, sure) else { return Ok(None) };
        if let Some(watch) = watch
            && item.waitfor & !UNWATCHED != 0
            && before.signals() & !UNWATCHED != 0
        {
            watch::note_watched(thread, watch, number, before.signals() & !UNWATCHED)?;
        }
        let expected = before.next_count().with(arming(item.waitfor)).futex();
        // Two items may be handles to one side: arming again has moved its counter.
        match words.iter_mut().find(|(other, _)| core::ptr::eq(*other, state)) {
            Some(armed) => armed.1 = expected,
            None => words.push((state, expected)),
        }
    }
    Ok(Some(words))
}
