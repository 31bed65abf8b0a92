//! The cells of a port: how a thread finds one, reserves it, fills it and frees it.
//!
//! A group has 63 cells. Its header has one bit for each: set while the cell is in use.
//!
//! INV-CELL-4: the bits say where to look, and the cells decide. A bit that is clear though the cell is in use costs a
//! failed CAS. A bit that is set though the cell is free would hide it: the thread that frees a cell clears the bit
//! afterwards, and if it dies in between, recovery clears it (`recover`).
//!
//! The first groups are for user packets alone, and have as many cells as user packets may be pending. So the limit
//! needs no count, which a death could leave wrong.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::Line;
use crate::arena::record::object::PortBody;
use crate::arena::word::port::cell::{CellId, CellWord, GROUP_LINES};
use crate::arena::word::port::observer::{Interest, ObservedSide, SeenMark, SourceHandle};
use crate::arena::word::reference::Slot;
use crate::arena::word::signals::Signals;
use crate::object::class::Edge;
use crate::object::port::blocks::{self, MAX_GROUPS, Part};
use crate::process::thread::Thread;
use crate::sync::{AcqRel, Acquire, AtomicU64, Relaxed};

/// How many user packets may be pending at a port.
pub(crate) const MAX_USER_PACKETS: usize = if cfg!(loom) { 2 } else { 2048 };

const CELLS: usize = GROUP_LINES - 1;

/// The groups of user packets.
pub(crate) const USER_GROUPS: usize = MAX_USER_PACKETS.div_ceil(CELLS);

/// The purpose of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    UserPacket,
    Observer,
}

impl Purpose {
    pub(crate) fn of(cell: CellId) -> Self {
        if cell.group() < USER_GROUPS { Self::UserPacket } else { Self::Observer }
    }

    fn groups(self) -> core::ops::Range<usize> {
        match self {
            Self::UserPacket => 0..USER_GROUPS,
            Self::Observer => USER_GROUPS..MAX_GROUPS,
        }
    }

    /// The bits of a group's cells that may be used.
    fn usable(group: usize) -> u64 {
        let cells = if group < USER_GROUPS {
            MAX_USER_PACKETS - (group * CELLS).min(MAX_USER_PACKETS)
        } else {
            CELLS
        };
        // Bit 0 is the header itself.
        (u64::MAX >> (63 - cells.min(CELLS))) & !1
    }
}

/// A cell: one line of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) id: CellId,
    group: &'a [Line],
    words: &'a [AtomicU64; 8],
}

/// A group of cells that is linked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'a> {
    number: usize,
    lines: &'a [Line],
}

impl<'a> Group<'a> {
    /// The bound of the deadlines of its observers.
    pub(crate) fn bound(self) -> &'a AtomicU64 {
        &self.lines[0].0[1]
    }

    pub(crate) fn cells(self) -> impl Iterator<Item = Cell<'a>> {
        let cell = move |line| Cell::in_group(self.lines, CellId::new(self.number, line));
        (1..GROUP_LINES).filter_map(cell)
    }
}

/// The contents of a user packet: four words, as the sender gave them.
pub(crate) type UserWords = [u64; 4];

/// The observer that a cell holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observer {
    pub(crate) source: SourceHandle,
    pub(crate) side: ObservedSide,
    pub(crate) key: u64,
    pub(crate) trigger: Signals,
    /// Pending messages at the registration; else 1.
    pub(crate) count: u64,
    /// The marks of the derived signals (`class::Edge`) as last announced.
    pub(crate) seen: [u64; 2],
}

impl<'a> Cell<'a> {
    fn in_group(group: &'a [Line], id: CellId) -> Option<Self> {
        // Line 0 is the header: only a damaged word names it.
        let words = group.get(id.line()).filter(|_| id.line() != 0).map(|line| &line.0)?;
        Some(Self { id, group, words })
    }

    /// The cell of a port, if its group was ever linked.
    pub(crate) fn find(arena: &'a Arena, port: Slot, id: CellId) -> Result<Option<Self>> {
        Self::find_in(arena, blocks::body(arena, port)?, id)
    }

    /// As [`find`](Self::find), with the port's body at hand.
    pub(crate) fn find_in(arena: &'a Arena, body: PortBody<'a>, id: CellId) -> Result<Option<Self>> {
        let group = blocks::part_in(arena, body, Part::Group(id.group()))?;
        Ok(group.and_then(|group| Self::in_group(group, id)))
    }

    pub(crate) fn word(self) -> &'a AtomicU64 {
        &self.words[0]
    }

    /// The bound of the deadlines of its group.
    pub(crate) fn group_bound(self) -> &'a AtomicU64 {
        // A cell was found in the group, so the group has a header.
        &self.group[0].0[1]
    }

    /// The word as it stands.
    pub(crate) fn load(self) -> CellWord {
        // ORDER: Acquire pairs with the Release of the transitions: the other words of the cell are as they were when
        // it came to this state.
        CellWord(self.words[0].load(Acquire))
    }

    /// One transition. `false`: the word has changed.
    pub(crate) fn change(self, from: CellWord, to: CellWord) -> bool {
        // ORDER: Release: what this thread has read of the cell, or written to it, comes before. Acquire: this thread
        // goes on with the cell as the last transition left it.
        self.words[0].compare_exchange(from.0, to.0, AcqRel, Relaxed).is_ok()
    }

    pub(crate) fn interest(self) -> Interest {
        // Relaxed, here and in the functions below: `load` came before, and `change` tells whether the cell has a later
        // use since (INV-CELL-2).
        Interest(self.words[blocks::INTEREST].load(Relaxed))
    }

    pub(crate) fn side(self) -> ObservedSide {
        ObservedSide(self.words[2].load(Relaxed))
    }

    pub(crate) fn source(self) -> SourceHandle {
        SourceHandle(self.words[1].load(Relaxed))
    }

    pub(crate) fn key(self) -> u64 {
        self.words[3].load(Relaxed)
    }

    pub(crate) fn count(self) -> u64 {
        self.words[5].load(Relaxed)
    }

    /// The mark that the observer has announced, by the number of the edge.
    pub(crate) fn seen(self, edge: usize) -> SeenMark {
        SeenMark(self.words[6 + edge].load(Relaxed))
    }

    /// Notes that a mark was announced for this registration. Marks only grow; one that wraps is noted if `before` still
    /// stands.
    pub(crate) fn note_seen(self, edge: usize, now: &Edge, registration: u32, before: SeenMark) {
        let cell = &self.words[6 + edge];
        let mut seen = if now.wraps { before } else { SeenMark(cell.load(Relaxed)) };
        while seen.is_of(registration) && (now.wraps || seen.mark() < now.mark) {
            // Relaxed: the transition to QUEUED, which comes after, publishes it to the thread that takes the packet.
            match cell.compare_exchange(seen.0, seen.with(now.mark).0, Relaxed, Relaxed) {
                Err(changed) if !now.wraps => seen = SeenMark(changed),
                _ => return,
            }
        }
    }

    /// Fills a RESERVED cell with an observer. The result is the number of the registration.
    pub(crate) fn fill_observer(self, observer: &Observer) -> u32 {
        let interest = self.interest().next(observer.trigger);
        let Observer { source, side, key, count, seen, .. } = *observer;
        let seen = seen.map(|mark| SeenMark::new(interest.registration(), mark).0);
        let words = [source.0, side.0, key, interest.0, count, seen[0], seen[1]];
        // Relaxed, here and below: the transition out of RESERVED publishes them, and so does the index word.
        self.words[1..].iter().zip(words).for_each(|(cell, word)| cell.store(word, Relaxed));
        interest.registration()
    }

    /// Fills a RESERVED cell with a user packet.
    pub(crate) fn fill_user(self, key: u64, status: i32, user: UserWords) {
        let [first, rest @ ..] = user;
        self.words[1].store(u64::from(status as u32), Relaxed);
        self.words[2].store(first, Relaxed);
        self.words[3].store(key, Relaxed);
        self.words[5..].iter().zip(rest).for_each(|(cell, word)| cell.store(word, Relaxed));
    }

    /// The status and the four words of a user packet.
    pub(crate) fn user(self) -> (i32, UserWords) {
        let word = |index: usize| self.words[index].load(Relaxed);
        (word(1) as u32 as i32, [word(2), word(5), word(6), word(7)])
    }
}

/// Reserves a free cell: it is RESERVED by this thread, which a hazard on the port must show. `ShouldWait` when too
/// many user packets are pending, `NoResources` when the port has as many observers as it can have.
pub(crate) fn reserve(thread: &Thread, port: Slot, purpose: Purpose) -> Result<(Cell<'_>, CellWord)> {
    let arena = thread.arena();
    let hint = blocks::body(arena, port)?.hint(purpose == Purpose::UserPacket);
    let all = purpose.groups();
    // Relaxed: a hint. Out of range, it is only useless.
    let first = (hint.load(Relaxed) as usize).clamp(all.start, all.end - 1);
    for range in [first..all.end, all.start..first] {
        for group in blocks::groups(arena, port, range) {
            let (group, lines) = group?;
            if let Some(reserved) = reserve_in(thread, group, lines) {
                hint_at(hint, group);
                return Ok(reserved);
            }
        }
    }
    // Every cell was in use: the first group that was never linked comes next, unless another thread has linked it by now.
    for group in all {
        let lines = blocks::part_or_new(thread, port, Part::Group(group))?;
        if let Some(reserved) = reserve_in(thread, group, lines) {
            hint_at(hint, group);
            return Ok(reserved);
        }
    }
    Err(match purpose {
        Purpose::UserPacket => Error::ShouldWait,
        Purpose::Observer => Error::NoResources("observers of one port"),
    })
}

fn hint_at(hint: &AtomicU64, group: usize) {
    // Relaxed: a hint. The load keeps the line shared while it is right.
    if hint.load(Relaxed) != group as u64 {
        hint.store(group as u64, Relaxed);
    }
}

fn reserve_in<'a>(thread: &Thread, group: usize, lines: &'a [Line]) -> Option<(Cell<'a>, CellWord)> {
    let header = &lines.first()?.0[0];
    // Relaxed: a hint; the CAS of the cell decides.
    let mut free = !header.load(Relaxed) & Purpose::usable(group);
    while free != 0 {
        let line = free.trailing_zeros() as usize;
        free &= free - 1;
        let cell = Cell::in_group(lines, CellId::new(group, line))?;
        let word = cell.load();
        let reserved = word.reserved(thread.tag);
        if word.is_free() && cell.change(word, reserved) {
            // Relaxed: a hint. The cell is this thread's, so no other thread clears the bit before this sets it.
            header.fetch_or(1 << line, Relaxed);
            return Some((cell, reserved));
        }
    }
    None
}

/// After a cell has become FREE: shows it to threads that look for one.
pub(crate) fn show_free(thread: &Thread, port: Slot, cell: Cell<'_>) -> Result<()> {
    show_free_in(cell);
    let hint = blocks::body(thread.arena(), port)?.hint(Purpose::of(cell.id) == Purpose::UserPacket);
    hint_at(hint, cell.id.group());
    Ok(())
}

/// Clears the cell's bit.
pub(crate) fn show_free_in(cell: Cell<'_>) {
    if let Some(header) = cell.group.first() {
        // Relaxed: a hint.
        header.0[0].fetch_and(!(1 << cell.id.line()), Relaxed);
    }
}

/// Whether the cell's bit says that it is in use.
pub(crate) fn shows_use(cell: Cell<'_>) -> bool {
    cell.group.first().is_some_and(|header| header.0[0].load(Relaxed) & 1 << cell.id.line() != 0)
}

/// RESERVED → FREE, by the thread that has reserved it.
pub(crate) fn give_up(thread: &Thread, port: Slot, cell: Cell<'_>, reserved: CellWord) -> Result<()> {
    // P5: no other thread changes a cell that this one has reserved, unless the arena is damaged.
    let _ = cell.change(reserved, reserved.freed());
    show_free(thread, port, cell)
}

/// The groups of a port that are linked, of one purpose.
pub(crate) fn groups_of(
    arena: &Arena,
    port: Slot,
    purpose: Purpose,
) -> impl Iterator<Item = Result<Group<'_>>> {
    let groups = blocks::groups(arena, port, purpose.groups());
    groups.map(|group| group.map(|(number, lines)| Group { number, lines }))
}

/// The cells of a port, in the groups that are linked.
pub(crate) fn all(arena: &Arena, port: Slot) -> impl Iterator<Item = Result<Cell<'_>>> {
    let groups = [Purpose::UserPacket, Purpose::Observer].map(|purpose| groups_of(arena, port, purpose));
    groups.into_iter().flatten().flat_map(|group| {
        let (cells, error) = match group {
            Ok(group) => (Some(group.cells()), None),
            Err(error) => (None, Some(Err(error))),
        };
        cells.into_iter().flatten().map(Ok).chain(error)
    })
}
