//! Hearing of deaths early: a thread beside the supervisor's sleeps on the tripwires of all processes that it watches,
//! and rings a sender when one has fired.
//!
//! The supervisor's own thread polls descriptors, and cannot sleep on words at the same time; the sender is a descriptor,
//! one of a pair of sockets.
//! A tripwire is no proof (INV-TRIP-1): the supervisor then looks for one, of a death (`exiting`) or of an exec, which
//! fires it too. What it cannot prove within some twenty looks it looks at once a second, and leaves to the pidfd. So
//! whatever fails here makes news late, and never false.
//!
//! The thread watches 127 processes, the first ones; the deaths of more are receiver of by their pidfds alone.

use jacinth_shm::{self as shm, Seat};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How soon a process whose tripwire has fired is looked at again. Each pause is longer by a quarter, up to a second.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The pause after which one that is not dying may have replaced itself. (Looking for that holds a process's memory for
/// a moment, which whoever holds it last takes down: so those that are dying are left alone.)
const DYING_FOR: Duration = Duration::from_micros(400);

/// How long the thread rests that was woken for nothing: where the kernel refuses to put it to sleep.
const SPURIOUS_WAKE_DELAY: Duration = Duration::from_millis(10);

/// What a tripwire has led to.
#[derive(Default)]
pub(crate) enum Suspicion {
    /// Nothing yet.
    #[default]
    None,
    /// The process is looked at again at this moment.
    Suspected { pause: Duration, at: Instant },
}

impl Suspicion {
    /// Whether to look now.
    pub(crate) fn is_due(&self, owner_died: impl FnOnce() -> bool) -> bool {
        match self {
            Self::None => owner_died(),
            Self::Suspected { at, .. } => *at <= Instant::now(),
        }
    }

    /// Whether to look for an exec too: it is not dying, as it seems.
    pub(crate) fn may_be_exec(&self) -> bool {
        matches!(self, Self::Suspected { pause, .. } if *pause > DYING_FOR)
    }

    /// How soon to look, if it has come to that.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Suspected { at, .. } => Some(at.saturating_duration_since(Instant::now())),
            Self::None => None,
        }
    }

    /// It was looked at, and nothing was proven.
    pub(crate) fn check_later(&mut self) {
        let pause = match *self {
            Self::None => FIRST_PAUSE,
            Self::Suspected { pause, .. } => (pause + pause / 4).min(LONGEST_PAUSE),
        };
        *self = Self::Suspected { pause, at: Instant::now() + pause };
    }
}

/// The thread that watches, as the supervisor sees it. Ends the thread when dropped.
pub(crate) struct DeathWatch {
    shared: Arc<Shared>,
    /// Whom it watches.
    slots: Vec<Seat>,
}

struct Shared {
    wires: shm::Tripwires,
    /// Whom to watch; `None` when it is over. The turn changes under this lock, and is looked at under it.
    slots: Mutex<Option<Vec<Seat>>>,
    sender: shm::Held,
    /// Readable since it was rung.
    receiver: shm::Held,
}

impl DeathWatch {
    /// Starts the thread, which watches nobody yet.
    pub(crate) fn start(arena: &Arc<shm::Arena>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (sender, receiver) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let (sender, receiver) = (shm::Held::new(sender)?, shm::Held::new(receiver)?);
        let (wires, slots) = (shm::Tripwires::new(arena.clone()), Mutex::new(Some(Vec::new())));
        let shared = Arc::new(Shared { wires, slots, sender, receiver });
        let watch = Self { shared: shared.clone(), slots: Vec::new() };
        crate::library_threads::spawn("jacinth-watcher", move || {
            if let Err(error) = shared.run() {
                tracing::error!(%error, "tripwires cannot be watched any more");
            }
        })?;
        Ok(watch)
    }

    /// Has these watched, and nobody else.
    pub(crate) fn watch(&mut self, slots: Vec<Seat>) {
        if self.slots != slots {
            self.slots.clone_from(&slots);
            self.shared.change(Some(slots));
        }
    }

    /// Readable since a tripwire has fired.
    pub(crate) fn notices(&self) -> BorrowedFd<'_> {
        self.shared.receiver.number()
    }

    /// Whether it can be rung: the program has left its descriptors alone.
    pub(crate) fn is_intact(&self) -> bool {
        self.shared.receiver.is_intact() && self.shared.sender.is_intact()
    }

    /// Whatever has fired until now, the supervisor is about to see.
    pub(crate) fn drain_notices(&self) {
        if let Some(receiver) = self.shared.receiver.get() {
            let _ = rustix::io::read(receiver, &mut [0; 64]);
        }
    }

    /// Whether the tripwire of this slot's process has fired.
    pub(crate) fn owner_died(&self, slot: Seat) -> bool {
        self.shared.wires.look(slot).is_ok_and(shm::Seen::has_fired)
    }
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        self.shared.change(None);
    }
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, Option<Vec<Seat>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, slots: Option<Vec<Seat>>) {
        let mut changing = self.slots();
        *changing = slots;
        self.wires.end_sleep();
    }

    fn run(&self) -> shm::Result<()> {
        let mut told = Vec::new();
        loop {
            let (turn, seen) = {
                let slots = self.slots();
                let Some(slots) = &*slots else { return Ok(()) };
                (self.wires.turn(), self.look(slots)?)
            };
            let fired: Vec<Seat> =
                seen.iter().filter(|seen| seen.has_fired()).map(|seen| seen.seat).collect();
            if fired.iter().any(|slot| !told.contains(slot)) {
                self.notify();
            }
            told = fired;
            self.wires.sleep(turn, &seen)?;
            let slots: Vec<Seat> = seen.iter().map(|seen| seen.seat).collect();
            if self.wires.turn() == turn && self.look(&slots)? == seen {
                std::thread::sleep(SPURIOUS_WAKE_DELAY);
            }
        }
    }

    fn notify(&self) {
        // Full: it has been rung often enough.
        let _ = self.sender.get().map(|sender| rustix::net::send(sender, &[1], SendFlags::NOSIGNAL));
    }

    fn look(&self, slots: &[Seat]) -> shm::Result<Vec<shm::Seen>> {
        slots.iter().take(shm::Tripwires::MOST).map(|slot| self.wires.look(*slot)).collect()
    }
}
