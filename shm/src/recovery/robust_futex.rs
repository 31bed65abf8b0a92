//! Death notices: a robust futex reports a death before the kernel has freed the dead process's memory.
//!
//! A pidfd becomes readable when its process is a zombie. Before that the kernel frees all of the process's memory,
//! which takes milliseconds for a large one. The kernel handles robust futexes earlier. So one thread of each process,
//! which has no other work that could end it, keeps its number in the process's row, as the owner of a robust futex
//! does, and registers the word with the kernel (`set_robust_list(2)`). When the thread ends, for any reason, the
//! kernel sets OWNER_DIED in the word and wakes the sleeper on it.
//!
//! ```text
//!  63                32 31        30           29                 0
//!  ┌───────────────────┬─────────┬────────────┬────────────────────┐
//!  │ 0                 │ WAITERS │ OWNER_DIED │ number of thread   │      0: not set
//!  └───────────────────┴─────────┴────────────┴────────────────────┘
//!                       └──────────── the kernel reads this half ──┘
//! ```
//!
//! | transition | by |
//! |---|---|
//! | 0 → WAITERS, t | thread t, once its process is attached |
//! | WAITERS, t → WAITERS, OWNER_DIED | the kernel, when t ends: CAS of a word that names t, and of no other |
//! | WAITERS, t → 0 | t, when it ends and its process goes on: CAS |
//! | any → 0 | recovery, with the rest of the row |
//!
//! INV-NOTICE-1: a death notice is no proof. It also fires when a process replaces itself by exec, and any process can
//! write it. It says when to check, and the checker needs a proof from the kernel.
//!
//! INV-NOTICE-2: the kernel writes to no row that belongs to another process by now. If a thread ends late, the kernel
//! finds a word that does not name it: no other thread has its number while it exists.
//!
//! A process that dies before the word is stored, or before the list is registered, has a word that never fires. Then
//! its pidfd reports the death, as in any case.
//!
//! Every access is Relaxed: the word publishes no data, and no conclusion is drawn from it.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::row::ProcessSlot;
use crate::process::Process;
use crate::sync::{AtomicU64, DEADLINE_INFINITE_NS, Futex, Relaxed, low_half};
use core::ffi::c_long;
use core::marker::PhantomData;
use core::ptr;
use std::sync::Arc;

/// These three are from the kernel's `<linux/futex.h>`.
const FUTEX_WAITERS: u32 = 0x8000_0000;

const FUTEX_OWNER_DIED: u32 = 0x4000_0000;

const FUTEX_TID_MASK: u32 = 0x3fff_ffff;

/// The kernel's `struct robust_list_head`, and the one node of its list.
#[repr(C)]
struct List {
    first: *const Node,
    /// From a node to its futex.
    futex_offset: c_long,
    pending: *const Node,
    node: Node,
}

/// The kernel's `struct robust_list`: the last one points to the list's head.
#[repr(C)]
struct Node {
    next: *const Node,
}

/// The `len` that the kernel requires: the list's head without the node.
const HEAD_BYTES: usize = core::mem::offset_of!(List, node);

/// Registers the robust futexes that this thread holds, in place of the list registered before.
fn set_robust_list(list: *const List) -> std::io::Result<()> {
    // SAFETY: the call stores the pointer and touches no memory. The kernel follows it when this thread ends: `list` is
    // null, and then there is no list to follow, or a list that is kept until it is replaced here (`DeathNotice`) or
    // until the thread is gone.
    let refused = unsafe { libc::syscall(libc::SYS_set_robust_list, list, HEAD_BYTES) } != 0;
    if refused { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

/// A registered death notice: the end of this thread reports the end of its process. Belongs to the thread that has set
/// it.
pub struct DeathNotice {
    process: Arc<Process>,
    value: u64,
    /// The kernel follows it when the thread ends, so it must not move. A death notice that is forgotten leaks it.
    list: *mut List,
    _of_this_thread: PhantomData<*const ()>,
}

impl core::fmt::Debug for DeathNotice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DeathNotice").field("row", &self.process.row()).finish_non_exhaustive()
    }
}

impl DeathNotice {
    /// Sets the death notice of this process, on the calling thread. The thread must take no robust mutex of libc: this
    /// list replaces libc's.
    pub fn set(process: &Arc<Process>) -> std::io::Result<Self> {
        let arena = process.arena();
        let word = &arena.process(process.row()).map_err(std::io::Error::other)?.death_notice;
        let thread = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        let value = u64::from(thread | FUTEX_WAITERS);
        let list = Box::into_raw(Box::new(List {
            first: ptr::null(),
            futex_offset: 0,
            pending: ptr::null(),
            node: Node { next: ptr::null() },
        }));
        // SAFETY: `list` is a fresh allocation that no other thread knows yet.
        unsafe {
            let node = &raw const (*list).node;
            (*list).first = node;
            (*list).node.next = list.cast();
            // The kernel adds the offset to the node's address. So the node can be private memory and the futex word
            // lie in the arena.
            let to_word = ptr::from_ref(low_half(word)).expose_provenance().wrapping_sub(node.addr());
            (*list).futex_offset = to_word.cast_signed() as c_long;
        }
        word.store(value, Relaxed);
        // From here on, dropping this value undoes the store.
        let death_notice = Self { process: process.clone(), value, list, _of_this_thread: PhantomData };
        set_robust_list(list)?;
        // A watcher that looked before the store saw 0, and sleeps on 0.
        arena.futex().wake_all(word);
        Ok(death_notice)
    }
}

impl Drop for DeathNotice {
    /// The thread ends and its process goes on, so the word must not fire.
    fn drop(&mut self) {
        if set_robust_list(ptr::null()).is_err() {
            // The kernel still has the list, so it must not be freed.
            return;
        }
        // SAFETY: made by `Box::into_raw`, freed only here, and the kernel has no pointer to it any more.
        drop(unsafe { Box::from_raw(self.list) });
        if let Ok(row) = self.process.arena().process(self.process.row()) {
            // CAS: the row may name another thread or process by now.
            let _ = row.death_notice.compare_exchange(self.value, 0, Relaxed, Relaxed);
        }
    }
}

/// A snapshot of a death notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeState {
    /// The process slot that it belongs to.
    pub process_slot: ProcessSlot,
    value: u32,
}

impl NoticeState {
    /// Whether the thread that had set it has ended.
    pub fn owner_died(self) -> bool {
        self.value & FUTEX_OWNER_DIED != 0
    }
}

pub(crate) fn death_notice_thread(arena: &Arena, process_slot: ProcessSlot) -> Option<u32> {
    let value = arena.process(process_slot.row).ok()?.death_notice.load(Relaxed) as u32;
    let thread = value & FUTEX_TID_MASK;
    (value & FUTEX_OWNER_DIED == 0 && thread != 0).then_some(thread)
}

pub(crate) fn has_death_notice(arena: &Arena, process_slot: ProcessSlot) -> bool {
    arena
        .process(process_slot.row)
        .is_ok_and(|row| row.death_notice.load(Relaxed) as u32 & FUTEX_OWNER_DIED != 0)
}

/// Sleeps until one of several death notices changes.
#[derive(Debug)]
pub struct DeathWatch {
    arena: Arc<Arena>,
    /// In private memory. A change of it wakes the sleeper.
    turn: AtomicU64,
}

impl DeathWatch {
    /// The most death notices in one sleep: the limit of `futex_waitv(2)`, less the word that ends the sleep.
    pub const MOST: usize = Futex::MOST_WORDS - 1;

    /// For the death notices of this arena.
    pub fn new(arena: Arc<Arena>) -> Self {
        Self { arena, turn: AtomicU64::new(0) }
    }

    /// The present state of one death notice.
    pub fn look(&self, process_slot: ProcessSlot) -> Result<NoticeState> {
        let value = self.arena.process(process_slot.row)?.death_notice.load(Relaxed) as u32;
        Ok(NoticeState { process_slot, value })
    }

    /// The turn to pass to [`sleep`](Self::sleep). Taken before the snapshots, so that an interrupt in between ends the
    /// sleep.
    pub fn turn(&self) -> u32 {
        self.turn.load(Relaxed) as u32
    }

    /// Ends the present sleep, and every later one that was given an earlier turn.
    pub fn interrupt(&self) {
        self.turn.fetch_add(1, Relaxed);
        self.arena.futex().wake_all(&self.turn);
    }

    /// Sleeps while the first [`MOST`](Self::MOST) of these are as in their snapshots and the turn is `turn`. May wake
    /// without a reason.
    ///
    /// Where the kernel refuses `futex_waitv(2)`, it sleeps until the turn ends, without a look at the death notices:
    /// the pidfds report the deaths a little later, and polling in an endless sleep would cost too much.
    pub fn sleep(&self, turn: u32, seen: &[NoticeState]) -> Result<()> {
        let mut words = vec![(&self.turn, turn)];
        for seen in seen.iter().take(Self::MOST) {
            words.push((&self.arena.process(seen.process_slot.row)?.death_notice, seen.value));
        }
        let futex = self.arena.futex();
        if futex.wait_for_all(&words, DEADLINE_INFINITE_NS).is_none() {
            futex.wait(&words[..1], DEADLINE_INFINITE_NS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::config::Config;

    /// A process attached to its own arena.
    fn attached() -> (Arc<Process>, ProcessSlot) {
        let arena = Arc::new(Arena::create(&Config::default()).unwrap());
        let process_slot = arena.first_slot().unwrap();
        (Process::attach(arena, process_slot, std::process::id(), 1).unwrap(), process_slot)
    }

    fn wait_until(wires: &DeathWatch, process_slot: ProcessSlot, owner_died: bool) -> NoticeState {
        loop {
            let (turn, seen) = (wires.turn(), wires.look(process_slot).unwrap());
            if seen.value != 0 && seen.owner_died() == owner_died {
                return seen;
            }
            wires.sleep(turn, &[seen]).unwrap();
        }
    }

    #[test]
    fn thread_end_sets_owner_died_and_wakes() {
        let (process, process_slot) = attached();
        let wires = DeathWatch::new(process.arena().clone());
        std::thread::scope(|scope| {
            let (end, until) = std::sync::mpsc::channel::<()>();
            let process = &process;
            scope.spawn(move || {
                std::mem::forget(DeathNotice::set(process).unwrap());
                let _ = until.recv();
            });
            wait_until(&wires, process_slot, false);
            std::thread::scope(|scope| {
                let waiter = scope.spawn(|| wait_until(&wires, process_slot, true));
                std::thread::sleep(std::time::Duration::from_millis(20));
                assert!(!waiter.is_finished());
                drop(end);
            });
        });
    }

    #[test]
    fn dropped_notice_clears_its_word() {
        let (process, process_slot) = attached();
        let wires = DeathWatch::new(process.arena().clone());
        std::thread::scope(|scope| {
            let process = &process;
            scope.spawn(move || drop(DeathNotice::set(process).unwrap())).join().unwrap();
        });
        assert_eq!(wires.look(process_slot).unwrap().value, 0);
    }

    /// INV-NOTICE-2.
    #[test]
    fn kernel_skips_word_of_another_thread() {
        let (process, process_slot) = attached();
        let wires = DeathWatch::new(process.arena().clone());
        let word = &process.arena().process(process_slot.row).unwrap().death_notice;
        std::thread::scope(|scope| {
            let process = &process;
            let thread = scope.spawn(move || {
                std::mem::forget(DeathNotice::set(process).unwrap());
                word.store(u64::from(FUTEX_WAITERS | 1), Relaxed);
            });
            // `join` returns after the kernel has handled the robust list.
            thread.join().unwrap();
        });
        assert_eq!(wires.look(process_slot).unwrap().value, FUTEX_WAITERS | 1);
    }

    #[test]
    fn interrupt_ends_a_sleep() {
        let (process, process_slot) = attached();
        let wires = DeathWatch::new(process.arena().clone());
        let (turn, seen) = (wires.turn(), wires.look(process_slot).unwrap());
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                while wires.turn() == turn {
                    wires.sleep(turn, &vec![seen; 2 * DeathWatch::MOST]).unwrap();
                }
            });
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!sleeper.is_finished());
            wires.interrupt();
        });
    }
}
