//! Names: each side of an object has its own, and a slot that is used again starts without one.

use jacinth_shm::{Arena, Config, Error, MAX_NAME_BYTES, ObjectClass, Process, Rights, Thread};
use std::sync::Arc;

const ALL: Rights = Rights::all();

fn joined() -> Thread {
    let mut config = Config::default();
    config.max_objects = 2;
    let arena = Arc::new(Arena::create(&config).unwrap());
    let process_slot = arena.first_slot().unwrap();
    let process = Process::attach(arena, process_slot, std::process::id(), 0x1234_5678).unwrap();
    Thread::join(&process).unwrap()
}

fn name(text: &str) -> [u8; MAX_NAME_BYTES] {
    let mut name = [0; MAX_NAME_BYTES];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

#[test]
fn all_handles_share_the_objects_name() {
    let thread = joined();
    let event = thread.lookup(thread.create(ObjectClass::Event, ALL).unwrap().0).unwrap();
    assert_eq!(thread.name(event), Ok(name("")));
    thread.set_name(event, &name("first")).unwrap();
    let copy = thread.lookup(thread.duplicate(event, Rights::empty()).unwrap()).unwrap();
    assert_eq!(thread.name(copy), Ok(name("first")));
    thread.set_name(copy, &name("a name of just thirty-one bytes")).unwrap();
    assert_eq!(thread.name(event), Ok(name("a name of just thirty-one bytes")));
    thread.set_name(event, &name("x")).unwrap();
    assert_eq!(thread.name(event), Ok(name("x")), "nothing of the longer one is left");
}

#[test]
fn every_name_ends_with_a_nul() {
    let thread = joined();
    let event = thread.lookup(thread.create(ObjectClass::Event, ALL).unwrap().0).unwrap();
    thread.set_name(event, &[b'x'; MAX_NAME_BYTES]).unwrap();
    assert_eq!(thread.name(event).unwrap()[MAX_NAME_BYTES - 1], 0);
}

#[test]
fn pair_sides_have_separate_names() {
    let thread = joined();
    let (one, other) = thread.create(ObjectClass::EventPair, ALL).unwrap();
    let (one, other) = (thread.lookup(one).unwrap(), thread.lookup(other.unwrap()).unwrap());
    thread.set_name(one, &name("one")).unwrap();
    assert_eq!(thread.name(other), Ok(name("")));
    thread.set_name(other, &name("other")).unwrap();
    assert_eq!(thread.name(one), Ok(name("one")));
}

#[test]
fn a_reused_slot_has_no_name() {
    let thread = joined();
    for round in 0..10 {
        // Two slots: each is used again and again.
        let event = thread.lookup(thread.create(ObjectClass::Event, ALL).unwrap().0).unwrap();
        assert_eq!(thread.name(event), Ok(name("")), "round {round}");
        thread.set_name(event, &name("old")).unwrap();
        thread.close(event).unwrap();
        assert_eq!(thread.name(event), Err(Error::BadHandle));
        assert_eq!(thread.set_name(event, &name("new")), Err(Error::BadHandle));
    }
}
