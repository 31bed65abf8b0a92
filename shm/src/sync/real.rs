//! The facade over the machine: `core` atomics, `membarrier(2)`, `futex(2)`.

use super::Slept;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence};
use rustix::thread::futex;
use rustix::time::Timespec;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

pub(crate) use core::sync::atomic::{AtomicU64, fence};

const MEMBARRIER_CMD_GLOBAL_EXPEDITED: libc::c_int = 1 << 1;
const MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED: libc::c_int = 1 << 2;

/// Whether this process is registered for expedited barriers, so that a compiler fence is enough here.
static ASYMMETRIC: AtomicBool = AtomicBool::new(false);

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: membarrier takes a command, flags and a CPU number, and touches no memory of the caller.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Registers this process for other processes' heavy barriers. `false` means that its light barriers stay
/// full fences, which is always right and a few nanoseconds dearer. Lost on exec, kept on fork.
pub(crate) fn register_barriers() -> bool {
    let registered = membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
    ASYMMETRIC.store(registered, Ordering::Relaxed);
    registered
}

/// Orders this thread's earlier stores before its later loads, as seen by whoever issues a
/// [`heavy_barrier`].
#[inline(always)]
pub(crate) fn light_barrier() {
    if ASYMMETRIC.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// Makes every running thread of every registered process pass a full fence. `false` when the kernel refuses:
/// then nothing may be concluded about the others.
#[must_use]
pub(crate) fn heavy_barrier() -> bool {
    fence(Ordering::SeqCst);
    let ran = membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
    fence(Ordering::SeqCst);
    ran
}

/// A store by a word's owner, over what others may mark in it by CAS of what the owner stored before.
#[inline(always)]
pub(crate) fn store_over_marks(word: &AtomicU64, value: u64, order: Ordering) {
    word.store(value, order);
}

/// Beside memory that is written by one and read by another, never both at once. Costs nothing here.
#[derive(Debug, Default)]
pub(crate) struct Shadow;

impl Shadow {
    /// The memory is being read.
    #[inline(always)]
    pub(crate) fn read(&self) {}

    /// The memory is being written.
    #[inline(always)]
    pub(crate) fn written(&self) {}
}

/// One step of waiting for another thread: a spin-loop hint, and a yield once in a while.
#[inline]
pub(crate) fn pause(step: u32) {
    if step % 64 == 63 {
        std::thread::yield_now();
    } else {
        core::hint::spin_loop();
    }
}

/// Has the processor fetch a line that is about to be written, without waiting for it. A locked instruction waits for
/// all stores before it, and would wait for the line.
#[inline(always)]
pub(crate) fn fetch_to_write<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it changes nothing but what is in the cache.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) core::ptr::from_ref(line), options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Has the processor fetch a line that is about to be read, without waiting for it.
#[inline(always)]
pub(crate) fn fetch_to_read<T>(line: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint: it changes nothing but what is in the cache.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(
            core::ptr::from_ref(line).cast(),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Leaves the lines that others are writing alone for about a microsecond.
pub(crate) fn rest() {
    for _ in 0..16 {
        core::hint::spin_loop();
    }
}

/// Nanoseconds of `CLOCK_MONOTONIC`, through the vDSO.
#[inline]
pub(crate) fn now_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
}

/// Sleeping on words of the arena that other processes change. Never `FUTEX_PRIVATE`.
#[derive(Debug)]
pub(crate) struct Futex;

/// The half of a word that the kernel compares: its low 32 bits.
pub(crate) fn low_half(word: &AtomicU64) -> &AtomicU32 {
    let low = core::ptr::from_ref(word).cast::<AtomicU32>();
    // Little-endian: the low half comes first.
    let low = if cfg!(target_endian = "little") { low } else { low.wrapping_add(1) };
    // SAFETY: a 64-bit atomic is eight valid, aligned bytes; `low` points at four of them, for as long as
    // `word` is borrowed. Only the kernel reads, or writes, through it.
    unsafe { &*low }
}

fn timespec(deadline_ns: i64) -> Option<Timespec> {
    if deadline_ns == super::DEADLINE_INFINITE_NS {
        return None;
    }
    let deadline_ns = deadline_ns.max(0);
    Some(Timespec { tv_sec: deadline_ns / 1_000_000_000, tv_nsec: deadline_ns % 1_000_000_000 })
}

impl Futex {
    pub(crate) fn new() -> Self {
        Self
    }

    /// The most words one sleep can watch (`FUTEX_WAITV_MAX`).
    pub(crate) const MOST_WORDS: usize = 128;

    /// Sleeps while every word's low half is as expected, until woken or past the deadline.
    pub(crate) fn wait(&self, words: &[(&AtomicU64, u32)], deadline_ns: i64) -> Slept {
        let deadline = timespec(deadline_ns);
        let result = match words {
            [] => {
                // Nothing can wake this sleeper: it sleeps until its deadline.
                let never = AtomicU64::new(0);
                futex::wait_bitset(
                    low_half(&never),
                    futex::Flags::PRIVATE,
                    0,
                    deadline.as_ref(),
                    core::num::NonZeroU32::MAX,
                )
            }
            [(word, expected)] => futex::wait_bitset(
                low_half(word),
                futex::Flags::empty(),
                *expected,
                deadline.as_ref(),
                core::num::NonZeroU32::MAX,
            ),
            many => {
                let mut waiters = [futex::Wait::new(); Self::MOST_WORDS];
                let many = &many[..many.len().min(Self::MOST_WORDS)];
                for (waiter, (word, expected)) in waiters.iter_mut().zip(many) {
                    waiter.val = u64::from(*expected);
                    waiter.uaddr = futex::WaitPtr::new(core::ptr::from_ref(low_half(word)).cast_mut().cast());
                    waiter.flags = futex::WaitFlags::SIZE_U32;
                }
                futex::waitv(
                    &waiters[..many.len()],
                    futex::WaitvFlags::empty(),
                    deadline.as_ref(),
                    rustix::thread::ClockId::Monotonic,
                )
                .map(drop)
            }
        };
        match result {
            Err(rustix::io::Errno::TIMEDOUT) => Slept::TimedOut,
            Err(rustix::io::Errno::INTR) => Slept::Interrupted,
            _ => Slept::Woken,
        }
    }

    /// Wakes every sleeper that watches `word`.
    pub(crate) fn wake_all(&self, word: &AtomicU64) {
        let _woken = futex::wake(low_half(word), futex::Flags::empty(), i32::MAX as u32);
    }
}

/// A process-private lock among threads: it dies with its process, so it needs no recovery.
///
/// Test-and-set: one read-modify-write to take, one plain store to give back. Held for tens of nanoseconds;
/// a waiter spins briefly and then yields, so that a holder that lost its CPU gets it back.
#[derive(Debug, Default)]
pub(crate) struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `held` admits one thread at a time to `value`, with Acquire on taking and Release on giving back.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        // ORDER: Acquire pairs with the Release in `Locked::drop`: what the last holder did is seen.
        if self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.lock_contended();
        }
        Locked { lock: self }
    }

    /// The lock, if nobody holds it.
    pub(crate) fn try_lock(&self) -> Option<Locked<'_, T>> {
        // ORDER: as in `lock`.
        let free = self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok();
        free.then(|| Locked { lock: self })
    }

    #[cold]
    fn lock_contended(&self) {
        let backoff = crossbeam_utils::Backoff::new();
        loop {
            while self.held.load(Ordering::Relaxed) {
                backoff.snooze();
            }
            // ORDER: as in `lock`.
            if self.held.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }
}

/// A held [`Lock`].
pub(crate) struct Locked<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Locked<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this guard exists only while `held` is ours, so no other reference to `value` does.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // ORDER: Release pairs with the Acquire in `lock`.
        self.lock.held.store(false, Ordering::Release);
    }
}
