//! Sleeping and waking. A wake that is lost leaves a model thread asleep for ever, which loom reports as a
//! deadlock: so every model here that ends has lost none.

mod support;

use jacinth_shm_loom::{Error, ObjectClass, WaitItem};
use jacinth_shm_loom::{Rights, Signals};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use support::*;

/// One process sends `messages`, one after the other; the other sleeps for each.
fn sleep_for_each(messages: u8) {
    let one = first(&small());
    let (near, far, two) = linked(&one);
    let sending = loom::thread::spawn(move || {
        (1..=messages).for_each(|number| one.send_value(near, &message(number, 1)).unwrap());
        one
    });
    for number in 1..=messages {
        let (result, pending) = wait(&two, far, Signals::READABLE);
        assert_eq!((result, pending & Signals::READABLE), (Ok(()), Signals::READABLE));
        assert_eq!(two.try_receive(far).unwrap().bytes, message(number, 1));
    }
    let one = sending.join().unwrap();
    assert_clean(&one, 1, 2);
}

/// INV-EVENT-1, INV-WAIT-1: the reader arms, fences and looks; the writer stores, fences and looks.
#[test]
fn message_wakes_a_sleeping_reader() {
    model(3, || sleep_for_each(1));
}

/// INV-EVENT-1: a writer that has no fence of its own is made to look by the sleeper's heavy barrier.
#[test]
fn unfenced_writer_sees_a_new_sleeper() {
    model_with_one_sided_barriers(2, || sleep_for_each(1));
}

/// INV-EVENT-2: a sleeper is woken for every message it waits for, not only for the first.
#[test]
fn reader_is_woken_for_each_message() {
    model(2, || sleep_for_each(2));
}

/// INV-EVENT-1: once the object is BARRIER_DONE, a writer's full fence is that of its closer look: its light barrier orders
/// no-ops.
#[test]
fn known_sleeper_needs_no_light_barriers() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        assert_eq!(two.wait_one(far, Rights::empty(), Signals::READABLE, 1).0, Err(Error::TimedOut));
        one.send_value(near, &message(1, 1)).unwrap();
        assert_eq!(two.try_receive(far).unwrap().bytes, message(1, 1));
        let sending = loom::thread::spawn(move || {
            one.send_value(near, &message(2, 1)).unwrap();
            one
        });
        wait(&two, far, Signals::READABLE).0.unwrap();
        assert_eq!(two.try_receive(far).unwrap().bytes, message(2, 1));
        let one = sending.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// The same the other way: a writer that waits for room is woken by the reader.
#[test]
fn a_sleeping_writer_is_woken_by_room() {
    model(3, || {
        let one = first(&small_with(|config| config.max_pending_messages = 1));
        let (near, far, two) = linked(&one);
        one.send_value(near, &message(1, 1)).unwrap();
        let reading = loom::thread::spawn(move || {
            assert_eq!(two.try_receive(far).unwrap().bytes, message(1, 1));
            two
        });
        let (result, pending) = wait(&one, near, Signals::WRITABLE);
        assert_eq!((result, pending & Signals::WRITABLE), (Ok(()), Signals::WRITABLE));
        one.send_value(near, &message(2, 1)).unwrap();
        let _two = reading.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// Stored signals share a word with the sleepers: one read-modify-write changes the one and sees the other.
#[test]
fn stored_signal_wakes_another_process() {
    model_without_barriers(3, || {
        let one = first(&small());
        let event = create_event(&one);
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let signalling = loom::thread::spawn(move || {
            two.set_name(find(&two, theirs), &[b'x'; 32]).unwrap();
            two.signal(find(&two, theirs), Signals::empty(), USER).unwrap();
            two
        });
        assert_eq!(wait(&one, event, USER), (Ok(()), USER));
        // The woken thread sees the signaller's earlier stores.
        let mut name = [b'x'; 32];
        name[31] = 0;
        assert_eq!(one.name(find(&one, event)), Ok(name));
        let _two = signalling.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// A signal to the peer wakes its sleeper.
#[test]
fn peer_signal_wakes_a_sleeper() {
    model(3, || {
        let one = first(&small());
        let (near, far) = one.create(ObjectClass::EventPair, ALL).unwrap();
        let two = child(&one, far);
        let theirs = startup(&two);
        let signalling = loom::thread::spawn(move || {
            two.signal_peer(find(&two, theirs), Signals::empty(), USER).unwrap();
            two
        });
        assert_eq!(wait(&one, near, USER), (Ok(()), USER));
        let _two = signalling.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// The last close of the other side wakes the sleepers on this one.
#[test]
fn peer_close_wakes_a_sleeper() {
    model(2, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let closing = loom::thread::spawn(move || {
            two.close_value(far).unwrap();
            two
        });
        let (result, pending) = wait(&one, near, PEER_CLOSED);
        assert_eq!((result, pending & PEER_CLOSED), (Ok(()), PEER_CLOSED));
        let _two = closing.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// INV-WAIT-1: a wait on a handle that another thread closes ends as canceled.
#[test]
fn closing_a_handle_cancels_its_sleeper() {
    model(2, || {
        let one = first(&small());
        let event = create_event(&one);
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            other
        });
        let (result, pending) = wait(&one, event, USER);
        match result {
            Err(Error::Canceled) => assert_eq!(pending, Signals::HANDLE_CLOSED),
            result => assert_eq!(result, Err(Error::BadHandle), "closed before the wait began"),
        }
        let _other = closing.join().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// The same for one that is replaced, and for one that is sent away.
#[test]
fn transferring_a_handle_cancels_its_sleeper() {
    for send in [false, true] {
        model(3, move || {
            let one = first(&small_with(|config| {
                config.pool_bytes = 1024;
                config.max_handles_per_process = 5;
            }));
            let (near, _two) = connected(&one);
            let event = create_event(&one);
            let other = sibling(&one);
            let leaving = loom::thread::spawn(move || {
                if send {
                    other.transfer_value(near, &message(1, 1), &[event]).unwrap();
                } else {
                    other.replace(find(&other, event), ALL).unwrap();
                }
                other
            });
            let (result, _) = wait(&one, event, USER);
            assert!(is_gone(&result), "{result:?}");
            let _other = leaving.join().unwrap();
            assert_clean(&one, 2, 3);
        });
    }
}

/// INV-EVENT-1: two that begin to sleep on one word at once are both woken, in either order of their barriers.
#[test]
fn both_sleepers_on_one_object_wake() {
    model(1, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let other = sibling(&two);
        let sending = loom::thread::spawn(move || {
            one.send_value(near, &message(1, 1)).unwrap();
            one
        });
        let waiting = loom::thread::spawn(move || {
            wait(&other, far, Signals::READABLE).0.unwrap();
            other
        });
        wait(&two, far, Signals::READABLE).0.unwrap();
        let one = sending.join().unwrap();
        let _other = waiting.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// INV-EVENT-1: a waiter that needs no sleep any more clears FENCED; another that goes to sleep meanwhile starts over,
/// and is woken. (loom's light barrier is a full fence, so that FENCED could be forgotten is not to be seen here;
/// that no thread sleeps in a word that another has just cleared is.)
#[test]
fn leaving_fenced_mode_hides_no_sleeper() {
    model(1, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let other = sibling(&two);
        let sending = loom::thread::spawn(move || {
            one.send_value(near, &message(1, 1)).unwrap();
            one
        });
        let waiting = loom::thread::spawn(move || {
            // One look stands for a spin that was enough: then FENCED is cleared. It never sleeps.
            other.set_spin_ns(1);
            let (result, _) = other.wait_one(far, Rights::empty(), Signals::READABLE, 0);
            assert!(matches!(result, Ok(()) | Err(Error::TimedOut)), "{result:?}");
            other
        });
        wait(&two, far, Signals::READABLE).0.unwrap();
        let one = sending.join().unwrap();
        let _other = waiting.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// A wait on several objects ends when one of them is signalled.
#[test]
fn either_of_two_objects_wakes() {
    for second in [false, true] {
        model(3, move || {
            let one = first(&small_with(|config| config.max_handles_per_process = 5));
            let (near, far, two) = linked(&one);
            let event = create_event(&two);
            let other = sibling(&two);
            let waking = loom::thread::spawn(move || {
                if second {
                    other.signal(find(&other, event), Signals::empty(), USER).unwrap();
                } else {
                    one.send_value(near, &message(1, 1)).unwrap();
                }
                (one, other)
            });
            let mut items = [
                WaitItem { handle: far, waitfor: Signals::READABLE, pending: Signals::empty() },
                WaitItem { handle: event, waitfor: USER, pending: Signals::empty() },
            ];
            two.wait_many(&mut items, Rights::empty(), jacinth_shm_loom::DEADLINE_INFINITE_NS).unwrap();
            let satisfied = items.map(|item| item.pending & item.waitfor != Signals::empty());
            assert_eq!(satisfied, [!second, second]);
            let (one, _other) = waking.join().unwrap();
            assert_clean(&one, 2, 3);
        });
    }
}

/// A wait with a deadline in the past still looks once.
#[test]
fn expired_wait_reports_pending_signals() {
    model(None, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let sending = loom::thread::spawn(move || {
            one.send_value(near, &message(1, 1)).unwrap();
            one
        });
        let (result, pending) = two.wait_one(far, Rights::empty(), Signals::READABLE, 0);
        let readable = pending & Signals::READABLE != Signals::empty();
        assert_eq!(result, if readable { Ok(()) } else { Err(Error::TimedOut) });
        let one = sending.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// PEER_CLOSED is not seen without the messages that came before it.
#[test]
fn peer_closed_publishes_earlier_messages() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let closing = loom::thread::spawn(move || {
            one.send_value(near, &message(1, 1)).unwrap();
            one.close_value(near).unwrap();
            one
        });
        let seen = two.signals_of(far).unwrap();
        assert!(
            seen & PEER_CLOSED == Signals::empty() || seen & Signals::READABLE != Signals::empty(),
            "{seen:#x}"
        );
        let one = closing.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// A reader that sees a message sees its writer's earlier stores; a writer that sees room, the reader's.
#[test]
fn signal_publishes_earlier_stores() {
    for (full, signal) in [(false, Signals::READABLE), (true, Signals::WRITABLE)] {
        model_without_barriers(3, move || {
            let one = first(&small_with(|config| config.max_pending_messages = 1));
            let (near, far, two) = linked(&one);
            if full {
                two.send_value(far, &message(1, 1)).unwrap();
            }
            let done = Arc::new(AtomicBool::new(false));
            let doing = done.clone();
            let changing = loom::thread::spawn(move || {
                doing.store(true, Ordering::Relaxed);
                if full {
                    one.try_receive(near).unwrap();
                } else {
                    one.send_value(near, &message(1, 1)).unwrap();
                }
                one
            });
            let seen = two.signals_of(far).unwrap();
            assert!(seen & signal == Signals::empty() || done.load(Ordering::Relaxed), "{seen:#x}");
            let _one = changing.join().unwrap();
        });
    }
}

/// A channel that has never been full is writable during all reads and writes.
#[test]
fn an_end_with_room_is_always_writable() {
    model_without_barriers(2, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let other = sibling(&one);
        let sending = loom::thread::spawn(move || {
            other.send_value(near, &message(1, 1)).unwrap();
            other
        });
        let reading = loom::thread::spawn(move || {
            let read = two.try_receive(far);
            assert!(read.is_ok() || read.is_err_and(|error| error == Error::ShouldWait));
            two
        });
        assert!(one.signals_of(near).unwrap().contains(Signals::WRITABLE));
        let _other = sending.join().unwrap();
        let _two = reading.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}
