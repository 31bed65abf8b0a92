//! Listeners: a handle that is offered is accepted once or closed, and none stays in a listener that has ended.

mod support;

use jacinth_shm_loom::{Error, HandleValue, Signals, Thread};
use support::names::*;
use support::ports::{create_port, next, observe, repeating};
use support::*;

/// A server that has a name, and a client of its directory.
fn server_and_client() -> (Thread, HandleValue, HandleValue, Thread, HandleValue) {
    let (one, directory, two, theirs) = shared_directory(&with_names());
    let listener = serve(&one, directory, "a").unwrap();
    (one, directory, listener, two, theirs)
}

/// INV-ACCEPT-2: the handle that is offered goes with the listener, in both orders.
#[test]
fn offer_to_an_ending_listener_closes() {
    model_with_one_sided_barriers(2, || {
        let (one, directory, listener, two, theirs) = server_and_client();
        one.close_value(directory).unwrap();
        let [ours, offered] = create_channel(&two);
        let offering = loom::thread::spawn(move || {
            let connected = connect(&two, theirs, "a", offered);
            (two, connected)
        });
        one.close_value(listener).unwrap();
        let (two, connected) = offering.join().unwrap();
        match connected {
            Ok(()) => {
                assert_eq!(two.signals_of(ours).unwrap() & PEER_CLOSED, PEER_CLOSED);
                assert_eq!(assert_clean(&one, 2, 2).in_transit, 0);
            }
            Err(error) => {
                assert_eq!((error, two.koid(offered).is_ok()), (Error::NotFound, true));
                assert_clean(&one, 2, 3);
            }
        }
    });
}

/// INV-ACCEPT-2: the client dies after it has offered, and the listener ends before or after. Recovery closes the handle.
#[test]
fn dead_clients_late_offer_closes() {
    for point in ["move.committed", "offer.live", "offer.moved"] {
        model_with_one_sided_barriers(2, move || {
            let one = first(&with_names());
            let directory = create_directory(&one);
            let (two, process_slot) = child_with_slot(&one, Some(duplicate(&one, directory)));
            let listener = serve(&one, directory, "a").unwrap();
            let [ours, offered] = create_channel(&one);
            // The client gets its end by a listener of its own.
            let theirs = startup(&two);
            let own = serve(&two, theirs, "b").unwrap();
            connect(&one, directory, "b", offered).unwrap();
            let offered = accept(&two, own).unwrap().value;
            let offering = loom::thread::spawn(move || {
                two.die_at(point, 0);
                let _ = connect(&two, theirs, "a", offered);
                if !two.is_dead() {
                    // The listener had ended.
                    two.has_died();
                }
            });
            one.close_value(listener).unwrap();
            offering.join().unwrap();
            one.recover(process_slot).unwrap();
            assert_eq!(one.signals_of(ours).unwrap() & PEER_CLOSED, PEER_CLOSED);
            assert_eq!(assert_clean(&one, 2, 2).in_transit, 0);
        });
    }
}

/// INV-ACCEPT-1: two clients meet at one place, while the server accepts.
#[test]
fn each_offer_is_accepted_once() {
    model_without_barriers(2, || {
        let (one, directory, listener, two, theirs) = server_and_client();
        let (first, second) = (create_event(&one), create_event(&two));
        let koids = [one.koid(first).unwrap(), two.koid(second).unwrap()];
        let offering = loom::thread::spawn(move || {
            connect(&two, theirs, "a", second).unwrap();
            two
        });
        connect(&one, directory, "a", first).unwrap();
        let mut accepted: Vec<_> = accept(&one, listener).into_iter().collect();
        let _two = offering.join().unwrap();
        accepted.extend(std::iter::from_fn(|| accept(&one, listener)));
        let mut seen: Vec<_> = accepted.iter().map(|received| one.koid(received.value).unwrap()).collect();
        seen.sort_unstable();
        let mut expected = koids.to_vec();
        expected.sort_unstable();
        assert_eq!(seen, expected);
        assert_clean(&one, 4, 5);
    });
}

/// INV-ACCEPT-3: the record's CAS, and the object behind it.
#[test]
fn one_of_two_acceptors_gets_it() {
    model_without_barriers(2, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        two.close_value(theirs).unwrap();
        let listener = serve(&one, directory, "a").unwrap();
        let three = child(&one, Some(duplicate(&one, listener)));
        drop(two);
        let theirs = startup(&three);
        let event = create_event(&one);
        connect(&one, directory, "a", event).unwrap();
        let accepting = loom::thread::spawn(move || {
            let accepted = accept(&three, theirs);
            if let Some(received) = accepted {
                assert!(three.koid(received.value).is_ok());
            }
            (three, accepted.is_some())
        });
        let ours = accept(&one, listener);
        let (_three, their) = accepting.join().unwrap();
        assert_ne!(ours.is_some(), their);
        assert_clean(&one, 3, 4);
    });
}

/// The record publishes the object, and all that the client did before it offered.
#[test]
fn accepted_handle_has_a_complete_object() {
    model_without_barriers(2, || {
        let (one, directory, listener, two, theirs) = server_and_client();
        one.close_value(directory).unwrap();
        let offering = loom::thread::spawn(move || {
            let [ours, offered] = create_channel(&two);
            two.send_value(ours, &message(7, 1)).unwrap();
            connect(&two, theirs, "a", offered).unwrap();
            (two, ours)
        });
        let early = accept(&one, listener);
        let (_two, _ours) = offering.join().unwrap();
        let end = early.or_else(|| accept(&one, listener)).unwrap();
        assert_eq!(one.try_receive(end.value).unwrap().bytes, message(7, 1));
        assert_clean(&one, 3, 4);
    });
}

/// A sleeping server is woken by an offer.
#[test]
fn offer_wakes_a_sleeping_server() {
    model_with_one_sided_barriers(2, || {
        let (one, _directory, listener, two, theirs) = server_and_client();
        let event = create_event(&two);
        let offering = loom::thread::spawn(move || {
            connect(&two, theirs, "a", event).unwrap();
            two
        });
        assert_eq!(wait(&one, listener, Signals::READABLE), (Ok(()), Signals::READABLE));
        accept(&one, listener).unwrap();
        let _two = offering.join().unwrap();
        assert_clean(&one, 3, 4);
    });
}

/// INV-LISTENER-1: a client that waits for room is woken by an accept.
#[test]
fn accept_wakes_a_waiting_client() {
    model_with_one_sided_barriers(2, || {
        let (one, directory, listener, two, theirs) = server_and_client();
        let event = create_event(&one);
        for _ in 0..2 {
            let copy = duplicate(&one, event);
            connect(&one, directory, "a", copy).unwrap();
        }
        let late = create_event(&two);
        let accepting = loom::thread::spawn(move || {
            accept(&one, listener).unwrap();
            one
        });
        connect_when_served(&two, theirs, "a", late).unwrap();
        let one = accepting.join().unwrap();
        assert_clean(&one, 4, 7);
    });
}

/// INV-LISTENER-1: a client that finds no place has asked for one, and the thread that frees one has heard it.
#[test]
fn refused_client_is_told_of_room() {
    model(3, || {
        let (one, directory, listener, two, theirs) = server_and_client();
        let event = create_event(&one);
        for _ in 0..2 {
            connect(&one, directory, "a", duplicate(&one, event)).unwrap();
        }
        let late = create_event(&two);
        let offering = loom::thread::spawn(move || (connect(&two, theirs, "a", late), two));
        accept(&one, listener).unwrap();
        let (offered, _two) = offering.join().unwrap();
        // Refused, and the place is free: a client that still asks would never be told.
        let asks = one.wants_room(find(&one, listener)).unwrap();
        assert!(offered.is_ok() || !asks, "{offered:?}");
    });
}

/// INV-LISTENER-1: a client that gives its place back, since its handle was closed meanwhile, wakes one that waits for it.
#[test]
fn place_given_back_wakes_a_client() {
    model(1, || {
        let (one, directory, listener, two, theirs) = server_and_client();
        let event = create_event(&one);
        connect(&one, directory, "a", duplicate(&one, event)).unwrap();
        let late = create_event(&two);
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || {
            let _ = other.close_value(event);
            other
        });
        let waiting = loom::thread::spawn(move || {
            connect_when_served(&two, theirs, "a", late).unwrap();
            two
        });
        let offered = connect(&one, directory, "a", event);
        if offered.is_ok() {
            accept(&one, listener).unwrap();
        }
        let (_other, _two) = (closing.join().unwrap(), waiting.join().unwrap());
    });
}

/// INV-OBSERVE-3: each handle that comes is announced, also one whose client was stopped after a later one had come.
#[test]
fn each_arrival_is_announced() {
    model(0, || {
        let config = small_with(|config| {
            config.max_processes = 4;
            config.max_objects = 6;
            config.max_handles_per_process = 8;
            config.pool_bytes = 8192;
        });
        let (one, directory, two, theirs) = shared_directory(&config);
        let (three, process_slot) = child_with_slot(&one, Some(duplicate(&one, directory)));
        let slow = startup(&three);
        let listener = serve(&one, directory, "a").unwrap();
        let port = create_port(&one);
        observe(&one, listener, port, repeating(1, Signals::READABLE)).unwrap();
        let event = create_event(&three);
        three.die_at("move.committed", 0);
        assert_eq!(connect(&three, slow, "a", event), Err(Error::Died));
        let event = create_event(&two);
        connect(&two, theirs, "a", event).unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        // The first handle comes now, in the dead client's name.
        one.recover(process_slot).unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), None));
        accept(&one, listener).unwrap();
        accept(&one, listener).unwrap();
        assert_clean(&one, 5, 6);
    });
}

/// A listener and an end that hold each other: the end in the listener's queue, the listener's last handle but `kept` in
/// the end's.
fn cycle(thread: &Thread, directory: HandleValue) -> (HandleValue, HandleValue) {
    let listener = serve(thread, directory, "a").unwrap();
    let kept = duplicate(thread, listener);
    let [near, far] = create_channel(thread);
    connect(thread, directory, "a", far).unwrap();
    thread.transfer_value(near, &[], &[listener]).unwrap();
    (kept, near)
}

/// INV-CYCLE-1: a thread that has the listener accepts the end, takes the listener out of it, and closes what it had.
#[test]
fn accepted_end_is_no_garbage() {
    model_without_barriers(2, || {
        let collector = first(&with_names());
        let directory = create_directory(&collector);
        let (kept, near) = cycle(&collector, directory);
        let worker = child(&collector, Some(kept));
        let kept = startup(&worker);
        let working = loom::thread::spawn(move || {
            let end = accept(&worker, kept).unwrap().value;
            worker.close_value(kept).unwrap();
            (worker, end)
        });
        assert_eq!(collector.collect_cycles(), Ok(0));
        let (worker, end) = working.join().unwrap();
        let listener = worker.receive_next(end).unwrap().handles[0].value;
        assert_eq!(accept(&worker, listener), None);
        collector.send_value(near, &message(9, 1)).unwrap();
        assert_eq!(worker.try_receive(end).unwrap().bytes, message(9, 1));
        assert_clean(&collector, 3, 4);
    });
}

/// INV-CYCLE-1: the same of a listener that is queued at itself. No channel is near, whose snapshot would fence too.
#[test]
fn accepted_listener_is_no_garbage() {
    // The collector loads old values: no switch is needed for it.
    model_without_barriers(0, || {
        let collector = first(&with_names());
        let directory = create_directory(&collector);
        let listener = serve(&collector, directory, "a").unwrap();
        let kept = duplicate(&collector, listener);
        connect(&collector, directory, "a", listener).unwrap();
        let worker = child(&collector, Some(kept));
        let kept = startup(&worker);
        let collecting = loom::thread::spawn(move || {
            assert_eq!(collector.collect_cycles(), Ok(0));
            collector
        });
        let again = accept(&worker, kept).unwrap().value;
        worker.close_value(kept).unwrap();
        let collector = collecting.join().unwrap();
        connect(&collector, directory, "a", create_event(&collector)).unwrap();
        assert!(accept(&worker, again).is_some());
        assert_clean(&collector, 3, 3);
    });
}

/// INV-CYCLE-2, INV-ACCEPT-2: a client offers by the name of a listener that is being collected. Each handle is closed
/// once.
#[test]
fn offer_to_collected_listener_closes() {
    model(1, || {
        let (collector, directory, two, theirs) = shared_directory(&with_names());
        let (kept, near) = cycle(&collector, directory);
        collector.close_value(kept).unwrap();
        let event = create_event(&two);
        let offering = loom::thread::spawn(move || {
            let connected = connect(&two, theirs, "a", event);
            assert!(matches!(connected, Ok(()) | Err(Error::NotFound)), "{connected:?}");
            if connected.is_err() {
                two.close_value(event).unwrap();
            }
            two
        });
        let early = collector.collect_cycles().unwrap();
        let _two = offering.join().unwrap();
        let late = collector.collect_cycles().unwrap();
        assert_eq!(early + late, 2);
        assert_eq!(collector.signals_of(near).unwrap() & PEER_CLOSED, PEER_CLOSED);
        assert_clean(&collector, 2, 3);
    });
}
