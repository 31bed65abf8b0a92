//! Ports in one process: packets, waits that send them, and their ends.

mod support;

use jacinth::*;
use std::collections::BTreeSet;
use support::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const ONCE: WaitAsyncOpts = WaitAsyncOpts::ONCE;
const REPEATING: WaitAsyncOpts = WaitAsyncOpts::REPEATING;

fn user(key: u64) -> Packet {
    Packet::from_user_packet(key, 0, UserPacket::default())
}

/// The keys of all packets that are pending.
fn keys(port: &Port) -> Vec<u64> {
    std::iter::from_fn(|| match port.wait(PAST) {
        Ok(packet) => Some(packet.key()),
        Err(status) => {
            assert_eq!(status, Status::TIMED_OUT);
            None
        }
    })
    .collect()
}

fn signal_of(packet: Packet) -> SignalPacket {
    match packet.contents() {
        PacketContents::SignalOne(signal) | PacketContents::SignalRep(signal) => signal,
        other => panic!("{other:?}"),
    }
}

fn set(event: &Event, signals: Signals) {
    event.signal(Signals::NONE, signals).unwrap();
}

fn clear(event: &Event, signals: Signals) {
    event.signal(signals, Signals::NONE).unwrap();
}

#[test]
fn a_port_says_what_it_is() {
    in_arena(|_| {
        let port = Port::create();
        let info = port.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (ObjectType::PORT, Rights::PORT_DEFAULT));
        assert_eq!(info.related_koid, Koid::INVALID);
        assert_eq!(port.count_info().unwrap().handle_count, 1);
        assert_eq!(format!("{port:?}"), format!("Port({:#x})", port.raw_handle()));
        assert_eq!(port.get_name(), Err(Status::ACCESS_DENIED));
        assert_eq!(port.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
        let (_, handle) = (port.koid(), Handle::try_from(NullableHandle::from(port)).unwrap());
        assert!(Port::try_from(handle).is_ok());
        let event = Handle::try_from(event()).unwrap();
        assert!(Port::try_from(event).is_err());
    });
}

#[test]
fn options_are_zero_or_bind_to_interrupt() {
    in_arena(|_| {
        for options in [0, sys::ZX_PORT_BIND_TO_INTERRUPT] {
            raw::close(raw::port_create(options, Rights::PORT_DEFAULT).unwrap()).unwrap();
        }
        for bit in 1..32 {
            assert_eq!(raw::port_create(1 << bit, Rights::PORT_DEFAULT), Err(Status::INVALID_ARGS));
        }
    });
}

#[test]
fn queued_packets_arrive_unchanged() {
    in_arena(|_| {
        let port = Port::create();
        let mut bytes = [0; 32];
        (0..).zip(&mut bytes).for_each(|(number, byte)| *byte = number * 7 + 1);
        for (key, status) in [(0, 0), (u64::MAX, i32::MIN), (1 << 63, -1), (42, i32::MAX)] {
            let sent = Packet::from_user_packet(key, status, UserPacket::from_u8_array(bytes));
            port.queue(&sent).unwrap();
            assert_eq!(port.wait(FOREVER), Ok(sent));
        }
        let other_type = sys::zx_port_packet_t {
            key: 9,
            packet_type: sys::ZX_PKT_TYPE_SIGNAL_REP,
            union: bytes,
            ..Default::default()
        };
        raw::port_queue(port.raw_handle(), &other_type).unwrap();
        let packet = port.wait(FOREVER).unwrap();
        assert_eq!(packet.contents(), PacketContents::User(UserPacket::from_u8_array(bytes)));
        (0..1000).for_each(|key| port.queue(&user(key)).unwrap());
        assert!(keys(&port).into_iter().eq(0..1000), "in their order");
    });
}

#[test]
fn only_queued_packets_are_limited() {
    in_arena(|_| {
        let (port, event) = (Port::create(), Event::create());
        (0..2048).for_each(|key| port.queue(&user(key)).unwrap());
        assert_eq!(port.queue(&user(0)), Err(Status::SHOULD_WAIT));
        event.wait_async(&port, 5000, Signals::USER_0, ONCE).unwrap();
        set(&event, Signals::USER_0);
        assert_eq!(port.wait(FOREVER).map(|packet| packet.key()), Ok(0));
        port.queue(&user(6000)).unwrap();
        assert_eq!(port.queue(&user(0)), Err(Status::SHOULD_WAIT));
        assert!(keys(&port).into_iter().eq((1..2048).chain([5000, 6000])));
    });
}

#[test]
fn each_packet_goes_to_one_thread() {
    in_arena(|_| {
        let port = Port::create();
        let taken: Vec<u64> = std::thread::scope(|scope| {
            let take = || {
                std::iter::from_fn(|| {
                    let key = port.wait(FOREVER).unwrap().key();
                    (key != u64::MAX).then_some(key)
                })
                .collect::<Vec<_>>()
            };
            let waiters = [(); 4].map(|()| scope.spawn(take));
            for sent in (0..20_000).chain([u64::MAX; 4]) {
                while port.queue(&user(sent)) == Err(Status::SHOULD_WAIT) {
                    std::thread::yield_now();
                }
            }
            waiters.into_iter().flat_map(|waiter| waiter.join().unwrap()).collect()
        });
        assert_eq!(taken.len(), 20_000);
        assert!(taken.into_iter().collect::<BTreeSet<_>>().into_iter().eq(0..20_000));
    });
}

#[test]
fn one_packet_wakes_a_sleeper() {
    in_arena(|supervisor| {
        let (port, event) = (Port::create(), Event::create());
        event.wait_async(&port, 1, Signals::USER_0, REPEATING).unwrap();
        for round in 0..20 {
            let packet = std::thread::scope(|scope| {
                let waiter = asleep(scope, supervisor, || port.wait(FOREVER));
                if round % 2 == 0 {
                    port.queue(&user(2)).unwrap()
                } else {
                    set(&event, Signals::USER_0)
                }
                waiter.join().unwrap().unwrap()
            });
            assert_eq!(packet.key(), if round % 2 == 0 { 2 } else { 1 });
            clear(&event, Signals::USER_0);
        }
    });
}

#[test]
fn waits_end_when_their_handle_goes() {
    in_arena(|supervisor| {
        let (carrier, _far) = Channel::create();
        let port = Port::create();
        for round in 0..4 {
            let value = port.duplicate(Rights::SAME_RIGHTS).unwrap().into_raw();
            let waited = std::thread::scope(|scope| {
                let waiter = asleep(scope, supervisor, || raw::port_wait(value, FOREVER));
                match round % 2 {
                    0 => raw::close(value).unwrap(),
                    _ => raw::channel_write(carrier.raw_handle(), b"", &[value]).unwrap(),
                }
                waiter.join().unwrap()
            });
            assert_eq!(waited, Err(Status::CANCELED));
        }
        port.queue(&user(3)).unwrap();
        assert_eq!(port.wait(FOREVER), Ok(user(3)));
    });
}

#[test]
fn a_wait_sends_one_packet() {
    in_arena(|_| {
        let (port, event) = (Port::create(), Event::create());
        event.wait_async(&port, 7, Signals::USER_0 | Signals::USER_1, ONCE).unwrap();
        set(&event, Signals::EVENT_SIGNALED);
        assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));
        set(&event, Signals::USER_1);
        clear(&event, Signals::USER_1);
        set(&event, Signals::USER_0);
        let packet = port.wait(FOREVER).unwrap();
        assert_eq!((packet.key(), packet.status()), (7, sys::ZX_OK));
        assert!(matches!(packet.contents(), PacketContents::SignalOne(_)));
        let signal = signal_of(packet);
        assert_eq!(signal.trigger(), Signals::USER_0 | Signals::USER_1);
        assert_eq!(signal.observed(), Signals::EVENT_SIGNALED | Signals::USER_1, "as it was at the first");
        assert_eq!(signal.count(), 1);
        assert_eq!(keys(&port), []);
        event.wait_async(&port, 8, Signals::USER_0, ONCE).unwrap();
        assert_eq!(keys(&port), [8], "asserted already");
    });
}

#[test]
fn repeating_waits_send_a_packet_each_change() {
    in_arena(|_| {
        let (port, event) = (Port::create(), Event::create());
        set(&event, Signals::USER_0);
        event.wait_async(&port, 7, Signals::USER_0 | Signals::USER_1, REPEATING).unwrap();
        for _ in 0..100 {
            let packet = port.wait(FOREVER).unwrap();
            assert!(matches!(packet.contents(), PacketContents::SignalRep(_)));
            assert_eq!((packet.key(), signal_of(packet).observed()), (7, Signals::USER_0));
            assert_eq!(keys(&port), [], "the same signal makes no second packet");
            clear(&event, Signals::USER_0);
            set(&event, Signals::USER_0);
        }
        set(&event, Signals::USER_1);
        let packet = port.wait(FOREVER).unwrap();
        assert_eq!(
            signal_of(packet).observed(),
            Signals::USER_0 | Signals::USER_1,
            "added to the pending one"
        );
        assert_eq!(keys(&port), []);
    });
}

#[test]
fn messages_are_counted_at_the_start() {
    in_arena(|_| {
        let (port, (ours, theirs)) = (Port::create(), Channel::create());
        (0..5).for_each(|_| tell(&ours, "m"));
        theirs.wait_async(&port, 1, Signals::CHANNEL_READABLE, ONCE).unwrap();
        assert_eq!(signal_of(port.wait(FOREVER).unwrap()).count(), 5);
        (0..5).for_each(|_| drop(next(&theirs)));
        theirs.wait_async(&port, 1, Signals::CHANNEL_READABLE, ONCE).unwrap();
        (0..5).for_each(|_| tell(&ours, "m"));
        assert_eq!(signal_of(port.wait(FOREVER).unwrap()).count(), 1);
    });
}

#[test]
fn errors_come_in_zircons_order() {
    in_arena(|_| {
        let (event, port) = (Event::create(), Port::create());
        let (end, _other) = Channel::create();
        let closed = {
            let value = Event::create().into_raw();
            raw::close(value).unwrap();
            value
        };
        let read_only = port.duplicate(Rights::READ).unwrap();
        let mute = event.duplicate(Rights::SIGNAL).unwrap();
        let ported = raw::port_create(0, Rights::all() - Rights::SAME_RIGHTS).unwrap();
        let waited =
            |source: u32, port: u32, options| raw::object_wait_async(source, port, 1, Signals::NONE, options);
        let (good, source) = (port.raw_handle(), event.raw_handle());
        // Each line mends the first fault of the line before.
        for (source, port, status) in [
            (closed, closed, Status::BAD_HANDLE),
            (closed, end.raw_handle(), Status::WRONG_TYPE),
            (closed, read_only.raw_handle(), Status::ACCESS_DENIED),
            (closed, good, Status::BAD_HANDLE),
            (mute.raw_handle(), good, Status::ACCESS_DENIED),
            (good, good, Status::ACCESS_DENIED),
            (ported, good, Status::NOT_SUPPORTED),
        ] {
            assert_eq!(waited(source, port, 2), Err(status));
            assert_eq!(raw::port_cancel(port, source, 1), Err(status));
        }
        for bit in 1..32 {
            assert_eq!(waited(source, good, 1 << bit), Err(Status::INVALID_ARGS));
            assert_eq!(waited(source, good, 1 | 1 << bit), Err(Status::INVALID_ARGS));
        }
        assert_eq!(raw::port_cancel(good, source, 1), Err(Status::NOT_FOUND), "no failed wait is left");
        assert_eq!(waited(source, good, 1), Ok(()));
        assert_eq!(raw::port_cancel(good, source, 1), Ok(()));
        raw::close(ported).unwrap();
    });
}

#[test]
fn cancel_takes_its_own_packets_alone() {
    in_arena(|_| {
        let (port, elsewhere) = (Port::create(), Port::create());
        let (event, other) = (Event::create(), Event::create());
        let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
        for options in [ONCE, REPEATING] {
            for is_pending in [false, true] {
                let waits = [(&event, 1), (&event, 2), (&copy, 1), (&other, 1)];
                for (event, key) in waits {
                    event.wait_async(&port, key, Signals::USER_0, options).unwrap();
                }
                event.wait_async(&elsewhere, 1, Signals::USER_0, options).unwrap();
                port.queue(&user(1)).unwrap();
                if is_pending {
                    [&event, &other].into_iter().for_each(|event| set(event, Signals::USER_0));
                }
                assert_eq!(port.cancel(&event, 1), Ok(()));
                assert_eq!(port.cancel(&event, 1), Err(Status::NOT_FOUND));
                [&event, &other].into_iter().for_each(|event| set(event, Signals::USER_0));
                let mut left = keys(&port);
                left.sort_unstable();
                assert_eq!(left, [1, 1, 1, 2], "one of a program, one each of three waits");
                assert_eq!(keys(&elsewhere), [1]);
                [&event, &other].into_iter().for_each(|event| clear(event, Signals::USER_0));
                let repeats = if options == ONCE { Err(Status::NOT_FOUND) } else { Ok(()) };
                assert_eq!(port.cancel(&event, 2), repeats);
                assert_eq!(port.cancel(&copy, 1), repeats);
                assert_eq!(port.cancel(&other, 1), repeats);
                assert_eq!(elsewhere.cancel(&event, 1), repeats);
            }
        }
    });
}

#[test]
fn one_port_serves_a_hundred_channels() {
    in_arena(|supervisor| {
        let port = Port::create();
        let clients: Vec<Channel> = (0..100)
            .map(|key| {
                let (client, server) = Channel::create();
                let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                server.wait_async(&port, key, signals, ONCE).unwrap();
                port.queue(&Packet::from_user_packet(key, server.into_raw() as i32, UserPacket::default()))
                    .unwrap();
                client
            })
            .collect();
        std::thread::scope(|scope| {
            scope.spawn(|| serve(&port));
            for round in 0..50_u32 {
                for client in &clients {
                    let mut reply = MessageBuf::new();
                    client
                        .call(FOREVER, &[[0; 4], round.to_ne_bytes()].concat(), &mut [], &mut reply)
                        .unwrap();
                    assert_eq!(reply.bytes()[4..], (round + 1).to_ne_bytes());
                }
            }
            drop(clients);
        });
        drop(port);
        assert_eq!(objects(supervisor), 0);
    });
}

/// Answers each request with the number that follows it, until all channels have closed.
fn serve(port: &Port) {
    let mut channels = std::collections::BTreeMap::new();
    loop {
        let packet = port.wait(FOREVER).unwrap();
        let key = packet.key();
        if let PacketContents::User(_) = packet.contents() {
            channels.insert(key, Channel::from(NullableHandle::from_raw(packet.status() as u32)));
            continue;
        }
        let channel = &channels[&key];
        let mut request = MessageBuf::new();
        while channel.read(&mut request).is_ok() {
            let (id, number) = request.bytes().split_at(4);
            let number = u32::from_ne_bytes(number.try_into().unwrap()) + 1;
            tell(channel, [id, &number.to_ne_bytes()].concat());
        }
        if channel.read(&mut request) == Err(Status::PEER_CLOSED) {
            channels.remove(&key);
            if channels.is_empty() {
                return;
            }
            continue;
        }
        let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
        channel.wait_async(port, key, signals, ONCE).unwrap();
    }
}
