//! The ends of ports, of observed objects, and of the handles to both, in every order; and those of processes.

mod support;

use jacinth::*;
use support::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const ONCE: WaitAsyncOpts = WaitAsyncOpts::ONCE;
const REPEATING: WaitAsyncOpts = WaitAsyncOpts::REPEATING;
const READABLE: Signals = Signals::CHANNEL_READABLE;
const PEER_CLOSED: Signals = Signals::CHANNEL_PEER_CLOSED;

#[test]
fn child_main() {
    play(&[
        ("signals", signals),
        ("waits at a port", waits_at_a_port),
        ("observes an event", observes_an_event),
        ("writes messages", writes_messages),
    ]);
}

fn key(port: &Port) -> Result<u64, Status> {
    port.wait(PAST).map(|packet| packet.key())
}

fn set(event: &Event, signals: Signals) {
    event.signal(Signals::NONE, signals).unwrap();
}

/// Sends the handle to the other end, where it arrives with another value.
fn sent(carrier: &(Channel, Channel), handle: impl Into<NullableHandle>) -> NullableHandle {
    carrier.0.write(b"", &mut [handle.into()]).unwrap();
    next(&carrier.1).take_handle(0).unwrap()
}

/// How a handle ends.
type End = fn(Event);

/// A handle's ends: closed, replaced, or sent away.
const ENDS: [(&str, End); 4] = [
    ("closed", drop),
    ("replaced", |event| drop(event.replace(Rights::SAME_RIGHTS).unwrap())),
    ("sent", |event| drop(sent(&Channel::create(), event))),
    ("in transit", |event| {
        let (ours, theirs) = Channel::create();
        ours.write(b"", &mut [event.into()]).unwrap();
        assert_eq!(theirs.signal(Signals::NONE, Signals::USER_0), Ok(()));
    }),
];

#[test]
fn a_wait_ends_with_its_handle() {
    in_arena(|_| {
        for (how, end) in ENDS {
            for options in [ONCE, REPEATING] {
                let (port, event) = (Port::create(), Event::create());
                let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
                copy.wait_async(&port, 1, Signals::USER_0, options).unwrap();
                event.wait_async(&port, 2, Signals::USER_0, options).unwrap();
                end(copy);
                set(&event, Signals::USER_0);
                assert_eq!(key(&port), Ok(2), "{how}");
                assert_eq!(key(&port), Err(Status::TIMED_OUT), "{how}: its wait is over");
            }
        }
    });
}

#[test]
fn a_pending_packet_outlives_its_handle() {
    in_arena(|supervisor| {
        for (how, end) in ENDS {
            for options in [ONCE, REPEATING] {
                let (port, event) = (Port::create(), Event::create());
                event.wait_async(&port, 1, Signals::USER_0, options).unwrap();
                set(&event, Signals::USER_0);
                end(event);
                clean(supervisor);
                assert_eq!(key(&port), Ok(1), "{how}");
                assert_eq!(key(&port), Err(Status::TIMED_OUT), "{how}");
            }
        }
    });
}

#[test]
fn a_sent_handle_can_wait_anew() {
    in_arena(|_| {
        let (port, carrier) = (Port::create(), Channel::create());
        let mut event = Event::create();
        for round in 0..100 {
            event.wait_async(&port, round, Signals::USER_0, REPEATING).unwrap();
            event = sent(&carrier, event).into();
            event.wait_async(&port, round + 1000, Signals::USER_0, ONCE).unwrap();
            set(&event, Signals::USER_0);
            assert_eq!(key(&port), Ok(round + 1000));
            assert_eq!(key(&port), Err(Status::TIMED_OUT));
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        }
    });
}

/// The port's handle may be closed, sent or duplicated: the waits belong to the port.
#[test]
fn waits_stay_with_a_sent_port() {
    in_arena(|supervisor| {
        let (mut port, event, carrier) = (Port::create(), Event::create(), Channel::create());
        event.wait_async(&port, 1, Signals::USER_0, REPEATING).unwrap();
        for _ in 0..10 {
            let copy = port.duplicate(Rights::READ).unwrap();
            port = sent(&carrier, port).into();
            set(&event, Signals::USER_0);
            assert_eq!(key(&copy), Ok(1));
            assert_eq!(key(&port), Err(Status::TIMED_OUT));
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        }
        carrier.0.write(b"", &mut [port.into()]).unwrap();
        set(&event, Signals::USER_0);
        let port = Port::from(next(&carrier.1).take_handle(0).unwrap());
        assert_eq!(key(&port), Ok(1), "it fired while the port was in transit");
        drop(port);
        event.signal(Signals::USER_0, Signals::NONE).unwrap();
        set(&event, Signals::USER_0);
        drop((event, carrier));
        assert_eq!(objects(supervisor), 0);
    });
}

#[test]
fn any_order_of_closing_leaves_nothing() {
    in_arena(|supervisor| {
        // The places of the port, the handle and the other handle in the order of closing.
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0]] {
            for (options, is_pending) in [(ONCE, false), (ONCE, true), (REPEATING, false), (REPEATING, true)]
            {
                let (port, event) = (Port::create(), Event::create());
                let other = event.duplicate(Rights::SAME_RIGHTS).unwrap();
                for key in 0..70 {
                    event.wait_async(&port, key, Signals::USER_0, options).unwrap();
                }
                if is_pending {
                    set(&other, Signals::USER_0);
                }
                let mut handles: [NullableHandle; 3] = [port.into(), event.into(), other.into()];
                for place in order {
                    drop(std::mem::replace(&mut handles[place], NullableHandle::invalid()));
                    clean(supervisor);
                }
                assert_eq!(objects(supervisor), 0, "{order:?}");
            }
        }
    });
}

#[test]
fn a_port_may_hold_itself() {
    in_arena(|supervisor| {
        let (port, (near, far)) = (Port::create(), Channel::create());
        far.wait_async(&port, 1, READABLE | PEER_CLOSED, REPEATING).unwrap();
        near.write(b"", &mut [port.into()]).unwrap();
        assert_eq!(objects(supervisor), 2, "an observer keeps nothing alive");
        drop(far);
        assert_eq!(objects(supervisor), 1, "the channel's other end");
        drop(near);
        supervisor.collect().unwrap();
        assert_eq!(objects(supervisor), 0);
    });
}

#[test]
fn signals_of_other_processes_send_packets() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "signals");
        let (port, event) = (Port::create(), Event::create());
        let theirs = event.duplicate(Rights::SIGNAL | Rights::TRANSFER).unwrap();
        ours.write(b"", &mut [theirs.into()]).unwrap();
        event.wait_async(&port, 7, Signals::USER_0, REPEATING).unwrap();
        for _ in 0..100 {
            tell(&ours, "signal");
            assert_eq!(port.wait(FOREVER).map(|packet| packet.key()), Ok(7));
            assert_eq!(next(&ours).bytes(), b"done");
            assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));
        }
        drop(ours);
        join(child);
    });
}

/// Raises and clears a signal at each word.
fn signals() {
    let channel = startup_channel();
    let event = Event::from(next(&channel).take_handle(0).unwrap());
    while has_message(&channel) {
        drop(next(&channel));
        set(&event, Signals::USER_0);
        event.signal(Signals::USER_0, Signals::NONE).unwrap();
        tell(&channel, "done");
    }
}

/// Waits for a message. `false`: there will be none.
fn has_message(channel: &Channel) -> bool {
    channel.wait_one(READABLE | PEER_CLOSED, FOREVER).to_result().unwrap().contains(READABLE)
}

#[test]
fn several_processes_wait_at_one_port() {
    in_arena(|supervisor| {
        let (port, event) = (Port::create(), Event::create());
        let children = [(); 3].map(|()| {
            let (ours, child) = spawn(supervisor, "waits at a port");
            ours.write(b"", &mut [port.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
            (ours, child)
        });
        event.wait_async(&port, 1_000_000, Signals::USER_0, ONCE).unwrap();
        set(&event, Signals::USER_0);
        for key in (0..1500).chain([u64::MAX; 3]) {
            port.queue(&Packet::from_user_packet(key, 0, UserPacket::default())).unwrap();
        }
        let mut taken: Vec<u64> = Vec::new();
        for (ours, child) in children {
            let message = next(&ours);
            taken.extend(message.bytes().as_chunks().0.iter().map(|key| u64::from_ne_bytes(*key)));
            join(child);
        }
        taken.sort_unstable();
        assert!(taken.into_iter().eq((0..1500).chain([1_000_000])), "each packet to one of them");
        assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));
    });
}

fn waits_at_a_port() {
    let channel = startup_channel();
    let port = Port::from(next(&channel).take_handle(0).unwrap());
    let keys = std::iter::from_fn(|| {
        let key = port.wait(FOREVER).unwrap().key();
        (key != u64::MAX).then_some(key)
    });
    tell(&channel, keys.flat_map(u64::to_ne_bytes).collect::<Vec<_>>());
}

/// A wait in a process that is killed takes no packet along.
#[test]
fn a_killed_waiter_takes_no_packet() {
    in_arena(|supervisor| {
        let port = Port::create();
        for round in 0..5 {
            let (ours, child) = spawn(supervisor, "waits at a port");
            let sleeps = supervisor.counters().sleeps;
            ours.write(b"", &mut [port.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
            until(|| supervisor.counters().sleeps > sleeps);
            kill(supervisor, child);
            port.queue(&Packet::from_user_packet(round, 0, UserPacket::default())).unwrap();
            assert_eq!(key(&port), Ok(round));
            clean(supervisor);
        }
    });
}

#[test]
fn a_killed_client_sends_peer_closed() {
    in_arena(|supervisor| {
        let port = Port::create();
        for (key, options) in [(1, ONCE), (2, REPEATING)] {
            let (ours, mut child) = spawn(supervisor, "writes messages");
            tell(&ours, "go");
            let mut received = 0;
            ours.wait_async(&port, key, READABLE | PEER_CLOSED, options).unwrap();
            loop {
                let packet = port.wait(FOREVER).unwrap();
                assert_eq!(packet.key(), key);
                let mut message = MessageBuf::new();
                let ended = loop {
                    match ours.read(&mut message) {
                        Ok(()) => received += 1,
                        Err(status) => break status,
                    }
                    if received == 1000 {
                        child.kill().unwrap();
                    }
                };
                if ended == Status::PEER_CLOSED {
                    break;
                }
                if options == ONCE {
                    ours.wait_async(&port, key, READABLE | PEER_CLOSED, options).unwrap();
                }
            }
            assert!(received >= 1000);
            child.wait().unwrap();
            supervisor.collect().unwrap();
            clean(supervisor);
            drop(ours);
            while self::key(&port).is_ok() {}
        }
    });
}

fn writes_messages() {
    let channel = startup_channel();
    assert_eq!(next(&channel).bytes(), b"go");
    loop {
        match channel.write(b"a message", &mut []) {
            Ok(()) => {}
            Err(Status::SHOULD_WAIT) => std::thread::yield_now(),
            Err(status) => return assert_eq!(status, Status::PEER_CLOSED),
        }
    }
}

/// The observers of a dead process end with its handles; those of others go on.
#[test]
fn a_killed_observer_disturbs_no_one() {
    in_arena(|supervisor| {
        let (port, event) = (Port::create(), Event::create());
        event.wait_async(&port, 1, Signals::USER_0, REPEATING).unwrap();
        for round in 0..5 {
            let (ours, child) = spawn(supervisor, "observes an event");
            let copies = [event.duplicate(Rights::SAME_RIGHTS).unwrap().into(), port_handle(&port)];
            ours.write(b"", &mut Vec::from(copies)).unwrap();
            assert_eq!(next(&ours).bytes(), b"observing");
            set(&event, Signals::USER_0);
            // This process's wait, and the two of the other at this port.
            let mut keys = [key(&port), key(&port), key(&port)].map(Result::unwrap);
            keys.sort_unstable();
            assert_eq!(keys, [1, 2, 3], "{round}");
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
            kill(supervisor, child);
            clean(supervisor);
            assert_eq!(objects(supervisor), 3, "the port, the event, and the end of the channel");
            set(&event, Signals::USER_0);
            assert_eq!(key(&port), Ok(1));
            assert_eq!(key(&port), Err(Status::TIMED_OUT), "the dead process's waits are over");
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        }
    });
}

fn port_handle(port: &Port) -> NullableHandle {
    port.duplicate(Rights::SAME_RIGHTS).unwrap().into()
}

/// Observes the event at a port of its own, and at the one that it gets.
fn observes_an_event() {
    let channel = startup_channel();
    let mut message = next(&channel);
    let event = Event::from(message.take_handle(0).unwrap());
    let port = Port::from(message.take_handle(1).unwrap());
    let own = Port::create();
    for key in 0..200 {
        event.wait_async(&own, key, Signals::USER_0, REPEATING).unwrap();
    }
    event.wait_async(&port, 2, Signals::USER_0, REPEATING).unwrap();
    event.wait_async(&port, 3, Signals::USER_0, ONCE).unwrap();
    tell(&channel, "observing");
    wait_for_peer_closed(&channel);
}
