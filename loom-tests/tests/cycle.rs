//! Garbage cycles of channels: an unreachable channel is collected, and a reachable one never is, while its holders go on
//! working.

mod support;

use jacinth_shm_loom::HandleValue;
use jacinth_shm_loom::{Config, Error, ObjectClass, Thread};
use support::*;

fn config() -> Config {
    small_with(|config| {
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 2048;
    })
}

fn channel(thread: &Thread) -> (HandleValue, HandleValue) {
    let (near, far) = thread.create(ObjectClass::Channel, ALL).unwrap();
    (near, far.unwrap())
}

/// Both sides work: neither has been closed.
fn assert_alive(thread: &Thread, near: HandleValue, far: HandleValue) {
    thread.send_value(near, &message(9, 1)).unwrap();
    assert_eq!(thread.try_receive(far).unwrap().bytes, message(9, 1));
}

/// INV-CYCLE-1: the interleaving for which one pass is not enough. X is read out of Y's queue, and Y written into
/// X's: a collector that looks at Y before and at X after sees each in the other's queue.
#[test]
fn swapping_handle_is_no_garbage() {
    model_without_barriers(3, || {
        let collector = first(&config());
        let worker = child(&collector, None);
        // Y's queue is looked at before X's.
        let (y, to_y) = channel(&worker);
        let (x, to_x) = channel(&worker);
        worker.transfer_value(to_y, &[], &[x]).unwrap();
        let working = loom::thread::spawn(move || {
            let x = worker.receive_next(y).unwrap().handles[0].value;
            worker.transfer_value(to_x, &[], &[y]).unwrap();
            (worker, x)
        });
        assert_eq!(collector.collect_cycles(), Ok(0));
        let (worker, x) = working.join().unwrap();
        let y = worker.receive_next(x).unwrap().handles[0].value;
        assert_alive(&worker, to_x, x);
        assert_alive(&worker, to_y, y);
        assert_clean(&collector, 2, 4);
    });
}

/// The same among two workers: one gives the handle that it reads out of Y to the other, through a channel that both hold.
#[test]
fn moving_handle_is_no_garbage() {
    model_without_barriers(2, || {
        let collector = first(&config());
        let (near, far, worker) = linked(&collector);
        // Y's queue is looked at before X's.
        let (y, to_y) = channel(&worker);
        let (x, to_x) = channel(&worker);
        worker.transfer_value(to_y, &[], &[x]).unwrap();
        let working = loom::thread::spawn(move || {
            let x = worker.receive_next(y).unwrap().handles[0].value;
            worker.transfer_value(far, &[], &[x]).unwrap();
            worker.transfer_value(to_x, &[], &[y]).unwrap();
            (worker, to_x, to_y)
        });
        assert_eq!(collector.collect_cycles(), Ok(0));
        let (worker, to_x, to_y) = working.join().unwrap();
        let x = collector.receive_next(near).unwrap().handles[0].value;
        let y = collector.receive_next(x).unwrap().handles[0].value;
        for (there, here) in [(to_x, x), (to_y, y)] {
            worker.send_value(there, &message(9, 1)).unwrap();
            assert_eq!(collector.try_receive(here).unwrap().bytes, message(9, 1));
        }
        assert_clean(&collector, 3, 6);
    });
}

/// INV-CYCLE-1: a process that sees a handle to a side gone sees the operations made with it. (Channels that `jacinth` makes
/// have one handle to each end; the collector does not rely on that.)
#[test]
fn handle_read_before_close_is_no_garbage() {
    model_without_barriers(3, || {
        let collector = first(&config());
        let (y, to_y) = channel(&collector);
        let (x, to_x) = channel(&collector);
        let copy = collector.duplicate(find(&collector, y), ALL).unwrap();
        let worker = child(&collector, Some(copy));
        let copy = startup(&worker);
        collector.transfer_value(to_x, &[], &[y]).unwrap();
        collector.transfer_value(to_y, &[], &[x]).unwrap();
        let working = loom::thread::spawn(move || {
            let x = worker.receive_next(copy).unwrap().handles[0].value;
            worker.close_value(copy).unwrap();
            (worker, x)
        });
        assert_eq!(collector.collect_cycles(), Ok(0));
        let (worker, x) = working.join().unwrap();
        let y = worker.receive_next(x).unwrap().handles[0].value;
        for (there, here) in [(to_x, x), (to_y, y)] {
            collector.send_value(there, &message(9, 1)).unwrap();
            assert_eq!(worker.try_receive(here).unwrap().bytes, message(9, 1));
        }
        assert_clean(&collector, 2, 4);
    });
}

/// INV-CYCLE-1: an end inside its own queue is garbage however busy its peer is. The peer then sees it closed.
#[test]
fn writing_peer_hides_no_garbage() {
    model(2, || {
        let collector = first(&config());
        let peer = child(&collector, None);
        let (end, to_end) = channel(&peer);
        let event = peer.create(ObjectClass::Event, ALL).unwrap().0;
        peer.transfer_value(to_end, &[], &[end]).unwrap();
        let writing = loom::thread::spawn(move || {
            // Too long for a slot: so there are a block's word and list to be seen with the tail.
            let sent = peer.transfer_value(to_end, &message(1, 8), &[event]);
            assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
            peer
        });
        assert_eq!(collector.collect_cycles(), Ok(1));
        let peer = writing.join().unwrap();
        assert_eq!(peer.signals_of(to_end).unwrap() & PEER_CLOSED, PEER_CLOSED);
        assert!(peer.lookup(event).is_err(), "its handle went with the message");
        assert_eq!(assert_clean(&collector, 1, 1).in_transit, 0);
    });
}

/// Garbage that comes to be while it is looked for is found now or the next time, and ends as a whole.
#[test]
fn cycle_closed_during_search_is_collected_whole() {
    model_without_barriers(1, || {
        let collector = first(&config());
        let worker = child(&collector, None);
        let (y, to_y) = channel(&worker);
        let (x, to_x) = channel(&worker);
        worker.transfer_value(to_y, &[], &[x]).unwrap();
        worker.close_value(to_y).unwrap();
        let working = loom::thread::spawn(move || {
            worker.transfer_value(to_x, &[], &[y]).unwrap();
            worker.close_value(to_x).unwrap();
        });
        let early = collector.collect_cycles().unwrap();
        working.join().unwrap();
        let late = collector.collect_cycles().unwrap();
        assert_eq!(early + late, 2);
        assert_clean(&collector, 0, 0);
    });
}
