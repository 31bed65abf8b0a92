//! A driver: the right to take the reactor's packets.

use super::Reactor;
use jacinth::{PortFd, Status};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::Ordering;

/// The most packets that one [`turn`](Driver::turn) takes, so that other tasks have their turns too.
const MOST_PACKETS: usize = 256;

/// What a turn has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It has taken packets.
    Took,
    /// It found none, and armed nothing: one may come soon.
    Waits,
    /// It found none. The descriptor tells when to turn again.
    Armed,
}

/// Drives the reactor of this process from an event loop, without a thread.
///
/// [`runtime`](crate::runtime) has ready-made tasks for tokio and async-io. Another event loop calls
/// [`turn`](Self::turn) until it returns `false`, and then polls the descriptor. Between two turns it runs its tasks:
///
/// ```
/// use jacinth::{Config, Signals, Event, Supervisor};
/// use jacinth_async::{Driver, OnSignals};
/// use std::future::Future;
/// use std::task::{Context, Poll, Waker};
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let driver = Driver::install()?;
/// let event = Event::create();
/// let mut waiting = OnSignals::new(&event, Signals::EVENT_SIGNALED);
/// let mut context = Context::from_waker(Waker::noop());
/// assert!(std::pin::Pin::new(&mut waiting).poll(&mut context).is_pending());
///
/// event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
/// while driver.turn()? {} // `false`: poll the descriptor for reading, and turn again.
/// let seen = std::pin::Pin::new(&mut waiting).poll(&mut context);
/// assert_eq!(seen, Poll::Ready(Ok(Signals::EVENT_SIGNALED)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a driver that is dropped leaves the reactor to a thread"]
pub struct Driver {
    reactor: &'static Reactor,
    fd: PortFd,
}

impl Driver {
    /// Takes the right to drive the reactor. Call it before the first future waits: from then on a thread drives.
    ///
    /// When the driver is dropped, the next future that has to wait starts the thread.
    ///
    /// # Errors
    /// [`Status::ALREADY_EXISTS`] when the reactor is driven already; [`Status::BAD_STATE`] in a process that is
    /// attached to no arena; [`Status::NO_RESOURCES`] when there is no room for a port, or no descriptor.
    ///
    /// ```
    /// # use jacinth::{Config, Status, Supervisor};
    /// # use jacinth_async::Driver;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let driver = Driver::install()?;
    /// assert_eq!(Driver::install().err(), Some(Status::ALREADY_EXISTS));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn install() -> Result<Self, Status> {
        let reactor = Reactor::get()?;
        let fd = PortFd::new(&reactor.port)?;
        // Relaxed: as in `require_packets`.
        if reactor.is_driven.swap(true, Ordering::Relaxed) {
            return Err(Status::ALREADY_EXISTS);
        }
        Ok(Self { reactor, fd })
    }

    /// Takes packets, and wakes the futures that they are for. `true`: there may be more soon, so run the tasks that are
    /// ready, ask the kernel for other events, and turn again; a wait spins so, as [`PortFd::try_wait_adaptive`] says. `false`: there are none, and the
    /// descriptor becomes readable when there may be some.
    ///
    /// # Errors
    /// [`Status::CANCELED`] when the reactor's port was closed: no future waits any more, and each fails so.
    /// [`Status::NO_RESOURCES`], [`Status::NO_MEMORY`] when there is no room for the wait: futures wait on, and a later turn
    /// may succeed. [`Status::BAD_STATE`] in a forked child. As [`PortFd::try_wait`].
    ///
    /// ```
    /// # use jacinth::{Config, Supervisor};
    /// # use jacinth_async::Driver;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let driver = Driver::install()?;
    /// while driver.turn()? {} // An idle reactor arms the descriptor after a few turns.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn turn(&self) -> Result<bool, Status> {
        Ok(self.take_packets()? != Turn::Armed)
    }

    /// As `turn`.
    pub(crate) fn take_packets(&self) -> Result<Turn, Status> {
        // A forked child has copies of the reactor's locks, which threads of its parent may have held.
        Reactor::get()?;
        for count in 0..MOST_PACKETS {
            match self.fd.try_wait_adaptive() {
                Ok(Some(packet)) => self.reactor.dispatch(&packet)?,
                Ok(None) => return Ok(if count > 0 { Turn::Took } else { Turn::Waits }),
                Err(Status::SHOULD_WAIT) => return Ok(Turn::Armed),
                Err(status) => {
                    self.reactor.note_failure(status);
                    return Err(status);
                }
            }
        }
        Ok(Turn::Took)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Relaxed: as in `require_packets`.
        self.reactor.is_driven.store(false, Ordering::Relaxed);
        // The thread goes on for the futures that wait. In a forked child there are none.
        if Reactor::get().is_ok() && self.reactor.has_waiters() {
            let _ = self.reactor.require_packets();
        }
    }
}

impl AsFd for Driver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Driver {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
