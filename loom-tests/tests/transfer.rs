//! Handles in messages: a handle arrives whole, refers to the same object as before, and is in one place at a time.

mod support;

use jacinth_shm_loom::{Config, Error, ObjectClass, OnOverflow, Rights, Signals};
use support::*;

/// [`small`], with room for a second channel that has messages.
fn with_room_for_a_channel() -> Config {
    small_with(|config| {
        config.pool_bytes = 2048;
        config.max_handles_per_process = 5;
    })
}

/// INV-TRANSFER-1, INV-COUNT-1: the receiver finds the object as its sender left it.
#[test]
fn a_handle_arrives_with_its_object_complete() {
    model_without_barriers(4, || {
        let one = first(&small_with(|config| config.pool_bytes = 1024));
        let (near, far, two) = linked(&one);
        let sending = loom::thread::spawn(move || {
            let (event, _) = one.create(ObjectClass::Event, Rights::from_bits_retain(3)).unwrap();
            one.signal(find(&one, event), Signals::empty(), USER).unwrap();
            let koid = one.koid(event).unwrap();
            one.transfer_value(near, &message(1, 2), &[event]).unwrap();
            (koid, one)
        });
        let received = two.receive_next(far).unwrap();
        assert_eq!(received.bytes, message(1, 2));
        let [handle] = received.handles[..] else { panic!("{:?}", received.handles) };
        assert_eq!((handle.rights, handle.class), (Rights::from_bits_retain(3), ObjectClass::Event));
        let basic = two.basic(find(&two, handle.value)).unwrap();
        assert_eq!(
            (basic.class, basic.rights, basic.handles),
            (ObjectClass::Event, Rights::from_bits_retain(3), 1)
        );
        assert_eq!(two.signals_of(handle.value), Ok(USER));
        let (koid, one) = sending.join().unwrap();
        assert_eq!(basic.koid, koid);
        assert_clean(&one, 2, 3);
    });
}

/// INV-ROW-1, INV-COUNT-1: a name set before the transfer is found after it.
#[test]
fn a_name_travels_with_its_object() {
    model_without_barriers(4, || {
        let one = first(&small_with(|config| config.pool_bytes = 1024));
        let (near, far, two) = linked(&one);
        let name: [u8; 32] = core::array::from_fn(|at| if at < 31 { b'n' } else { 0 });
        let sending = loom::thread::spawn(move || {
            let event = create_event(&one);
            one.set_name(find(&one, event), &name).unwrap();
            one.transfer_value(near, &message(1, 1), &[event]).unwrap();
            one
        });
        let received = two.receive_next(far).unwrap();
        assert_eq!(two.name(find(&two, received.handles[0].value)), Ok(name));
        let one = sending.join().unwrap();
        assert_clean(&one, 2, 3);
    });
}

/// INV-ENDPOINT-2, INV-RING-2: an endpoint that changes hands goes on where it was left: positions, segments and
/// blocks are rebuilt from the arena.
#[test]
fn endpoint_goes_on_in_new_process() {
    model_without_barriers(3, || {
        let one = first(&with_room_for_a_channel());
        let (near, far, two) = linked(&one);
        let [inner, outer] = create_channel(&one);
        let sending = loom::thread::spawn(move || {
            one.send_value(inner, &message(1, BLOCK_WORDS)).unwrap();
            one.send_value(inner, &message(2, 1)).unwrap();
            assert_eq!(one.try_receive(outer).unwrap().bytes, message(1, BLOCK_WORDS));
            one.transfer_value(near, &message(7, 1), &[inner]).unwrap();
            assert_eq!(one.send_value(inner, &[]), Err(Error::BadHandle));
            one
        });
        let inner = two.receive_next(far).unwrap().handles[0].value;
        two.send_value(inner, &message(3, BLOCK_WORDS)).unwrap();
        two.send_value(inner, &message(4, 1)).unwrap();
        let one = sending.join().unwrap();
        for (number, words) in [(2, 1), (3, BLOCK_WORDS), (4, 1)] {
            assert_eq!(one.try_receive(outer).unwrap().bytes, message(number, words));
        }
        assert_clean(&one, 2, 4);
    });
}

/// INV-ENDPOINT-2: so does the reading half, with the queued messages.
#[test]
fn reading_end_goes_on_in_new_process() {
    model_without_barriers(3, || {
        let one = first(&with_room_for_a_channel());
        let (near, far, two) = linked(&one);
        let [inner, outer] = create_channel(&one);
        for number in 1..=3 {
            one.send_value(inner, &message(number, 1)).unwrap();
        }
        let sending = loom::thread::spawn(move || {
            assert_eq!(one.try_receive(outer).unwrap().bytes, message(1, 1));
            one.transfer_value(near, &message(7, 1), &[outer]).unwrap();
            one.send_value(inner, &message(4, 1)).unwrap();
            one
        });
        let outer = two.receive_next(far).unwrap().handles[0].value;
        for number in 2..=4 {
            assert_eq!(two.receive_next(outer).unwrap().bytes, message(number, 1));
        }
        let one = sending.join().unwrap();
        assert_clean(&one, 2, 4);
    });
}

/// INV-ENDPOINT-1: a send by another thread of the process comes before the transfer of its endpoint, whole, or
/// finds the handle gone.
#[test]
fn operation_ends_before_endpoint_transfer() {
    model_without_barriers(2, || {
        let one = first(&with_room_for_a_channel());
        let (near, far, two) = linked(&one);
        let [inner, outer] = create_channel(&one);
        let other = sibling(&one);
        let sending = loom::thread::spawn(move || (other.send_value(inner, &message(1, 1)), other));
        one.transfer_value(near, &message(7, 1), &[inner]).unwrap();
        let inner = two.try_receive(far).unwrap().handles[0].value;
        two.send_value(inner, &message(2, 1)).unwrap();
        let (sent, _other) = sending.join().unwrap();
        if sent.is_ok() {
            assert_eq!(one.try_receive(outer).unwrap().bytes, message(1, 1));
        } else {
            assert_eq!(sent, Err(Error::BadHandle));
        }
        assert_eq!(one.try_receive(outer).unwrap().bytes, message(2, 1));
        assert_clean(&one, 2, 4);
    });
}

/// INV-ENDPOINT-1: the same for a handle that was admitted before, and is used by its value.
#[test]
fn admitted_operation_ends_before_the_transfer() {
    model_without_barriers(2, || {
        let one = first(&with_room_for_a_channel());
        let (near, far, two) = linked(&one);
        let [inner, outer] = create_channel(&one);
        one.send(inner, Rights::empty(), &message(1, 1)).unwrap();
        let other = sibling(&one);
        let sending =
            loom::thread::spawn(move || (other.send(inner, Rights::empty(), &message(2, 1)), other));
        one.transfer_value(near, &message(7, 1), &[inner]).unwrap();
        assert_eq!(one.send(inner, Rights::empty(), &message(4, 1)), Err(Error::BadHandle));
        let inner = two.try_receive(far).unwrap().handles[0].value;
        two.send_value(inner, &message(3, 1)).unwrap();
        let (sent, _other) = sending.join().unwrap();
        assert!(matches!(sent, Ok(()) | Err(Error::BadHandle)), "{sent:?}");
        for number in [1, 2, 3].into_iter().filter(|number| *number != 2 || sent.is_ok()) {
            assert_eq!(one.try_receive(outer).unwrap().bytes, message(number, 1));
        }
        assert_eq!(one.try_receive(outer).unwrap_err(), Error::ShouldWait);
        assert_clean(&one, 2, 4);
    });
}

/// INV-ENDPOINT-1: a message is read by a thread of the old owner, before the end leaves, or by the new owner.
#[test]
fn admitted_read_ends_before_the_transfer() {
    model_without_barriers(2, || {
        let one = first(&with_room_for_a_channel());
        let (near, far, two) = linked(&one);
        let [inner, outer] = create_channel(&one);
        one.send_value(inner, &message(1, 1)).unwrap();
        one.try_receive(outer).unwrap();
        one.send_value(inner, &message(2, 1)).unwrap();
        let other = sibling(&one);
        let reading = loom::thread::spawn(move || {
            let mut inbox = Inbox::default();
            let read = other.receive(outer, Rights::empty(), &mut inbox, OnOverflow::Keep);
            (read.map(|_| inbox.bytes), other)
        });
        one.transfer_value(near, &message(7, 1), &[outer]).unwrap();
        let outer = two.try_receive(far).unwrap().handles[0].value;
        let here = two.try_receive(outer).map(|inbox| inbox.bytes);
        let (there, _other) = reading.join().unwrap();
        match there {
            Ok(bytes) => {
                assert_eq!((bytes, here.unwrap_err()), (message(2, 1), Error::ShouldWait));
            }
            Err(error) => {
                assert_eq!((here, error), (Ok(message(2, 1)), Error::BadHandle));
            }
        }
        assert_clean(&one, 2, 4);
    });
}

/// A failed send closes every handle of its list, each once, while another thread closes one of them.
#[test]
fn failed_send_closes_all_handles_once() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| {
            config.pool_bytes = 1024;
            config.max_objects = 3;
            config.max_handles_per_process = 6;
        }));
        let (near, far, two) = linked(&one);
        let event = create_event(&one);
        let second = create_event(&one);
        let other = sibling(&one);
        let closing = loom::thread::spawn(move || (other.close_value(second), other));
        // The last of the list is the channel itself, which cannot be sent into itself.
        let sent = one.transfer_value(near, &message(1, 1), &[event, second, near]);
        let (closed, _other) = closing.join().unwrap();
        assert!(matches!(closed, Ok(()) | Err(Error::BadHandle)));
        let refused = if closed.is_ok() { Error::BadHandle } else { sent.unwrap_err() };
        assert!(matches!(refused, Error::BadHandle | Error::NotSupported(_)), "{refused}");
        assert_eq!(two.try_receive(far).unwrap_err(), Error::PeerClosed, "near was in the list");
        assert_clean(&two, 1, 1);
    });
}

/// Two threads of one process send the same handle: one message carries it.
#[test]
fn one_of_two_senders_succeeds() {
    model_without_barriers(3, || {
        let one = first(&small_with(|config| {
            config.pool_bytes = 1024;
            config.max_handles_per_process = 5;
        }));
        let (near, far, two) = linked(&one);
        let event = create_event(&one);
        let other = sibling(&one);
        let sending =
            loom::thread::spawn(move || (other.transfer_value(near, &message(1, 1), &[event]), other));
        let here = one.transfer_value(near, &message(2, 1), &[event]);
        let (there, _other) = sending.join().unwrap();
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        let received = two.try_receive(far).unwrap();
        assert_eq!(received.bytes, message(if here.is_ok() { 2 } else { 1 }, 1));
        assert_eq!(received.handles.len(), 1);
        assert_eq!(two.try_receive(far).unwrap_err(), Error::ShouldWait);
        assert_clean(&one, 2, 3);
    });
}

/// INV-ENTRY-1: a startup handle is complete when its child sits down.
#[test]
fn startup_handle_is_complete_at_attach() {
    model_without_barriers(None, || {
        let one = first(&small());
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        one.send_value(near, &message(1, 1)).unwrap();
        let arena = one.process().arena().clone();
        let process_slot = arena.reserve_slot(&one).unwrap();
        one.leave_startup_handle(find(&one, far.unwrap()), process_slot).unwrap();
        // An exec and a socket lie between: the child is started only now.
        let spawned = loom::thread::spawn(move || {
            let process = jacinth_shm_loom::Process::attach(arena, process_slot, 2, 77).unwrap();
            let two = jacinth_shm_loom::Thread::join(&process).unwrap();
            assert_eq!(two.receive_next(startup(&two)).unwrap().bytes, message(1, 1));
            assert_eq!(two.receive_next(startup(&two)).unwrap().bytes, message(2, 1));
            two
        });
        one.send_value(near, &message(2, 1)).unwrap();
        let _two = spawned.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}
