//! From a handle value to its entry: one load, and a second load where the object was read without a hazard.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue, Rights};
use crate::process::handle_table::HandleCodec;
use crate::process::thread::Thread;
use crate::sync::{Acquire, Relaxed, fence};

/// A live handle of this process, as it was at its lookup.
#[derive(Clone, Copy)]
pub struct ResolvedHandle {
    pub(crate) index: EntryIndex,
    pub(crate) entry: Entry,
}

impl ResolvedHandle {
    /// Names no handle: to fill an array.
    pub(crate) const NONE: Self = Self { index: EntryIndex(0), entry: Entry(0) };

    /// The rights that the handle carries.
    #[inline]
    pub fn rights(&self) -> Rights {
        self.entry.rights()
    }

    /// Whether two handles of this process refer to the same side of the same object.
    pub fn same_object(&self, other: &ResolvedHandle) -> bool {
        self.entry.object() == other.entry.object()
    }

    /// Fails unless the handle has every right of `needed`.
    #[inline]
    pub fn require(&self, needed: Rights) -> Result<()> {
        let missing = needed.difference(self.rights());
        if missing.is_empty() { Ok(()) } else { Err(Error::AccessDenied { missing }) }
    }
}

impl core::fmt::Debug for ResolvedHandle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "ResolvedHandle({}: {:?}, rights {:#x})", self.index, self.entry.object(), self.rights())
    }
}

/// How a caller names a handle: by its value, or as it was found before.
#[derive(Clone, Copy, Debug)]
pub enum HandleName {
    /// The handle's value.
    Value(HandleValue),
    /// The handle, as a lookup found it.
    Found(ResolvedHandle),
}

impl From<HandleValue> for HandleName {
    #[inline(always)]
    fn from(value: HandleValue) -> Self {
        Self::Value(value)
    }
}

impl From<ResolvedHandle> for HandleName {
    #[inline(always)]
    fn from(found: ResolvedHandle) -> Self {
        Self::Found(found)
    }
}

impl HandleName {
    /// The handle, if it is a live one of this process.
    pub(crate) fn resolve(self, thread: &Thread) -> Result<ResolvedHandle> {
        match self {
            Self::Value(value) => lookup(thread, value),
            Self::Found(found) => Ok(found),
        }
    }

    /// The index of the handle's entry, and the low bits of its generation.
    #[inline(always)]
    pub(crate) fn place(self, thread: &Thread) -> (EntryIndex, u32) {
        match self {
            Self::Value(value) => thread.process.codec.decode(value),
            Self::Found(found) => (found.index, 0),
        }
    }

    /// Whether the handle's entry is `entry`, which is a live one at the handle's index. `generation` is from
    /// [`place`](Self::place).
    #[inline(always)]
    pub(crate) fn is_of(self, generation: u32, entry: Entry) -> bool {
        match self {
            Self::Value(_) => HandleCodec::matches_generation(generation, entry),
            Self::Found(found) => found.entry.0 == entry.0,
        }
    }
}

#[inline]
pub(crate) fn lookup(thread: &Thread, value: HandleValue) -> Result<ResolvedHandle> {
    let (index, generation) = thread.process.codec.decode(value);
    let word = thread.arena().entry(thread.table_row, index).ok_or(Error::BadHandle)?;
    // ORDER: Acquire pairs with the Release that made the entry LIVE: the object is complete.
    let entry = Entry(word.load(Acquire));
    if entry.is_named() && HandleCodec::matches_generation(generation, entry) && index != EntryIndex(0) {
        Ok(ResolvedHandle { index, entry })
    } else {
        Err(Error::BadHandle)
    }
}

/// Whether the entry still holds the handle that was found.
#[inline]
pub(crate) fn is_current(thread: &Thread, found: ResolvedHandle) -> bool {
    let word = thread.arena().entry(thread.table_row, found.index);
    // Relaxed: an equal word is the same handle, and the Acquire of `lookup` received the writes that it publishes.
    word.is_some_and(|word| word.load(Relaxed) == found.entry.0)
}

/// Whether the entry still holds the handle that was found. If so, all values that the caller read of its object
/// without a hazard belong to that object, and not to the slot's next user.
pub(crate) fn validate(thread: &Thread, found: ResolvedHandle) -> bool {
    // ORDER: Acquire keeps the caller's reads before the load of the entry. The slot's next user stores with Release,
    // after the entry has changed. So if a read saw such a store, the load below sees the changed entry.
    fence(Acquire);
    is_current(thread, found)
}
