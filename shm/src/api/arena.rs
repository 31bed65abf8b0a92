//! The operations of [`Arena`].

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::counter::{self, Counters};
use crate::arena::word::leader::{Leader, Member, ProcessIdentity};
use crate::arena::word::row::ProcessSlot;
use crate::process::slots;
use crate::process::thread::Thread;
use crate::recovery::audit::{self, Audit};
use crate::recovery::leader_election;
#[cfg(not(loom))]
use crate::recovery::robust_futex;

impl Arena {
    /// Walks the arena and says what it found. Poisons an arena in which something is wrong.
    ///
    /// Only meaningful while no operation is under way. One that is just ending is waited for, up to a second:
    /// what is wrong stays wrong. Where some thread remains in the middle of an operation (it may be stopped),
    /// findings are reported and nothing is poisoned.
    pub fn audit(&self) -> Audit {
        audit::audit(self)
    }

    /// As [`audit`](Self::audit), and leaves the arena as it is: for looking while others work, when numbers
    /// may be a moment apart.
    pub fn inspect(&self) -> Audit {
        audit::inspect(self)
    }

    /// Adds up every thread's counters. Cheap; safe at any time; each number is a moment old.
    pub fn counters(&self) -> Counters {
        counter::counters(self)
    }

    /// Who leads.
    pub fn leader(&self) -> Leader {
        leader_election::leader(self)
    }

    /// Who has this process slot; `None` once it has been freed.
    pub fn identity(&self, process_slot: ProcessSlot) -> Result<Option<ProcessIdentity>> {
        leader_election::identity(self, process_slot)
    }

    /// Everybody whom the supervisor has to watch: attached processes, and children on their way that it adopted. A
    /// process slot whose spawner has not reported it yet is its spawner's to report.
    pub fn members(&self) -> Result<Vec<Member>> {
        leader_election::members(self)
    }

    /// Claims a process row for a child that `spawner` will start, or for a process that asked to be admitted.
    pub fn reserve_slot(&self, spawner: &Thread) -> Result<ProcessSlot> {
        slots::reserve_slot(self, spawner)
    }

    /// Claims a row and takes it at once: for the process that creates the arena.
    pub fn first_slot(&self) -> Result<ProcessSlot> {
        slots::first_slot(self)
    }

    /// Whether the process slot's process is attached.
    pub fn is_attached(&self, process_slot: ProcessSlot) -> bool {
        slots::is_attached(self, process_slot)
    }

    /// The thread that has set the death notice of this process slot's process; `None` if none has, or it has ended.
    #[cfg(not(loom))]
    pub fn death_notice_thread(&self, process_slot: ProcessSlot) -> Option<u32> {
        robust_futex::death_notice_thread(self, process_slot)
    }

    /// Whether the thread that had set it has ended.
    #[cfg(not(loom))]
    pub fn has_death_notice(&self, process_slot: ProcessSlot) -> bool {
        robust_futex::has_death_notice(self, process_slot)
    }
}
