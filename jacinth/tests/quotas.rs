//! Quotas: a greedy process gets NO_RESOURCES, and the other processes still get their share. Memory and objects that it
//! gives back or leaves behind are free for every process again.

mod support;

use jacinth::*;
use std::process::Child;
use support::*;

#[test]
fn child_main() {
    play(&[("greedy", greedy), ("modest", modest)]);
}

/// An arena in which one process cannot use up any resource.
fn scarce(config: &mut Config) {
    config.max_objects = 200;
    config.max_objects_per_process = 100;
    config.max_handles_per_process = 511;
    config.max_pending_messages = 64;
    config.max_pending_messages_per_process = 160;
    config.pool_bytes = 1 << 20;
    config.max_block_bytes_per_process = 1 << 19;
    config.max_loan_bytes = 1 << 17;
}

/// Takes the named resource until NO_RESOURCES, and answers with the count. It keeps the resources until it is told to
/// give them back.
fn greedy() {
    let channel = startup_channel();
    let mut kept: Vec<Box<dyn std::any::Any>> = Vec::new();
    loop {
        channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
        let mut message = MessageBuf::new();
        if channel.read(&mut message).is_err() {
            return;
        }
        let (count, status) = match message.bytes() {
            b"objects" => keep(&mut kept, until_refused(Event::try_create)),
            b"handles" => {
                let event = Event::create();
                let taken = until_refused(|| event.duplicate(Rights::SAME_RIGHTS));
                kept.push(Box::new(event));
                keep(&mut kept, taken)
            }
            b"messages" => {
                let pairs: Vec<_> = (0..4).map(|_| Channel::create()).collect();
                let sent = pairs.iter().map(|(ours, _)| until_refused(|| ours.write(b"x", &mut [])));
                let (counts, mut statuses): (Vec<_>, Vec<_>) =
                    sent.map(|(sent, status)| (sent.len(), status)).unzip();
                assert_eq!(statuses[..2], [Status::SHOULD_WAIT; 2], "full channels");
                // Room for the answer.
                next(&pairs[0].1);
                kept.push(Box::new(pairs));
                (counts.iter().sum(), statuses.pop().unwrap())
            }
            b"memory" => {
                let (ours, theirs) = Channel::create();
                let sent = until_refused(|| ours.write(&[1; 65_536], &mut []));
                kept.push(Box::new((ours, theirs)));
                keep(&mut kept, sent)
            }
            b"loans" => {
                let (ours, theirs) = Channel::create();
                let sent = until_refused(|| ours.reserve(100_000)?.commit());
                kept.push(Box::new((ours, theirs)));
                keep(&mut kept, sent)
            }
            b"give back" => {
                kept.clear();
                (0, Status::NO_RESOURCES)
            }
            unknown => panic!("{unknown:?}"),
        };
        assert_eq!(status, Status::NO_RESOURCES);
        tell(&channel, (count as u64).to_ne_bytes());
        kept.push(Box::new(message));
    }
}

fn keep<T: 'static>(
    kept: &mut Vec<Box<dyn std::any::Any>>,
    (taken, status): (Vec<T>, Status),
) -> (usize, Status) {
    let count = taken.len();
    kept.push(Box::new(taken));
    (count, status)
}

/// Has the process take a resource, and returns the count that it got.
fn ask(channel: &Channel, resource: &str) -> u64 {
    tell(channel, resource);
    u64::from_ne_bytes(next(channel).bytes().try_into().unwrap())
}

/// Every kind of operation, each of which succeeds.
fn work() {
    let event = Event::create();
    let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
    event.signal(Signals::NONE, Signals::EVENT_SIGNALED).unwrap();
    drop(EventPair::create());
    let (ours, theirs) = Channel::create();
    for _ in 0..2 {
        tell(&ours, b"small");
        tell(&ours, vec![1; 65_536]);
        ours.write(b"with a handle", &mut [event_of(&copy)]).unwrap();
        ours.reserve(100_000).unwrap().commit().unwrap();
        assert_eq!(ours.write_batch([&b"one"[..], b"two"]), Ok(2));
        for len in [5, 65_536, 13, 100_000, 3, 3] {
            assert_eq!(next(&theirs).bytes().len(), len);
        }
    }
}

fn event_of(event: &Event) -> NullableHandle {
    event.duplicate(Rights::SAME_RIGHTS).unwrap().into()
}

/// Does the work of `work` once for each request.
fn modest() {
    let channel = startup_channel();
    loop {
        channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
        if channel.read(&mut MessageBuf::new()).is_err() {
            return;
        }
        work();
        tell(&channel, b"worked");
    }
}

fn works(channel: &Channel) {
    tell(channel, b"work");
    assert_eq!(next(channel).bytes(), b"worked");
}

/// The number of each resource that a greedy process gets while no other process is busy.
const LIMITS: &[(&str, u64)] =
    &[("objects", 100), ("handles", 0), ("messages", 160), ("memory", 8), ("loans", 4)];

#[test]
fn a_greedy_process_gets_only_its_quota() {
    in_arena_of(scarce, |supervisor| {
        for &(resource, limit) in LIMITS {
            let modest = spawn(supervisor, "modest");
            let (ours, child): (Channel, Child) = spawn(supervisor, "greedy");
            for round in 0..3 {
                let got = ask(&ours, resource);
                match resource {
                    "handles" => assert!((500..511).contains(&got), "{got}"),
                    _ => assert_eq!(got, limit, "{resource}, round {round}"),
                }
                works(&modest.0);
                work();
                assert_eq!(ask(&ours, "give back"), 0);
            }
            ask(&ours, resource);
            works(&modest.0);
            kill(supervisor, child);
            drop(ours);
            // The next process can take all of it again.
            let (ours, child) = spawn(supervisor, "greedy");
            let got = ask(&ours, resource);
            assert!(got == limit || resource == "handles", "{resource}: {got}");
            works(&modest.0);
            drop((ours, modest.0));
            join(child);
            join(modest.1);
            supervisor.collect().unwrap();
        }
    });
}

#[test]
fn objects_count_for_their_maker() {
    in_arena_of(scarce, |supervisor| {
        let (ours, child) = spawn(supervisor, "greedy");
        let (events, status) = until_refused(Event::try_create);
        assert_eq!((events.len(), status), (99, Status::NO_RESOURCES), "and the channel");
        // The other process gets the handles to objects of this process.
        let mut handles: Vec<NullableHandle> = events.into_iter().map(NullableHandle::from).collect();
        let (inner, outer) = {
            drop(handles.pop());
            Channel::create()
        };
        inner.write(b"hold these", &mut handles.drain(..60).collect::<Vec<_>>()).unwrap();
        ours.write(b"objects", &mut [outer.into()]).unwrap();
        assert_eq!(
            u64::from_ne_bytes(next(&ours).bytes().try_into().unwrap()),
            100,
            "the other process has created none of them"
        );
        assert_eq!(
            Event::try_create().map(drop),
            Err(Status::NO_RESOURCES),
            "they still count for this process"
        );
        drop(inner);
        drop(handles.pop());
        let (more, _) = until_refused(Event::try_create);
        assert_eq!(more.len(), 1);
        // The objects end with the process that holds their handles.
        kill(supervisor, child);
        drop(ours);
        let (more, _) = until_refused(Event::try_create);
        assert_eq!(more.len(), 62, "60 events and 2 channels");
    });
}

#[test]
fn dead_processes_leave_no_object_charge() {
    in_arena_of(scarce, |supervisor| {
        let (ours, child) = spawn(supervisor, "modest");
        let (end, theirs) = Channel::create();
        tell(&ours, b"work");
        next(&ours);
        kill(supervisor, child);
        drop((ours, end, theirs));
        let (events, _) = until_refused(Event::try_create);
        assert_eq!(events.len(), 100);
    });
}

#[test]
fn a_refused_write_succeeds_after_a_read() {
    in_arena_of(
        |config| (config.max_pending_messages_per_process, config.max_pending_messages) = (10, 8),
        |_| {
            let pairs: Vec<_> = (0..3).map(|_| Channel::create()).collect();
            for _ in 0..8 {
                tell(&pairs[0].0, b"x");
            }
            assert_eq!(pairs[1].0.write_batch([&b"1"[..]; 8]), Ok(2));
            let mut handles = vec![event()];
            assert_eq!(pairs[2].0.write(b"", &mut handles), Err(Status::NO_RESOURCES));
            assert!(raw::check_valid(handles[0].raw_handle()).is_ok(), "still the caller's");
            let soon = MonotonicInstant::after(MonotonicDuration::from_millis(1));
            let called = pairs[2].0.call(soon, b"\0\0\0\0", &mut handles, &mut MessageBuf::new());
            assert_eq!((called, handles[0].is_invalid()), (Err(Status::NO_RESOURCES), false));
            assert_eq!(pairs[0].0.write(b"", &mut []), Err(Status::SHOULD_WAIT), "full by itself");
            next(&pairs[0].1);
            pairs[2].0.write(b"", &mut handles).unwrap();
            assert!(handles[0].is_invalid());
            assert_eq!(pairs[2].0.write(b"", &mut []), Err(Status::NO_RESOURCES));
            // An end that closes returns the credit of its pending messages, also without a later write.
            drop(pairs);
            let (ours, theirs) = Channel::create();
            for _ in 0..8 {
                tell(&ours, b"x");
            }
            next(&theirs);
        },
    );
}

#[test]
fn pending_messages_follow_the_writing_end() {
    in_arena_of(
        |config| (config.max_pending_messages_per_process, config.max_pending_messages) = (100, 80),
        |supervisor| {
            let (to_child, child) = spawn(supervisor, "modest");
            let (ours, theirs) = Channel::create();
            for _ in 0..70 {
                tell(&ours, b"x");
            }
            let (other, other_end) = Channel::create();
            let (sent, status) = until_refused(|| other.write(b"", &mut []));
            assert_eq!((sent.len(), status), (27, Status::NO_RESOURCES), "eight ninths of 30");
            next(&theirs);
            to_child.write(b"take this", &mut [ours.into()]).unwrap();
            assert_eq!(next(&to_child).bytes(), b"worked");
            // The other process closed the end.
            let (sent, status) = until_refused(|| other.write(b"", &mut []));
            assert_eq!((sent.len(), status), (53, Status::SHOULD_WAIT));
            drop((to_child, other_end));
            join(child);
        },
    );
}

#[test]
fn many_threads_together_get_exactly_the_quota() {
    in_arena_of(scarce, |supervisor| {
        for _ in 0..20 {
            let events = events_of_four_threads();
            assert_eq!(events.len(), 100);
            assert_eq!(objects(supervisor), 100);
        }
    });
}

#[test]
fn many_threads_never_exceed_the_message_quota() {
    in_arena_of(scarce, |supervisor| {
        let pairs: Vec<_> = (0..4).map(|_| Channel::create()).collect();
        for round in 0..50 {
            let barrier = std::sync::Barrier::new(pairs.len());
            std::thread::scope(|scope| {
                for (ours, theirs) in &pairs {
                    scope.spawn(|| {
                        barrier.wait();
                        for _ in 0..round {
                            let _ = ours.write(b"x", &mut []);
                        }
                        for _ in 0..round / 3 {
                            let _ = theirs.read(&mut MessageBuf::new());
                        }
                        let _ = until_refused(|| ours.write(b"x", &mut []));
                    });
                }
            });
            assert!(supervisor.inspect().messages <= 160);
            // Credit that busy threads had set aside is free for the next write.
            for (ours, _) in &pairs {
                let _ = until_refused(|| ours.write(b"x", &mut []));
            }
            // The last credits go to a channel with few messages.
            let last = Channel::create();
            let (_, refused) = until_refused(|| last.0.write(b"x", &mut []));
            assert_eq!((supervisor.inspect().messages, refused), (160, Status::NO_RESOURCES));
            for (_, theirs) in &pairs {
                let _ = until_refused(|| theirs.read(&mut MessageBuf::new()));
            }
        }
    });
}
