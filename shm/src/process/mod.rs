//! This process in the arena: the private half of its row.
//!
//! All state here dies with the process and needs no recovery. Free lists are hints, since the words in the arena
//! decide. The locks of private halves exclude only threads of this process.

pub(crate) mod entries;
#[cfg(not(loom))]
pub(crate) mod exit;
pub(crate) mod fork_guard;
pub(crate) mod half;
pub(crate) mod handle_table;
pub(crate) mod pace;
#[cfg_attr(loom, allow(dead_code, reason = "wakes take no time in models"))]
pub(crate) mod patience;
pub(crate) mod quota;
pub(crate) mod rows;
pub(crate) mod scavenger;
pub(crate) mod slots;
pub(crate) mod thread;

use crate::arena::Arena;
#[cfg(not(loom))]
use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{Entry, EntryIndex, HandleValue};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ProcessIndex, Slot};
use crate::arena::word::row::ProcessSlot;
use crate::process::half::{Halves, RetiredHalf};
use crate::process::handle_table::{EntryPool, HandleCodec};
use crate::process::quota::Quotas;
use crate::process::scavenger::Scavenger;
use crate::sync::{self, Grace, Inside, Lock, Relaxed};
use std::sync::Arc;

/// How many private halves may wait for further closes to free them: some 800 KiB.
const MUCH: usize = 1024;

/// The entry in which a spawner leaves a child's startup handle.
pub(crate) const STARTUP_ENTRY: EntryIndex = EntryIndex(1);

/// How an object with a private half came to this process.
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
    pub(crate) row: ProcessIndex,
    epoch: u32,
    pub(crate) codec: HandleCodec,
    pub(crate) entries: Lock<EntryPool>,
    /// How many threads have a row.
    threads: Lock<u32>,
    /// Retired slots that ended threads left to be reclaimed.
    pub(crate) orphans: Lock<Vec<(Slot, Lifecycle)>>,
    /// The credits of this process.
    pub(crate) quotas: Quotas,
    pub(crate) halves: Halves,
    /// What is mapped of VM objects.
    #[cfg(not(loom))]
    pub(crate) maps: Lock<crate::process::half::maps::Maps>,
    /// The threads that may be using a half. A half that was taken out is freed when they have all moved on.
    pub(crate) grace: Grace<RetiredHalf>,
    pub(crate) scavenger: Scavenger,
    /// Whether it could use one processor only when it attached.
    pub(crate) has_one_processor: bool,
}

impl core::fmt::Debug for Process {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Process").field("row", &self.row).finish_non_exhaustive()
    }
}

impl Process {
    /// Counts one more thread with a row, if `most` allows it.
    pub(crate) fn take_thread(&self, most: u32) -> bool {
        let mut threads = self.threads.lock();
        let may = *threads < most;
        *threads += u32::from(may);
        may
    }

    /// Counts one thread less.
    pub(crate) fn release_thread(&self) {
        *self.threads.lock() -= 1;
    }

    /// Whether this is the attached process itself, and not a child forked from it. In a child the arena is not mapped,
    /// and none of it may be touched.
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
    pub fn row(&self) -> ProcessIndex {
        self.row
    }

    /// The value of the handle that the spawner left for this process, if it left one.
    pub fn startup_handle(&self) -> Option<HandleValue> {
        // Relaxed: the spawner left the handle before it told this process of its slot.
        let entry = Entry(self.arena.entry(self.row, STARTUP_ENTRY)?.load(Relaxed));
        entry.is_live().then(|| self.codec.encode(STARTUP_ENTRY, entry))
    }

    /// The first transaction id of an endpoint that has just arrived: a random one, since replies to the previous
    /// owner's calls may still be in flight.
    pub(crate) fn txid_start(&self) -> u32 {
        // The secret of the codec and the time: another process cannot guess the id, and two arrivals seldom start at
        // the same id.
        let mixed = self.codec.encode(EntryIndex(sync::now_ns() as u32 & 0xf_ffff), Entry(0));
        (mixed.0 & 0x7fff_ffff).max(1)
    }

    /// Raises the table's high-water mark, before the entries below it are used: recovery looks no further. Relaxed:
    /// the entries' own Release comes after.
    pub(crate) fn advance_hwm(&self, hwm: u32) {
        if let Ok(row) = self.arena.process(self.row)
            && row.entries_hwm.load(Relaxed) < hwm.into()
        {
            row.entries_hwm.store(hwm.into(), Relaxed);
        }
    }

    /// Enters a grace period's protection, for a user of private halves that has no thread row: see `Thread::inside`.
    pub(crate) fn inside(&self) -> Inside<'_> {
        #[cfg(not(loom))]
        return self.grace.visit();
        #[cfg(loom)]
        Inside::unseen()
    }

    /// Takes private halves of free entries out of the table, if more than enough are kept, and frees halves that were
    /// taken out earlier and that no thread uses any more; a few of each. Returns whether there were any. The caller is
    /// not inside.
    #[cold]
    pub(crate) fn free_private_halves(&self) -> bool {
        /// More than the entries closed at once, so that freeing keeps up with closing.
        const MOST: usize = 128;
        let taken = if !cfg!(loom) && self.grace.may_retire() {
            let mut pool = self.entries.lock();
            // Under the pool's lock, so that no thread takes these entries meanwhile.
            self.halves.take(pool.strip(MOST))
        } else {
            Vec::new()
        };
        let mut has_done = !taken.is_empty();
        if has_done || self.grace.waiting() > 0 {
            // Called without new halves too: it also looks whether earlier ones have become unused.
            let unused = self.grace.retire(taken);
            has_done |= !unused.is_empty();
            // SAFETY: every user of a half is inside by this grace, and the grace period of `unused` is over.
            unsafe { self.halves.free(unused) };
        }
        if self.grace.waiting() >= MUCH {
            // The process may close no more handles for a long time. Then the scavenger frees them.
            self.scavenger.start();
        }
        has_done
    }

    /// Whether enough private halves wait to be freed that it is worth a look.
    pub(crate) fn has_halves_to_free(&self) -> bool {
        self.grace.waiting() >= MUCH
    }

    /// Frees all private halves that can be freed.
    pub(crate) fn free_waiting_halves(&self) {
        while self.free_private_halves() {}
    }

    /// How many entries a walk over all of this process's private halves looks at.
    pub(crate) fn entries_walked(&self) -> usize {
        self.entries.lock().hwm() as usize
    }
}

#[cfg(test)]
impl Process {
    /// The only process of a new arena on the heap.
    pub(crate) fn alone(config: &crate::arena::config::Config) -> Arc<Self> {
        let arena = Arc::new(Arena::heap(config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        Self::attach(arena, process_slot, 1, 1).unwrap()
    }

    /// The same, with room for a few channels.
    #[cfg(not(loom))]
    pub(crate) fn alone_with_few_channels() -> Arc<Self> {
        use crate::arena::config::Config;
        Self::alone(&Config {
            max_objects: 16,
            max_handles_per_process: 64,
            max_processes: 1,
            pool_bytes: 1 << 16,
            max_loan_bytes: 1 << 12,
            ..Config::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::object::channel::endpoint;
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
    fn private_halves_are_freed_after_a_burst() {
        let process = process_for_bursts();
        let thread = Thread::join(&process).unwrap();
        for _ in 0..2 {
            burst_of_channels(&thread, |_| assert!(process.halves.channel.made() >= 2 * CHANNELS));
            assert_few_halves(&process);
        }
    }

    /// Makes more channels than the table keeps halves for, and closes them all; calls `between` when all are there.
    fn burst_of_channels(thread: &Thread, between: impl FnOnce(&[HandleValue])) {
        let ends: Vec<_> = (0..CHANNELS)
            .flat_map(|_| {
                let (near, far) = thread.create(ObjectClass::Channel, Rights::empty()).unwrap();
                [near, far.unwrap()]
            })
            .collect();
        between(&ends);
        for end in ends {
            // `between` may have closed it already.
            let _ = thread.lookup(end).and_then(|found| thread.close(found));
        }
    }

    fn assert_few_halves(process: &Process) {
        // The halves of entries in quarantine, those that the pool keeps, and those that wait for a grace period.
        let (made, waiting) = (process.halves.channel.made(), process.grace.waiting());
        assert!(made < 3000 && waiting < 1000, "{made} private halves, {waiting} to be freed");
    }

    #[test]
    fn halves_are_freed_after_a_long_visit() {
        let process = process_for_bursts();
        let thread = Thread::join(&process).unwrap();
        let inside = process.inside();
        burst_of_channels(&thread, |_| ());
        drop(inside);
        burst_of_channels(&thread, |_| ());
        assert_few_halves(&process);
    }

    #[test]
    fn an_idle_scavenger_frees_halves() {
        use core::sync::atomic::{AtomicBool, Ordering};
        let process = process_for_bursts();
        let done = Arc::new(AtomicBool::new(false));
        process.set_scavenger({
            let (process, done) = (Arc::downgrade(&process), done.clone());
            move || {
                let (process, done) = (process.upgrade().unwrap(), done.clone());
                std::thread::spawn(move || process.run_scavenger(|| !done.load(Ordering::Relaxed)));
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
            assert!(std::time::Instant::now() < deadline, "the scavenger freed no halves within a minute");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        done.store(true, Ordering::Relaxed);
    }

    #[test]
    fn sending_handles_frees_halves() {
        let process = process_for_bursts();
        let thread = Thread::join(&process).unwrap();
        let (near, far) = thread.create(ObjectClass::Channel, Rights::empty()).unwrap();
        let find = |value| thread.lookup(value).unwrap();
        for _ in 0..2 {
            burst_of_channels(&thread, |ends| {
                for ends in ends.chunks(64) {
                    thread
                        .send_with_handles(find(near), Rights::empty(), &[], ends, Rights::empty(), None)
                        .unwrap();
                }
            });
            assert_few_halves(&process);
            let (mut bytes, mut handles) = (Vec::new(), Vec::new());
            for _ in 0..(2 * CHANNELS).div_ceil(64) {
                let mut buffer = crate::VecBuf::new(&mut bytes, &mut handles);
                thread
                    .receive(find(far.unwrap()), Rights::empty(), &mut buffer, crate::OnOverflow::Keep)
                    .unwrap();
                for received in handles.drain(..) {
                    thread.close(find(received.value)).unwrap();
                }
            }
        }
    }

    #[test]
    fn halves_never_outnumber_entries() {
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
            let (near, far) = thread.create(ObjectClass::Channel, Rights::empty()).unwrap();
            for end in [near, far.unwrap()] {
                thread.close(thread.lookup(end).unwrap()).unwrap();
            }
        }
        assert!(arena.used_slots() > 500, "the channels lay in many slots");
        assert!(process.halves.channel.made() <= 8, "{} private halves", process.halves.channel.made());
        assert_eq!(endpoint::bound(&process, &process.inside()).count(), 0);
    }
}
