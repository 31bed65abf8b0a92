//! Quotas of ports: a process that uses up its share of the arena with observers or packets is refused more, and the other
//! processes go on.

#[path = "support/greedy.rs"]
mod greedy;
mod support;

use greedy::*;
use jacinth::*;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use support::*;

#[test]
fn child_main() {
    play(&[("greedy", greedy), ("modest", modest), ("crowds", crowds)]);
}

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const ONCE: WaitAsyncOpts = WaitAsyncOpts::ONCE;

/// Blocks of 32 KiB for a process, each the ring of a port: the order of its packets.
const RINGS: usize = 8;
/// Blocks of 4 KiB for a process, each a group of cells.
const GROUPS: usize = 64;
/// Blocks of 256 bytes for a process, each a part of an object's index: places for 32 observers.
const INDEX_BLOCKS: usize = 1024;
/// Cells of a group: each has a packet or an observer.
const CELLS: usize = 63;
/// Observers of an object that need no block.
const INLINE: usize = 2;

/// The arena has room for one greedy process, and no quota of memory.
fn scarce_without_quota(config: &mut Config) {
    scarce(config);
    config.pool_bytes = 1 << 18;
}

fn user(key: u64) -> Packet {
    Packet::from_user_packet(key, 0, UserPacket::default())
}

fn wait_for(event: &Event, port: &Port, key: u64) -> Result<(), Status> {
    event.wait_async(port, key, Signals::USER_0, ONCE)
}

fn set(event: &Event) {
    event.signal(Signals::NONE, Signals::USER_0).unwrap();
}

fn events_of(count: usize) -> Vec<Event> {
    (0..count).map(|_| Event::create()).collect()
}

fn take_ports_with_a_packet() -> Taken {
    take(|| {
        let port = Port::create();
        port.queue(&user(1)).map(|()| port)
    })
}

fn take_packets() -> Taken {
    let (mut ports, mut count) = (Vec::new(), 0);
    loop {
        let port = Port::create();
        let (queued, status) = until_refused(|| port.queue(&user(1)));
        count += queued.len();
        ports.push(port);
        if status != Status::SHOULD_WAIT {
            return Taken { count, status, kept: Box::new(ports) };
        }
    }
}

fn take_observers_of_a_port() -> Taken {
    let (port, events) = (Port::create(), events_of(100));
    let mut turns = events.iter().cycle();
    let (waits, status) = until_refused(|| wait_for(turns.next().unwrap(), &port, 1));
    Taken { count: waits.len(), status, kept: Box::new((port, events)) }
}

fn take_observed_objects() -> Taken {
    let port = Port::create();
    let (events, status) = until_refused(|| {
        let event = Event::create();
        (0..=INLINE).try_for_each(|_| wait_for(&event, &port, 1)).map(|()| event)
    });
    Taken { count: events.len(), status, kept: Box::new((port, events)) }
}

/// The resources, and how much of each one process gets. The second port with packets finds the groups used up: 2,048
/// packets of the first one take 33 groups.
const RESOURCES: &[Resource] = &[
    ("ports with a packet", RINGS, take_ports_with_a_packet),
    ("packets", 2048 + (GROUPS - 33) * CELLS, take_packets),
    ("observers of a port", GROUPS * CELLS, take_observers_of_a_port),
    ("observed objects", INDEX_BLOCKS, take_observed_objects),
];

fn greedy() {
    take_as_asked(RESOURCES);
}

/// Every use of a port, each of which succeeds.
fn work() {
    let (port, events) = (Port::create(), events_of(10));
    for key in 0..100 {
        port.queue(&user(key)).unwrap();
        wait_for(&events[key as usize % 10], &port, key).unwrap();
    }
    events.iter().for_each(set);
    for _ in 0..200 {
        port.wait(PAST).unwrap();
    }
    assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));
}

/// Does the work of `work` once for each request.
fn modest() {
    let channel = startup_channel();
    while request(&channel).is_ok() {
        work();
        tell(&channel, b"worked");
    }
}

fn works(channel: &Channel) {
    tell(channel, b"work");
    assert_eq!(next(channel).bytes(), b"worked");
}

#[test]
fn a_greedy_process_gets_only_its_quota() {
    in_arena_of(scarce, |supervisor| {
        let (modest, modest_child) = spawn(supervisor, "modest");
        for &(resource, limit, _) in RESOURCES {
            // The next process can take all that a killed one had.
            for life in 0..2 {
                let (ours, child): (Channel, Child) = spawn(supervisor, "greedy");
                for round in 0..2 {
                    assert_eq!(ask(&ours, resource), limit, "{resource}, life {life}, round {round}");
                    works(&modest);
                    work();
                    assert_eq!(ask(&ours, "nothing"), 0);
                }
                assert_eq!(ask(&ours, resource), limit, "{resource}");
                kill(supervisor, child);
                works(&modest);
            }
        }
        drop(modest);
        join(modest_child);
    });
}

#[test]
fn without_a_quota_memory_runs_out() {
    in_arena_of(scarce_without_quota, |_| {
        for (resource, limit, take) in RESOURCES {
            for round in 0..3 {
                let taken = take();
                assert_eq!(
                    (taken.count, taken.status),
                    (*limit, Status::NO_MEMORY),
                    "{resource}, round {round}"
                );
                drop(taken);
                work();
            }
        }
    });
}

#[test]
fn a_refused_wait_leaves_nothing() {
    in_arena_of(scarce, |_| {
        let (port, mut events) = (Port::create(), events_of(100));
        let mut keys = 0..;
        let (waits, status) = until_refused(|| {
            let key = keys.next().unwrap();
            wait_for(&events[key as usize % 100], &port, key)
        });
        let refused = waits.len() as u64;
        assert_eq!((waits.len(), status), (GROUPS * CELLS, Status::NO_RESOURCES));
        assert_eq!(port.cancel(&events[refused as usize % 100], refused), Err(Status::NOT_FOUND));
        // An object whose signal is asserted needs a cell too.
        let ready = Event::create();
        set(&ready);
        assert_eq!(wait_for(&ready, &port, 0), Err(Status::NO_RESOURCES));
        assert_eq!(port.queue(&user(0)), Err(Status::NO_RESOURCES));
        assert_eq!(wait_for(&ready, &Port::create(), 0), Err(Status::NO_RESOURCES));
        // The end of a handle is the end of its waits, so there is room for as many.
        let its_waits = waits.len() / 100 + 1;
        drop(events.swap_remove(0));
        let (more, status) = until_refused(|| wait_for(&events[0], &port, refused));
        assert_eq!((more.len(), status), (its_waits, Status::NO_RESOURCES));
        // A cancelled wait makes room for one.
        port.cancel(&events[1], 1).unwrap();
        wait_for(&ready, &port, 1).unwrap();
        // What was there before the refusals arrives.
        events.iter().for_each(set);
        let (packets, status) = until_refused(|| port.wait(PAST));
        assert_eq!((packets.len(), status), (waits.len(), Status::TIMED_OUT));
        // Each packet that was taken has made room.
        for _ in 0..2 * waits.len() {
            wait_for(&ready, &port, 2).and_then(|()| port.wait(PAST)).unwrap();
        }
    });
}

/// Observes the events that it gets, at the port that it gets, until it is refused; and tells how often.
fn crowds() {
    let channel = startup_channel();
    let mut handles = next(&channel).take_handles();
    let port: Port = handles.pop().unwrap().into();
    let events: Vec<Event> = handles.into_iter().map(Event::from).collect();
    let mut turns = events.iter().cycle();
    let (waits, status) = until_refused(|| wait_for(turns.next().unwrap(), &port, 1));
    assert_eq!(status, Status::NO_RESOURCES);
    tell(&channel, (waits.len() as u64).to_ne_bytes());
    wait_for_peer_closed(&channel);
}

// A process with so many handles does not look for memory at each refusal.
const MANY: usize = 1500;

#[test]
fn closed_ports_memory_is_free_at_once() {
    in_arena_of(scarce, |_| {
        let _many = events_of(MANY);
        let make = || {
            let port = Port::create();
            port.queue(&user(1)).map(|()| port)
        };
        let (mut ports, _) = until_refused(make);
        for round in 0..100 {
            assert_eq!(make().map(drop), Err(Status::NO_RESOURCES), "round {round}");
            drop(ports.swap_remove(round % RINGS));
            ports.push(make().unwrap());
        }
    });
}

#[test]
fn memory_of_another_threads_port_counts() {
    in_arena_of(scarce, |_| {
        let _many = events_of(MANY);
        let make = || {
            let port = Port::create();
            port.queue(&user(1)).map(|()| port)
        };
        let (mut ports, _) = until_refused(make);
        let (to_closer, at_closer) = mpsc::channel::<Port>();
        let closed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for port in at_closer {
                    drop(port);
                    closed.fetch_add(1, SeqCst);
                }
            });
            for round in 0..5000 {
                to_closer.send(ports.swap_remove(0)).unwrap();
                // This thread searches while the other one closes. Once it has closed, no request is refused.
                let port = loop {
                    let is_closed = closed.load(SeqCst) > round;
                    match make() {
                        Ok(port) => break port,
                        Err(status) => assert!(!is_closed, "{status} in round {round}"),
                    }
                };
                ports.push(port);
                while closed.load(SeqCst) <= round {
                    std::thread::yield_now();
                }
            }
            drop(to_closer);
        });
    });
}

#[test]
fn closed_events_memory_is_free_at_once() {
    in_arena_of(scarce, |_| {
        let port = Port::create();
        let make = || {
            let event = Event::create();
            (0..=INLINE).try_for_each(|_| wait_for(&event, &port, 1)).map(|()| event)
        };
        let (mut events, _) = until_refused(make);
        for round in 0..100 {
            assert_eq!(make().map(drop), Err(Status::NO_RESOURCES), "round {round}");
            drop(events.swap_remove(round));
            events.push(make().unwrap());
        }
    });
}

#[test]
fn crowds_leave_owners_their_share() {
    in_arena_of(scarce, |supervisor| {
        let (port, events) = (Port::create(), events_of(20));
        for _ in 0..3 {
            let (ours, child) = spawn(supervisor, "crowds");
            let copy = |event: &Event| event.duplicate(Rights::SAME_RIGHTS).unwrap().into();
            let mut copies: Vec<NullableHandle> = events.iter().map(copy).collect();
            copies.push(port.duplicate(Rights::SAME_RIGHTS).unwrap().into());
            ours.write(b"", &mut copies).unwrap();
            let count = u64::from_ne_bytes(next(&ours).bytes().try_into().unwrap());
            assert!(count >= (GROUPS * CELLS) as u64, "{count}");
            // The owner uses the crowded port, and observes the crowded event.
            for key in 2..100 {
                port.queue(&user(key)).unwrap();
                events[0].wait_async(&port, key, Signals::USER_1, ONCE).unwrap();
            }
            events[0].signal(Signals::NONE, Signals::USER_1).unwrap();
            let (packets, _) = until_refused(|| port.wait(PAST));
            assert_eq!(packets.len(), 2 * 98);
            events[0].signal(Signals::USER_1, Signals::NONE).unwrap();
            kill(supervisor, child);
            events.iter().for_each(set);
            assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT), "its waits ended with it");
            let clear = |event: &Event| event.signal(Signals::USER_0, Signals::NONE).unwrap();
            events.iter().for_each(clear);
        }
    });
}

#[test]
fn a_port_has_a_most_of_observers() {
    in_arena(|_| {
        let (port, mut events) = (Port::create(), events_of(2_400));
        let mut turns = events.iter().cycle();
        let (waits, status) = until_refused(|| wait_for(turns.next().unwrap(), &port, 1));
        assert_eq!((waits.len(), status), (239_841, Status::NO_RESOURCES));
        port.queue(&user(1)).unwrap();
        wait_for(&events[0], &Port::create(), 1).unwrap();
        let its_waits = 239_841 / 2_400 + 1;
        drop(events.swap_remove(0));
        let (more, status) = until_refused(|| wait_for(&events[0], &port, 1));
        assert_eq!((more.len(), status), (its_waits, Status::NO_RESOURCES));
    });
}

#[test]
fn a_port_needs_blocks_of_32_kib() {
    in_arena_of(
        |config| config.max_loan_bytes = 1 << 14,
        |_| {
            let (port, event) = (Port::create(), Event::create());
            assert_eq!(port.queue(&user(1)), Err(Status::NO_MEMORY));
            assert_eq!(wait_for(&event, &port, 1), Err(Status::NO_MEMORY));
            assert_eq!(port.wait(PAST), Err(Status::TIMED_OUT));
        },
    );
}

#[test]
fn blocks_of_32_kib_suffice_for_ports() {
    in_arena_of(|config| config.max_loan_bytes = 1 << 15, |_| work());
}
