//! Futexes: words of one process that threads sleep on. Only their owners have to do with the arena.
//!
//! The queues are the `jacinth` crate's ([`jacinth::raw`]).

use crate::call_macro::calls;
use crate::object::handle::check_handle;
use crate::process::{entry, threads};
use crate::types::{zx_handle_t, zx_koid_t, zx_time_t};
use crate::user_memory::{UserIn, UserOut, fault_guard};
use jacinth::raw::{self, FutexRequeue, FutexThread, FutexWakeCount};
use jacinth::{Koid, MonotonicInstant, ObjectType, Rights, Status};
use std::sync::Arc;

calls! {
    /// Sleeps if the word has this value, until a wake or the deadline. Sets the futex's owner.
    fn zx_futex_wait, _zx_futex_wait(
        value_ptr: UserIn<i32>,
        current_value: i32,
        new_futex_owner: zx_handle_t,
        deadline: zx_time_t,
    ) {
        check(value_ptr)?;
        // A changed value comes before errors of the handle.
        expect(value_ptr, current_value)?;
        let owner = owner(new_futex_owner)?;
        wait(value_ptr, current_value, owner, deadline)
    }

    /// Wakes up to `wake_count` sleepers of the word. The futex has no owner then.
    fn zx_futex_wake, _zx_futex_wake(value_ptr: UserIn<i32>, wake_count: u32) {
        raw::futex_wake(key(value_ptr)?, FutexWakeCount::UpTo(wake_count))
    }

    /// Wakes one sleeper of the word, and makes it the futex's owner.
    fn zx_futex_wake_single_owner, _zx_futex_wake_single_owner(value_ptr: UserIn<i32>) {
        raw::futex_wake(key(value_ptr)?, FutexWakeCount::OneAsOwner)
    }

    /// Wakes some sleepers of the word and moves others to another word. Sets the owner of the other futex.
    fn zx_futex_requeue, _zx_futex_requeue(
        value_ptr: UserIn<i32>,
        wake_count: u32,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
        new_requeue_owner: zx_handle_t,
    ) {
        let from = Word { pointer: value_ptr, expected: current_value };
        requeue(from, FutexWakeCount::UpTo(wake_count), requeue_ptr, requeue_count, new_requeue_owner)
    }

    /// The same, except that it wakes one sleeper and makes it the owner of the first futex.
    fn zx_futex_requeue_single_owner, _zx_futex_requeue_single_owner(
        value_ptr: UserIn<i32>,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
        new_requeue_owner: zx_handle_t,
    ) {
        let from = Word { pointer: value_ptr, expected: current_value };
        requeue(from, FutexWakeCount::OneAsOwner, requeue_ptr, requeue_count, new_requeue_owner)
    }

    /// Stores the koid of the futex's owner; 0 for none.
    fn zx_futex_get_owner, _zx_futex_get_owner(value_ptr: UserIn<i32>, koid: UserOut<zx_koid_t>) {
        check(value_ptr)?;
        // Before the owner is asked for its koid, which may make an object: a refused call makes none.
        koid.check()?;
        koid.store(match raw::futex_owner(value_ptr.address())? {
            None => 0,
            Some(owner) => owner.koid()?.raw_koid(),
        })
    }

    /// [`zx_futex_wait`] without an owner.
    fn zx_futex_wait_deprecated, _zx_futex_wait_deprecated(
        value_ptr: UserIn<i32>,
        current_value: i32,
        deadline: zx_time_t,
    ) {
        check(value_ptr)?;
        wait(value_ptr, current_value, None, deadline)
    }

    /// [`zx_futex_requeue`] without an owner.
    fn zx_futex_requeue_deprecated, _zx_futex_requeue_deprecated(
        wake_ptr: UserIn<i32>,
        wake_count: u32,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
    ) {
        let from = Word { pointer: wake_ptr, expected: current_value };
        requeue(from, FutexWakeCount::UpTo(wake_count), requeue_ptr, requeue_count, raw::INVALID)
    }
}

fn wait(
    word: UserIn<i32>,
    expected: i32,
    owner: Option<Arc<dyn FutexThread>>,
    deadline: zx_time_t,
) -> Result<(), Status> {
    let this: Arc<dyn FutexThread> = threads::current();
    let deadline = MonotonicInstant::from_nanos(deadline);
    raw::futex_wait(word.address(), || expect(word, expected), &this, owner, deadline)
}

/// A futex word, and the value that the caller expects in it.
#[derive(Clone, Copy)]
struct Word {
    pointer: UserIn<i32>,
    expected: i32,
}

fn requeue(
    from: Word,
    wake: FutexWakeCount,
    to: UserIn<i32>,
    count: u32,
    new_owner: zx_handle_t,
) -> Result<(), Status> {
    check(from.pointer)?;
    check(to)?;
    if from.pointer.address() == to.address() {
        return Err(Status::INVALID_ARGS);
    }
    let is_current = || expect(from.pointer, from.expected);
    // A changed value comes before errors of the handle. It is checked again under the lock of the queues.
    is_current()?;
    let owner = owner(new_owner)?;
    let requeue = FutexRequeue { from: from.pointer.address(), wake, to: to.address(), count, owner };
    raw::futex_requeue(requeue, is_current)
}

/// The key of a word's futex. The memory may be unmapped: a program may free the word before it wakes the sleepers.
fn key(word: UserIn<i32>) -> Result<usize, Status> {
    if word.is_null() || !word.is_aligned() { Err(Status::INVALID_ARGS) } else { Ok(word.address()) }
}

/// INVALID_ARGS for a word that is not aligned or cannot be read.
fn check(word: UserIn<i32>) -> Result<(), Status> {
    fault_guard::install_handler();
    key(word).and_then(|_| word.load()).map(drop)
}

/// BAD_STATE if the word has another value.
fn expect(word: UserIn<i32>, value: i32) -> Result<(), Status> {
    if word.load_atomic()? == value { Ok(()) } else { Err(Status::BAD_STATE) }
}

/// The thread of this process that a handle refers to; none for `ZX_HANDLE_INVALID`.
fn owner(handle: zx_handle_t) -> Result<Option<Arc<dyn FutexThread>>, Status> {
    if handle == raw::INVALID {
        return Ok(None);
    }
    entry::enter()?;
    check_handle(handle, ObjectType::THREAD, Rights::NONE)?;
    raw::futex_thread(Koid::from_raw(raw::basic(handle)?.koid)).map(Some)
}
