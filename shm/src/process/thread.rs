//! A thread of this process in the arena: its row, its private lists, and the intents that it writes before it acts.

use crate::arena::Arena;
use crate::arena::config::Config;
use crate::arena::error::Result;
use crate::arena::record::counter::Counter;
use crate::arena::record::row::ThreadRow;
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::intent::{Change, ListIntent, Operation, RefcountIntent};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Slot, Tag};
use crate::arena::word::row::RowState;
use crate::arena::word::row::Waiting;
use crate::process::Process;
use crate::process::patience::Patience;
use crate::process::quota::CreditCache;
#[cfg(not(loom))]
use crate::sync::Visits;
use crate::sync::{self, Inside, Relaxed, Release};
use core::cell::{Cell, RefCell};
use std::sync::Arc;

/// How many retired slots a thread collects before it pays for a heavy barrier; fewer where the arena has few slots. Up
/// to twice as many slots that no hazard names are kept for its next objects, and the rest are freed.
pub(crate) fn reclaim_batch(config: &Config) -> usize {
    const MOST: usize = if cfg!(loom) { 1 } else { 512 };
    MOST.min(config.max_objects as usize / 8).max(1)
}

/// A place where a modelled process may die. It expands to no code outside the models.
macro_rules! crash_point {
    ($thread:expr, $name:literal) => {
        #[cfg(loom)]
        if $thread.dies_at($name) {
            return Err($crate::arena::error::Error::Died);
        }
    };
}
pub(crate) use crash_point;

impl Thread {
    pub(crate) fn is_of_this_process(&self, tag: Tag) -> bool {
        let row_state = self.arena().thread(tag).map(|row| RowState(row.state.load(Relaxed)));
        row_state.is_ok_and(|row_state| row_state.thread_owner() == Some(self.process.row))
    }
}

impl Thread {
    /// Runs `leave`, which takes the entry of a handle to `object` out of LIVE, while no thread is inside an operation on the
    /// object.
    ///
    /// # Errors
    /// `BadState` when memory of the object is lent to the program (INV-ENDPOINT-4); then `leave` was not run.
    #[inline(always)]
    pub(crate) fn leaving<T>(
        &self,
        index: EntryIndex,
        object: ObjectRef,
        leave: impl FnOnce() -> T,
    ) -> Result<T> {
        // Most handles have no half. The halves are those of this process's table: the program of a dead one is gone.
        if self.table_row != self.process.row || !self.process.halves.may_have(index) {
            return Ok(leave());
        }
        self.process.halves.leaving(index, object, &self.inside(), leave)
    }

    /// As [`leaving`](Self::leaving), for a handle of this process's own table that is closed. If `close` succeeds, the half is
    /// detached too.
    #[inline(always)]
    pub(crate) fn closing(
        &self,
        index: EntryIndex,
        object: ObjectRef,
        close: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.process.halves.closing(index, object, (&self.process.quotas, &self.inside()), close)
    }

    /// Waits until no thread of this process is inside an operation on the object, and lets no later one in. The
    /// entry is no longer LIVE. `false` if the object has no private half in this entry.
    #[inline(always)]
    pub(crate) fn detach_half(&self, index: EntryIndex, object: ObjectRef) -> bool {
        // Most handles have none.
        self.process.halves.may_have(index)
            && self.process.halves.unbind(index, object, &self.process.quotas, &self.inside())
    }
}

/// One thread of an attached process: the handle to its row, and its private lists.
///
/// Every operation on the arena is a method of this type. The thread that uses the value also makes it. Dropping the
/// value gives the row back.
#[derive(Debug)]
pub struct Thread {
    pub(crate) process: Arc<Process>,
    pub(crate) tag: Tag,
    /// The process row of the handle table that this thread works on: its own process's, or, in recovery, the dead
    /// one's.
    pub(crate) table_row: ProcessIndex,
    row: *const ThreadRow,
    pub(crate) sequence: Cell<u32>,
    koids: Cell<(u64, u64)>,
    #[cfg(not(loom))]
    pub(crate) visits: Arc<Visits>,
    /// Entries cached for this thread, and entries that it closed, so that most operations take no lock.
    pub(crate) entry_cache: RefCell<Vec<EntryIndex>>,
    pub(crate) closed_entries: RefCell<Vec<EntryIndex>>,
    /// Whether closed entries went to the pool since private halves were last freed.
    pub(crate) may_free_halves: Cell<bool>,
    /// Slots that this thread has retired or found retired, each with its exact word.
    pub(crate) retired: RefCell<Vec<(Slot, Lifecycle)>>,
    /// The reusable ones among them, each with its exact word: no hazard names them and they hold no block. The
    /// thread's next objects use them.
    pub(crate) reusable: RefCell<Vec<(Slot, Lifecycle)>>,
    /// How many slots are retired before any is used again.
    pub(crate) reclaim_batch: usize,
    /// How many entries are cached, and returned, at once.
    pub(crate) entries_at_a_time: usize,
    /// Credits for objects that this thread may make.
    pub(crate) credit_cache: Cell<CreditCache>,
    /// Waits that were satisfied without sleeping, since the last that was not.
    pub(crate) idle_waits: Cell<u32>,
    /// Whether a search for memory must not wait for other threads: the caller has something else to do meanwhile.
    pub(crate) is_in_haste: Cell<bool>,
    /// How long its waits spin before they sleep.
    pub(crate) patience: Patience,
    /// Whether dropping gives the row back. For an adopted row recovery does that.
    pub(crate) owns_row: bool,
    /// Whether it counts among the threads that its process may have.
    pub(crate) is_counted: bool,
    #[cfg(loom)]
    crash: std::rc::Rc<RefCell<Crash>>,
}

// SAFETY: `row` points into the arena, which `process` keeps mapped wherever the value goes; the rest is `Send`.
unsafe impl Send for Thread {}

#[cfg(loom)]
#[derive(Debug, Default)]
struct Crash {
    at: Option<(&'static str, u32)>,
    dead: bool,
    /// How often it has passed each point, if they are counted.
    passed: Option<std::collections::BTreeMap<&'static str, u32>>,
}

impl Thread {
    const KOIDS_AT_A_TIME: u64 = 1024;
    /// One in models, where a table has only a few entries.
    const ENTRIES_AT_A_TIME: usize = if cfg!(loom) { 1 } else { 32 };

    /// Adopts the dead thread's row `tag`, of process `table_row`: recovery goes on where that thread stopped, under
    /// its tag. So recovering from a second death is no different from the first.
    pub(crate) fn adopt_row(&self, tag: Tag, table_row: ProcessIndex) -> Result<Self> {
        #[cfg_attr(not(loom), expect(unused_mut, reason = "written to in models"))]
        let mut adopted = Self::with_row(&self.process, tag, table_row, false)?;
        // A supervisor and its adopted rows are one thread: they die together.
        #[cfg(loom)]
        self.crash.clone_into(&mut adopted.crash);
        Ok(adopted)
    }

    /// Leaves the row to recovery, which adopts it.
    pub(crate) fn abandon_row(mut self) {
        self.owns_row = false;
    }

    pub(crate) fn with_row(
        process: &Arc<Process>,
        tag: Tag,
        table_row: ProcessIndex,
        owns_row: bool,
    ) -> Result<Self> {
        let row = process.arena.thread(tag)?;
        // Relaxed: this thread holds the row by now.
        let sequence = RefcountIntent(row.refcount_intent.load(Relaxed)).sequence();
        Ok(Self {
            tag,
            table_row,
            row,
            sequence: Cell::new(sequence),
            koids: Cell::new((0, 0)),
            #[cfg(not(loom))]
            visits: process.grace.join(),
            entry_cache: RefCell::default(),
            closed_entries: RefCell::default(),
            may_free_halves: Cell::new(false),
            retired: RefCell::default(),
            reusable: RefCell::default(),
            reclaim_batch: crate::process::thread::reclaim_batch(process.arena.config()),
            entries_at_a_time: Self::entries_at_a_time(process.arena.config()),
            credit_cache: Cell::default(),
            idle_waits: Cell::new(0),
            is_in_haste: Cell::new(false),
            patience: Patience::new(process.has_one_processor),
            owns_row,
            is_counted: false,
            #[cfg(loom)]
            crash: std::rc::Rc::default(),
            process: process.clone(),
        })
    }

    /// The process this thread belongs to.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    #[inline(always)]
    pub(crate) fn arena(&self) -> &Arena {
        &self.process.arena
    }

    /// Proof that this thread may be using private halves. Code that finds a half holds this for as long
    /// as it uses it.
    #[inline(always)]
    pub(crate) fn inside(&self) -> Inside<'_> {
        #[cfg(not(loom))]
        return self.visits.enter();
        #[cfg(loom)]
        Inside::unseen()
    }

    #[inline(always)]
    pub(crate) fn row(&self) -> &ThreadRow {
        // SAFETY: points into the arena, which `process` keeps mapped; rows are never unmapped or moved.
        unsafe { &*self.row }
    }

    pub(crate) fn next_sequence(&self) -> u32 {
        let next = self.sequence.get().wrapping_add(1);
        self.sequence.set(next);
        next
    }

    /// Writes the intent of the count change that comes next: write-ahead, so that a death after it is resolved.
    pub(crate) fn intend(
        &self,
        change: Change,
        object: ObjectRef,
        location: crate::arena::word::intent::HandleLocation,
    ) -> u32 {
        let sequence = self.next_sequence();
        // ORDER: Release: after every store for the last intent, and every store for which recovery would rely on this
        // intent.
        self.row().handle_location.store(location.to_word(), Release);
        // ORDER: Release: after the location, so that recovery never reads this intent with the last intent's location.
        // That may be a slot of a ring that holds another message's bytes by now, which could look like any word.
        sync::store_over_marks(
            &self.row().refcount_intent,
            RefcountIntent::pending(change, object, sequence).0,
            Release,
        );
        sequence
    }

    pub(crate) fn intend_nothing(&self) {
        // ORDER: Release: after every store that the intent covers, in the order that recovery sees.
        sync::store_over_marks(
            &self.row().refcount_intent,
            RefcountIntent::idle(self.sequence.get()).0,
            Release,
        );
    }

    #[inline(always)]
    pub(crate) fn set_operation(&self, operation: Operation) {
        let [first, second] = operation.to_words();
        // ORDER: Release, both: the words first and the discriminant last, so that recovery never sees the new
        // operation with an old second word.
        if first != 0 {
            self.row().operation[1].store(second, Release);
        }
        self.row().operation[0].store(first, Release);
    }

    pub(crate) fn set_list_intent(&self, intent: ListIntent, word: u64) {
        // ORDER: Release: after the end of the last intent, which used the same `list_intent_word`, in the order that
        // recovery sees. And the word before the intent that needs it.
        if intent != ListIntent::Idle {
            self.row().list_intent_word.store(word, Release);
        }
        self.row().list_intent.store(intent.to_word(), Release);
    }

    /// Takes two successive koids.
    pub(crate) fn take_koids(&self) -> u64 {
        let (next, end) = self.koids.get();
        let (next, end) = if next.saturating_add(2) <= end {
            (next, end)
        } else {
            // A batch, because all threads share the counter. A death wastes the rest of the batch, which matters
            // little among 2⁶⁴ koids.
            let first = self.arena().take_koids(Self::KOIDS_AT_A_TIME);
            (first, first.saturating_add(Self::KOIDS_AT_A_TIME))
        };
        self.koids.set((next.saturating_add(2), end));
        next
    }

    /// How many entries a thread caches at once: fewer where the table is small, so that no thread finds it full
    /// because another thread caches the rest.
    fn entries_at_a_time(config: &Config) -> usize {
        Self::ENTRIES_AT_A_TIME.min(config.max_handles_per_process as usize / 1024).max(1)
    }

    /// Frees private halves if entries have been closed, unless this thread may be using a half itself.
    #[inline]
    pub(crate) fn free_halves_if_due(&self) {
        #[cfg(not(loom))]
        // A grace period does not end while this thread itself is inside.
        if self.may_free_halves.get() && !self.visits.is_inside() {
            self.may_free_halves.set(false);
            self.process.free_private_halves();
        }
    }

    /// Says in the row what this thread sleeps on, or that it is awake. The models have no reader of it.
    pub(crate) fn set_waiting(&self, waiting: Waiting) {
        // Relaxed: a reader of the arena looks at it while others work, and nothing else depends on it.
        #[cfg(not(loom))]
        self.row().waiting().store(waiting.0, Relaxed);
        #[cfg(loom)]
        let _ = waiting;
    }

    #[inline(always)]
    pub(crate) fn increment(&self, counter: Counter, by: u64) {
        let cell = &self.row().counters()[counter as usize];
        // Relaxed, and no read-modify-write: this thread holds the row, and statistics publish no other data.
        #[cfg(not(loom))]
        cell.store(cell.load(Relaxed).wrapping_add(by), Relaxed);
        #[cfg(loom)]
        let _ = (cell, by);
    }

    /// Models only: this thread's process dies when it reaches the named crash point for the `nth` time.
    #[cfg(loom)]
    pub fn die_at(&self, name: &'static str, nth: u32) {
        self.crash.borrow_mut().at = Some((name, nth));
    }

    /// Models only: from now on the crash points are counted that this thread's process passes.
    #[cfg(loom)]
    pub fn count_points(&self) {
        self.crash.borrow_mut().passed = Some(Default::default());
    }

    /// Models only: how often this thread's process has passed each crash point since
    /// [`count_points`](Self::count_points).
    #[cfg(loom)]
    pub fn passed_points(&self) -> std::collections::BTreeMap<&'static str, u32> {
        self.crash.borrow().passed.clone().unwrap_or_default()
    }

    /// Models only: this thread's process has died, at any point.
    #[cfg(loom)]
    pub fn has_died(&self) {
        self.crash.borrow_mut().dead = true;
    }

    /// Models only: whether the modelled process has died.
    #[cfg(loom)]
    pub fn is_dead(&self) -> bool {
        self.crash.borrow().dead
    }

    #[cfg(loom)]
    pub(crate) fn dies_at(&self, name: &'static str) -> bool {
        let mut crash = self.crash.borrow_mut();
        if let Some(passed) = &mut crash.passed {
            *passed.entry(name).or_default() += 1;
        }
        match &mut crash.at {
            Some((at, nth)) if *at == name => {
                if *nth > 0 {
                    *nth -= 1;
                    return false;
                }
                crash.dead = true;
            }
            _ => {}
        }
        crash.dead
    }
}
