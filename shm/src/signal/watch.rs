//! What a sleeper observes of signals that are cleared again before it looks.
//!
//! A wait ends when one of its signals is asserted *at some moment* of it, as in Zircon: also if the signal is cleared
//! before the sleeper runs again. As long as a signal is set, every look sees it. So the signaller that **clears** a
//! signal first writes it down for each sleeper, and the clearing CAS comes after. Nothing is written down when a signal
//! is set, and nothing at all for an object that has no WATCHED in its state.
//!
//! ```text
//!  watching      one bit a thread row: its thread is in a wait that can sleep, and has places
//!  row of a thread, one for each thread row
//!    wait        generation 32 · … · number of places 8
//!    places[i]   target: generation 32 · … · side 25      observed: generation 32 · signals 32
//! ```
//!
//! | `wait` | `watching` | `places[i]` | means |
//! |---|---|---|---|
//! | (g, 0) | 0 | of generation g or older | no wait that sleeps |
//! | (g, 0) | 0 | some of generation g + 1 | a wait is about to begin; no clearer believes them yet |
//! | (g, n) | 0 | all n of generation g | the same; nothing is armed yet, or the wait is over |
//! | (g, n) | 1 | all n of generation g | a wait; what its places have observed was asserted during it |
//!
//! A place belongs to the item of the same number. One whose item waits for none but [`UNWATCHED`] signals has no target.
//! The generation belongs to the wait, and survives reuse of the row.
//!
//! *Sleeper*: places, then `wait`, then the bit; then arm, with WATCHED, by a Release; look, at the state first and at the
//! place after it; sleep. In the end the bit and `wait` are cleared. WATCHED stays for the next clearer to find.
//!
//! *Clearer*, of an object that has WATCHED:
//! 1. load the state W (Acquire);
//! 2. find the places of this side in the rows that `watching` names;
//! 3. for each: if the state is still W, add the signals that are to be cleared to what it has observed, by CAS of its
//!    generation; if not, start over;
//! 4. CAS W to the cleared word, without WATCHED if there was no place; start over if it has changed;
//! 5. wake, if a place has observed something new: the signaller that set it may have been stopped before its wake.
//!
//! INV-PULSE-1: *nothing is lost.* A sleeper that was armed when a signal was set either sees it set, or sees the word of a
//! clearer. That clearer's W came after the arming, so it saw the place (Release, Acquire), and its CAS came after the
//! place was told.
//! INV-PULSE-2: *nothing is invented.* A place is told of signals that were set in W, and W was still the state after the
//! place's wait had begun (3): all that the sleeper's thread had seen when it began it comes before that load, so it had
//! seen nothing newer than W. An earlier wait's signals are of another generation.
//! INV-PULSE-3: only the thread that holds a row writes `wait` and targets, and begins a generation of `observed`; clearers
//! add signals to it. Recovery acts as the dead thread.
//!
//! **Deaths.** A clearer that dies before its CAS leaves the signal set, and has told places the truth. After it, all are
//! told; recovery wakes the sleepers of what its hazard names. A sleeper that dies leaves its bit, which recovery clears
//! with its row, and WATCHED, which costs the next clearer one walk in vain. A sleeper that is stopped keeps its places,
//! whatever happens meanwhile: wakers clear HAS_WAITERS and not WATCHED.
//!
//! **The counter comes round.** W is compared as a whole, with the 24-bit counter that each arming advances. A place that
//! was armed between 1 and 4 would be missed only if signals and counter were the same again. If the signal was set all
//! the time, the arming CAS itself has seen it, and the sleeper notes that. Otherwise it was cleared and set again, and an
//! exact multiple of 2²⁴ armings and wakings, each with its system call, fell into those few instructions of a stopped
//! clearer.

use crate::arena::error::{Error, Result};
use crate::arena::record::free_map::WORD_BITS;
use crate::arena::record::watch::{UNWATCHED, Wait, WatchRow};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::State;
use crate::process::thread::Thread;
use crate::signal::wait_item::WaitItem;
use crate::sync::{Acquire, AtomicU64, Relaxed, Release};

/// A wait of this thread that can sleep, and watches. Ends with [`end_watch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch(Wait);

/// What a clearer found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// Somebody watches the side.
    pub(crate) is_watched: bool,
    /// And has observed something new.
    pub(crate) is_news: bool,
}

fn watch_row(thread: &Thread) -> Result<&WatchRow> {
    thread.arena().watch(thread.tag.0)
}

/// Begins to watch for these items, before anything is armed.
pub(crate) fn begin_watch<'a>(
    thread: &Thread,
    items: impl ExactSizeIterator<Item = (ObjectRef, &'a WaitItem)>,
) -> Result<Watch> {
    let row = watch_row(thread)?;
    // Relaxed: the row is this thread's own.
    let wait = Wait(row.wait.load(Relaxed)).next(items.len());
    for ((object, item), place) in items.zip(&row.places) {
        let target = (item.waitfor & !UNWATCHED != 0).then_some(object);
        place.observed.store(wait.observed(0), Relaxed);
        place.target.store(wait.target(target), Relaxed);
    }
    // ORDER: Release pairs with the Acquire of `tell_watchers`: the places, and all that this thread has seen so far
    // (INV-PULSE-2).
    row.wait.store(wait.0, Release);
    let (word, bit) = thread.arena().watching_bit(thread.tag.0)?;
    // Relaxed: the Release of the arming comes after.
    word.fetch_or(bit, Relaxed);
    Ok(Watch(wait))
}

/// The arming CAS has seen these signals. Only the item of a place with a target is to be told.
pub(crate) fn note_watched(thread: &Thread, watch: Watch, place: usize, signals: u32) -> Result<()> {
    let place = watch_row(thread)?.places.get(place).ok_or(Error::Corrupt("a wait without a place"))?;
    place.add(watch.0, signals).map(drop)
}

/// What the place has observed. The state is looked at before, and `validate` asked after.
pub(crate) fn observed(thread: &Thread, watch: Watch, place: usize) -> Result<u32> {
    let place = watch_row(thread)?.places.get(place).ok_or(Error::Corrupt("a wait without a place"))?;
    // Relaxed: the look at the state before, which was an Acquire, pairs with the Release of the clearing CAS: a clear
    // that has been seen has been told of. What came before the signal is ordered by the fence of `validate`, which
    // comes next.
    Ok(watch.0.signals(place.observed.load(Relaxed)).unwrap_or(0))
}

/// The wait is over, however it ended; or the thread is, and this its adopted row.
pub(crate) fn end_watch(thread: &Thread) -> Result<()> {
    let row = watch_row(thread)?;
    // Relaxed, all of it: a clearer that still sees the wait tells a place that nobody reads.
    let wait = Wait(row.wait.load(Relaxed));
    let (word, bit) = thread.arena().watching_bit(thread.tag.0)?;
    if word.load(Relaxed) & bit != 0 {
        word.fetch_and(!bit, Relaxed);
    }
    if wait.places() != 0 {
        row.wait.store(wait.over().0, Relaxed);
    }
    Ok(())
}

/// Steps 2 and 3 of a clearer, which has loaded `word` from `state`, the side's. `None` if that has changed.
pub(crate) fn tell_watchers(
    thread: &Thread,
    object: ObjectRef,
    state: &AtomicU64,
    word: State,
    reusable: u32,
) -> Result<Option<Told>> {
    let mut told = Told::default();
    for (index, bits) in thread.arena().watching().iter().enumerate() {
        // Relaxed: the Acquire of `word` comes before.
        let mut bits = bits.0.load(Relaxed);
        while bits != 0 {
            let tag = index * WORD_BITS + bits.trailing_zeros() as usize;
            bits &= bits - 1;
            let row = thread.arena().watch(tag as u16)?;
            // ORDER: Acquire pairs with the Release of `begin_watch`, and keeps the look at the state behind it
            // (INV-PULSE-2).
            let wait = Wait(row.wait.load(Acquire));
            let places =
                row.places.get(..wait.places()).ok_or(Error::Corrupt("a wait with too many places"))?;
            for place in places {
                // Relaxed, both: ordered by the Acquire above.
                if place.target.load(Relaxed) != wait.target(Some(object)) {
                    continue;
                }
                if state.load(Relaxed) != word.0 {
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
    use crate::object::ObjectClass;
    use crate::process::Process;
    use std::sync::Arc;

    const USER: u32 = 1 << 24;

    /// Two threads of a process, and an event.
    fn two_with_an_event() -> (Thread, Thread, u32) {
        let config =
            Config { max_objects: 16, pool_bytes: 1 << 16, max_loan_bytes: 1 << 12, ..Config::default() };
        let arena = Arc::new(Arena::heap(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let process = Process::attach(arena, process_slot, 1, 7).unwrap();
        let [one, two] = [(); 2].map(|()| Thread::join(&process).unwrap());
        let (event, _) = one.create(ObjectClass::Event, u32::MAX >> 12).unwrap();
        (one, two, event)
    }

    fn pulse(thread: &Thread, event: u32) {
        thread.signal(thread.lookup(event).unwrap(), 0, USER).unwrap();
        thread.signal(thread.lookup(event).unwrap(), USER, 0).unwrap();
    }

    /// Lets others arm so often, without all their system calls.
    fn advance(thread: &Thread, event: u32, armings: u64) {
        let object = thread.lookup(event).unwrap().entry.object();
        let state = &thread.arena().object(object.slot()).unwrap().state[object.side()];
        let word = state.load(Relaxed);
        state.store(word & !0xff_ffff | (word + armings) & 0xff_ffff, Relaxed);
    }

    #[test]
    fn no_number_of_armings_by_others_hides_or_invents_a_pulse() {
        let (one, two, event) = two_with_an_event();
        for armings in [0, 1, (1 << 23) - 1, 1 << 23, (1 << 23) + 1, (1 << 24) - 1, 1 << 24] {
            let asleep = one.fall_asleep(event, USER).unwrap();
            advance(&two, event, armings);
            assert_eq!(one.look_asleep(&asleep), Ok(0), "{armings}");
            pulse(&two, event);
            assert_eq!(one.look_asleep(&asleep), Ok(USER), "{armings}");
            one.wake_up(asleep).unwrap();
            // After an honest pulse, so many armings later, nothing is left of it.
            advance(&two, event, armings);
            assert_eq!(one.wait_one(event, 0, USER, 1).0, Err(Error::TimedOut), "{armings}");
            let asleep = one.fall_asleep(event, USER).unwrap();
            assert_eq!(one.look_asleep(&asleep), Ok(0), "{armings}");
            one.wake_up(asleep).unwrap();
        }
    }

    #[test]
    fn a_clear_that_finds_no_watcher_forgets_to_look() {
        let (one, two, event) = two_with_an_event();
        let object = one.lookup(event).unwrap().entry.object();
        let is_watched =
            || State(one.arena().object(object.slot()).unwrap().state[0].load(Relaxed)).has(State::WATCHED);
        let asleep = one.fall_asleep(event, USER).unwrap();
        pulse(&two, event);
        assert!(is_watched(), "it may be stopped");
        one.wake_up(asleep).unwrap();
        assert!(is_watched());
        pulse(&two, event);
        assert!(!is_watched());
        assert_eq!(one.signals(one.lookup(event).unwrap()), Ok(0), "WATCHED is no signal");
        let all = u32::MAX;
        one.signal(one.lookup(event).unwrap(), all, all).unwrap();
        assert!(!is_watched(), "nobody can set it as one");
    }

    #[test]
    fn what_a_wait_has_observed_is_not_the_next_ones() {
        let wait = Wait(u64::MAX).next(2);
        assert_eq!((wait.places(), wait.over().places()), (2, 0));
        assert_eq!(wait.signals(wait.observed(7)), Some(7));
        assert_eq!(wait.next(2).signals(wait.observed(7)), None);
        assert_ne!(wait.target(None), wait.target(Some(ObjectRef::new(0, 0))));
        assert_ne!(wait.next(2).target(None), wait.target(None));
    }
}
