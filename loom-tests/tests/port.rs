//! Ports: no packet that is due is lost, none comes twice, and none is invented, while signallers, registrars and waiters
//! go on at the same time.

mod support;

use jacinth_shm_loom::{DEADLINE_INFINITE_NS, Error, HandleValue, Rights, Signals, Thread};
use support::ports::*;
use support::*;

fn clear(thread: &Thread, event: HandleValue, signals: Signals) {
    thread.signal(find(thread, event), signals, Signals::empty()).unwrap();
}

/// INV-OBSERVE-1: the registrar and the signaller meet.
#[test]
fn a_signal_during_registration_fires() {
    model_with_one_sided_barriers(2, || {
        let (one, port, event, two, theirs) = observed_event();
        let signalling = loom::thread::spawn(move || {
            set(&two, theirs, USER);
            two
        });
        observe(&one, event, port, once(1, USER)).unwrap();
        let _two = signalling.join().unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        assert_clean(&one, 2, 3);
    });
}

/// INV-OBSERVE-1, INV-OBSERVED-1: the writer of a channel looks at FENCED alone.
#[test]
fn a_message_during_registration_fires() {
    model_with_one_sided_barriers(1, || {
        let one = first(&with_ports());
        let (end, two) = connected(&one);
        let (port, theirs) = (create_port(&one), startup(&two));
        let writing = loom::thread::spawn(move || {
            two.send_value(theirs, &[1]).unwrap();
            two
        });
        observe(&one, end, port, once(1, Signals::READABLE)).unwrap();
        let _two = writing.join().unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        assert_clean(&one, 2, 3);
    });
}

/// INV-OBSERVE-2 and the CAS of step 2: two signallers fire one packet, with a signal that was set.
#[test]
fn two_signallers_fire_one_packet() {
    model(2, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, USER | SECOND)).unwrap();
        let signalling = loom::thread::spawn(move || {
            set(&two, theirs, USER);
            two
        });
        set(&one, event, SECOND);
        let _two = signalling.join().unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        assert_clean(&one, 2, 3);
    });
}

/// INV-OBSERVE-1: the thread that clears the signal fires for the one that set it.
#[test]
fn a_cleared_signal_still_fires() {
    model(2, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, USER)).unwrap();
        observe(&one, event, port, repeating(2, USER)).unwrap();
        let setting = loom::thread::spawn(move || {
            two.die_at("signal.changed", 0);
            assert_eq!(two.signal(find(&two, theirs), Signals::empty(), USER), Err(Error::Died));
            two
        });
        // A thread that has seen the signal clears it; the one that set it never goes on.
        while one.signals_of(event).unwrap().is_empty() {
            loom::thread::yield_now();
        }
        clear(&one, event, USER);
        let _two = setting.join().unwrap();
        let mut keys = [next(&one, port).unwrap(), next(&one, port).unwrap()];
        keys.sort_unstable();
        assert_eq!((keys, next(&one, port)), ([1, 2], None));
    });
}

/// INV-OBSERVE-3: set and cleared twice, by a thread that evaluates each change, while packets are taken.
#[test]
fn repeating_observers_miss_no_change() {
    model(2, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, repeating(1, USER)).unwrap();
        let setting = loom::thread::spawn(move || {
            set(&two, theirs, USER);
            two
        });
        let early = next(&one, port);
        let two = setting.join().unwrap();
        let late = next(&one, port);
        assert_eq!((early.is_some(), late.is_some()), (early.is_some(), early.is_none()), "exactly one");
        assert_eq!(next(&one, port), None);
        clear(&two, theirs, USER);
        set(&two, theirs, USER);
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        assert_clean(&one, 2, 3);
    });
}

/// INV-OBSERVE-3: a reader that reads until there is nothing left gets a packet for what comes afterwards.
#[test]
fn a_drained_channel_announces_the_next_message() {
    model_with_one_sided_barriers(2, || {
        let one = first(&with_ports());
        let (end, two) = connected(&one);
        let (port, theirs) = (create_port(&one), startup(&two));
        two.send_value(theirs, &[1]).unwrap();
        observe(&one, end, port, repeating(1, Signals::READABLE)).unwrap();
        assert_eq!(next(&one, port), Some(1));
        let writing = loom::thread::spawn(move || {
            two.send_value(theirs, &[2]).unwrap();
            two
        });
        let read = read_all(&one, end);
        let _two = writing.join().unwrap();
        if read < 2 {
            assert_eq!(next(&one, port), Some(1), "the second message is announced");
        }
        assert_eq!(read + read_all(&one, end), 2);
    });
}

/// The cell's CAS: one waiter gets the packet.
#[test]
fn a_packet_goes_to_one_waiter() {
    model(3, || {
        let one = first(&with_ports());
        let port = create_port(&one);
        queue(&one, port, 7).unwrap();
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let waiting = loom::thread::spawn(move || (next(&two, theirs), two));
        let ours = next(&one, port);
        let (their, _two) = waiting.join().unwrap();
        assert!(matches!((ours, their), (Some(7), None) | (None, Some(7))), "{ours:?} {their:?}");
        assert_eq!(next(&one, port), None);
        assert_clean(&one, 1, 2);
    });
}

/// INV-RING-P1: a sleeper is woken by the packet that it has not seen.
#[test]
fn a_sleeper_is_woken_by_a_packet() {
    model_with_one_sided_barriers(2, || {
        let one = first(&with_ports());
        let port = create_port(&one);
        queue(&one, port, 1).unwrap();
        assert_eq!(next(&one, port), Some(1));
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let queueing = loom::thread::spawn(move || {
            queue(&two, theirs, 2).unwrap();
            two
        });
        let packet = one.port_wait(port, Rights::empty(), DEADLINE_INFINITE_NS);
        assert_eq!(packet.map(|packet| packet.key), Ok(2));
        let _two = queueing.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// An event loop looks, or sleeps, as a thread does that waits.
#[test]
fn an_event_loop_misses_no_packet() {
    model_with_one_sided_barriers(2, || {
        let one = first(&with_ports());
        let port = create_port(&one);
        queue(&one, port, 1).unwrap();
        assert_eq!(next(&one, port), Some(1));
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let queueing = loom::thread::spawn(move || {
            queue(&two, theirs, 2).unwrap();
            two
        });
        let packet = loop {
            if let Some(packet) = one.take_or_sleep(port).unwrap() {
                break packet;
            }
        };
        assert_eq!(packet.key, 2);
        let _two = queueing.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// Two threads of one process sleep, and each packet wakes one of them.
#[test]
fn each_packet_wakes_one_sleeper() {
    model_with_one_sided_barriers(1, || {
        let one = first(&with_ports());
        let port = create_port(&one);
        queue(&one, port, 1).unwrap();
        assert_eq!(next(&one, port), Some(1));
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let other = sibling(&one);
        let sleep =
            move |thread: &Thread| thread.port_wait(port, Rights::empty(), DEADLINE_INFINITE_NS).unwrap().key;
        let sleeping = loom::thread::spawn(move || (sleep(&other), other));
        let queueing = loom::thread::spawn(move || {
            queue(&two, theirs, 2).unwrap();
            queue(&two, theirs, 3).unwrap();
            two
        });
        let ours = sleep(&one);
        let (their, _other) = sleeping.join().unwrap();
        let _two = queueing.join().unwrap();
        assert_eq!(ours + their, 5, "one packet each");
        assert_clean(&one, 1, 2);
    });
}

/// INV-RING-P1, INV-RING-P3: more packets than the ring has places, from two processes; none is lost.
#[test]
fn a_full_ring_loses_no_packet() {
    model(1, || {
        let one = first(&with_ports());
        let (port, event) = (create_port(&one), create_event(&one));
        set(&one, event, USER);
        queue(&one, port, 1).unwrap();
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let queueing = loom::thread::spawn(move || {
            queue(&two, theirs, 2).unwrap();
            two
        });
        observe(&one, event, port, once(3, USER)).unwrap();
        observe(&one, event, port, once(4, USER)).unwrap();
        let mut keys = next_all(&one, port);
        let _two = queueing.join().unwrap();
        keys.extend(next_all(&one, port));
        keys.sort_unstable();
        assert_eq!(keys, [1, 2, 3, 4]);
        assert_clean(&one, 2, 3);
    });
}

/// INV-RING-P1: a thread that stops at any step of queueing holds up no other.
#[test]
fn a_stopped_sender_holds_up_nobody() {
    for (point, is_there) in [
        ("queue.reserved", false),
        ("queue.committed", false),
        ("port.placed", true),
        ("port.passed", true),
        ("port.queued", true),
    ] {
        model(1, move || {
            let one = first(&with_ports());
            let port = create_port(&one);
            let copy = one.duplicate(find(&one, port), ALL).unwrap();
            let two = child(&one, Some(copy));
            let theirs = startup(&two);
            two.die_at(point, 0);
            let stopped = two.port_queue(find(&two, theirs), 1, 0, [1; 4]);
            assert_eq!(stopped, Err(Error::Died));
            queue(&one, port, 2).unwrap();
            let keys = next_all(&one, port);
            assert_eq!(keys, if is_there { vec![1, 2] } else { vec![2] }, "{point}");
        });
    }
}

/// A packet is cancelled or received, never both.
#[test]
fn cancelled_waits_are_never_received() {
    model(2, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, USER)).unwrap();
        let signalling = loom::thread::spawn(move || {
            set(&two, theirs, USER);
            two
        });
        let early = next(&one, port);
        let is_cancelled = one.port_cancel(find(&one, port), find(&one, event), 1).unwrap();
        let _two = signalling.join().unwrap();
        let late = next(&one, port);
        assert_eq!(usize::from(early.is_some()) + usize::from(is_cancelled) + usize::from(late.is_some()), 1);
        assert_eq!(late, None, "cancelled, or received before");
        assert_clean(&one, 2, 3);
    });
}

/// INV-OBSERVER-1: the handle is closed by another thread of its process while it is registered, or while it fires.
#[test]
fn closing_during_registration_leaves_no_observer() {
    model_with_one_sided_barriers(2, || {
        let one = first(&with_ports());
        let (port, event) = (create_port(&one), create_event(&one));
        let kept = one.duplicate(find(&one, event), ALL).unwrap();
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            other
        });
        let registered = observe(&one, event, port, once(1, USER));
        let _other = closing.join().unwrap();
        assert!(matches!(registered, Ok(()) | Err(Error::BadHandle)), "{registered:?}");
        set(&one, kept, USER);
        assert_eq!(next(&one, port), None);
        assert_clean(&one, 2, 2);
    });
}

/// Hazards: the port ends while a signaller fires into it, and its slot becomes another port.
#[test]
fn a_port_may_end_during_a_fire() {
    model_with_one_sided_barriers(2, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, USER)).unwrap();
        let signalling = loom::thread::spawn(move || {
            set(&two, theirs, USER);
            two
        });
        one.close_value(port).unwrap();
        one.reclaim().unwrap();
        let next_port = create_port(&one);
        queue(&one, next_port, 5).unwrap();
        let _two = signalling.join().unwrap();
        assert_eq!(
            (next(&one, next_port), next(&one, next_port)),
            (Some(5), None),
            "no packet of the old port"
        );
        one.reclaim().unwrap();
        assert_clean(&one, 2, 3);
    });
}

/// A signaller that is stopped before it wakes a waiter holds back no packet: the next signaller wakes it.
#[test]
fn a_stopped_signaller_delays_no_wake() {
    model(1, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, USER)).unwrap();
        let other = sibling(&one);
        let signalling = loom::thread::spawn(move || {
            two.die_at("port.queued", 0);
            assert_eq!(two.signal(find(&two, theirs), Signals::empty(), USER), Err(Error::Died));
            set(&other, event, SECOND);
            (two, other)
        });
        let packet = one.port_wait(port, Rights::empty(), DEADLINE_INFINITE_NS);
        assert_eq!(packet.map(|packet| packet.key), Ok(1));
        let _threads = signalling.join().unwrap();
    });
}

/// Two threads bring the same block of a port at once: one block stays, and the other is free.
#[test]
fn two_registrars_link_one_group() {
    model(1, || {
        let one = first(&with_ports());
        let (port, event) = (create_port(&one), create_event(&one));
        set(&one, event, USER);
        // The ring and the leaf are there.
        queue(&one, port, 1).unwrap();
        assert_eq!(next(&one, port), Some(1));
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let (theirs, their_event) = (startup(&two), create_event(&two));
        set(&two, their_event, USER);
        let registering = loom::thread::spawn(move || {
            observe(&two, their_event, theirs, once(2, USER)).unwrap();
            two
        });
        observe(&one, event, port, once(3, USER)).unwrap();
        let _two = registering.join().unwrap();
        let mut keys = [next(&one, port).unwrap(), next(&one, port).unwrap()];
        keys.sort_unstable();
        assert_eq!((keys, next(&one, port)), ([2, 3], None));
        assert_clean(&one, 3, 4);
    });
}

/// Two registrars add to one index at once, and its first word is taken: each finds a place, and both fire.
#[test]
fn two_registrars_share_one_index() {
    model(1, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, USER)).unwrap();
        let registering = loom::thread::spawn(move || {
            let port = create_port(&two);
            observe(&two, theirs, port, once(2, USER)).unwrap();
            (two, port)
        });
        observe(&one, event, port, once(3, USER)).unwrap();
        let (two, their_port) = registering.join().unwrap();
        set(&one, event, USER);
        assert_eq!((next(&two, their_port), next(&two, their_port)), (Some(2), None));
        let mut keys = [next(&one, port).unwrap(), next(&one, port).unwrap()];
        keys.sort_unstable();
        assert_eq!((keys, next(&one, port)), ([1, 3], None));
        assert_clean(&one, 3, 4);
    });
}
