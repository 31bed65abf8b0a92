//! The record of a block: its word, its link, the position of the message that uses it, and the process charged for it.

use crate::arena::region::Shared;
use crate::sync::AtomicU64;

/// The metadata of a block.
#[derive(Debug, Default)]
#[repr(C, align(32))]
pub(crate) struct Descriptor {
    pub(crate) state: AtomicU64,
    /// Segments: the next segment. Payload blocks: the next block of the direction's list.
    pub(crate) link: AtomicU64,
    /// Segments: the position of their first message. Payload blocks: one more than the position of the
    /// message that last used them.
    pub(crate) position: AtomicU64,
    /// The process that the block is charged to, if processes have quotas: see `process/quota`.
    pub(crate) charge: AtomicU64,
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Descriptor {}
