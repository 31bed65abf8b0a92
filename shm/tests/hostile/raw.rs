//! The words of the arena through a mapping of its own, for a writer that keeps no rules.

use super::Choices;
use memmap2::MmapRaw;
use std::sync::atomic::{AtomicU64, Ordering};

/// A mapping of the arena's file.
pub struct Raw(MmapRaw);

impl Raw {
    pub fn of(file: impl std::os::fd::AsFd) -> Self {
        Self(MmapRaw::map_raw(&file.as_fd()).unwrap())
    }

    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: inside the mapping, which lives as long as `self`; aligned, since a mapping is; shared memory is
        // only ever accessed by atomics here, and in the library.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast::<u64>().add(index)) }
    }

    pub fn words(&self) -> usize {
        self.0.len() / 8
    }

    /// The indices of the words that are not 0.
    pub fn used(&self) -> Vec<usize> {
        (0..self.words()).filter(|index| self.word(*index).load(Ordering::Relaxed) != 0).collect()
    }

    /// The contents of all words.
    pub fn contents(&self) -> Vec<u64> {
        (0..self.words()).map(|index| self.word(index).load(Ordering::Relaxed)).collect()
    }

    /// The indices of the words that are others than then.
    pub fn changed_since(&self, before: &[u64]) -> Vec<usize> {
        let is_changed = |index: &usize| self.word(*index).load(Ordering::Relaxed) != before[*index];
        (0..self.words()).filter(is_changed).collect()
    }

    /// Damages one word, mostly one of `used`.
    pub fn damage(&self, used: &[usize], choices: &mut impl Choices) {
        let any = |choices: &mut dyn FnMut(usize) -> usize| match choices(10) {
            0 => choices(self.words()),
            _ => used[choices(used.len())],
        };
        let at = any(&mut |end| choices.below(end));
        let word = self.word(at);
        let old = word.load(Ordering::Relaxed);
        let new = match choices.below(9) {
            0 => 0,
            1 => u64::MAX,
            2 => choices.word(),
            3 | 4 => old ^ 1 << choices.below(64),
            5 => old.wrapping_add(choices.below(5) as u64).wrapping_sub(2),
            6 => old & !0xffff_ffff | choices.word() & 0xffff_ffff,
            7 => old & 0xffff_ffff | choices.word() << 32,
            _ => self.word(any(&mut |end| choices.below(end))).load(Ordering::Relaxed),
        };
        word.store(new, Ordering::SeqCst);
    }
}
