//! A source: what the tasks of one observer wait for.
//!
//! INV-SOURCE-1: a task misses no packet. It reads the number of packets, tries its operation, and leaves its waker
//! only if the number is the same: under the lock, under which a packet raises it.
//! INV-SOURCE-2: only a living future has a waker here. One that is dropped takes it away, and a packet removes all.

use jacinth::Status;
use slab::Slab;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// The waiters of one observer.
#[derive(Debug, Default)]
pub(crate) struct Source {
    packets: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: Slab<Waker>,
    /// Whether the port has an observer that will send a packet.
    is_observed: bool,
}

/// A future's waker in a source: the number of packets when it was left there, and its place.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<(u64, usize)>);

impl Place {
    /// Whether no waker was left with it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Source {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many packets have come.
    pub(crate) fn packets(&self) -> u64 {
        // ORDER: Acquire, pairs with the Release of `fire`: what the sender of the packet did is seen by the operation
        // that follows.
        self.packets.load(Ordering::Acquire)
    }

    /// Leaves a waker, unless packets have come since there were `seen`. `observe` registers an observer if there is
    /// none. `false`: try again.
    pub(crate) fn wait(
        &self,
        context: &Context<'_>,
        place: &mut Place,
        seen: u64,
        observe: impl FnOnce() -> Result<(), Status>,
    ) -> Result<bool, Status> {
        let mut waiting = self.waiting();
        // Relaxed: changed under the lock.
        if self.packets.load(Ordering::Relaxed) != seen {
            return Ok(false);
        }
        if !waiting.is_observed {
            observe()?;
            waiting.is_observed = true;
        }
        let mut before = None;
        match place.0 {
            Some((when, index)) if when == seen => {
                if let Some(waker) = waiting.wakers.get_mut(index) {
                    before = Some(std::mem::replace(waker, context.waker().clone()));
                }
            }
            _ => place.0 = Some((seen, waiting.wakers.insert(context.waker().clone()))),
        }
        // Before the last waker is dropped: it may own its task, whose futures need the lock.
        drop(waiting);
        drop(before);
        Ok(true)
    }

    /// Takes a future's waker away.
    pub(crate) fn leave(&self, place: &mut Place) {
        if let Some((when, index)) = place.0.take() {
            let mut waiting = self.waiting();
            // Relaxed: changed under the lock.
            let is_there = self.packets.load(Ordering::Relaxed) == when;
            let removed = if is_there { waiting.wakers.try_remove(index) } else { None };
            // Without the lock, as in `wait`.
            drop(waiting);
            drop(removed);
        }
    }

    /// Has `cancel` end the observer, if no task waits. No packet is missed by that: the next task that waits registers another
    /// observer, which looks at the signals as they are.
    pub(crate) fn rest(&self, cancel: impl FnOnce()) {
        let mut waiting = self.waiting();
        if waiting.is_observed && waiting.wakers.is_empty() {
            cancel();
            waiting.is_observed = false;
        }
    }

    /// A packet has come: wakes all. `is_last`: its observer has ended.
    pub(crate) fn fire(&self, is_last: bool) {
        let mut waiting = self.waiting();
        // ORDER: Release, pairs with the Acquire of `packets`.
        self.packets.fetch_add(1, Ordering::Release);
        waiting.is_observed &= !is_last;
        // Nearly always one task waits, and needs no list.
        let one = (waiting.wakers.len() == 1).then(|| waiting.wakers.drain().next()).flatten();
        if let Some(one) = one {
            drop(waiting);
            return one.wake();
        }
        let all: Vec<Waker> = waiting.wakers.drain().collect();
        drop(waiting);
        all.into_iter().for_each(Waker::wake);
    }

    /// Whether the port has an observer for it.
    pub(crate) fn is_observed(&self) -> bool {
        self.waiting().is_observed
    }
}
