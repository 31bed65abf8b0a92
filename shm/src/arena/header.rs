//! The first page of an arena: what it is, how large it is, and the words that belong to no record.

use crate::arena::config::CONFIG_WORDS;
use crate::arena::region::Shared;
use crate::arena::size_class::MAX_CLASSES;
use crate::sync::AtomicU64;

pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"jacinth\x01");

/// Changes whenever a word's meaning does.
pub(crate) const VERSION: u64 = 7;

/// The first page of an arena: what it is, its numbers, and the few words that belong to all.
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
    /// The next koid not yet given to a thread's range.
    pub(crate) next_koid: AtomicU64,
    /// Objects that were ever used are below this slot.
    pub(crate) objects_hwm: AtomicU64,
    /// Thread rows that were ever used are below this tag.
    pub(crate) threads_hwm: AtomicU64,
    /// Nonzero once an audit failed: every call then gives an error.
    pub(crate) poisoned: AtomicU64,
    /// Which process runs the supervisor: see `leader`.
    pub(crate) leader: AtomicU64,
    /// Dead processes whose threads' intents have been settled.
    pub(crate) deaths: AtomicU64,
    /// How often processes have asked others for what those keep: see `scavenger`.
    pub(crate) asked: AtomicU64,
    _line_2: [AtomicU64; 1],
    /// Blocks of a class that were ever used, since the end of them was last given back, are below this index.
    pub(crate) blocks_hwm: [AtomicU64; MAX_CLASSES],
    /// The generation with which blocks of a class begin: see `trim`.
    pub(crate) first_generation: [AtomicU64; MAX_CLASSES],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Header {}
