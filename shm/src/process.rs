//! This process in the arena: the private half of its row.
//!
//! Everything here dies with the process and needs no recovery: free lists are hints (the words in the arena
//! decide), endpoint locks exclude only threads of this process.

use crate::arena::Arena;
use crate::bits::ObjectRef;
#[cfg(not(loom))]
use crate::count::Found;
use crate::endpoint::Endpoint;
use crate::error::{Error, Result};
use crate::keeper::Keeper;
use crate::leader::Occupant;
use crate::object::{Life, Shape};
use crate::owner::{Claim, ProcessState};
use crate::quota::Quotas;
use crate::returned::Returned;
use crate::sync::{self, Acquire, Grace, Inside, Lock, Relaxed, Release, Retired, SparseTable};
use crate::table::{Entry, EntryPool, Secret};
use crate::thread::Thread;
use std::sync::Arc;

/// How many private halves may wait to be freed until more handles are closed: some 800 KiB.
const MUCH: usize = 1024;

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

/// How an end of a channel came to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It was made here.
    New,
    /// It may have been used before.
    Moved,
}

/// This process, attached.
pub struct Process {
    pub(crate) arena: Arc<Arena>,
    guard: crate::fork::ForkGuard,
    pub(crate) row: u16,
    epoch: u32,
    pub(crate) secret: Secret,
    pub(crate) entries: Lock<EntryPool>,
    /// Threads that have a row.
    threads: Lock<u32>,
    /// Retired slots that an ended thread left to be reclaimed.
    pub(crate) orphans: Lock<Vec<(u32, Life)>>,
    /// What this process may still take, and which blocks were free when last seen.
    pub(crate) quotas: Quotas,
    /// The private halves of endpoints, each by the entry that holds it or held one.
    endpoints: SparseTable<Endpoint>,
    /// Who may be using one of them: it is freed when they have gone on.
    pub(crate) grace: Grace<Retired>,
    pub(crate) keeper: Keeper,
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
            let free = Claim(claim.load(Relaxed));
            if free.process_state() != ProcessState::Free {
                continue;
            }
            let starting = free.starting(spawner.home);
            // ORDER: Acquire pairs with the Release of recovery's last store: the row's table is clean.
            if claim.compare_exchange(free.0, starting.0, Acquire, Relaxed).is_ok() {
                return Ok(Seat { row, epoch: free.epoch() });
            }
        }
        Err(Error::NoResources("process rows"))
    }

    /// Claims a row and takes it at once: for the process that creates the arena.
    pub fn first_seat(&self) -> Result<Seat> {
        // Relaxed: nobody else has the arena yet.
        let claim = Claim(self.process(1)?.claim.load(Relaxed));
        let starting = claim.starting(Claim::NOBODY);
        if claim.process_state() != ProcessState::Free
            || self.process(1)?.claim.compare_exchange(claim.0, starting.0, Relaxed, Relaxed).is_err()
        {
            return Err(Error::NoResources("the first process row"));
        }
        Ok(Seat { row: 1, epoch: claim.epoch() })
    }

    /// Whether the seat's process is attached.
    pub fn is_seated(&self, seat: Seat) -> bool {
        // Relaxed: nothing is read through it.
        let claim = self.process(seat.row).map(|row| Claim(row.claim.load(Relaxed)));
        claim.is_ok_and(|claim| claim.epoch() == seat.epoch && claim.process_state() == ProcessState::Active)
    }
}

impl Process {
    /// Takes a seat, as `occupant`. `seed` makes this process's handle values its own.
    ///
    /// `BadState` for a seat that was given up, and for one that the supervisor noted for another process: that may be
    /// this one under another number, in another PID namespace, where nobody could watch it.
    pub fn sit(arena: Arc<Arena>, seat: Seat, occupant: impl Into<Occupant>, seed: u32) -> Result<Arc<Self>> {
        let guard = crate::fork::ForkGuard::new()?;
        let row = arena.process(seat.row)?;
        // Relaxed, here and for the startup handle: this process was told of its seat, over an exec or a socket,
        // after all that was done to it.
        let claim = Claim(row.claim.load(Relaxed));
        let expected =
            matches!(claim.process_state(), ProcessState::Starting(_)) && claim.epoch() == seat.epoch;
        if expected {
            // Registered before the row is ACTIVE: a reclaimer that sees the row may rely on it.
            let fenced = !sync::register_barriers();
            // Relaxed: published by the claim.
            row.fenced.store(u64::from(fenced), Relaxed);
            row.answered.store(0, Relaxed);
            for word in &row.returned {
                word.store(Returned::none(seat.epoch), Relaxed);
            }
            let occupant = occupant.into();
            match Occupant::from_word(row.occupant.load(Relaxed)) {
                noted if noted == Occupant::default() => row.occupant.store(occupant.to_word(), Release),
                noted if noted.may_be(occupant) => {}
                _ => {
                    return Err(Error::BadState(
                        "the supervisor knows this seat's process by another number",
                    ));
                }
            }
        }
        // ORDER: Release publishes the words above (`barrier`).
        if !expected || row.claim.compare_exchange(claim.0, claim.active().0, Release, Relaxed).is_err() {
            return Err(Error::BadState("the seat was given up: its spawner died, or it was already taken"));
        }
        let last = arena.layout().config.max_handles_per_process + 1;
        let process = Arc::new(Self {
            guard,
            row: seat.row,
            epoch: seat.epoch,
            secret: Secret::new(seed),
            entries: Lock::new(EntryPool::new(STARTUP_ENTRY + 1, last)),
            threads: Lock::new(0),
            orphans: Lock::new(Vec::new()),
            quotas: Quotas::new(&arena.layout().config, seat),
            endpoints: SparseTable::new(last as usize),
            grace: Grace::default(),
            keeper: Keeper::default(),
            arena,
        });
        process.advance_fresh(STARTUP_ENTRY + 1);
        if let Some(entry) =
            process.arena.entry(process.row, STARTUP_ENTRY).map(|word| Entry(word.load(Relaxed)))
            && entry.is_live()
            && let Ok(object) = process.arena.object(entry.object().slot())
            && Life(object.life.load(Relaxed)).shape() == Some(Shape::Channel)
        {
            process.install(entry.object(), STARTUP_ENTRY, Arrival::Moved, &process.inside());
        }
        Ok(process)
    }

    /// One more of its threads has a row, if `most` allow for that.
    pub(crate) fn take_thread(&self, most: u32) -> bool {
        let mut threads = self.threads.lock();
        let may = *threads < most;
        *threads += u32::from(may);
        may
    }

    /// One less.
    pub(crate) fn give_thread_back(&self) {
        *self.threads.lock() -= 1;
    }

    /// Whether this is the attached process itself, and not a child forked from it: there the arena is not
    /// mapped, and nothing of it may be touched.
    #[inline(always)]
    pub fn is_here(&self) -> bool {
        self.guard.is_here()
    }

    /// Fails in a child forked from the attached process.
    #[cfg(not(loom))]
    pub(crate) fn require_here(&self) -> Result<()> {
        if self.is_here() { Ok(()) } else { Err(Error::BadState("a forked child has no arena")) }
    }

    /// The arena.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// The seat that this process has.
    pub fn seat(&self) -> Seat {
        Seat { row: self.row, epoch: self.epoch }
    }

    /// This process's row.
    pub fn row(&self) -> u16 {
        self.row
    }

    /// Whether a handle of this process is still the one that was found.
    #[cfg(not(loom))]
    pub(crate) fn still(&self, found: Found) -> bool {
        let word = self.arena.entry(self.row, found.index);
        // Relaxed: as in `Thread::still`.
        word.is_some_and(|word| word.load(Relaxed) == found.entry.0)
    }

    /// The value of the handle that the spawner left for this process, if it left one.
    pub fn startup_handle(&self) -> Option<u32> {
        let entry = Entry(self.arena.entry(self.row, STARTUP_ENTRY)?.load(Relaxed));
        entry.is_live().then(|| self.secret.value_of(STARTUP_ENTRY, entry))
    }

    /// Where an endpoint that has just come starts to number its calls.
    pub(crate) fn txid_start(&self) -> u32 {
        let mixed = self.secret.value_of(sync::now_ns() as u32 & 0xf_ffff, Entry(0));
        (mixed & 0x7fff_ffff).max(1)
    }

    /// Tells recovery how far the table has been used, before it is. Relaxed: the entries' own Release comes after.
    pub(crate) fn advance_fresh(&self, fresh: u32) {
        if let Ok(row) = self.arena.process(self.row)
            && row.entries_fresh.load(Relaxed) < fresh.into()
        {
            row.entries_fresh.store(fresh.into(), Relaxed);
        }
    }

    /// For whoever uses private halves and is no thread with a row: see [`Thread::inside`].
    pub(crate) fn inside(&self) -> Inside<'_> {
        #[cfg(not(loom))]
        return self.grace.visit();
        #[cfg(loom)]
        Inside::unseen()
    }

    /// The private half that belongs to this entry, if it has one.
    #[inline(always)]
    pub(crate) fn endpoint<'a>(&'a self, index: u32, inside: &'a Inside<'_>) -> Option<&'a Endpoint> {
        self.endpoints.get(index as usize, inside)
    }

    /// Takes private halves of free entries out, where more than enough are kept, and frees those that were taken out
    /// before and that no thread uses any more; a few of each. Gives whether there were any. For a caller that is outside.
    #[cold]
    pub(crate) fn free_private_halves(&self) -> bool {
        /// More than are closed at once, so that this keeps pace.
        const MOST: usize = 128;
        let taken = if !cfg!(loom) && self.grace.may_retire() {
            let mut pool = self.entries.lock();
            // Under the pool's lock: meanwhile the entries are not given out.
            self.endpoints.take(pool.strip(MOST))
        } else {
            Vec::new()
        };
        let mut has_done = !taken.is_empty();
        if has_done || self.grace.waiting() > 0 {
            let unused = self.grace.retire(taken);
            has_done |= !unused.is_empty();
            // SAFETY: all who use the table are inside by this grace.
            unsafe { self.endpoints.free(unused) };
        }
        if self.grace.waiting() >= MUCH {
            // Perhaps no more handles are closed for a long time.
            self.start_keeper();
        }
        has_done
    }

    /// Whether so many private halves wait to be freed that it is worth a look.
    pub(crate) fn has_halves_to_free(&self) -> bool {
        self.grace.waiting() >= MUCH
    }

    /// Frees all private halves that can be freed.
    pub(crate) fn free_waiting_halves(&self) {
        while self.free_private_halves() {}
    }

    /// The private halves of the endpoints that this process holds now, or will have let go in a moment.
    pub(crate) fn bound_endpoints<'a>(
        &'a self,
        inside: &'a Inside<'_>,
    ) -> impl Iterator<Item = (ObjectRef, &'a Endpoint)> {
        let fresh = self.entries.lock().fresh();
        (1..fresh).filter_map(move |index| {
            let endpoint = self.endpoint(index, inside)?;
            Some((endpoint.bound()?, endpoint))
        })
    }

    /// How many entries a walk over [`bound_endpoints`](Self::bound_endpoints) looks at.
    pub(crate) fn entries_walked(&self) -> usize {
        self.entries.lock().fresh() as usize
    }

    /// Makes the private half of an endpoint that has just come to this process, under this entry.
    pub(crate) fn install(&self, object: ObjectRef, index: u32, arrival: Arrival, inside: &Inside<'_>) {
        if arrival == Arrival::New
            && let Some(endpoint) = self.endpoint(index, inside)
            && endpoint.bound().is_none()
        {
            return endpoint.bind_new(object);
        }
        if let Some(endpoint) = self.endpoints.get_or_make(index as usize, inside) {
            let pending = if arrival == Arrival::New { 0 } else { self.pending_of(object) };
            endpoint.bind(index, object, pending, &self.quotas.messages);
        }
    }

    /// How many messages written at this end are pending, as far as quotas go.
    pub(crate) fn pending_of(&self, object: ObjectRef) -> u64 {
        if !self.quotas.messages.is_limited() {
            return 0;
        }
        let Ok(body) = self.arena.body(object.slot()) else { return 0 };
        let direction = &body.directions[object.side()];
        // Relaxed: a number for the books; `load_sender` looks again before anything is written.
        let consumed = direction.consumed(direction.consumer.head.load(Relaxed));
        let pending = direction.producer.tail.load(Relaxed).wrapping_sub(consumed);
        pending.min(self.arena.layout().config.max_pending_messages.into())
    }

    /// Whether the entry holds an endpoint, whose private half is here.
    #[inline(always)]
    pub(crate) fn is_endpoint(&self, index: u32, object: ObjectRef, inside: &Inside<'_>) -> bool {
        self.endpoint(index, inside).is_some_and(|endpoint| endpoint.is_bound_to(object))
    }
}

impl Thread {
    /// Waits until no thread of this process is inside an operation on the endpoint, whose entry is no longer
    /// LIVE, and lets no later one in. `false` if the entry holds none.
    #[inline(always)]
    pub(crate) fn evict(&self, index: u32, object: ObjectRef) -> bool {
        // Most handles are no endpoints.
        if !self.process.endpoints.may_have(index as usize) {
            return false;
        }
        let inside = self.inside();
        match self.process.endpoint(index, &inside) {
            Some(endpoint) if endpoint.is_bound_to(object) => {
                endpoint.unbind(&self.process.quotas.messages);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Config;

    const CHANNELS: usize = 20_000;

    fn process_for_bursts() -> Arc<Process> {
        let config = Config {
            max_processes: 1,
            max_threads: 2,
            max_objects: 2 * CHANNELS as u32,
            max_handles_per_process: 3 * CHANNELS as u32,
            pool_bytes: 1 << 24,
            ..Config::default()
        };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        Process::sit(arena.clone(), arena.first_seat().unwrap(), 1, 1).unwrap()
    }

    #[test]
    fn after_a_burst_private_halves_are_freed() {
        let process = process_for_bursts();
        let thread = Thread::join(&process).unwrap();
        for _ in 0..2 {
            burst_of_channels(&thread, |_| assert!(process.endpoints.made() >= 2 * CHANNELS));
            assert_few_halves(&process);
        }
    }

    /// Channels whose ends come to more than are kept, made and closed; `between` comes when all are there.
    fn burst_of_channels(thread: &Thread, between: impl FnOnce(&[u32])) {
        let ends: Vec<_> = (0..CHANNELS)
            .flat_map(|_| {
                let (near, far) = thread.create(Shape::Channel, 4, 0).unwrap();
                [near, far.unwrap()]
            })
            .collect();
        between(&ends);
        for end in ends {
            // Closed already, perhaps.
            let _ = thread.find(end).and_then(|found| thread.close(found));
        }
    }

    fn assert_few_halves(process: &Process) {
        // Those that rest, those that are kept, and what waits for a grace period.
        let (made, waiting) = (process.endpoints.made(), process.grace.waiting());
        assert!(made < 3000 && waiting < 1000, "{made} private halves, {waiting} to be freed");
    }

    #[test]
    fn halves_are_freed_though_somebody_stayed_inside() {
        let process = process_for_bursts();
        let thread = Thread::join(&process).unwrap();
        let inside = process.inside();
        burst_of_channels(&thread, |_| ());
        drop(inside);
        burst_of_channels(&thread, |_| ());
        assert_few_halves(&process);
    }

    #[test]
    fn the_keeper_frees_halves_when_all_is_quiet() {
        use core::sync::atomic::{AtomicBool, Ordering};
        let process = process_for_bursts();
        let done = Arc::new(AtomicBool::new(false));
        process.set_keeper({
            let (process, done) = (Arc::downgrade(&process), done.clone());
            move || {
                let (process, done) = (process.upgrade().unwrap(), done.clone());
                std::thread::spawn(move || process.keep(|| !done.load(Ordering::Relaxed)));
                true
            }
        });
        let thread = Thread::join(&process).unwrap();
        let inside = process.inside();
        burst_of_channels(&thread, |_| ());
        drop(inside);
        assert!(process.has_halves_to_free());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while process.has_halves_to_free() {
            assert!(std::time::Instant::now() < deadline, "all has been quiet for a minute");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        done.store(true, Ordering::Relaxed);
    }

    #[test]
    fn a_thread_that_only_sends_handles_frees_halves_too() {
        let process = process_for_bursts();
        let thread = Thread::join(&process).unwrap();
        let (near, far) = thread.create(Shape::Channel, 4, 0).unwrap();
        let find = |value| thread.find(value).unwrap();
        for _ in 0..2 {
            burst_of_channels(&thread, |ends| {
                for ends in ends.chunks(64) {
                    thread.send_with_handles(find(near), 0, &[], ends, 0, None).unwrap();
                }
            });
            assert_few_halves(&process);
            let (mut bytes, mut handles) = (Vec::new(), Vec::new());
            for _ in 0..(2 * CHANNELS).div_ceil(64) {
                let mut sink = crate::Growing::new(&mut bytes, &mut handles);
                thread.receive(find(far.unwrap()), 0, &mut sink, crate::TooSmall::Keep).unwrap();
                for received in handles.drain(..) {
                    thread.close(find(received.value)).unwrap();
                }
            }
        }
    }

    #[test]
    fn private_halves_are_as_many_as_entries() {
        let config = Config {
            max_processes: 1,
            max_threads: 1,
            max_objects: 4096,
            max_handles_per_process: 8,
            pool_bytes: 4096,
            ..Config::default()
        };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process = Process::sit(arena.clone(), arena.first_seat().unwrap(), 1, 1).unwrap();
        let thread = Thread::join(&process).unwrap();
        for _ in 0..2000 {
            let (near, far) = thread.create(Shape::Channel, 4, 0).unwrap();
            for end in [near, far.unwrap()] {
                thread.close(thread.find(end).unwrap()).unwrap();
            }
        }
        assert!(arena.used_slots() > 500, "the channels lay in many slots");
        assert!(process.endpoints.made() <= 8, "{} private halves", process.endpoints.made());
        assert_eq!(process.bound_endpoints(&process.inside()).count(), 0);
    }
}
