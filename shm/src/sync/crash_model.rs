//! What is left of a thread's stores when it is killed. Models only.
//!
//! A process may be killed between any two instructions, and whoever recovers it sees every store that it has made:
//! the kernel tells of a death after the last one. But these are the stores in the order of the *instructions*, and a
//! compiler may let a Relaxed store pass others. So a victim dies right after its n-th store, and the model takes
//! back earlier ones that the compiler may have put behind it.
//!
//! A store stays before a later one if the later is Release or stronger, if both are to the same word, if the earlier
//! is a read-modify-write that is Acquire or stronger, or if a barrier is between. Nothing else holds it: a Relaxed
//! store may come before a Release store that stands above it, and before what that Release keeps in front of itself.
//! What depends on what was loaded is not looked at: a compiler could keep less than a processor does.
//!
//! The victim, and whoever recovers it, run alone: nobody may have seen a store that is taken back.

use ::loom::sync::atomic::{AtomicU64, Ordering};
use core::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Which of the stores that could still be missing when a thread is killed are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostStores {
    /// None: the stores were made in program order.
    Nothing,
    /// One of the sets that there are ([`CrashOutcome::After`]).
    Set(usize),
}

/// How a thread that was to be killed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashOutcome<T> {
    /// It was through before.
    Finished(T),
    /// Killed, where so many different sets of stores could have been missing.
    After(usize),
}

/// A store that a later one could pass.
struct Store {
    word: *const AtomicU64,
    before: u64,
    /// What stands above it comes before it.
    releases: bool,
    /// What stands below it comes after it.
    acquires: bool,
}

struct Watch {
    /// Stores to come before the last.
    left: usize,
    /// In program order, since the last barrier.
    late: Vec<Store>,
}

/// What the killed thread unwinds with.
struct Dies;

std::thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Lets `act` make `stores` stores, one more, and then no step further.
pub fn crash_after<T>(stores: usize, missing: LostStores, act: impl FnOnce() -> T) -> CrashOutcome<T> {
    WATCH.set(Some(Watch { left: stores, late: Vec::new() }));
    let ended = catch_unwind(AssertUnwindSafe(act));
    let watch = WATCH.take().expect("nobody else watches");
    match ended {
        Ok(finished) => CrashOutcome::Finished(finished),
        Err(panic) => match panic.downcast::<Dies>() {
            Ok(_) => CrashOutcome::After(undo_reorderable(&watch.late, missing)),
            Err(panic) => resume_unwind(panic),
        },
    }
}

/// Gives how many sets could have been missing.
fn undo_reorderable(late: &[Store], missing: LostStores) -> usize {
    let sets = sets_that_can_be_missing(late);
    if let LostStores::Set(number) = missing
        && let Some(set) = sets.iter().nth(number)
    {
        for index in set.iter().rev() {
            // SAFETY: `word` was stored to in `act`, and what it lies in outlives the model's threads.
            unsafe { &*late[*index].word }.store(late[*index].before, Ordering::SeqCst);
        }
    }
    sets.len()
}

/// The last store was made; it may have passed everything from some other store on, or as little as possible besides
/// that one.
fn sets_that_can_be_missing(late: &[Store]) -> BTreeSet<Vec<usize>> {
    let mut sets = BTreeSet::new();
    let last = late.len().saturating_sub(1);
    for first in (0..last).rev() {
        let everything: Vec<usize> = (first..last).filter(|index| !late[*index].acquires).collect();
        let mut least: Vec<usize> = Vec::new();
        for (index, store) in late.iter().enumerate().take(last).skip(first) {
            let follows = |missing: &usize| store.releases || late[*missing].word == store.word;
            if index == first || least.iter().any(follows) {
                least.push(index);
            }
        }
        sets.extend([everything, least].into_iter().filter(|set| can_be_missing(late, set)));
    }
    sets
}

/// Whether no store that was made has to come after one in `set`.
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

/// Whether stores are being counted: then each is told with what it replaced.
pub(super) fn is_watching() -> bool {
    WATCH.with_borrow(Option::is_some)
}

/// What kind of access stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Store,
    ReadModifyWrite,
}

/// A store has been made. Does not return if it was the thread's last.
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
        resume_unwind(Box::new(Dies));
    }
}

/// A barrier for the compiler, or for both: what came before it stays there.
pub(super) fn fenced() {
    WATCH.with_borrow_mut(|watch| {
        if let Some(watch) = watch {
            watch.late.clear();
        }
    });
}
