//! The shared words that one end of a channel uses, found and checked once.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::object::Direction;
use crate::arena::word::reference::ObjectRef;
use crate::sync::AtomicU64;
use core::ptr::NonNull;

/// The shared words that one end of a channel uses in each operation: its direction, and the states of both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndWords {
    direction: NonNull<Direction>,
    own_state: NonNull<AtomicU64>,
    peer_state: NonNull<AtomicU64>,
}

// SAFETY: the pointers lead to `Sync` memory that outlives every endpoint (the process keeps the arena mapped).
unsafe impl Send for EndWords {}

impl EndWords {
    /// The words of the end of `side` that uses the direction which `writer` writes.
    pub(crate) fn new(arena: &Arena, side: ObjectRef, writer: ObjectRef) -> Result<Self> {
        Ok(Self {
            direction: NonNull::from(arena.direction(writer)?),
            own_state: NonNull::from(arena.state(side)?),
            peer_state: NonNull::from(arena.state(side.peer())?),
        })
    }

    /// The direction. `_arena` is the one that the words were found in.
    #[inline(always)]
    pub(crate) fn direction<'a>(&self, _arena: &'a Arena) -> &'a Direction {
        // SAFETY: a process has one arena. The words are records of it, and it is mapped for `'a`.
        unsafe { self.direction.as_ref() }
    }

    /// The state of the end's own side.
    #[inline(always)]
    pub(crate) fn own_state<'a>(&self, _arena: &'a Arena) -> &'a AtomicU64 {
        // SAFETY: as in `direction`.
        unsafe { self.own_state.as_ref() }
    }

    /// The state of the other side.
    #[inline(always)]
    pub(crate) fn peer_state<'a>(&self, _arena: &'a Arena) -> &'a AtomicU64 {
        // SAFETY: as in `direction`.
        unsafe { self.peer_state.as_ref() }
    }
}
