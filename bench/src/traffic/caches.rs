//! Two processors, each with a cache that holds every line it has touched until the other one stores to it.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The bytes of a cache line.
pub const LINE_BYTES: u64 = 64;

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one of the thread that writes messages.
    Writer = 0,
    /// The one of the thread that reads them.
    Reader = 1,
}

/// Both caches.
pub struct Caches {
    /// The lines in the arena can be in both. Other memory belongs to one process in practice, and never moves.
    arena: Range<u64>,
    /// By the line's number: which sides hold it.
    holders: HashMap<u64, [bool; 2]>,
}

impl Caches {
    /// Empty ones, and where the arena is mapped.
    pub fn new(arena: Range<u64>) -> Self {
        Self { arena, holders: HashMap::new() }
    }

    /// One access of `side` to the line of this number. Whether the line comes from the other side, or is taken from it.
    fn access(&mut self, line: u64, side: Side, is_store: bool) -> bool {
        let (mine, others) = (side as usize, 1 - side as usize);
        let holders = self.holders.entry(line).or_default();
        let moves = holders[others] && (is_store || !holders[mine]);
        holders[mine] = true;
        holders[others] &= !is_store;
        moves
    }

    fn is_in_arena(&self, line: u64) -> bool {
        self.arena.contains(&(line * LINE_BYTES))
    }
}

/// The accesses of one call, or of some of the same kind.
#[derive(Default)]
pub struct Call {
    instructions: u64,
    stores: u64,
    /// The lines that it stored to.
    stored: HashSet<u64>,
    /// The lines of the arena that moved for it.
    moved: HashSet<u64>,
}

impl Call {
    /// Adds an instruction.
    pub fn instruction(&mut self) {
        self.instructions += 1;
    }

    /// Adds a load or a store of these bytes.
    pub fn access(&mut self, caches: &mut Caches, side: Side, bytes: Range<u64>, is_store: bool) {
        self.stores += u64::from(is_store);
        for line in bytes.start / LINE_BYTES..=(bytes.end - 1) / LINE_BYTES {
            let moves = caches.access(line, side, is_store);
            if is_store {
                self.stored.insert(line);
            }
            if moves && caches.is_in_arena(line) {
                self.moved.insert(line);
            }
        }
    }
}

/// The sums over many calls.
#[derive(Default)]
pub struct Tally {
    calls: u64,
    instructions: u64,
    stores: u64,
    private_lines: u64,
    arena_lines: u64,
    moved: u64,
}

impl Tally {
    /// Adds a call that is over.
    pub fn add(&mut self, call: &Call, caches: &Caches) {
        let in_arena = call.stored.iter().filter(|line| caches.is_in_arena(**line)).count() as u64;
        self.calls += 1;
        self.instructions += call.instructions;
        self.stores += call.stores;
        self.private_lines += call.stored.len() as u64 - in_arena;
        self.arena_lines += in_arena;
        self.moved += call.moved.len() as u64;
    }

    /// The number of calls.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// For one call: instructions, stores, lines stored to in private memory, and in the arena, lines moved.
    pub fn each(&self) -> [f64; 5] {
        [self.instructions, self.stores, self.private_lines, self.arena_lines, self.moved]
            .map(|sum| sum as f64 / self.calls as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARENA: Range<u64> = 0x1000..0x2000;

    fn moved(caches: &mut Caches, side: Side, bytes: Range<u64>, is_store: bool) -> usize {
        let mut call = Call::default();
        call.access(caches, side, bytes, is_store);
        call.moved.len()
    }

    #[test]
    fn stored_lines_move_to_their_reader_once() {
        let mut caches = Caches::new(ARENA);
        assert_eq!(moved(&mut caches, Side::Writer, 0x1000..0x1008, true), 0);
        assert_eq!(moved(&mut caches, Side::Reader, 0x1008..0x1010, false), 1);
        assert_eq!(moved(&mut caches, Side::Reader, 0x1000..0x1008, false), 0);
        // The writer takes the line back for its next store.
        assert_eq!(moved(&mut caches, Side::Writer, 0x1000..0x1008, true), 1);
        assert_eq!(moved(&mut caches, Side::Writer, 0x1000..0x1008, true), 0);
    }

    #[test]
    fn straddling_accesses_touch_two_lines() {
        let mut caches = Caches::new(ARENA);
        assert_eq!(moved(&mut caches, Side::Writer, 0x103c..0x1044, true), 0);
        assert_eq!(moved(&mut caches, Side::Reader, 0x103c..0x1044, false), 2);
    }

    #[test]
    fn private_memory_never_moves() {
        let mut caches = Caches::new(ARENA);
        assert_eq!(moved(&mut caches, Side::Writer, 0x8000..0x8008, true), 0);
        assert_eq!(moved(&mut caches, Side::Reader, 0x8000..0x8008, false), 0);
    }
}
