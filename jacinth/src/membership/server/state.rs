//! The state of the supervisor.

use crate::membership::failure_detector::robust_futex::DeathWatch;
use crate::membership::server::listener::Listener;
use crate::membership::server::member::Member;
use crate::membership::server::recovery::{RETRY_INTERVAL, Recovery};
use crate::membership::server::spawned::recorded_statuses::RecordedSpawnStatuses;
use crate::membership::socket::rendezvous;
use jacinth_shm::{self as shm, Held};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

/// The supervisor.
pub(crate) struct Server {
    /// Accepts processes that want to join.
    pub(crate) listener: Listener,
    /// Accepts attached processes that need a connection to this supervisor.
    pub(crate) rendezvous: Option<Held>,
    /// The user that created the arena. This process may have become another user's since.
    pub(crate) user: u32,
    /// A descriptor to close when there are no others, for as long as it takes to refuse one process.
    pub(crate) spare: Option<Held>,
    pub(crate) arena: Arc<shm::Arena>,
    pub(crate) thread: shm::Thread,
    pub(crate) members: Vec<Member>,
    /// `None` while it cannot be started; then only pidfds report deaths.
    pub(crate) death_watch: Option<DeathWatch>,
    pub(crate) recovery: Recovery,
    pub(crate) spawn_statuses: RecordedSpawnStatuses,
    /// When to look next at processes that are out of touch.
    pub(crate) recheck_at: Instant,
    /// When to check next whether the program has closed a descriptor of the library.
    pub(crate) check_descriptors_at: Instant,
}

impl Server {
    /// The supervisor of `thread`'s arena, which this process leads by now. At the other end of `own_connection` is this
    /// process itself.
    pub(crate) fn new(
        listener: Listener,
        rendezvous: OwnedFd,
        own_connection: OwnedFd,
        thread: shm::Thread,
    ) -> Self {
        let arena = thread.process().arena().clone();
        let file = arena.file().and_then(|file| rustix::fs::fstat(file).ok());
        let own = Member {
            connection: Held::new(own_connection).ok(),
            pid: Some(rustix::process::getpid()),
            ..Member::default()
        };
        Self {
            listener,
            rendezvous: rendezvous::listen(rendezvous, &arena),
            // The owner of the arena's file: this process may have become another user's since the arena was created.
            user: file.map_or_else(|| rustix::process::geteuid().as_raw(), |file| file.st_uid),
            spare: Self::new_spare(),
            thread,
            arena,
            members: vec![own],
            death_watch: None,
            recovery: Recovery::new(),
            spawn_statuses: RecordedSpawnStatuses::default(),
            recheck_at: Instant::now(),
            check_descriptors_at: Instant::now() + RETRY_INTERVAL,
        }
    }

    /// A descriptor to close when there are no others.
    pub(crate) fn new_spare() -> Option<Held> {
        use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
        let spare = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        spare.ok().and_then(|spare| Held::new(spare).ok())
    }

    /// Has the descriptors checked in the next turn, because one was closed.
    pub(crate) fn check_descriptors_soon(&mut self) {
        self.check_descriptors_at = Instant::now();
    }
}
