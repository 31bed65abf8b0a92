//! A reference to a record of the arena that is kept without the arena's lifetime: the record is found, and its index
//! checked, once.

use crate::arena::Arena;
use core::ptr::NonNull;

/// A record of the arena of this process, or several that follow each other.
#[derive(Debug)]
pub(crate) struct ArenaRef<T: ?Sized>(NonNull<T>);

// A derived one would ask for `T: Clone`.
impl<T: ?Sized> Clone for ArenaRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for ArenaRef<T> {}

// SAFETY: it leads to `Sync` memory that outlives the private half which keeps it (the process keeps the arena mapped).
unsafe impl<T: Sync + ?Sized> Send for ArenaRef<T> {}

impl<T: ?Sized> ArenaRef<T> {
    /// Keeps `record`, which is a record of this process's arena.
    pub(crate) fn new(record: &T) -> Self {
        Self(NonNull::from(record))
    }

    /// The record. `_arena` is the one that it belongs to.
    #[inline(always)]
    pub(crate) fn get<'a>(&self, _arena: &'a Arena) -> &'a T {
        // SAFETY: a process has one arena. It is mapped for `'a`, and its records never move.
        unsafe { self.0.as_ref() }
    }
}
