//! Closing, against everything else that can be done with a handle at the same time.

mod support;

use jacinth_shm_loom::{Error, HandleValue, ObjectClass, Result};
use jacinth_shm_loom::{Rights, Signals, Thread};
use support::*;

/// INV-ENTRY-2: leaving LIVE is a CAS of the exact word.
#[test]
fn one_of_two_closers_succeeds() {
    model_without_barriers(None, || {
        let one = first(&small());
        let event = create_event(&one);
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || (other.close_value(event), other));
        let here = one.close_value(event);
        let (there, _other) = closing.join().unwrap();
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        assert!(here.is_ok() || here == Err(Error::BadHandle));
        assert_clean(&one, 0, 0);
    });
}

/// INV-COUNT-1, INV-COUNT-3: a duplicate owns a reference to a living object, or there is none. Revival from 0
/// is refused.
#[test]
fn duplicate_races_last_close_safely() {
    model(3, || {
        let one = first(&small());
        let event = create_event(&one);
        let koid = one.koid(event).unwrap();
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || (other.close_value(event), other));
        let copy = one.lookup(event).and_then(|found| one.duplicate(found, ALL));
        let (closed, _other) = closing.join().unwrap();
        assert_eq!(closed, Ok(()));
        match copy {
            Ok(copy) => {
                assert_eq!(one.koid(copy), Ok(koid));
                assert_clean(&one, 1, 1);
                one.close_value(copy).unwrap();
            }
            Err(error) => assert_eq!(error, Error::BadHandle),
        }
        assert_clean(&one, 0, 0);
    });
}

/// INV-ENDPOINT-4: a channel that is given up while a loan comes back is closed by one of the two threads.
#[test]
fn given_up_channels_are_closed_once() {
    model(2, || {
        let one = first(&small());
        let [near, far] = create_channel(&one);
        let found = find(&one, near);
        let loan = one.reserve(found, ALL, 1, 0).unwrap();
        let other = sibling(&one);
        let returning = loom::thread::spawn(move || (other.return_loan(loan), other));
        one.close_when_returned(found).unwrap();
        let (returned, _other) = returning.join().unwrap();
        returned.unwrap();
        assert_eq!(one.lookup(near).map(drop), Err(Error::BadHandle));
        one.close_value(far).unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-COUNT-1, INV-LIFECYCLE-3: two processes' changes of one count are all counted, and the last reference is the
/// last once.
#[test]
fn last_closer_retires_the_object() {
    model(2, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let event = create_event(&one);
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        let closing = loom::thread::spawn(move || {
            let again = two.lookup(theirs).and_then(|found| two.duplicate(found, ALL)).unwrap();
            two.close_value(theirs).unwrap();
            two.close_value(again).unwrap();
            two
        });
        one.close_value(event).unwrap();
        let two = closing.join().unwrap();
        let audit = assert_clean(&one, 0, 0);
        assert!(audit.retired <= 1);
        one.reclaim().unwrap();
        two.reclaim().unwrap();
        assert!(one.create(ObjectClass::Event, ALL).is_ok(), "the only slot is free again");
    });
}

/// INV-LIFECYCLE-2, INV-LIFECYCLE-3: the sides of a pair end independently; whichever is last retires it, once.
#[test]
fn both_sides_close_at_once() {
    model(3, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let (near, far) = one.create(ObjectClass::EventPair, ALL).unwrap();
        let two = child(&one, far);
        let theirs = startup(&two);
        let closing = loom::thread::spawn(move || {
            two.close_value(theirs).unwrap();
            two
        });
        one.close_value(near).unwrap();
        let two = closing.join().unwrap();
        assert_clean(&one, 0, 0);
        one.reclaim().unwrap();
        two.reclaim().unwrap();
        assert!(one.create(ObjectClass::Event, ALL).is_ok(), "the only slot is free again");
    });
}

/// INV-LIFECYCLE-4: between the look at a handle and the end of its use the object is neither gone nor another.
#[test]
fn use_during_close_sees_no_other_object() {
    model(3, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let event = create_event(&one);
        let koid = one.koid(event).unwrap();
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            other
        });
        let seen = one.koid(event);
        assert!(seen == Ok(koid) || is_gone(&seen), "{seen:?}");
        let signalled = one.lookup(event).and_then(|found| one.signal(found, Signals::empty(), USER));
        assert!(signalled.is_ok() || is_gone(&signalled), "{signalled:?}");
        let _other = closing.join().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-ENTRY-2: the generation makes equal words mean the same handle. The table has one entry and the arena
/// one slot, so both are used again at once.
#[test]
fn closed_value_never_names_another_handle() {
    model(2, || {
        let one = first(&small_with(|config| {
            config.max_objects = 1;
            config.max_handles_per_process = 2;
        }));
        let event = create_event(&one);
        let koid = one.koid(event).unwrap();
        let other = sibling(&one);
        let reusing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            (other.create(ObjectClass::Event, ALL), other)
        });
        let seen = one.koid(event);
        assert!(seen == Ok(koid) || is_gone(&seen), "{seen:?}");
        let signals = one.signals_of(event);
        assert!(signals == Ok(Signals::empty()) || is_gone(&signals), "{signals:?}");
        let (successor, other) = reusing.join().unwrap();
        match successor {
            Ok((successor, _)) => {
                assert_ne!(successor, event);
                assert_ne!(other.koid(successor), Ok(koid));
                assert_clean(&one, 1, 1);
            }
            // The slot was still in use when it was looked for.
            Err(error) => assert!(matches!(error, Error::NoResources(_)), "{error}"),
        }
    });
}

/// INV-ENTRY-2: closing and replacing are both a CAS of the exact word.
#[test]
fn handle_is_closed_or_replaced_once() {
    model_without_barriers(None, || {
        let one = first(&small());
        let event = create_event(&one);
        let koid = one.koid(event).unwrap();
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || (other.close_value(event), other));
        let replaced = one.lookup(event).and_then(|found| one.replace(found, Rights::from_bits_retain(1)));
        let (closed, _other) = closing.join().unwrap();
        match (closed, replaced) {
            (Ok(()), Err(Error::BadHandle)) => {
                assert_clean(&one, 0, 0);
            }
            (Err(Error::BadHandle), Ok(new)) => {
                assert_eq!(
                    (one.koid(new), find(&one, new).rights()),
                    (Ok(koid), Rights::from_bits_retain(1))
                );
                assert_clean(&one, 1, 1);
            }
            both => panic!("{both:?}"),
        }
    });
}

/// INV-ENTRY-2, INV-TRANSFER-1: a handle is closed or sent, and a message has all its handles or was not sent.
#[test]
fn handle_is_closed_or_transferred_once() {
    model_without_barriers(3, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 5));
        let (near, far, two) = linked(&one);
        let event = create_event(&one);
        let koid = one.koid(event).unwrap();
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || (other.close_value(event), other));
        let sent = one.transfer_value(near, &message(7, 1), &[event]);
        let (closed, _other) = closing.join().unwrap();
        let received = two.try_receive(far);
        match (closed, sent) {
            (Ok(()), Err(Error::BadHandle)) => {
                assert_eq!(received.unwrap_err(), Error::ShouldWait);
                assert_clean(&one, 1, 2);
            }
            (Err(Error::BadHandle), Ok(())) => {
                let received = received.unwrap();
                assert_eq!(received.bytes, message(7, 1));
                assert_eq!(two.koid(received.handles[0].value), Ok(koid));
                assert_clean(&one, 2, 3);
            }
            both => panic!("{both:?}"),
        }
    });
}

/// A send that raced with the close of its end: the reader received all of it, or it found the handle gone.
fn assert_whole_or_refused(
    reader: &Thread,
    far: HandleValue,
    sent: Result<()>,
    received: Result<Inbox>,
    bytes: &[u8],
) {
    match sent {
        Ok(()) => assert_eq!(received.unwrap().bytes, bytes),
        Err(error) => {
            assert_eq!(error, Error::BadHandle);
            assert_eq!(received.unwrap_err(), Error::PeerClosed);
        }
    }
    assert_eq!(reader.try_receive(far).unwrap_err(), Error::PeerClosed);
    assert_clean(reader, 1, 1);
}

/// INV-ENDPOINT-1: no operation on an endpoint outlives its handle: a send by another thread comes before the
/// close, whole, or not at all.
#[test]
fn send_during_close_is_whole_or_refused() {
    model_without_barriers(None, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let other = sibling(&one);
        let sending = loom::thread::spawn(move || (other.send_value(near, &message(3, 2)), other));
        one.close_value(near).unwrap();
        // From here on no message is written to the ring.
        let received = two.try_receive(far);
        let (sent, _other) = sending.join().unwrap();
        assert_whole_or_refused(&two, far, sent, received, &message(3, 2));
    });
}

/// A reader that sees PEER_CLOSED sees every message that came before it.
/// INV-RING-2.
#[test]
fn messages_are_read_before_peer_closed() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        let closing = loom::thread::spawn(move || {
            one.send_value(near, &message(1, 1)).unwrap();
            one.close_value(near).unwrap();
            one
        });
        assert_eq!(two.receive_next(far).unwrap().bytes, message(1, 1));
        assert_eq!(two.receive_next(far).unwrap_err(), Error::PeerClosed);
        let one = closing.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// INV-RELEASE-1, INV-RELEASE-3: of a send and the reader's close that pass each other, one sees the other: no
/// handle stays in a message that no process will read.
#[test]
fn handle_sent_to_closing_end_is_closed() {
    model_without_barriers(3, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 5));
        let (near, far, two) = linked(&one);
        let event = create_event(&one);
        let closing = loom::thread::spawn(move || {
            two.close_value(far).unwrap();
            two
        });
        let sent = one.transfer_value(near, &message(1, 1), &[event]);
        let _two = closing.join().unwrap();
        assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
        assert_eq!(one.lookup(event).err(), Some(Error::BadHandle), "sent or closed");
        assert_clean(&one, 1, 1);
    });
}

/// INV-RELEASE-1, INV-RELEASE-3: the reader takes the message by its header, or closes its end between header and tail:
/// the handle is received or closed.
#[test]
fn handle_before_its_tail_is_closed_once() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 5));
        let (near, far, two) = linked(&one);
        one.send_value(near, &message(9, 1)).unwrap();
        two.try_receive(far).unwrap();
        let event = create_event(&one);
        let closing = loom::thread::spawn(move || {
            let received = two.try_receive(far).map_or(0, |received| received.handles.len());
            two.close_value(far).unwrap();
            (received, two)
        });
        let sent = one.transfer_value(near, &message(1, 1), &[event]);
        let (received, _two) = closing.join().unwrap();
        assert!(sent == Ok(()) || (sent == Err(Error::PeerClosed) && received == 0), "{sent:?}");
        let received = received as u32;
        assert_clean(&one, 1 + received, 1 + received);
    });
}

/// INV-RELEASE-3: a message that its reader has taken is drained by neither end, though both close at once.
#[test]
fn received_handle_survives_both_ends() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 5));
        let (near, far, two) = linked(&one);
        let event = create_event(&one);
        one.transfer_value(near, &message(1, 1), &[event]).unwrap();
        let closing = loom::thread::spawn(move || {
            let received = two.try_receive(far).unwrap();
            two.close_value(far).unwrap();
            (received.handles.len(), two)
        });
        one.close_value(near).unwrap();
        let (received, _two) = closing.join().unwrap();
        assert_eq!(received, 1);
        assert_clean(&one, 1, 1);
    });
}

/// INV-ENDPOINT-1: the handle was admitted before. A send by its value comes before the close, or not at all.
#[test]
fn admitted_send_ends_before_the_close() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        one.send(near, Rights::empty(), &message(1, 1)).unwrap();
        let other = sibling(&one);
        let sending = loom::thread::spawn(move || (other.send(near, Rights::empty(), &message(2, 1)), other));
        one.close_value(near).unwrap();
        assert_eq!(one.send(near, Rights::empty(), &message(3, 1)), Err(Error::BadHandle));
        // From here on no message is written to the ring.
        assert_eq!(two.try_receive(far).unwrap().bytes, message(1, 1));
        let received = two.try_receive(far);
        let (sent, _other) = sending.join().unwrap();
        assert_whole_or_refused(&two, far, sent, received, &message(2, 1));
    });
}

/// INV-ENDPOINT-1: a thread that has found the handle gone cannot use it any more, although the thread that closes it has
/// not yet passed the locks of the end.
#[test]
fn handle_found_gone_is_gone() {
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, _far, _two) = linked(&one);
        one.send(near, Rights::empty(), &message(1, 1)).unwrap();
        let other = sibling(&one);
        let looking = loom::thread::spawn(move || {
            if other.lookup(near).is_err() {
                assert_eq!(other.send(near, Rights::empty(), &message(2, 1)), Err(Error::BadHandle));
            }
            other
        });
        one.close_value(near).unwrap();
        let _other = looking.join().unwrap();
    });
}

/// INV-ENDPOINT-1: once a handle was replaced, no operation has the rights of the old one.
#[test]
fn replaced_handle_is_admitted_no_longer() {
    const WRITE: Rights = Rights::from_bits_retain(8);
    model_without_barriers(3, || {
        let one = first(&small());
        let (near, far, two) = linked(&one);
        one.send(near, WRITE, &message(1, 1)).unwrap();
        let other = sibling(&one);
        let sending = loom::thread::spawn(move || (other.send(near, WRITE, &message(2, 1)), other));
        let new = one.replace(find(&one, near), Rights::from_bits_retain(4)).unwrap();
        let received: Vec<_> = (0..2).map(|_| two.try_receive(far).map(|inbox| inbox.bytes)).collect();
        assert_eq!(one.send(near, WRITE, &message(3, 1)), Err(Error::BadHandle));
        assert_eq!(one.send(new, WRITE, &message(3, 1)), Err(Error::AccessDenied { missing: WRITE }));
        let (sent, _other) = sending.join().unwrap();
        let second = sent.map(|()| message(2, 1)).map_err(|error| {
            assert_eq!(error, Error::BadHandle);
            Error::ShouldWait
        });
        assert_eq!(received, [Ok(message(1, 1)), second]);
        assert_clean(&one, 1, 2);
    });
}

/// INV-RELEASE-3: two sides that clear at once close every handle that is queued either way, each once.
#[test]
fn closing_both_ends_leaves_no_handle() {
    model_without_barriers(1, || {
        let one = first(&small_with(|config| {
            config.max_objects = 3;
            config.max_handles_per_process = 5;
            config.pool_bytes = 2048;
        }));
        let (near, far, two) = linked(&one);
        let event = create_event(&one);
        let copy = one.duplicate(find(&one, event), ALL).unwrap();
        one.transfer_value(near, &message(1, 1), &[event]).unwrap();
        one.transfer_value(near, &message(2, 1), &[copy]).unwrap();
        let event = create_event(&two);
        two.transfer_value(far, &message(3, 1), &[event]).unwrap();
        let closing = loom::thread::spawn(move || {
            two.close_value(far).unwrap();
            two
        });
        one.close_value(near).unwrap();
        let two = closing.join().unwrap();
        assert_clean(&one, 0, 0);
        one.reclaim().unwrap();
        two.reclaim().unwrap();
        assert_eq!(assert_clean(&one, 0, 0).retired, 0);
    });
}
