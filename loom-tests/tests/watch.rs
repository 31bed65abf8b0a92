//! Signals that are set and cleared again before a sleeper looks: the sleeper observes exactly those that were asserted
//! while it slept.

mod support;

use jacinth_shm_loom::{CrashOutcome, Error, HandleValue, LostStores, Signals, Thread, crash_after};
use support::*;

/// Other signals.
const SECOND: Signals = Signals::from_bits_retain(USER.bits() << 1);
const LAST: Signals = Signals::from_bits_retain(USER.bits() << 2);

/// A process with a handle to an event, and two others with one each.
fn three_with_an_event() -> [(Thread, HandleValue); 3] {
    let one = first(&small_with(|config| config.max_handles_per_process = 5));
    let event = create_event(&one);
    let others = [(); 2].map(|()| {
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        let child = child(&one, Some(copy));
        let theirs = startup(&child);
        (child, theirs)
    });
    let [second, third] = others;
    [(one, event), second, third]
}

/// Sets signals, and clears them.
fn set_and_clear(thread: &Thread, event: HandleValue, signals: Signals) {
    thread.signal(find(thread, event), Signals::empty(), signals).unwrap();
    thread.signal(find(thread, event), signals, Signals::empty()).unwrap();
}

/// INV-LATCH-1: a sleeper that armed before a signal was set and cleared observes it, however often it looks meanwhile and arms again.
#[test]
fn woken_sleeper_observes_the_latched_signal() {
    model_without_barriers(2, || {
        let [(one, event), (two, theirs), _third] = three_with_an_event();
        let asleep = one.fall_asleep(event, USER).unwrap();
        let signalling = loom::thread::spawn(move || {
            set_and_clear(&two, theirs, USER);
            two
        });
        assert_eq!(one.sleep_on(&asleep), Ok(USER));
        one.wake_up(asleep).unwrap();
        let _two = signalling.join().unwrap();
        assert_eq!(one.signals_of(event), Ok(Signals::empty()));
        assert_clean(&one, 1, 3);
    });
}

/// INV-LATCH-1: two signallers that clear at once tell two sleepers of both signals.
#[test]
fn two_sleepers_observe_both_latched_signals() {
    model_without_barriers(1, || {
        let [(one, event), (two, theirs), (three, its)] = three_with_an_event();
        let other = sibling(&one);
        let sleepers = [
            (&one, one.fall_asleep(event, USER).unwrap()),
            (&other, other.fall_asleep(event, SECOND).unwrap()),
        ];
        let signalling = [(two, theirs, USER), (three, its, SECOND)].map(|(thread, event, signal)| {
            loom::thread::spawn(move || {
                set_and_clear(&thread, event, signal);
                thread
            })
        });
        let _threads = signalling.map(|signalling| signalling.join().unwrap());
        for (sleeper, asleep) in sleepers {
            assert_eq!(sleeper.look_asleep(&asleep), Ok(USER | SECOND));
            sleeper.wake_up(asleep).unwrap();
        }
        assert_clean(&one, 1, 3);
    });
}

/// INV-LATCH-1: a sleeper that arms while a signal is cleared misses none that comes after, and one that has slept all
/// the time and never looked has missed none at all.
#[test]
fn arming_during_clear_misses_no_signal() {
    model_without_barriers(2, || {
        let [(one, event), (two, theirs), (three, its)] = three_with_an_event();
        let stopped = three.fall_asleep(its, LAST).unwrap();
        two.signal(find(&two, theirs), Signals::empty(), USER).unwrap();
        let clearing = loom::thread::spawn(move || {
            two.signal(find(&two, theirs), USER, Signals::empty()).unwrap();
            set_and_clear(&two, theirs, SECOND);
            two
        });
        let asleep = one.fall_asleep(event, SECOND).unwrap();
        let armed_before = one.signals_of(event).unwrap() & USER != Signals::empty();
        let _two = clearing.join().unwrap();
        assert!(!armed_before || one.look_asleep(&asleep) == Ok(USER | SECOND));
        assert_eq!(three.look_asleep(&stopped), Ok(USER | SECOND));
        three.wake_up(stopped).unwrap();
        one.wake_up(asleep).unwrap();
        assert_clean(&one, 1, 3);
    });
}

/// INV-LATCH-2: one that knows that the signal is cleared does not observe it in its next wait, though another signaller
/// is about to clear it too.
#[test]
fn wait_observes_no_earlier_signal() {
    model_without_barriers(2, || {
        let [(one, event), (two, theirs), _third] = three_with_an_event();
        one.signal(find(&one, event), Signals::empty(), USER).unwrap();
        let earlier = one.fall_asleep(event, SECOND).unwrap();
        let clearing = loom::thread::spawn(move || {
            two.signal(find(&two, theirs), USER, Signals::empty()).unwrap();
            two
        });
        one.signal(find(&one, event), USER, Signals::empty()).unwrap();
        assert_eq!(one.look_asleep(&earlier), Ok(USER));
        one.wake_up(earlier).unwrap();
        let asleep = one.fall_asleep(event, USER).unwrap();
        let _two = clearing.join().unwrap();
        assert_eq!(one.look_asleep(&asleep), Ok(Signals::empty()));
        one.wake_up(asleep).unwrap();
        assert_clean(&one, 1, 3);
    });
}

/// Steps 4 and 5 of a clearer: it wakes for a signaller that died, or was stopped, before its own wake.
#[test]
fn clearer_wakes_for_a_silent_signaller() {
    model(2, || {
        let [(one, event), (two, theirs), (three, its)] = three_with_an_event();
        let asleep = one.fall_asleep(event, USER).unwrap();
        let signalling = loom::thread::spawn(move || {
            two.die_at("signal.changed", 0);
            assert_eq!(two.signal(find(&two, theirs), Signals::empty(), USER), Err(Error::Died));
            three.signal(find(&three, its), USER, Signals::empty()).unwrap();
            (two, three)
        });
        assert_eq!(one.sleep_on(&asleep), Ok(USER));
        one.wake_up(asleep).unwrap();
        let _threads = signalling.join().unwrap();
    });
}

/// INV-LATCH-3: a dead sleeper is forgotten, and the next holder of its row observes none of its signals.
#[test]
fn dead_sleeper_leaves_no_watch() {
    model(0, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 5));
        let event = create_event(&one);
        let dies = |after: usize| {
            let copy = one.duplicate(find(&one, event), ALL).unwrap();
            let (sleeper, process_slot) = child_with_slot(&one, Some(copy));
            let theirs = startup(&sleeper);
            // Its stores, from the first that begins the wait to the arming.
            let ended = crash_after(after, LostStores::Nothing, || sleeper.fall_asleep(theirs, USER));
            set_and_clear(&one, event, USER);
            sleeper.has_died();
            one.recover(process_slot).unwrap();
            assert_clean(&one, 1, 1);
            matches!(ended, CrashOutcome::After(_))
        };
        let mut after = 0;
        while dies(after) {
            after += 1;
        }
        assert!(after > 4);
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        let next = child(&one, Some(copy));
        let theirs = startup(&next);
        let asleep = next.fall_asleep(theirs, USER).unwrap();
        assert_eq!(next.look_asleep(&asleep), Ok(Signals::empty()));
        set_and_clear(&one, event, USER);
        assert_eq!(next.look_asleep(&asleep), Ok(USER));
    });
}

/// INV-LATCH-1: a woken sleeper sees the signaller's earlier stores, though the signal is cleared again by then.
#[test]
fn latched_signal_publishes_earlier_stores() {
    model_without_barriers(2, || {
        let one = first(&small());
        let event = create_event(&one);
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let signalling = loom::thread::spawn(move || {
            two.set_name(find(&two, theirs), &[b'x'; 32]).unwrap();
            two.signal(find(&two, theirs), Signals::empty(), USER).unwrap();
            two.signal(find(&two, theirs), USER, Signals::empty()).unwrap();
            two.signal(find(&two, theirs), Signals::empty(), LAST).unwrap();
            two
        });
        let (result, pending) = wait(&one, event, USER | LAST);
        assert_eq!(result, Ok(()));
        assert!(!pending.is_empty());
        let mut name = [b'x'; 32];
        name[31] = 0;
        assert_eq!(one.name(find(&one, event)), Ok(name));
        let _two = signalling.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}
