//! Signals of any object as a future.

use crate::reactor::Reactor;
use crate::reactor::source::{Place, Source};
use crate::reactor::sources::Key;
use jacinth::{AsHandleRef, HandleRef, MonotonicInstant, Signals, Status, WaitAsyncOpts};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A future that is ready when an object asserts one of some signals. It gives all signals that the object asserts
/// then.
///
/// An object that asserts one of them when the future is polled costs no registration. A future that is dropped ends
/// its registration.
///
/// ```
/// use jacinth::{Config, Event, Signals, Supervisor};
/// use jacinth_async::OnSignals;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let event = Event::create();
/// let copy = event.duplicate(jacinth::Rights::SAME_RIGHTS)?;
/// std::thread::spawn(move || copy.signal(Signals::NONE, Signals::EVENT_SIGNALED));
/// let seen = futures::executor::block_on(OnSignals::new(&event, Signals::EVENT_SIGNALED))?;
/// assert!(seen.contains(Signals::EVENT_SIGNALED));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct OnSignals<'a> {
    handle: HandleRef<'a>,
    signals: Signals,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    reactor: &'static Reactor,
    source: Arc<Source>,
    place: Place,
    key: Key,
}

impl<'a> OnSignals<'a> {
    /// A future that is ready when the object asserts one of `signals`. Needs [`Rights::WAIT`](jacinth::Rights::WAIT).
    ///
    /// # Errors
    /// The future's errors: [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`]; [`Status::NOT_SUPPORTED`] for a port
    /// and an address space, and in a process to which alone the kernel refuses membarrier; [`Status::NO_RESOURCES`]
    /// and [`Status::NO_MEMORY`] when the observer has no room; [`Status::BAD_STATE`] in a process that is attached to
    /// no arena; [`Status::CANCELED`] when the reactor's port was closed.
    pub fn new(handle: &'a impl AsHandleRef, signals: Signals) -> Self {
        Self { handle: handle.as_handle_ref(), signals, waiting: None }
    }

    /// The signals, if one of those is asserted.
    fn look(&self) -> Poll<Result<Signals, Status>> {
        match self.handle.wait_one(self.signals, MonotonicInstant::INFINITE_PAST).to_result() {
            Err(Status::TIMED_OUT) => Poll::Pending,
            looked => Poll::Ready(looked),
        }
    }
}

impl Future for OnSignals<'_> {
    type Output = Result<Signals, Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let seen = self.waiting.as_ref().map_or(0, |waiting| waiting.source.packets());
            if let Poll::Ready(looked) = self.look() {
                return Poll::Ready(looked);
            }
            let Self { handle, signals, waiting } = &mut *self;
            let waiting = match waiting {
                Some(waiting) => waiting,
                none => {
                    let (reactor, source) = (Reactor::get()?, Arc::new(Source::default()));
                    let key = reactor.register(source.clone());
                    none.insert(Waiting { reactor, source, place: Place::default(), key })
                }
            };
            let Waiting { reactor, source, place, key } = waiting;
            let observe = || reactor.observe(handle.raw_handle(), *key, *signals, WaitAsyncOpts::ONCE);
            if source.wait(context, place, seen, observe)? {
                return Poll::Pending;
            }
        }
    }
}

impl Drop for OnSignals<'_> {
    fn drop(&mut self) {
        if let Some(waiting) = &self.waiting
            && Reactor::get().is_ok()
        {
            waiting.reactor.unregister(waiting.key);
            if waiting.source.is_observed() {
                waiting.reactor.cancel(self.handle.raw_handle(), waiting.key);
            }
        }
    }
}
