//! Early death notices: a thread sleeps on the robust futexes of all watched processes, and reports an owner's death to
//! the supervisor.
//!
//! The supervisor's own thread polls descriptors, and cannot sleep on futexes at the same time. So this thread writes to a
//! socket that the supervisor polls.
//!
//! A notice is a suspicion, no proof (INV-NOTICE-1). The supervisor then looks for the proof: of a death (`exiting`), or of
//! an exec, which causes a notice too. Without a proof it looks again at growing pauses, and relies on the pidfd. So a
//! failure here makes news late, and never false.
//!
//! The thread watches the first 127 processes. Only pidfds report the deaths of the others.

use jacinth_shm::{self as shm, ProcessSlot};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socketpair};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The first pause between two looks at a suspect. Each later pause is longer by a quarter, up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The pause after which a suspect that is not dying may have replaced itself by exec. The look for an exec holds the
/// process's memory for a moment, and the last holder takes the memory down. So dying processes are left alone.
const DYING_FOR: Duration = Duration::from_micros(400);

/// How long the thread sleeps after a wake without a change: the kernel may refuse to put it to sleep.
const SPURIOUS_WAKE_DELAY: Duration = Duration::from_millis(10);

/// Whether a process's death is suspected.
#[derive(Default)]
pub(crate) enum Suspicion {
    /// No notice has come.
    #[default]
    None,
    /// A notice has come. The process is looked at again at this time.
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

    /// Whether to look for an exec too, because the process does not seem to be dying.
    pub(crate) fn may_be_exec(&self) -> bool {
        matches!(self, Self::Suspected { pause, .. } if *pause > DYING_FOR)
    }

    /// How soon to look; `None` without a suspicion.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Suspected { at, .. } => Some(at.saturating_duration_since(Instant::now())),
            Self::None => None,
        }
    }

    /// Sets the time of the next look, after a look without a proof.
    pub(crate) fn check_later(&mut self) {
        let pause = match *self {
            Self::None => FIRST_PAUSE,
            Self::Suspected { pause, .. } => (pause + pause / 4).min(LONGEST_PAUSE),
        };
        *self = Self::Suspected { pause, at: Instant::now() + pause };
    }
}

/// The watching thread, as the supervisor sees it. The drop ends the thread.
pub(crate) struct DeathWatch {
    shared: Arc<Shared>,
    /// The slots that it watches.
    slots: Vec<ProcessSlot>,
}

struct Shared {
    futexes: shm::DeathWatch,
    /// The slots to watch; `None` to end the thread. The generation changes under this lock, and is read under it.
    slots: Mutex<Option<Vec<ProcessSlot>>>,
    sender: shm::Held,
    /// Readable once the sender was written to.
    receiver: shm::Held,
}

impl DeathWatch {
    /// Starts the thread. It watches no slot yet.
    pub(crate) fn start(arena: &Arc<shm::Arena>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // Neither end blocks: a full socket holds a notice already, and an empty one has none to discard.
        let (sender, receiver) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let (sender, receiver) = (shm::Held::new(sender)?, shm::Held::new(receiver)?);
        let (futexes, slots) = (shm::DeathWatch::new(arena.clone()), Mutex::new(Some(Vec::new())));
        let shared = Arc::new(Shared { futexes, slots, sender, receiver });
        let watch = Self { shared: shared.clone(), slots: Vec::new() };
        crate::library_threads::spawn("jacinth-watcher", move || {
            shm::request_short_slice();
            if let Err(error) = shared.run() {
                tracing::error!(%error, "robust futexes cannot be watched any more");
            }
        })?;
        Ok(watch)
    }

    /// Watches these slots, and no others.
    pub(crate) fn watch(&mut self, slots: Vec<ProcessSlot>) {
        if self.slots != slots {
            self.slots.clone_from(&slots);
            self.shared.change(Some(slots));
        }
    }

    /// Readable when a notice has come.
    pub(crate) fn notices(&self) -> BorrowedFd<'_> {
        self.shared.receiver.number()
    }

    /// Whether the program has left the descriptors alone.
    pub(crate) fn is_intact(&self) -> bool {
        self.shared.receiver.is_intact() && self.shared.sender.is_intact()
    }

    /// Discards the notices so far. The caller is about to look at all suspects.
    pub(crate) fn drain_notices(&self) {
        if let Some(receiver) = self.shared.receiver.get() {
            let _ = rustix::io::read(receiver, &mut [0; 64]);
        }
    }

    /// Whether the robust futex of this slot's process reports its owner's death.
    pub(crate) fn owner_died(&self, slot: ProcessSlot) -> bool {
        self.shared.futexes.look(slot).is_ok_and(shm::NoticeState::owner_died)
    }
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        self.shared.change(None);
    }
}

impl Shared {
    fn slots(&self) -> MutexGuard<'_, Option<Vec<ProcessSlot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, slots: Option<Vec<ProcessSlot>>) {
        let mut changing = self.slots();
        *changing = slots;
        // Still under the lock, so that `run` sees the new slots together with the new turn.
        self.futexes.interrupt();
    }

    fn run(&self) -> shm::Result<()> {
        let mut notified = Vec::new();
        loop {
            let (generation, seen) = {
                let slots = self.slots();
                let Some(slots) = &*slots else { return Ok(()) };
                // In this order, under the lock of `change`: a change from here on ends the sleep below.
                (self.futexes.turn(), self.look(slots)?)
            };
            let dead: Vec<ProcessSlot> =
                seen.iter().filter(|seen| seen.owner_died()).map(|seen| seen.process_slot).collect();
            // A futex keeps its mark until its row is freed, so marks that were reported before are no news.
            if dead.iter().any(|slot| !notified.contains(slot)) {
                self.notify();
            }
            notified = dead;
            self.futexes.sleep(generation, &seen)?;
            let slots: Vec<ProcessSlot> = seen.iter().map(|seen| seen.process_slot).collect();
            if self.futexes.turn() == generation && self.look(&slots)? == seen {
                std::thread::sleep(SPURIOUS_WAKE_DELAY);
            }
        }
    }

    fn notify(&self) {
        // An error means that the socket is full of notices.
        let _ = self.sender.get().map(|sender| rustix::net::send(sender, &[1], SendFlags::NOSIGNAL));
    }

    fn look(&self, slots: &[ProcessSlot]) -> shm::Result<Vec<shm::NoticeState>> {
        slots.iter().take(shm::DeathWatch::MOST).map(|slot| self.futexes.look(*slot)).collect()
    }
}
