//! What is left of a thread's stores when it is killed. Models only.
//!
//! A process may be killed between any two instructions, and whoever recovers it sees every store that it has made:
//! the kernel tells of a death after the last one. But these are the stores in the order of the *instructions*, and a
//! compiler may let a Relaxed store pass others. So a victim dies right after its n-th store, and the model takes
//! back earlier ones that the compiler may have put behind it.
//!
//! A store stays before a later one if that is Release or stronger, if both are to the same word, if the earlier is a
//! read-modify-write that is Acquire or stronger, or if a barrier is between. What depends on what was loaded is not
//! looked at: a compiler could keep less than a processor does.
//!
//! The victim, and whoever recovers it, run alone: nobody may have seen a store that is taken back.

use ::loom::sync::atomic::{AtomicU64, Ordering};
use core::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Which of the stores that could still be missing when a thread is killed are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// None: the stores were made in program order.
    Nothing,
    /// All of them: the last store passed all that it could pass.
    All,
    /// This one alone.
    Only(usize),
}

/// How a thread that was to be killed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed<T> {
    /// It was through before.
    Finished(T),
    /// Killed, with so many stores that could have been missing.
    After(usize),
}

/// A store that a later one could pass.
struct Store {
    word: *const AtomicU64,
    before: u64,
}

struct Watch {
    /// Stores to come before the last.
    left: usize,
    /// In program order.
    late: Vec<Store>,
}

/// What the killed thread unwinds with.
struct Dies {
    last: *const AtomicU64,
}

// SAFETY: the address goes nowhere: a model's threads all run on one thread.
unsafe impl Send for Dies {}

std::thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Lets `act` make `stores` stores, one more, and then no step further.
pub fn killed_after<T>(stores: usize, missing: Missing, act: impl FnOnce() -> T) -> Killed<T> {
    WATCH.set(Some(Watch { left: stores, late: Vec::new() }));
    let ended = catch_unwind(AssertUnwindSafe(act));
    let watch = WATCH.take().expect("nobody else watches");
    match ended {
        Ok(finished) => Killed::Finished(finished),
        Err(panic) => match panic.downcast::<Dies>() {
            Ok(dies) => Killed::After(take_back(watch.late, dies.last, missing)),
            Err(panic) => resume_unwind(panic),
        },
    }
}

/// Gives how many could have been missing.
fn take_back(mut late: Vec<Store>, last: *const AtomicU64, missing: Missing) -> usize {
    // The last store was made; and what it stored over was made before it.
    late.retain(|store| store.word != last);
    let is_missing = |index| match missing {
        Missing::Nothing => false,
        Missing::All => true,
        Missing::Only(only) => only == index,
    };
    for (index, store) in late.iter().enumerate().rev() {
        let is_stored_over = late[index + 1..].iter().any(|later| later.word == store.word);
        if is_missing(index) && (missing == Missing::All || !is_stored_over) {
            // SAFETY: `word` was stored to in `act`, and what it lies in outlives the model's threads.
            unsafe { &*store.word }.store(store.before, Ordering::SeqCst);
        }
    }
    late.len()
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
        if matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst) {
            watch.late.clear();
        }
        let acquires = matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst);
        if access == Access::Store || !acquires {
            watch.late.push(Store { word, before });
        }
        let is_last = watch.left == 0;
        watch.left = watch.left.saturating_sub(1);
        is_last
    });
    if is_last {
        resume_unwind(Box::new(Dies { last: word }));
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
