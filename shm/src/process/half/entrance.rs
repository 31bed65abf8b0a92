//! How threads enter an end of an object that one process holds alone: by a handle that was admitted once, with the words
//! that they find once.

use crate::arena::Arena;
use crate::arena::arena_ref::ArenaRef;
use crate::arena::error::Result;
use crate::arena::record::object::Direction;
use crate::arena::word::handle::Entry;
use crate::arena::word::reference::ObjectRef;
use crate::sync::{AtomicU64, Relaxed};

/// The shared words that an end uses in each operation: its direction, and the states of both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndWords {
    pub(crate) direction: ArenaRef<Direction>,
    pub(crate) own_state: ArenaRef<AtomicU64>,
    pub(crate) peer_state: ArenaRef<AtomicU64>,
}

impl EndWords {
    /// The words of the end of `side` that uses the direction which `writer` writes.
    pub(crate) fn new(arena: &Arena, side: ObjectRef, writer: ObjectRef) -> Result<Self> {
        Ok(Self {
            direction: ArenaRef::new(arena.direction(writer)?),
            own_state: ArenaRef::new(arena.state(side)?),
            peer_state: ArenaRef::new(arena.state(side.peer())?),
        })
    }
}

/// The handle by which threads use an end. It was found bound to the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admitted {
    /// The LIVE entry of the handle, and where it lies.
    pub(crate) entry: Entry,
    pub(crate) cell: ArenaRef<AtomicU64>,
}

impl Admitted {
    /// Whether the entry is still that of the handle. For a caller that holds the end's lock.
    #[inline(always)]
    pub(crate) fn is_current(&self, arena: &Arena) -> bool {
        // Relaxed: as in `lookup::is_current`.
        self.cell.get(arena).load(Relaxed) == self.entry.0
    }
}

/// By which threads enter an end: found once, and kept while the half is bound to the end.
#[derive(Debug, Default)]
pub(crate) struct Entrance {
    /// The handle that was last used, while it is this end's.
    pub(crate) admitted: Option<Admitted>,
    /// The shared words that the end uses, once a thread has entered it.
    pub(crate) words: Option<EndWords>,
}

impl Entrance {
    /// Whether a thread has entered the end. The other state of an end is as it was before, if none has.
    pub(crate) fn was_entered(&self) -> bool {
        self.words.is_some()
    }

    /// The words of an end that a thread has entered.
    #[inline(always)]
    pub(crate) fn words(&self) -> &EndWords {
        self.words.as_ref().expect("`End` has found them")
    }
}
