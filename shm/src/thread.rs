//! A thread of this process in the arena: its row, its private lists, and the words it writes before it acts.

use crate::arena::Arena;
use crate::bits::{ObjectRef, Tag};
use crate::counter::Counter;
use crate::error::{Error, Result};
use crate::layout::{Config, RESERVED_THREADS};
use crate::object::Life;
use crate::object_quota::Aside;
use crate::owner::{Change, Claim, HAZARDS, Link, Operation, Reference, ThreadRow};
use crate::process::Process;
#[cfg(not(loom))]
use crate::sync::Visits;
use crate::sync::{self, AcqRel, Inside, Relaxed, Release};
use crate::table::{Entry, EntryState};
use core::cell::{Cell, RefCell};
use std::sync::Arc;

/// One thread of an attached process: the handle to its row, and its private lists.
///
/// Every operation on the arena is a method of this type. It is made by the thread that uses it and gives its
/// row back when dropped.
#[derive(Debug)]
pub struct Thread {
    pub(crate) process: Arc<Process>,
    pub(crate) tag: Tag,
    /// Whose handle table this thread works on: its own process's, or, in recovery, the dead one's.
    pub(crate) home: u16,
    row: *const ThreadRow,
    pub(crate) sequence: Cell<u32>,
    koids: Cell<(u64, u64)>,
    #[cfg(not(loom))]
    visits: Arc<Visits>,
    /// Entries set aside for this thread, and entries it closed, so that most operations take no lock.
    entry_cache: RefCell<Vec<u32>>,
    closed_entries: RefCell<Vec<u32>>,
    /// Whether closed entries went to the pool since private halves were last freed.
    may_free_halves: Cell<bool>,
    /// Slots that this thread has retired or found retired, each with its exact word.
    pub(crate) retired: RefCell<Vec<(u32, Life)>>,
    /// Those of them that nobody names any more and that hold nothing, each with its exact word: the next objects.
    pub(crate) cleared: RefCell<Vec<(u32, Life)>>,
    /// How many slots are retired before any is used again.
    pub(crate) reclaim_batch: usize,
    /// How many entries are set aside, and given back, at once.
    entries_at_a_time: usize,
    /// Credits for objects that this thread may make.
    pub(crate) aside: Cell<Aside>,
    /// Waits that were satisfied without sleeping, since the last that was not.
    pub(crate) calm_waits: Cell<u32>,
    /// The longest that a wait spins before it sleeps, in nanoseconds.
    pub(crate) spin_most_ns: Cell<i64>,
    /// How long the next one will: twice as long after each that was worth it, half as long after each that was
    /// not. On a machine with more to do than cores, whoever is waited for may not be running.
    pub(crate) spin_ns: Cell<i64>,
    /// Whether dropping gives the row back; recovery's stand-ins leave that to recovery.
    pub(crate) owns_row: bool,
    /// Whether it counts among the threads that its process may have.
    is_counted: bool,
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
}

impl Thread {
    const KOIDS_AT_A_TIME: u64 = 1024;
    /// One in models, where a table has but a few.
    const ENTRIES_AT_A_TIME: usize = if cfg!(loom) { 1 } else { 32 };

    /// Claims a thread row for the calling thread.
    pub fn join(process: &Arc<Process>) -> Result<Self> {
        let arena = &process.arena;
        if arena.is_poisoned() {
            return Err(Error::Corrupt("an audit found the arena damaged"));
        }
        let quota = arena.config().max_threads_per_process;
        if !process.take_thread(quota) {
            return Err(Error::NoResources("threads of this process (max_threads_per_process)"));
        }
        let joined = Self::claim(process, RESERVED_THREADS as u16 + 1..arena.layout().threads.count as u16);
        match joined {
            Ok(Some(mut thread)) => {
                thread.is_counted = true;
                Ok(thread)
            }
            Ok(None) => {
                process.give_thread_back();
                Err(Error::NoResources("threads (max_threads)"))
            }
            Err(error) => {
                process.give_thread_back();
                Err(error)
            }
        }
    }

    /// Claims a row for what must not fail for want of one: the supervisor's work, and closing what is open. There are
    /// some beyond `max_threads`, and whoever has one for a close gives it back at once.
    pub fn join_reserve(process: &Arc<Process>) -> Result<Self> {
        let arena = &process.arena;
        if arena.is_poisoned() {
            return Err(Error::Corrupt("an audit found the arena damaged"));
        }
        // Others come first: the reserve is small.
        let (reserve, all) = (RESERVED_THREADS as u16 + 1, arena.layout().threads.count as u16);
        let joined = match Self::claim(process, reserve..all)? {
            None => Self::claim(process, 1..reserve)?,
            joined => joined,
        };
        joined.ok_or(Error::NoResources("threads (max_threads, and a reserve)"))
    }

    /// Claims the first of these rows that is free.
    fn claim(process: &Arc<Process>, tags: core::ops::Range<u16>) -> Result<Option<Self>> {
        let arena = &process.arena;
        for tag in tags {
            let claim = &arena.thread(tag)?.claim;
            let word = claim.load(Relaxed);
            if word != 0 {
                continue;
            }
            // The high-water mark first: whoever scans rows must not miss this one. Relaxed: the claim's Release
            // comes after.
            let fresh = &arena.header().threads_fresh;
            let mut mark = fresh.load(Relaxed);
            while mark <= tag.into() {
                match fresh.compare_exchange(mark, u64::from(tag) + 1, Relaxed, Relaxed) {
                    Ok(_) => break,
                    Err(higher) => mark = higher,
                }
            }
            // ORDER: Acquire pairs with the Release that gave the row back; Release, after the mark.
            if claim.compare_exchange(0, Claim::thread_of(process.row).0, AcqRel, Relaxed).is_ok() {
                if !arena.thread(tag)?.is_idle() {
                    // Relaxed: nothing was done under it.
                    claim.store(0, Relaxed);
                    return Err(Error::Corrupt("a thread row was given back with something unfinished"));
                }
                return Self::with_row(process, tag, process.row, true).map(Some);
            }
        }
        Ok(None)
    }

    /// A stand-in for the dead thread that holds row `tag` of process `home`: recovery goes on where it
    /// stopped, under its name, so that a second death is no different from the first.
    pub(crate) fn stand_in(&self, tag: u16, home: u16) -> Result<Self> {
        #[cfg_attr(not(loom), expect(unused_mut, reason = "written to in models"))]
        let mut stand_in = Self::with_row(&self.process, tag, home, false)?;
        // A supervisor and its stand-ins are one thread: they die together.
        #[cfg(loom)]
        self.crash.clone_into(&mut stand_in.crash);
        Ok(stand_in)
    }

    /// Leaves the row to recovery, which works it through a stand-in from here on.
    pub(crate) fn leave_row(mut self) {
        self.owns_row = false;
    }

    fn with_row(process: &Arc<Process>, tag: u16, home: u16, owns_row: bool) -> Result<Self> {
        let row = process.arena.thread(tag)?;
        // Relaxed: the row is this thread's own by now.
        let sequence = Reference(row.reference.load(Relaxed)).sequence();
        Ok(Self {
            tag: Tag(tag),
            home,
            row,
            sequence: Cell::new(sequence),
            koids: Cell::new((0, 0)),
            #[cfg(not(loom))]
            visits: process.grace.join(),
            entry_cache: RefCell::default(),
            closed_entries: RefCell::default(),
            may_free_halves: Cell::new(false),
            retired: RefCell::default(),
            cleared: RefCell::default(),
            reclaim_batch: crate::dying::reclaim_batch(process.arena.config()),
            entries_at_a_time: Self::entries_at_a_time(process.arena.config()),
            aside: Cell::default(),
            calm_waits: Cell::new(0),
            spin_most_ns: Cell::new(crate::wait::SPIN_NS),
            spin_ns: Cell::new(crate::wait::SPIN_NS),
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

    /// Proof that this thread may be using private halves of endpoints: code that finds one holds this for as long.
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

    /// Writes down the count change that is about to be made.
    pub(crate) fn intend(&self, change: Change, object: ObjectRef, record: crate::owner::Record) -> u32 {
        let sequence = self.next_sequence();
        // ORDER: Release: after all that was done for the last intent, or that would be settled by this record.
        self.row().record.store(record.to_word(), Release);
        // ORDER: Release: after the record. The last one may name a cell of a ring, whose words are others' bytes by now,
        // and could look like anything.
        sync::store_over_marks(
            &self.row().reference,
            Reference::pending(change, object, sequence).0,
            Release,
        );
        sequence
    }

    pub(crate) fn intend_nothing(&self) {
        sync::store_over_marks(&self.row().reference, Reference::idle(self.sequence.get()).0, Release);
    }

    #[inline(always)]
    pub(crate) fn set_operation(&self, operation: Operation) {
        let [first, second] = operation.to_words();
        if first != 0 {
            self.row().operation[1].store(second, Release);
        }
        self.row().operation[0].store(first, Release);
    }

    pub(crate) fn set_link(&self, link: Link, word: u64) {
        // ORDER: Release: after the end of the last intent, whose word this was, in the order that recovery sees. And the
        // word before the link that needs it.
        if link != Link::Idle {
            self.row().link_word.store(word, Release);
        }
        self.row().link.store(link.to_word(), Release);
    }

    /// Two koids in a row.
    pub(crate) fn take_koids(&self) -> u64 {
        let (next, end) = self.koids.get();
        let (next, end) = if next.saturating_add(2) <= end {
            (next, end)
        } else {
            let first = self.arena().take_koids(Self::KOIDS_AT_A_TIME);
            (first, first.saturating_add(Self::KOIDS_AT_A_TIME))
        };
        self.koids.set((next.saturating_add(2), end));
        next
    }

    /// An entry of the own table, RESERVED for a handle to `object`.
    #[inline]
    pub(crate) fn reserve_entry(&self, object: ObjectRef) -> Result<(u32, Entry)> {
        let index = self
            .take_entry()
            .ok_or(Error::NoResources("handles of this process (max_handles_per_process)"))?;
        let cell =
            self.arena().entry(self.home, index).ok_or(Error::Corrupt("a free entry is out of range"))?;
        // Relaxed: the pool's lock has given it on.
        let free = Entry(cell.load(Relaxed));
        if !matches!(free.state(), EntryState::Free | EntryState::Invalid) {
            return Err(Error::Corrupt("a free entry is in use"));
        }
        let entry = free.reserved(self.tag, object);
        // ORDER: Release: under the intent. The compiler keeps such stores in program order, which is what recovery
        // sees.
        cell.store(entry.0, Release);
        Ok((index, entry))
    }

    /// How many entries a thread sets aside at once: few where there are few, so that no thread finds the table
    /// full because another keeps the rest.
    fn entries_at_a_time(config: &Config) -> usize {
        Self::ENTRIES_AT_A_TIME.min(config.max_handles_per_process as usize / 1024).max(1)
    }

    #[inline]
    fn take_entry(&self) -> Option<u32> {
        let index = self.entry_cache.borrow_mut().pop();
        if index.is_some() { index } else { self.set_entries_aside() }
    }

    #[cold]
    fn set_entries_aside(&self) -> Option<u32> {
        let mut cache = self.entry_cache.borrow_mut();
        let mut pool = self.process.entries.lock();
        pool.give_back(&mut self.closed_entries.borrow_mut());
        pool.take_some(self.entries_at_a_time, &mut cache);
        self.process.advance_fresh(pool.fresh());
        drop(pool);
        self.may_free_halves.set(true);
        cache.reverse();
        cache.pop()
    }

    /// The entry's word is FREE: this process may use it again, later.
    #[inline]
    pub(crate) fn give_entry_back(&self, index: u32) {
        if self.home != self.process.row {
            return;
        }
        let mut closed = self.closed_entries.borrow_mut();
        closed.push(index);
        if closed.len() >= self.entries_at_a_time {
            self.process.entries.lock().give_back(&mut closed);
            self.may_free_halves.set(true);
        }
    }

    /// Frees private halves if entries have been closed, unless this thread may be using one itself.
    #[inline]
    pub(crate) fn free_halves_if_due(&self) {
        #[cfg(not(loom))]
        if self.may_free_halves.get() && !self.visits.is_inside() {
            self.may_free_halves.set(false);
            self.process.free_private_halves();
        }
    }

    #[inline(always)]
    pub(crate) fn tally(&self, counter: Counter, by: u64) {
        let cell = &self.row().counters()[counter as usize];
        // Relaxed, and no read-modify-write: the row is this thread's own, statistics publish nothing.
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

    /// Models only: this thread's process has died, wherever it was.
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

impl Drop for Thread {
    fn drop(&mut self) {
        #[cfg(loom)]
        if self.is_dead() || std::thread::panicking() {
            return;
        }
        if !self.process.is_here() {
            return;
        }
        self.end();
        // Last: until here operations of this thread come inside.
        #[cfg(not(loom))]
        self.process.grace.part(&self.visits);
    }
}

impl Thread {
    /// Gives back what the thread has, and its row if nothing of it is unfinished.
    fn end(&mut self) {
        // What an operation that failed has left on the dying list is still this row's to work.
        let settled = !self.owns_row || self.work_dying().is_ok() && self.row().is_idle();
        let mut retired = self.retired.borrow_mut();
        retired.append(&mut self.cleared.borrow_mut());
        if !retired.is_empty() {
            self.process.orphans.lock().append(&mut retired);
        }
        drop(retired);
        if settled && self.owns_row {
            self.reclaim_orphans();
        }
        self.give_aside_back();
        if !self.owns_row {
            return;
        }
        let mut pool = self.process.entries.lock();
        pool.give_back(&mut self.entry_cache.borrow_mut());
        pool.give_back(&mut self.closed_entries.borrow_mut());
        drop(pool);
        self.process.free_private_halves();
        if !settled {
            // The row names something unfinished (an operation that panicked): it stays claimed, and is settled
            // with its process.
            return;
        }
        // A wait that panicked may still watch. The tag of a row that there is has a place for its waits.
        let _ = self.end_watch();
        (0..HAZARDS).for_each(|hazard| self.clear_hazard(hazard));
        // ORDER: Release pairs with the Acquire of the next claim: the row is idle.
        self.row().claim.store(0, Release);
        if self.is_counted {
            self.process.give_thread_back();
        }
    }
}
