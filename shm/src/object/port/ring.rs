//! The ring of a port: the order of its packets. A place of the ring names a cell; the cell has the packet.
//!
//! ```text
//!  putting a cell in                                taking the first packet
//!  1 the cell is FIRED(e); t = tail                 1 h = head
//!  2 place[t] empty of lap(t): CAS → (lap, cell, e) 2 place[h] empty of lap(h): no packet, unless overflow says so
//!    else it is taken: CAS tail t → t + 1, again    3 of lap(h), with a cell: copy the packet, CAS the cell's word.
//!  3 CAS tail t → t + 1 (any thread may)              **The packet is taken**
//!  4 the cell's word → QUEUED                       4 CAS place[h] → empty of the next lap; CAS head h → h + 1
//!  5 wake a sleeper
//! ```
//!
//! INV-RING-P1: a place names a packet at most once in each lap. Head and tail are hints: a thread that finds a place
//! of a later lap moves them on, so a thread that dies or stops between two steps holds up no other thread.
//! INV-RING-P2: two places may name one packet, and a place may name a packet that was taken, cancelled or dropped. The
//! cell's word decides, and a place that names nothing is emptied.
//! INV-RING-P3: every cell that is FIRED has a thread that is putting it in under a hazard on the port, or the overflow
//! mark is set. Recovery puts in the cells of a dead thread's port.
//!
//! *Overflow.* If the ring is full of packets, the cell stays FIRED and the mark is raised. A waiter that finds the ring
//! empty looks at the mark, puts in all FIRED cells, and clears the mark from the exact value that it read before: a
//! packet that overflows meanwhile has raised it. A waiter that saw no mark sleeps like one that saw no packet: the
//! thread that raises the mark wakes it.

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::line::Line;
use crate::arena::record::object::PortBody;
use crate::arena::word::port::cell::{CellState, CellWord};
use crate::arena::word::port::ring::RingWord;
use crate::arena::word::port::sleeper::Sleepers;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::State;
use crate::object::port::blocks::{self, Part, RING_PLACES};
use crate::object::port::cells::{self, Cell};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release, SeqCst, fence};

/// Cells are FIRED that found no place.
const OVERFLOWS: u64 = 1 << 63;

/// P5: no undamaged ring makes a thread repeat a step so often: each repetition follows a step of another thread, or
/// moves the head or the tail.
const MOST_STEPS: u32 = 64 * RING_PLACES as u32 + 1024;

/// How often the tail may be seen ahead of an empty ring.
const MOST_STRAYS: u32 = 64;

/// How often one wait puts overflowed cells into the ring.
const MOST_WALKS: u32 = 8;

/// A thread that repeats a step lets others go on: what it sees may be about to change.
fn pause_at(step: u32) {
    if step > 1 {
        sync::backoff(step);
    }
}

/// The ring of a port, in use.
struct Ring<'a> {
    body: PortBody<'a>,
    places: &'a [Line],
}

/// What stands at the head of a ring.
enum Front<'a> {
    /// No packet is in the ring.
    Empty,
    /// The head has this position, and its place names a cell.
    Cell(u64, &'a AtomicU64, RingWord),
}

impl<'a> Ring<'a> {
    fn lap(position: u64) -> u64 {
        position / RING_PLACES
    }

    fn place(&self, position: u64) -> Result<(&'a AtomicU64, RingWord)> {
        let place = blocks::ring_place(self.places, position)?;
        // ORDER: Acquire pairs with the Release of `put_in_place`: the cell is FIRED, or later.
        Ok((place, RingWord(place.load(Acquire))))
    }

    /// Moves a hint past `position`, if it still stands there.
    fn pass(hint: &AtomicU64, position: u64) {
        // ORDER: Release pairs with the Acquire of the loads of head and tail: a thread that finds the hint moved on finds
        // the place as it was left, or later. P5: a damaged one wraps.
        let _ = hint.compare_exchange(position, position.wrapping_add(1), Release, Relaxed);
    }

    fn front(&self) -> Result<Front<'a>> {
        for step in 0..MOST_STEPS {
            pause_at(step);
            // ORDER: Acquire pairs with the Release of `pass`.
            let head = self.body.head().load(Acquire);
            let (place, word) = self.place(head)?;
            match (word.laps_ahead_of(Self::lap(head)), word.cell()) {
                (0, None) => return Ok(Front::Empty),
                (0, Some(_)) => return Ok(Front::Cell(head, place, word)),
                (1.., _) => Self::pass(self.body.head(), head),
                // The head passes a place only after it was emptied for the next lap.
                _ => return Err(Error::Corrupt("a port's head is ahead of its ring")),
            }
        }
        Err(Error::Corrupt("a port's head does not move"))
    }
}

/// Empties the place at the head, after its packet is gone.
#[cfg_attr(not(loom), expect(unused_variables, reason = "the models kill the thread here"))]
fn remove_front(
    thread: &Thread,
    ring: &Ring<'_>,
    (head, place, word): (u64, &AtomicU64, RingWord),
) -> Result<()> {
    // Relaxed: it publishes no store of this thread. Its packet was taken before, by a CAS with Acquire.
    let _ = place.compare_exchange(word.0, word.emptied().0, Relaxed, Relaxed);
    crash_point!(thread, "port.emptied");
    Ring::pass(ring.body.head(), head);
    Ok(())
}

fn ring(thread: &Thread, port: Slot) -> Result<Option<Ring<'_>>> {
    let places = blocks::part(thread.arena(), port, Part::Ring)?;
    let body = blocks::body(thread.arena(), port)?;
    Ok(places.map(|places| Ring { body, places }))
}

/// Links the port's ring, if it has none yet. Every cell that may fire comes after.
pub(crate) fn prepare(thread: &Thread, port: Slot) -> Result<()> {
    blocks::part_or_new(thread, port, Part::Ring).map(drop)
}

/// Puts a cell that is FIRED into the ring, and wakes a sleeper. No effect on a cell that is not, or no more. The caller
/// has a hazard on the port.
pub(crate) fn put(thread: &Thread, port: Slot, cell: Cell<'_>) -> Result<()> {
    let ring = ring(thread, port)?.ok_or(Error::Corrupt("a port's packet without a ring"))?;
    if !put_in_place(thread, &ring, cell)? {
        raise_mark(&ring);
        crash_point!(thread, "port.overflowed");
    }
    // It fences, as for a packet in the ring: a waiter that is about to sleep sees the mark.
    wake_waiter(thread, port)
}

/// The ring is full, and a cell stays FIRED.
fn raise_mark(ring: &Ring<'_>) {
    let mark = ring.body.overflow();
    let mut seen = mark.load(Relaxed);
    loop {
        let raised = (seen & !OVERFLOWS).wrapping_add(1) & !OVERFLOWS | OVERFLOWS;
        // ORDER: Release pairs with the Acquire of `load_mark`: a waiter that sees this mark finds the cell FIRED.
        match mark.compare_exchange(seen, raised, Release, Relaxed) {
            Ok(_) => return,
            Err(changed) => seen = changed,
        }
    }
}

fn load_mark(ring: &Ring<'_>) -> u64 {
    // ORDER: Acquire pairs with the Release of `raise_mark`, and of `put_overflowed`: if the mark is cleared, the packets are
    // in the ring.
    ring.body.overflow().load(Acquire)
}

/// Steps 1 to 4. `false`: the ring is full of packets.
fn put_in_place(thread: &Thread, ring: &Ring<'_>, cell: Cell<'_>) -> Result<bool> {
    let mut strays = 0;
    for step in 0..MOST_STEPS {
        pause_at(step);
        let fired = cell.load();
        if fired.state() != CellState::Fired {
            return Ok(true);
        }
        // Relaxed: the place tells whether the tail stands there. The fence that follows every put acquires what the tail was
        // moved past: the walk of `for_each_packet` finds no place empty before the one that this thread fills.
        let tail = ring.body.tail().load(Relaxed);
        let lap = Ring::lap(tail);
        let (place, word) = ring.place(tail)?;
        match (word.laps_ahead_of(lap), word.cell()) {
            (0, None) => {
                let holding = RingWord::holding(lap, cell.id, fired);
                // ORDER: Release: the thread that takes the packet sees the cell as it was fired.
                if place.compare_exchange(word.0, holding.0, Release, Relaxed).is_ok() {
                    crash_point!(thread, "port.placed");
                    Ring::pass(ring.body.tail(), tail);
                    crash_point!(thread, "port.passed");
                    mark_queued(cell, fired);
                    crash_point!(thread, "port.queued");
                    return Ok(true);
                }
            }
            (0.., _) => Ring::pass(ring.body.tail(), tail),
            // The place still has a packet of an earlier lap, unless the tail has moved on.
            _ if ring.body.tail().load(Relaxed) == tail => match drop_stale(thread, ring)? {
                Dropped::Nothing => return Ok(false),
                Dropped::One => {}
                // P5: an empty ring has its tail in its lap, but for steps of other threads.
                Dropped::Empty if strays < MOST_STRAYS => strays += 1,
                Dropped::Empty => return Err(Error::Corrupt("a port's tail is ahead of its ring")),
            },
            _ => {}
        }
    }
    Err(Error::Corrupt("a port's tail does not move"))
}

/// FIRED → QUEUED, also if the packet has observed more signals meanwhile.
fn mark_queued(cell: Cell<'_>, fired: CellWord) {
    let mut word = fired;
    // An observer that repeats sees further changes meanwhile. If it stays FIRED, it is in the ring all the same.
    for _ in 0..MOST_STEPS {
        if word.state() != CellState::Fired
            || word.epoch() != fired.epoch()
            || cell.change(word, word.queued())
        {
            return;
        }
        word = cell.load();
    }
}

/// What a thread that needs room has found at the head.
enum Dropped {
    /// A packet that is there.
    Nothing,
    /// A packet that is gone: its place is empty now.
    One,
    /// No packet.
    Empty,
}

/// Empties the head's place if its packet is gone.
fn drop_stale(thread: &Thread, ring: &Ring<'_>) -> Result<Dropped> {
    let Front::Cell(head, place, word) = ring.front()? else { return Ok(Dropped::Empty) };
    if let Some(cell) = named(thread, ring, word)?
        && is_packet_of(cell, word)
    {
        return Ok(Dropped::Nothing);
    }
    remove_front(thread, ring, (head, place, word))?;
    Ok(Dropped::One)
}

fn is_packet_of(cell: Cell<'_>, word: RingWord) -> bool {
    let now = cell.load();
    now.has_packet() && word.is_of(now)
}

/// The cell that a place names.
fn named<'a>(thread: &'a Thread, ring: &Ring<'a>, word: RingWord) -> Result<Option<Cell<'a>>> {
    let Some(id) = word.cell() else { return Ok(None) };
    Cell::find_in(thread.arena(), ring.body, id)
}

/// Takes the first packet. `copy` is shown the cell and its word, and the result of the last call is the packet's. The caller
/// has a hazard on the port.
pub(crate) fn take_first<T>(
    thread: &Thread,
    port: Slot,
    mut copy: impl FnMut(Cell<'_>, CellWord) -> T,
) -> Result<Option<T>> {
    let Some(ring) = ring(thread, port)? else { return Ok(None) };
    let mut walks = 0;
    for _ in 0..MOST_STEPS {
        let Front::Cell(head, place, word) = ring.front()? else {
            // A thread that overflows the ring all the time wakes a waiter each time.
            walks += 1;
            if walks <= MOST_WALKS && put_overflowed(thread, port, &ring)? {
                continue;
            }
            return Ok(None);
        };
        let taken = match named(thread, &ring, word)? {
            Some(cell) => take(thread, port, cell, word, &mut copy)?,
            None => None,
        };
        crash_point!(thread, "port.taken");
        remove_front(thread, &ring, (head, place, word))?;
        if taken.is_some() {
            // The packet is taken, so damage is left to the next wait.
            Error::only_crash(wake_next(thread, port, &ring))?;
            return Ok(taken);
        }
    }
    Err(Error::Corrupt("a port's ring does not end"))
}

/// After a packet was taken: wakes another waiter if there are more. The thread that put one of them in may have been stopped
/// before its wake, and this thread woken by another packet's.
fn wake_next(thread: &Thread, port: Slot, ring: &Ring<'_>) -> Result<()> {
    let state = thread.arena().state(ObjectRef::new(port, 0))?;
    // Relaxed: a sleeper that arms later looks for packets itself.
    if State(state.load(Relaxed)).has(State::HAS_WAITERS)
        && (matches!(ring.front()?, Front::Cell(..)) || load_mark(ring) & OVERFLOWS != 0)
    {
        wake_waiter(thread, port)?;
    }
    Ok(())
}

/// Takes the packet that `place` was written for, if it is still there.
fn take<T>(
    thread: &Thread,
    port: Slot,
    cell: Cell<'_>,
    place: RingWord,
    copy: &mut impl FnMut(Cell<'_>, CellWord) -> T,
) -> Result<Option<T>> {
    for _ in 0..MOST_STEPS {
        let word = cell.load();
        if !word.has_packet() || !place.is_of(word) {
            return Ok(None);
        }
        let packet = copy(cell, word);
        let after = word.taken();
        // The CAS fails if another thread takes it, or if the observer sees another change.
        if cell.change(word, after) {
            crash_point!(thread, "port.packet");
            if after.is_free() {
                cells::show_free(thread, port, cell)?;
            }
            return Ok(Some(packet));
        }
    }
    Err(Error::Corrupt("a port's packet that never comes to rest"))
}

/// After the ring was found empty: puts in the cells that found no place before. Whether there may be some.
fn put_overflowed(thread: &Thread, port: Slot, ring: &Ring<'_>) -> Result<bool> {
    let seen = load_mark(ring);
    if seen & OVERFLOWS == 0 {
        return Ok(false);
    }
    let (mut is_complete, mut placed) = (true, 0);
    for cell in cells::all(thread.arena(), port) {
        let cell = cell?;
        if cell.load().state() == CellState::Fired {
            let is_placed = put_in_place(thread, ring, cell)?;
            placed += u32::from(is_placed);
            is_complete &= is_placed;
        }
    }
    crash_point!(thread, "port.refilled");
    // Only now: if the mark were cleared first and this thread died, no other thread would look for the cells.
    if is_complete {
        // ORDER: Release: after the packets were put in.
        let _ = ring.body.overflow().compare_exchange(seen, seen & !OVERFLOWS, Release, Relaxed);
    }
    if placed > 1 {
        // This thread takes one of them. Those who put in the others may have been stopped before their wake.
        wake_waiter(thread, port)?;
    }
    Ok(true)
}

/// Whether packets may have found no place in the ring.
pub(crate) fn has_overflowed(arena: &Arena, port: Slot) -> Result<bool> {
    // Relaxed: for the audit of an arena at rest.
    Ok(blocks::body(arena, port)?.overflow().load(Relaxed) & OVERFLOWS != 0)
}

/// Wakes a thread that waits at the port, or all of them where one might not take the packet (`word/port/sleeper`).
pub(crate) fn wake_waiter(thread: &Thread, port: Slot) -> Result<()> {
    let state = thread.arena().state(ObjectRef::new(port, 0))?;
    // ORDER: pairs with the fence of `sleep_until`: either this thread sees HAS_WAITERS, or the sleeper sees the packet.
    fence(SeqCst);
    // ORDER: Acquire pairs with the Release of `arm`: if this thread sees HAS_WAITERS, it sees the sleeper among the
    // sleepers.
    if !State(state.load(Acquire)).has(State::HAS_WAITERS) {
        return Ok(());
    }
    let sleepers = Sleepers(blocks::body(thread.arena(), port)?.sleepers().load(Relaxed));
    if sleepers.is_one_process() && !sleepers.is_one_thread() {
        wake::wake_one(thread, state);
    } else {
        wake::wake(thread, state, State::HAS_WAITERS);
    }
    Ok(())
}

/// Notes who is about to sleep at the port. The caller has a hazard on the port.
pub(crate) fn note_sleepers(thread: &Thread, port: Slot, new: Sleepers) -> Result<()> {
    let cell = blocks::body(thread.arena(), port)?.sleepers();
    let mut sleepers = Sleepers(cell.load(Relaxed));
    while sleepers.with(new) != sleepers {
        // Relaxed: the Release of `arm` comes after.
        match cell.compare_exchange(sleepers.0, sleepers.with(new).0, Relaxed, Relaxed) {
            Ok(_) => break,
            Err(changed) => sleepers = Sleepers(changed),
        }
    }
    Ok(())
}

/// Wakes all threads that wait at the port.
pub(crate) fn wake_all_waiters(thread: &Thread, port: Slot) -> Result<()> {
    // ORDER: as in `wake_waiter`.
    fence(SeqCst);
    wake::wake(thread, thread.arena().state(ObjectRef::new(port, 0))?, State::HAS_WAITERS);
    Ok(())
}

/// The cells with packets in the ring, in their order, and those that found no place.
pub(crate) fn for_each_packet(
    thread: &Thread,
    port: Slot,
    mut visit: impl FnMut(Cell<'_>) -> Result<()>,
) -> Result<()> {
    let Some(ring) = ring(thread, port)? else { return Ok(()) };
    if load_mark(&ring) & OVERFLOWS != 0 {
        return cells::all(thread.arena(), port).try_for_each(|cell| visit(cell?));
    }
    // Relaxed: the walk visits each place once, wherever it begins. A packet that is put in meanwhile may be missed.
    let head = ring.body.head().load(Relaxed);
    for position in head..head.saturating_add(RING_PLACES) {
        let (_, word) = ring.place(position)?;
        if word.laps_ahead_of(Ring::lap(position)) == 0 && word.cell().is_none() {
            break;
        }
        if let Some(cell) = named(thread, &ring, word)?
            && is_packet_of(cell, word)
        {
            visit(cell)?;
        }
    }
    Ok(())
}
