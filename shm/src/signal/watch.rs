//! Latched signals: how a sleeper observes signals that are cleared again before it checks.
//!
//! A wait ends when one of its signals is asserted *at some moment* of it, as in Zircon. This holds even if the signal
//! is cleared before the sleeper runs again. As long as a signal is set, every check sees it. So the signaller that
//! **clears** a signal first latches it for each sleeper, and the clearing CAS comes after. Setting a signal latches
//! none, and an object without WATCHED in its state has no sleeper to latch for.
//!
//! ```text
//!  watching      one bit per thread row: its thread is in a wait that can sleep, and has places
//!  row of a thread, one for each thread row
//!    wait        generation 32 · … · number of places 8
//!    places[i]   target: generation 32 · … · side 25      observed: generation 32 · signals 32
//! ```
//!
//! | `wait` | `watching` | `places[i]` | means |
//! |---|---|---|---|
//! | (g, 0) | 0 | of generation g or older | no wait that sleeps |
//! | (g, 0) | 0 | some of generation g + 1 | a wait is about to begin; clearers ignore these places |
//! | (g, n) | 0 | all n of generation g | the same; no object is armed yet, or the wait is over |
//! | (g, n) | 1 | all n of generation g | a wait; the signals in its places were asserted during it |
//!
//! A place belongs to the item of the same number. If the item waits only for [`UNWATCHED`] signals, its place has no
//! target. The generation belongs to the wait, and survives reuse of the row.
//!
//! *Sleeper*: store the places, then `wait`, then the bit; arm, with WATCHED, by a Release; check the state first and
//! the place after it; sleep. At the end of the wait, clear the bit and `wait`. WATCHED stays until a clearer removes
//! it.
//!
//! *Clearer* of an object that has WATCHED (where a signal is derived from a word of its own, W is that word, and the
//! state is loaded after it: `object/timer.rs`):
//! 1. load the state W (Acquire);
//! 2. find the places of this side in the rows that `watching` names;
//! 3. for each place: if the state is still W, add the signals that are to be cleared to `observed`, by a CAS that
//!    checks the generation; if the state is not W, start over;
//! 4. CAS W to the cleared word, without WATCHED if there was no place; start over if the state has changed;
//! 5. wake, if a place has observed something new: the signaller that set it may have been stopped before its wake.
//!
//! INV-LATCH-1: *no signal is lost.* A sleeper that was armed when a signal was set either sees it set, or sees the
//! word of a clearer. That clearer loaded W after the arming, so it saw the place (Release, Acquire). Its CAS came
//! after it had written the place.
//! INV-LATCH-2: *no signal is invented.* A clearer adds only signals that were set in W, and W was still the state
//! after the place's wait had begun (step 3). Everything that the sleeper's thread had seen when the wait began comes
//! before that load, so the thread had seen no state newer than W. An earlier wait's signals carry another generation.
//! INV-LATCH-3: only the thread that holds a row writes `wait` and targets, and begins a generation of `observed`;
//! clearers add signals to it. Recovery acts as the dead thread.
//!
//! **Deaths.** A clearer that dies before its CAS leaves the signal set, and the signals it wrote into places are true.
//! A clearer that dies after its CAS has written every place; recovery wakes the sleepers of the object that its hazard
//! names. A sleeper that dies leaves its bit, which recovery clears with the row, and WATCHED, which costs the next
//! clearer one walk that finds no place. A sleeper that is stopped keeps its places for as long as it is stopped:
//! wakers clear HAS_WAITERS and not WATCHED.
//!
//! **The counter wraps.** The CAS compares W as a whole, with the 24-bit counter that each arming advances. A clearer
//! would miss a place that was armed between steps 1 and 4 only if signals and counter were the same again. If the
//! signal was set all the time, the arming CAS itself has seen it, and the sleeper notes that. Otherwise the signal was
//! cleared and set again, and an exact multiple of 2²⁴ armings and wakings, each with its system call, fell into those
//! few instructions of a stopped clearer.

use crate::arena::error::{Error, Result};
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::record::watch::{UNWATCHED, Wait, WatchRow};
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::arena::word::signals::Signals;
use crate::process::thread::Thread;
use crate::signal::wait_item::WaitItem;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// A wait of this thread that can sleep and has places. Ends with [`end_watch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Wait);

/// The result of a clearer's walk over the places.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// A sleeper watches the side.
    pub(crate) is_watched: bool,
    /// A sleeper's place gained a signal that it did not have.
    pub(crate) is_news: bool,
}

fn watch_row(thread: &Thread) -> Result<&WatchRow> {
    thread.arena().watch(thread.tag)
}

/// Begins to watch for these items. The caller arms them afterwards.
pub(crate) fn begin_watch<'a>(
    thread: &Thread,
    items: impl ExactSizeIterator<Item = (ObjectRef, &'a WaitItem)>,
) -> Result<Watch> {
    let row = watch_row(thread)?;
    // Relaxed: the row is this thread's own.
    let wait = Wait(row.wait.load(Relaxed)).next(items.len());
    for ((object, item), place) in items.zip(&row.places) {
        let target = (item.waitfor.intersects(!UNWATCHED)).then_some(object);
        place.observed.store(wait.observed(Signals::empty()), Relaxed);
        place.target.store(wait.target(target), Relaxed);
    }
    // ORDER: Release pairs with the Acquire of `tell_watchers`. It publishes the places, and orders everything that
    // this thread has seen so far before the clearer's next load of the state (INV-LATCH-2).
    row.wait.store(wait.0, Release);
    let (word, bit) = thread.arena().watching_bit(thread.tag)?;
    // Relaxed: the Release of the arming comes after.
    word.fetch_or(bit, Relaxed);
    Ok(Watch(wait))
}

/// Latches signals that the arming CAS has seen. The caller calls it only for a place with a target.
pub(crate) fn note_watched(thread: &Thread, watch: Watch, place: usize, signals: Signals) -> Result<()> {
    let place = watch_row(thread)?.places.get(place).ok_or(Error::Corrupt("a wait without a place"))?;
    place.add(watch.0, signals).map(drop)
}

/// The signals latched in the place. The caller loads the state before, and calls `validate` after.
pub(crate) fn observed(thread: &Thread, watch: Watch, place: usize) -> Result<Signals> {
    let place = watch_row(thread)?.places.get(place).ok_or(Error::Corrupt("a wait without a place"))?;
    // Relaxed: the caller's Acquire load of the state pairs with the Release of the clearing CAS, so a clear that was
    // seen there is latched here. The fence of `validate`, which follows, orders the writes that came before the
    // signal.
    Ok(watch.0.signals(place.observed.load(Relaxed)).unwrap_or_default())
}

/// Ends the wait, with any result. Recovery also calls it, for the adopted row of a dead thread.
pub(crate) fn end_watch(thread: &Thread) -> Result<()> {
    let row = watch_row(thread)?;
    // Relaxed throughout: a clearer that still sees the wait writes a place that no thread reads.
    let wait = Wait(row.wait.load(Relaxed));
    let (word, bit) = thread.arena().watching_bit(thread.tag)?;
    if word.load(Relaxed) & bit != 0 {
        word.fetch_and(!bit, Relaxed);
    }
    if wait.places() != 0 {
        row.wait.store(wait.over().0, Relaxed);
    }
    Ok(())
}

/// Steps 2 and 3 of a clearer that has loaded `word` from `state`, the cell of these signals: the side's state, or the
/// word that they are derived from. `None` if the cell has changed.
pub(crate) fn tell_watchers(
    thread: &Thread,
    object: ObjectRef,
    state: &AtomicU64,
    word: u64,
    reusable: Signals,
) -> Result<Option<Told>> {
    let mut told = Told::default();
    for (index, bits) in thread.arena().watching().iter().enumerate() {
        // Relaxed: the Acquire load of the side's state came before, so the bits of all
        // sleepers armed in it are visible.
        let mut bits = bits.0.load(Relaxed);
        while bits != 0 {
            let tag = index * WORD_BITS + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let row = thread.arena().watch(Tag(tag as u16))?;
            // ORDER: Acquire pairs with the Release of `begin_watch`, and keeps the load of the state below after it
            // (INV-LATCH-2).
            let wait = Wait(row.wait.load(Acquire));
            let places =
                row.places.get(..wait.places()).ok_or(Error::Corrupt("a wait with too many places"))?;
            for place in places {
                // Relaxed, both loads: the Acquire above orders them. The state is compared per place, because a place
                // may gain only signals that were set after its wait had begun.
                if place.target.load(Relaxed) != wait.target(Some(object)) {
                    continue;
                }
                if state.load(Relaxed) != word {
                    return Ok(None);
                }
                if let Some(is_news) = place.add(wait, reusable)? {
                    told.is_watched = true;
                    told.is_news |= is_news;
                }
            }
        }
    }
    Ok(Some(told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Arena;
    use crate::arena::config::Config;
    use crate::arena::word::handle::HandleValue;
    use crate::arena::word::handle::Rights;
    use crate::arena::word::reference::Slot;
    use crate::arena::word::signals::State;
    use crate::object::ObjectClass;
    use crate::process::Process;
    use std::sync::Arc;

    const USER: Signals = Signals::from_bits_retain(1 << 24);

    /// Two threads of a process, and an event.
    fn two_with_an_event() -> (Thread, Thread, HandleValue) {
        let config =
            Config { max_objects: 16, pool_bytes: 1 << 16, max_loan_bytes: 1 << 12, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let process = Process::attach(arena, process_slot, 1, 7).unwrap();
        let [one, two] = [(); 2].map(|()| Thread::join(&process).unwrap());
        let (event, _) = one.create(ObjectClass::Event, Rights::all()).unwrap();
        (one, two, event)
    }

    fn pulse(thread: &Thread, event: HandleValue) {
        thread.signal(thread.lookup(event).unwrap(), Signals::empty(), USER).unwrap();
        thread.signal(thread.lookup(event).unwrap(), USER, Signals::empty()).unwrap();
    }

    /// Advances the counter as this many armings by other threads would, without their system calls.
    fn advance(thread: &Thread, event: HandleValue, armings: u64) {
        let object = thread.lookup(event).unwrap().entry.object();
        let state = thread.arena().state(object).unwrap();
        let word = state.load(Relaxed);
        state.store(word & !0xff_ffff | (word + armings) & 0xff_ffff, Relaxed);
    }

    #[test]
    fn counter_wrap_neither_hides_nor_invents_signals() {
        let (one, two, event) = two_with_an_event();
        for armings in [0, 1, (1 << 23) - 1, 1 << 23, (1 << 23) + 1, (1 << 24) - 1, 1 << 24] {
            let asleep = one.fall_asleep(event, USER).unwrap();
            advance(&two, event, armings);
            assert_eq!(one.look_asleep(&asleep), Ok(Signals::empty()), "{armings}");
            pulse(&two, event);
            assert_eq!(one.look_asleep(&asleep), Ok(USER), "{armings}");
            one.wake_up(asleep).unwrap();
            // A pulse that was reported before these armings is not reported again.
            advance(&two, event, armings);
            assert_eq!(one.wait_one(event, Rights::empty(), USER, 1).0, Err(Error::TimedOut), "{armings}");
            let asleep = one.fall_asleep(event, USER).unwrap();
            assert_eq!(one.look_asleep(&asleep), Ok(Signals::empty()), "{armings}");
            one.wake_up(asleep).unwrap();
        }
    }

    #[test]
    fn clear_without_sleepers_removes_watched() {
        let (one, two, event) = two_with_an_event();
        let object = one.lookup(event).unwrap().entry.object();
        let is_watched =
            || State(one.arena().object(object.slot()).unwrap().state[0].load(Relaxed)).has(State::WATCHED);
        let asleep = one.fall_asleep(event, USER).unwrap();
        pulse(&two, event);
        assert!(is_watched(), "a stopped sleeper keeps WATCHED");
        one.wake_up(asleep).unwrap();
        assert!(is_watched());
        pulse(&two, event);
        assert!(!is_watched());
        assert_eq!(one.signals(one.lookup(event).unwrap()), Ok(Signals::empty()), "WATCHED is no signal");
        let all = Signals::all();
        one.signal(one.lookup(event).unwrap(), all, all).unwrap();
        assert!(!is_watched(), "no caller can set WATCHED as a signal");
    }

    #[test]
    fn latched_signals_end_with_their_wait() {
        let wait = Wait(u64::MAX).next(2);
        assert_eq!((wait.places(), wait.over().places()), (2, 0));
        assert_eq!(
            wait.signals(wait.observed(Signals::from_bits_retain(7))),
            Some(Signals::from_bits_retain(7))
        );
        assert_eq!(wait.next(2).signals(wait.observed(Signals::from_bits_retain(7))), None);
        assert_ne!(wait.target(None), wait.target(Some(ObjectRef::new(Slot(0), 0))));
        assert_ne!(wait.next(2).target(None), wait.target(None));
    }
}
