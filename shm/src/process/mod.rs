//! This process in the arena: the private half of its row.
//!
//! Everything here dies with the process and needs no recovery: free lists are hints (the words in the arena
//! decide), endpoint locks exclude only threads of this process.

pub(crate) mod endpoint;
pub(crate) mod entries;
#[cfg(not(loom))]
pub(crate) mod exit;
pub(crate) mod fork_guard;
pub(crate) mod handle_table;
pub(crate) mod pace;
pub(crate) mod quota;
pub(crate) mod rows;
pub(crate) mod scavenger;
pub(crate) mod slots;
pub(crate) mod thread;

use crate::arena::Arena;
#[cfg(not(loom))]
use crate::arena::error::{Error, Result};
use crate::arena::word::handle::Entry;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::row::ProcessSlot;
use crate::process::endpoint::Endpoint;
use crate::process::handle_table::{EntryPool, HandleCodec};
use crate::process::quota::Quotas;
use crate::process::scavenger::Scavenger;
use crate::sync::{self, Grace, Inside, Lock, Relaxed, Retired, SparseTable};
use std::sync::Arc;

/// How many private halves may wait to be freed until more handles are closed: some 800 KiB.
const MUCH: usize = 1024;

/// The entry in which a spawner leaves a child's startup handle.
pub(crate) const STARTUP_ENTRY: u32 = 1;

/// How an end of a channel came to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It was made here.
    New,
    /// It may have been used before.
    Moved,
}

/// This process, attached.
pub struct Process {
    pub(crate) arena: Arc<Arena>,
    guard: crate::process::fork_guard::ForkGuard,
    pub(crate) row: u16,
    epoch: u32,
    pub(crate) codec: HandleCodec,
    pub(crate) entries: Lock<EntryPool>,
    /// Threads that have a row.
    threads: Lock<u32>,
    /// Retired slots that an ended thread left to be reclaimed.
    pub(crate) orphans: Lock<Vec<(u32, Lifecycle)>>,
    /// What this process may still take, and which blocks were free when last seen.
    pub(crate) quotas: Quotas,
    /// The private halves of endpoints, each by the entry that holds it or held one.
    endpoints: SparseTable<Endpoint>,
    /// Who may be using one of them: it is freed when they have gone on.
    pub(crate) grace: Grace<Retired>,
    pub(crate) scavenger: Scavenger,
}

impl core::fmt::Debug for Process {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Process").field("row", &self.row).finish_non_exhaustive()
    }
}

impl Process {
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

    /// The process slot that this process has.
    pub fn process_slot(&self) -> ProcessSlot {
        ProcessSlot { row: self.row, epoch: self.epoch }
    }

    /// This process's row.
    pub fn row(&self) -> u16 {
        self.row
    }

    /// The value of the handle that the spawner left for this process, if it left one.
    pub fn startup_handle(&self) -> Option<u32> {
        let entry = Entry(self.arena.entry(self.row, STARTUP_ENTRY)?.load(Relaxed));
        entry.is_live().then(|| self.codec.encode(STARTUP_ENTRY, entry))
    }

    /// Where an endpoint that has just come starts to number its calls.
    pub(crate) fn txid_start(&self) -> u32 {
        let mixed = self.codec.encode(sync::now_ns() as u32 & 0xf_ffff, Entry(0));
        (mixed & 0x7fff_ffff).max(1)
    }

    /// Tells recovery how far the table has been used, before it is. Relaxed: the entries' own Release comes after.
    pub(crate) fn advance_hwm(&self, fresh: u32) {
        if let Ok(row) = self.arena.process(self.row)
            && row.entries_hwm.load(Relaxed) < fresh.into()
        {
            row.entries_hwm.store(fresh.into(), Relaxed);
        }
    }

    /// For whoever uses private halves and is no thread with a row: see `Thread::inside`.
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
            self.scavenger.start();
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
    pub(crate) fn bind_endpoint(&self, object: ObjectRef, index: u32, origin: Origin, inside: &Inside<'_>) {
        if origin == Origin::New
            && let Some(endpoint) = self.endpoint(index, inside)
            && endpoint.bound().is_none()
        {
            return endpoint.bind_new(object);
        }
        if let Some(endpoint) = self.endpoints.get_or_make(index as usize, inside) {
            let pending = if origin == Origin::New { 0 } else { self.pending_of(object) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::object::ObjectClass;
    use crate::process::thread::Thread;

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
        Process::attach(arena.clone(), arena.first_slot().unwrap(), 1, 1).unwrap()
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
                let (near, far) = thread.create(ObjectClass::Channel, 0).unwrap();
                [near, far.unwrap()]
            })
            .collect();
        between(&ends);
        for end in ends {
            // Closed already, perhaps.
            let _ = thread.lookup(end).and_then(|found| thread.close(found));
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
        process.set_scavenger({
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
        let (near, far) = thread.create(ObjectClass::Channel, 0).unwrap();
        let find = |value| thread.lookup(value).unwrap();
        for _ in 0..2 {
            burst_of_channels(&thread, |ends| {
                for ends in ends.chunks(64) {
                    thread.send_with_handles(find(near), 0, &[], ends, 0, None).unwrap();
                }
            });
            assert_few_halves(&process);
            let (mut bytes, mut handles) = (Vec::new(), Vec::new());
            for _ in 0..(2 * CHANNELS).div_ceil(64) {
                let mut sink = crate::VecBuf::new(&mut bytes, &mut handles);
                thread.receive(find(far.unwrap()), 0, &mut sink, crate::OnOverflow::Keep).unwrap();
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
        let process = Process::attach(arena.clone(), arena.first_slot().unwrap(), 1, 1).unwrap();
        let thread = Thread::join(&process).unwrap();
        for _ in 0..2000 {
            let (near, far) = thread.create(ObjectClass::Channel, 0).unwrap();
            for end in [near, far.unwrap()] {
                thread.close(thread.lookup(end).unwrap()).unwrap();
            }
        }
        assert!(arena.used_slots() > 500, "the channels lay in many slots");
        assert!(process.endpoints.made() <= 8, "{} private halves", process.endpoints.made());
        assert_eq!(process.bound_endpoints(&process.inside()).count(), 0);
    }
}
