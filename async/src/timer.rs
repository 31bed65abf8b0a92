//! Deadlines as futures.

use crate::reactor::Reactor;
use crate::reactor::timers::Ticket;
use jacinth::{Deadline, MonotonicInstant, Status};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that is ready when a deadline has passed.
///
/// All timers of a process share one timer of the arena, so a timer costs memory of this process alone. Dropped, it
/// leaves nothing behind.
///
/// ```
/// use jacinth::{Config, MonotonicInstant, Supervisor};
/// use jacinth_async::Timer;
/// use std::time::Duration;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// futures::executor::block_on(async {
///     let before = MonotonicInstant::get();
///     Timer::new(Duration::from_millis(1)).await?;
///     assert!(MonotonicInstant::get() - before >= Duration::from_millis(1).into());
///     Timer::new(MonotonicInstant::INFINITE_PAST).await
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Timer {
    deadline: MonotonicInstant,
    ticket: Option<(&'static Reactor, Ticket)>,
}

impl Timer {
    /// A future that is ready at `deadline`: an instant, or a duration from now.
    ///
    /// # Errors
    /// The future's errors: [`Status::BAD_STATE`] in a process that is attached to no arena; [`Status::NO_RESOURCES`]
    /// when there is no room for the timer; [`Status::CANCELED`] when the reactor's port was closed.
    pub fn new(deadline: impl Into<Deadline>) -> Self {
        Self { deadline: deadline.into().instant(), ticket: None }
    }
}

impl Future for Timer {
    type Output = Result<(), Status>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if MonotonicInstant::get() >= self.deadline {
            return Poll::Ready(Ok(()));
        }
        let reactor = Reactor::get()?;
        match self.ticket {
            Some((_, ticket)) if reactor.replace_waker(ticket, context.waker()) => {
                // If the reactor has failed meanwhile, it has not seen this waker.
                reactor.require_packets()?;
            }
            _ => self.ticket = Some((reactor, reactor.wake_at(self.deadline, context.waker())?)),
        }
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some((reactor, ticket)) = self.ticket.take()
            && Reactor::get().is_ok()
        {
            reactor.forget(ticket);
        }
    }
}
