//! A thing that one thread or process makes is whole for another that finds it: each publishing word alone.
//!
//! Handle values pass between the model's threads through Relaxed atomics, which add no order.

mod support;

use jacinth_shm_loom::Rights;
use jacinth_shm_loom::{Error, HandleValue, ObjectClass, ResolvedHandle, Signals, Thread};
use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use support::*;

/// Polls until a value was told and its handle is found.
fn find_when_told(thread: &Thread, told: &AtomicU32) -> ResolvedHandle {
    loop {
        let value = told.load(Relaxed);
        if value != 0
            && let Ok(found) = thread.lookup(HandleValue(value))
        {
            return found;
        }
        loom::thread::yield_now();
    }
}

/// INV-ENTRY-1: an entry that is LIVE refers to an object that is complete.
#[test]
fn published_handle_has_a_complete_object() {
    model_without_barriers(3, || {
        let one = first(&small());
        let other = sibling(&one);
        let told = Arc::new(AtomicU32::new(0));
        let telling = told.clone();
        let making = loom::thread::spawn(move || {
            let event = create_event(&other);
            telling.store(event.0, Relaxed);
            other
        });
        let found = find_when_told(&one, &told);
        assert_eq!((one.class(found), one.signals(found)), (Ok(ObjectClass::Event), Ok(Signals::empty())));
        let basic = one.basic(found).unwrap();
        assert!(basic.koid >= 1024 && basic.handles == 1, "{basic:?}");
        let _other = making.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// INV-ENDPOINT-1: an endpoint is bound before its entry is LIVE: a thread that finds the handle can use it.
#[test]
fn published_endpoint_is_usable() {
    model_without_barriers(3, || {
        let one = first(&small_with(|config| config.pool_bytes = 1024));
        let (near, far, two) = linked(&one);
        let (inner, outer) = one.create(ObjectClass::Channel, ALL).unwrap();
        one.send_value(inner, &message(1, 1)).unwrap();
        one.transfer_value(near, &message(7, 1), &[outer.unwrap()]).unwrap();
        let other = sibling(&two);
        let told = Arc::new(AtomicU32::new(0));
        let telling = told.clone();
        let receiving = loom::thread::spawn(move || {
            let outer = other.try_receive(far).unwrap().handles[0].value;
            telling.store(outer.0, Relaxed);
            other
        });
        let found = find_when_told(&two, &told);
        let mut inbox = Inbox::default();
        two.receive(found, Rights::empty(), &mut inbox, jacinth_shm_loom::OnOverflow::Keep).unwrap();
        assert_eq!(inbox.bytes, message(1, 1));
        let _other = receiving.join().unwrap();
        assert_clean(&one, 2, 4);
    });
}

/// INV-COUNT-1: a duplicate found by another thread is a handle like any other.
#[test]
fn published_duplicate_keeps_its_object() {
    model_without_barriers(3, || {
        let one = first(&small());
        let event = create_event(&one);
        let other = sibling(&one);
        let told = Arc::new(AtomicU32::new(0));
        let telling = told.clone();
        let making = loom::thread::spawn(move || {
            let copy = other.duplicate(find(&other, event), Rights::from_bits_retain(1)).unwrap();
            telling.store(copy.0, Relaxed);
            other.close_value(event).unwrap();
            other
        });
        let found = find_when_told(&one, &told);
        assert_eq!((found.rights(), one.class(found)), (Rights::from_bits_retain(1), Ok(ObjectClass::Event)));
        assert!(one.basic(found).is_ok());
        let _other = making.join().unwrap();
        one.close(found).unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// A reader that finds a name while it is being set finds all of it.
#[test]
fn name_is_read_whole_or_absent() {
    model_without_barriers(None, || {
        let one = first(&small());
        let event = create_event(&one);
        let other = sibling(&one);
        let name: [u8; 32] = core::array::from_fn(|at| if at < 31 { b'n' } else { 0 });
        let naming = loom::thread::spawn(move || {
            other.set_name(find(&other, event), &name).unwrap();
            other
        });
        let seen = one.name(find(&one, event)).unwrap();
        assert!(seen == name || seen == [0; 32], "{seen:?}");
        let _other = naming.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// INV-RECOVER-1, INV-ROW-2: a process slot is free once its dead process is recovered, and not before: the process that gets
/// it finds its table clean.
#[test]
fn reused_process_row_has_a_clean_table() {
    model_without_barriers(2, || {
        let one = first(&small_with(|config| {
            config.max_processes = 3;
            config.max_objects = 2;
        }));
        let event = create_event(&one);
        let (dead, process_slot) = child_with_slot(&one, Some(event));
        let event = create_event(&dead);
        let spawner = child(&one, None);
        let (pair, far) =
            spawner.create(ObjectClass::EventPair, ALL).map_or((HandleValue::INVALID, None), |made| made);
        assert_eq!((pair, far), (HandleValue::INVALID, None), "one slot each");
        dead.close_value(event).unwrap();
        drop(dead);
        let mine = create_event(&spawner);
        let recovering = loom::thread::spawn(move || {
            one.recover(process_slot).unwrap();
            one
        });
        let process_slot = loop {
            match spawner.process().arena().reserve_slot(&spawner) {
                Ok(process_slot) => break process_slot,
                Err(error) => assert_eq!(error, Error::NoResources("process rows")),
            }
            loom::thread::yield_now();
        };
        spawner.leave_startup_handle(find(&spawner, mine), process_slot).unwrap();
        let arena = spawner.process().arena().clone();
        let process = jacinth_shm_loom::Process::attach(arena, process_slot, 3, 99).unwrap();
        let child = Thread::join(&process).unwrap();
        assert_eq!(
            child.lookup(startup(&child)).and_then(|found| child.class(found)),
            Ok(ObjectClass::Event)
        );
        let made = create_event(&child);
        child.close_value(made).unwrap();
        let one = recovering.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}
