//! The first page of an arena: its identity, its size, and the words that belong to no record.

use crate::arena::config::CONFIG_WORDS;
use crate::arena::record::wake::Wakes;
use crate::arena::region::Shared;
use crate::arena::size_class::MAX_CLASSES;
use crate::sync::AtomicU64;
#[cfg(not(loom))]
use crate::sync::Relaxed;

pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"jacinth\x01");

/// Increase this whenever the meaning of a word changes.
pub(crate) const VERSION: u64 = 15;

/// The first page of an arena: its identity, its numbers, and the few words that all processes share.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Header {
    pub(crate) magic: AtomicU64,
    pub(crate) version: AtomicU64,
    pub(crate) layout_hash: AtomicU64,
    pub(crate) total_bytes: AtomicU64,
    _line_0: [AtomicU64; 4],
    pub(crate) config: [AtomicU64; CONFIG_WORDS],
    _line_1: [AtomicU64; 16 - CONFIG_WORDS],
    /// The next koid that is in no thread's range yet.
    pub(crate) next_koid: AtomicU64,
    /// High-water mark: objects that were ever used are below this slot.
    pub(crate) objects_hwm: AtomicU64,
    /// High-water mark: thread rows that were ever used are below this tag.
    pub(crate) threads_hwm: AtomicU64,
    /// Nonzero after a consistency check has failed. Every call then gives an error.
    pub(crate) poisoned: AtomicU64,
    /// The process that runs the supervisor: see `recovery/leader_election`.
    pub(crate) leader: AtomicU64,
    /// How many dead processes have had the intents of their threads resolved.
    pub(crate) deaths: AtomicU64,
    /// How often processes have asked others for the memory that these keep: see `process/scavenger`.
    pub(crate) asked: AtomicU64,
    /// A random number that tells this arena from all others, so that a slot of another arena is not taken for one of its own.
    pub(crate) id: AtomicU64,
    /// High-water mark: blocks of a class that were used since the class was last trimmed are below this index.
    pub(crate) blocks_hwm: [AtomicU64; MAX_CLASSES],
    /// The generation that blocks of a class start with: see `memory/trim`.
    pub(crate) first_generation: [AtomicU64; MAX_CLASSES],
    /// What wakes cost, and who made the last ones.
    pub(crate) wakes: Wakes,
}

impl Header {
    /// Draws the number of a new arena.
    #[cfg(not(loom))]
    pub(crate) fn draw_id(&self) -> Result<(), rustix::io::Errno> {
        let mut id = [0; 8];
        rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
        // Relaxed: no other process has the arena yet.
        self.id.store(u64::from_ne_bytes(id), Relaxed);
        Ok(())
    }
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Header {}
