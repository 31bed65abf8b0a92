//! Listeners, through the operations of threads.

use crate::arena::error::Error;
use crate::arena::record::row::HAZARD_SECOND;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::reference::{ObjectRef, Tag};
use crate::arena::word::signals::{Signals, State};
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::directory::tests::{at, joined};
use crate::object::listener::Listener;
use crate::object::listener::block::LISTENER_BACKLOG;
use crate::object::queue;
use crate::process::thread::Thread;
use crate::recovery::audit;
use crate::sync::{DEADLINE_INFINITE_NS, Relaxed};
use std::time::Duration;

fn event(thread: &Thread) -> HandleValue {
    thread.create(ObjectClass::Event, Rights::from_bits_retain(0x2d)).unwrap().0
}

#[test]
fn handles_are_accepted_in_order() {
    let (thread, directory) = joined();
    let listener = thread.serve(at(directory, "log", 0), Rights::all()).unwrap();
    let found = thread.lookup(listener).unwrap();
    assert_eq!(thread.accept(found).unwrap_err(), Error::ShouldWait);
    let sent: Vec<_> = (0..3).map(|_| event(&thread)).collect();
    let koids: Vec<u64> =
        sent.iter().map(|value| thread.basic(thread.lookup(*value).unwrap()).unwrap().koid).collect();
    for value in &sent {
        thread.connect(at(directory, "log", 0), *value).unwrap();
        assert_eq!(thread.lookup(*value).unwrap_err(), Error::BadHandle);
        assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
    }
    for koid in koids {
        assert!(thread.signals(found).unwrap().contains(Signals::READABLE));
        let received = thread.accept(found).unwrap();
        assert_eq!((received.class, received.rights.bits()), (ObjectClass::Event, 0x2d));
        let event = thread.lookup(received.value).unwrap();
        assert_eq!(thread.basic(event).unwrap().koid, koid);
        thread.close(event).unwrap();
    }
    assert_eq!(thread.signals(found).unwrap(), Signals::empty());
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn a_full_queue_takes_no_handle() {
    let (thread, directory) = joined();
    let listener = thread.serve(at(directory, "log", 0), Rights::all()).unwrap();
    for _ in 0..LISTENER_BACKLOG {
        thread.connect(at(directory, "log", 0), event(&thread)).unwrap();
    }
    let refused = event(&thread);
    assert_eq!(thread.connect(at(directory, "log", 0), refused), Err(Error::ShouldWait));
    let one_ms = crate::sync::now_ns() + 1_000_000;
    assert_eq!(thread.connect(at(directory, "log", one_ms), refused), Err(Error::TimedOut));
    let (process, found) = (thread.process.clone(), thread.lookup(listener).unwrap());
    // An accept makes room for a client that waits.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let acceptor = Thread::join(&process).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            let received = acceptor.accept(found).unwrap();
            acceptor.close(acceptor.lookup(received.value).unwrap()).unwrap();
        });
        thread.connect(at(directory, "log", DEADLINE_INFINITE_NS), refused).unwrap();
    });
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn queued_handles_end_with_their_listener() {
    let (thread, directory) = joined();
    let listener = thread.serve(at(directory, "log", 0), Rights::all()).unwrap();
    let (ours, theirs) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
    thread.connect(at(directory, "log", 0), theirs.unwrap()).unwrap();
    thread.close(thread.lookup(listener).unwrap()).unwrap();
    let ours = thread.lookup(ours).unwrap();
    assert!(thread.signals(ours).unwrap().contains(Signals::PEER_CLOSED));
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
    thread.close(ours).unwrap();
    // The slot and the block are used again.
    thread.collect().unwrap();
    let audit = thread.arena().audit();
    assert!(audit.is_clean() && audit.objects == 1 && audit.blocks == 1, "{audit}");
}

/// A client that was stopped between its look and its offer puts its handle into a listener that has ended.
#[test]
fn late_offers_are_closed() {
    let (thread, directory) = joined();
    let client = Thread::join(&thread.process).unwrap();
    let listener = thread.lookup(thread.serve(at(directory, "log", 0), Rights::all()).unwrap()).unwrap();
    let slot = listener.entry.object().slot();
    let (ours, theirs) = client.create(ObjectClass::Channel, Rights::all()).unwrap();
    let weak = pin::weak_ref(thread.arena(), slot).unwrap();
    assert!(pin::pin_weak(&client, weak, HAZARD_SECOND).is_some());
    thread.close(listener).unwrap();
    queue::offer::<Listener>(&client, ObjectRef::new(slot, 0), client.lookup(theirs.unwrap()).unwrap())
        .unwrap();
    pin::clear_hazard(&client, HAZARD_SECOND);
    crate::lifecycle::teardown::run_release_queue(&client).unwrap();
    assert!(client.signals(client.lookup(ours).unwrap()).unwrap().contains(Signals::PEER_CLOSED));
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

/// A listener that is queued for an end, and the end at the listener: no thread can reach either.
#[test]
fn cycles_through_listeners_are_collected() {
    let (thread, directory) = joined();
    let listener = thread.serve(at(directory, "log", 0), Rights::all()).unwrap();
    let (ours, theirs) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
    thread.connect(at(directory, "log", 0), theirs.unwrap()).unwrap();
    let ours = thread.lookup(ours).unwrap();
    let kept = thread.duplicate(thread.lookup(listener).unwrap(), Rights::all()).unwrap();
    thread.send_with_handles(ours, Rights::empty(), b"", &[listener], Rights::empty(), None).unwrap();
    assert_eq!(thread.collect_cycles(), Ok(0), "the duplicate accepts the end");
    thread.close(thread.lookup(kept).unwrap()).unwrap();
    assert_eq!(thread.collect_cycles(), Ok(2));
    assert!(thread.signals(ours).unwrap().contains(Signals::PEER_CLOSED));
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
    assert!(thread.serve(at(directory, "log", 0), Rights::all()).is_ok(), "the name is free");
}

/// A client that waits for one name costs the servers of other names nothing.
#[test]
fn accepts_wake_no_client_of_another_name() {
    let (thread, directory) = joined();
    let listener = thread.lookup(thread.serve(at(directory, "log", 0), Rights::all()).unwrap()).unwrap();
    let state = thread.arena().state(thread.lookup(directory).unwrap().entry.object()).unwrap();
    let process = thread.process.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let client = Thread::join(&process).unwrap();
            client.connect(at(directory, "clock", DEADLINE_INFINITE_NS), event(&client)).unwrap();
        });
        while !State(state.load(Relaxed)).has(State::HAS_WAITERS) {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_millis(20));
        let asleep = state.load(Relaxed);
        for _ in 0..10 {
            thread.connect(at(directory, "log", 0), event(&thread)).unwrap();
            thread.accept(listener).unwrap();
        }
        let after = state.load(Relaxed);
        // First: the client goes on.
        let _clock = thread.serve(at(directory, "clock", 0), Rights::all()).unwrap();
        assert_eq!(after, asleep, "the directory's event count");
    });
}

#[test]
fn the_audit_finds_an_abandoned_place() {
    let (thread, directory) = joined();
    let listener = thread.lookup(thread.serve(at(directory, "log", 0), Rights::all()).unwrap()).unwrap();
    let queue = queue::of::<Listener>(thread.arena(), listener.entry.object()).unwrap();
    let place = queue.places().unwrap().next().unwrap();
    let record = thread.arena().record(place.location()).unwrap();
    let reserved = |tag| place.entry().reserved(tag, listener.entry.object()).0;
    record.store(reserved(thread.tag), Relaxed);
    assert!(audit::inspect(thread.arena()).is_clean(), "its thread is alive");
    record.store(reserved(Tag(thread.tag.0 + 1)), Relaxed);
    let audit = audit::inspect(thread.arena());
    assert!(format!("{audit}").contains("whose thread is gone"), "{audit}");
}
