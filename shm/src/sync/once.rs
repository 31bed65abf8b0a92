//! A table of private values that are each made once and found by all threads of the process ever after.
//!
//! Outside loom's sight: the machine's atomics, in models too. A value is published by the Release that puts its
//! pointer there and found by an Acquire; nothing ever changes or frees it before the table goes.

use core::sync::atomic::{AtomicPtr, Ordering};

/// Pointers, all null at first. The memory of those that stay null is never touched.
#[derive(Debug)]
pub(crate) struct OnceTable<T> {
    cells: Box<[AtomicPtr<T>]>,
}

impl<T: Default> OnceTable<T> {
    pub(crate) fn new(len: usize) -> Self {
        let cells = Box::<[AtomicPtr<T>]>::new_zeroed_slice(len);
        // SAFETY: all-zero bytes are null pointers.
        Self { cells: unsafe { cells.assume_init() } }
    }

    /// The value at `index`, if it was made.
    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        // ORDER: Acquire pairs with the Release of `get_or_make`: the value is complete.
        let value = self.cells.get(index)?.load(Ordering::Acquire);
        // SAFETY: null, or leaked from a box in `get_or_make` and freed only in `clear`, which has the table alone.
        unsafe { value.as_ref() }
    }

    /// The same, made now if it was not. `None` when there is no such index.
    pub(crate) fn get_or_make(&self, index: usize) -> Option<&T> {
        let cell = self.cells.get(index)?;
        if self.get(index).is_none() {
            let made = Box::into_raw(Box::<T>::default());
            // ORDER: Release: see `get`, which looks again.
            let null = core::ptr::null_mut();
            if cell.compare_exchange(null, made, Ordering::Release, Ordering::Relaxed).is_err() {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
            }
        }
        self.get(index)
    }

    /// How many values have been made.
    #[cfg(test)]
    pub(crate) fn made(&self) -> usize {
        (0..self.cells.len()).filter(|index| self.get(*index).is_some()).count()
    }

    /// Frees the values below `used`: the table was not used beyond.
    pub(crate) fn clear(&mut self, used: usize) {
        for cell in self.cells.iter_mut().take(used) {
            let value = core::mem::replace(cell.get_mut(), core::ptr::null_mut());
            if !value.is_null() {
                // SAFETY: leaked from a box in `get_or_make`; `&mut self` says that nobody holds it.
                drop(unsafe { Box::from_raw(value) });
            }
        }
    }
}
