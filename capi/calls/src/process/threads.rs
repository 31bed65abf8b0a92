//! The threads of this process, and the objects that stand for them.
//!
//! A thread gets a record when it asks for its own handle (`zx_thread_self`), sleeps on a futex, or is started by
//! `thrd_create_with_name`. Its object is made when its handle or its koid is first asked for, perhaps by another thread.
//! The handle is closed when the thread ends.
//!
//! INV-THREADS-1: under the lock of the list, objects are made, threads enter and leave the list, and their handles are
//! closed. So no object is made for a thread that has ended.

use crate::process::entry::enter;
use crate::process::thread_exit;
use crate::types::zx_handle_t;
use jacinth::attachment::PerProcess;
use jacinth::raw::{FutexSleep, FutexThread};
use jacinth::{Koid, ObjectType, Rights, Status, raw};
use libc::pthread_t;
use std::cell::Cell;
use std::collections::HashMap;
use std::ptr::null;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A thread of this process.
#[derive(Debug)]
pub(crate) struct Thread {
    /// The C library's id; written once, before the thread is on the list.
    id: AtomicU64,
    /// The name from its start; all NUL: the system has its name.
    pub(crate) name: [u8; raw::MAX_NAME_BYTES],
    /// The handle that `zx_thread_self` returns; [`raw::INVALID`] until there is an object.
    handle: AtomicU32,
    /// The object's koid; 0 until there is one.
    koid: AtomicU64,
    /// Its sleep on a futex.
    sleep: FutexSleep,
}

/// The threads with a record.
#[derive(Debug, Default)]
struct Threads {
    by_id: HashMap<pthread_t, Arc<Thread>>,
}

static THREADS: PerProcess<Mutex<Threads>> = PerProcess::new(forget);

thread_local! {
    /// The calling thread's record: one count of its `Arc`, or NULL. It is a pointer, because the C library ends a thread
    /// after it has dropped Rust's thread-locals.
    static CURRENT: Cell<*const Thread> = const { Cell::new(null()) };
}

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.get().lock().unwrap_or_else(PoisonError::into_inner)
}

impl Thread {
    fn new(id: pthread_t, name: [u8; raw::MAX_NAME_BYTES]) -> Self {
        Self {
            id: AtomicU64::new(id),
            name,
            handle: AtomicU32::new(raw::INVALID),
            koid: AtomicU64::new(0),
            sleep: FutexSleep::default(),
        }
    }

    /// The C library's id.
    fn id(&self) -> pthread_t {
        // Relaxed: written before the thread was on the list; a reader has taken the lock of the list to find it.
        self.id.load(Ordering::Relaxed)
    }

    /// The thread's handle; this makes the object if there is none. [`raw::INVALID`] if the thread ended without one.
    pub(crate) fn handle(&self) -> Result<zx_handle_t, Status> {
        enter()?;
        if !jacinth::is_attached() {
            // This is a forked child, and the handle is its parent's.
            return Err(Status::BAD_STATE);
        }
        // Relaxed, here and below: the value publishes no other data.
        match self.handle.load(Ordering::Relaxed) {
            raw::INVALID => self.make_object(&mut threads()),
            known => Ok(known),
        }
    }

    #[cold]
    fn make_object(&self, threads: &mut Threads) -> Result<zx_handle_t, Status> {
        // Again, under the lock: another thread may have made the object meanwhile.
        let known = self.handle.load(Ordering::Relaxed);
        // A record that is not on the list has ended, and its id may be another thread's by now (INV-THREADS-1).
        let Some(thread) =
            threads.by_id.get(&self.id()).filter(|thread| std::ptr::eq(Arc::as_ptr(thread), self))
        else {
            return Ok(known);
        };
        if known != raw::INVALID {
            return Ok(known);
        }
        // Under the lock, which the end of a thread takes too. So a thread that ends now still closes this handle.
        let (handle, _) = raw::create(ObjectType::THREAD, Rights::THREAD_DEFAULT)?;
        let named = raw::set_name(handle, &self.current_name()).and_then(|()| raw::basic(handle));
        let named = named.inspect_err(|_| {
            let _ = raw::close(handle);
        });
        let koid = named?.koid;
        raw::add_futex_thread(Koid::from_raw(koid), thread.clone()).inspect_err(|_| {
            let _ = raw::close(handle);
        })?;
        self.koid.store(koid, Ordering::Relaxed);
        self.handle.store(handle, Ordering::Relaxed);
        Ok(handle)
    }

    /// The name from its start, or the one that the system has.
    fn current_name(&self) -> [u8; raw::MAX_NAME_BYTES] {
        let mut name = self.name;
        if name[0] == 0 {
            // SAFETY: the thread is on the list, so it has not ended (INV-THREADS-1); `name` has room for the system's 16 bytes.
            unsafe { libc::pthread_getname_np(self.id(), name.as_mut_ptr().cast(), name.len()) };
        }
        name
    }
}

impl FutexThread for Thread {
    fn sleep(&self) -> &FutexSleep {
        &self.sleep
    }

    /// This makes the object if there is none. INVALID if the thread ended without one.
    fn koid(&self) -> Result<Koid, Status> {
        if self.koid.load(Ordering::Relaxed) == 0 {
            self.handle()?;
        }
        Ok(Koid::from_raw(self.koid.load(Ordering::Relaxed)))
    }
}

/// The record of the calling thread.
pub(crate) fn current() -> Arc<Thread> {
    let known = CURRENT.get();
    if !known.is_null() {
        // SAFETY: the pointer holds one count of this `Arc` until the thread ends. The caller gets another.
        return unsafe {
            Arc::increment_strong_count(known);
            Arc::from_raw(known)
        };
    }
    // SAFETY: the function only returns the thread's id.
    let thread = Arc::new(Thread::new(unsafe { libc::pthread_self() }, [0; raw::MAX_NAME_BYTES]));
    threads().by_id.insert(thread.id(), thread.clone());
    adopt(thread.clone());
    thread
}

/// The thread of this process with this id, if it has a record.
pub(crate) fn by_id(id: pthread_t) -> Option<Arc<Thread>> {
    threads().by_id.get(&id).cloned()
}

/// Makes a record with this name and starts its thread by `create`, which returns the new thread's id. The new thread must
/// call [`adopt`].
pub(crate) fn start<E>(
    name: [u8; raw::MAX_NAME_BYTES],
    create: impl FnOnce(&Arc<Thread>) -> Result<pthread_t, E>,
) -> Result<pthread_t, E> {
    let record = Arc::new(Thread::new(0, name));
    // The new thread needs the lock to end, so it is on the list before it can end.
    let mut threads = threads();
    let id = create(&record)?;
    record.id.store(id, Ordering::Relaxed);
    threads.by_id.insert(id, record);
    Ok(id)
}

/// Makes a record the calling thread's.
pub(crate) fn adopt(thread: Arc<Thread>) {
    CURRENT.set(Arc::into_raw(thread));
    // Registered here and not called from there, because `thread_exit` lies below this file.
    thread_exit::set_record_cleanup(end);
    thread_exit::register();
}

/// The calling thread ends: removes its record and closes its handle.
fn end() {
    let known = CURRENT.replace(null());
    if known.is_null() {
        return;
    }
    // SAFETY: the pointer held this count, and is NULL from now on.
    let thread = unsafe { Arc::from_raw(known) };
    let mut threads = threads();
    threads.by_id.remove(&thread.id());
    raw::remove_futex_thread(Koid::from_raw(thread.koid.load(Ordering::Relaxed)));
    let handle = thread.handle.swap(raw::INVALID, Ordering::Relaxed);
    if handle != raw::INVALID && jacinth::is_attached() {
        let _ = raw::close(handle);
    }
}

/// A forked child starts without records. Its parent's are leaked.
extern "C" fn forget() {
    THREADS.forget();
    CURRENT.set(null());
}
