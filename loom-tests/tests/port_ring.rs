//! The ring of a port, new, full and beyond: packets that find no place are neither lost nor torn.

mod support;

use jacinth_shm_loom::{Error, HandleValue, Thread};
use support::ports::*;
use support::*;

/// An event whose USER is set, so that its observers have their packets at once.
fn create_set_event(thread: &Thread) -> HandleValue {
    let event = create_event(thread);
    set(thread, event, USER);
    event
}

/// A process with a port, whose ring is full with the packets 1 and 2, and an event; and another process with a handle to the
/// port, and an event of its own.
fn full_ring() -> (Thread, HandleValue, HandleValue, Thread, [HandleValue; 2]) {
    let one = first(&with_ports());
    let (port, event) = (create_port(&one), create_set_event(&one));
    let copy = one.duplicate(find(&one, port), ALL).unwrap();
    let two = child(&one, Some(copy));
    let (theirs, their_event) = (startup(&two), create_set_event(&two));
    (1..=2).for_each(|key| queue(&one, port, key).unwrap());
    (one, port, event, two, [theirs, their_event])
}

/// The same after these packets have overflowed and the first two were taken.
fn overflowed(keys: &[u64]) -> (Thread, HandleValue, HandleValue, Thread, [HandleValue; 2]) {
    let actors = full_ring();
    let (one, port, event, ..) = &actors;
    keys.iter().for_each(|key| observe(one, *event, *port, once(*key, USER)).unwrap());
    assert_eq!((next(one, *port), next(one, *port)), (Some(1), Some(2)));
    actors
}

fn sorted(mut keys: Vec<u64>) -> Vec<u64> {
    keys.sort_unstable();
    keys
}

/// INV-RING-P3: a packet overflows before a waiter puts in those that have overflowed earlier, which fill the ring again. Its
/// sender stops there.
#[test]
fn a_refill_forgets_no_packet() {
    model(1, || {
        let (one, port, event, two, [theirs, their_event]) = full_ring();
        observe(&one, event, port, once(3, USER)).unwrap();
        observe(&one, event, port, once(4, USER)).unwrap();
        let overflowing = loom::thread::spawn(move || {
            two.die_at("port.overflowed", 0);
            let overflowed = observe(&two, their_event, theirs, once(5, USER));
            assert!(matches!(overflowed, Ok(()) | Err(Error::Died)), "{overflowed:?}");
            two
        });
        let mut keys = next_all(&one, port);
        let _two = overflowing.join().unwrap();
        keys.extend(next_all(&one, port));
        assert_eq!(sorted(keys), [1, 2, 3, 4, 5]);
    });
}

/// INV-RING-P3: a waiter that puts in what has overflowed comes across a packet of a program that is not in the ring yet.
#[test]
fn a_refill_reads_queued_packets_whole() {
    model(1, || {
        let (one, port, _event, two, [theirs, _]) = overflowed(&[3]);
        let queueing = loom::thread::spawn(move || {
            queue(&two, theirs, 4).unwrap();
            two
        });
        let mut keys = next_all(&one, port);
        let _two = queueing.join().unwrap();
        keys.extend(next_all(&one, port));
        assert_eq!(sorted(keys), [3, 4]);
    });
}

/// The same for a packet of an observer.
#[test]
fn a_refill_reads_observers_packets_whole() {
    model(1, || {
        let (one, port, _event, two, [theirs, their_event]) = overflowed(&[3]);
        let observing = loom::thread::spawn(move || {
            observe(&two, their_event, theirs, once(4, USER)).unwrap();
            two
        });
        let mut keys = next_all(&one, port);
        let _two = observing.join().unwrap();
        keys.extend(next_all(&one, port));
        assert_eq!(sorted(keys), [3, 4]);
    });
}

/// A packet that another waiter has put into the ring, and left there, is cancelled.
#[test]
fn a_refilled_packet_can_be_cancelled() {
    model(1, || {
        let (one, port, event, two, [theirs, _]) = overflowed(&[3, 4]);
        let waiting = loom::thread::spawn(move || (next(&two, theirs), two));
        let is_cancelled = one.port_cancel(find(&one, port), find(&one, event), 4).unwrap();
        let (their, _two) = waiting.join().unwrap();
        assert_eq!((their, is_cancelled, next(&one, port)), (Some(3), true, None));
    });
}

/// A packet is cancelled by the thread that has put it in, behind the packet of another.
#[test]
fn a_packet_behind_others_can_be_cancelled() {
    model_with_one_sided_barriers(1, || {
        let (one, port, event, two, [theirs, _]) = full_ring();
        assert_eq!((next(&one, port), next(&one, port)), (Some(1), Some(2)));
        let queueing = loom::thread::spawn(move || {
            queue(&two, theirs, 3).unwrap();
            two
        });
        observe(&one, event, port, once(4, USER)).unwrap();
        assert!(one.port_cancel(find(&one, port), find(&one, event), 4).unwrap());
        let _two = queueing.join().unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(3), None));
    });
}

/// INV-PART-1: a waiter looks as soon as another process has linked the port's ring, in a block that was another port's. It
/// sees nothing of what that port had left, and moves no head.
#[test]
fn a_new_ring_has_no_old_packets() {
    model(1, || {
        let (one, old_port, event, two, [theirs, their_event]) = full_ring();
        assert_eq!((next(&one, old_port), next(&one, old_port)), (Some(1), Some(2)));
        [old_port, event].iter().for_each(|handle| one.close_value(*handle).unwrap());
        [theirs, their_event].iter().for_each(|handle| two.close_value(*handle).unwrap());
        one.reclaim().unwrap();
        two.reclaim().unwrap();
        let port = create_port(&one);
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let three = child(&one, Some(copy));
        let theirs = startup(&three);
        let linking = loom::thread::spawn(move || {
            three.die_at("part.linked", 0);
            assert_eq!(queue(&three, theirs, 3), Err(Error::Died));
            three
        });
        assert_eq!(next(&one, port), None);
        let _three = linking.join().unwrap();
        queue(&one, port, 4).unwrap();
        assert_eq!((next(&one, port), next(&one, port)), (Some(4), None));
    });
}
