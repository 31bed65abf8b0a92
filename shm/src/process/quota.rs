//! Quotas: what one process may have of the arena, so that a greedy one cannot starve the others.
//!
//! Nothing shared is counted, so nothing has to be put right after a death. Whoever takes an object or a block
//! writes his *charge* into its own words, beside what is there anyway; how much a process has is what a walk over
//! these words finds. In between, each process goes by private credits: taking uses one up, freeing what is charged
//! to oneself gives one back, and only a process that has none left walks (others may have freed something of its).
//! Credits come back from others too, so that one seldom walks: see `returned`, `object_quota`, `block_quota`.
//!
//! | of what | charged to | until | found in |
//! |---|---|---|---|
//! | objects | the process that made it | the slot is free | its life word: row, and 8 bits of the row's epoch |
//! | blocks, in each size class | the process that took it | it is free | its descriptor: row and epoch |
//! | pending messages | the process that holds the end which wrote them | they are read | head and tail; private alone |
//! | handles | the process in whose table they are | they are closed or sent | the table is the quota |
//!
//! A quota that is no less than what the arena has at all is none, and costs nothing.
//!
//! INV-QUOTA-1: the credits of a process, and what is charged to it, are together never more than its quota. A walk
//! happens under the lock of the credits, and voids what threads have set aside: each looks once more after it has
//! taken a slot. A slot that goes from RETIRED to RESERVED in one step, charged to its taker before and after, costs
//! nothing, and a walk counts it either way.
//! INV-QUOTA-2: credits can be too few (others free; a walk voids them), never too many; a walk finds the rest.
//!
//! Words of the arena are read Relaxed here: what this process has taken it sees, by its own locks; what another has
//! freed or taken since counts against it for one walk at most.

use crate::arena::config::Config;
use crate::arena::size_class::MAX_CLASSES;
use crate::arena::word::credit::{Charge, Returned};
use crate::arena::word::row::ProcessSlot;
use crate::process::pace::Pace;
use crate::sync::Lock;
use core::sync::atomic::AtomicU64;
use crossbeam_utils::CachePadded;

/// How many blocks of one class this process may still take.
#[derive(Debug)]
pub(crate) struct BlockCredits {
    /// `None`: as many as there are.
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
    /// How often what threads have set aside has been voided.
    pub(crate) generation: CachePadded<AtomicU64>,
    /// What no thread has set aside.
    pub(crate) left: Lock<u64>,
}

impl ObjectCredits {
    pub(crate) fn new(quota: u64) -> Self {
        Self { quota, generation: CachePadded::default(), left: Lock::new(quota) }
    }
}

/// What a thread has set aside: how much, and when.
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

/// Credits for objects of another process, which are given back together once their slots are free.
#[derive(Debug)]
pub(crate) struct Creditor {
    pub(crate) charge: Charge,
    /// What the process's word said before the first of the slots was freed.
    pub(crate) before: Returned,
    pub(crate) objects: u64,
}

impl Creditor {
    /// One more slot has been freed.
    pub(crate) fn count(&mut self) {
        self.objects += 1;
    }
}

/// What this process may still take, by its own account. Private: it dies with the process.
#[derive(Debug)]
pub(crate) struct Quotas {
    pub(crate) charge: Charge,
    pub(crate) objects: Option<ObjectCredits>,
    pub(crate) blocks: [Lock<BlockCredits>; MAX_CLASSES],
    pub(crate) messages: MessageCredits,
    /// Walks for blocks that channels keep: for a channel that has its share, and where a pool is exhausted.
    pub(crate) shares: Pace,
    pub(crate) pools: Pace,
}

impl Quotas {
    pub(crate) fn new(config: &Config, process_slot: ProcessSlot) -> Self {
        Self {
            charge: Charge { row: process_slot.row, epoch: process_slot.epoch },
            objects: config.object_quota().map(ObjectCredits::new),
            blocks: core::array::from_fn(|class| Lock::new(BlockCredits::new(config.block_quota(class)))),
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

/// Messages that the ends of this process may still have pending, beside what each of them has been granted.
///
/// INV-QUOTA-3: what is left here and what all ends have been granted are together the quota. Only an end that
/// comes with more messages pending than are left makes this negative.
/// INV-QUOTA-4: an end is granted no more than [`SHARE`](Self::SHARE) times what is left, so that one whose reader has
/// stopped leaves a ninth of the quota to the others, and two of them a ninth of that. As many as that it has in any case.
#[derive(Debug)]
pub(crate) struct MessageCredits {
    quota: Option<u64>,
    left: Lock<i64>,
    /// Walks for grants that are not used.
    pub(crate) walks: Pace,
}

impl MessageCredits {
    /// What an end is granted where there is no quota: more than there are positions.
    const UNLIMITED: u64 = u64::MAX / 4;
    /// The least that an end is granted at once.
    pub(crate) const GRANT: u64 = 64;
    /// As for blocks: see `refused`.
    const SHARE: u64 = 8;

    pub(crate) fn is_limited(&self) -> bool {
        self.quota.is_some()
    }

    /// Grants what is pending already, whether or not it is left.
    pub(crate) fn charge(&self, pending: u64) -> u64 {
        if self.quota.is_none() {
            return Self::UNLIMITED;
        }
        if pending > 0 {
            *self.left.lock() -= pending.cast_signed();
        }
        pending
    }

    pub(crate) fn give_back(&self, granted: u64) {
        if self.quota.is_some() && granted > 0 {
            *self.left.lock() += granted.cast_signed();
        }
    }

    /// At least `least` and at most `most`, for an end that has been granted `granted`; or nothing.
    pub(crate) fn take(&self, least: u64, most: u64, granted: u64) -> u64 {
        let mut left = self.left.lock();
        let there = u64::try_from(*left).unwrap_or(0);
        // So many that before the last one is taken the end has less than SHARE times what is left then.
        let share = (Self::SHARE * (there + 1)).saturating_sub(granted) / (Self::SHARE + 1);
        let taken = there.min(share).min(most);
        if taken < least {
            return 0;
        }
        *left -= taken.cast_signed();
        taken
    }
}
