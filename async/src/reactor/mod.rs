//! The reactor: one port of this process, and the tasks that wait for its packets.
//!
//! ```text
//!  object ── observer, with a key ──▶ port ──▶ driver ── by the key ──▶ source ──▶ wakers of its futures
//! ```
//!
//! The driver is the thread or the task that takes the packets: a [`Driver`](driver::Driver) of the program's runtime,
//! or else a thread, which starts when the first future has to wait.

pub(crate) mod driver;
pub(crate) mod places;
pub(crate) mod ready;
pub(crate) mod source;
pub(crate) mod sources;
pub(crate) mod timers;

use jacinth::{
    MonotonicInstant, Packet, PacketContents, Port, Signals, Status, WaitAsyncOpts, is_attached,
    library_threads, raw,
};
use source::Source;
use sources::{Key, Sources};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Waker;
use std::time::Duration;
use timers::{Ticket, Timers};

/// How long the thread rests when there is no room for its wait.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// Whether a wait at the port may succeed later: others have used up what it needs, and packets stay meanwhile.
fn is_passing(status: Status) -> bool {
    matches!(status, Status::NO_RESOURCES | Status::NO_MEMORY)
}

/// The reactor of this process.
#[derive(Debug)]
pub(crate) struct Reactor {
    port: Port,
    sources: Sources,
    timers: Timers,
    /// Whether a thread or a task takes the packets.
    is_driven: AtomicBool,
    /// Why no packet will come any more.
    failure: OnceLock<Status>,
}

static REACTOR: OnceLock<Reactor> = OnceLock::new();
static MAKING: Mutex<()> = Mutex::new(());

impl Reactor {
    /// The reactor of this process, which is made at the first call.
    pub(crate) fn get() -> Result<&'static Self, Status> {
        // A forked child has a copy of a reactor, and of its locks, which threads of its parent may have held.
        if !is_attached() {
            return Err(Status::BAD_STATE);
        }
        if let Some(made) = REACTOR.get() {
            return Ok(made);
        }
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        if REACTOR.get().is_none() {
            let _ = REACTOR.set(Self {
                port: Port::try_create()?,
                sources: Sources::default(),
                timers: Timers::default(),
                is_driven: AtomicBool::new(false),
                failure: OnceLock::new(),
            });
        }
        REACTOR.get().ok_or(Status::INTERNAL)
    }

    /// A key for this source.
    pub(crate) fn register(&self, source: Arc<Source>) -> Key {
        self.sources.insert(source)
    }

    /// Takes a key back.
    pub(crate) fn unregister(&self, key: Key) {
        self.sources.remove(key);
    }

    /// Asks for packets with this key. Each of them fires the key's source.
    pub(crate) fn observe(
        &self,
        value: u32,
        key: Key,
        signals: Signals,
        options: WaitAsyncOpts,
    ) -> Result<(), Status> {
        self.require_packets()?;
        raw::object_wait_async(value, self.port.raw_handle(), key, signals, options.bits())
    }

    /// Ends such packets. The handle stays open.
    pub(crate) fn cancel(&self, value: u32, key: Key) {
        // An error means that there were none, or that the handle is gone and they with it.
        let _ = raw::port_cancel(self.port.raw_handle(), value, key);
    }

    /// Wakes the waker at the deadline.
    pub(crate) fn wake_at(&self, deadline: MonotonicInstant, waker: &Waker) -> Result<Ticket, Status> {
        let ticket = self.timers.insert(&self.port, deadline, waker)?;
        // Afterwards: a driver that is dropped, and a reactor that fails, look for waiters when they have said so. The lock of
        // the timers orders the two, so one of them sees the other.
        if let Err(status) = self.require_packets() {
            self.timers.remove(ticket);
            return Err(status);
        }
        Ok(ticket)
    }

    /// Another waker for the same deadline. `false`: the last one was woken.
    pub(crate) fn replace_waker(&self, ticket: Ticket, waker: &Waker) -> bool {
        self.timers.replace(ticket, waker)
    }

    /// Takes a waker away that waits for a deadline.
    pub(crate) fn forget(&self, ticket: Ticket) {
        self.timers.remove(ticket);
    }

    /// Fails if no packet will come any more. Starts the thread, if no task drives the reactor.
    pub(crate) fn require_packets(&self) -> Result<(), Status> {
        if let Some(failure) = self.failure.get() {
            return Err(*failure);
        }
        // Relaxed: the thread and the driver share only what the port and the locks order.
        if self.is_driven.load(Ordering::Relaxed) || self.is_driven.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let started = library_threads::spawn("jacinth-async", || {
            if let Ok(reactor) = Self::get() {
                reactor.run();
            }
        });
        started.map_err(|_| {
            self.is_driven.store(false, Ordering::Relaxed);
            Status::NO_RESOURCES
        })
    }

    /// The thread's work.
    fn run(&self) {
        loop {
            match self.port.wait(MonotonicInstant::INFINITE).and_then(|packet| self.dispatch(&packet)) {
                Ok(()) => {}
                Err(status) if is_passing(status) => std::thread::sleep(TRY_AGAIN),
                Err(_) => return self.fail(Status::CANCELED),
            }
        }
    }

    /// Wakes the futures that a packet is for.
    fn dispatch(&self, packet: &Packet) -> Result<(), Status> {
        if packet.key() == timers::KEY {
            return self.timers.fire(&self.port);
        }
        if let Some(source) = self.sources.get(packet.key()) {
            source.fire(matches!(packet.contents(), PacketContents::SignalOne(_)));
        }
        Ok(())
    }

    /// Whether any future may be waiting.
    fn has_waiters(&self) -> bool {
        !self.sources.all().is_empty() || !self.timers.is_empty()
    }

    /// The driver's wait has failed. If it may not succeed later, no packet will come any more.
    fn note_failure(&self, status: Status) {
        if !is_passing(status) {
            self.fail(Status::CANCELED);
        }
    }

    /// No packet will come any more: every future that waits is woken, and finds out.
    fn fail(&self, status: Status) {
        let _ = self.failure.set(status);
        self.timers.wake_all();
        self.sources.all().iter().for_each(|source| source.fire(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channel, OnSignals, Timer};
    use jacinth::{Config, Event, Supervisor};

    /// The only test of this process, which has one reactor.
    #[test]
    fn a_closed_port_cancels_all_futures() {
        let _supervisor = Supervisor::create(&Config::default()).unwrap();
        let (ours, _theirs) = jacinth::Channel::create();
        let (channel, event) = (Channel::from(ours), Event::create());
        let hour = std::time::Duration::from_secs(3600);
        futures::executor::block_on(async {
            let closing = async {
                raw::close(Reactor::get().unwrap().port.raw_handle()).unwrap();
                Ok::<(), Status>(())
            };
            let receive = async { channel.recv().await.map(drop) };
            let signals = async { OnSignals::new(&event, Signals::USER_0).await.map(drop) };
            let ends = futures::join!(receive, signals, Timer::new(hour), closing);
            let canceled = Err(Status::CANCELED);
            assert_eq!(ends, (canceled, canceled, canceled, Ok(())));
            assert_eq!(channel.recv().await.map(drop), canceled, "also those that come later");
            assert_eq!(Timer::new(hour).await, canceled);
        });
    }
}
