//! This process in the arena, and each of its threads: the private half of a row.
//!
//! Everything here dies with the process and needs no recovery: free lists are hints (the words in the arena
//! decide), endpoint locks exclude only threads of this process.

use crate::arena::Arena;
use crate::bits::{ObjectRef, Tag};
use crate::count::Found;
use crate::counter::Counter;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::layout::MAX_CLASSES;
use crate::object::{Life, Shape};
use crate::owner::{Change, Claim, Link, Operation, ProcessState, Reference, ThreadRow};
use crate::sync::{self, AcqRel, Acquire, Lock, Relaxed, Release};
use crate::table::{Entry, EntryPool, EntryState, Secret};
use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicPtr, Ordering};
use std::sync::Arc;

/// The entry in which a spawner leaves a child's startup handle.
pub(crate) const STARTUP_ENTRY: u32 = 1;

/// A process row that has been claimed and may be attached to: the ticket a spawner or the supervisor gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The process's row.
    pub row: u16,
    /// The row's epoch: a ticket of an earlier epoch is refused.
    pub epoch: u32,
}

/// This process, attached.
pub struct Process {
    pub(crate) arena: Arc<Arena>,
    guard: crate::fork::ForkGuard,
    pub(crate) row: u16,
    pub(crate) secret: Secret,
    pub(crate) entries: Lock<EntryPool>,
    /// Slots that were free when last seen.
    pub(crate) spare_slots: Lock<Vec<u32>>,
    /// Retired slots that an ended thread left to be reclaimed.
    pub(crate) orphans: Lock<Vec<u32>>,
    /// Blocks that were free when last seen, by class.
    pub(crate) spare_blocks: [Lock<Vec<u32>>; MAX_CLASSES],
    /// The private half of every endpoint this process has ever held, by object and side. Never freed before
    /// the process detaches, so a thread may hold one whose endpoint has just left.
    endpoints: Box<[AtomicPtr<Endpoint>]>,
}

impl core::fmt::Debug for Process {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Process").field("row", &self.row).finish_non_exhaustive()
    }
}

impl Arena {
    /// Claims a process row for a child that `spawner` will start, or for a process that asked to be admitted.
    pub fn reserve_seat(&self, spawner: &Thread) -> Result<Seat> {
        for row in 1..self.layout().processes.count as u16 {
            let claim = &self.process(row)?.claim;
            let free = Claim(claim.load(Acquire));
            if free.process_state() != ProcessState::Free {
                continue;
            }
            let starting = free.starting(spawner.home);
            // ORDER: Acquire pairs with the Release of recovery's last store: the row's table is clean.
            if claim.compare_exchange(free.0, starting.0, AcqRel, Relaxed).is_ok() {
                return Ok(Seat { row, epoch: free.epoch() });
            }
        }
        Err(Error::NoResources("process rows"))
    }

    /// Claims a row and takes it at once: for the process that creates the arena.
    pub fn first_seat(&self) -> Result<Seat> {
        let claim = Claim(self.process(1)?.claim.load(Acquire));
        let starting = claim.starting(Claim::NOBODY);
        if claim.process_state() != ProcessState::Free
            || self.process(1)?.claim.compare_exchange(claim.0, starting.0, AcqRel, Relaxed).is_err()
        {
            return Err(Error::NoResources("the first process row"));
        }
        Ok(Seat { row: 1, epoch: claim.epoch() })
    }

    /// Whether the seat's process is attached.
    pub fn is_seated(&self, seat: Seat) -> bool {
        let claim = self.process(seat.row).map(|row| Claim(row.claim.load(Acquire)));
        claim.is_ok_and(|claim| claim.epoch() == seat.epoch && claim.process_state() == ProcessState::Active)
    }
}

impl Process {
    /// Takes a seat. `seed` makes this process's handle values its own.
    pub fn sit(arena: Arc<Arena>, seat: Seat, pid: u32, seed: u32) -> Result<Arc<Self>> {
        let guard = crate::fork::ForkGuard::new()?;
        let row = arena.process(seat.row)?;
        let claim = Claim(row.claim.load(Acquire));
        let expected =
            matches!(claim.process_state(), ProcessState::Starting(_)) && claim.epoch() == seat.epoch;
        if expected {
            // Registered before the row is ACTIVE: a reclaimer that sees the row may rely on it.
            let fenced = !sync::register_barriers();
            row.fenced.store(u64::from(fenced), Release);
            row.pid.store(pid.into(), Release);
        }
        // ORDER: Release publishes the two words above; Acquire sees the startup handle its spawner left.
        if !expected || row.claim.compare_exchange(claim.0, claim.active().0, AcqRel, Relaxed).is_err() {
            return Err(Error::BadState("the seat was given up: its spawner died, or it was already taken"));
        }
        let last = arena.layout().config.max_handles_per_process + 1;
        let process = Arc::new(Self {
            guard,
            row: seat.row,
            secret: Secret::new(seed),
            entries: Lock::new(EntryPool::new(STARTUP_ENTRY + 1, last)),
            spare_slots: Lock::new(Vec::new()),
            orphans: Lock::new(Vec::new()),
            spare_blocks: core::array::from_fn(|_| Lock::new(Vec::new())),
            endpoints: endpoint_table(arena.layout().objects.count * 2),
            arena,
        });
        process.advance_fresh(STARTUP_ENTRY + 1);
        if let Some(entry) =
            process.arena.entry(process.row, STARTUP_ENTRY).map(|word| Entry(word.load(Acquire)))
            && entry.is_live()
            && let Ok(object) = process.arena.object(entry.object().slot())
            && Life(object.life.load(Acquire)).shape() == Some(Shape::Channel)
        {
            process.install(entry.object(), STARTUP_ENTRY);
        }
        Ok(process)
    }

    /// Whether this is the attached process itself, and not a child forked from it: there the arena is not
    /// mapped, and nothing of it may be touched.
    #[inline(always)]
    pub fn is_here(&self) -> bool {
        self.guard.is_here()
    }

    /// The arena.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// This process's row.
    pub fn row(&self) -> u16 {
        self.row
    }

    /// Whether a handle of this process is still the one that was found.
    pub(crate) fn still(&self, found: Found) -> bool {
        let word = self.arena.entry(self.row, found.index);
        // ORDER: Acquire: as in `Thread::still`.
        word.is_some_and(|word| word.load(Acquire) == found.entry.0)
    }

    /// The value of the handle that the spawner left for this process, if it left one.
    pub fn startup_handle(&self) -> Option<u32> {
        let entry = Entry(self.arena.entry(self.row, STARTUP_ENTRY)?.load(Acquire));
        entry.is_live().then(|| self.secret.value_of(STARTUP_ENTRY, entry))
    }

    /// Where an endpoint that has just come starts to number its calls.
    pub(crate) fn txid_start(&self) -> u32 {
        let mixed = self.secret.value_of(sync::now_ns() as u32 & 0xf_ffff, Entry(0));
        (mixed & 0x7fff_ffff).max(1)
    }

    /// Tells recovery how far the table has been used, before it is.
    pub(crate) fn advance_fresh(&self, fresh: u32) {
        if let Ok(row) = self.arena.process(self.row)
            && row.entries_fresh.load(Relaxed) < fresh.into()
        {
            row.entries_fresh.store(fresh.into(), Release);
        }
    }

    /// The private half of `object`'s side, if this process ever held it.
    #[inline(always)]
    pub(crate) fn endpoint(&self, object: ObjectRef) -> Option<&Endpoint> {
        let cell = self.endpoints.get(object.0 as usize)?;
        let endpoint = cell.load(Ordering::Acquire);
        // SAFETY: null, or leaked from a box in `install` and freed only in `drop`.
        unsafe { endpoint.as_ref() }
    }

    /// Makes the private half of an endpoint that has just come to this process, under this entry.
    pub(crate) fn install(&self, object: ObjectRef, index: u32) {
        let Some(cell) = self.endpoints.get(object.0 as usize) else { return };
        if self.endpoint(object).is_none() {
            let made = Box::into_raw(Box::new(Endpoint::default()));
            let null = core::ptr::null_mut();
            if cell.compare_exchange(null, made, Ordering::AcqRel, Ordering::Acquire).is_err() {
                // SAFETY: made above, and nobody else has seen it.
                drop(unsafe { Box::from_raw(made) });
            }
        }
        if let Some(endpoint) = self.endpoint(object) {
            endpoint.bind(index);
        }
    }

    /// Waits until no thread of this process is inside an operation on the endpoint, whose entry is no longer
    /// LIVE, and lets no later one in.
    pub(crate) fn evict(&self, object: ObjectRef) {
        if let Some(endpoint) = self.endpoint(object) {
            endpoint.unbind();
        }
    }
}

fn endpoint_table(len: usize) -> Box<[AtomicPtr<Endpoint>]> {
    let table = Box::<[AtomicPtr<Endpoint>]>::new_zeroed_slice(len);
    // SAFETY: all-zero bytes are null pointers.
    unsafe { table.assume_init() }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A model that has failed has no execution left to load anything in.
        #[cfg(loom)]
        if std::thread::panicking() {
            return;
        }
        // Only as far as the table was used: the rest is untouched zero pages.
        let used = self.arena.used_slots() as usize * 2;
        for cell in self.endpoints.iter_mut().take(used) {
            let endpoint = *cell.get_mut();
            if !endpoint.is_null() {
                // SAFETY: leaked from a box in `install`; no thread of the process is left to hold it.
                drop(unsafe { Box::from_raw(endpoint) });
            }
        }
    }
}

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
    /// Entries set aside for this thread, and entries it closed, so that most operations take no lock.
    entry_cache: RefCell<Vec<u32>>,
    closed_entries: RefCell<Vec<u32>>,
    pub(crate) spare_slots: RefCell<Vec<u32>>,
    pub(crate) retired: RefCell<Vec<u32>>,
    /// Waits that were satisfied without sleeping, since the last that was not.
    pub(crate) calm_waits: Cell<u32>,
    /// The longest that a wait spins before it sleeps, in nanoseconds.
    pub(crate) spin_most_ns: Cell<i64>,
    /// How long the next one will: twice as long after each that was worth it, half as long after each that was
    /// not. On a machine with more to do than cores, whoever is waited for may not be running.
    pub(crate) spin_ns: Cell<i64>,
    /// Whether dropping gives the row back; recovery's stand-ins leave that to recovery.
    owns_row: bool,
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
        let tags = arena.layout().threads.count as u16;
        for tag in 1..tags {
            let claim = &arena.thread(tag)?.claim;
            let word = claim.load(Acquire);
            if word != 0 {
                continue;
            }
            // The high-water mark first: whoever scans rows must not miss this one.
            let fresh = &arena.header().threads_fresh;
            let mut mark = fresh.load(Relaxed);
            while mark <= tag.into() {
                match fresh.compare_exchange(mark, u64::from(tag) + 1, AcqRel, Relaxed) {
                    Ok(_) => break,
                    Err(higher) => mark = higher,
                }
            }
            // ORDER: Acquire pairs with the Release that gave the row back.
            if claim.compare_exchange(0, Claim::thread_of(process.row).0, AcqRel, Relaxed).is_ok() {
                return Self::with_row(process, tag, process.row, true);
            }
        }
        Err(Error::NoResources("thread rows"))
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

    fn with_row(process: &Arc<Process>, tag: u16, home: u16, owns_row: bool) -> Result<Self> {
        let row = process.arena.thread(tag)?;
        let sequence = Reference(row.reference.load(Acquire)).sequence();
        Ok(Self {
            tag: Tag(tag),
            home,
            row,
            sequence: Cell::new(sequence),
            koids: Cell::new((0, 0)),
            entry_cache: RefCell::default(),
            closed_entries: RefCell::default(),
            spare_slots: RefCell::default(),
            retired: RefCell::default(),
            calm_waits: Cell::new(0),
            spin_most_ns: Cell::new(crate::wait::SPIN_NS),
            spin_ns: Cell::new(crate::wait::SPIN_NS),
            owns_row,
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
        self.row().record.store(record.to_word(), Release);
        self.row().reference.store(Reference::pending(change, object, sequence).0, Release);
        sequence
    }

    pub(crate) fn intend_nothing(&self) {
        self.row().reference.store(Reference::idle(self.sequence.get()).0, Release);
    }

    pub(crate) fn set_operation(&self, operation: Operation) {
        let [first, second] = operation.to_words();
        if first != 0 {
            self.row().operation[1].store(second, Release);
        }
        self.row().operation[0].store(first, Release);
    }

    pub(crate) fn set_link(&self, link: Link, word: u64) {
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
    pub(crate) fn reserve_entry(&self, object: ObjectRef) -> Result<(u32, Entry)> {
        let index = self.take_entry().ok_or(Error::NoResources("handles of this process"))?;
        let cell =
            self.arena().entry(self.home, index).ok_or(Error::Corrupt("a free entry is out of range"))?;
        let free = Entry(cell.load(Acquire));
        if !matches!(free.state(), EntryState::Free | EntryState::Invalid) {
            return Err(Error::Corrupt("a free entry is in use"));
        }
        let entry = free.reserved(self.tag, object);
        // Release, like every store of the protocol: the compiler keeps them in program order, which is what
        // recovery sees.
        cell.store(entry.0, Release);
        Ok((index, entry))
    }

    /// How many entries a thread sets aside at once: few where there are few, so that no thread finds the table
    /// full because another keeps the rest.
    fn entries_at_a_time(&self) -> usize {
        Self::ENTRIES_AT_A_TIME
            .min(self.arena().layout().config.max_handles_per_process as usize / 1024)
            .max(1)
    }

    fn take_entry(&self) -> Option<u32> {
        let mut cache = self.entry_cache.borrow_mut();
        if let Some(index) = cache.pop() {
            return Some(index);
        }
        let mut pool = self.process.entries.lock();
        for index in self.closed_entries.borrow_mut().drain(..) {
            pool.give_back(index);
        }
        while cache.len() < self.entries_at_a_time()
            && let Some(index) = pool.take()
        {
            cache.push(index);
        }
        self.process.advance_fresh(pool.fresh());
        drop(pool);
        cache.reverse();
        cache.pop()
    }

    /// The entry's word is FREE: this process may use it again, later.
    pub(crate) fn give_entry_back(&self, index: u32) {
        if self.home != self.process.row {
            return;
        }
        let mut closed = self.closed_entries.borrow_mut();
        closed.push(index);
        if closed.len() >= self.entries_at_a_time() {
            let mut pool = self.process.entries.lock();
            for index in closed.drain(..) {
                pool.give_back(index);
            }
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
        // What an operation that failed has left on the dying list is still this row's to work.
        let settled = !self.owns_row || self.work_dying().is_ok() && self.row().is_idle();
        let mut retired = self.retired.borrow_mut();
        if !retired.is_empty() {
            self.process.orphans.lock().append(&mut retired);
        }
        self.process.spare_slots.lock().append(&mut self.spare_slots.borrow_mut());
        if !self.owns_row {
            return;
        }
        let mut pool = self.process.entries.lock();
        for index in self.entry_cache.borrow_mut().drain(..).chain(self.closed_entries.borrow_mut().drain(..))
        {
            pool.give_back(index);
        }
        drop(pool);
        if !settled {
            // The row names something unfinished (an operation that panicked): it stays claimed, and is settled
            // with its process.
            return;
        }
        for hazard in self.row().hazards() {
            hazard.store(0, Release);
        }
        // ORDER: Release pairs with the Acquire of the next claim: the row is idle.
        self.row().claim.store(0, Release);
    }
}
