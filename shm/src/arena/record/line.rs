//! The two smallest units of an arena: a cache line of words, and an entry of a handle table.

use crate::arena::region::Shared;
use crate::sync::{AtomicU64, RaceCell};

/// The bytes of a cache line, the unit of everything that several processes write.
pub(crate) const LINE_BYTES: usize = 64;

/// Words in a line.
pub(crate) const LINE_WORDS: usize = 8;

/// Sixty-four bytes of payload, message headers or handle records.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [AtomicU64; LINE_WORDS], pub(crate) RaceCell);

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Line {}

/// One entry of a handle table.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct EntryCell(pub(crate) AtomicU64);

// SAFETY: one atomic word; zero is its default.
unsafe impl Shared for EntryCell {}
