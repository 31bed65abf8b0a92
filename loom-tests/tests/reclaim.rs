//! Hazards against reclamation: an object that a thread has pinned is not reused.

mod support;

use jacinth_shm_loom::{Error, IdleMemory, ObjectClass, Process, Thread, Unused, kernel_barriers};
use jacinth_shm_loom::{HandleValue, Signals};
use support::*;

/// An event that one thread uses while another closes it and takes its slot for the next one.
fn using_while_the_slot_is_wanted(use_it: fn(&Thread, HandleValue) -> bool) {
    model(2, move || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let event = create_event(&one);
        let found = find(&one, event);
        one.set_name(found, &[b'a'; 32]).unwrap();
        let other = sibling(&one);
        let reusing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            let next = other.create(ObjectClass::EventPair, ALL);
            if let Ok((next, _)) = next {
                other.set_name(find(&other, next), &[b'b'; 32]).unwrap();
                assert_eq!(
                    other.signals_of(next),
                    Ok(Signals::empty()),
                    "the next object starts without signals"
                );
                let mut name = [b'b'; 32];
                name[31] = 0;
                assert_eq!(other.name(find(&other, next)), Ok(name));
            }
            (next, other)
        });
        let used = use_it(&one, event);
        let (next, other) = reusing.join().unwrap();
        match next {
            Ok((next, far)) => {
                assert_eq!(
                    other.signals_of(next),
                    Ok(Signals::empty()),
                    "the next object starts without signals"
                );
                assert_clean(&one, 1, 2);
                other.close_value(next).unwrap();
                other.close_value(far.unwrap()).unwrap();
            }
            Err(error) => {
                assert_eq!(error, Error::NoResources("objects"));
                assert!(used, "only a use can have kept the slot");
            }
        }
        assert_clean(&one, 0, 0);
        one.reclaim().unwrap();
        other.reclaim().unwrap();
        assert_eq!(assert_clean(&one, 0, 0).retired, 0, "and in the end the slot is free");
    });
}

/// INV-LIFECYCLE-4: the answer to a question about an object is about that object.
#[test]
fn pinned_object_is_read_as_itself() {
    using_while_the_slot_is_wanted(|thread, event| {
        let basic = thread.lookup(event).and_then(|found| thread.basic(found));
        match basic {
            Ok(basic) => assert_eq!((basic.class, basic.related_koid), (ObjectClass::Event, 0)),
            Err(error) => assert_eq!(error, Error::BadHandle),
        }
        true
    });
}

/// INV-LIFECYCLE-4: a signal goes to the object that was meant.
#[test]
fn signal_never_reaches_the_next_object() {
    using_while_the_slot_is_wanted(|thread, event| {
        let signalled = thread.lookup(event).and_then(|found| thread.signal(found, Signals::empty(), USER));
        assert!(signalled.is_ok() || is_gone(&signalled), "{signalled:?}");
        true
    });
}

/// INV-LIFECYCLE-4: a name goes to the object that was meant, and is read from it.
#[test]
fn name_never_reaches_the_next_object() {
    using_while_the_slot_is_wanted(|thread, event| {
        let named = thread.lookup(event).and_then(|found| thread.set_name(found, &[b'c'; 32]));
        assert!(named.is_ok() || is_gone(&named), "{named:?}");
        true
    });
}

/// INV-COOKIE-4: a cookie goes to the object that was meant.
#[test]
fn cookie_never_reaches_the_next_object() {
    model(2, || {
        let one = first(&small_with(|config| config.max_handles_per_process = 6));
        let (event, scope) = (create_event(&one), create_event(&one));
        let other = sibling(&one);
        let reusing = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            if let Ok((next, _)) = other.create(ObjectClass::EventPair, ALL) {
                let seen = other.cookie(find(&other, next), find(&other, scope));
                assert_eq!(seen, Err(Error::WrongScope), "the next object starts without a cookie");
                other.set_cookie(find(&other, next), find(&other, next), 8).unwrap();
                assert_eq!(other.cookie(find(&other, next), find(&other, next)), Ok(8));
            }
            other
        });
        let set = one.lookup(event).and_then(|found| one.set_cookie(found, find(&one, scope), 7));
        assert!(set.is_ok() || is_gone(&set), "{set:?}");
        let _other = reusing.join().unwrap();
    });
}

/// INV-WAIT-1: signals read without a hazard count only if the handle is still there afterwards.
#[test]
fn unpinned_signals_are_own_or_none() {
    using_while_the_slot_is_wanted(|thread, event| {
        let seen = thread.signals_of(event);
        assert!(seen == Ok(Signals::empty()) || is_gone(&seen), "{seen:?}");
        let kind = thread.lookup(event).and_then(|found| thread.class(found));
        assert!(kind == Ok(ObjectClass::Event) || is_gone(&kind), "{kind:?}");
        true
    });
}

/// INV-WAIT-1: the same when the next user of the slot shows more, or less, than this one.
#[test]
fn ending_objects_signals_stay_its_own() {
    for next in [ObjectClass::Event, ObjectClass::EventPair] {
        model(2, move || {
            let one = first(&small_with(|config| {
                config.max_objects = 1;
                config.max_handles_per_process = 5;
            }));
            let event = create_event(&one);
            one.signal(find(&one, event), Signals::empty(), USER).unwrap();
            let other = sibling(&one);
            let reusing = loom::thread::spawn(move || {
                other.close_value(event).unwrap();
                other.create(next, ALL).unwrap();
                other
            });
            let seen = one.signals_of(event);
            assert!(seen == Ok(USER) || is_gone(&seen), "{seen:?}");
            let kind = one.lookup(event).and_then(|found| one.class(found));
            assert!(kind == Ok(ObjectClass::Event) || is_gone(&kind), "{kind:?}");
            let _other = reusing.join().unwrap();
        });
    }
}

/// INV-WAIT-1: the same when it is a third process that uses the slot next, without a barrier of its own.
#[test]
fn ending_objects_signals_survive_third_processes() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let third = child(&one, None);
        let event = create_event(&one);
        one.signal(find(&one, event), Signals::empty(), USER).unwrap();
        let other = sibling(&one);
        let ending = loom::thread::spawn(move || {
            other.close_value(event).unwrap();
            other.reclaim().unwrap();
            other
        });
        let reusing = loom::thread::spawn(move || {
            let made = third.create(ObjectClass::Event, ALL);
            assert!(made.is_ok() || matches!(made, Err(Error::NoResources(_))), "{made:?}");
            third
        });
        let seen = one.signals_of(event);
        assert!(seen == Ok(USER) || is_gone(&seen), "{seen:?}");
        let _other = ending.join().unwrap();
        let _third = reusing.join().unwrap();
    });
}

/// INV-WAIT-1: the same when the slot's memory is given back meanwhile, and the next user begins anew.
#[test]
fn signals_stay_own_as_memory_goes() {
    model_without_barriers(3, || {
        let one = first(&small());
        let [event, beside] = [(); 2].map(|()| one.create(ObjectClass::Event, ALL).unwrap().0);
        one.signal(find(&one, event), Signals::empty(), USER).unwrap();
        one.close_value(beside).unwrap();
        let (other, third) = (sibling(&one), child(&one, None));
        let looking = loom::thread::spawn(move || {
            let seen = one.signals_of(event);
            assert!(seen == Ok(USER) || is_gone(&seen), "{seen:?}");
            one
        });
        other.close_value(event).unwrap();
        other.collect().unwrap();
        IdleMemory::new().pass(&other, Unused::Now, &mut || true).unwrap();
        // In a thread that has had no barrier of its own.
        let reusing = loom::thread::spawn(move || {
            third.create(ObjectClass::Event, ALL).unwrap();
            third
        });
        let (_third, _one) = (reusing.join().unwrap(), looking.join().unwrap());
    });
}

/// INV-COUNT-3: a count that has reached 0 stays there. The duplicate is refused, and the slot is not reused
/// while it looked.
#[test]
fn a_duplicate_never_revives_an_object() {
    using_while_the_slot_is_wanted(|thread, event| {
        match thread.lookup(event).and_then(|found| thread.duplicate(found, ALL)) {
            Ok(copy) => {
                let basic = thread.basic(find(thread, copy)).unwrap();
                assert_eq!((basic.class, basic.related_koid), (ObjectClass::Event, 0));
                thread.close_value(copy).unwrap();
            }
            Err(error) => assert!(matches!(error, Error::BadHandle | Error::NoResources(_)), "{error}"),
        }
        true
    });
}

/// INV-LIFECYCLE-3, INV-LIFECYCLE-4: two that reclaim at once free a slot once, and the last object's data there are no
/// more to be seen.
#[test]
fn a_retired_slot_is_reclaimed_once() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let (near, far, two) = linked(&one);
        one.send_value(near, &message(1, BLOCK_WORDS)).unwrap();
        let closing = loom::thread::spawn(move || {
            two.try_receive(far).unwrap();
            two.close_value(far).unwrap();
            let reclaimed = two.reclaim().unwrap();
            (reclaimed, two)
        });
        one.close_value(near).unwrap();
        let here = one.reclaim().unwrap();
        let (there, two) = closing.join().unwrap();
        assert!(here + there <= 1);
        let left = one.reclaim().unwrap() + two.reclaim().unwrap();
        assert!(left <= 1);
        let audit = assert_clean(&one, 0, 0);
        assert_eq!((audit.retired, audit.blocks), (0, 0));
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        assert_eq!(
            one.signals_of(near).unwrap() & Signals::from_bits_retain(7),
            Signals::from_bits_retain(2),
            "writable, not readable, not closed"
        );
        one.send_value(near, &message(2, 1)).unwrap();
        assert_eq!(one.try_receive(far.unwrap()).unwrap().bytes, message(2, 1));
    });
}

/// INV-LIFECYCLE-3: the thread that frees a pair's slot has seen everything that the closer of the other side did to it.
#[test]
fn reused_pair_starts_without_peer_closed() {
    model_without_barriers(2, || {
        let one = first(&small());
        let (near, far) = one.create(ObjectClass::EventPair, ALL).unwrap();
        let two = child(&one, far);
        let theirs = startup(&two);
        let closing = loom::thread::spawn(move || {
            two.close_value(theirs).unwrap();
            two
        });
        one.close_value(near).unwrap();
        one.collect().unwrap();
        let (near, far) = one.create(ObjectClass::EventPair, ALL).unwrap();
        let sides = [near, far.unwrap()];
        assert!(sides.iter().all(|side| one.signals_of(*side).unwrap() & PEER_CLOSED == Signals::empty()));
        sides.into_iter().for_each(|side| one.close_value(side).unwrap());
        let _two = closing.join().unwrap();
        one.collect().unwrap();
        assert_eq!(assert_clean(&one, 0, 0).retired, 0);
    });
}

/// Where the kernel refuses barriers, an object that a process without fences of its own may be using is not reclaimed.
/// The fences of the row's last holder do not matter.
#[test]
fn no_reclamation_without_a_needed_barrier() {
    model_without_barriers(2, || {
        kernel_barriers(false, false);
        let one = first(&small_with(|config| config.max_objects = 1));
        let (dead, process_slot) = child_with_slot(&one, None);
        drop(dead);
        one.recover(process_slot).unwrap();
        let arena = one.process().arena().clone();
        let process_slot = arena.reserve_slot(&one).unwrap();
        kernel_barriers(true, false);
        let sitting = loom::thread::spawn(move || Process::attach(arena, process_slot, 2, 77).unwrap());
        let event = create_event(&one);
        let is_attached = one.process().arena().is_attached(process_slot);
        one.close_value(event).unwrap();
        let next = one.create(ObjectClass::Event, ALL);
        assert!(!is_attached || matches!(next, Err(Error::NoResources(_))), "its slot was used again");
        let _process = sitting.join().unwrap();
        kernel_barriers(true, true);
    });
    kernel_barriers(true, true);
}

/// INV-RELEASE-4: the thread that ends the last side finds the blocks that the other side has bound meanwhile. (Without a
/// barrier no thread looks again.)
#[test]
fn retired_channel_holds_no_blocks() {
    model_without_barriers(2, || {
        kernel_barriers(true, false);
        let one = first(&small_with(|config| config.max_objects = 1));
        let (near, far, two) = linked(&one);
        let sending = loom::thread::spawn(move || {
            let sent = one.send_value(near, &message(1, 1));
            assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
            one.close_value(near).unwrap();
            one
        });
        two.close_value(far).unwrap();
        let one = sending.join().unwrap();
        let audit = assert_clean(&one, 0, 0);
        assert_eq!((audit.retired, audit.blocks), (1, 0));
        kernel_barriers(true, true);
    });
    kernel_barriers(true, true);
}

/// INV-BLOCK-1: a channel through which something went gives its blocks back before its slot is used again.
#[test]
fn reused_slot_holds_no_blocks() {
    model(None, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        one.send_value(near, &message(1, BLOCK_WORDS)).unwrap();
        assert_eq!(one.try_receive(far.unwrap()).unwrap().bytes, message(1, BLOCK_WORDS));
        [near, far.unwrap()].into_iter().for_each(|end| one.close_value(end).unwrap());
        let _event = create_event(&one);
        assert_eq!(assert_clean(&one, 1, 1).blocks, 0);
    });
}
