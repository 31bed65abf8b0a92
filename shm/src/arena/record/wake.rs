//! Wakes: the time that one takes, and when and where the last ones were made.
//!
//! Sleepers learn from it how long their next wait spins (`process/patience`).
//!
//! All words are hints. A thread writes them only around the system calls of a sleep and a wake, never for a message. Many
//! threads write to one word, and the last store stays: a stamp may be that of another object's wake, or of a waker that
//! has died since. Nothing waits for a stamp, and an old one is older than the sleep that it would explain. The worst that
//! a wrong word does is a spin of 50 µs, or a wait that sleeps without a spin.
//!
//! Relaxed throughout: no other word is read because of these.

use crate::arena::word::Field;
use crate::sync::{AtomicU64, Relaxed};

/// Stamps of an arena: two objects share one seldom.
const STAMPS: usize = 64;
const LINE: usize = 8;

/// The time of a wake before any was measured.
const UNKNOWN_NS: i64 = 25_000;

/// The least and the greatest figure that is believed. A thread spins for twice as long at most.
const LEAST_NS: i64 = 2_000;
const MOST_NS: i64 = 25_000;

/// The words of an arena.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Wakes {
    /// The time from a waker's system call until the sleeper runs on another processor, in nanoseconds; 0: unknown. It goes
    /// up by a part for each wake that took longer, and down for each other, and so comes to rest at the median.
    typical_ns: AtomicU64,
    _line: [AtomicU64; 7],
    stamps: [[AtomicU64; LINE]; STAMPS / LINE],
}

/// The end of a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waker {
    /// When the waker made its system call.
    pub(crate) at_ns: i64,
    /// Whether the sleeper has woken on the waker's processor.
    pub(crate) is_on_this_processor: bool,
}

/// The time and the processor of a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64);

impl Stamp {
    const PROCESSOR: Field<0, 10> = Field;
    /// The low bits of the time: it wraps after 208 days, so a stamp is read by its distance from now.
    const AT: Field<10, 54> = Field;

    fn new(now_ns: i64, processor: usize) -> Self {
        Self(Self::AT.of(now_ns as u64) | Self::PROCESSOR.of(processor as u64))
    }

    /// The time of the wake, which is in the last 208 days.
    fn at_ns(self, now_ns: i64) -> i64 {
        let age_ns = Self::AT.get(Self::AT.of((now_ns as u64).wrapping_sub(Self::AT.get(self.0))));
        now_ns.wrapping_sub(age_ns as i64)
    }
}

impl Wakes {
    /// The time that a wake takes: always between `LEAST_NS` and `MOST_NS`.
    pub(crate) fn typical_ns(&self) -> i64 {
        match self.typical_ns.load(Relaxed) {
            0 => UNKNOWN_NS,
            ns => i64::try_from(ns).unwrap_or(MOST_NS).clamp(LEAST_NS, MOST_NS),
        }
    }

    /// The stamp for the sleepers of this state word. The address within a page is the same in all processes, and adjacent
    /// objects have different ones.
    fn stamp(&self, state: &AtomicU64) -> &AtomicU64 {
        let number = core::ptr::from_ref(state).addr() / 64 % STAMPS;
        &self.stamps[number / LINE][number % LINE]
    }

    /// Notes that a thread on `processor` wakes the sleepers of the word.
    pub(crate) fn note_wake(&self, state: &AtomicU64, now_ns: i64, processor: usize) {
        self.stamp(state).store(Stamp::new(now_ns, processor).0, Relaxed);
    }

    /// The waker that has ended a sleep on this word, which began at `asleep_ns` and ended just now, on `processor`; `None`
    /// if it left no stamp.
    pub(crate) fn waker(
        &self,
        state: &AtomicU64,
        asleep_ns: i64,
        now_ns: i64,
        processor: usize,
    ) -> Option<Waker> {
        let stamp = Stamp(self.stamp(state).load(Relaxed));
        let at_ns = stamp.at_ns(now_ns);
        let is_on_this_processor = stamp == Stamp::new(at_ns, processor);
        (asleep_ns..=now_ns).contains(&at_ns).then_some(Waker { at_ns, is_on_this_processor })
    }

    /// Corrects the time of a wake by one that took `took_ns`.
    pub(crate) fn note_duration(&self, took_ns: i64) {
        let before_ns = self.typical_ns();
        let part_ns = before_ns / 16;
        let after_ns = if took_ns > before_ns { before_ns + part_ns } else { before_ns - part_ns };
        self.typical_ns.store(after_ns.clamp(LEAST_NS, MOST_NS) as u64, Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn stamps_tell_their_time_and_processor() {
        let (wakes, state) = (Wakes::default(), AtomicU64::new(0));
        assert_eq!(wakes.waker(&state, 10, 20, 3), None);
        wakes.note_wake(&state, 15, 3);
        let here = Waker { at_ns: 15, is_on_this_processor: true };
        assert_eq!(wakes.waker(&state, 10, 20, 3), Some(here));
        assert_eq!(wakes.waker(&state, 10, 20, 4), Some(Waker { is_on_this_processor: false, ..here }));
        // A stamp from before the sleep, and one from the future.
        assert_eq!(wakes.waker(&state, 16, 20, 3), None);
        assert_eq!(wakes.waker(&state, 10, 14, 3), None);
    }

    #[test]
    fn stamps_serve_machines_of_any_age() {
        let (wakes, state) = (Wakes::default(), AtomicU64::new(0));
        for uptime_ns in [(1 << 54) - 5, 1 << 54, 77 << 54, i64::MAX - 100] {
            wakes.note_wake(&state, uptime_ns + 5, 3);
            let waker = wakes.waker(&state, uptime_ns, uptime_ns + 10, 3);
            assert_eq!(waker, Some(Waker { at_ns: uptime_ns + 5, is_on_this_processor: true }));
            assert_eq!(wakes.waker(&state, uptime_ns + 6, uptime_ns + 10, 3), None);
        }
    }

    #[test]
    fn adjacent_objects_have_different_stamps() {
        let (wakes, page) = (Wakes::default(), [const { [const { AtomicU64::new(0) }; 8] }; STAMPS]);
        for (number, object) in page.iter().enumerate() {
            wakes.note_wake(&object[5], number as i64 + 1, 0);
        }
        for (number, object) in page.iter().enumerate() {
            let waker = wakes.waker(&object[5], 1, 100, 0);
            assert_eq!(waker.map(|waker| waker.at_ns), Some(number as i64 + 1));
        }
    }

    #[test]
    fn typical_wake_comes_to_the_median() {
        let wakes = Wakes::default();
        assert_eq!(wakes.typical_ns(), UNKNOWN_NS);
        for wake in 0..1000 {
            // One in ten is delayed by a busy processor.
            wakes.note_duration(if wake % 10 == 0 { 3_000_000 } else { 6_000 + wake % 7 * 100 });
        }
        assert!((5_000..8_000).contains(&wakes.typical_ns()), "{}", wakes.typical_ns());
    }

    #[test]
    fn damaged_figures_stay_within_their_bounds() {
        let wakes = Wakes::default();
        for damaged in [1, u64::MAX, 1 << 63, i64::MAX as u64] {
            wakes.typical_ns.store(damaged, Relaxed);
            assert!((LEAST_NS..=MOST_NS).contains(&wakes.typical_ns()));
            for took_ns in [i64::MIN, 0, i64::MAX] {
                wakes.note_duration(took_ns);
                assert!((LEAST_NS..=MOST_NS).contains(&wakes.typical_ns()));
            }
            let state = AtomicU64::new(0);
            wakes.stamp(&state).store(damaged, Relaxed);
            assert_eq!(wakes.waker(&state, 1 << 40, 1 << 41, 0), None);
        }
    }
}
