//! The models' atomic words and race cells, made for an arena in advance.
//!
//! To loom, making an atomic is a write of memory: a thread that uses one must come after the thread that made it. So all words of
//! an arena would have to be made with the arena. It has thousands, of which an execution uses some hundred, and making them took
//! nearly all of a model's time. Therefore a word here is only the promise of one. At its first use it gets one of the words
//! that were made with the arena: a few more than any execution of the model has used.

use ::loom::cell::UnsafeCell;
use ::loom::sync::atomic::{AtomicBool, AtomicU64};
use core::cell::Cell;
use core::ptr;

/// loom's word, and the turn that each access of it takes first.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) turn: AtomicBool,
    pub(super) word: AtomicU64,
}

/// A value of the pool, from its first use on.
#[derive(Debug)]
pub(super) struct Promised<T>(Cell<*const T>);

impl<T: Pooled> Default for Promised<T> {
    fn default() -> Self {
        // A model without an arena has few words, each of which is made at once.
        let made = if POOL.get().is_null() { Box::leak(Box::<T>::default()) } else { ptr::null() };
        Self(Cell::new(made))
    }
}

// SAFETY: all threads of a model run on one thread of the system, one at a time.
unsafe impl<T> Sync for Promised<T> {}

// SAFETY: as above.
unsafe impl<T> Send for Promised<T> {}

impl<T: Pooled> Promised<T> {
    pub(super) fn get(&self) -> &T {
        if self.0.get().is_null() {
            self.0.set(take());
        }
        // SAFETY: a value of the pool, which lives as long as the arena. The private words of a process live no longer.
        unsafe { &*self.0.get() }
    }
}

fn take<T: Pooled>() -> *const T {
    let pool = POOL.get();
    assert!(!pool.is_null(), "a word of an arena is used after its end");
    // SAFETY: the pool takes itself out when it is dropped.
    let supply = T::supply(unsafe { &*pool });
    let next = supply.used.replace(supply.used.get() + 1);
    let most = supply.values.len();
    supply
        .values
        .get(next)
        .unwrap_or_else(|| panic!("this execution uses more than {most} words: raise `spare`"))
}

/// What a pool has.
pub(super) trait Pooled: Default + 'static {
    fn supply(pool: &WordPool) -> &Supply<Self>;
}

impl Pooled for Word {
    fn supply(pool: &WordPool) -> &Supply<Self> {
        &pool.words
    }
}

impl Pooled for UnsafeCell<()> {
    fn supply(pool: &WordPool) -> &Supply<Self> {
        &pool.cells
    }
}

/// The words and cells of one arena.
#[derive(Debug)]
pub(crate) struct WordPool {
    words: Supply<Word>,
    cells: Supply<UnsafeCell<()>>,
}

impl WordPool {
    /// The words for an arena that is being made. Those that are first used from now on are of this pool.
    pub(crate) fn begin() -> Box<Self> {
        let pool = Box::new(Self { words: Supply::new(&WORDS_USED), cells: Supply::new(&CELLS_USED) });
        POOL.set(&raw const *pool);
        pool
    }
}

impl Drop for WordPool {
    fn drop(&mut self) {
        if ptr::eq(POOL.get(), self) {
            POOL.set(ptr::null());
        }
    }
}

std::thread_local! {
    /// The pool of the arena that was made last.
    static POOL: Cell<*const WordPool> = const { Cell::new(ptr::null()) };
    /// The most that an arena of this test has used. `None` before its first.
    static WORDS_USED: Cell<Option<usize>> = const { Cell::new(None) };
    static CELLS_USED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Values that were made in advance.
#[derive(Debug)]
pub(super) struct Supply<T: 'static> {
    values: Vec<T>,
    used: Cell<usize>,
    most_used: &'static std::thread::LocalKey<Cell<Option<usize>>>,
}

impl<T: Default> Supply<T> {
    fn new(most_used: &'static std::thread::LocalKey<Cell<Option<usize>>>) -> Self {
        let spare = |used: usize| used + used / 2 + 100;
        let many = most_used.get().map_or(10_000, spare);
        Self { values: (0..many).map(|_| T::default()).collect(), used: Cell::new(0), most_used }
    }
}

impl<T> Drop for Supply<T> {
    fn drop(&mut self) {
        self.most_used.set(self.most_used.get().max(Some(self.used.get())));
    }
}
