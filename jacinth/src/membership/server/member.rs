//! One connection or one process, as the supervisor knows it.

use crate::membership::failure_detector::robust_futex::Suspicion;
use crate::membership::failure_detector::watched_process::Watched;
use crate::membership::server::spawned::obstacle::Looks;
use jacinth_shm::{self as shm, Held};
use rustix::process::Pid;

/// One connection or one process.
#[derive(Default)]
pub(crate) struct Member {
    /// Its connection; `None` for a spawned process that has not connected, or one that hung up.
    pub(crate) connection: Option<Held>,
    pub(crate) pid: Option<Pid>,
    /// Its process, if it is watched.
    pub(crate) watched: Option<Watched>,
    pub(crate) slot: Option<shm::ProcessSlot>,
    /// Whether it runs as another user than the arena's. `false` once it is known as an admitted process.
    pub(crate) is_other_user: bool,
    /// Whether its death is suspected.
    pub(crate) suspicion: Suspicion,
    /// Looks for an obstacle to its attaching; `None` for a process that has attached or was not spawned.
    pub(crate) looks: Option<Looks>,
}

impl Member {
    /// The number of its process, if that is watched.
    pub(crate) fn pid_watched(&self) -> Option<Pid> {
        self.watched.as_ref().and_then(Watched::pid)
    }

    /// Stops watching it. Gives the slot that it had.
    pub(crate) fn forget(&mut self) -> Option<shm::ProcessSlot> {
        (self.watched, self.suspicion, self.looks) = (None, Suspicion::default(), None);
        self.slot.take()
    }
}
