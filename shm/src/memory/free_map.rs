//! Which things are free: one bit for each thing, with summaries above, so that a few loads find the lowest free one.
//!
//! A *thing* is an object's slot, or a block of one class. Its own word says whether it is FREE, and a CAS of that word
//! takes it. The map only says where to look.
//!
//! ```text
//!  level 2    1                                 one bit for each word of level 1
//!  level 1    1 0 1 …                           one bit for each word of level 0
//!  level 0    0010 0000 1111 …                  the leaves: one bit a thing
//! ```
//!
//! Every change is a read-modify-write of one word. A thread that changes the map has first named the thing in an
//! intent of its row. So [`FreeMap::repair`] completes the change after a death in the middle.
//!
//! | step | of |
//! |---|---|
//! | intent names i; word of i FREE → taken, by CAS; *agree(i)*; intent idle, or the next | a taker |
//! | intent names i; word of i → FREE; *agree(i)*; intent idle | a freeing thread |
//! | *agree(i)*: set or clear the leaf bit as the word says; look at the word again, until the two agree | both |
//! | set: leaf bit; if its word was 0, the bit above; and so on upward | |
//! | clear: leaf bit. The bit above stays, and leads to a word that is 0 | a taker |
//! | tidy up: clear; if the word is 0, clear the bit above, look again, set it again if needed | a misled taker |
//!
//! INV-FREE-1: a leaf bit agrees with the thing's own word, for every thing that no thread's intent names. *Why:* let W
//! make the last change of the thing's word, and X the last change of its bit. X's change of the bit is a
//! read-modify-write, and it is W's own attempt to make the bit agree or comes after it. So X sees W's change of the
//! word: X loads the word next, and if the two differed it would change the bit once more, against the assumption.
//!
//! INV-FREE-2: the bit above a word that is not 0 is set, except where some thread's intent names a thing below. *Why:*
//! the thread that makes the word differ from 0 sets the bit above. A thread that clears that bit later sees the change
//! of the word, since it loads the word after it has cleared the bit, and sets the bit again.
//!
//! A bit above a word that is 0 does no harm: the thread that it misleads tidies up. So taking the last thing of a leaf
//! changes no word above the leaf, and freeing it finds the bit above set already.
//!
//! INV-FREE-3: every thing that the map names is inside it: bits beyond the last thing are masked out (P5).
//!
//! [`FreeMap::not_free`] skips a thing below the high-water mark only if the thing is free or an intent names it. So a
//! walk costs one visit for each thing in use and one load for each leaf.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::layout::Map;
use crate::arena::record::free_map::{Level, MapLayout, MapWord, WORD_BITS};
use crate::arena::size_class::SizeClass;
use crate::process::thread::{Thread, crash_point};
use crate::sync::{AcqRel, AtomicU64, Relaxed, Release};

fn view<'a>(arena: &'a Arena, map: &'a Map) -> FreeMap<'a> {
    FreeMap::new(&map.levels, arena.all(map.section))
}

/// The map of free objects.
pub(crate) fn free_objects(arena: &Arena) -> FreeMap<'_> {
    view(arena, &arena.layout.object_map)
}

/// The map of the free blocks of the class.
pub(crate) fn free_blocks(arena: &Arena, class: SizeClass) -> Result<FreeMap<'_>> {
    let map = arena
        .layout
        .block_maps
        .get(class.index())
        .ok_or(Error::Corrupt("a block's class is out of range"))?;
    Ok(view(arena, map))
}

/// A view of a map in the arena.
#[derive(Clone, Copy)]
pub(crate) struct FreeMap<'a> {
    layout: &'a MapLayout,
    words: &'a [MapWord],
}

impl<'a> FreeMap<'a> {
    /// `words` are all words of the map's section.
    pub(crate) fn new(layout: &'a MapLayout, words: &'a [MapWord]) -> Self {
        debug_assert_eq!(layout.words, words.len());
        Self { layout, words }
    }

    fn word(self, level: Level, index: usize) -> &'a AtomicU64 {
        &self.words[level.first + index].0
    }

    /// The word of `level` that has the bit of `index`, and that bit.
    fn place(self, level: Level, index: usize) -> (&'a AtomicU64, u64) {
        (self.word(level, index / WORD_BITS), 1 << (index % WORD_BITS))
    }

    fn checked(self, thing: u32) -> Result<usize> {
        let thing = thing as usize;
        let is_there = self.layout.levels.first().is_some_and(|leaves| thing < leaves.bits);
        if is_there { Ok(thing) } else { Err(Error::Corrupt("a thing lies outside the map of free things")) }
    }

    /// The thing of the lowest bit that is set; `None` if no bit is set. This is a hint, and the thing's own word
    /// decides. The caller names the thing in an intent before it tries the word. If it takes the thing it then calls
    /// [`taken`](Self::taken), and otherwise [`misled`](Self::misled).
    pub(crate) fn candidate(self) -> Option<u32> {
        let mut index = 0;
        for (height, level) in self.layout.levels.iter().enumerate().rev() {
            // Relaxed: a hint.
            let bits = self.word(*level, index).load(Relaxed) & level.meaningful(index);
            if bits == 0 && height + 1 == self.layout.levels.len() {
                return None;
            }
            // A stale bit leads to an empty word. Descend to the first thing below it: the caller finds it taken and
            // tidies up.
            index = index * WORD_BITS + if bits == 0 { 0 } else { bits.trailing_zeros() as usize };
        }
        Some(index as u32)
    }

    /// `by` has taken the thing.
    pub(crate) fn taken(self, by: &Thread, thing: u32, is_free: impl Fn() -> Result<bool>) -> Result<()> {
        self.agree(by, thing, Some(false), false, is_free)
    }

    /// `by` has made the thing FREE.
    pub(crate) fn freed(self, by: &Thread, thing: u32, is_free: impl Fn() -> Result<bool>) -> Result<()> {
        self.agree(by, thing, Some(true), false, is_free)
    }

    /// `by` was led to the thing, and found that it is not FREE or that another thread took it first.
    pub(crate) fn misled(self, by: &Thread, thing: u32, is_free: impl Fn() -> Result<bool>) -> Result<()> {
        self.agree(by, thing, None, true, is_free)
    }

    /// Completes the change of the map that a dead or slow thread may have left undone. The intent of that thread names
    /// the thing. No intent of `by` itself need name it: this function is idempotent, and the dead thread's intent
    /// stands until it is done.
    pub(crate) fn repair(self, by: &Thread, thing: u32, is_free: impl Fn() -> Result<bool>) -> Result<()> {
        self.agree(by, thing, None, false, is_free)?;
        let mut index = self.checked(thing)?;
        for pair in self.layout.levels.windows(2) {
            index /= WORD_BITS;
            // Relaxed: the dead thread owed a bit above only for a change of this word that it had made or seen, and
            // that change comes before this load. A thread that makes the word differ from 0 later sets the bit above
            // itself.
            if self.word(pair[0], index).load(Relaxed) != 0 {
                let (above, bit) = self.place(pair[1], index);
                // ORDER: Release: a thread that clears the bit after this sees that the word is not 0. No Acquire: the
                // next round loads this same word.
                above.fetch_or(bit, Release);
                crash_point!(by, "map.repaired");
            }
        }
        Ok(())
    }

    /// Sets or clears the bit until it agrees with the word.
    fn agree(
        self,
        by: &Thread,
        thing: u32,
        known: Option<bool>,
        tidy: bool,
        is_free: impl Fn() -> Result<bool>,
    ) -> Result<()> {
        /// P5. A further round means that another thread changed the thing between two instructions of this one.
        const MOST_ROUNDS: u32 = 10_000;
        let index = self.checked(thing)?;
        let mut free = match known {
            Some(free) => free,
            None => is_free()?,
        };
        for _ in 0..MOST_ROUNDS {
            if free {
                self.set(by, 0, index)?
            } else {
                self.clear(by, index, tidy)?
            }
            // Look at the word after the bit has changed. The change of the bit comes after every earlier change of it,
            // and each of those after a change of the word. So the last thread to change the bit also sees the last
            // word (INV-FREE-1).
            let now = is_free()?;
            if now == free {
                return Ok(());
            }
            free = now;
        }
        Err(Error::Corrupt("a thing keeps changing between free and taken"))
    }

    /// Sets the bit of `index` at `height`, and the bits above it that have to be set.
    fn set(self, by: &Thread, height: usize, mut index: usize) -> Result<()> {
        let _ = by;
        for level in &self.layout.levels[height..] {
            let (word, bit) = self.place(*level, index);
            // ORDER: Release: after the thing's word, and the word below. Acquire: after the changes that other threads
            // made to both.
            let before = word.fetch_or(bit, AcqRel) & level.meaningful(index / WORD_BITS);
            crash_point!(by, "map.set");
            if before != 0 {
                // The thread that made the word differ from 0 sets the bit above.
                break;
            }
            index /= WORD_BITS;
        }
        Ok(())
    }

    /// Clears the bit. With `tidy`, also clears the bits above that lead to words that are 0.
    fn clear(self, by: &Thread, mut index: usize, tidy: bool) -> Result<()> {
        let _ = by;
        for (height, level) in self.layout.levels.iter().enumerate() {
            let (word, bit) = self.place(*level, index);
            // ORDER: as in `set`.
            let left = word.fetch_and(!bit, AcqRel) & !bit & level.meaningful(index / WORD_BITS);
            crash_point!(by, "map.cleared");
            // Above the leaves: the word below may have gained a bit between the look that found it 0 and the clearing
            // of the bit above. Then its setter may have found the bit above still set and left it, so this thread sets
            // it again (INV-FREE-2).
            if let Some(below) = height.checked_sub(1).map(|below| self.layout.levels[below]) {
                // Relaxed: the Acquire above has seen the word's change if the change's bit was set before.
                let word = self.word(below, index).load(Relaxed);
                if word & below.meaningful(index) != 0 {
                    return self.set(by, height, index);
                }
            }
            if left != 0 || !tidy {
                break;
            }
            index /= WORD_BITS;
        }
        Ok(())
    }

    /// The things below `end` that the map shows as not free: taken, or never used.
    pub(crate) fn not_free(self, end: u32) -> impl Iterator<Item = u32> + 'a {
        let leaves = self.layout.levels[0];
        let end = leaves.bits.min(end as usize);
        (0..end.div_ceil(WORD_BITS)).flat_map(move |index| {
            let first = index * WORD_BITS;
            // Relaxed: the walk sees every change that came before it. For things that other threads take and free
            // meanwhile, the bit may be older than the thing's word, or the word older than the bit.
            let mut bits = !self.word(leaves, index).load(Relaxed) & leaves.meaningful(index);
            if end - first < WORD_BITS {
                bits &= (1 << (end - first)) - 1;
            }
            core::iter::from_fn(move || {
                let bit = bits.checked_sub(1).map(|less| (bits.trailing_zeros(), bits & less));
                bit.map(|(bit, rest)| {
                    bits = rest;
                    (first + bit as usize) as u32
                })
            })
        })
    }

    /// The bits of a leaf: the things that it shows as free.
    pub(crate) fn leaf(self, leaf: usize) -> u64 {
        let leaves = self.layout.levels[0];
        if leaf * WORD_BITS >= leaves.bits {
            return 0;
        }
        // Relaxed: a hint.
        self.word(leaves, leaf).load(Relaxed) & leaves.meaningful(leaf)
    }

    /// For the consistency check: whether the thing's bit is set, and whether every bit above that has to be set is.
    pub(crate) fn shows(self, thing: u32) -> Result<(bool, bool)> {
        let mut index = self.checked(thing)?;
        let (word, bit) = self.place(self.layout.levels[0], index);
        let is_set = word.load(Relaxed) & bit != 0;
        let mut is_found = true;
        for pair in self.layout.levels.windows(2) {
            index /= WORD_BITS;
            let (above, bit) = self.place(pair[1], index);
            is_found &= self.word(pair[0], index).load(Relaxed) == 0 || above.load(Relaxed) & bit != 0;
        }
        Ok((is_set, is_found))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::process::Process;
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    /// A map of some number of things, and the states of their words.
    struct Things {
        layout: MapLayout,
        words: Vec<MapWord>,
        free: RefCell<BTreeSet<u32>>,
        by: Thread,
    }

    impl Things {
        fn new(things: usize) -> Self {
            let config = Config { max_objects: 1, pool_bytes: 256, ..Config::default() };
            let by = Thread::join(&Process::alone(&config)).unwrap();
            let layout = MapLayout::new(things);
            let words = (0..layout.words()).map(|_| MapWord::default()).collect();
            Self { layout, words, free: RefCell::default(), by }
        }

        fn map(&self) -> FreeMap<'_> {
            FreeMap::new(&self.layout, &self.words)
        }

        fn is_free(&self, thing: u32) -> Result<bool> {
            Ok(self.free.borrow().contains(&thing))
        }

        fn free(&self, thing: u32) {
            self.free.borrow_mut().insert(thing);
            self.map().freed(&self.by, thing, || self.is_free(thing)).unwrap();
        }

        fn take(&self) -> Option<u32> {
            for _ in 0..100_000 {
                let thing = self.map().candidate()?;
                if self.free.borrow_mut().remove(&thing) {
                    self.map().taken(&self.by, thing, || self.is_free(thing)).unwrap();
                    return Some(thing);
                }
                self.map().misled(&self.by, thing, || self.is_free(thing)).unwrap();
            }
            panic!("the map never stops misleading");
        }

        fn assert_sound(&self, things: u32) {
            for thing in 0..things {
                let shown = self.map().shows(thing).unwrap();
                assert_eq!(shown, (self.is_free(thing).unwrap(), true), "thing {thing}");
            }
        }
    }

    #[test]
    fn the_lowest_free_thing_is_found_first() {
        const THINGS: u32 = 300_000;
        let things = Things::new(THINGS as usize);
        assert_eq!(things.take(), None);
        let mut freed: Vec<u32> = [0, 1, 63, 64, 4095, 4096, 4097, 262_143, 262_144, THINGS - 1].into();
        freed.iter().rev().for_each(|thing| things.free(*thing));
        things.assert_sound(THINGS);
        freed.sort_unstable();
        assert_eq!(core::iter::from_fn(|| things.take()).collect::<Vec<_>>(), freed);
        things.assert_sound(THINGS);
    }

    #[test]
    fn random_changes_keep_the_map_sound() {
        const THINGS: u32 = 5000;
        let things = Things::new(THINGS as usize);
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let thing = random.u32(0..THINGS);
            if random.bool() && !things.is_free(thing).unwrap() {
                things.free(thing);
            } else {
                let lowest = things.free.borrow().first().copied();
                assert_eq!(things.take(), lowest);
            }
        }
        things.assert_sound(THINGS);
    }

    #[test]
    fn repair_restores_every_bit() {
        let things = Things::new(10_000);
        for thing in [5, 70, 9999] {
            things.free(thing);
        }
        // The state after deaths: the words of the things are right, and every bit of the map is lost.
        things.words.iter().for_each(|word| word.0.store(0, Relaxed));
        assert_eq!(things.map().candidate(), None);
        for thing in [5, 70, 9999, 71] {
            things.map().repair(&things.by, thing, || things.is_free(thing)).unwrap();
        }
        things.assert_sound(10_000);
    }

    #[test]
    fn a_walk_skips_free_things() {
        let things = Things::new(200);
        (0..200).filter(|thing| thing % 3 != 0).for_each(|thing| things.free(thing));
        for end in [0, 1, 63, 64, 65, 150, 199, 200, 1000] {
            let met: Vec<u32> = things.map().not_free(end).collect();
            assert_eq!(met, (0..end.min(200)).filter(|thing| thing % 3 == 0).collect::<Vec<_>>(), "to {end}");
        }
    }

    #[test]
    fn damaged_words_stay_inside_the_map() {
        for things_there_are in [1, 64, 65, 5000] {
            let things = Things::new(things_there_are);
            things.words.iter().for_each(|word| word.0.store(u64::MAX, Relaxed));
            assert_eq!(things.take(), None);
            let outside = things_there_are as u32;
            assert!(things.map().repair(&things.by, outside, || Ok(true)).is_err());
            assert!(things.map().shows(outside).is_err());
        }
    }

    #[test]
    fn map_size_follows_its_things() {
        assert_eq!(MapLayout::new(1).words(), 1);
        assert_eq!(MapLayout::new(64).words(), 1);
        assert_eq!(MapLayout::new(65).words(), 3);
        assert_eq!(MapLayout::new(1 << 23).words(), 1 + 32 + 2048 + 131_072);
    }
}
