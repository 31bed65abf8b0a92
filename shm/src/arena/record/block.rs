//! The record of a block: its word, its link, the position of the message that uses it, and who is charged for it.

use crate::arena::region::Shared;
use crate::sync::AtomicU64;

/// What is known of a block, apart from its bytes.
#[derive(Debug, Default)]
#[repr(C, align(32))]
pub(crate) struct Descriptor {
    pub(crate) state: AtomicU64,
    /// Segments: the next segment. Payload blocks: the next of the direction's list.
    pub(crate) link: AtomicU64,
    /// Segments: the position of their first message. Payload blocks: one more than the position of the
    /// message that last used them.
    pub(crate) position: AtomicU64,
    /// The process that the block counts for, where processes have quotas: see `process/quota`.
    pub(crate) charge: AtomicU64,
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Descriptor {}
