//! Signals, and waiting for them: who may set what, what a wait sees, and everything that ends one.

mod support;

use jacinth::raw::{self, WAIT_MANY_MAX_ITEMS};
use jacinth::*;
use support::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;

/// What the object asserts now.
fn now(object: &impl AsHandleRef) -> Signals {
    let (result, seen) = raw::wait_one(object.as_handle_ref().raw_handle(), Signals::all(), PAST);
    assert!(matches!(result, Ok(()) | Err(Status::TIMED_OUT)), "{result:?}");
    seen
}

fn soon() -> MonotonicInstant {
    MonotonicInstant::after(MonotonicDuration::from_millis(20))
}

fn item<'a>(object: &'a impl AsHandleRef, waitfor: Signals) -> WaitItem<'a> {
    WaitItem::new(object, waitfor)
}

#[test]
fn signals_are_cleared_and_then_set() {
    in_arena(|_| {
        let event = Event::create();
        assert_eq!(now(&event), Signals::NONE);
        event.signal(Signals::NONE, Signals::USER_0 | Signals::EVENT_SIGNALED).unwrap();
        assert_eq!(now(&event), Signals::USER_0 | Signals::EVENT_SIGNALED);
        event.signal(Signals::USER_0 | Signals::USER_1, Signals::USER_2).unwrap();
        assert_eq!(now(&event), Signals::USER_2 | Signals::EVENT_SIGNALED);
        event.signal(Signals::USER_2, Signals::USER_2).unwrap();
        assert_eq!(now(&event), Signals::USER_2 | Signals::EVENT_SIGNALED, "in both masks: set");
        event.signal(Signals::EVENT_MASK, Signals::NONE).unwrap();
        assert_eq!(now(&event), Signals::NONE);
        event.signal(Signals::NONE, Signals::USER_ALL).unwrap();
        assert_eq!(now(&event), Signals::USER_ALL);
    });
}

#[test]
fn only_settable_signals_can_be_set() {
    in_arena(|_| {
        let event = Event::create();
        let (side, other_side) = EventPair::create();
        let (end, other_end) = Channel::create();
        let timer = Timer::create();
        for bit in 0..32 {
            let signal = Signals::from_bits_retain(1 << bit);
            let of_users = Signals::USER_ALL.contains(signal);
            let expected = |allowed: bool| if allowed { Ok(()) } else { Err(Status::INVALID_ARGS) };
            for (clear, set) in [(signal, Signals::NONE), (Signals::NONE, signal), (signal, signal)] {
                let on_events = expected(of_users || signal == Signals::EVENT_SIGNALED);
                assert_eq!(event.signal(clear, set), on_events, "{signal:?}");
                assert_eq!(side.signal(clear, set), on_events, "{signal:?}");
                assert_eq!(side.signal_peer(clear, set), on_events, "{signal:?}");
                assert_eq!(end.signal(clear, set), expected(of_users), "{signal:?}");
                assert_eq!(timer.signal(clear, set), expected(of_users), "{signal:?}");
                assert_eq!(end.signal_peer(clear, set), expected(of_users), "{signal:?}");
            }
            let beside = Signals::USER_0 | signal;
            if !of_users {
                assert_eq!(end.signal(beside, Signals::NONE), Err(Status::INVALID_ARGS), "not even beside");
            }
        }
        let all = Signals::USER_ALL | Signals::EVENT_SIGNALED;
        assert_eq!([now(&event), now(&side), now(&other_side)], [all; 3]);
        assert_eq!(now(&timer), Signals::USER_ALL);
        assert_eq!(now(&end), Signals::USER_ALL | Signals::CHANNEL_WRITABLE);
        assert_eq!(now(&other_end), Signals::USER_ALL | Signals::CHANNEL_WRITABLE);
    });
}

#[test]
fn an_event_has_no_peer_to_signal() {
    in_arena(|_| {
        let event = Event::create();
        // Events never get the right, and the right is what is looked at first.
        let signalled = raw::signal_peer(event.raw_handle(), Signals::NONE, Signals::USER_0);
        assert_eq!(signalled, Err(Status::ACCESS_DENIED));
        let signalled = raw::signal_peer(event.raw_handle(), Signals::NONE, Signals::OBJECT_READABLE);
        assert_eq!(signalled, Err(Status::ACCESS_DENIED));
        assert_eq!(now(&event), Signals::NONE);
    });
}

#[test]
fn pair_sides_signal_each_other_until_close() {
    in_arena(|_| {
        let (ours, theirs) = EventPair::create();
        ours.signal_peer(Signals::NONE, Signals::USER_1 | Signals::EVENTPAIR_SIGNALED).unwrap();
        assert_eq!(now(&ours), Signals::NONE);
        assert_eq!(now(&theirs), Signals::USER_1 | Signals::EVENTPAIR_SIGNALED);
        let copy = theirs.duplicate(Rights::SAME_RIGHTS).unwrap();
        drop(theirs);
        assert_eq!(now(&ours), Signals::NONE, "a handle to it is left");
        ours.signal(Signals::NONE, Signals::USER_5).unwrap();
        drop(copy);
        assert_eq!(now(&ours), Signals::USER_5 | Signals::EVENTPAIR_PEER_CLOSED);
        assert_eq!(ours.signal_peer(Signals::NONE, Signals::USER_0), Err(Status::PEER_CLOSED));
        assert_eq!(ours.signal_peer(Signals::NONE, Signals::OBJECT_READABLE), Err(Status::INVALID_ARGS));
        assert_eq!(ours.signal(Signals::USER_5, Signals::USER_6), Ok(()), "one's own still work");
        assert_eq!(now(&ours), Signals::USER_6 | Signals::EVENTPAIR_PEER_CLOSED);
        let cleared = ours.signal(Signals::EVENTPAIR_PEER_CLOSED, Signals::NONE);
        assert_eq!(cleared, Err(Status::INVALID_ARGS));
    });
}

#[test]
fn a_channel_asserts_its_possible_operations() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        assert_eq!([now(&ours), now(&theirs)], [Signals::CHANNEL_WRITABLE; 2]);
        tell(&ours, "1");
        tell(&ours, "2");
        assert_eq!(now(&ours), Signals::CHANNEL_WRITABLE);
        assert_eq!(now(&theirs), Signals::CHANNEL_READABLE | Signals::CHANNEL_WRITABLE);
        next(&theirs);
        assert_eq!(now(&theirs), Signals::CHANNEL_READABLE | Signals::CHANNEL_WRITABLE);
        next(&theirs);
        assert_eq!(now(&theirs), Signals::CHANNEL_WRITABLE);
        theirs.signal_peer(Signals::NONE, Signals::USER_2).unwrap();
        assert_eq!(now(&ours), Signals::CHANNEL_WRITABLE | Signals::USER_2);
        tell(&ours, "3");
        drop(ours);
        assert_eq!(now(&theirs), Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED);
        next(&theirs);
        assert_eq!(now(&theirs), Signals::CHANNEL_PEER_CLOSED);
        assert_eq!(theirs.signal_peer(Signals::NONE, Signals::USER_0), Err(Status::PEER_CLOSED));
    });
}

#[test]
fn a_wait_gives_all_observed_signals() {
    in_arena(|_| {
        let event = Event::create();
        event.signal(Signals::NONE, Signals::USER_0 | Signals::USER_1).unwrap();
        assert_eq!(
            event.wait_one(Signals::USER_1, FOREVER).to_result(),
            Ok(Signals::USER_0 | Signals::USER_1)
        );
        assert_eq!(
            event.wait_one(Signals::all(), FOREVER).to_result(),
            Ok(Signals::USER_0 | Signals::USER_1)
        );
        let (result, seen) = raw::wait_one(event.raw_handle(), Signals::USER_7, soon());
        assert_eq!((result, seen), (Err(Status::TIMED_OUT), Signals::USER_0 | Signals::USER_1));
    });
}

#[test]
fn a_deadline_in_the_past_looks_once() {
    in_arena(|_| {
        let event = Event::create();
        for deadline in
            [PAST, MonotonicInstant::ZERO, MonotonicInstant::from_nanos(-1), MonotonicInstant::get()]
        {
            assert_eq!(event.wait_one(Signals::USER_0, deadline).to_result(), Err(Status::TIMED_OUT));
            let mut items = [item(&event, Signals::USER_0)];
            assert_eq!(object_wait_many(&mut items, deadline), Err(Status::TIMED_OUT));
        }
        event.signal(Signals::NONE, Signals::USER_0).unwrap();
        for deadline in [PAST, MonotonicInstant::ZERO, MonotonicInstant::get()] {
            assert_eq!(event.wait_one(Signals::USER_0, deadline).to_result(), Ok(Signals::USER_0));
            assert_eq!(object_wait_many(&mut [item(&event, Signals::USER_0)], deadline), Ok(false));
        }
    });
}

#[test]
fn no_wait_ends_before_its_deadline() {
    in_arena(|_| {
        let event = Event::create();
        for spin in [MonotonicDuration::ZERO, MonotonicDuration::from_micros(10), MonotonicDuration::INFINITE]
        {
            set_spin(spin);
            for _ in 0..5 {
                let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(3));
                assert_eq!(event.wait_one(Signals::USER_0, deadline).to_result(), Err(Status::TIMED_OUT));
                assert!(MonotonicInstant::get() >= deadline);
            }
        }
        assert_eq!(
            event.wait_one(Signals::NONE, soon()).to_result(),
            Err(Status::TIMED_OUT),
            "waiting for nothing"
        );
    });
}

#[test]
fn wait_many_takes_0_to_64_items() {
    in_arena(|_| {
        assert_eq!(WAIT_MANY_MAX_ITEMS, 64);
        let deadline = soon();
        assert_eq!(object_wait_many(&mut [], deadline), Err(Status::TIMED_OUT));
        assert!(MonotonicInstant::get() >= deadline, "with no items it sleeps until the deadline");
        let events: Vec<Event> = (0..65).map(|_| Event::create()).collect();
        let mut items: Vec<_> = events.iter().map(|event| item(event, Signals::USER_0)).collect();
        assert_eq!(object_wait_many(&mut items, PAST), Err(Status::OUT_OF_RANGE));
        events[64].signal(Signals::NONE, Signals::USER_0).unwrap();
        assert_eq!(object_wait_many(&mut items, FOREVER), Err(Status::OUT_OF_RANGE));
        assert_eq!(object_wait_many(&mut items[1..], FOREVER), Ok(false));
        assert_eq!(items[64].pending, Signals::USER_0);
    });
}

#[test]
fn wait_many_reports_each_items_signals() {
    in_arena(|_| {
        let events: Vec<Event> = (0..7).map(|_| Event::create()).collect();
        let (ours, theirs) = Channel::create();
        let user = |bit: usize| Signals::from_bits_retain(1 << (24 + bit));
        for (bit, event) in events.iter().enumerate() {
            event.signal(Signals::NONE, user(bit)).unwrap();
        }
        tell(&ours, "x");
        let mut items: Vec<_> = events.iter().map(|event| item(event, Signals::EVENT_SIGNALED)).collect();
        items.push(item(&theirs, Signals::CHANNEL_PEER_CLOSED));
        let check = |items: &[WaitItem<'_>]| {
            for (bit, item) in items[..7].iter().enumerate() {
                assert_eq!(item.pending & Signals::USER_ALL, user(bit));
            }
            assert_eq!(items[7].pending, Signals::CHANNEL_READABLE | Signals::CHANNEL_WRITABLE);
        };
        assert_eq!(object_wait_many(&mut items, soon()), Err(Status::TIMED_OUT));
        check(&items);
        events[3].signal(Signals::NONE, Signals::EVENT_SIGNALED).unwrap();
        assert_eq!(object_wait_many(&mut items, FOREVER), Ok(false));
        check(&items);
        assert_eq!(items[3].pending, user(3) | Signals::EVENT_SIGNALED);
    });
}

#[test]
fn wait_many_checks_every_items_handle() {
    in_arena(|_| {
        let good = Event::create();
        good.signal(Signals::NONE, Signals::USER_0).unwrap();
        let weak = good.duplicate(Rights::SIGNAL).unwrap();
        let gone = Event::create();
        raw::close(gone.raw_handle()).unwrap();
        for (bad, status) in [(&weak, Status::ACCESS_DENIED), (&gone, Status::BAD_HANDLE)] {
            let mut items = [item(&good, Signals::USER_0), item(bad, Signals::USER_0)];
            assert_eq!(object_wait_many(&mut items, FOREVER), Err(status));
            items.reverse();
            assert_eq!(object_wait_many(&mut items, FOREVER), Err(status));
        }
        std::mem::forget(gone);
    });
}

#[test]
fn one_object_admits_several_waits() {
    in_arena(|supervisor| {
        let event = Event::create();
        let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
        for bit in [Signals::USER_0, Signals::USER_1, Signals::USER_2] {
            std::thread::scope(|scope| {
                let waiter = asleep(scope, supervisor, || {
                    let mut items = [
                        item(&event, Signals::USER_0),
                        item(&event, Signals::USER_1),
                        item(&copy, Signals::USER_2),
                        item(&event, Signals::USER_0),
                    ];
                    object_wait_many(&mut items, FOREVER).map(|_| items.map(|item| item.pending))
                });
                event.signal(Signals::NONE, bit).unwrap();
                assert_eq!(waiter.join().unwrap(), Ok([bit; 4]));
            });
            event.signal(bit, Signals::NONE).unwrap();
        }
    });
}

#[test]
fn each_signal_kind_wakes_a_sleeper() {
    in_arena(|supervisor| {
        let event = Event::create();
        let (side, other_side) = EventPair::create();
        let (end, other_end) = Channel::create();
        let set = Signals::USER_3;
        let (on_event, on_side, on_end) = (event.as_handle_ref(), side.as_handle_ref(), end.as_handle_ref());
        let wakers: [(HandleRef<'_>, Signals, &dyn Fn()); 4] = [
            (on_event, set, &|| event.signal(Signals::NONE, set).unwrap()),
            (on_side, set, &|| side.signal(Signals::NONE, set).unwrap()),
            (on_end.clone(), set, &|| other_end.signal_peer(Signals::NONE, set).unwrap()),
            (on_end, Signals::CHANNEL_READABLE, &|| tell(&other_end, "wake up")),
        ];
        for (handle, signals, wake) in wakers {
            std::thread::scope(|scope| {
                let waiter = asleep(scope, supervisor, move || handle.wait_one(signals, FOREVER).to_result());
                wake();
                assert!(waiter.join().unwrap().unwrap().contains(signals));
            });
        }
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || {
                side.wait_one(Signals::EVENTPAIR_PEER_CLOSED, FOREVER).to_result()
            });
            drop(other_side);
            assert_eq!(waiter.join().unwrap(), Ok(Signals::EVENTPAIR_PEER_CLOSED | set));
        });
        std::thread::scope(|scope| {
            let waiter =
                asleep(scope, supervisor, || end.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result());
            drop(other_end);
            assert!(waiter.join().unwrap().unwrap().contains(Signals::CHANNEL_PEER_CLOSED));
        });
    });
}

#[test]
fn all_sleepers_on_an_object_wake() {
    in_arena(|supervisor| {
        let event = Event::create();
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..6)
                .map(|number| {
                    let signals = if number % 2 == 0 { Signals::USER_0 } else { Signals::USER_1 };
                    let event = &event;
                    asleep(scope, supervisor, move || event.wait_one(signals, FOREVER).to_result())
                })
                .collect();
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            event.signal(Signals::NONE, Signals::USER_1).unwrap();
            for waiter in waiters {
                assert!(waiter.join().unwrap().is_ok());
            }
        });
    });
}

#[test]
fn close_replace_and_transfer_cancel_waits() {
    in_arena(|supervisor| {
        let (carrier, _far) = Channel::create();
        let close = |value: u32| raw::close(value).unwrap();
        let close_many = |value: u32| raw::close_many(&[value]).unwrap();
        let send_away = |value: u32| raw::channel_write(carrier.raw_handle(), b"", &[value]).unwrap();
        let replace =
            |value: u32| drop(NullableHandle::from_raw(raw::replace(value, Rights::SAME_RIGHTS).unwrap()));
        let ends: [&dyn Fn(u32); 4] = [&close, &close_many, &send_away, &replace];
        for end in ends {
            let (side, _other_side) = EventPair::create();
            let (endpoint, _other_end) = Channel::create();
            for handle in [event(), side.into(), endpoint.into()] {
                let value = handle.into_raw();
                std::thread::scope(|scope| {
                    let waiter = asleep(scope, supervisor, || {
                        raw::wait_one(value, Signals::USER_0 | Signals::CHANNEL_READABLE, FOREVER)
                    });
                    end(value);
                    let (result, seen) = waiter.join().unwrap();
                    assert_eq!(result, Err(Status::CANCELED));
                    assert!(seen.contains(Signals::HANDLE_CLOSED));
                });
            }
        }
    });
}

#[test]
fn closing_another_handle_cancels_no_wait() {
    in_arena(|supervisor| {
        let event = Event::create();
        let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || event.wait_one(Signals::USER_0, FOREVER).to_result());
            let before = supervisor.counters().sleeps;
            drop(copy);
            // Looked again and slept again, or never woke up: the wait is not over.
            assert!(!waiter.is_finished() || supervisor.counters().sleeps > before);
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(Signals::USER_0));
        });
    });
}

#[test]
fn losing_one_handle_cancels_wait_many() {
    in_arena(|supervisor| {
        let stays = Event::create();
        let value = event().into_raw();
        let goes = NullableHandle::from_raw(value);
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || {
                let mut items = [item(&stays, Signals::USER_0), item(&goes, Signals::USER_0)];
                let result = object_wait_many(&mut items, FOREVER);
                (result, items.map(|item| item.pending))
            });
            raw::close(value).unwrap();
            let (result, pending) = waiter.join().unwrap();
            assert_eq!(result, Ok(true));
            assert!(
                pending[1].contains(Signals::HANDLE_CLOSED) && !pending[0].contains(Signals::HANDLE_CLOSED)
            );
        });
        std::mem::forget(goes);
    });
}

#[test]
fn latched_signal_ends_every_earlier_wait() {
    in_arena(|supervisor| {
        let (side, other_side) = EventPair::create();
        for _ in 0..50 {
            std::thread::scope(|scope| {
                let waiter =
                    asleep(scope, supervisor, || side.wait_one(Signals::USER_0, FOREVER).to_result());
                other_side.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                other_side.signal_peer(Signals::USER_0, Signals::NONE).unwrap();
                assert!(waiter.join().unwrap().unwrap().contains(Signals::USER_0));
            });
            assert_eq!(now(&side), Signals::NONE);
        }
    });
}

#[test]
fn unrelated_latched_signals_lose_no_wake() {
    in_arena(|_| {
        let event = Event::create();
        let rounds = 20_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                set_spin(MonotonicDuration::ZERO);
                for _ in 0..rounds {
                    event.wait_one(Signals::USER_0, FOREVER).unwrap();
                    event.signal(Signals::USER_0, Signals::USER_1).unwrap();
                }
            });
            for _ in 0..rounds {
                event.signal(Signals::USER_1, Signals::USER_0).unwrap();
                event.signal(Signals::NONE, Signals::USER_7).unwrap();
                event.signal(Signals::USER_7, Signals::NONE).unwrap();
                event.wait_one(Signals::USER_1, FOREVER).unwrap();
            }
        });
    });
}

#[test]
fn many_waiters_and_signallers_lose_no_wake() {
    in_arena(|_| {
        let (threads, rounds) = (4usize, 3_000u32);
        let doors: Vec<(EventPair, EventPair)> = (0..threads).map(|_| EventPair::create()).collect();
        std::thread::scope(|scope| {
            for (ours, theirs) in &doors {
                scope.spawn(move || {
                    set_spin(MonotonicDuration::ZERO);
                    for _ in 0..rounds {
                        ours.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                        ours.wait_one(Signals::USER_1, FOREVER).unwrap();
                        assert_eq!(now(theirs), Signals::NONE, "seen, and cleared before it was answered");
                        ours.signal(Signals::USER_1, Signals::NONE).unwrap();
                    }
                });
            }
            // One thread answers all of them.
            let mut answered = 0;
            while answered < threads as u32 * rounds {
                let mut items: Vec<_> =
                    doors.iter().map(|(_, theirs)| item(theirs, Signals::USER_0)).collect();
                object_wait_many(&mut items, FOREVER).unwrap();
                for (item, (_, theirs)) in items.iter().zip(&doors) {
                    if item.pending.contains(Signals::USER_0) {
                        theirs.signal(Signals::USER_0, Signals::NONE).unwrap();
                        theirs.signal_peer(Signals::NONE, Signals::USER_1).unwrap();
                        answered += 1;
                    }
                }
            }
        });
    });
}
