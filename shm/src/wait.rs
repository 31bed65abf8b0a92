//! Waiting for signals: look, spin, then sleep on the event counts of all that is waited for.
//!
//! *Sleeper*: MODE set and followed by a heavy barrier, once; ARMED set by CAS; full fence; look again; sleep
//! while the words are unchanged; look again from the start.
//! *Changer*: store; light barrier; look at the word; if it asks for attention, full fence, look again; if
//! ARMED: advance the counter, wake all, clear ARMED only if the word is unchanged.
//!
//! Why no wake is lost: with MODE set both sides fence between their store and their look, so one of them sees
//! the other. Without MODE nobody sleeps: whoever would, sets it first, and its heavy barrier puts a fence into
//! every changer that has not seen it. SURE says that such a barrier is over: MODE alone could be another
//! sleeper's whose barrier is still to come. Stored signals need none of this: they share a word with ARMED.
//!
//! A dead waiter leaves ARMED set and costs one needless wake. A waker that dies before the wake leaves ARMED
//! set too; recovery wakes every object that a dead thread named.
//!
//! INV-WAIT-1: a sleeper holds no hazard: event counts are type-stable, and what it reads counts only if its
//! handle's entry is unchanged afterwards.

use crate::count::Found;
use crate::counter::Counter;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::object::{Life, Shape, State, signal};
use crate::refused::TRY_AGAIN_NS;
use crate::sync::{
    self, Acquire, AtomicU64, DEADLINE_INFINITE_NS, Futex, Inside, Relaxed, Release, SeqCst, Slept, fence,
    light_barrier,
};
use crate::thread::Thread;
use crate::watch::{UNWATCHED, Watch};

/// The longest that a wait spins before it sleeps, unless told otherwise: about what sleeping and waking cost.
pub(crate) const SPIN_NS: i64 = 10_000;
/// However often spinning was in vain, this much is tried.
const SPIN_LEAST_NS: i64 = 300;
/// After this many waits without a sleep, MODE is cleared and writers stop fencing.
const CALM_WAITS: u32 = if cfg!(loom) { 1 } else { 1024 };
/// Where the barrier is refused to this process alone, no sleep may last longer than this without looking again.
const UNSURE_SLEEP_NS: i64 = 1_000_000;

/// A word that a sleeper watches, and the half of it that it expects.
pub(crate) type Armed<'a> = (&'a AtomicU64, u32);

/// What a signal handler that runs during a sleep does to the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnInterrupt {
    /// Nothing: it sleeps on.
    GoOn,
    /// It ends, with `Error::Interrupted`.
    End,
}

/// One thing to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitItem {
    /// The handle's value.
    pub handle: u32,
    /// Signals to wait for.
    pub waitfor: u32,
    /// Signals seen, when the wait is over.
    pub pending: u32,
}

/// The most handles that one wait takes.
pub const MAX_WAIT_ITEMS: usize = if cfg!(loom) { 3 } else { Futex::MOST_WORDS };

impl Thread {
    /// Wakes the sleepers of a word if one of `flags` is set in it.
    pub(crate) fn wake(&self, state: &AtomicU64, flags: u64) {
        let mut word = State(state.load(Relaxed));
        loop {
            if !word.has(flags) {
                return;
            }
            // Relaxed: a sleeper that finds the counter moved looks, and if it saw too little it arms again, fences
            // and looks again. The fences are what orders a change and a look.
            match state.compare_exchange(word.0, word.advanced().0, Relaxed, Relaxed) {
                Ok(_) => break,
                Err(changed) => word = State(changed),
            }
        }
        self.arena().futex().wake_all(state);
        self.tally(Counter::Wakes, 1);
        let woken = word.advanced();
        // Whoever armed since then has advanced the counter, and keeps its flags (INV-EVENT-2).
        let _ = state.compare_exchange(
            woken.0,
            woken.without(State::ARMED | State::ARMED_WRITABLE).0,
            Relaxed,
            Relaxed,
        );
    }

    /// After a change of derived signals: wakes whoever sleeps on them. One load when nobody ever does.
    #[inline(always)]
    pub(crate) fn wake_after_update(&self, state: &AtomicU64, flags: u64) {
        // ORDER: pairs with the heavy barrier of `arm`.
        light_barrier();
        if State(state.load(Relaxed)).has(State::ATTENTION) {
            self.wake_attentively(state, flags);
        }
    }

    #[cold]
    pub(crate) fn wake_attentively(&self, state: &AtomicU64, flags: u64) {
        // ORDER: pairs with the fence of `sleep_until`: either this sees ARMED or the sleeper sees the change.
        fence(SeqCst);
        self.wake(state, flags);
    }

    /// The signals of a handle's object, or CANCELED when the handle is no longer there.
    pub fn signals(&self, found: Found) -> Result<u32> {
        let signals = self.look(found);
        // What was read belongs to the handle's object only if the handle is still there.
        if self.was_still(found) { signals } else { Err(Error::Canceled) }
    }

    /// The same, with what the item of this number has observed since it began to watch.
    pub(crate) fn signals_since(&self, found: Found, number: usize, watch: Option<Watch>) -> Result<u32> {
        let looked = self.look(found);
        // Before the handle is looked at again: what another life of the object tells is not believed.
        let observed = watch.map_or(Ok(0), |watch| self.observed(watch, number));
        if self.was_still(found) { Ok(looked? | observed?) } else { Err(Error::Canceled) }
    }

    fn look(&self, found: Found) -> Result<u32> {
        let object = found.entry.object();
        let slot = self.arena().object(object.slot())?;
        let shape =
            Life(slot.life.load(Relaxed)).shape().ok_or(Error::Corrupt("an object of no known shape"))?;
        // ORDER: Acquire, and before the rings are looked at: PEER_CLOSED is never seen without the messages
        // that came before it.
        let stored = State(slot.state[object.side()].load(Acquire)).signals();
        sync::acquired(&slot.state[object.side()]);
        if shape != Shape::Channel {
            return Ok(stored);
        }
        let mut signals = stored & !(signal::READABLE | signal::WRITABLE);
        if self.is_readable(found)? {
            signals |= signal::READABLE;
        }
        if stored & signal::PEER_CLOSED == 0 && self.is_writable(found)? {
            signals |= signal::WRITABLE;
        }
        Ok(signals)
    }

    fn is_readable(&self, found: Found) -> Result<bool> {
        let at = found.entry.object();
        let inside = self.inside();
        if self
            .process
            .endpoint(found.index, &inside)
            .is_some_and(|endpoint| endpoint.disorder.load(Acquire) != 0)
        {
            // An endpoint that has left is nobody's here to look into: canceled.
            let (endpoint, mut receiver) =
                self.enter_receiver(found, 0, &inside).map_err(|_| Error::Canceled)?;
            if !receiver.ready {
                return Ok(false);
            }
            let next = self.unspoken(at, &mut receiver)?;
            let minds_late = receiver.minds_late();
            self.discard_late(at, endpoint, &mut receiver)?;
            drop(receiver);
            if minds_late {
                self.work_dying()?;
            }
            return Ok(next.is_some());
        }
        let direction = self.direction(at.peer())?;
        // Relaxed: at worst this tells of a message that another thread has just taken. The fence of `was_still` is behind
        // every look: whoever sees READABLE sees what the writer did before it wrote.
        let head = direction.consumer.head.load(Relaxed);
        let tail = direction.producer.tail.load(Relaxed);
        sync::acquired(&direction.producer.tail);
        Ok(tail != head)
    }

    fn is_writable(&self, found: Found) -> Result<bool> {
        let writer = found.entry.object();
        let direction = self.direction(writer)?;
        // Relaxed, both, as in `is_readable`. The tail may be an older one, from before a message that was consumed since:
        // there was room when the head came to where it is, and another thread of this process may have filled it already.
        let head = direction.consumer.head.load(Relaxed);
        sync::acquired(&direction.consumer.head);
        let pending = direction.producer.tail.load(Relaxed).saturating_sub(direction.consumed(head));
        if pending >= self.max_pending(writer)? {
            return Ok(false);
        }
        let inside = self.inside();
        match self.refusal(found, &inside) {
            Some(endpoint) => self.would_succeed(found, endpoint),
            None => Ok(true),
        }
    }

    /// The endpoint, if a write was refused there for want of memory.
    fn refusal<'a>(&'a self, found: Found, inside: &'a Inside<'_>) -> Option<&'a Endpoint> {
        let endpoint = self.process.endpoint(found.index, inside)?;
        (endpoint.refused.load(Relaxed) != 0).then_some(endpoint)
    }

    /// Waits until one of `signals` is asserted. Gives all that were seen.
    pub fn wait_one(&self, value: u32, rights: u32, waitfor: u32, deadline_ns: i64) -> (Result<()>, u32) {
        let mut items = [WaitItem { handle: value, waitfor, pending: 0 }];
        let result = self.wait_many(&mut items, rights, deadline_ns);
        (result, items[0].pending)
    }

    /// Waits until one item has one of its signals. `pending` of every item is filled in on success, timeout
    /// and cancellation.
    pub fn wait_many(&self, items: &mut [WaitItem], rights: u32, deadline_ns: i64) -> Result<()> {
        if items.len() > MAX_WAIT_ITEMS {
            return Err(Error::out_of_range(
                "the number of handles to wait for",
                items.len(),
                MAX_WAIT_ITEMS,
            ));
        }
        let mut found = [Found { index: 0, entry: crate::table::Entry(0) }; 8];
        if let Some(found) = found.get_mut(..items.len()) {
            self.wait_found(items, found, rights, deadline_ns)
        } else {
            let mut found = vec![Found { index: 0, entry: crate::table::Entry(0) }; items.len()];
            self.wait_found(items, &mut found, rights, deadline_ns)
        }
    }

    fn wait_found(
        &self,
        items: &mut [WaitItem],
        found: &mut [Found],
        rights: u32,
        deadline_ns: i64,
    ) -> Result<()> {
        for (found, item) in found.iter_mut().zip(items.iter()) {
            *found = self.find(item.handle)?;
            found.require(rights)?;
        }
        self.wait_until(found, items, deadline_ns, OnInterrupt::GoOn, |items, watch| {
            let mut satisfied = false;
            let mut canceled = false;
            for (number, (item, found)) in items.iter_mut().zip(found.iter()).enumerate() {
                item.pending = match self.signals_since(*found, number, watch) {
                    Ok(signals) => signals,
                    Err(Error::Canceled) => {
                        canceled = true;
                        signal::HANDLE_CLOSED
                    }
                    Err(error) => return Err(error),
                };
                satisfied |= item.pending & item.waitfor != 0;
            }
            match (canceled, satisfied) {
                (true, _) => Err(Error::Canceled),
                (false, true) => Ok(Some(())),
                (false, false) => Ok(None),
            }
        })
    }

    /// Spins, then sleeps, until `check` gives something, an error, or the deadline passes. Wakes come from
    /// the event counts of `found`; `items` says which of them wait for room.
    pub(crate) fn wait_until<T>(
        &self,
        found: &[Found],
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
        if let Some(done) = self.spin(items, deadline_ns, &mut check)? {
            self.spin_ns.set(self.spin_ns.get().saturating_mul(2).min(self.spin_most_ns.get()));
            self.note_calm(found);
            return Ok(done);
        }
        self.spin_ns.set((self.spin_ns.get() / 2).max(SPIN_LEAST_NS).min(self.spin_most_ns.get()));
        self.calm_waits.set(0);
        let watch = if items.iter().any(|item| item.waitfor & !UNWATCHED != 0) {
            // What is set and cleared again counts from here on.
            let objects = found.iter().map(|found| found.entry.object());
            Some(self.begin_watch(objects.zip(items.iter()))?)
        } else {
            None
        };
        let slept = self.sleep_until(found, items, watch, deadline_ns, on_interrupt, check);
        if watch.is_some() && !is_dead(self) {
            self.end_watch()?;
        }
        slept
    }

    /// Sleeps until `check` gives something, an error, or the deadline passes.
    pub(crate) fn sleep_until<T>(
        &self,
        found: &[Found],
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
            let sure = self.set_modes(found)?;
            let Some(words) = self.arm_all(found, items, watch, sure)? else { continue };
            // ORDER: pairs with the fence of `wake_attentively`: a change that this look misses finds ARMED.
            fence(SeqCst);
            if let Some(done) = check(items, watch)? {
                return Ok(done);
            }
            // Where memory is waited for, nobody may tell when there is some.
            let is_refused = |(found, item): (&Found, &WaitItem)| {
                item.waitfor & signal::WRITABLE != 0 && self.refusal(*found, &self.inside()).is_some()
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
            self.tally(Counter::Sleeps, 1);
            let slept = self.arena().futex().wait(&words, until_ns);
            if let Some(done) = check(items, watch)? {
                return Ok(done);
            }
            match slept {
                Slept::TimedOut if longest_ns.is_none() => return Err(Error::TimedOut),
                Slept::Interrupted if on_interrupt == OnInterrupt::End => return Err(Error::Interrupted),
                _ => {}
            }
        }
    }

    fn spin<T>(
        &self,
        items: &mut [WaitItem],
        deadline_ns: i64,
        check: &mut impl FnMut(&mut [WaitItem], Option<Watch>) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        if self.spin_ns.get() == 0 {
            return Ok(None);
        }
        if cfg!(loom) {
            // Time stands still: one more look stands for all of them.
            return check(items, None);
        }
        let until_ns = sync::now_ns().saturating_add(self.spin_ns.get()).min(deadline_ns);
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
            sync::pause(step);
        }
    }

    /// The longest that this thread's waits spin before they sleep. 0 sleeps at once.
    pub fn set_spin_ns(&self, spin_ns: i64) {
        self.spin_most_ns.set(spin_ns.max(0));
        self.spin_ns.set(spin_ns.max(0));
    }

    /// Makes sure that every changer of these objects looks closely. `false` when the kernel refused the
    /// barrier.
    ///
    /// Relaxed throughout: what orders MODE before the changers' looks is the barrier, and SURE after the barrier
    /// the fences at its end and in `sleep_until`.
    pub(crate) fn set_modes(&self, found: &[Found]) -> Result<bool> {
        let mut unsure = Vec::new();
        for found in found {
            let object = found.entry.object();
            let state = &self.arena().object(object.slot())?.state[object.side()];
            if !State(state.load(Relaxed)).is_sure() {
                let before = State(state.fetch_or(State::MODE, Relaxed));
                unsure.push((state, before.epoch()));
            }
        }
        if unsure.is_empty() {
            return Ok(true);
        }
        // ORDER: INV-EVENT-1. Pairs with the light barrier of `wake_after_update`. Another sleeper's barrier
        // may still be on its way, so a word that is not SURE needs one here too.
        if !self.barrier()? {
            return Ok(false);
        }
        for (state, epoch) in unsure {
            let mut word = State(state.load(Relaxed));
            while word.has(State::MODE) && word.epoch() == epoch && !word.is_sure() {
                match state.compare_exchange(word.0, word.with(State::SURE).0, Relaxed, Relaxed) {
                    Ok(_) => break,
                    Err(changed) => word = State(changed),
                }
            }
        }
        Ok(true)
    }

    /// Arms everything that is waited for. `None`: another waiter has cleared MODE since `set_modes`, and the round
    /// starts over.
    pub(crate) fn arm_all(
        &self,
        found: &[Found],
        items: &[WaitItem],
        watch: Option<Watch>,
        sure: bool,
    ) -> Result<Option<Vec<Armed<'_>>>> {
        let mut words: Vec<Armed<'_>> = Vec::with_capacity(found.len());
        for (number, (found, item)) in found.iter().zip(items).enumerate() {
            let object = found.entry.object();
            let state = &self.arena().object(object.slot())?.state[object.side()];
            let Some(before) = arm(state, item.waitfor, sure) else { return Ok(None) };
            if let Some(watch) = watch
                && item.waitfor & !UNWATCHED != 0
                && before.signals() & !UNWATCHED != 0
            {
                self.note_watched(watch, number, before.signals() & !UNWATCHED)?;
            }
            let expected = before.advanced().with(arming(item.waitfor)).futex();
            // Two items may be handles to one side: arming again has moved its counter.
            match words.iter_mut().find(|(other, _)| core::ptr::eq(*other, state)) {
                Some(armed) => armed.1 = expected,
                None => words.push((state, expected)),
            }
        }
        Ok(Some(words))
    }

    /// After many waits without a sleep, writers need not fence for this thread's sake any more.
    fn note_calm(&self, found: &[Found]) {
        self.calm_waits.set(self.calm_waits.get() + 1);
        if self.calm_waits.get() < CALM_WAITS {
            return;
        }
        self.calm_waits.set(0);
        for found in found {
            let object = found.entry.object();
            if let Ok(slot) = self.arena().object(object.slot()) {
                let state = &slot.state[object.side()];
                let word = State(state.load(Relaxed));
                if word.is_sure() && !word.has(State::ARMED | State::ARMED_WRITABLE) {
                    // A sleeper that has just set MODE finds it gone when it arms, and starts again.
                    // Relaxed: the word is all there is to see.
                    let _ = state.compare_exchange(word.0, word.relaxed().0, Relaxed, Relaxed);
                }
            }
        }
    }
}

/// The flags that arming for these signals sets.
fn arming(waitfor: u32) -> u64 {
    let room = if waitfor & signal::WRITABLE != 0 { State::ARMED_WRITABLE } else { 0 };
    let watched = if waitfor & !UNWATCHED != 0 { State::WATCHED } else { 0 };
    State::ARMED | room | watched
}

/// Arms a side's event count. Gives its state before; `None` if MODE or SURE is gone.
fn arm(state: &AtomicU64, waitfor: u32, sure: bool) -> Option<State> {
    let mut word = State(state.load(Relaxed));
    loop {
        if sure && !word.is_sure() {
            return None;
        }
        let armed = word.advanced().with(arming(waitfor));
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
fn is_dead(_thread: &Thread) -> bool {
    #[cfg(loom)]
    return _thread.is_dead();
    #[cfg(not(loom))]
    false
}
