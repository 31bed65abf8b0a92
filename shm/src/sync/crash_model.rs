//! The stores that a killed thread leaves behind. Models only.
//!
//! A process may be killed between any two instructions. The recovering thread sees every store that the process has
//! made, because the kernel reports a death after the last store. But that is the order of the *instructions*, and a
//! compiler may let a Relaxed store pass others. So the model kills its victim right after the n-th store, and takes
//! back earlier stores that the compiler may have placed after it.
//!
//! A store stays before a later one if the later one is Release or stronger, if both are to the same word, if the
//! earlier one is a read-modify-write that is Acquire or stronger, or if a barrier is between them. Otherwise it may
//! move: a Relaxed store may come before a Release store that stands above it, and before the stores that this Release
//! keeps in front of itself. The model ignores dependences on loaded values: a compiler may keep less order than a
//! processor does.
//!
//! The victim and the recovering thread run alone: no other thread may have seen a store that is taken back.

use ::loom::sync::atomic::{AtomicU64, Ordering};
use core::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Which of the stores that may be missing after a kill are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostStores {
    /// None: the stores were made in program order.
    Nothing,
    /// One of the possible sets ([`CrashOutcome::After`]).
    Set(usize),
}

/// The outcome of a thread that was to be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashOutcome<T> {
    /// It finished before the kill.
    Finished(T),
    /// It was killed. So many different sets of stores could have been missing.
    After(usize),
}

/// A store that a later one could pass.
struct Store {
    word: *const AtomicU64,
    before: u64,
    /// The stores above it come before it.
    releases: bool,
    /// The stores below it come after it.
    acquires: bool,
}

struct StoreWatch {
    /// How many stores come before the last one.
    left: usize,
    /// The stores since the last barrier, in program order.
    late: Vec<Store>,
}

/// The payload with which the killed thread unwinds.
struct KillUnwind;

std::thread_local! {
    static WATCH: RefCell<Option<StoreWatch>> = const { RefCell::new(None) };
}

/// Lets `act` make `stores` stores and one more, and kills it there.
pub fn crash_after<T>(stores: usize, missing: LostStores, act: impl FnOnce() -> T) -> CrashOutcome<T> {
    WATCH.set(Some(StoreWatch { left: stores, late: Vec::new() }));
    let ended = catch_unwind(AssertUnwindSafe(act));
    let watch = WATCH.take().expect("one watch at a time");
    match ended {
        Ok(finished) => CrashOutcome::Finished(finished),
        Err(panic) => match panic.downcast::<KillUnwind>() {
            Ok(_) => CrashOutcome::After(undo_reorderable(&watch.late, missing)),
            Err(panic) => resume_unwind(panic),
        },
    }
}

/// Takes back the stores of the set `missing`. Gives how many sets could have been missing.
fn undo_reorderable(late: &[Store], missing: LostStores) -> usize {
    let sets = sets_that_can_be_missing(late);
    if let LostStores::Set(number) = missing
        && let Some(set) = sets.iter().nth(number)
    {
        for index in set.iter().rev() {
            // SAFETY: `act` stored to `word`, and the memory of `word` outlives the model's threads.
            unsafe { &*late[*index].word }.store(late[*index].before, Ordering::SeqCst);
        }
    }
    sets.len()
}

/// The sets of stores that may be missing. The last store was made. It may have passed all stores from some other store
/// on, or that store and as few more as possible.
fn sets_that_can_be_missing(late: &[Store]) -> BTreeSet<Vec<usize>> {
    let mut sets = BTreeSet::new();
    let last = late.len().saturating_sub(1);
    // For each store that the last one may have passed, two sets: all stores from there on, and the smallest set that
    // the rules allow.
    for first in (0..last).rev() {
        let everything: Vec<usize> = (first..last).filter(|index| !late[*index].acquires).collect();
        let mut least: Vec<usize> = Vec::new();
        for (index, store) in late.iter().enumerate().take(last).skip(first) {
            // The rules keep such a store behind a missing one, so it is missing too.
            let follows = |missing: &usize| store.releases || late[*missing].word == store.word;
            if index == first || least.iter().any(follows) {
                least.push(index);
            }
        }
        sets.extend([everything, least].into_iter().filter(|set| can_be_missing(late, set)));
    }
    sets
}

/// Whether no store outside `set` must come after a store in `set`.
fn can_be_missing(late: &[Store], set: &[usize]) -> bool {
    let is_made = |index: &usize| !set.contains(index);
    !set.is_empty()
        && set.iter().all(|missing| {
            !late[*missing].acquires
                && (missing + 1..late.len())
                    .filter(is_made)
                    .all(|made| !late[made].releases && late[made].word != late[*missing].word)
        })
}

/// Whether stores are being counted. If so, each store is reported with the value it replaced.
pub(super) fn is_watching() -> bool {
    WATCH.with_borrow(Option::is_some)
}

/// The kind of access that stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Store,
    ReadModifyWrite,
}

/// Reports a store. Does not return if it was the thread's last.
pub(super) fn stored(word: &AtomicU64, before: u64, order: Ordering, access: Access) {
    let is_last = WATCH.with_borrow_mut(|watch| {
        let Some(watch) = watch else { return false };
        watch.late.push(Store {
            word,
            before,
            releases: matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst),
            acquires: access == Access::ReadModifyWrite
                && matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst),
        });
        let is_last = watch.left == 0;
        watch.left = watch.left.saturating_sub(1);
        is_last
    });
    if is_last {
        // Not `panic!`: its hook would print a message for each kill.
        resume_unwind(Box::new(KillUnwind));
    }
}

/// A barrier, for the compiler alone or for the processor too. The stores before it cannot be missing any more.
pub(super) fn fenced() {
    WATCH.with_borrow_mut(|watch| {
        if let Some(watch) = watch {
            watch.late.clear();
        }
    });
}
