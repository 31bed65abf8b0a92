//! The threads of this process, and the objects that stand for them.
//!
//! A thread is known here once it has asked for itself (`zx_thread_self`), has slept on a futex, or was started by
//! `thrd_create_with_name`. Its object is made when somebody first wants its handle or its koid, which may be another
//! thread; the handle is closed when the thread ends.
//!
//! INV-THREADS-1: objects are made, threads enter the list and leave it, and their handles are closed, under the lock of the
//! list: so nobody makes an object for a thread that has ended.

use crate::arena::enter;
use crate::futex::Sleep;
use crate::process::fork::PerProcess;
use crate::process::thread_exit::note_thread;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};
use libc::{c_int, pthread_t};
use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::null;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A thread of this process.
#[derive(Debug)]
pub(crate) struct Thread {
    /// What the C library calls it; written before the thread is on the list, and not again.
    id: AtomicU64,
    /// What it was named at its start; all NUL: what the system calls it.
    name: [u8; raw::MAX_NAME_BYTES],
    /// The handle that `zx_thread_self` gives; [`raw::INVALID`] until there is an object.
    handle: AtomicU32,
    /// The object's koid; 0 until there is one.
    koid: AtomicU64,
    /// Whether it sleeps on a futex.
    pub(crate) sleep: Sleep,
}

/// The threads that are known, and those of them that have an object, by its koid.
#[derive(Debug, Default)]
struct Threads {
    by_id: HashMap<pthread_t, Arc<Thread>>,
    by_koid: HashMap<u64, Arc<Thread>>,
}

static THREADS: PerProcess<Mutex<Threads>> = PerProcess::new();

thread_local! {
    /// The calling thread, if it is known: a count of its `Arc`. A pointer, since the C library ends a thread after
    /// Rust's locals have been dropped.
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
            sleep: Sleep::default(),
        }
    }

    /// What the C library calls it.
    fn id(&self) -> pthread_t {
        // Relaxed: written before the thread came on the list, whose lock is taken to find it there.
        self.id.load(Ordering::Relaxed)
    }

    /// The thread's handle; its object is made if there is none. [`raw::INVALID`] if it ended without one.
    pub(crate) fn handle(&self) -> Result<zx_handle_t, Status> {
        enter()?;
        if !jacinth::is_attached() {
            // A forked child: the handle is its parent's.
            return Err(Status::BAD_STATE);
        }
        // Relaxed, here and below: the number is all there is to it.
        match self.handle.load(Ordering::Relaxed) {
            raw::INVALID => self.make(&mut threads()),
            known => Ok(known),
        }
    }

    /// The koid of the thread's object, which is made if there is none. 0 if the thread ended without one.
    pub(crate) fn koid(&self) -> Result<u64, Status> {
        if self.koid.load(Ordering::Relaxed) == 0 {
            self.handle()?;
        }
        Ok(self.koid.load(Ordering::Relaxed))
    }

    #[cold]
    fn make(&self, threads: &mut Threads) -> Result<zx_handle_t, Status> {
        let known = self.handle.load(Ordering::Relaxed);
        let Some(thread) =
            threads.by_id.get(&self.id()).filter(|thread| std::ptr::eq(Arc::as_ptr(thread), self))
        else {
            return Ok(known);
        };
        if known != raw::INVALID {
            return Ok(known);
        }
        let (handle, _) = raw::create(raw::Shape::Single, ObjectType::THREAD, Rights::THREAD_DEFAULT)?;
        let named = raw::set_name(handle, &self.name_now()).and_then(|()| raw::basic(handle));
        let named = named.inspect_err(|_| {
            let _ = raw::close(handle);
        });
        let koid = named?.koid;
        self.koid.store(koid, Ordering::Relaxed);
        self.handle.store(handle, Ordering::Relaxed);
        threads.by_koid.insert(koid, thread.clone());
        Ok(handle)
    }

    /// The name that it was given, or what the system calls it.
    fn name_now(&self) -> [u8; raw::MAX_NAME_BYTES] {
        let mut name = self.name;
        if name[0] == 0 {
            // SAFETY: the thread is on the list, so it has not ended (INV-THREADS-1); there is room for the name's 16 bytes.
            unsafe { libc::pthread_getname_np(self.id(), name.as_mut_ptr().cast(), name.len()) };
        }
        name
    }
}

/// The calling thread.
pub(crate) fn current() -> Arc<Thread> {
    let known = CURRENT.get();
    if !known.is_null() {
        // SAFETY: one count of this `Arc` is this pointer's, until the thread ends; another is made for the caller.
        return unsafe {
            Arc::increment_strong_count(known);
            Arc::from_raw(known)
        };
    }
    // SAFETY: it asks for a number.
    let thread = Arc::new(Thread::new(unsafe { libc::pthread_self() }, [0; raw::MAX_NAME_BYTES]));
    threads().by_id.insert(thread.id(), thread.clone());
    begin(thread.clone());
    thread
}

/// The thread of this process that has this koid, if it has not ended.
pub(crate) fn by_koid(koid: u64) -> Option<Arc<Thread>> {
    threads().by_koid.get(&koid).cloned()
}

/// The calling thread is this one.
fn begin(thread: Arc<Thread>) {
    CURRENT.set(Arc::into_raw(thread));
    note_thread();
}

/// The calling thread ends: its handle goes.
pub(crate) fn end() {
    let known = CURRENT.replace(null());
    if known.is_null() {
        return;
    }
    // SAFETY: the count that was this pointer's.
    let thread = unsafe { Arc::from_raw(known) };
    let mut threads = threads();
    threads.by_id.remove(&thread.id());
    threads.by_koid.remove(&thread.koid.load(Ordering::Relaxed));
    let handle = thread.handle.swap(raw::INVALID, Ordering::Relaxed);
    if handle != raw::INVALID && jacinth::is_attached() {
        let _ = raw::close(handle);
    }
}

/// A forked child knows no threads yet.
pub(crate) fn forget() {
    THREADS.forget();
    // The parent's record is leaked, as the list is.
    CURRENT.set(null());
}

/// What a thread of C's runs (`thrd_start_t`).
pub type ThreadMain = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

/// Where a new thread begins (`thrd_start_t`).
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct ThreadStart(pub Option<ThreadMain>);

unsafe extern "C" {
    /// C11's.
    fn thrd_create(thread: *mut pthread_t, start: ThreadMain, argument: *mut c_void) -> c_int;
}

/// `thrd_success`, `thrd_error`.
const SUCCESS: c_int = 0;
const ERROR: c_int = 2;

/// What a new thread is told.
struct Birth {
    start: ThreadMain,
    argument: *mut c_void,
    thread: Arc<Thread>,
}

/// Starts a thread that has this name, and that is known from then on.
///
/// # Safety
/// Pointers are what the C declaration says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_thrd_create_with_name(
    thread: UserOut<pthread_t>,
    start: ThreadStart,
    argument: UserOut<u8>,
    name: UserIn<u8>,
) -> c_int {
    crate::user_memory::fault_guard::arm();
    let mut padded = [0; raw::MAX_NAME_BYTES];
    let named = if name.0.is_null() { Ok(c"") } else { name.text() };
    let (Some(start), Ok(name), Ok(())) = (start.0, named, thread.check()) else { return ERROR };
    let name = &name.to_bytes()[..name.count_bytes().min(padded.len() - 1)];
    padded[..name.len()].copy_from_slice(name);
    let record = Arc::new(Thread::new(0, padded));
    let birth = Box::into_raw(Box::new(Birth { start, argument: argument.0.cast(), thread: record.clone() }));
    // Under the lock the thread gets no further than its own code: it cannot end before it is on the list.
    let mut threads = threads();
    let mut id = 0;
    // SAFETY: there is room for the id; the new thread takes the box over.
    let created = unsafe { thrd_create(&raw mut id, be_born, birth.cast()) };
    if created == SUCCESS {
        record.id.store(id, Ordering::Relaxed);
        threads.by_id.insert(id, record);
        let _ = thread.store(id);
    } else {
        // SAFETY: there is no thread that has taken it.
        drop(unsafe { Box::from_raw(birth) });
    }
    created
}

/// Where such a thread begins. It may be ended from within (`thrd_exit`), so nothing here has anything to clean up.
unsafe extern "C-unwind" fn be_born(birth: *mut c_void) -> c_int {
    let (start, argument) = {
        // SAFETY: it is the box that was made for this thread.
        let birth = unsafe { Box::from_raw(birth.cast::<Birth>()) };
        if birth.thread.name[0] != 0 {
            // Linux takes 15 bytes.
            let mut name = [0; 16];
            name[..15].copy_from_slice(&birth.thread.name[..15]);
            // SAFETY: the calling thread, and a text that ends in a NUL.
            unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr().cast()) };
        }
        begin(birth.thread.clone());
        (birth.start, birth.argument)
    };
    // SAFETY: the program gave both.
    unsafe { start(argument) }
}

/// The handle of a thread of this process.
///
/// # Safety
/// None of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_thrd_get_zx_handle(thread: pthread_t) -> zx_handle_t {
    // SAFETY: it asks for a number.
    let own = thread == unsafe { libc::pthread_self() };
    let known = if own { Some(current()) } else { threads().by_id.get(&thread).cloned() };
    known.and_then(|thread| thread.handle().ok()).unwrap_or(raw::INVALID)
}
