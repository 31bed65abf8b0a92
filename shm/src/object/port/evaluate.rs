//! Evaluation: after a change of a side's signals, the observers for which it matters are fired.
//!
//! Every thread that changes the signals of an OBSERVED side evaluates it afterwards. An evaluation does not ask what was
//! changed: it looks at the side as it is, so any thread may evaluate any side at any time, twice, or in another's place.
//!
//! 1. Load an index word, and its cell. The cell is ARMED, in this epoch.
//! 2. Look at the side. If a signal of the trigger is asserted, CAS the cell to FIRED: **the packet is due, and there**.
//! 3. Put the cell into its port's ring.
//!
//! INV-OBSERVE-1: *no signal is lost.* The registrar stores ARMED, fences, and looks; a changer changes, fences, and
//! loads the cell. So one of them sees the other. A signal that is cleared again: the thread that clears a stored
//! signal of an OBSERVED side evaluates the side before its CAS as well as afterwards. A thread that dies between its
//! change and its evaluation: recovery evaluates the objects that its hazards name, and those of its ends' peers.
//! INV-OBSERVE-2: *no signal is invented.* The cell was ARMED in this epoch before the look, and still is at the CAS, so
//! the signal was asserted while the observer was registered.
//! INV-OBSERVE-3: *a repeating observer fires once for each change.* For stored signals, and for room after a refusal
//! (`object/channel/write/refusal`), the cell has the version that it has seen, in the word that fires. For derived signals it
//! has the marks that it announced: a signal counts again when what was announced is used up, and there is more. The marks are
//! written before the packet can be taken.
//!
//! The cell's `word` carries a version, so two evaluators of one change fire once. Only one case can give one packet too
//! many, and never one too few: a packet that overflowed its ring is put in by a waiter before the thread that fired it
//! has written its marks.
//!
//! The evaluator holds two hazards: on the object, whose index it walks, and on each port in turn.

use crate::arena::error::{Error, Result};
use crate::arena::record::row::{HAZARD_OBSERVED, HAZARD_PORT};
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::port::cell::CellState;
use crate::arena::word::port::index::IndexWord;
use crate::arena::word::port::observer::{ObservedSide, SeenMark};
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::{Signals, State};
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::class::{Class, Observable};
use crate::object::port::cells::Cell;
use crate::object::port::{Port, deadlines, index, ring};
use crate::process::thread::{Thread, crash_point};
use crate::sync::{Acquire, AtomicU64, Relaxed, SeqCst, fence};

/// P5: a cell's word changes as often as other threads evaluate its side meanwhile. More rounds than any number of
/// threads would need are damage.
const MOST_ROUNDS: u32 = 1 << 16;

/// What an index word leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// An observer that can fire, now or later.
    Armed {
        /// The time at which it must be looked at again, as of the last look at its side. It must not come from a
        /// further look: the deadline may have passed before that one, which gives none then, and no thread has fired.
        next_ns: Option<i64>,
    },
    /// No registration, or one whose only packet has fired: the index word is of no more use.
    Over,
}

/// A side that is being looked at, kept from being reused by a hazard.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    pub(crate) side: ObjectRef,
    /// The side, in this life of its slot.
    pub(crate) observed: ObservedSide,
    class: ObjectClass,
    state: &'a AtomicU64,
}

impl<'a> Target<'a> {
    /// The side of an object that is pinned. `None`: it is not LIVE.
    pub(crate) fn pinned(thread: &'a Thread, side: ObjectRef) -> Result<Option<Self>> {
        Self::new(thread, side, pin::lifecycle_of(thread.arena(), side.slot())?)
    }

    fn new(thread: &'a Thread, side: ObjectRef, lifecycle: Lifecycle) -> Result<Option<Self>> {
        if lifecycle.state() != LifecycleState::Live {
            return Ok(None);
        }
        let observed = ObservedSide::new(side, lifecycle.generation());
        let class = ObjectClass::of(lifecycle)?;
        Ok(Some(Self { side, observed, class, state: thread.arena().state(side)? }))
    }

    /// Its class.
    pub(crate) fn class(&self) -> ObjectClass {
        self.class
    }

    /// The state, and the signals as they are now.
    pub(crate) fn look(&self, thread: &Thread) -> Result<(State, Observable)> {
        // ORDER: Acquire, and before the rings are looked at, as in a wait's look: PEER_CLOSED is never seen without the
        // messages that came before it.
        let state = State(self.state.load(Acquire));
        Ok((state, self.class.observable(thread, self.side, state.signals())?))
    }
}

/// Runs `use_target` with a hazard on the side's object, if the object is LIVE.
pub(crate) fn with_target<T: Default>(
    thread: &Thread,
    side: ObjectRef,
    use_target: impl FnOnce(Target<'_>) -> Result<T>,
) -> Result<T> {
    let pinned = pin::pin_hinted(thread, side, HAZARD_OBSERVED);
    let result = match pinned.and_then(|lifecycle| Target::new(thread, side, lifecycle)) {
        Ok(Some(target)) => use_target(target),
        Ok(None) => Ok(T::default()),
        Err(error) => Err(error),
    };
    if !result.as_ref().is_err_and(Error::is_crash) {
        pin::clear_hazard(thread, HAZARD_PORT);
        pin::clear_hazard(thread, HAZARD_OBSERVED);
    }
    result
}

/// Keeps the port that an index word names from being reused. `false`: there is no port any more.
pub(crate) fn pin_named_port(thread: &Thread, port: Slot) -> bool {
    // P5: the index word is from the arena.
    let lifecycle = pin::pin_hinted(thread, ObjectRef::new(port, 0), HAZARD_PORT);
    lifecycle.is_ok_and(is_live_port)
}

/// Whether an object with this lifecycle is a port that is LIVE.
pub(crate) fn is_live_port(lifecycle: Lifecycle) -> bool {
    lifecycle.state() == LifecycleState::Live && lifecycle.class_number() == Port::NUMBER
}

/// Fires the observers of a side for which its signals are asserted. The caller has changed them, or acts for a thread
/// that has.
pub(crate) fn evaluate(thread: &Thread, side: ObjectRef) -> Result<()> {
    // ORDER: pairs with the fence of `observe::register`: either this thread finds the observer armed, or the registrar
    // sees the change.
    fence(SeqCst);
    with_target(thread, side, |target| {
        // ORDER: Acquire pairs with the Release of `show_observed`: the walk finds what this registrar has named, or the
        // CAS below would take OBSERVED from it.
        let before = State(target.state.load(Acquire));
        if !before.has(State::OBSERVED) {
            return Ok(());
        }
        let mut is_armed = false;
        for place in index::words(thread.arena(), side)? {
            let place = place?;
            let word = index::load(place);
            let Some(port) = word.port() else { continue };
            match evaluate_named(thread, &target, port, word) {
                Ok(Outcome::Armed { .. }) => is_armed = true,
                // Relaxed: a word that leads nowhere; a later registration's word differs.
                Ok(Outcome::Over) => drop(place.compare_exchange(word.0, 0, Relaxed, Relaxed)),
                Err(error) if error.is_crash() => return Err(error),
                // P5: a port that is damaged keeps no other port from its packet.
                Err(_) => is_armed = true,
            }
        }
        crash_point!(thread, "evaluate.walked");
        if !is_armed {
            // A registrar that has named its cell since has changed the word too (`State::observed`).
            // Relaxed: it publishes no store of this thread, and continues the release of the registrar.
            let _ = target.state.compare_exchange(before.0, before.unobserved().0, Relaxed, Relaxed);
        }
        Ok(())
    })
}

/// Evaluates what one index word leads to. The port of an observer of a timer looks at it again at the deadline.
fn evaluate_named(thread: &Thread, target: &Target<'_>, port: Slot, named: IndexWord) -> Result<Outcome> {
    if !pin_named_port(thread, port) {
        return Ok(Outcome::Over);
    }
    let outcome = evaluate_cell(thread, target, port, named)?;
    if let Outcome::Armed { next_ns: Some(next_ns) } = outcome
        && let Ok(Some(cell)) = Cell::find(thread.arena(), port, named.cell())
    {
        deadlines::lower(thread, port, cell, next_ns)?;
    }
    Ok(outcome)
}

/// Steps 1 to 3 for one index word, whose port is pinned.
fn evaluate_cell(thread: &Thread, target: &Target<'_>, port: Slot, named: IndexWord) -> Result<Outcome> {
    let Ok(Some(cell)) = Cell::find(thread.arena(), port, named.cell()) else { return Ok(Outcome::Over) };
    fire(thread, target, port, cell, |cell| is_named(cell, named, target.observed))
}

/// Whether the cell holds the registration that an index word of this side names. If not, the registration is over, or its
/// port has gone and the slot has another port.
pub(crate) fn is_named(cell: Cell<'_>, named: IndexWord, observed: ObservedSide) -> bool {
    named.is_of(cell.interest().registration()) && cell.side() == observed
}

/// Steps 2 and 3 for a cell, as long as `is_meant` says that it holds the registration.
pub(crate) fn fire(
    thread: &Thread,
    target: &Target<'_>,
    port: Slot,
    cell: Cell<'_>,
    is_meant: impl Fn(Cell<'_>) -> bool,
) -> Result<Outcome> {
    for _ in 0..MOST_ROUNDS {
        let word = cell.load();
        if word.is_free() || !is_meant(cell) {
            return Ok(Outcome::Over);
        }
        if let CellState::Reserved(_) = word.state() {
            // Its registrar looks, and lowers the bound.
            return Ok(Outcome::Armed { next_ns: None });
        }
        if word.has_packet() && !word.is_repeating() {
            // Another thread has fired it. It may have stopped or died before it put the cell into the ring.
            if word.state() == CellState::Fired {
                ring::put(thread, port, cell)?;
            } else {
                ring::wake_waiter(thread, port)?;
            }
            return Ok(Outcome::Over);
        }
        let announced = Announced::of(cell);
        let (state, seen) = target.look(thread)?;
        let armed = Outcome::Armed { next_ns: seen.next_ns(cell.interest().trigger()) };
        let due = is_due(cell, state, &seen, word.is_repeating().then(|| word.version()));
        let next = match (word.state(), due) {
            (CellState::Armed, false) => {
                // The observer keeps up with the version also while no signal of its trigger is asserted, or it would
                // take the one after a whole round for the one it knows.
                let is_behind = word.is_repeating() && word.version() != state.version();
                if is_behind && !cell.change(word, word.having_seen(state.version())) {
                    continue;
                }
                announced.note_wrapping(cell, &seen);
                return Ok(armed);
            }
            (CellState::Armed, true) => word.fired(seen.signals, state.version()),
            (_, true) => word.observing(seen.signals, state.version()),
            (_, false) => word.having_seen(state.version()),
        };
        // Also where the word stays as it was: the CAS shows that the packet was there after the look. So the thread that
        // takes it sees what this look has seen, and reads it all.
        if !cell.change(word, next) {
            continue;
        }
        crash_point!(thread, "evaluate.fired");
        if word.is_repeating() {
            announced.note(cell, &seen);
        }
        if word.state() == CellState::Queued {
            // The thread that has put it into the ring may have been stopped before it woke a waiter.
            ring::wake_waiter(thread, port)?;
        } else {
            ring::put(thread, port, cell)?;
        }
        return Ok(if word.is_repeating() { armed } else { Outcome::Over });
    }
    Err(Error::Corrupt("a port's cell that never comes to rest"))
}

/// The marks that an observer had announced before a look, and its registration.
struct Announced {
    registration: u32,
    marks: [SeenMark; 2],
}

impl Announced {
    fn of(cell: Cell<'_>) -> Self {
        Self { registration: cell.interest().registration(), marks: [cell.seen(0), cell.seen(1)] }
    }

    /// All that the look has seen is announced.
    fn note(&self, cell: Cell<'_>, seen: &Observable) {
        for (edge, (now, before)) in seen.edges.iter().zip(self.marks).enumerate() {
            cell.note_seen(edge, now, self.registration, before);
        }
    }

    /// A mark that wraps is noted at each look, as the version is.
    fn note_wrapping(&self, cell: Cell<'_>, seen: &Observable) {
        for (edge, (now, before)) in
            seen.edges.iter().zip(self.marks).enumerate().filter(|(_, (now, _))| now.wraps)
        {
            cell.note_seen(edge, now, self.registration, before);
        }
    }
}

/// Whether the signals are a reason for a packet. `version`: of the stored signals that a repeating observer has seen.
fn is_due(cell: Cell<'_>, state: State, seen: &Observable, version: Option<u64>) -> bool {
    let asserted = seen.signals & cell.interest().trigger();
    if asserted.is_empty() {
        return false;
    }
    let Some(version) = version else { return true };
    version != state.version()
        || seen
            .edges
            .iter()
            .enumerate()
            .any(|(edge, now)| asserted.intersects(now.signal) && now.is_new(cell.seen(edge).mark()))
}

/// The registrar's own look, after it has armed its cell: nothing was announced before, so any signal of the trigger fires.
pub(crate) fn evaluate_new(
    thread: &Thread,
    target: &Target<'_>,
    port: Slot,
    cell: Cell<'_>,
    registration: u32,
) -> Result<()> {
    for _ in 0..MOST_ROUNDS {
        let armed = cell.load();
        if armed.state() != CellState::Armed || cell.interest().registration() != registration {
            break;
        }
        let announced = Announced::of(cell);
        let (state, seen) = target.look(thread)?;
        if let Some(next_ns) = seen.next_ns(cell.interest().trigger()) {
            deadlines::lower(thread, port, cell, next_ns)?;
        }
        if !seen.signals.intersects(cell.interest().trigger()) {
            break;
        }
        // If the CAS fails, another thread has fired it, or has noted a version.
        if cell.change(armed, armed.fired(seen.signals, state.version())) {
            crash_point!(thread, "observe.fired");
            announced.note(cell, &seen);
            break;
        }
    }
    // Also for a thread that has fired it and stopped.
    if cell.load().state() == CellState::Fired && cell.interest().registration() == registration {
        ring::put(thread, port, cell)?;
    }
    Ok(())
}

/// How many messages wait, for the count of a packet.
pub(crate) fn pending(seen: &Observable, trigger: Signals) -> u64 {
    let is_asked = |signal: Signals| signal == Signals::READABLE && (trigger & seen.signals).contains(signal);
    let edge = seen.edges.iter().find(|edge| is_asked(edge.signal));
    edge.map_or(1, |edge| edge.mark.saturating_sub(edge.passed).max(1))
}
