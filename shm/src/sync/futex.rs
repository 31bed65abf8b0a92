//! Sleeping on words of the arena that other processes change: `futex(2)` for one word, `futex_waitv(2)` for several.
//!
//! Where the kernel refuses `futex_waitv` (a seccomp filter, valgrind, a kernel before 5.16) a sleeper takes the words
//! in turn: it sleeps on one word for one turn, compares all of them, and sleeps on the next. A wake of the word that
//! it sleeps on ends the sleep at once. A change of another word ends it at the end of the turn, after 1 ms at most.
//! The turns begin at 50 µs and double, so a long sleep costs at most a thousand short wakes a second.
//!
//! INV-FUTEX-1: no wake is lost in turns. A waker changes a word before it wakes, and a changed word stays different
//! from the sleeper's expected value, because it counts up. So the next comparison sees every change whose wake was
//! missed.

use super::{AtomicU64, DEADLINE_INFINITE_NS, Relaxed, WakeReason, now_ns};
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicBool, AtomicU32};
use rustix::io::Errno;
use rustix::thread::{ClockId, futex};
use rustix::time::Timespec;

/// A word, and the value that a sleeper expects in its low half.
pub(crate) type Watched<'a> = (&'a AtomicU64, u32);

/// The sleeper's first turn with a word, if it must take the words in turn, and its longest.
const FIRST_TURN_NS: i64 = 50_000;
const LONGEST_TURN_NS: i64 = 1_000_000;

/// Set for good when the kernel has refused `futex_waitv`. Relaxed: a thread that sees it late asks the kernel once
/// more.
static IS_WAITV_REFUSED: AtomicBool = AtomicBool::new(false);

/// Sleeping and waking. Never `FUTEX_PRIVATE`: other processes wake.
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

impl Futex {
    pub(crate) fn new() -> Self {
        Self
    }

    /// The most words one sleep can watch (`FUTEX_WAITV_MAX`).
    pub(crate) const MOST_WORDS: usize = 128;

    /// Sleeps while every word's low half is as expected, until woken or past the deadline.
    pub(crate) fn wait(&self, words: &[Watched<'_>], deadline_ns: i64) -> WakeReason {
        self.wait_for_all(words, deadline_ns).unwrap_or_else(|| in_turn(words, deadline_ns))
    }

    /// As `wait`, with every wake reported at once. `None` where the kernel does not let a thread sleep on several
    /// words.
    pub(crate) fn wait_for_all(&self, words: &[Watched<'_>], deadline_ns: i64) -> Option<WakeReason> {
        match words {
            [] => {
                // No thread can wake this sleeper: it sleeps until its deadline.
                let never = AtomicU64::new(0);
                Some(on_one((&never, 0), futex::Flags::PRIVATE, deadline_ns))
            }
            [word] => Some(on_one(*word, futex::Flags::empty(), deadline_ns)),
            _ if IS_WAITV_REFUSED.load(Relaxed) => None,
            many => on_many(&many[..many.len().min(Self::MOST_WORDS)], deadline_ns),
        }
    }

    /// Wakes every sleeper that watches `word`.
    pub(crate) fn wake_all(&self, word: &AtomicU64) {
        let _woken = futex::wake(low_half(word), futex::Flags::empty(), i32::MAX as u32);
    }

    /// Wakes one sleeper that watches `word`. `false`: none sleeps.
    pub(crate) fn wake_one(&self, word: &AtomicU64) -> bool {
        // On an error, which only a damaged address would give, the caller takes it that none sleeps.
        futex::wake(low_half(word), futex::Flags::empty(), 1).is_ok_and(|woken| woken > 0)
    }
}

fn on_one((word, expected): Watched<'_>, flags: futex::Flags, deadline_ns: i64) -> WakeReason {
    let deadline = timespec(deadline_ns);
    let slept = futex::wait_bitset(low_half(word), flags, expected, deadline.as_ref(), NonZeroU32::MAX);
    match slept {
        Err(Errno::TIMEDOUT) => WakeReason::TimedOut,
        Err(Errno::INTR) => WakeReason::Interrupted,
        _ => WakeReason::Woken,
    }
}

fn on_many(words: &[Watched<'_>], deadline_ns: i64) -> Option<WakeReason> {
    let deadline = timespec(deadline_ns);
    let mut waiters = [futex::Wait::new(); Futex::MOST_WORDS];
    for (waiter, (word, expected)) in waiters.iter_mut().zip(words) {
        waiter.val = u64::from(*expected);
        waiter.uaddr = futex::WaitPtr::new(core::ptr::from_ref(low_half(word)).cast_mut().cast());
        waiter.flags = futex::WaitFlags::SIZE_U32;
    }
    let flags = futex::WaitvFlags::empty();
    match futex::waitv(&waiters[..words.len()], flags, deadline.as_ref(), ClockId::Monotonic) {
        Ok(_) | Err(Errno::AGAIN) => Some(WakeReason::Woken),
        Err(Errno::TIMEDOUT) => Some(WakeReason::TimedOut),
        Err(Errno::INTR) => Some(WakeReason::Interrupted),
        // The kernel is short of memory now. The next sleep may use `futex_waitv` again.
        Err(Errno::NOMEM) => None,
        Err(_refused) => {
            IS_WAITV_REFUSED.store(true, Relaxed);
            None
        }
    }
}

#[cold]
fn in_turn(words: &[Watched<'_>], deadline_ns: i64) -> WakeReason {
    let mut turn_ns = FIRST_TURN_NS;
    // Every turn starts with a comparison of all words: the change of a word in another turn is noticed only there.
    for watched in words.iter().cycle() {
        if words.iter().any(|(word, expected)| word.load(Relaxed) as u32 != *expected) {
            return WakeReason::Woken;
        }
        let until_ns = now_ns().saturating_add(turn_ns);
        match on_one(*watched, futex::Flags::empty(), until_ns.min(deadline_ns)) {
            WakeReason::TimedOut if until_ns < deadline_ns => turn_ns = (turn_ns * 2).min(LONGEST_TURN_NS),
            slept => return slept,
        }
    }
    WakeReason::Woken
}

fn timespec(deadline_ns: i64) -> Option<Timespec> {
    if deadline_ns == DEADLINE_INFINITE_NS {
        return None;
    }
    let deadline_ns = deadline_ns.max(0);
    Some(Timespec { tv_sec: deadline_ns / 1_000_000_000, tv_nsec: deadline_ns % 1_000_000_000 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn words() -> [AtomicU64; 3] {
        [1, 2, 3].map(AtomicU64::new)
    }

    fn watched(words: &[AtomicU64]) -> Vec<Watched<'_>> {
        words.iter().map(|word| (word, word.load(Relaxed) as u32)).collect()
    }

    #[test]
    fn any_changed_word_ends_the_turns() {
        for changed in 0..3 {
            let words = words();
            let expected = watched(&words);
            std::thread::scope(|scope| {
                let sleeper = scope.spawn(|| in_turn(&expected, DEADLINE_INFINITE_NS));
                std::thread::sleep(Duration::from_millis(5));
                assert!(!sleeper.is_finished());
                words[changed].fetch_add(1, Relaxed);
                // Without a wake: the comparison notices the change.
                assert_eq!(sleeper.join().unwrap(), WakeReason::Woken);
            });
        }
    }

    #[test]
    fn a_word_changed_earlier_ends_turns() {
        let words = words();
        let expected = watched(&words);
        words[2].fetch_add(1 << 8, Relaxed);
        assert_eq!(in_turn(&expected, DEADLINE_INFINITE_NS), WakeReason::Woken);
    }

    #[test]
    fn turns_end_at_the_deadline() {
        let words = words();
        for ms in [0, 1, 20] {
            let (start, deadline_ns) = (Instant::now(), now_ns() + ms * 1_000_000);
            assert_eq!(in_turn(&watched(&words), deadline_ns), WakeReason::TimedOut);
            assert!(now_ns() >= deadline_ns && start.elapsed() >= Duration::from_millis(ms as u64));
        }
        assert_eq!(in_turn(&watched(&words), i64::MIN), WakeReason::TimedOut);
    }
}
