//! Observers beside other observers: in one index, in one cell after another, and at a side that changes meanwhile.

mod support;

use jacinth_shm_loom::{DEADLINE_INFINITE_NS, ObjectClass, PacketContent, Rights, Signals};
use jacinth_shm_loom::{pass_time_until, time_passes};
use support::ports::*;
use support::*;

/// INV-INDEX-1: an evaluation that finds no armed observer takes OBSERVED from no registrar, nor its index word.
#[test]
fn a_registrar_stays_observed_beside_a_fire() {
    model_with_one_sided_barriers(2, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, once(1, THIRD)).unwrap();
        observe(&one, event, port, once(2, SECOND)).unwrap();
        // The first place of the index is empty again, before the one of the second observer.
        set(&one, event, THIRD);
        assert_eq!(next(&one, port), Some(1));
        let signalling = loom::thread::spawn(move || {
            set(&two, theirs, SECOND);
            two
        });
        observe(&one, event, port, once(3, USER)).unwrap();
        let _two = signalling.join().unwrap();
        set(&one, event, USER);
        let mut keys = next_all(&one, port);
        keys.sort_unstable();
        assert_eq!(keys, [2, 3]);
        assert_clean(&one, 2, 3);
    });
}

/// INV-INDEX-3: a block that is added to an index hides none of those before.
#[test]
fn a_new_index_block_hides_no_observer() {
    model_with_one_sided_barriers(1, || {
        let (one, port, event, two, theirs) = observed_event();
        observe(&one, event, port, repeating(1, USER)).unwrap();
        observe(&one, event, port, once(2, SECOND)).unwrap();
        let signalling = loom::thread::spawn(move || {
            set(&two, theirs, SECOND);
            two
        });
        observe(&one, event, port, once(3, THIRD)).unwrap();
        let _two = signalling.join().unwrap();
        assert_eq!(next_all(&one, port), [2]);
        set(&one, event, THIRD);
        assert_eq!(next_all(&one, port), [3]);
        assert_clean(&one, 2, 3);
    });
}

/// Hazards: a port that an evaluation has found in the index is not reused before that has left it.
#[test]
fn an_evaluated_port_is_not_reused() {
    model(1, || {
        let one = first(&with_ports());
        let event = create_event(&one);
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        let two = child(&one, Some(copy));
        let (theirs, old_port) = (startup(&two), create_port(&two));
        observe(&two, theirs, old_port, once(1, USER)).unwrap();
        let ending = loom::thread::spawn(move || {
            two.close_value(old_port).unwrap();
            two.reclaim().unwrap();
            let port = create_port(&two);
            queue(&two, port, 5).unwrap();
            (two, port)
        });
        set(&one, event, USER);
        let (two, port) = ending.join().unwrap();
        assert_eq!((next(&two, port), next(&two, port)), (Some(5), None), "no packet of the old port");
        two.reclaim().unwrap();
        assert_clean(&one, 2, 3);
    });
}

/// A thread that evaluates a side for another reason sees no PEER_CLOSED without the messages that came before it.
#[test]
fn peer_closed_packet_knows_the_messages() {
    model(2, || {
        let one = first(&with_ports());
        let (end, two) = connected(&one);
        let (port, theirs) = (create_port(&one), startup(&two));
        observe(&one, end, port, once(1, PEER_CLOSED)).unwrap();
        let closing = loom::thread::spawn(move || {
            two.send_value(theirs, &[1]).unwrap();
            two.close_value(theirs).unwrap();
            two
        });
        set(&one, end, USER);
        let _two = closing.join().unwrap();
        let packet = one.port_wait(port, Rights::empty(), DEADLINE_INFINITE_NS).unwrap();
        let PacketContent::Signal { observed, .. } = packet.content else { panic!("{packet:?}") };
        let closed = PEER_CLOSED | Signals::READABLE;
        assert_eq!(observed & closed, closed);
    });
}

/// INV-OBSERVE-2: a cell that has a new observer is not fired by the timer that the one before had observed.
#[test]
fn old_timer_fires_no_new_observer() {
    model_with_one_sided_barriers(2, || {
        time_passes(true);
        let one = first(&with_ports());
        let (port, due) = (create_port(&one), one.create(ObjectClass::Timer, ALL).unwrap().0);
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let (theirs, unset) = (startup(&two), two.create(ObjectClass::Timer, ALL).unwrap().0);
        let wait = once(1, Signals::SIGNALED);
        // The second timer is in fenced mode from here on.
        observe(&two, unset, theirs, wait).unwrap();
        assert!(two.port_cancel(find(&two, theirs), find(&two, unset), 1).unwrap());
        // The first one is due, and its observer has left its cell and its bound behind.
        observe(&one, due, port, wait).unwrap();
        one.timer_set(find(&one, due), ALL, DUE_NS).unwrap();
        assert!(one.port_cancel(find(&one, port), find(&one, due), 1).unwrap());
        pass_time_until(DUE_NS);
        let registering = loom::thread::spawn(move || {
            observe(&two, unset, theirs, once(2, Signals::SIGNALED)).unwrap();
            two
        });
        assert_eq!(next(&one, port), None);
        let _two = registering.join().unwrap();
        assert_eq!(next(&one, port), None);
    });
}

/// INV-OBSERVE-3: a writer that writes until there is no room gets a packet for the room that comes afterwards.
#[test]
fn a_filled_channel_announces_room() {
    model_with_one_sided_barriers(2, || {
        let mut config = with_ports();
        config.max_pending_messages = 2;
        let one = first(&config);
        let (end, two) = connected(&one);
        let (port, theirs) = (create_port(&one), startup(&two));
        one.send_value(end, &[1]).unwrap();
        observe(&one, end, port, repeating(1, Signals::WRITABLE)).unwrap();
        assert_eq!(next(&one, port), Some(1));
        let reading = loom::thread::spawn(move || {
            assert_eq!(two.try_receive(theirs).unwrap().bytes, [1]);
            two
        });
        let written = core::iter::from_fn(|| one.send_value(end, &[2]).ok()).count();
        let _two = reading.join().unwrap();
        if written < 2 {
            assert_eq!(next(&one, port), Some(1), "the room is announced");
        }
        assert_eq!(written + core::iter::from_fn(|| one.send_value(end, &[2]).ok()).count(), 2);
    });
}
