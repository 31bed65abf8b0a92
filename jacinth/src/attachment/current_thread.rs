//! The calling thread's row in the arena, and the other data that a thread keeps between calls.

use crate::attachment::dropped::Dropped;
use crate::attachment::error::AttachError;
use crate::attachment::join::attachment;
use crate::detail;
use crate::types::status::Status;
use crate::types::time::MonotonicDuration;
use jacinth_shm as shm;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering, compiler_fence};
use std::time::{Duration, Instant};

/// How long waits of this process spin, in nanoseconds; negative for the default.
static SPIN_NS: AtomicI64 = AtomicI64::new(-1);

/// Runs in each thread that uses the arena for the first time.
static ON_THREAD_ATTACH: OnceLock<fn()> = OnceLock::new();

/// How many drops inside one call fit into the list without an allocation, which a signal handler must avoid.
const DROPPED_CAPACITY: usize = 16;

/// How long to wait for a reserve row.
const RESERVE_ROW_TIMEOUT: Duration = Duration::from_secs(5);

/// The data that a thread keeps between calls.
pub(crate) struct ThreadContext {
    /// Its row in the arena. Borrowed for as long as the thread is inside a call.
    thread: RefCell<Option<shm::Thread>>,
    /// Whether the thread is ending. Each later call takes a row of its own and gives it back.
    exited: Cell<bool>,
    /// Values that were dropped inside a call, to be released at its end.
    dropped: RefCell<Vec<Dropped>>,
    /// Whether the end of the call has work to do: the thread is ending, or a value was dropped.
    has_pending_work: Cell<bool>,
    /// The handle to its own thread object, once it has asked for it.
    pub(crate) own_handle: Cell<Option<u32>>,
    /// The call that a signal handler interrupted, until it is finished.
    pub(crate) interrupted_call: Cell<Option<shm::Pending>>,
}

thread_local! {
    // No destructor: destructors of other thread-locals, and exit handlers, may make calls after it would have run.
    static CURRENT: ManuallyDrop<ThreadContext> = const {
        ManuallyDrop::new(ThreadContext {
            thread: RefCell::new(None),
            exited: Cell::new(false),
            dropped: RefCell::new(Vec::new()),
            has_pending_work: Cell::new(false),
            own_handle: Cell::new(None),
            interrupted_call: Cell::new(None),
        })
    };
    static EXIT_GUARD: ThreadExitGuard = const { ThreadExitGuard };
}

/// Its drop, when the thread ends, detaches the thread.
struct ThreadExitGuard;

impl Drop for ThreadExitGuard {
    fn drop(&mut self) {
        CURRENT.with(|current| {
            current.detach();
            current.exited.set(true);
        });
    }
}

/// Runs `operation` with this thread's row.
#[inline]
pub(crate) fn with_thread<T>(operation: impl FnOnce(&shm::Thread) -> shm::Result<T>) -> Result<T, Status> {
    with_current(|thread, _| operation(thread))
}

/// As [`with_thread`], with the other data of the thread.
#[inline]
pub(crate) fn with_current<T>(
    operation: impl FnOnce(&shm::Thread, &ThreadContext) -> shm::Result<T>,
) -> Result<T, Status> {
    CURRENT.with(|current| {
        // A row that is borrowed already means a call inside a call.
        let mut row = current.thread.try_borrow_mut().map_err(|_| {
            detail::because(Status::BAD_STATE, "this call interrupted another call of the same thread")
        })?;
        let thread = match &mut *row {
            Some(thread) => thread,
            none => none.insert(join(current)?),
        };
        if !thread.process().is_here() {
            return Err(detail::because_of(Status::BAD_STATE, &AttachError::Forked));
        }
        if thread.process().arena().is_poisoned() {
            return Err(detail::because(Status::IO_DATA_INTEGRITY, "an audit found the arena damaged"));
        }
        let answer = operation(thread, current).map_err(detail::of);
        drop(row);
        // ORDER: SeqCst orders the release of the row before the check below, for a signal handler of this thread. A
        // handler that runs before the fence defers its drops to the check. One that runs after it finds the row free and
        // releases them itself.
        compiler_fence(Ordering::SeqCst);
        if current.has_pending_work.get() {
            current.run_pending_work();
        }
        answer
    })
}

/// As [`with_thread`], for operations that must not fail: a thread that can get no row borrows one of the reserve.
#[inline]
pub(crate) fn with_any_thread<T>(
    mut operation: impl FnMut(&shm::Thread) -> shm::Result<T>,
) -> Result<T, Status> {
    match with_thread(&mut operation) {
        Err(Status::NO_RESOURCES) if has_no_row() => with_reserve_row(operation),
        done => done,
    }
}

fn has_no_row() -> bool {
    CURRENT.with(|current| current.thread.try_borrow().is_ok_and(|row| row.is_none()))
}

#[cold]
fn with_reserve_row<T>(operation: impl FnOnce(&shm::Thread) -> shm::Result<T>) -> Result<T, Status> {
    let attachment = attachment().map_err(|error| detail::because_of(Status::BAD_STATE, &error))?;
    let start = Instant::now();
    loop {
        match shm::Thread::join_reserve(&attachment.process) {
            // Other threads hold every reserve row, each for one close. The wait is longer only while very many of
            // them are stopped there.
            Err(shm::Error::NoResources(_)) if start.elapsed() < RESERVE_ROW_TIMEOUT => {
                std::thread::yield_now();
            }
            joined => return operation(&joined.map_err(detail::of)?).map_err(detail::of),
        }
    }
}

/// Releases a dropped value: now, or at the end of the call that the calling signal handler interrupted. A child forked
/// from the attached process releases no value.
pub(crate) fn release(mut dropped: Dropped) {
    CURRENT.with(|current| {
        if current.thread.try_borrow_mut().is_ok() {
            // An error means that the value was released before.
            let _ = with_any_thread(|thread| dropped.release(thread));
        // The list is borrowed only while a signal handler, inside a call, adds to it. If a second handler interrupts
        // that very moment, its value stays until the process ends.
        } else if let Ok(mut deferred) = current.dropped.try_borrow_mut() {
            deferred.push(dropped);
            current.has_pending_work.set(true);
        }
    });
}

impl ThreadContext {
    /// The work that is left at the end of a call.
    #[cold]
    fn run_pending_work(&self) {
        loop {
            // Before the list is taken: a handler that adds to the list from here on sets the flag again.
            self.has_pending_work.set(false);
            let Ok(mut dropped) = self.dropped.try_borrow_mut().map(|mut list| std::mem::take(&mut *list))
            else {
                break;
            };
            for mut value in dropped.drain(..) {
                let _ = with_any_thread(|thread| value.release(thread));
            }
            let Ok(mut list) = self.dropped.try_borrow_mut() else { break };
            if list.is_empty() {
                // The emptied list goes back with its memory, so that the next signal handler need not allocate.
                *list = dropped;
                break;
            }
        }
        if self.exited.get() {
            self.release_row();
        }
    }

    /// Gives the row back, at the thread's end or after a call past it.
    #[cold]
    fn release_row(&self) {
        // A row that is still borrowed means that the thread was ended by force inside a call. The process's death
        // frees such a row.
        if let Ok(mut row) = self.thread.try_borrow_mut() {
            drop(row.take());
        }
    }

    /// Gives up the interrupted call, the thread's own handle and the row: only this thread can release these.
    #[cold]
    fn detach(&self) {
        if let Some(pending) = self.interrupted_call.take() {
            let _ = with_thread(|thread| {
                thread.call_abandon(&pending);
                Ok(())
            });
        }
        if let Some(value) = self.own_handle.take() {
            // An error means that the program has closed it.
            let _ = with_thread(|thread| thread.close(thread.lookup(shm::HandleValue(value))?));
        }
        self.release_row();
        self.dropped.take();
    }
}

#[cold]
fn join(current: &ThreadContext) -> Result<shm::Thread, Status> {
    let attachment = attachment().map_err(|error| detail::because_of(Status::BAD_STATE, &error))?;
    if let Some(run) = ON_THREAD_ATTACH.get() {
        run();
    }
    let thread = shm::Thread::join(&attachment.process).map_err(detail::of)?;
    let spin_ns = SPIN_NS.load(Ordering::Relaxed);
    if spin_ns >= 0 {
        thread.set_spin_ns(spin_ns);
    }
    // The first use of the guard registers its destructor. It fails once the thread-locals are destroyed.
    // Such a thread gives its row back at the end of each call, because no destructor will.
    current.exited.set(EXIT_GUARD.try_with(|_| ()).is_err());
    if current.exited.get() {
        current.has_pending_work.set(true);
    } else if let Ok(mut dropped) = current.dropped.try_borrow_mut() {
        dropped.reserve(DROPPED_CAPACITY);
    }
    Ok(thread)
}

/// Has `run` called, from now on, in each thread that is about to use the arena for the first time. For libraries of
/// other languages, which keep data of their own in each thread.
///
/// ```
/// # use jacinth::*;
/// attachment::on_thread_attach(|| println!("this thread uses the arena now"));
/// ```
pub fn on_thread_attach(run: fn()) {
    let _ = ON_THREAD_ATTACH.set(run);
}

/// Gives up the calling thread's data of the arena, as the thread's end does. For libraries of other languages: their
/// threads may end without the destructors of Rust's thread-locals, or make calls after them.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// attachment::detach_thread(); // The next call takes a row again.
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn detach_thread() {
    CURRENT.with(|current| current.detach());
}

/// Sets how long waits of this process spin before they sleep: always so long, instead of a time that adapts.
///
/// It applies to the calling thread, and to threads that first use the arena afterwards. The default suits most programs:
/// a wait spins for up to the time of two wakes, as they were measured in this arena (50 µs at most), if the last waits of
/// its thread would have ended within such a spin. Otherwise it spins for 1 µs. Where the process had one processor only
/// when it attached, or where the last wake came from the thread's own processor, it does not spin: it yields the processor
/// a few times. Idle threads sleep.
///
/// [`ZERO`](MonotonicDuration::ZERO) sleeps at once. That suits real-time threads that share a processor with the threads
/// that they wait for: a spinning thread does not give up the processor. A long time suits two threads that have a
/// processor each.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// set_spin(MonotonicDuration::ZERO); // Waits sleep at once.
/// set_spin(MonotonicDuration::from_micros(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_spin(duration: MonotonicDuration) {
    let spin_ns = duration.into_nanos().max(0);
    SPIN_NS.store(spin_ns, Ordering::Relaxed);
    let _ = with_thread(|thread| {
        thread.set_spin_ns(spin_ns);
        Ok(())
    });
}
