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

use crate::bits::Field;
use crate::block_quota::BlockCredits;
use crate::endpoint::Sender;
use crate::error::{Error, Result};
use crate::layout::{Config, MAX_CLASSES};
use crate::object_quota::ObjectCredits;
use crate::pace::Pace;
use crate::process::Seat;
use crate::ring::Segment;
use crate::sync::Lock;
use crate::thread::Thread;

/// Whom something is charged to: a process row, in one of its epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) row: u16,
    pub(crate) epoch: u32,
}

impl Charge {
    const ROW: Field<0, 12> = Field;
    const EPOCH: Field<12, 20> = Field;

    /// As a word of a block's descriptor; never 0, since no process has row 0.
    pub(crate) fn to_word(self) -> u64 {
        Self::ROW.of(self.row.into()) | Self::EPOCH.of(self.epoch.into())
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self { row: Self::ROW.get(word) as u16, epoch: Self::EPOCH.get(word) as u32 }
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
    pub(crate) fn new(config: &Config, seat: Seat) -> Self {
        Self {
            charge: Charge { row: seat.row, epoch: seat.epoch },
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
    walks: Pace,
}

impl MessageCredits {
    /// What an end is granted where there is no quota: more than there are positions.
    const UNLIMITED: u64 = u64::MAX / 4;
    /// The least that an end is granted at once.
    const GRANT: u64 = 64;
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
    fn take(&self, least: u64, most: u64, granted: u64) -> u64 {
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

impl Sender {
    /// What it is granted at once, and left with: as much as its segment holds, so that a stream of messages looks at
    /// the head no more often than without a quota.
    fn batch(&self) -> u64 {
        self.segment.as_ref().map_or(0, Segment::messages).max(MessageCredits::GRANT)
    }

    /// Messages granted and not pending or promised.
    fn unused(&self) -> u64 {
        self.granted.saturating_sub(self.pending() + self.reserved)
    }
}

impl Thread {
    /// Has this end granted enough for a message `ahead` places past the tail, if its own limit allows one there.
    pub(crate) fn grant(&self, sender: &mut Sender, ahead: u64) -> Result<()> {
        let pending = sender.pending() + sender.reserved + ahead + 1;
        let Some(lacking) = pending.checked_sub(sender.granted).filter(|lacking| *lacking > 0) else {
            return Ok(());
        };
        let limit = sender.max_pending;
        if pending > limit {
            // The channel itself is full.
            return Ok(());
        }
        let most = sender.batch().min(limit.saturating_sub(sender.granted)).max(lacking);
        let credits = &self.process.quotas.messages;
        let mut taken = credits.take(lacking, most, sender.granted);
        if taken == 0 && credits.walks.is_due() {
            let entries = self.take_grants_back();
            taken = credits.take(lacking, lacking, sender.granted);
            credits.walks.walked(entries, taken > 0);
        }
        if taken == 0 {
            return Err(Error::NoResources(
                "pending messages of this process (max_pending_messages_per_process), of which one channel has no more than \
                 eight times what is left",
            ));
        }
        sender.granted += taken;
        Ok(())
    }

    /// Gives back what an end has been granted far beyond its use: what has been read returns here.
    pub(crate) fn trim_grant(&self, sender: &mut Sender) {
        let unused = sender.unused();
        let keep = sender.batch();
        if self.process.quotas.messages.is_limited() && unused > 2 * keep {
            sender.granted -= unused - keep;
            self.process.quotas.messages.give_back(unused - keep);
        }
    }

    /// Takes back what the ends of this process have been granted and do not use. Gives how many entries it looked at.
    fn take_grants_back(&self) -> usize {
        let inside = self.inside();
        for (object, endpoint) in self.process.bound_endpoints(&inside) {
            // One that is busy keeps what it has; waiting for it could wait for ourselves.
            if let Some(mut sender) = endpoint.sender.try_lock()
                && endpoint.is_bound_to(object)
                && sender.ready
                && self.refresh_head(object, &mut sender).is_ok()
            {
                let unused = sender.unused();
                sender.granted -= unused;
                self.process.quotas.messages.give_back(unused);
                self.set_limit(&mut sender);
            }
        }
        self.process.entries_walked()
    }
}
