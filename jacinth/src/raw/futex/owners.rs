//! The threads that can be named as owners of futexes: the living ones that have an object, by its koid.
//!
//! Their list has a lock of its own, and no other lock is taken under it. So a library may add and remove threads while
//! it holds locks of its own, and a thread that starts or ends does not wait for the lock of the queues, under which
//! `is_current` reads a program's memory.

use super::thread::FutexThread;
use crate::types::koid::Koid;
use crate::types::status::Status;
use jacinth_shm::PerProcess;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Owners = HashMap<Koid, Arc<dyn FutexThread>>;

static OWNERS: PerProcess<Mutex<Owners>> = PerProcess::new(forget);

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// A forked child starts without objects of threads.
extern "C" fn forget() {
    OWNERS.forget();
    IS_INSIDE.set(false);
}

/// Runs `change` under the lock, which calls no code of the program. BAD_STATE for a signal handler that interrupted
/// this function.
fn locked<T>(change: impl FnOnce(&mut Owners) -> T) -> Result<T, Status> {
    // A handler that waited for the lock would wait for the thread that it interrupts.
    if IS_INSIDE.replace(true) {
        return Err(Status::BAD_STATE);
    }
    let done = change(&mut OWNERS.get().lock().unwrap_or_else(PoisonError::into_inner));
    IS_INSIDE.set(false);
    Ok(done)
}

/// The living thread of this process whose object has this koid.
///
/// # Errors
/// [`Status::INVALID_ARGS`] when there is none; [`Status::BAD_STATE`] in a signal handler that interrupts this call,
/// [`add_futex_thread`] or [`remove_futex_thread`].
///
/// ```
/// # use jacinth::*;
/// assert_eq!(raw::futex_thread(Koid::INVALID).err(), Some(Status::INVALID_ARGS));
/// ```
pub fn futex_thread(koid: Koid) -> Result<Arc<dyn FutexThread>, Status> {
    locked(|owners| owners.get(&koid).cloned())?.ok_or(Status::INVALID_ARGS)
}

/// Notes the koid of a thread's object, so that the thread can be made an owner, until [`remove_futex_thread`].
///
/// # Errors
/// [`Status::BAD_STATE`] as for [`futex_thread`]: the thread was not noted.
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
/// let thread = Arc::new(Record::default());
/// raw::add_futex_thread(Koid::from_raw(5000), thread)?;
/// assert!(raw::futex_thread(Koid::from_raw(5000)).is_ok());
/// raw::remove_futex_thread(Koid::from_raw(5000));
/// # Ok::<(), Status>(())
/// ```
pub fn add_futex_thread(koid: Koid, thread: Arc<dyn FutexThread>) -> Result<(), Status> {
    // A former entry is dropped outside the lock.
    locked(|owners| owners.insert(koid, thread)).map(drop)
}

/// The thread with this koid ends. The example is that of [`add_futex_thread`].
pub fn remove_futex_thread(koid: Koid) {
    let _ = locked(|owners| owners.remove(&koid));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::futex::own_futex_thread;

    #[test]
    fn an_interrupting_handler_is_told() {
        let koid = Koid::from_raw(6000);
        // As in a signal handler that interrupts the thread under the lock.
        let refused =
            locked(|_| (futex_thread(koid).err(), add_futex_thread(koid, own_futex_thread()))).unwrap();
        assert_eq!(refused, (Some(Status::BAD_STATE), Err(Status::BAD_STATE)));
        add_futex_thread(koid, own_futex_thread()).unwrap();
        assert!(futex_thread(koid).is_ok());
        remove_futex_thread(koid);
        assert_eq!(futex_thread(koid).err(), Some(Status::INVALID_ARGS));
    }
}
