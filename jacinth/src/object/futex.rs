//! Futexes: a word of this process that threads sleep on.

use crate::attachment::current_process::is_attached;
use crate::object::task::thread_self;
use crate::object::thread::Thread;
use crate::raw::{self, FutexRequeue, FutexThread, FutexWakeCount};
use crate::types::koid::Koid;
use crate::types::object_type::ObjectType;
use crate::types::status::Status;
use crate::types::time::Deadline;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// A word that threads of this process sleep on until others wake them. Follows `docs/objects/futex.md`.
///
/// It is no object: it has no handle, belongs to one process, and works without an arena. It is a word and nothing
/// else, so Zircon's futex calls in C may use it too. The value is an [`AtomicI32`], to which it dereferences.
///
/// A futex may have an owner while threads sleep on it: the thread that they wait for. It is remembered, and has no
/// other effect. (Today's Zircon lets the owner inherit the sleepers' priority.)
///
/// ```
/// use jacinth::{Futex, MonotonicInstant};
/// use std::sync::atomic::Ordering;
///
/// let is_ready = Futex::new(0);
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         is_ready.store(1, Ordering::Release);
///         is_ready.wake_all();
///     });
///     while is_ready.load(Ordering::Acquire) == 0 {
///         // BAD_STATE when the word is no longer 0.
///         let _ = is_ready.wait(0, None, MonotonicInstant::INFINITE);
///     }
/// });
/// ```
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Futex(AtomicI32);

impl Futex {
    /// A futex whose word has this value.
    ///
    /// ```
    /// use jacinth::Futex;
    ///
    /// static LOCK: Futex = Futex::new(0);
    /// assert_eq!(LOCK.swap(1, std::sync::atomic::Ordering::Acquire), 0);
    /// ```
    #[must_use]
    pub const fn new(value: i32) -> Self {
        Self(AtomicI32::new(value))
    }

    /// Sleeps if the word has the value `current_value`, until a wake or the deadline. `new_owner` becomes the futex's
    /// owner; `None` leaves it without one.
    ///
    /// Follows `docs/syscalls/futex_wait.md`. Needs no right on the thread's handle.
    ///
    /// # Errors
    /// * [`Status::BAD_STATE`] when the word has another value, and in a signal handler that interrupts a call on a
    ///   futex.
    /// * [`Status::TIMED_OUT`].
    /// * [`Status::BAD_HANDLE`] and [`Status::WRONG_TYPE`] for an owner that is no handle, or not one of a thread.
    /// * [`Status::INVALID_ARGS`] for an owner that is no living thread of this process, that is the calling thread, or
    ///   that sleeps on this futex.
    ///
    /// ```
    /// # use jacinth::*;
    /// let futex = Futex::new(3);
    /// assert_eq!(futex.wait(4, None, MonotonicInstant::INFINITE), Err(Status::BAD_STATE));
    /// let soon = std::time::Duration::from_millis(1);
    /// assert_eq!(futex.wait(3, None, soon), Err(Status::TIMED_OUT));
    /// ```
    pub fn wait(
        &self,
        current_value: i32,
        new_owner: Option<&Thread>,
        deadline: impl Into<Deadline>,
    ) -> Result<(), Status> {
        let deadline = deadline.into().instant();
        // A changed value comes before errors of the handle.
        self.expect(current_value)?;
        let owner = owner_of(new_owner)?;
        let this = raw::own_futex_thread();
        if this.koid()? == Koid::INVALID && is_attached() {
            // The object that a later `get_owner` names. Without room for it the thread can own the futex all the same.
            let _ = thread_self();
        }
        raw::futex_wait(self.key(), || self.expect(current_value), &this, owner, deadline)
    }

    /// Wakes up to `wake_count` sleepers, in the order in which they came. The futex has no owner then.
    ///
    /// Follows `docs/syscalls/futex_wake.md`.
    ///
    /// # Panics
    /// In a signal handler that interrupts a call on a futex.
    ///
    /// ```
    /// # use jacinth::*;
    /// let futex = Futex::new(0);
    /// std::thread::scope(|scope| {
    ///     let sleeper = scope.spawn(|| futex.wait(0, None, MonotonicInstant::INFINITE));
    ///     while !sleeper.is_finished() {
    ///         futex.wake(1); // Until the thread has come to sleep.
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn wake(&self, wake_count: u32) {
        raw::futex_wake(self.key(), FutexWakeCount::UpTo(wake_count)).expect(INTERRUPTED);
    }

    /// Wakes all sleepers. The futex has no owner then.
    ///
    /// # Panics
    /// In a signal handler that interrupts a call on a futex.
    ///
    /// ```
    /// # use jacinth::*;
    /// let futex = Futex::new(0);
    /// std::thread::scope(|scope| {
    ///     let sleepers = [0, 1].map(|_| scope.spawn(|| futex.wait(0, None, MonotonicInstant::INFINITE)));
    ///     while !sleepers.iter().all(|sleeper| sleeper.is_finished()) {
    ///         futex.wake_all();
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn wake_all(&self) {
        self.wake(u32::MAX);
    }

    /// Wakes one sleeper, and makes it the owner of the futex for those that are left. The futex has no owner if there
    /// was no sleeper.
    ///
    /// Follows `docs/syscalls/futex_wake_single_owner.md`.
    ///
    /// # Panics
    /// In a signal handler that interrupts a call on a futex.
    ///
    /// ```
    /// # use jacinth::*;
    /// let futex = Futex::new(0);
    /// std::thread::scope(|scope| {
    ///     let sleeper = scope.spawn(|| futex.wait(0, None, MonotonicInstant::INFINITE));
    ///     while !sleeper.is_finished() {
    ///         futex.wake_single_owner();
    ///     }
    /// });
    /// assert_eq!(futex.get_owner(), None); // No thread sleeps.
    /// ```
    #[track_caller]
    pub fn wake_single_owner(&self) {
        raw::futex_wake(self.key(), FutexWakeCount::OneAsOwner).expect(INTERRUPTED);
    }

    /// Wakes up to `wake_count` sleepers, and moves up to `requeue_count` of the others to the futex `requeue_to`, whose
    /// owner is `new_requeue_owner` from then on. This futex has no owner then. All of it only if the word has the value
    /// `current_value`.
    ///
    /// Follows `docs/syscalls/futex_requeue.md`.
    ///
    /// # Errors
    /// [`Status::INVALID_ARGS`] also when both futexes are the same, and for an owner that sleeps on either; otherwise as
    /// [`wait`](Self::wait), but for [`Status::TIMED_OUT`].
    ///
    /// ```
    /// # use jacinth::*;
    /// let (condition, lock) = (Futex::new(0), Futex::new(1));
    /// std::thread::scope(|scope| {
    ///     let sleeper = scope.spawn(|| condition.wait(0, None, MonotonicInstant::INFINITE));
    ///     while !sleeper.is_finished() {
    ///         condition.requeue(0, 0, &lock, 1, None).unwrap();
    ///         lock.wake(1);
    ///     }
    /// });
    /// assert_eq!(condition.requeue(1, 7, &lock, 1, None), Err(Status::BAD_STATE));
    /// assert_eq!(lock.requeue(1, 1, &lock, 1, None), Err(Status::INVALID_ARGS));
    /// ```
    pub fn requeue(
        &self,
        wake_count: u32,
        current_value: i32,
        requeue_to: &Self,
        requeue_count: u32,
        new_requeue_owner: Option<&Thread>,
    ) -> Result<(), Status> {
        let wake = FutexWakeCount::UpTo(wake_count);
        self.requeue_with(wake, current_value, requeue_to, requeue_count, new_requeue_owner)
    }

    /// As [`requeue`](Self::requeue), except that it wakes one sleeper and makes it the owner of this futex.
    ///
    /// Follows `docs/syscalls/futex_requeue_single_owner.md`.
    ///
    /// # Errors
    /// Those of [`requeue`](Self::requeue).
    ///
    /// ```
    /// # use jacinth::*;
    /// let (condition, lock) = (Futex::new(0), Futex::new(1));
    /// condition.requeue_single_owner(0, &lock, u32::MAX, None)?; // No thread sleeps: without effect.
    /// # Ok::<(), Status>(())
    /// ```
    pub fn requeue_single_owner(
        &self,
        current_value: i32,
        requeue_to: &Self,
        requeue_count: u32,
        new_requeue_owner: Option<&Thread>,
    ) -> Result<(), Status> {
        let wake = FutexWakeCount::OneAsOwner;
        self.requeue_with(wake, current_value, requeue_to, requeue_count, new_requeue_owner)
    }

    fn requeue_with(
        &self,
        wake: FutexWakeCount,
        current_value: i32,
        to: &Self,
        count: u32,
        new_owner: Option<&Thread>,
    ) -> Result<(), Status> {
        if std::ptr::eq(self, to) {
            return Err(Status::INVALID_ARGS);
        }
        self.expect(current_value)?;
        let owner = owner_of(new_owner)?;
        let requeue = FutexRequeue { from: self.key(), wake, to: to.key(), count, owner };
        raw::futex_requeue(requeue, || self.expect(current_value))
    }

    /// The koid of the owner. `None` also when no thread sleeps on the futex, and for an owner without an object: its
    /// process is attached to no arena, or had no room.
    ///
    /// Follows `docs/syscalls/futex_get_owner.md`.
    ///
    /// # Panics
    /// In a signal handler that interrupts a call on a futex.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let futex = Futex::new(0);
    /// let this: Unowned<'_, Thread> = thread_self()?.cast();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| futex.wait(0, Some(&*this), MonotonicInstant::INFINITE));
    ///     while futex.get_owner().is_none() {
    ///         std::thread::yield_now(); // Until the thread sleeps.
    ///     }
    ///     assert_eq!(futex.get_owner(), this.koid().ok());
    ///     futex.wake_single_owner();
    /// });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn get_owner(&self) -> Option<Koid> {
        let owner = raw::futex_owner(self.key()).expect(INTERRUPTED)?;
        owner.koid().ok().filter(|koid| *koid != Koid::INVALID)
    }

    /// The key of the futex's queue.
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// BAD_STATE if the word has another value.
    fn expect(&self, value: i32) -> Result<(), Status> {
        // Relaxed: the lock of the queues orders it before the wake of a thread that changes the word first.
        if self.0.load(Ordering::Relaxed) == value { Ok(()) } else { Err(Status::BAD_STATE) }
    }
}

/// The one error of calls that do not compare the word.
const INTERRUPTED: &str = "no call on a futex was interrupted by this one";

/// The word.
impl Deref for Futex {
    type Target = AtomicI32;

    fn deref(&self) -> &AtomicI32 {
        &self.0
    }
}

/// The thread of this process that a handle refers to.
fn owner_of(thread: Option<&Thread>) -> Result<Option<Arc<dyn FutexThread>>, Status> {
    let Some(thread) = thread else { return Ok(None) };
    let info = thread.basic_info()?;
    if info.object_type != ObjectType::THREAD {
        return Err(Status::WRONG_TYPE);
    }
    raw::futex_thread(info.koid).map(Some)
}
