//! The wait loop: check, spin, arm, check again, and sleep on the event counts of all objects in the wait.
//!
//! `signal/eventcount.rs` describes the protocol between sleepers and wakers.

use crate::arena::error::{Error, Result};
use crate::arena::record::counter::Counter;
use crate::arena::record::watch::UNWATCHED;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::row::Waiting;
use crate::handle::lookup::ResolvedHandle;
use crate::object::ObjectClass;
use crate::process::thread::Thread;
use crate::signal::eventcount::{self, Armed, OnInterrupt, UNFENCED_SLEEP_NS, arm, arming, is_dead};
use crate::signal::wait_item::WaitItem;
use crate::signal::wake;
use crate::signal::watch::{self, Watch};
use crate::sync::trace::trace_event;
use crate::sync::{self, DEADLINE_INFINITE_NS, Relaxed, SeqCst, WakeReason, fence};

/// Spins, then sleeps, until `check` returns a value or an error, or the deadline passes. Wakes come from the event
/// counts of `found`; `items` says which of them wait for room.
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
    // A passed deadline asks for one check only, and the check above was it.
    if deadline_ns <= 0 || deadline_ns != DEADLINE_INFINITE_NS && sync::now_ns() >= deadline_ns {
        return Err(Error::TimedOut);
    }
    let plan = thread.patience.plan(wake::typical_ns(thread));
    let start_ns = wake::now_ns();
    if let Some(done) = eventcount::spin(items, (start_ns, plan.spin_ns, deadline_ns), &mut check)? {
        thread.patience.caught();
        eventcount::maybe_leave_fenced_mode(thread, found);
        return Ok(done);
    }
    thread.patience.missed(plan);
    if let Some(done) = eventcount::give_way(thread, items, (start_ns, plan.yields), &mut check)? {
        eventcount::maybe_leave_fenced_mode(thread, found);
        return Ok(done);
    }
    thread.idle_waits.set(0);
    let watch = if items.iter().any(|item| item.waitfor.intersects(!UNWATCHED)) {
        // From here on, a signal that is set and cleared again ends the wait.
        let objects = found.iter().map(|found| found.entry.object());
        Some(watch::begin_watch(thread, objects.zip(items.iter()))?)
    } else {
        None
    };
    let slept = sleep_until(thread, found, items, watch, deadline_ns, on_interrupt, check);
    thread.patience.ended(plan, start_ns);
    // A thread that the model has killed leaves its watch to recovery.
    if watch.is_some() && !is_dead(thread) {
        watch::end_watch(thread)?;
    }
    slept
}

/// Sleeps until `check` returns a value or an error, or the deadline passes.
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
        // At the deadline a last check decides, so that a signal asserted in time is reported.
        if deadline_ns != DEADLINE_INFINITE_NS && sync::now_ns() >= deadline_ns {
            return check(items, watch)?.ok_or(Error::TimedOut);
        }
        let is_fenced = eventcount::enter_fenced_mode(thread, found)?;
        let Some(words) = arm_all(thread, found, items, watch, is_fenced)? else { continue };
        // ORDER: pairs with the fence of `notify_fenced`: if this check misses a change, the changer sees HAS_WAITERS.
        fence(SeqCst);
        if let Some(done) = check(items, watch)? {
            return Ok(done);
        }
        let again =
            found.iter().zip(items.iter()).filter_map(|(found, item)| look_again_ns(thread, *found, item));
        let again_ns =
            again.chain((!is_fenced).then(|| sync::now_ns().saturating_add(UNFENCED_SLEEP_NS))).min();
        let until_ns = again_ns.map_or(deadline_ns, |again_ns| again_ns.min(deadline_ns));
        thread.increment(Counter::Sleeps, 1);
        let first = found.first().map(|found| found.entry.object());
        thread.set_waiting(Waiting::asleep(found.len(), first));
        trace_event!(items = found.len(), ?first, until_ns, "thread sleeps");
        // A word that has changed since it was armed makes this return at once, so no wake is lost between the check
        // and the sleep.
        let asleep_ns = wake::now_ns();
        let slept = thread.arena().futex().wait(&words, until_ns);
        thread.patience.woken_by(wake::woken_just_now(thread, &words, asleep_ns));
        trace_event!(?slept, "thread is awake");
        thread.set_waiting(Waiting::AWAKE);
        if let Some(done) = check(items, watch)? {
            return Ok(done);
        }
        match slept {
            // A shortened sleep that ends is no timeout of the caller: the loop looks at the deadline itself.
            WakeReason::TimedOut if again_ns.is_none() => return Err(Error::TimedOut),
            WakeReason::Interrupted if on_interrupt == OnInterrupt::End => return Err(Error::Interrupted),
            _ => {}
        }
    }
}

/// See [`Class::look_again_ns`](crate::object::class::Class::look_again_ns).
fn look_again_ns(thread: &Thread, found: ResolvedHandle, item: &WaitItem) -> Option<i64> {
    // Relaxed: if the slot has its next user by now, the next check ends the wait.
    let object = thread.arena().object(found.entry.object().slot()).ok()?;
    let class = ObjectClass::of(Lifecycle(object.lifecycle.load(Relaxed))).ok()?;
    class.look_again_ns(thread, found, item.waitfor)
}

/// Arms all objects of the wait. `None`: another waiter has cleared FENCED since `enter_fenced_mode`, and the caller
/// starts over.
pub(crate) fn arm_all<'a>(
    thread: &'a Thread,
    found: &[ResolvedHandle],
    items: &[WaitItem],
    watch: Option<Watch>,
    is_fenced: bool,
) -> Result<Option<Vec<Armed<'a>>>> {
    let mut words: Vec<Armed<'_>> = Vec::with_capacity(found.len());
    for (number, (found, item)) in found.iter().zip(items).enumerate() {
        let object = found.entry.object();
        let state = thread.arena().state(object)?;
        let Some(before) = arm(state, item.waitfor, is_fenced) else { return Ok(None) };
        // These signals may be cleared by a clearer that loaded the state before this arming, and so misses the place
        // (see the wrap of the counter in `signal/watch.rs`). The arming CAS has seen them, so latch them here.
        if let Some(watch) = watch
            && item.waitfor.intersects(!UNWATCHED)
            && before.signals().intersects(!UNWATCHED)
        {
            watch::note_watched(thread, watch, number, before.signals() & !UNWATCHED)?;
        }
        let expected = before.next_count().with(arming(item.waitfor)).futex();
        // Two items may be handles to one side. Arming it again has advanced its counter, so expect the later value.
        match words.iter_mut().find(|(other, _)| core::ptr::eq(*other, state)) {
            Some(armed) => armed.1 = expected,
            None => words.push((state, expected)),
        }
    }
    Ok(Some(words))
}
