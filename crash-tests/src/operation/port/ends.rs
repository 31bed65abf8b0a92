//! The ends of observed objects, of the handles by which they are observed, and of ports.

use crate::arena::RECLAIM_BATCH;
use crate::operation::fixture::Fixture;
use crate::operation::port::scene::{
    OBJECT, PORT, check_capacity, check_no_observer, check_packets, object_and_port, shared_event_and_port,
};
use crate::operation::spec::OperationSpec;
use crate::ports;
use jacinth::*;

const SOURCE: &str = "observers end with the handle that they were registered by; their packets stay";
const PORT_ENDS: &str = "the objects that a closed port observed work on; nothing of the port is left";
const OBJECT_ENDS: &str = "observers end with their object; their packets stay";

pub(super) fn operations() -> Vec<OperationSpec> {
    let mut operations = Vec::new();
    for has_packets in [false, true] {
        operations.push(source("port_close_source", has_packets, |event, _| drop(event)));
        operations.push(source("port_replace_source", has_packets, |event, _| {
            // The victim's death closes it.
            let _ = event.replace(Rights::SAME_RIGHTS).unwrap().into_raw();
        }));
        operations.push(close_object(has_packets));
    }
    operations.extend([
        source("port_send_source", false, |event, control| control.write(b"source", &mut [event]).unwrap())
            .exercises_recovery(),
        reclaim_object(),
        close_port().exercises_recovery(),
        reclaim_port(),
        close_peer(),
    ]);
    operations
}

fn name(stem: &str, has_packets: bool) -> String {
    if has_packets { format!("{stem}_with_packets") } else { stem.into() }
}

/// The victim observes by a handle of its own, which goes.
fn source(stem: &str, has_packets: bool, action: fn(NullableHandle, &Channel)) -> OperationSpec {
    OperationSpec::new(name(stem, has_packets), SOURCE)
        .set_up(shared_event_and_port)
        .prepare(move || {
            let (control, event, port) = object_and_port();
            ports::observe_in_both_modes(&event, &port, Signals::USER_0);
            if has_packets {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
            }
            move || {
                action(event, &control);
                (port, control)
            }
        })
        .check(move |fixture, _| {
            let expected: &[u64] = if has_packets { &[1, 2] } else { &[] };
            check_packets(fixture, expected, "the handle is gone")?;
            let mut message = MessageBuf::new();
            while fixture.control.read(&mut message).is_ok() {}
            drop(message);
            check_no_observer(fixture)
        })
}

/// The victim closes the last handle of an event of its own.
fn close_object(has_packets: bool) -> OperationSpec {
    OperationSpec::new(name("port_close_observed", has_packets), OBJECT_ENDS)
        .set_up(shared_event_and_port)
        .prepare(move || {
            let (control, _event, port) = object_and_port();
            let event = observed_event(&port);
            if has_packets {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
            }
            move || {
                drop(event);
                (port, control)
            }
        })
        .check(move |fixture, _| {
            // As many observers as `observed_event` registers.
            let expected: &[u64] = if has_packets { &[1, 2, 1, 2] } else { &[] };
            check_packets(fixture, expected, "the object is gone")?;
            check_capacity(fixture)?;
            check_no_observer(fixture)
        })
}

/// In the victim: an event with so many observers that its index has a block.
fn observed_event(port: &NullableHandle) -> Event {
    let event = Event::create();
    ports::observe_in_both_modes(&event, port, Signals::USER_0);
    ports::observe_in_both_modes(&event, port, Signals::USER_0);
    event
}

/// In the victim: makes so many retired objects that the close of the result reclaims them all.
fn last_of_batch() -> Event {
    for _ in 0..RECLAIM_BATCH - 2 {
        drop(Event::create());
    }
    Event::create()
}

/// An object whose observers end when it is reclaimed: the victim's handle of it was closed before.
fn reclaim_object() -> OperationSpec {
    OperationSpec::new("port_reclaim_observed", OBJECT_ENDS)
        .mark_variant()
        .set_up(shared_event_and_port)
        .prepare(|| {
            let (control, _event, port) = object_and_port();
            drop(observed_event(&port));
            let last = last_of_batch();
            move || {
                drop(last);
                (port, control)
            }
        })
        .check(|fixture, _| {
            check_packets(fixture, &[], "the object is gone")?;
            check_no_observer(fixture)
        })
}

/// The survivor's last handle of a busy port is the victim's.
fn busy_port() -> Fixture {
    let mut fixture = Fixture::new();
    let port = ports::create();
    fixture.kept = vec![Event::create().into(), ports::create()];
    let event = &fixture.kept[OBJECT];
    ports::observe_in_both_modes(event, &port, Signals::USER_0 | Signals::USER_1);
    ports::observe_in_both_modes(event, &port, Signals::USER_0);
    event.signal(Signals::NONE, Signals::USER_1).unwrap();
    [5, 6].into_iter().for_each(|key| ports::queue(&port, key).unwrap());
    let event = event.duplicate(Rights::SAME_RIGHTS).unwrap();
    fixture.send(vec![event, port]);
    fixture
}

fn close_port() -> OperationSpec {
    OperationSpec::new("port_close_busy", PORT_ENDS)
        .set_up(busy_port)
        .prepare(|| {
            let (control, event, port) = object_and_port();
            move || {
                drop(port);
                // It meets the observers of the port that is gone.
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                (event, control)
            }
        })
        .check(|fixture, _| check_no_observer(fixture))
}

fn reclaim_port() -> OperationSpec {
    OperationSpec::new("port_reclaim_busy", PORT_ENDS)
        .mark_variant()
        .set_up(busy_port)
        .prepare(|| {
            let (control, event, port) = object_and_port();
            drop(port);
            let last = last_of_batch();
            move || {
                drop(last);
                (event, control)
            }
        })
        .check(|fixture, _| check_no_observer(fixture))
}

/// The victim closes its side of an event pair whose other side the survivor observes.
fn close_peer() -> OperationSpec {
    OperationSpec::new("port_close_peer", "each observer of PEER_CLOSED has one packet")
        .set_up(|| {
            let mut fixture = Fixture::new();
            let (ours, theirs) = EventPair::create();
            fixture.kept = vec![ours.into(), ports::create()];
            let (object, port) = (&fixture.kept[OBJECT], &fixture.kept[PORT]);
            ports::observe_in_both_modes(object, port, Signals::EVENTPAIR_PEER_CLOSED);
            let duplicate = port.duplicate(Rights::SAME_RIGHTS).unwrap();
            fixture.send(vec![theirs.into(), duplicate]);
            fixture
        })
        .prepare(|| {
            let (control, side, port) = object_and_port();
            move || {
                drop(side);
                (port, control)
            }
        })
        .check(|fixture, _| check_packets(fixture, &[1, 2], "the other side is closed"))
}
