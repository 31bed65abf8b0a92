//! The deadlines of all futures, on one timer of the arena.

use jacinth::{MonotonicDuration, MonotonicInstant, Port, Signals, Status, Timer, WaitAsyncOpts};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// A deadline, and the number of its future.
pub(crate) type Ticket = (MonotonicInstant, u64);

/// The key of the timer's packets.
pub(super) const KEY: u64 = u64::MAX;

#[derive(Debug, Default)]
pub(super) struct Timers(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    wakers: BTreeMap<Ticket, Waker>,
    count: u64,
    /// Made with the first deadline.
    timer: Option<Timer>,
    /// Whether a packet comes whenever the timer expires. Asked for once, so that no later step needs memory of the arena.
    is_observed: bool,
}

impl Waiting {
    /// Sets the timer to the earliest deadline.
    fn set(&mut self, port: &Port) -> Result<(), Status> {
        let Some((&(deadline, _), _)) = self.wakers.first_key_value() else { return Ok(()) };
        let timer = match &mut self.timer {
            Some(timer) => timer,
            none => none.insert(Timer::try_create()?),
        };
        timer.set(deadline, MonotonicDuration::ZERO)?;
        if !self.is_observed {
            timer.wait_async(port, KEY, Signals::TIMER_SIGNALED, WaitAsyncOpts::REPEATING)?;
            self.is_observed = true;
        }
        Ok(())
    }
}

impl Timers {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A waker for a deadline.
    pub(super) fn insert(
        &self,
        port: &Port,
        deadline: MonotonicInstant,
        waker: &Waker,
    ) -> Result<Ticket, Status> {
        let mut waiting = self.waiting();
        waiting.count += 1;
        let ticket = (deadline, waiting.count);
        waiting.wakers.insert(ticket, waker.clone());
        let is_first = waiting.wakers.first_key_value().is_some_and(|(first, _)| *first == ticket);
        if (is_first || !waiting.is_observed)
            && let Err(status) = waiting.set(port)
        {
            waiting.wakers.remove(&ticket);
            return Err(status);
        }
        Ok(ticket)
    }

    /// Another waker for the same deadline. `false`: the last one was woken.
    pub(super) fn replace(&self, ticket: Ticket, waker: &Waker) -> bool {
        let mut waiting = self.waiting();
        let before = waiting.wakers.get_mut(&ticket).map(|place| std::mem::replace(place, waker.clone()));
        // Before the last waker is dropped: it may own its task, whose futures need the lock.
        drop(waiting);
        before.is_some()
    }

    /// Removes a waker.
    pub(super) fn remove(&self, ticket: Ticket) {
        let removed = self.waiting().wakers.remove(&ticket);
        // Without the lock, as in `replace`.
        drop(removed);
    }

    /// The timer's packet has come: wakes what is due, and sets it again.
    pub(super) fn fire(&self, port: &Port) -> Result<(), Status> {
        let mut waiting = self.waiting();
        let later = waiting.wakers.split_off(&(MonotonicInstant::get(), u64::MAX));
        let due = std::mem::replace(&mut waiting.wakers, later);
        let set = waiting.set(port);
        drop(waiting);
        due.into_values().for_each(Waker::wake);
        set
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting().wakers.is_empty()
    }

    /// Wakes all, due or not.
    pub(super) fn wake_all(&self) {
        let all = std::mem::take(&mut self.waiting().wakers);
        all.into_values().for_each(Waker::wake);
    }
}
