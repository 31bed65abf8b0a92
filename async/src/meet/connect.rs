//! Connecting.

use jacinth::{Deadline, Directory, MonotonicInstant, Rights, Status, is_attached, library_threads, raw};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Connects to the server of a name in this process's [directory](jacinth::directory()). See [`connect_in`].
///
/// # Errors
/// The future's errors: those of [`jacinth::connect`], and of [`connect_in`].
///
/// ```
/// # use jacinth::{Config, MonotonicInstant, Supervisor};
/// # use jacinth_async::connect;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let client = std::thread::spawn(|| futures::executor::block_on(connect("log", MonotonicInstant::INFINITE)));
/// let listener = jacinth::serve("log")?;
/// let server = listener.accept_until(MonotonicInstant::INFINITE)?;
/// assert!(client.join().unwrap().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect(name: impl Into<String>, deadline: impl Into<Deadline>) -> Connect {
    Connect::new(jacinth::directory(), name.into(), deadline.into().instant())
}

/// Connects to the server of a name in this directory. While no server has the name, or the server's queue is full, the future
/// waits until `deadline`; with [`INFINITE_PAST`](MonotonicInstant::INFINITE_PAST) it does not.
///
/// A server that is there costs no wait and no thread. A directory has no signal to observe, so for a server that is not there
/// yet one thread of the library waits, for as long as the future does. A future that is dropped has made no connection: a
/// server may see a client that goes at once.
///
/// # Errors
/// The future's errors: those of [`Directory::connect`]; [`Status::ACCESS_DENIED`] for a directory that may not be duplicated;
/// [`Status::NO_RESOURCES`] when there is no room for a thread.
///
/// ```
/// # use jacinth::{Config, Directory, MonotonicInstant, Status, Supervisor};
/// # use jacinth_async::connect_in;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let directory = Directory::create();
/// let at_once = connect_in(&directory, "log", MonotonicInstant::INFINITE_PAST);
/// assert_eq!(futures::executor::block_on(at_once).map(drop), Err(Status::NOT_FOUND));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect_in(directory: &Directory, name: impl Into<String>, deadline: impl Into<Deadline>) -> Connect {
    Connect::new(directory.duplicate(Rights::SAME_RIGHTS), name.into(), deadline.into().instant())
}

/// The future of [`connect`] and [`connect_in`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Connect {
    name: String,
    deadline: MonotonicInstant,
    shared: Arc<Mutex<Shared>>,
    has_thread: bool,
}

/// What the future and its thread share.
#[derive(Debug)]
struct Shared {
    /// Taken by the future's drop: that ends the thread's wait.
    directory: Result<Option<Directory>, Status>,
    result: Option<Result<jacinth::Channel, Status>>,
    waker: Option<Waker>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connect {
    fn new(directory: Result<Directory, Status>, name: String, deadline: MonotonicInstant) -> Self {
        let shared = Shared { directory: directory.map(Some), result: None, waker: None };
        Self { name, deadline, shared: Arc::new(Mutex::new(shared)), has_thread: false }
    }

    /// Starts the thread that waits.
    fn start(&self, directory: u32) -> Result<(), Status> {
        let (name, deadline, shared) = (self.name.clone(), self.deadline, self.shared.clone());
        let wait = move || {
            let connected = raw::directory_connect(directory, &name, deadline);
            let mut shared = lock(&shared);
            // A channel that no future takes is closed with `shared`.
            shared.result = Some(connected.map(|value| jacinth::NullableHandle::from_raw(value).into()));
            let waker = shared.waker.take();
            drop(shared);
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        library_threads::spawn("jacinth-connect", wait).map_err(|_| Status::NO_RESOURCES)
    }
}

impl Future for Connect {
    type Output = Result<jacinth::Channel, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut shared = lock(&self.shared);
        if let Some(result) = shared.result.take() {
            return Poll::Ready(result);
        }
        let before = shared.waker.replace(context.waker().clone());
        if self.has_thread {
            drop(shared);
            // Without the lock: the last waker may own its task.
            drop(before);
            return Poll::Pending;
        }
        let directory = match &shared.directory {
            Ok(directory) => directory.as_ref().ok_or(Status::CANCELED)?.raw_handle(),
            Err(status) => return Poll::Ready(Err(*status)),
        };
        drop(shared);
        match raw::directory_connect(directory, &self.name, MonotonicInstant::INFINITE_PAST) {
            Err(Status::NOT_FOUND | Status::SHOULD_WAIT)
                if self.deadline > MonotonicInstant::INFINITE_PAST => {}
            connected => {
                let channel = connected.map(|value| jacinth::NullableHandle::from_raw(value).into());
                return Poll::Ready(channel);
            }
        }
        self.start(directory)?;
        self.has_thread = true;
        Poll::Pending
    }
}

impl Drop for Connect {
    fn drop(&mut self) {
        // A forked child has a copy of the lock, which a thread of its parent may have held, and no handle.
        if !is_attached() {
            return;
        }
        // Closing the handle ends the wait of the thread.
        let taken = lock(&self.shared).directory.as_mut().map_or(None, Option::take);
        drop(taken);
    }
}
