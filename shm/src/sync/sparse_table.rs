//! A table of private values that are made when they are needed. All threads of the process find them without a lock.
//! Their memory is freed again, page by page.
//!
//! Values have fixed places, in slabs that are mapped when they are first needed. The memory of a slab goes back to the
//! system in pages, as soon as a page has no value; its addresses stay mapped. (An allocator gets values back one by
//! one, and frees its memory only when no allocation is left above it.)
//!
//! ```text
//!  VACANT ──make──▶ MADE ──take──▶ RETIRED ──a grace period, free──▶ VACANT
//!                    ▲                │
//!                    └──── make ──────┘  needed again before it was freed
//! ```
//!
//! INV-SPARSE-1: a value is dropped only in the state RETIRED, with the count with which it was taken, and a grace
//! period later: by then every thread that is inside found the place VACANT or RETIRED, or found a later value. Each
//! `take` counts, so a value that was made again and taken again is freed by the later of the two.
//! INV-SPARSE-2: states change, and pages are given back, under the table's lock.
//!
//! Outside loom: it uses the machine's atomics, in models too. The Release that makes a place's state MADE publishes
//! its value, and an Acquire finds it.

use super::Inside;
use core::mem::{align_of, size_of};
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many places a slab has. With so many, a slab's bytes are a multiple of every page size, or nearly.
const PLACES: usize = 256;

/// The states of a place, in the low bits of its word. The bits above count the takes.
const STATE: u32 = 3;
const VACANT: u32 = 0;
const MADE: u32 = 1;
const RETIRED: u32 = 2;
/// One take.
const TAKEN: u32 = STATE + 1;

/// Places for `len` values.
#[derive(Debug)]
pub struct SparseTable<T> {
    /// The address of each slab; null until a value in it is needed.
    slabs: Box<[AtomicPtr<T>]>,
    /// All zero at first, that is VACANT. The memory of states that stay zero is never touched.
    states: Box<[AtomicU32]>,
    /// Held while a state, a slab or a page changes.
    changing: Mutex<()>,
}

// SAFETY: the table owns its values. Threads get shared references to them, and any thread may drop them.
unsafe impl<T: Send + Sync> Sync for SparseTable<T> {}
// SAFETY: as for `Sync`.
unsafe impl<T: Send + Sync> Send for SparseTable<T> {}

/// A value that was taken out, to be freed after a grace period.
#[derive(Debug)]
#[must_use = "its place stays taken"]
pub struct Retired {
    index: usize,
    /// The word of its place.
    word: u32,
}

impl<T: Default> SparseTable<T> {
    const SLAB_BYTES: usize = PLACES * size_of::<T>();

    /// A table of `len` places, all vacant.
    pub fn new(len: usize) -> Self {
        const { assert!(align_of::<T>() <= 4096 && size_of::<T>() > 0, "slabs are aligned like pages") };
        let slabs = (0..len.div_ceil(PLACES)).map(|_| AtomicPtr::default()).collect();
        let states = Box::<[AtomicU32]>::new_zeroed_slice(len);
        // SAFETY: all-zero bytes are atomic zeros.
        Self { slabs, states: unsafe { states.assume_init() }, changing: Mutex::new(()) }
    }

    /// The address of a place's value, if its slab is mapped.
    #[inline(always)]
    fn value(&self, index: usize) -> Option<NonNull<T>> {
        // ORDER: Acquire pairs with the Release of `map_slab`: the slab is mapped.
        let slab = NonNull::new(self.slabs.get(index / PLACES)?.load(Ordering::Acquire))?;
        // SAFETY: a slab has `PLACES` places, and stays mapped as long as the table.
        Some(unsafe { slab.add(index % PLACES) })
    }

    /// The value at `index`, if there is one.
    #[inline(always)]
    pub fn get<'a>(&'a self, index: usize, _inside: &'a Inside<'_>) -> Option<&'a T> {
        // ORDER: Acquire pairs with the Release of `get_or_make`: the value is complete.
        let is_made = self.states.get(index)?.load(Ordering::Acquire) & STATE == MADE;
        let value = self.value(index)?;
        // SAFETY: a caller that is inside saw MADE. So the value is complete and is not dropped while the caller is
        // inside (INV-SPARSE-1). All references to it are shared ones.
        if is_made { Some(unsafe { value.as_ref() }) } else { None }
    }

    /// Whether there is a value at `index`; the answer may be a moment old. A caller that comes after the value was
    /// made, and before it is taken, always gets `true`.
    #[inline(always)]
    pub fn may_have(&self, index: usize) -> bool {
        // Relaxed: the caller reads no value because of it.
        self.states.get(index).is_some_and(|state| state.load(Ordering::Relaxed) & STATE == MADE)
    }

    /// As [`get`](Self::get), but makes the value if there is none. `None` if there is no such index.
    pub fn get_or_make<'a>(&'a self, index: usize, inside: &'a Inside<'_>) -> Option<&'a T> {
        if let Some(value) = self.get(index, inside) {
            return Some(value);
        }
        let state = self.states.get(index)?;
        let _changing = self.change();
        self.map_slab(index / PLACES);
        let value = self.value(index)?;
        // Relaxed: states change under the lock.
        let word = state.load(Ordering::Relaxed);
        if word & STATE == VACANT {
            // SAFETY: the place is vacant, and only the holder of the lock makes values.
            unsafe { value.write(T::default()) };
        }
        // ORDER: Release: see `get`.
        state.store(word & !STATE | MADE, Ordering::Release);
        // SAFETY: as in `get`.
        Some(unsafe { value.as_ref() })
    }

    /// Takes out the values at these indices. From now on [`get`](Self::get) does not find them. [`free`](Self::free)
    /// drops them, unless [`get_or_make`](Self::get_or_make) brings them back first.
    pub fn take(&self, indices: impl IntoIterator<Item = usize>) -> Vec<Retired> {
        let _changing = self.change();
        let take = |index: usize| {
            let state = self.states.get(index)?;
            // Relaxed, both: states change under the lock, and a barrier comes between the store and the grace period's
            // list of threads inside.
            let word = state.load(Ordering::Relaxed);
            let retired = (word & !STATE).wrapping_add(TAKEN) | RETIRED;
            (word & STATE == MADE).then(|| {
                state.store(retired, Ordering::Relaxed);
                Retired { index, word: retired }
            })
        };
        indices.into_iter().filter_map(take).collect()
    }

    /// Drops these values, and gives back the pages that have no value left.
    ///
    /// # Safety
    /// A grace period has passed since each value was taken, of the [`Grace`](super::Grace) by which all users of this
    /// table are inside.
    pub unsafe fn free(&self, mut values: Vec<Retired>) {
        values.sort_unstable_by_key(|value| value.index);
        let is_next =
            |one: &Retired, next: &Retired| one.index + 1 == next.index && !next.index.is_multiple_of(PLACES);
        for neighbours in values.chunk_by(is_next) {
            // Lock for each run of neighbours, so that other threads do not wait for long.
            let _changing = self.change();
            let mut freed = neighbours.first().map_or(0..0, |first| first.index..first.index);
            for Retired { index, word } in neighbours {
                // Relaxed, both: states change under the lock.
                if self.states[*index].load(Ordering::Relaxed) != *word {
                    // The value was made again, and perhaps taken again: a later `free` drops it.
                    self.decommit(freed);
                    freed = index + 1..index + 1;
                    continue;
                }
                self.states[*index].store(word & !STATE | VACANT, Ordering::Relaxed);
                if let Some(value) = self.value(*index) {
                    // SAFETY: the value was made. No thread has found it since it was taken, and by the caller's
                    // promise all threads that had found it before have left.
                    unsafe { value.drop_in_place() };
                }
                freed.end = index + 1;
            }
            self.decommit(freed);
        }
    }

    /// Gives back each page that lies wholly on these vacant places of one slab, or on them and adjacent vacant places.
    fn decommit(&self, vacant: Range<usize>) {
        if vacant.is_empty() {
            return;
        }
        let page_bytes = rustix::param::page_size();
        let beside = page_bytes.div_ceil(size_of::<T>());
        let slab = vacant.start / PLACES * PLACES;
        // Relaxed: states change under the lock.
        let is_vacant = |index: &usize| self.states[*index].load(Ordering::Relaxed) & STATE == VACANT;
        let before = (slab..vacant.start).rev().take(beside).take_while(is_vacant).count();
        let past_slab = (slab + PLACES).min(self.states.len());
        let behind = (vacant.end..past_slab).take(beside).take_while(is_vacant).count();
        let Some(first) = self.value(vacant.start - before) else { return };
        let mut past = first.addr().get() + (before + vacant.len() + behind) * size_of::<T>();
        if vacant.end + behind == past_slab {
            // The rest of the slab's last page, after the last place, is unused.
            past = past.next_multiple_of(page_bytes);
        }
        let first_page = first.addr().get().next_multiple_of(page_bytes);
        if let Some(len_bytes) = (past & !(page_bytes - 1)).checked_sub(first_page).filter(|bytes| *bytes > 0)
        {
            let start = first.as_ptr().with_addr(first_page).cast();
            // SAFETY: whole pages of a slab that hold no value, so their contents may be lost. If the process has
            // locked its memory, the kernel refuses, and the pages stay.
            let _ = unsafe { madvise(start, len_bytes, Advice::LinuxDontNeed) };
        }
    }

    /// Maps a slab that is not mapped yet. The caller holds the lock.
    fn map_slab(&self, slab: usize) {
        let cell = &self.slabs[slab];
        if !cell.load(Ordering::Relaxed).is_null() {
            return;
        }
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses the address of the new mapping, so no existing memory is touched.
        let mapped = unsafe {
            mmap_anonymous(
                core::ptr::null_mut(),
                Self::SLAB_BYTES,
                protection,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        };
        let Ok(mapped) = mapped else {
            // As for a box that cannot be allocated.
            std::alloc::handle_alloc_error(std::alloc::Layout::new::<[T; PLACES]>())
        };
        // The kernel would not give back a part of a large page until it is short of memory. Some kernels have no large
        // pages.
        // SAFETY: the memory is ours, and its contents stay.
        let _ = unsafe { madvise(mapped, Self::SLAB_BYTES, Advice::LinuxNoHugepage) };
        // ORDER: Release pairs with the Acquire of `value`.
        cell.store(mapped.cast(), Ordering::Release);
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        // Each change is complete when the lock is released, even by a panic: the only foreign code that runs is `T`'s
        // own.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many values there are.
    #[cfg(test)]
    pub(crate) fn made(&self) -> usize {
        self.states.iter().filter(|state| state.load(Ordering::Relaxed) & STATE == MADE).count()
    }
}

impl<T> Drop for SparseTable<T> {
    fn drop(&mut self) {
        // A failed model has no execution left in which its values could be dropped.
        #[cfg(loom)]
        if std::thread::panicking() {
            return;
        }
        for (slab, states) in self.slabs.iter_mut().zip(self.states.chunks_mut(PLACES)) {
            let Some(slab) = NonNull::new(*slab.get_mut()) else { continue };
            for (place, state) in states.iter_mut().enumerate() {
                if *state.get_mut() & STATE != VACANT {
                    // SAFETY: the value was made, and no other thread has the table any more.
                    unsafe { slab.add(place).drop_in_place() };
                }
            }
            // SAFETY: mapped by `map_slab` with this size, and no value is left there.
            let _ = unsafe { munmap(slab.as_ptr().cast(), PLACES * size_of::<T>()) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::Grace;
    use super::*;
    use std::sync::Arc;

    /// A value of some 700 bytes, with an allocation that leaks if the value is not dropped.
    #[derive(Default)]
    struct Value(Arc<()>, #[expect(dead_code, reason = "it takes up room")] [[u64; 29]; 3]);

    struct Places {
        table: SparseTable<Value>,
        grace: Grace<Retired>,
    }

    impl Places {
        fn with(values: usize) -> Self {
            assert!(super::super::register_barriers(), "this kernel has membarrier(2)");
            let places = Self { table: SparseTable::new(3000), grace: Grace::default() };
            (0..values).for_each(|index| places.make(index));
            places
        }

        fn make(&self, index: usize) {
            assert!(self.table.get_or_make(index, &self.grace.visit()).is_some());
        }

        fn free(&self, indices: impl Iterator<Item = usize>) {
            let indices: Vec<_> = indices.collect();
            let taken = self.table.take(indices.iter().copied());
            assert_eq!(taken.len(), indices.len());
            // SAFETY: no thread uses any value.
            unsafe { self.table.free(taken) };
        }

        /// How many pages of the first slab are in memory.
        fn pages(&self) -> usize {
            let (page_bytes, first) = (rustix::param::page_size(), self.table.value(0).unwrap());
            let mut real = vec![0; (PLACES * size_of::<Value>()).div_ceil(page_bytes)];
            let (start, len_bytes) = (first.as_ptr().cast(), PLACES * size_of::<Value>());
            // SAFETY: whole pages of a mapped slab, and a byte for each.
            assert_eq!(unsafe { libc::mincore(start, len_bytes, real.as_mut_ptr()) }, 0);
            real.iter().filter(|page| **page & 1 != 0).count()
        }
    }

    #[test]
    fn freed_values_leave_no_pages() {
        let places = Places::with(2000);
        assert!(places.pages() > 1);
        for third in 0..3 {
            places.free((third..2000).step_by(3));
        }
        assert_eq!(places.pages(), 0);
        assert_eq!(places.table.made(), 0);
        places.make(7);
        assert!((1..=2).contains(&places.pages()), "{} pages", places.pages());
        assert_eq!(places.table.made(), 1);
    }

    #[test]
    fn a_value_keeps_its_page() {
        let places = Places::with(1000);
        let kept = {
            let inside = places.grace.visit();
            places.table.get(100, &inside).unwrap().0.clone()
        };
        places.free((0..1000).filter(|index| *index != 100));
        assert!((1..=2).contains(&places.pages()), "{} pages", places.pages());
        assert_eq!(Arc::strong_count(&kept), 2, "it is not dropped");
        drop(places);
        assert_eq!(Arc::strong_count(&kept), 1, "it is dropped with its table");
    }

    #[test]
    fn a_value_made_again_is_not_freed() {
        let places = Places::with(1);
        let first = places.table.take([0]);
        assert_eq!(first.len(), 1);
        assert!(places.table.get(0, &places.grace.visit()).is_none());
        assert!(places.table.take([0]).is_empty());
        places.make(0);
        let second = places.table.take([0]);
        // SAFETY: no thread uses it.
        unsafe { places.table.free(first) };
        places.make(0);
        assert!(places.table.get(0, &places.grace.visit()).is_some(), "the first was made again");
        // SAFETY: as above.
        unsafe { places.table.free(second) };
        assert_eq!(places.table.made(), 1);
    }

    #[test]
    fn a_place_beyond_the_table_is_none() {
        let places = Places::with(0);
        assert!(places.table.get_or_make(3000, &places.grace.visit()).is_none());
        assert!(places.table.take([0, 9999]).is_empty());
    }
}
