//! The queues of sleeping threads, and the owner of each futex.
//!
//! As in Zircon's kernel, one lock covers all futexes of a process, and a futex exists only while a thread sleeps on it:
//! its owner is forgotten with its last sleeper. Linux's futexes have no owners that a program can ask for (priority
//! inheritance changes the word itself), so the queues are this library's own.
//!
//! INV-QUEUE-1: everything here is done under the lock, except a thread's sleep and the system call that wakes it.
//! INV-QUEUE-2: no queue is empty. A thread is in the queue of its `waits_on`, or in none if that is 0.
//! INV-QUEUE-3: the owner of a futex does not sleep on it.

use super::thread::FutexThread;
use crate::types::status::Status;
use crate::types::time::MonotonicInstant;
use jacinth_shm::PerProcess;
use std::cell::Cell;
use std::collections::btree_map::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// A thread that sleeps on a futex, or that owns one.
type SleepingThread = Arc<dyn FutexThread>;

/// How many sleepers are woken, and the futex's owner after it.
///
/// ```
/// # use jacinth::*;
/// // No thread sleeps there.
/// assert_eq!(raw::futex_wake(0x1000, raw::FutexWakeCount::OneAsOwner), Ok(()));
/// ```
#[derive(Clone, Copy, Debug)]
pub enum FutexWakeCount {
    /// Up to this many; the futex has no owner then.
    UpTo(u32),
    /// One, which becomes the owner.
    OneAsOwner,
}

/// The sleepers of one futex, in the order in which they came.
#[derive(Debug, Default)]
struct Queue {
    owner: Option<SleepingThread>,
    sleepers: BTreeMap<u64, SleepingThread>,
}

#[derive(Debug, Default)]
struct Queues {
    by_key: HashMap<usize, Queue>,
    /// The ticket of the thread that came last. 64 bits last forever.
    last_ticket: u64,
}

static QUEUES: PerProcess<Mutex<Queues>> = PerProcess::new(forget);

/// A forked child starts without sleepers.
extern "C" fn forget() {
    QUEUES.forget();
    IS_INSIDE.set(false);
}

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `change` under the lock. BAD_STATE for a signal handler that interrupted this function.
fn locked<T>(change: impl FnOnce(&mut Queues) -> Result<T, Status>) -> Result<T, Status> {
    /// Leaves, also when a caller's check has panicked.
    struct Inside;

    impl Drop for Inside {
        fn drop(&mut self) {
            IS_INSIDE.set(false);
        }
    }

    // A handler that waited for the lock would wait for the thread that it interrupts.
    if IS_INSIDE.replace(true) {
        return Err(Status::BAD_STATE);
    }
    let _inside = Inside;
    change(&mut QUEUES.get().lock().unwrap_or_else(PoisonError::into_inner))
}

impl Queues {
    /// Adds a thread at the end of the queue of `key`.
    fn push(&mut self, key: usize, thread: SleepingThread) {
        self.last_ticket += 1;
        thread.sleep().enter_queue(key, self.last_ticket);
        self.by_key.entry(key).or_default().sleepers.insert(self.last_ticket, thread);
    }

    /// Removes up to `count` threads from the front of a queue.
    fn pop(&mut self, key: usize, count: u32) -> Vec<SleepingThread> {
        let Entry::Occupied(mut queue) = self.by_key.entry(key) else { return Vec::new() };
        let sleepers = &mut queue.get_mut().sleepers;
        let taken: Vec<_> =
            (0..count).map_while(|_| sleepers.pop_first()).map(|(_ticket, thread)| thread).collect();
        if sleepers.is_empty() {
            queue.remove();
        }
        taken
    }

    /// Removes the threads that are to be woken and sets the new owner. The caller wakes them after it has released the
    /// lock.
    fn wake(&mut self, key: usize, wake: FutexWakeCount) -> Vec<SleepingThread> {
        let (count, becomes_owner) = match wake {
            FutexWakeCount::UpTo(count) => (count, false),
            FutexWakeCount::OneAsOwner => (1, true),
        };
        let woken = self.pop(key, count);
        for thread in &woken {
            // Under the lock: from here on the thread counts as woken, even if its deadline passes first.
            thread.sleep().end();
        }
        self.set_owner(key, if becomes_owner { woken.first().cloned() } else { None });
        woken
    }

    /// Sets the owner of a futex, if a thread sleeps on it.
    fn set_owner(&mut self, key: usize, owner: Option<SleepingThread>) {
        if let Some(queue) = self.by_key.get_mut(&key) {
            queue.owner = owner;
        }
    }
}

/// Has the calling thread, `this`, sleep on the futex at the address `key`, and makes `owner` the futex's owner, if
/// `is_current` succeeds. No wake comes between that check and the thread's place in the queue, because both are under
/// the lock.
///
/// Follows `docs/syscalls/futex_wait.md`.
///
/// # Errors
/// Those of `is_current`; [`Status::INVALID_ARGS`] for the key 0, and for an owner that is the calling thread or sleeps
/// on this futex;
/// [`Status::TIMED_OUT`]; [`Status::BAD_STATE`] in a signal handler that interrupts a call of this kind.
///
/// ```
/// # use jacinth::*;
/// # use std::sync::Arc;
/// #
/// # #[derive(Debug, Default)]
/// # struct Record(raw::FutexSleep);
/// #
/// # impl raw::FutexThread for Record {
/// #     fn sleep(&self) -> &raw::FutexSleep {
/// #         &self.0
/// #     }
/// #
/// #     fn koid(&self) -> Result<Koid, Status> {
/// #         Ok(Koid::from_raw(5000))
/// #     }
/// # }
/// use std::sync::atomic::{AtomicI32, Ordering};
///
/// let word = AtomicI32::new(7);
/// let is_seven = || match word.load(Ordering::Relaxed) {
///     7 => Ok(()),
///     _ => Err(Status::BAD_STATE),
/// };
/// let this: Arc<dyn raw::FutexThread> = Arc::new(Record::default());
/// let past = MonotonicInstant::INFINITE_PAST;
/// let waited = raw::futex_wait(word.as_ptr().addr(), is_seven, &this, None, past);
/// assert_eq!(waited, Err(Status::TIMED_OUT));
/// ```
pub fn futex_wait(
    key: usize,
    is_current: impl Fn() -> Result<(), Status>,
    this: &Arc<dyn FutexThread>,
    owner: Option<Arc<dyn FutexThread>>,
    deadline: MonotonicInstant,
) -> Result<(), Status> {
    if key == 0 {
        return Err(Status::INVALID_ARGS);
    }
    locked(|queues| {
        if this.sleep().waits_on() != 0 {
            // A signal handler has interrupted the thread's sleep. A record has one place in a queue.
            return Err(Status::BAD_STATE);
        }
        // A changed value comes before errors of the owner.
        is_current()?;
        check_owner(owner.as_ref(), &[key])?;
        if owner.as_ref().is_some_and(|owner| Arc::ptr_eq(owner, this)) {
            return Err(Status::INVALID_ARGS);
        }
        this.sleep().begin();
        queues.push(key, this.clone());
        queues.set_owner(key, owner);
        Ok(())
    })?;
    if this.sleep().sleep_until(deadline) {
        return Ok(());
    }
    locked(|queues| {
        // The thread may have been moved to another queue, so it asks for its place.
        let key = this.sleep().waits_on();
        let Entry::Occupied(mut queue) = queues.by_key.entry(key) else {
            // A wake came after the deadline. It counts: a wake of one thread must wake one. In a forked child the queue
            // is gone, and the sleep ends here.
            this.sleep().end();
            return Ok(());
        };
        queue.get_mut().sleepers.remove(&this.sleep().ticket());
        if queue.get().sleepers.is_empty() {
            queue.remove();
        }
        this.sleep().end();
        Err(Status::TIMED_OUT)
    })
}

/// Wakes sleepers of a futex. The word need not be mapped any more.
///
/// Follows `docs/syscalls/futex_wake.md` and `futex_wake_single_owner.md`.
///
/// # Errors
/// [`Status::BAD_STATE`] in a signal handler that interrupts a call of this kind.
///
/// ```
/// # use jacinth::*;
/// let word = std::sync::atomic::AtomicI32::new(0);
/// raw::futex_wake(word.as_ptr().addr(), raw::FutexWakeCount::UpTo(u32::MAX))?;
/// # Ok::<(), Status>(())
/// ```
pub fn futex_wake(key: usize, wake: FutexWakeCount) -> Result<(), Status> {
    let woken = locked(|queues| Ok(queues.wake(key, wake)))?;
    unpark(&woken);
    Ok(())
}

/// A move of sleepers from one futex to another. The example is that of [`futex_requeue`].
#[derive(Debug)]
pub struct FutexRequeue {
    /// The address of the futex that the sleepers leave.
    pub from: usize,
    /// The sleepers of `from` that are woken instead of moved.
    pub wake: FutexWakeCount,
    /// The address of the futex on which they sleep from then on.
    pub to: usize,
    /// How many sleepers are moved at most.
    pub count: u32,
    /// The owner of `to` from then on.
    pub owner: Option<Arc<dyn FutexThread>>,
}

/// Wakes some sleepers of a futex and moves others to another, if `is_current` succeeds.
///
/// Follows `docs/syscalls/futex_requeue.md` and `futex_requeue_single_owner.md`.
///
/// # Errors
/// Those of `is_current`; [`Status::INVALID_ARGS`] when both futexes are the same, for the key 0, and for an owner that sleeps on one
/// of them; [`Status::BAD_STATE`] in a signal handler that interrupts a call of this kind.
///
/// ```
/// # use jacinth::*;
/// let wake = raw::FutexWakeCount::UpTo(1);
/// let requeue = raw::FutexRequeue { from: 0x1000, wake, to: 0x2000, count: u32::MAX, owner: None };
/// raw::futex_requeue(requeue, || Ok(()))?;
/// # Ok::<(), Status>(())
/// ```
pub fn futex_requeue(
    requeue: FutexRequeue,
    is_current: impl Fn() -> Result<(), Status>,
) -> Result<(), Status> {
    let FutexRequeue { from, wake, to, count, owner } = requeue;
    if from == to || to == 0 {
        return Err(Status::INVALID_ARGS);
    }
    let woken = locked(|queues| {
        is_current()?;
        check_owner(owner.as_ref(), &[from, to])?;
        let woken = queues.wake(from, wake);
        // Their own words stay ASLEEP: they sleep on, and only their place changes.
        for thread in queues.pop(from, count) {
            queues.push(to, thread);
        }
        queues.set_owner(to, owner);
        Ok(woken)
    })?;
    unpark(&woken);
    Ok(())
}

/// The owner of a futex; `None` also when no thread sleeps on it.
///
/// Follows `docs/syscalls/futex_get_owner.md`.
///
/// # Errors
/// [`Status::BAD_STATE`] in a signal handler that interrupts a call of this kind.
///
/// ```
/// # use jacinth::*;
/// assert!(raw::futex_owner(0x1000)?.is_none());
/// # Ok::<(), Status>(())
/// ```
pub fn futex_owner(key: usize) -> Result<Option<Arc<dyn FutexThread>>, Status> {
    locked(|queues| Ok(queues.by_key.get(&key).and_then(|queue| queue.owner.clone())))
}

/// INVALID_ARGS for an owner that sleeps on one of these futexes.
fn check_owner(owner: Option<&SleepingThread>, keys: &[usize]) -> Result<(), Status> {
    let is_asleep = owner.is_some_and(|owner| keys.contains(&owner.sleep().waits_on()));
    if is_asleep { Err(Status::INVALID_ARGS) } else { Ok(()) }
}

/// Wakes threads that were removed from their queues.
fn unpark(woken: &[SleepingThread]) {
    for thread in woken {
        thread.sleep().unpark();
    }
}
