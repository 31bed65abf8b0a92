//! Who sleeps on which word, in which order, and whose each futex is.
//!
//! As in Zircon's kernel there is one lock for all futexes of a process, and a futex is known only while somebody sleeps on
//! it: with its last sleeper its owner is forgotten. A thread sleeps on a word of its own (`Sleep::wake`), by the system's
//! futex, and whoever takes it off its queue writes there.
//!
//! | `Sleep::wake` | written | meaning |
//! |---|---|---|
//! | ASLEEP | by the thread itself, as it enters a queue | it is in the queue of `waits_on` |
//! | AWAKE | by whoever takes it off the queue | it is in none |
//!
//! INV-FUTEX-1: everything here but the loads of `wake` in `sleep_until` is done under the lock.
//! INV-FUTEX-2: a queue has a sleeper, and a thread is in the queue of its `waits_on` or, where that is 0, in none.
//! INV-FUTEX-3: the owner of a futex does not sleep on it.

use crate::process::fork::PerProcess;
use crate::process::threads::{self, Thread};
use crate::types::zx_time_t;
use jacinth::{MonotonicInstant, Status};
use std::cell::Cell;
use std::collections::btree_map::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::io::Error;
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const AWAKE: u32 = 0;
const ASLEEP: u32 = 1;

/// What a thread's record says of its sleep on a futex.
#[derive(Debug, Default)]
pub(crate) struct Sleep {
    wake: AtomicU32,
    /// The futex on which it sleeps; 0 for none.
    waits_on: AtomicUsize,
    /// Its place in the queue.
    ticket: AtomicU64,
}

/// Whose a futex is.
pub(crate) type Owner = Arc<Thread>;

/// Who is woken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Waking {
    /// So many; the futex is nobody's then.
    Some(u32),
    /// One, whose the futex is then.
    ItsOwner,
}

/// The sleepers of one futex, in the order in which they came.
#[derive(Debug, Default)]
struct Queue {
    owner: Option<Owner>,
    sleepers: BTreeMap<u64, Arc<Thread>>,
}

#[derive(Debug, Default)]
struct Queues {
    by_key: HashMap<usize, Queue>,
    /// The ticket of the last that came. 64 bits are not used up.
    last_ticket: u64,
}

static QUEUES: PerProcess<Mutex<Queues>> = PerProcess::new();

/// A forked child's futexes have no sleepers.
pub(crate) fn forget() {
    QUEUES.forget();
    IS_INSIDE.set(false);
}

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `change` under the lock; BAD_STATE for a signal handler that interrupted this very function.
fn locked<T>(change: impl FnOnce(&mut Queues) -> Result<T, Status>) -> Result<T, Status> {
    if IS_INSIDE.replace(true) {
        return Err(Status::BAD_STATE);
    }
    let done = change(&mut QUEUES.get().lock().unwrap_or_else(PoisonError::into_inner));
    IS_INSIDE.set(false);
    done
}

impl Queues {
    /// The last of the queue of `key`.
    fn push(&mut self, key: usize, thread: Arc<Thread>) {
        self.last_ticket += 1;
        // Relaxed, as all of these: under the lock.
        thread.sleep.waits_on.store(key, Ordering::Relaxed);
        thread.sleep.ticket.store(self.last_ticket, Ordering::Relaxed);
        self.by_key.entry(key).or_default().sleepers.insert(self.last_ticket, thread);
    }

    /// Takes up to `count` off the front of a queue.
    fn pop(&mut self, key: usize, count: u32) -> Vec<Arc<Thread>> {
        let Entry::Occupied(mut queue) = self.by_key.entry(key) else { return Vec::new() };
        let sleepers = &mut queue.get_mut().sleepers;
        let taken: Vec<_> =
            (0..count).map_while(|_| sleepers.pop_first()).map(|(_ticket, thread)| thread).collect();
        if sleepers.is_empty() {
            queue.remove();
        }
        taken
    }

    /// Takes those off a queue who are to be woken, and gives the futex to whom it is then. They are told when the lock is
    /// free again.
    fn wake(&mut self, key: usize, waking: Waking) -> Vec<Arc<Thread>> {
        let (count, is_owner) = match waking {
            Waking::Some(count) => (count, false),
            Waking::ItsOwner => (1, true),
        };
        let woken = self.pop(key, count);
        for thread in &woken {
            thread.sleep.waits_on.store(0, Ordering::Relaxed);
            // ORDER: Release, pairs with the Acquire of `sleep_until`: what was done before the wake is seen after it.
            thread.sleep.wake.store(AWAKE, Ordering::Release);
        }
        self.give(key, if is_owner { woken.first().cloned() } else { None });
        woken
    }

    /// Sets whose a futex is, while anybody sleeps on it.
    fn give(&mut self, key: usize, owner: Option<Owner>) {
        if let Some(queue) = self.by_key.get_mut(&key) {
            queue.owner = owner;
        }
    }
}

/// Sleeps on a futex while `is_current` says so: once it is seen to, nobody changes the word and wakes in between.
pub(super) fn wait(
    key: usize,
    is_current: impl Fn() -> Result<(), Status>,
    owner: Option<Owner>,
    deadline: zx_time_t,
) -> Result<(), Status> {
    let this = threads::current();
    locked(|queues| {
        is_current()?;
        refuse_sleepers(owner.as_ref(), &[key])?;
        if owner.as_ref().is_some_and(|owner| Arc::ptr_eq(owner, &this)) {
            return Err(Status::INVALID_ARGS);
        }
        this.sleep.wake.store(ASLEEP, Ordering::Relaxed);
        queues.push(key, this.clone());
        queues.give(key, owner);
        Ok(())
    })?;
    if sleep_until(&this.sleep.wake, deadline) {
        return Ok(());
    }
    locked(|queues| {
        // Where it sleeps now: it may have been moved.
        let key = this.sleep.waits_on.swap(0, Ordering::Relaxed);
        let Entry::Occupied(mut queue) = queues.by_key.entry(key) else {
            // It was woken at the last moment, and that must not be lost: whoever wakes one wakes one.
            return Ok(());
        };
        queue.get_mut().sleepers.remove(&this.sleep.ticket.load(Ordering::Relaxed));
        if queue.get().sleepers.is_empty() {
            queue.remove();
        }
        this.sleep.wake.store(AWAKE, Ordering::Relaxed);
        Err(Status::TIMED_OUT)
    })
}

/// Wakes sleepers of a futex.
pub(super) fn wake(key: usize, waking: Waking) -> Result<(), Status> {
    locked(|queues| Ok(queues.wake(key, waking))).map(|woken| tell(&woken))
}

/// Wakes sleepers of a futex and moves others to another.
pub(super) fn requeue(
    from: usize,
    waking: Waking,
    is_current: impl Fn() -> Result<(), Status>,
    to: usize,
    count: u32,
    owner: Option<Owner>,
) -> Result<(), Status> {
    let woken = locked(|queues| {
        is_current()?;
        refuse_sleepers(owner.as_ref(), &[from, to])?;
        let woken = queues.wake(from, waking);
        for thread in queues.pop(from, count) {
            queues.push(to, thread);
        }
        queues.give(to, owner);
        Ok(woken)
    })?;
    tell(&woken);
    Ok(())
}

/// Whose a futex is.
pub(super) fn owner(key: usize) -> Result<Option<Owner>, Status> {
    locked(|queues| Ok(queues.by_key.get(&key).and_then(|queue| queue.owner.clone())))
}

/// INVALID_ARGS for an owner that sleeps on one of these.
fn refuse_sleepers(owner: Option<&Owner>, keys: &[usize]) -> Result<(), Status> {
    let sleeps = owner.is_some_and(|owner| keys.contains(&owner.sleep.waits_on.load(Ordering::Relaxed)));
    if sleeps { Err(Status::INVALID_ARGS) } else { Ok(()) }
}

/// Wakes threads that have been taken off their queues. One that is awake by itself may meanwhile sleep again, and looks at
/// its word once more.
fn tell(woken: &[Arc<Thread>]) {
    for thread in woken {
        let wake = thread.sleep.wake.as_ptr();
        // SAFETY: nothing is read or written; the word is there, since the record is.
        unsafe { libc::syscall(libc::SYS_futex, wake, libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
    }
}

/// Sleeps until the word says AWAKE, or until the deadline. Whether it was woken.
fn sleep_until(word: &AtomicU32, deadline: zx_time_t) -> bool {
    let deadline = timespec(deadline);
    let timeout = deadline.as_ref().map_or(ptr::null(), ptr::from_ref);
    loop {
        // ORDER: Acquire, pairs with the Release of `Queues::wake`.
        if word.load(Ordering::Acquire) == AWAKE {
            return true;
        }
        // SAFETY: the word and the deadline are there; the kernel reads both.
        let slept = unsafe {
            libc::syscall(
                libc::SYS_futex,
                word.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                ASLEEP,
                timeout,
                ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
        // A signal handler, or a word that has changed: look again.
        if slept < 0 && Error::last_os_error().raw_os_error() == Some(libc::ETIMEDOUT) {
            return false;
        }
    }
}

/// The deadline for Linux: none for `ZX_TIME_INFINITE`, and no instant before the clock's zero.
fn timespec(deadline: zx_time_t) -> Option<libc::timespec> {
    let deadline = deadline.max(0);
    let finite = deadline != MonotonicInstant::INFINITE.into_nanos();
    finite.then_some(libc::timespec { tv_sec: deadline / 1_000_000_000, tv_nsec: deadline % 1_000_000_000 })
}
