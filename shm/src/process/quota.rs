//! Quotas: how much of the arena one process may have, so that a greedy one cannot starve the others.
//!
//! No shared word counts the use, so no count has to be repaired after a death. A thread that takes an object or a
//! block writes its process's *charge* into the words of that thing. A walk over these words finds how much a process
//! has. Between walks each process goes by private credits: taking a thing uses one, and freeing a thing charged to the
//! process returns one. Only a process that has no credit left walks. Other processes return credits too, so walks are
//! rare: see `memory/returned_credits.rs`, `memory/slot_credit.rs` and `memory/block_credit.rs`.
//!
//! | of | charged to | until | found in |
//! |---|---|---|---|
//! | objects | the process that made it | the slot is free | its lifecycle word: row, and 8 bits of the row's epoch |
//! | blocks, in each size class | the process that took it | it is free | its descriptor: row and epoch |
//! | pending messages | the process that holds the end which wrote them | they are read | head and tail; private |
//! | handles | the process that has the table | they are closed or sent | the table is the quota |
//!
//! A quota at or above the arena's capacity is disabled and costs no work.
//!
//! INV-QUOTA-1: the credits of a process, and the things charged to it, are together never more than its quota. A walk
//! happens under the lock of the credits, and voids the threads' credit caches: each thread checks its cache's
//! generation once more after it has taken a slot. A slot that goes from RETIRED to RESERVED in one step is charged to
//! its taker before and after. It costs no credit, and a walk counts it either way.
//! INV-QUOTA-2: the credits can be too few (other processes free things; a walk voids caches), and never too many. A
//! walk finds the missing ones.
//!
//! Words of the arena are read Relaxed here. A process sees the things it has taken itself by its own locks. A thing
//! that another process has freed or taken since then counts against it for one walk at most.

use crate::arena::config::Config;
use crate::arena::size_class::{MAX_CLASSES, SizeClass};
use crate::arena::word::credit::{Charge, Returned};
use crate::arena::word::row::ProcessSlot;
use crate::process::pace::Pace;
use crate::sync::Lock;
use core::sync::atomic::AtomicU64;
use crossbeam_utils::CachePadded;

/// How many blocks of one class this process may still take.
#[derive(Debug)]
pub(crate) struct BlockCredits {
    /// `None`: no limit but the arena's.
    pub(crate) quota: Option<u64>,
    pub(crate) left: u64,
    /// How many deaths recovery had counted before the last walk.
    pub(crate) deaths: u64,
}

impl BlockCredits {
    pub(crate) fn new(quota: Option<u64>) -> Self {
        Self { quota, left: quota.unwrap_or(0), deaths: 0 }
    }
}

/// Objects that this process may still make.
#[derive(Debug)]
pub(crate) struct ObjectCredits {
    pub(crate) quota: u64,
    /// How often the threads' credit caches have been voided.
    pub(crate) generation: CachePadded<AtomicU64>,
    /// The credits that are in no thread's cache.
    pub(crate) left: Lock<u64>,
}

impl ObjectCredits {
    pub(crate) fn new(quota: u64) -> Self {
        Self { quota, generation: CachePadded::default(), left: Lock::new(quota) }
    }
}

/// A thread's credit cache: its credits, and the generation of which they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CreditCache {
    pub(crate) generation: u64,
    pub(crate) credits: u64,
}

impl CreditCache {
    pub(crate) fn generation(self) -> u64 {
        self.generation
    }
}

/// Credits for objects of another process, which are returned together once their slots are free.
#[derive(Debug)]
pub(crate) struct Creditor {
    pub(crate) charge: Charge,
    /// The process's word before the first of the slots was freed.
    pub(crate) before: Returned,
    pub(crate) objects: u64,
}

impl Creditor {
    /// Counts one more freed slot.
    pub(crate) fn count(&mut self) {
        self.objects += 1;
    }
}

/// How much this process may still take, by its own account. Private: it dies with the process.
#[derive(Debug)]
pub(crate) struct Quotas {
    pub(crate) charge: Charge,
    pub(crate) objects: Option<ObjectCredits>,
    pub(crate) blocks: [Lock<BlockCredits>; MAX_CLASSES],
    pub(crate) messages: MessageCredits,
    /// The pace of walks for blocks that channels keep: for a channel that has reached its share, and for an exhausted
    /// pool.
    pub(crate) shares: Pace,
    pub(crate) pools: Pace,
}

impl Quotas {
    pub(crate) fn new(config: &Config, process_slot: ProcessSlot) -> Self {
        Self {
            charge: Charge { row: process_slot.row, epoch: process_slot.epoch },
            objects: config.object_quota().map(ObjectCredits::new),
            blocks: SizeClass::ALL.map(|class| Lock::new(BlockCredits::new(config.block_quota(class)))),
            messages: MessageCredits {
                quota: config.message_quota(),
                left: Lock::new(config.message_quota().unwrap_or(0).cast_signed()),
                walks: Pace::default(),
            },
            shares: Pace::default(),
            pools: Pace::default(),
        }
    }
}

/// Messages that the ends of this process may still have pending, beyond those granted to each end.
///
/// INV-QUOTA-3: the credits left here and those granted to all ends are together the quota. Only an end that arrives
/// with more messages pending than are left makes this negative.
/// INV-QUOTA-4: an end is granted no more than [`SHARE`](Self::SHARE) times the credits that are left. So an end with a
/// stopped reader leaves a ninth of the quota to the others, and two of them a ninth of that. Up to that limit an end
/// gets the credits that it needs.
#[derive(Debug)]
pub(crate) struct MessageCredits {
    quota: Option<u64>,
    left: Lock<i64>,
    /// The pace of walks for unused grants.
    pub(crate) walks: Pace,
}

impl MessageCredits {
    /// The grant of an end without a quota: more than there are positions.
    const UNLIMITED: u64 = u64::MAX / 4;
    /// The least that an end is granted at once.
    pub(crate) const GRANT: u64 = 64;
    /// As for blocks: see `object/channel/write/refused.rs`.
    const SHARE: u64 = 8;

    pub(crate) fn is_limited(&self) -> bool {
        self.quota.is_some()
    }

    /// Charges messages that are pending already, even if fewer credits are left.
    #[inline]
    pub(crate) fn charge(&self, pending: u64) -> u64 {
        if self.quota.is_none() {
            return Self::UNLIMITED;
        }
        // Most ends arrive empty and skip the lock. The sum may become negative (INV-QUOTA-3): a handle that arrives is
        // never refused for its messages.
        if pending > 0 {
            self.add(-pending.cast_signed());
        }
        pending
    }

    #[inline]
    pub(crate) fn refund(&self, granted: u64) {
        if self.quota.is_some() && granted > 0 {
            self.add(granted.cast_signed());
        }
    }

    /// Not inlined: most arenas have no quotas, and most ends that come and go have no messages.
    #[cold]
    fn add(&self, credits: i64) {
        *self.left.lock() += credits;
    }

    /// Grants at least `least` and at most `most` more messages to an end that has been granted `granted`; or returns
    /// 0.
    pub(crate) fn take(&self, least: u64, most: u64, granted: u64) -> u64 {
        let mut left = self.left.lock();
        // A negative number of credits grants none until enough messages have been read.
        let there = u64::try_from(*left).unwrap_or(0);
        // The largest grant g for which, before its last message, the end has less than SHARE times the credits left
        // then: granted + g − 1 < SHARE × (there − g + 1).
        let share = (Self::SHARE * (there + 1)).saturating_sub(granted) / (Self::SHARE + 1);
        let taken = there.min(share).min(most);
        // Fewer would not admit the message, and would lie unused at an end that cannot write.
        if taken < least {
            return 0;
        }
        *left -= taken.cast_signed();
        taken
    }
}
