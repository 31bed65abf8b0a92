//! Futexes: words of one process that threads sleep on. They have nothing to do with the arena, but for the names of their
//! owners.

mod queues;

use crate::object::handle::require;
use crate::process::threads;
use crate::types::{zx_handle_t, zx_koid_t, zx_time_t};
use crate::user_memory::fault_guard as guard;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};
use queues::{Owner, Waking};

pub(crate) use queues::{Sleep, forget};

calls! {
    /// Sleeps while the word has this value, until it is woken or the deadline passes; the futex is then this owner's.
    fn zx_futex_wait, _zx_futex_wait(
        value_ptr: UserIn<i32>,
        current_value: i32,
        new_futex_owner: zx_handle_t,
        deadline: zx_time_t,
    ) {
        check(value_ptr)?;
        // A value that has changed is told before anything else, whatever the handle is.
        expect(value_ptr, current_value)?;
        let owner = owner(new_futex_owner)?;
        queues::wait(value_ptr.0.addr(), || expect(value_ptr, current_value), owner, deadline)
    }

    /// Wakes up to `wake_count` of the word's sleepers. The futex is nobody's then.
    fn zx_futex_wake, _zx_futex_wake(value_ptr: UserIn<i32>, wake_count: u32) {
        queues::wake(key(value_ptr)?, Waking::Some(wake_count))
    }

    /// Wakes one of the word's sleepers, whose the futex is then.
    fn zx_futex_wake_single_owner, _zx_futex_wake_single_owner(value_ptr: UserIn<i32>) {
        queues::wake(key(value_ptr)?, Waking::ItsOwner)
    }

    /// Wakes some of the word's sleepers and makes others sleep on another word, which is then this owner's.
    fn zx_futex_requeue, _zx_futex_requeue(
        value_ptr: UserIn<i32>,
        wake_count: u32,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
        new_requeue_owner: zx_handle_t,
    ) {
        requeue(value_ptr, Waking::Some(wake_count), current_value, requeue_ptr, requeue_count, new_requeue_owner)
    }

    /// The same with one that is woken, and whose the first futex is then.
    fn zx_futex_requeue_single_owner, _zx_futex_requeue_single_owner(
        value_ptr: UserIn<i32>,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
        new_requeue_owner: zx_handle_t,
    ) {
        requeue(value_ptr, Waking::ItsOwner, current_value, requeue_ptr, requeue_count, new_requeue_owner)
    }

    /// The koid of the thread whose the futex is.
    fn zx_futex_get_owner, _zx_futex_get_owner(value_ptr: UserIn<i32>, koid: UserOut<zx_koid_t>) {
        check(value_ptr)?;
        koid.check()?;
        koid.store(match queues::owner(value_ptr.0.addr())? {
            None => 0,
            Some(owner) => owner.koid()?,
        })
    }

    /// [`zx_futex_wait`] without an owner.
    fn zx_futex_wait_deprecated, _zx_futex_wait_deprecated(
        value_ptr: UserIn<i32>,
        current_value: i32,
        deadline: zx_time_t,
    ) {
        check(value_ptr)?;
        queues::wait(value_ptr.0.addr(), || expect(value_ptr, current_value), None, deadline)
    }

    /// [`zx_futex_requeue`] without an owner.
    fn zx_futex_requeue_deprecated, _zx_futex_requeue_deprecated(
        wake_ptr: UserIn<i32>,
        wake_count: u32,
        current_value: i32,
        requeue_ptr: UserIn<i32>,
        requeue_count: u32,
    ) {
        requeue(wake_ptr, Waking::Some(wake_count), current_value, requeue_ptr, requeue_count, raw::INVALID)
    }
}

fn requeue(
    from: UserIn<i32>,
    waking: Waking,
    current_value: i32,
    to: UserIn<i32>,
    count: u32,
    new_owner: zx_handle_t,
) -> Result<(), Status> {
    check(from)?;
    check(to)?;
    if from.0 == to.0 {
        return Err(Status::INVALID_ARGS);
    }
    expect(from, current_value)?;
    let owner = owner(new_owner)?;
    queues::requeue(from.0.addr(), waking, || expect(from, current_value), to.0.addr(), count, owner)
}

/// Where a word is, if one may be there: it need not, since its memory may be gone before its sleepers are woken.
fn key(word: UserIn<i32>) -> Result<usize, Status> {
    if word.0.is_null() || !word.0.is_aligned() { Err(Status::INVALID_ARGS) } else { Ok(word.0.addr()) }
}

/// INVALID_ARGS for what cannot be a futex.
fn check(word: UserIn<i32>) -> Result<(), Status> {
    guard::arm();
    key(word).and_then(|_| word.load()).map(drop)
}

/// BAD_STATE for a word of another value.
fn expect(word: UserIn<i32>, value: i32) -> Result<(), Status> {
    if word.load_atomic()? == value { Ok(()) } else { Err(Status::BAD_STATE) }
}

/// The thread that a handle names, which must be one of this process.
fn owner(handle: zx_handle_t) -> Result<Option<Owner>, Status> {
    if handle == raw::INVALID {
        return Ok(None);
    }
    crate::arena::enter()?;
    require(handle, ObjectType::THREAD, Rights::NONE)?;
    threads::by_koid(raw::basic(handle)?.koid).map(Some).ok_or(Status::INVALID_ARGS)
}
