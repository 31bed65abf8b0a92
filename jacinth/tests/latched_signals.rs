//! Signals that are set and cleared again during a wait: each wait that had begun observes them, as in Zircon.

mod support;

use jacinth::*;
use rustix::process::{Pid, Signal, kill_process};
use support::*;

#[test]
fn child_main() {
    play(&[(SLEEPER, sleeps)]);
}

const SLEEPER: &str = "sleeps";
const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;

/// Waits for a signal of its end, and says what it has seen.
fn sleeps() {
    set_spin(MonotonicDuration::ZERO);
    let channel = startup_channel();
    let seen = channel.wait_one(Signals::USER_0, FOREVER).unwrap();
    tell(&channel, (seen & Signals::USER_ALL).bits().to_le_bytes());
    wait_for_peer_closed(&channel);
}

fn set_and_clear(end: &Channel, signals: Signals) {
    end.signal_peer(Signals::NONE, signals).unwrap();
    end.signal_peer(signals, Signals::NONE).unwrap();
}

#[test]
fn stopped_sleeper_observes_all_latched_signals() {
    in_arena(|supervisor| {
        let before = supervisor.counters().sleeps;
        let (ours, child) = spawn(supervisor, SLEEPER);
        until(|| supervisor.counters().sleeps > before);
        stop(Pid::from_child(&child));
        (0..10_000).for_each(|_| set_and_clear(&ours, Signals::USER_1));
        set_and_clear(&ours, Signals::USER_0);
        (0..10_000).for_each(|_| set_and_clear(&ours, Signals::USER_2));
        kill_process(Pid::from_child(&child), Signal::CONT).unwrap();
        let seen = Signals::USER_0 | Signals::USER_1 | Signals::USER_2;
        assert_eq!(next(&ours).bytes(), seen.bits().to_le_bytes());
        drop(ours);
        join(child);
        clean(supervisor);
    });
}

#[test]
fn a_sleeper_that_dies_is_forgotten() {
    in_arena(|supervisor| {
        for _ in 0..3 {
            let before = supervisor.counters().sleeps;
            let (ours, child) = spawn(supervisor, SLEEPER);
            until(|| supervisor.counters().sleeps > before);
            stop(Pid::from_child(&child));
            set_and_clear(&ours, Signals::USER_0);
            kill(supervisor, child);
            drop(ours);
        }
        assert_eq!(clean(supervisor).objects, 0);
    });
}

#[test]
fn each_sleeper_observes_its_latched_signal() {
    in_arena(|supervisor| {
        let event = &Event::create();
        let signals = [Signals::USER_0, Signals::USER_1, Signals::USER_2, Signals::EVENT_SIGNALED];
        for _ in 0..200 {
            std::thread::scope(|scope| {
                let waiters = signals.map(|signal| {
                    asleep(scope, supervisor, move || event.wait_one(signal, FOREVER).to_result())
                });
                for signal in signals {
                    event.signal(Signals::NONE, signal).unwrap();
                    event.signal(signal, Signals::NONE).unwrap();
                }
                for (waiter, signal) in waiters.into_iter().zip(signals) {
                    assert!(waiter.join().unwrap().unwrap().contains(signal));
                }
            });
            assert_eq!(
                event.wait_one(Signals::all(), MonotonicInstant::INFINITE_PAST).to_result(),
                Err(Status::TIMED_OUT),
                "a wait that begins later sees nothing"
            );
        }
    });
}

#[test]
fn any_latched_item_ends_wait_many() {
    in_arena(|supervisor| {
        let events: Vec<Event> = (0..64).map(|_| Event::create()).collect();
        for latched in [0, 31, 63] {
            std::thread::scope(|scope| {
                let waiter = asleep(scope, supervisor, || {
                    let mut items: Vec<_> =
                        events.iter().map(|event| WaitItem::new(event, Signals::USER_0)).collect();
                    object_wait_many(&mut items, FOREVER).unwrap();
                    items.iter().map(|item| item.pending).collect::<Vec<_>>()
                });
                events[latched].signal(Signals::NONE, Signals::USER_0).unwrap();
                events[latched].signal(Signals::USER_0, Signals::NONE).unwrap();
                let pending = waiter.join().unwrap();
                for (index, pending) in pending.into_iter().enumerate() {
                    let expected = if index == latched { Signals::USER_0 } else { Signals::NONE };
                    assert_eq!(pending, expected, "{index}");
                }
            });
        }
    });
}
