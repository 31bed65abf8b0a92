//! The block of a listener: its name, and the places of its queue.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::record::directory::ListenerBody;
use crate::arena::record::line::LINE_WORDS;
use crate::arena::size_class::SizeClass;
use crate::arena::word::reference::Slot;
use core::mem::size_of;

/// The words of the name: its length, and its bytes. Whole lines: the places follow.
pub(crate) const NAME_WORDS: usize = if cfg!(loom) { LINE_WORDS } else { 4 * LINE_WORDS };

/// The longest name, in bytes.
pub const MAX_LISTENER_NAME_BYTES: usize = (NAME_WORDS - 1) * size_of::<u64>();

/// How many handles may be queued at a listener.
pub const LISTENER_BACKLOG: usize = if cfg!(loom) { 2 } else { 240 };

/// The size of a listener's block.
pub(crate) fn class() -> SizeClass {
    SizeClass::fitting((NAME_WORDS + LISTENER_BACKLOG * PLACE_WORDS).div_ceil(LINE_WORDS))
}

/// The words of a place: its record, and its ticket.
pub(crate) const PLACE_WORDS: usize = 2;

/// The body of a listener.
pub(crate) fn body(arena: &Arena, listener: Slot) -> Result<ListenerBody<'_>> {
    arena.body(listener).map(ListenerBody::of)
}
