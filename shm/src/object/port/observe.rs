//! Registering an observer (`wait_async`), and the ends of a registration: cancelled, its handle gone, its object gone.
//!
//! 1. Hazards on the object and on the port.
//! 2. A cell FREE → RESERVED(t), filled.
//! 3. An index word names it.
//! 4. The state: fenced mode, then OBSERVED.
//! 5. The cell RESERVED → ARMED. **This commits the registration.** A fence, and a look: if a signal is asserted already,
//!    the cell fires.
//! 6. Is the handle still there? If not, the thread that closed it may have looked for its observers too early: the cell
//!    is freed, and the call fails.
//!
//! An observer that fires once and finds a signal asserted needs none of steps 3 to 6: its cell goes from RESERVED to
//! FIRED.
//!
//! A death before step 5 leaves the cell RESERVED by a dead thread whose hazard names the port: recovery frees it.
//! After step 5 the handle, which recovery closes, takes the observer with it.
//!
//! INV-OBSERVER-1: an observer ends with its handle. A thread that makes a handle's entry leave LIVE looks for OBSERVED
//! afterwards; the registrar sets OBSERVED, and looks at the entry afterwards. One of them sees the other.
//! INV-OBSERVER-2: an observer ends with its object at the latest: the reclaimer of the object frees its cells.

use crate::arena::error::{Error, Result};
use crate::arena::record::row::{HAZARD_PORT, HAZARD_SECOND};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::port::cell::{CellState, CellWord};
use crate::arena::word::port::index::IndexWord;
use crate::arena::word::port::observer::{ObservedSide, SourceHandle};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::object::class::Class;
use crate::object::port::cells::{self, Cell, Observer, Purpose};
use crate::object::port::evaluate::{self, Target};
use crate::object::port::{Port, index, ring};
use crate::process::thread::{Thread, crash_point};
use crate::signal::eventcount;
use crate::sync::{AtomicU64, Relaxed, Release, SeqCst, fence};

/// What a caller registers.
#[derive(Clone, Copy, Debug)]
pub struct AsyncWait {
    /// The key of the packets.
    pub key: u64,
    /// The signals that fire the observer.
    pub trigger: Signals,
    /// Whether the observer stays after its first packet.
    pub is_repeating: bool,
}

/// Runs `use_both` while neither the object of `source` nor the port can be reused. `WrongType` if `port` is no port.
fn with_both<T>(
    thread: &Thread,
    source: ResolvedHandle,
    port: ResolvedHandle,
    use_both: impl FnOnce(Slot) -> Result<T>,
) -> Result<T> {
    pin::pin(thread, source)?;
    let result = pin::pin_at(thread, port, HAZARD_SECOND).and_then(|()| {
        let slot = port.entry.object().slot();
        // Relaxed: the object was complete when its handle was found, and the hazard keeps it.
        let lifecycle = Lifecycle(thread.arena().object(slot)?.lifecycle.load(Relaxed));
        if lifecycle.class_number() == Port::NUMBER { use_both(slot) } else { Err(Error::WrongType) }
    });
    if !result.as_ref().is_err_and(Error::is_crash) {
        pin::clear_hazard(thread, HAZARD_SECOND);
        pin::unpin(thread);
    }
    result
}

fn source_of(thread: &Thread, source: ResolvedHandle) -> SourceHandle {
    SourceHandle::new(thread.table_row, source.index, source.entry)
}

pub(crate) fn wait_async(
    thread: &Thread,
    source: ResolvedHandle,
    port: ResolvedHandle,
    wait: AsyncWait,
) -> Result<()> {
    with_both(thread, source, port, |port| {
        let target = Target::pinned(thread, source.entry.object())?.ok_or(Error::BadHandle)?;
        ring::prepare(thread, port)?;
        let (_, seen) = target.look(thread)?;
        if !wait.is_repeating && seen.signals.intersects(wait.trigger) {
            return fire_at_once(thread, source, port, &target, wait);
        }
        register(thread, source, port, &target, wait)
    })
}

/// A cell that this thread has RESERVED and filled.
struct Reservation<'a> {
    cell: Cell<'a>,
    word: CellWord,
    registration: u32,
    /// The side's state and signals as the thread found them with the cell in hand.
    state: State,
    signals: Signals,
}

/// Step 2.
fn reserve<'a>(
    thread: &'a Thread,
    source: ResolvedHandle,
    port: Slot,
    target: &Target<'_>,
    wait: AsyncWait,
) -> Result<Reservation<'a>> {
    let (cell, word) = cells::reserve(thread, port, Purpose::Observer)?;
    crash_point!(thread, "observe.reserved");
    let looked = target.look(thread);
    if let Err(error) = looked
        && !error.is_crash()
    {
        cells::give_up(thread, port, cell, word)?;
    }
    let (state, seen) = looked?;
    let registration = cell.fill_observer(&Observer {
        source: source_of(thread, source),
        side: target.observed,
        key: wait.key,
        trigger: wait.trigger,
        count: evaluate::pending(&seen, wait.trigger),
        seen: seen.edges.map(|edge| edge.mark),
    });
    Ok(Reservation { cell, word, registration, state, signals: seen.signals })
}

/// An observer that has its packet at once.
fn fire_at_once(
    thread: &Thread,
    source: ResolvedHandle,
    port: Slot,
    target: &Target<'_>,
    wait: AsyncWait,
) -> Result<()> {
    let Reservation { cell, word, state, signals, .. } = reserve(thread, source, port, target, wait)?;
    if !signals.intersects(wait.trigger) {
        // It was asserted a moment ago, before the observer was there.
        cells::give_up(thread, port, cell, word)?;
        return register(thread, source, port, target, wait);
    }
    // ORDER: Release: the thread that takes the packet sees the cell filled.
    let fired = word.armed(false, state.version()).fired(signals, state.version());
    cell.word().store(fired.0, Release);
    crash_point!(thread, "observe.at_once");
    ring::put(thread, port, cell)
}

/// Steps 2 to 6.
fn register(
    thread: &Thread,
    source: ResolvedHandle,
    port: Slot,
    target: &Target<'_>,
    wait: AsyncWait,
) -> Result<()> {
    index::prepare(thread, target.side)?;
    if !index::has_room(thread.arena(), target.side)? {
        clear_stale(thread, target)?;
    }
    let Reservation { cell, word, registration, state, .. } = reserve(thread, source, port, target, wait)?;
    let named = IndexWord::new(port, cell.id, registration);
    let shown =
        index::add(thread, target.side, named).and_then(|()| show_observed(thread, source, wait.trigger));
    if let Err(error) = shown {
        if !error.is_crash() {
            cells::give_up(thread, port, cell, word)?;
        }
        return Err(error);
    }
    crash_point!(thread, "observe.shown");
    // ORDER: Release: an evaluator that finds it armed finds it filled.
    cell.word().store(word.armed(wait.is_repeating, state.version()).0, Release);
    crash_point!(thread, "observe.armed");
    // ORDER: pairs with the fence of `evaluate`: either a changer finds the cell armed, or this look sees the change. It
    // also comes between OBSERVED and the look at the entry (INV-OBSERVER-1).
    fence(SeqCst);
    evaluate::evaluate_new(thread, target, port, cell, registration)?;
    if lookup::is_current(thread, source) || !end(thread, port, cell, registration, false)? {
        return Ok(());
    }
    Err(Error::BadHandle)
}

/// Step 4.
fn show_observed(thread: &Thread, source: ResolvedHandle, trigger: Signals) -> Result<()> {
    let state: &AtomicU64 = thread.arena().state(source.entry.object())?;
    // P5: FENCED is cleared once in a thousand waits at most.
    for _ in 0..1000 {
        if !eventcount::enter_fenced_mode(thread, &[source])? {
            return Err(Error::NotSupported(
                "the kernel refuses membarrier(2) to this process alone, so it cannot observe objects",
            ));
        }
        let mut word = State(state.load(Relaxed));
        while let Some(observed) = word.observed(trigger.intersects(Signals::ROOM)) {
            // ORDER: Release: a changer that sees OBSERVED sees the index word.
            match state.compare_exchange(word.0, observed.0, Release, Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => word = State(changed),
            }
        }
    }
    Err(Error::Corrupt("a state that leaves fenced mode all the time"))
}

/// Clears the index words of ports and registrations that are gone.
fn clear_stale(thread: &Thread, target: &Target<'_>) -> Result<()> {
    for place in index::words(thread.arena(), target.side)? {
        let place = place?;
        let word = index::load(place);
        let Some(port) = word.port() else { continue };
        let is_there = evaluate::pin_named_port(thread, port)
            && matches!(Cell::find(thread.arena(), port, word.cell()), Ok(Some(cell))
                if !cell.load().is_free() && evaluate::is_named(cell, word, target.observed));
        if !is_there {
            // Relaxed: a word that leads nowhere; a later registration's word differs.
            let _ = place.compare_exchange(word.0, 0, Relaxed, Relaxed);
        }
    }
    pin::clear_hazard(thread, HAZARD_PORT);
    Ok(())
}

/// Ends a registration. An ARMED cell becomes FREE. A packet that is there goes with it if `with_packet`; otherwise it
/// stays, and its observer repeats no more. `false`: there was nothing to end.
fn end(thread: &Thread, port: Slot, cell: Cell<'_>, registration: u32, with_packet: bool) -> Result<bool> {
    loop {
        let word = cell.load();
        let is_over = match word.state() {
            CellState::Free | CellState::Reserved(_) => true,
            CellState::Armed => false,
            CellState::Fired | CellState::Queued => !with_packet && !word.is_repeating(),
        };
        if is_over || cell.interest().registration() != registration {
            return Ok(false);
        }
        let next = if with_packet { word.freed() } else { word.orphaned() };
        // The CAS fails when an evaluator adds a signal or a waiter takes the packet.
        if cell.change(word, next) {
            crash_point!(thread, "observe.ended");
            if next.is_free() {
                cells::show_free(thread, port, cell)?;
            }
            return Ok(true);
        }
    }
}

/// Ends the registrations on a side that `is_meant` picks. How many there were.
fn end_all(
    thread: &Thread,
    side: ObjectRef,
    with_packets: bool,
    mut is_meant: impl FnMut(Slot, Cell<'_>) -> bool,
) -> Result<usize> {
    evaluate::with_target(thread, side, |target| {
        end_indexed(thread, side, target.observed, with_packets, &mut is_meant)
    })
}

/// [`end_all`] for an object that is kept from being reused.
fn end_indexed(
    thread: &Thread,
    side: ObjectRef,
    observed: ObservedSide,
    with_packets: bool,
    is_meant: &mut impl FnMut(Slot, Cell<'_>) -> bool,
) -> Result<usize> {
    let mut ended = 0;
    for place in index::words(thread.arena(), side)? {
        let word = index::load(place?);
        let Some(port) = word.port() else { continue };
        if !evaluate::pin_named_port(thread, port) {
            continue;
        }
        let Ok(Some(cell)) = Cell::find(thread.arena(), port, word.cell()) else { continue };
        let now = cell.load();
        let registration = cell.interest().registration();
        if !now.is_free() && evaluate::is_named(cell, word, observed) && is_meant(port, cell) {
            ended += usize::from(end(thread, port, cell, registration, with_packets)?);
        }
    }
    Ok(ended)
}

/// A handle has left LIVE: its observers end. Packets that are queued stay, as in Zircon. The caller has fenced since
/// (INV-OBSERVER-1), or the handle's process is dead, and no thread of it registers.
pub(crate) fn end_of_handle(thread: &Thread, side: ObjectRef, source: SourceHandle) -> Result<()> {
    end_all(thread, side, false, |_, cell| cell.source() == source).map(drop)
}

/// The object of this side is being reclaimed (INV-OBSERVER-2): its observers end, and its index goes.
pub(crate) fn end_of_side(thread: &Thread, side: ObjectRef, generation: u64) -> Result<()> {
    let observed = ObservedSide::new(side, generation);
    end_indexed(thread, side, observed, false, &mut |_, _| true)?;
    pin::clear_hazard(thread, HAZARD_PORT);
    index::free(thread, side)
}

/// Ends the registrations of `source` with this key at the port, and removes their packets. Whether there were any.
pub(crate) fn cancel(
    thread: &Thread,
    port_handle: ResolvedHandle,
    source: ResolvedHandle,
    key: u64,
) -> Result<bool> {
    let handle = source_of(thread, source);
    let side = source.entry.object();
    with_both(thread, source, port_handle, |port| {
        let observed = Target::pinned(thread, side)?.ok_or(Error::BadHandle)?.observed;
        let is_meant = |cell: Cell<'_>| cell.source() == handle && cell.key() == key;
        let mut ended =
            end_indexed(thread, side, observed, true, &mut |at, cell| at == port && is_meant(cell))?;
        pin::clear_hazard(thread, HAZARD_PORT);
        // Packets of observers that fire once: the index has forgotten them.
        ring::for_each_packet(thread, port, |cell| {
            if Purpose::of(cell.id) == Purpose::Observer && cell.side() == observed && is_meant(cell) {
                ended += usize::from(end(thread, port, cell, cell.interest().registration(), true)?);
            }
            Ok(())
        })?;
        Ok(ended > 0)
    })
}
