//! The operations of [`Arena`].

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::counter::{self, Counters};
use crate::arena::word::leader::{Leader, Member, ProcessIdentity};
use crate::arena::word::row::{ProcessSlot, SlotState};
use crate::object::directory::root;
use crate::process::slots;
use crate::process::thread::Thread;
use crate::recovery::audit::{self, Audit};
use crate::recovery::leader_election;
use crate::recovery::listing::{self, ListedSide, ListedThread};
#[cfg(not(loom))]
use crate::recovery::robust_futex;
use crate::sync::Relaxed;

impl Arena {
    /// Runs the consistency check over the arena and returns its findings. Poisons an arena in which something is
    /// wrong.
    ///
    /// The result is meaningful only while no operation is under way. The check waits up to a second for operations
    /// that are just ending: real damage is still there afterwards. If some thread stays in the middle of an operation
    /// (it may be stopped), the findings are returned and the arena is not poisoned.
    pub fn audit(&self) -> Audit {
        audit::audit(self)
    }

    /// As [`audit`](Self::audit), and never poisons the arena: for a look while other threads work, when the numbers
    /// may be taken at slightly different moments.
    pub fn inspect(&self) -> Audit {
        audit::inspect(self)
    }

    /// Lists the sides of all live objects, while others work: each line is a moment old.
    ///
    /// # Errors
    /// `Corrupt` for a word that no operation writes.
    pub fn list_objects(&self) -> Result<Vec<ListedSide>> {
        listing::objects(self)
    }

    /// Lists all threads with a row, and what each of them waits for, while others work.
    ///
    /// # Errors
    /// `Corrupt` for a word that no operation writes.
    pub fn list_threads(&self) -> Result<Vec<ListedThread>> {
        listing::threads(self)
    }

    /// Adds up the counters of all threads. Cheap, and safe at any time; each number is a moment old.
    pub fn counters(&self) -> Counters {
        counter::counters(self)
    }

    /// The leader: the process slot of the supervisor, and its term.
    pub fn leader(&self) -> Leader {
        leader_election::leader(self)
    }

    /// The process that has this process slot; `None` once the slot has been freed.
    pub fn identity(&self, process_slot: ProcessSlot) -> Result<Option<ProcessIdentity>> {
        leader_election::identity(self, process_slot)
    }

    /// The processes that the supervisor has to watch: attached processes, and children that it has confirmed and that
    /// are about to attach. A slot that its spawner has not reported yet remains the spawner's responsibility.
    pub fn members(&self) -> Result<Vec<Member>> {
        leader_election::members(self)
    }

    /// A random number that tells this arena from all others.
    pub fn id(&self) -> u64 {
        // Relaxed: it was stored before any other process had the arena.
        self.header().id.load(Relaxed)
    }

    /// Claims a process row for a child that `spawner` will start, or for a process that asked to be admitted.
    pub fn reserve_slot(&self, spawner: &Thread) -> Result<ProcessSlot> {
        slots::reserve_slot(self, spawner)
    }

    /// Claims the first process row: for the process that creates the arena. Makes the arena's root directory, before any
    /// process is attached.
    pub fn first_slot(&self) -> Result<ProcessSlot> {
        root::make_root(self)?;
        slots::first_slot(self)
    }

    /// The state of a process slot. A slot that was never reserved is gone.
    pub fn slot_state(&self, process_slot: ProcessSlot) -> SlotState {
        slots::slot_state(self, process_slot)
    }

    /// Whether the process slot's process is attached.
    pub fn is_attached(&self, process_slot: ProcessSlot) -> bool {
        slots::is_attached(self, process_slot)
    }

    /// The thread that has set the death notice of this process slot's process; `None` if none has, or if that thread
    /// has ended.
    #[cfg(not(loom))]
    pub fn death_notice_thread(&self, process_slot: ProcessSlot) -> Option<u32> {
        robust_futex::death_notice_thread(self, process_slot)
    }

    /// Whether the thread that had set the death notice has ended.
    #[cfg(not(loom))]
    pub fn has_death_notice(&self, process_slot: ProcessSlot) -> bool {
        robust_futex::has_death_notice(self, process_slot)
    }
}
