//! Hearing of deaths early: a thread beside the supervisor's sleeps on the tripwires of all processes that it watches,
//! and rings a bell when one has fired.
//!
//! The supervisor's own thread polls descriptors, and cannot sleep on words at the same time; the bell is a descriptor,
//! one of a pair of sockets.
//! A tripwire is no proof (INV-TRIP-1): the supervisor then looks for one, of a death (`exiting`) or of an exec, which
//! fires it too. What it cannot prove within some twenty looks it looks at once a second, and leaves to the pidfd. So
//! whatever fails here makes news late, and never false.
//!
//! The thread watches 127 processes, the first ones; the deaths of more are heard of by their pidfds alone.

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
const REST: Duration = Duration::from_millis(10);

/// What a tripwire has led to.
#[derive(Default)]
pub(crate) enum Alarm {
    /// Nothing yet.
    #[default]
    Quiet,
    /// The process is looked at again at this moment.
    Due { pause: Duration, at: Instant },
}

impl Alarm {
    /// Whether to look now.
    pub(crate) fn is_due(&self, has_fired: impl FnOnce() -> bool) -> bool {
        match self {
            Self::Quiet => has_fired(),
            Self::Due { at, .. } => *at <= Instant::now(),
        }
    }

    /// Whether to look for an exec too: it is not dying, as it seems.
    pub(crate) fn may_be_exec(&self) -> bool {
        matches!(self, Self::Due { pause, .. } if *pause > DYING_FOR)
    }

    /// How soon to look, if it has come to that.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Due { at, .. } => Some(at.saturating_duration_since(Instant::now())),
            Self::Quiet => None,
        }
    }

    /// It was looked at, and nothing was proven.
    pub(crate) fn look_later(&mut self) {
        let pause = match *self {
            Self::Quiet => FIRST_PAUSE,
            Self::Due { pause, .. } => (pause + pause / 4).min(LONGEST_PAUSE),
        };
        *self = Self::Due { pause, at: Instant::now() + pause };
    }
}

/// The thread that watches, as the supervisor sees it. Ends the thread when dropped.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    /// Whom it watches.
    seats: Vec<Seat>,
}

struct Shared {
    wires: shm::Tripwires,
    /// Whom to watch; `None` when it is over. The turn changes under this lock, and is looked at under it.
    seats: Mutex<Option<Vec<Seat>>>,
    bell: shm::Held,
    /// Readable since it was rung.
    heard: shm::Held,
}

impl Watch {
    /// Starts the thread, which watches nobody yet.
    pub(crate) fn start(arena: &Arc<shm::Arena>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (bell, heard) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let (bell, heard) = (shm::Held::new(bell)?, shm::Held::new(heard)?);
        let (wires, seats) = (shm::Tripwires::new(arena.clone()), Mutex::new(Some(Vec::new())));
        let shared = Arc::new(Shared { wires, seats, bell, heard });
        let watch = Self { shared: shared.clone(), seats: Vec::new() };
        crate::library_threads::spawn("jacinth-watcher", move || {
            if let Err(error) = shared.run() {
                tracing::error!(%error, "tripwires cannot be watched any more");
            }
        })?;
        Ok(watch)
    }

    /// Has these watched, and nobody else.
    pub(crate) fn watch(&mut self, seats: Vec<Seat>) {
        if self.seats != seats {
            self.seats.clone_from(&seats);
            self.shared.change(Some(seats));
        }
    }

    /// Readable since a tripwire has fired.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.shared.heard.number()
    }

    /// Whether it can be rung: the program has left its descriptors alone.
    pub(crate) fn is_intact(&self) -> bool {
        self.shared.heard.is_intact() && self.shared.bell.is_intact()
    }

    /// Whatever has fired until now, the supervisor is about to see.
    pub(crate) fn silence(&self) {
        if let Some(heard) = self.shared.heard.get() {
            let _ = rustix::io::read(heard, &mut [0; 64]);
        }
    }

    /// Whether the tripwire of this seat's process has fired.
    pub(crate) fn has_fired(&self, seat: Seat) -> bool {
        self.shared.wires.look(seat).is_ok_and(shm::Seen::has_fired)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.change(None);
    }
}

impl Shared {
    fn seats(&self) -> MutexGuard<'_, Option<Vec<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, seats: Option<Vec<Seat>>) {
        let mut changing = self.seats();
        *changing = seats;
        self.wires.end_sleep();
    }

    fn run(&self) -> shm::Result<()> {
        let mut told = Vec::new();
        loop {
            let (turn, seen) = {
                let seats = self.seats();
                let Some(seats) = &*seats else { return Ok(()) };
                (self.wires.turn(), self.look(seats)?)
            };
            let fired: Vec<Seat> =
                seen.iter().filter(|seen| seen.has_fired()).map(|seen| seen.seat).collect();
            if fired.iter().any(|seat| !told.contains(seat)) {
                self.ring();
            }
            told = fired;
            self.wires.sleep(turn, &seen)?;
            let seats: Vec<Seat> = seen.iter().map(|seen| seen.seat).collect();
            if self.wires.turn() == turn && self.look(&seats)? == seen {
                std::thread::sleep(REST);
            }
        }
    }

    fn ring(&self) {
        // Full: it has been rung often enough.
        let _ = self.bell.get().map(|bell| rustix::net::send(bell, &[1], SendFlags::NOSIGNAL));
    }

    fn look(&self, seats: &[Seat]) -> shm::Result<Vec<shm::Seen>> {
        seats.iter().take(shm::Tripwires::MOST).map(|seat| self.wires.look(*seat)).collect()
    }
}
