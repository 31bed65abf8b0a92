//! A table of private values that are made when they are needed, found by all threads of the process without a lock, and
//! freed again, page by page.
//!
//! Values have fixed places, in slabs that are mapped when they are first needed. The memory of a slab goes back to the
//! system in pages, as soon as no value is on them; its addresses stay. (An allocator gets values back one by one, and
//! gives their memory back only when nothing is left above it.)
//!
//! ```text
//!  slab   │ state of each place, a page of them │ value │ value │ value │ …
//!
//!  VACANT ──make──▶ MADE ──take──▶ RETIRED ──a grace period, free──▶ VACANT
//!                    ▲                │
//!                    └──── make ──────┘  wanted again before anybody freed it
//! ```
//!
//! INV-SPARSE-1: a value is dropped only in the state RETIRED, with the count that it was taken with, and a grace period
//! later: who is inside then has found it VACANT, RETIRED or as a later one. Each `take` counts, so a value that was
//! wanted again and taken again is freed by the later of the two.
//! INV-SPARSE-2: a page is given back, and a state other than MADE is left, under the table's lock.
//!
//! Outside loom's sight: the machine's atomics, in models too. A value is published by the Release that makes its state
//! MADE and found by an Acquire.

use super::Inside;
use core::mem::{align_of, size_of};
use core::ops::Range;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many places a slab has: their states fill a page.
const PLACES: usize = STATES_BYTES / size_of::<AtomicU32>();
/// What the states of a slab take.
const STATES_BYTES: usize = 4096;

/// The states of a place: in the low bits of its word, under a count of takes.
const STATE: u32 = 3;
const VACANT: u32 = 0;
const MADE: u32 = 1;
const RETIRED: u32 = 2;
/// One take.
const TAKEN: u32 = STATE + 1;

/// Places for `len` values.
#[derive(Debug)]
pub struct SparseTable<T> {
    /// Null until a place of the slab is needed.
    slabs: Box<[AtomicPtr<AtomicU32>]>,
    len: usize,
    /// Held while anything changes.
    changing: Mutex<()>,
    values: core::marker::PhantomData<T>,
}

// SAFETY: it owns its values, of which threads get shared references, and each is dropped by some thread.
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
    const SLAB_BYTES: usize = STATES_BYTES + PLACES * size_of::<T>();

    /// A table of `len` places, all vacant.
    pub fn new(len: usize) -> Self {
        const { assert!(align_of::<T>() <= STATES_BYTES, "values begin behind the states") };
        let slabs = (0..len.div_ceil(PLACES)).map(|_| AtomicPtr::default()).collect();
        Self { slabs, len, changing: Mutex::new(()), values: core::marker::PhantomData }
    }

    /// The state of a place and where its value is, if its slab is mapped.
    #[inline(always)]
    fn place(&self, index: usize) -> Option<(&AtomicU32, NonNull<T>)> {
        // ORDER: Acquire pairs with the Release of `map_slab`: the slab is mapped. Places beyond the last are vacant.
        let slab = NonNull::new(self.slabs.get(index / PLACES)?.load(Ordering::Acquire))?;
        let place = index % PLACES;
        // SAFETY: a slab stays mapped as long as the table. It begins with the states, of which there are `PLACES`, and
        // behind them are as many places for values, aligned since both parts of a slab are multiples of the alignment.
        unsafe { Some((slab.add(place).as_ref(), slab.byte_add(STATES_BYTES).cast::<T>().add(place))) }
    }

    /// The value at `index`, if there is one.
    #[inline(always)]
    pub fn get<'a>(&'a self, index: usize, _inside: &'a Inside<'_>) -> Option<&'a T> {
        let (state, value) = self.place(index)?;
        // ORDER: Acquire pairs with the Release of `get_or_make`: the value is complete.
        let is_made = state.load(Ordering::Acquire) & STATE == MADE;
        // SAFETY: MADE was seen by a caller that is inside. So the value is complete, and is not dropped while the caller is
        // there (INV-SPARSE-1); and nobody has a reference to it that is not shared.
        if is_made { Some(unsafe { value.as_ref() }) } else { None }
    }

    /// The same, made now if there is none. `None` when there is no such index.
    pub fn get_or_make<'a>(&'a self, index: usize, inside: &'a Inside<'_>) -> Option<&'a T> {
        if let Some(value) = self.get(index, inside) {
            return Some(value);
        }
        if index >= self.len {
            return None;
        }
        let _changing = self.change();
        self.map_slab(index / PLACES);
        let (state, value) = self.place(index)?;
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

    /// Takes the value at `index` out, if there is one: whoever looks from now on finds none. It is freed by
    /// [`free`](Self::free), or found again by whoever wants to make one before that.
    pub fn take(&self, index: usize) -> Option<Retired> {
        let _changing = self.change();
        let (state, _) = self.place(index)?;
        // Relaxed, both: states change under the lock, and a barrier comes before anything is concluded from this store.
        let word = state.load(Ordering::Relaxed);
        let retired = (word & !STATE).wrapping_add(TAKEN) | RETIRED;
        (word & STATE == MADE).then(|| {
            state.store(retired, Ordering::Relaxed);
            Retired { index, word: retired }
        })
    }

    /// Drops these values, and gives pages back on which no others are.
    ///
    /// # Safety
    /// A grace period has passed since each was taken, of the [`Grace`](super::Grace) by which all users of this table are
    /// inside.
    pub unsafe fn free(&self, mut values: Vec<Retired>) {
        let _changing = self.change();
        values.sort_unstable_by_key(|value| value.index);
        let mut run: Range<usize> = 0..0;
        for Retired { index, word } in values {
            let Some((state, value)) = self.place(index) else { continue };
            // Relaxed, both: states change under the lock.
            if state.load(Ordering::Relaxed) != word {
                continue;
            }
            state.store(word & !STATE | VACANT, Ordering::Relaxed);
            // SAFETY: it was made, nobody has come to it since it was taken, and by the caller's promise all who had come
            // before have left.
            unsafe { value.drop_in_place() };
            if index != run.end || index.is_multiple_of(PLACES) {
                self.give_back(run);
                run = index..index;
            }
            run.end = index + 1;
        }
        self.give_back(run);
    }

    /// Gives back the pages that lie wholly on these places of one slab, which are vacant, and vacant ones beside them.
    fn give_back(&self, vacant: Range<usize>) {
        if vacant.is_empty() {
            return;
        }
        let page_bytes = rustix::param::page_size();
        let beside = page_bytes.div_ceil(size_of::<T>().max(1));
        let slab = vacant.start / PLACES * PLACES;
        let is_vacant = |index: &usize| {
            // Relaxed: states change under the lock.
            self.place(*index).is_some_and(|(state, _)| state.load(Ordering::Relaxed) & STATE == VACANT)
        };
        let before = (slab..vacant.start).rev().take(beside).take_while(is_vacant).count();
        let behind = (vacant.end..(slab + PLACES).min(self.len)).take(beside).take_while(is_vacant).count();
        let Some((_, first)) = self.place(vacant.start - before) else { return };
        let past = first.addr().get() + (before + vacant.len() + behind) * size_of::<T>();
        let first_page = first.addr().get().next_multiple_of(page_bytes);
        if let Some(len_bytes) = (past & !(page_bytes - 1)).checked_sub(first_page).filter(|bytes| *bytes > 0)
        {
            let start = first.as_ptr().with_addr(first_page).cast();
            // SAFETY: whole pages of a slab, on which there are no values: nobody minds that they become zero. Where the
            // process has locked its memory the kernel refuses, and the pages stay.
            let _ = unsafe { madvise(start, len_bytes, Advice::LinuxDontNeed) };
        }
    }

    /// Maps a slab that is not mapped yet. For the holder of the lock.
    fn map_slab(&self, slab: usize) {
        let cell = &self.slabs[slab];
        if !cell.load(Ordering::Relaxed).is_null() {
            return;
        }
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: fresh memory, of nobody.
        let mapped = unsafe {
            mmap_anonymous(
                core::ptr::null_mut(),
                Self::SLAB_BYTES,
                protection,
                MapFlags::PRIVATE | MapFlags::NORESERVE,
            )
        };
        let Ok(mapped) = mapped else {
            // As when a box cannot be had.
            let layout = std::alloc::Layout::from_size_align(Self::SLAB_BYTES, STATES_BYTES);
            std::alloc::handle_alloc_error(layout.expect("a slab is not so large"))
        };
        // ORDER: Release pairs with the Acquire of `place`. All states are zero: VACANT.
        cell.store(mapped.cast(), Ordering::Release);
    }

    fn change(&self) -> MutexGuard<'_, ()> {
        // Each change is whole when the lock is given back, also by a panic: no code of others runs but `T`'s own.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many values there are.
    #[cfg(test)]
    pub(crate) fn made(&self) -> usize {
        let states = (0..self.len).filter_map(|index| Some(self.place(index)?.0.load(Ordering::Relaxed)));
        states.filter(|word| word & STATE == MADE).count()
    }
}

impl<T> Drop for SparseTable<T> {
    fn drop(&mut self) {
        // A model that has failed has no execution left in which its values could be dropped.
        #[cfg(loom)]
        if std::thread::panicking() {
            return;
        }
        for slab in &mut self.slabs {
            let Some(slab) = NonNull::new(*slab.get_mut()) else { continue };
            for place in 0..PLACES {
                // SAFETY: as in `place`; nobody else has the table any more, so a value that was made can be dropped.
                unsafe {
                    if slab.add(place).as_ref().load(Ordering::Relaxed) & STATE != VACANT {
                        slab.byte_add(STATES_BYTES).cast::<T>().add(place).drop_in_place();
                    }
                }
            }
            // SAFETY: mapped by `map_slab` with this size, and no value is left there.
            let _ = unsafe { munmap(slab.as_ptr().cast(), STATES_BYTES + PLACES * size_of::<T>()) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::Grace;
    use super::*;
    use std::sync::Arc;

    /// Some 700 bytes, and an allocation that is missed if it is not dropped.
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
            let taken = indices.map(|index| self.table.take(index).unwrap()).collect();
            // SAFETY: nobody uses any value.
            unsafe { self.table.free(taken) };
        }

        /// How many pages of the first slab's values are real.
        fn pages(&self) -> usize {
            let (page_bytes, (_, first)) = (rustix::param::page_size(), self.table.place(0).unwrap());
            let start = first.addr().get().next_multiple_of(page_bytes);
            let mut real = vec![0; (PLACES * size_of::<Value>() - page_bytes) / page_bytes];
            let (start, len_bytes) = (first.as_ptr().with_addr(start).cast(), real.len() * page_bytes);
            // SAFETY: whole pages of a mapped slab, and a byte for each.
            assert_eq!(unsafe { libc::mincore(start, len_bytes, real.as_mut_ptr()) }, 0);
            real.iter().filter(|page| **page & 1 != 0).count()
        }
    }

    #[test]
    fn freed_values_leave_no_pages() {
        let places = Places::with(2000);
        assert!(places.pages() > 100);
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
            places.table.get(500, &inside).unwrap().0.clone()
        };
        places.free((0..1000).filter(|index| *index != 500));
        assert!((1..=2).contains(&places.pages()), "{} pages", places.pages());
        assert_eq!(Arc::strong_count(&kept), 2, "it is not dropped");
        drop(places);
        assert_eq!(Arc::strong_count(&kept), 1, "it is dropped with its table");
    }

    #[test]
    fn a_value_that_is_wanted_again_is_not_freed() {
        let places = Places::with(1);
        let first = places.table.take(0).unwrap();
        assert!(places.table.get(0, &places.grace.visit()).is_none());
        assert!(places.table.take(0).is_none());
        places.make(0);
        let second = places.table.take(0).unwrap();
        // SAFETY: nobody uses it.
        unsafe { places.table.free(vec![first]) };
        places.make(0);
        assert!(places.table.get(0, &places.grace.visit()).is_some(), "the first was wanted again");
        // SAFETY: as above.
        unsafe { places.table.free(vec![second]) };
        assert_eq!(places.table.made(), 1);
    }

    #[test]
    fn a_place_beyond_the_table_is_none() {
        let places = Places::with(0);
        assert!(places.table.get_or_make(3000, &places.grace.visit()).is_none());
        assert!(places.table.take(0).is_none() && places.table.take(9999).is_none());
    }
}
