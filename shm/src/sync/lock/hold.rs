//! The word by which a thread shows which lock it holds by bias.
//!
//! The word is the thread's and not the lock's, so it has one writer
//! (`docs/decisions/bias-in-the-threads-word.md`).
//!
//! A thread has one word, so it holds one lock by bias at a time. It gets the word when a lock is first biased to it.
//! The memory of a word is never freed, since other threads look at it. The word of a thread that has ended is given to
//! the next thread that needs one, and so are the locks that are biased to it.
//!
//! INV-HOLD-1: `lock` is written by one thread at a time, and each store to it is Release. A thread that gets a word from
//! the list of free ones synchronizes with the threads that had it before. So a thread that sees a value of the word sees
//! everything that was done under the locks which the word named before.

use crate::sync::machine::AtomicU64;
use crate::sync::{Acquire, Relaxed, Release};

/// The word of one thread.
#[derive(Debug)]
#[cfg_attr(loom, derive(Default))]
pub(super) struct Hold {
    /// The address of the lock; 0 while the thread holds none by bias.
    lock: AtomicU64,
    /// While this word is free: the token of the next free one.
    next: AtomicU64,
}

impl Hold {
    /// The word of this thread, which gets one if it has none. `None` if the thread is about to end, or another thread is
    /// just getting one, or this thread is and a signal handler runs in it.
    pub(super) fn own_or_new() -> Option<&'static Self> {
        let own = Self::own();
        if !core::ptr::eq(own, place::none()) {
            return Some(own);
        }
        if !place::gives_back() {
            return None;
        }
        // ORDER: Acquire pairs with the Release below: the list is as the last thread left it.
        if place::taking().swap(1, Acquire) != 0 {
            return None;
        }
        let new = Self::pop().unwrap_or_else(place::new);
        // ORDER: Release: as above.
        place::taking().store(0, Release);
        place::set_own(new);
        Some(new)
    }

    /// The word of this thread. The threads that have none share one, which is no lock's owner.
    #[inline(always)]
    pub(super) fn own() -> &'static Self {
        place::own()
    }

    /// The lock that this thread holds by bias; 0: none.
    #[inline(always)]
    pub(super) fn lock(&self) -> u64 {
        // Relaxed: only this thread writes it.
        self.lock.load(Relaxed)
    }

    /// Shows that this thread holds `lock` by bias; 0: none.
    #[inline(always)]
    pub(super) fn show(&self, lock: u64) {
        // ORDER: Release pairs with the Acquire of `seen`: INV-HOLD-1.
        self.lock.store(lock, Release);
    }

    /// The lock that another thread, the owner of this word, shows to hold by bias.
    pub(super) fn seen(&self) -> u64 {
        // ORDER: Acquire pairs with the Release of `show`: INV-HOLD-1.
        self.lock.load(Acquire)
    }

    /// For a thread that ends: another thread may get its word.
    pub(super) fn give_back() {
        let own = Self::own();
        // A thread that ends while it holds a lock keeps the word with it.
        if !core::ptr::eq(own, place::none()) && own.lock() == 0 {
            place::set_own(place::none());
            own.push();
        }
    }

    /// Adds the word to the list of free ones.
    fn push(&'static self) {
        let mut first = place::free().load(Relaxed);
        loop {
            // Relaxed: the exchange publishes it.
            self.next.store(first, Relaxed);
            // ORDER: Release pairs with the Acquire of `pop`: INV-HOLD-1, and the link.
            match place::free().compare_exchange(first, self.token(), Release, Relaxed) {
                Ok(_) => return,
                Err(other) => first = other,
            }
        }
    }

    /// Takes a free word. Only one thread does so at a time: no word can leave the list and come back between a look at
    /// its link and the exchange.
    fn pop() -> Option<&'static Self> {
        // ORDER: Acquire, both, pairs with the Release of `push`: INV-HOLD-1, and the links.
        let mut first = place::free().load(Acquire);
        while first != 0 {
            let word = Self::of(first);
            // Relaxed on success: no other thread takes a word meanwhile, so `first` has stayed in the list, and the load has
            // acquired its push. All changes of the list are read-modify-writes, so each continues the release of every
            // push before it.
            match place::free().compare_exchange(first, word.next.load(Relaxed), Relaxed, Acquire) {
                Ok(_) => return Some(word),
                Err(other) => first = other,
            }
        }
        None
    }

    /// The word's number. It is even, and not 0.
    #[inline(always)]
    pub(super) fn token(&self) -> u64 {
        place::token(self)
    }

    /// The word with this number.
    pub(super) fn of(token: u64) -> &'static Self {
        place::of(token)
    }
}

/// A number that tells threads apart, most of the time, also those without a word.
#[inline(always)]
pub(super) fn thread_number() -> u32 {
    place::thread_number()
}

/// Where the words lie.
#[cfg(not(loom))]
mod place {
    use super::{AtomicU64, Hold};
    use core::cell::Cell;
    use crossbeam_utils::CachePadded;

    const fn fresh() -> Hold {
        Hold { lock: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// It is never written.
    static NONE: Hold = fresh();

    /// The token of the first free word; 0: there is none.
    static FREE: AtomicU64 = AtomicU64::new(0);

    /// 1 while a thread takes a word.
    static TAKING: AtomicU64 = AtomicU64::new(0);

    thread_local! {
        /// It has no destructor, so a look at it is one load.
        static OWN: Cell<&'static Hold> = const { Cell::new(&NONE) };
        static GIVES_BACK: GivesBack = const { GivesBack };
    }

    struct GivesBack;

    impl Drop for GivesBack {
        fn drop(&mut self) {
            Hold::give_back();
        }
    }

    /// Has this thread give its word back when it ends. `false`: it has done so already.
    pub(super) fn gives_back() -> bool {
        GIVES_BACK.try_with(|_| ()).is_ok()
    }

    #[inline(always)]
    pub(super) fn own() -> &'static Hold {
        OWN.get()
    }

    pub(super) fn set_own(word: &'static Hold) {
        OWN.set(word);
    }

    pub(super) fn none() -> &'static Hold {
        &NONE
    }

    pub(super) fn new() -> &'static Hold {
        // A line of its own: its thread stores it at each use of a biased lock.
        Box::leak(Box::new(CachePadded::new(fresh())))
    }

    pub(super) fn free() -> &'static AtomicU64 {
        &FREE
    }

    pub(super) fn taking() -> &'static AtomicU64 {
        &TAKING
    }

    #[inline(always)]
    pub(super) fn token(word: &Hold) -> u64 {
        core::ptr::from_ref(word).expose_provenance() as u64
    }

    pub(super) fn of(token: u64) -> &'static Hold {
        // SAFETY: tokens come from `token`, for words that are never freed. Only shared references to them exist.
        unsafe { &*core::ptr::with_exposed_provenance(token as usize) }
    }

    /// The number of a page of the thread's own memory.
    #[inline(always)]
    pub(super) fn thread_number() -> u32 {
        (OWN.with(core::ptr::from_ref).addr() >> 12) as u32
    }
}

/// Where the words of a model's threads lie.
#[cfg(loom)]
mod place {
    use super::{AtomicU64, Hold};
    use core::cell::Cell;
    use core::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Words {
        words: [Hold; 4],
        /// Of words that were given out. The first is that of the threads without a word.
        count: AtomicUsize,
        free: AtomicU64,
        taking: AtomicU64,
    }

    ::loom::lazy_static! {
        static ref WORDS: Words = Words::default();
    }

    ::loom::thread_local! {
        static OWN: Cell<usize> = Cell::new(0);
    }

    pub(super) fn gives_back() -> bool {
        true
    }

    pub(super) fn own() -> &'static Hold {
        &WORDS.words[OWN.with(Cell::get)]
    }

    pub(super) fn set_own(word: &'static Hold) {
        OWN.with(|own| own.set(index(word)));
    }

    pub(super) fn none() -> &'static Hold {
        &WORDS.words[0]
    }

    pub(super) fn new() -> &'static Hold {
        &WORDS.words[1 + WORDS.count.fetch_add(1, Ordering::Relaxed)]
    }

    pub(super) fn free() -> &'static AtomicU64 {
        &WORDS.free
    }

    pub(super) fn taking() -> &'static AtomicU64 {
        &WORDS.taking
    }

    fn index(word: &Hold) -> usize {
        WORDS.words.iter().position(|other| core::ptr::eq(other, word)).expect("a word of the model")
    }

    pub(super) fn token(word: &Hold) -> u64 {
        2 * (1 + index(word) as u64)
    }

    pub(super) fn of(token: u64) -> &'static Hold {
        &WORDS.words[token as usize / 2 - 1]
    }

    /// A lock is biased after one use by swap, so the number does not matter.
    pub(super) fn thread_number() -> u32 {
        0
    }
}
