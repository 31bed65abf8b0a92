//! The mechanism in one process, over the heap and over a mapping: the result of each operation, and that the audit
//! agrees.

use jacinth_shm::{
    Arena, Config, Error, HandleValue, ObjectClass, OnOverflow, Process, Received, Rights, Signals, Thread,
    VecBuf, WaitItem,
};
use std::sync::Arc;

const ALL: Rights = Rights::all();

fn small() -> Config {
    let mut config = Config::default();
    config.max_objects = 64;
    config.max_handles_per_process = 1023;
    config.max_processes = 4;
    config.max_threads = 16;
    config.pool_bytes = 4 << 20;
    config
}

fn member(config: &Config) -> Arc<Process> {
    let arena = Arc::new(Arena::create(config).unwrap());
    let process_slot = arena.first_slot().unwrap();
    Process::attach(arena, process_slot, std::process::id(), 0x1234_5678).unwrap()
}

#[derive(Default)]
struct Take {
    bytes: Vec<u8>,
    handles: Vec<Received>,
}

impl Take {
    fn buffer(&mut self) -> VecBuf<'_> {
        VecBuf::new(&mut self.bytes, &mut self.handles)
    }
}

fn read(thread: &Thread, value: HandleValue) -> Result<Take, Error> {
    let mut take = Take::default();
    thread.receive(thread.lookup(value)?, Rights::empty(), &mut take.buffer(), OnOverflow::Keep)?;
    Ok(take)
}

fn channel(thread: &Thread) -> (HandleValue, HandleValue) {
    let (a, b) = thread.create(ObjectClass::Channel, ALL).unwrap();
    (a, b.unwrap())
}

fn clean(thread: &Thread) -> jacinth_shm::Audit {
    let audit = thread.process().arena().audit();
    assert!(audit.is_clean(), "{audit}");
    audit
}

#[test]
fn an_event_lives_until_its_last_close() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (event, none) = thread.create(ObjectClass::Event, ALL).unwrap();
    assert_eq!(none, None);
    let found = thread.lookup(event).unwrap();
    let copy = thread.duplicate(found, Rights::from_bits_retain(3)).unwrap();
    assert_eq!(thread.lookup(copy).unwrap().rights(), Rights::from_bits_retain(3));
    assert_eq!(thread.basic(found).unwrap().handles, 2);
    thread.close(found).unwrap();
    assert_eq!(thread.close(found), Err(Error::BadHandle));
    assert_eq!(thread.lookup(event).unwrap_err(), Error::BadHandle);
    assert_eq!(clean(&thread).objects, 1);
    thread.close(thread.lookup(copy).unwrap()).unwrap();
    let audit = clean(&thread);
    assert_eq!((audit.objects, audit.handles, audit.retired), (0, 0, 1));
    assert_eq!(thread.reclaim().unwrap(), 1);
    assert_eq!(clean(&thread).retired, 0);
}

#[test]
fn every_message_size_arrives_intact() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (a, b) = channel(&thread);
    for len in [0usize, 1, 7, 8, 55, 56, 57, 64, 65, 119, 120, 121, 128, 129, 1000, 1024, 4096, 65535, 65536]
    {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        for _ in 0..3 {
            thread.send(thread.lookup(a).unwrap(), Rights::empty(), &bytes).unwrap();
        }
        for _ in 0..3 {
            assert_eq!(read(&thread, b).unwrap().bytes, bytes);
        }
    }
    assert_eq!(read(&thread, b).err(), Some(Error::ShouldWait));
    clean(&thread);
    thread.close(thread.lookup(a).unwrap()).unwrap();
    assert_eq!(read(&thread, b).err(), Some(Error::PeerClosed));
    thread.close(thread.lookup(b).unwrap()).unwrap();
    thread.reclaim().unwrap();
    assert_eq!(clean(&thread).blocks, 0);
}

/// The bytes and handles of a message lie in the first line of a slot, in both of its lines, or in a block.
#[test]
fn bytes_and_handles_share_a_slot() {
    const LINES: [usize; 2] = [56, 120];
    let thread = Thread::join(&member(&small())).unwrap();
    let (a, b) = channel(&thread);
    for handles in 0..=16 {
        for len in
            LINES.into_iter().flat_map(|line| (line + 9).saturating_sub(8 * handles).min(line)..=line + 9)
        {
            let bytes: Vec<u8> = (0..len).map(|at| (at * 7 + handles) as u8).collect();
            let events: Vec<_> =
                (0..handles).map(|_| thread.create(ObjectClass::Event, ALL).unwrap().0).collect();
            let koids: Vec<_> = events.iter().map(|event| koid(&thread, *event)).collect();
            let to = thread.lookup(a).unwrap();
            thread.send_with_handles(to, Rights::empty(), &bytes, &events, Rights::empty(), None).unwrap();
            let take = read(&thread, b).unwrap();
            let arrived: Vec<_> = take.handles.iter().map(|handle| koid(&thread, handle.value)).collect();
            assert_eq!((take.bytes, arrived), (bytes, koids), "{len} bytes, {handles} handles");
            for handle in take.handles {
                thread.close(thread.lookup(handle.value).unwrap()).unwrap();
            }
        }
    }
    clean(&thread);
}

fn koid(thread: &Thread, value: HandleValue) -> u64 {
    thread.basic(thread.lookup(value).unwrap()).unwrap().koid
}

#[test]
fn full_ring_gives_should_wait() {
    let mut config = small();
    config.max_pending_messages = 5000;
    let process = member(&config);
    let thread = Thread::join(&process).unwrap();
    let (a, b) = channel(&thread);
    let found = thread.lookup(a).unwrap();
    for round in 0..3u64 {
        for i in 0..5000u64 {
            thread.send(found, Rights::empty(), &(round << 32 | i).to_le_bytes()).unwrap();
        }
        assert_eq!(thread.send(found, Rights::empty(), b"x"), Err(Error::ShouldWait));
        clean(&thread);
        for i in 0..5000u64 {
            let take = read(&thread, b).unwrap();
            assert_eq!(take.bytes, (round << 32 | i).to_le_bytes());
            if i % 100 == 0 {
                thread.send(found, Rights::empty(), b"more").unwrap();
            }
        }
        for _ in 0..50 {
            assert_eq!(read(&thread, b).unwrap().bytes, b"more");
        }
    }
    let audit = clean(&thread);
    assert_eq!(audit.messages, 0);
}

#[test]
fn unread_handles_close_with_their_channel() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (a, b) = channel(&thread);
    let (event, _) = thread.create(ObjectClass::Event, ALL).unwrap();
    thread
        .send_with_handles(
            thread.lookup(a).unwrap(),
            Rights::empty(),
            b"take this",
            &[event],
            Rights::empty(),
            None,
        )
        .unwrap();
    assert_eq!(thread.lookup(event).unwrap_err(), Error::BadHandle);
    let audit = clean(&thread);
    assert_eq!((audit.handles, audit.in_transit), (2, 1));
    let take = read(&thread, b).unwrap();
    assert_eq!(
        (take.bytes.as_slice(), take.handles.len(), take.handles[0].class),
        (&b"take this"[..], 1, ObjectClass::Event)
    );
    let event = take.handles[0].value;
    // Chains of channels, each queued in the next, die without recursion.
    let (mut inner, mut outer_keep) = channel(&thread);
    thread
        .send_with_handles(
            thread.lookup(inner).unwrap(),
            Rights::empty(),
            b"",
            &[event],
            Rights::empty(),
            None,
        )
        .unwrap();
    for _ in 0..20 {
        let (c, d) = channel(&thread);
        thread
            .send_with_handles(
                thread.lookup(c).unwrap(),
                Rights::empty(),
                b"",
                &[inner, outer_keep],
                Rights::empty(),
                None,
            )
            .unwrap();
        (inner, outer_keep) = (c, d);
    }
    assert_eq!(clean(&thread).objects, 23);
    thread.close(thread.lookup(inner).unwrap()).unwrap();
    thread.close(thread.lookup(outer_keep).unwrap()).unwrap();
    assert_eq!(clean(&thread).objects, 1, "only the first channel is left");
    thread.close(thread.lookup(a).unwrap()).unwrap();
    thread.close(thread.lookup(b).unwrap()).unwrap();
    assert_eq!(clean(&thread).objects, 0);
}

#[test]
fn only_failed_writes_consume_handles() {
    let mut config = small();
    config.max_pending_messages = 2;
    let process = member(&config);
    let thread = Thread::join(&process).unwrap();
    let (a, b) = channel(&thread);
    let found = thread.lookup(a).unwrap();
    let event = || thread.create(ObjectClass::Event, Rights::from_bits_retain(0b1)).unwrap().0;
    let kept = event();
    thread.send(found, Rights::empty(), b"1").unwrap();
    thread.send(found, Rights::empty(), b"2").unwrap();
    assert_eq!(
        thread.send_with_handles(found, Rights::empty(), b"", &[kept], Rights::empty(), None),
        Err(Error::ShouldWait)
    );
    assert!(thread.lookup(kept).is_ok());
    read(&thread, b).unwrap();
    let (other, lacking) = (event(), event());
    let refused = thread.send_with_handles(
        found,
        Rights::empty(),
        b"",
        &[other, lacking],
        Rights::from_bits_retain(0b10),
        None,
    );
    assert_eq!(refused, Err(Error::AccessDenied { missing: Rights::from_bits_retain(0b10) }));
    assert!(thread.lookup(other).is_err() && thread.lookup(lacking).is_err());
    assert_eq!(
        thread.send_with_handles(found, Rights::empty(), b"", &[kept, kept], Rights::empty(), None),
        Err(Error::BadHandle)
    );
    assert!(thread.lookup(kept).is_err());
    let last = event();
    let itself = thread.send_with_handles(found, Rights::empty(), b"", &[last, a], Rights::empty(), None);
    assert!(matches!(itself, Err(Error::NotSupported(_))));
    assert!(thread.lookup(a).is_err() && thread.lookup(last).is_err());
    read(&thread, b).unwrap();
    assert_eq!(read(&thread, b).err(), Some(Error::PeerClosed));
    clean(&thread);
}

#[test]
fn replies_find_their_callers_in_any_order() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (a, b) = channel(&thread);
    let found = thread.lookup(a).unwrap();
    let first = thread.call_begin(found, Rights::empty(), b"\0\0\0\0first", &[], Rights::empty()).unwrap();
    let second = thread.call_begin(found, Rights::empty(), b"\0\0\0\0second", &[], Rights::empty()).unwrap();
    let requests = [read(&thread, b).unwrap().bytes, read(&thread, b).unwrap().bytes];
    assert_eq!(&requests[0][4..], b"first");
    let server = thread.lookup(b).unwrap();
    thread.send(server, Rights::empty(), b"\0\0\0\0unasked").unwrap();
    thread.send(server, Rights::empty(), &requests[1]).unwrap();
    thread.send(server, Rights::empty(), &requests[0]).unwrap();
    let mut take = Take::default();
    thread.call_finish(&first, 0, &mut take.buffer()).unwrap();
    assert_eq!(&take.bytes[4..], b"first");
    assert_eq!(&read(&thread, a).unwrap().bytes[4..], b"unasked");
    assert_eq!(read(&thread, a).err(), Some(Error::ShouldWait));
    thread.call_finish(&second, 0, &mut take.buffer()).unwrap();
    assert_eq!(&take.bytes[4..], b"second");
    let third = thread.call_begin(found, Rights::empty(), b"\0\0\0\0third", &[], Rights::empty()).unwrap();
    assert_eq!(thread.call_finish(&third, 0, &mut take.buffer()), Err(Error::TimedOut));
    let late = read(&thread, b).unwrap().bytes;
    thread.send(server, Rights::empty(), &late).unwrap();
    assert_eq!(&read(&thread, a).unwrap().bytes[4..], b"third");
    clean(&thread);
}

#[test]
fn loans_and_in_place_reads_avoid_copies() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (a, b) = channel(&thread);
    let found = thread.lookup(a).unwrap();
    let mut loan = thread.reserve(found, Rights::empty(), 1 << 20, 0).unwrap();
    loan.unsent_mut().write_at(0, b"begin").unwrap();
    loan.unsent_mut().write_at((1 << 20) - 3, b"end").unwrap();
    assert_eq!(
        loan.unsent_mut().write_at((1 << 20) - 2, b"end"),
        Err(Error::out_of_range("the end of the write", (1 << 20) + 1, 1 << 20))
    );
    thread.commit(loan, &[], Rights::empty()).unwrap();
    thread.return_loan(thread.reserve(found, Rights::empty(), 1 << 20, 0).unwrap()).unwrap();
    thread.send(found, Rights::empty(), b"after").unwrap();
    let held = thread.receive_in_place(thread.lookup(b).unwrap(), Rights::empty()).unwrap();
    let mut end = [0; 3];
    held.read_at((1 << 20) - 3, &mut end).unwrap();
    assert_eq!(&end, b"end");
    assert_eq!(read(&thread, b).unwrap().bytes, b"after", "others go on");
    thread.finish(held, &mut |_| {}).unwrap();
    assert_eq!(read(&thread, b).err(), Some(Error::ShouldWait));
    clean(&thread);
}

#[test]
fn signal_deadline_and_close_end_waits() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (event, _) = thread.create(ObjectClass::Event, ALL).unwrap();
    assert_eq!(
        thread.wait_one(event, Rights::empty(), Signals::from_bits_retain(8), 0),
        (Err(Error::TimedOut), Signals::empty())
    );
    std::thread::scope(|scope| {
        let waiter = |waitfor| {
            let process = process.clone();
            scope.spawn(move || {
                let thread = Thread::join(&process).unwrap();
                thread.set_spin_ns(0);
                let mut items = [WaitItem { handle: event, waitfor, pending: Signals::empty() }];
                let result = thread.wait_many(&mut items, Rights::empty(), i64::MAX);
                (result, items[0].pending)
            })
        };
        let (signalled, closed) =
            (waiter(Signals::from_bits_retain(8)), waiter(Signals::from_bits_retain(1 << 30)));
        std::thread::sleep(std::time::Duration::from_millis(20));
        thread.signal(thread.lookup(event).unwrap(), Signals::empty(), Signals::from_bits_retain(8)).unwrap();
        assert_eq!(signalled.join().unwrap(), (Ok(()), Signals::from_bits_retain(8)));
        thread.close(thread.lookup(event).unwrap()).unwrap();
        assert_eq!(closed.join().unwrap(), (Err(Error::Canceled), Signals::HANDLE_CLOSED));
    });
    clean(&thread);
}

#[test]
fn quickly_cleared_signal_ends_every_wait() {
    let process = member(&small());
    let thread = Thread::join(&process).unwrap();
    let (event, _) = thread.create(ObjectClass::Event, ALL).unwrap();
    for _ in 0..50 {
        let sleeps = process.arena().counters().sleeps;
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        let thread = Thread::join(&process).unwrap();
                        thread.set_spin_ns(0);
                        thread.wait_one(event, Rights::empty(), Signals::from_bits_retain(8), i64::MAX)
                    })
                })
                .collect();
            while process.arena().counters().sleeps < sleeps + 2 {
                std::thread::yield_now();
            }
            let found = thread.lookup(event).unwrap();
            thread.signal(found, Signals::empty(), Signals::from_bits_retain(8)).unwrap();
            thread.signal(found, Signals::from_bits_retain(8), Signals::empty()).unwrap();
            for waiter in waiters {
                assert_eq!(waiter.join().unwrap(), (Ok(()), Signals::from_bits_retain(8)));
            }
        });
        assert_eq!(
            thread.wait_one(event, Rights::empty(), Signals::from_bits_retain(8), 0),
            (Err(Error::TimedOut), Signals::empty()),
            "who comes later does not see it"
        );
    }
}

#[test]
fn full_table_leaves_all_handles_usable() {
    let mut config = small();
    config.max_handles_per_process = 10;
    config.max_objects = 6;
    let process = member(&config);
    let thread = Thread::join(&process).unwrap();
    let mut made = Vec::new();
    let full = loop {
        match thread.create(ObjectClass::Event, ALL) {
            Ok((value, _)) => made.push(value),
            Err(error) => break error,
        }
    };
    assert_eq!((full, made.len()), (Error::NoResources("objects"), 6));
    let found = thread.lookup(made[0]).unwrap();
    let mut copies = Vec::new();
    let full = loop {
        match thread.duplicate(found, ALL) {
            Ok(value) => copies.push(value),
            Err(error) => break error,
        }
    };
    assert_eq!(full, Error::NoResources("handles of this process (max_handles_per_process)"));
    for value in made.into_iter().chain(copies) {
        thread.close(thread.lookup(value).unwrap()).unwrap();
    }
    for _ in 0..100 {
        let (value, _) = thread.create(ObjectClass::Event, ALL).unwrap();
        thread.close(thread.lookup(value).unwrap()).unwrap();
    }
    clean(&thread);
}

#[test]
fn an_ended_channel_holds_no_blocks() {
    let mut config = small();
    config.max_objects = 4096;
    let process = member(&config);
    let thread = Thread::join(&process).unwrap();
    for _ in 0..20 {
        // A loan takes half of its class, and 512 channels would be reclaimed together.
        let (near, far) = channel(&thread);
        let loan = thread.reserve(thread.lookup(near).unwrap(), Rights::empty(), 2 << 20, 0).unwrap();
        thread.commit(loan, &[], Rights::empty()).unwrap();
        for end in [near, far] {
            thread.close(thread.lookup(end).unwrap()).unwrap();
        }
        let audit = clean(&thread);
        assert_eq!((audit.objects, audit.blocks), (0, 0));
    }
    assert_eq!(clean(&thread).retired, 20, "no slot was reclaimed");
}

#[test]
fn ended_threads_retired_objects_are_reclaimed() {
    let process = member(&small());
    let mut most = 0;
    for _ in 0..40 {
        let thread = Thread::join(&process).unwrap();
        let (event, _) = thread.create(ObjectClass::Event, ALL).unwrap();
        thread.close(thread.lookup(event).unwrap()).unwrap();
        drop(thread);
        most = most.max(process.arena().audit().retired);
    }
    assert!(most <= 8, "{most} slots waited for a thread that retires more");
    assert!(process.used_slots() < 24, "{} slots were used", process.used_slots());
}

#[test]
fn freed_slots_are_used_before_new_ones() {
    let mut config = small();
    config.max_objects = 1 << 16;
    let process = member(&config);
    let (maker, closer) = (Thread::join(&process).unwrap(), Thread::join(&process).unwrap());
    for _ in 0..5000 {
        let events: Vec<_> = (0..32).map(|_| maker.create(ObjectClass::Event, ALL).unwrap().0).collect();
        events.iter().for_each(|event| closer.close(closer.lookup(*event).unwrap()).unwrap());
    }
    assert!(process.used_slots() < 16_000, "{} slots for 32 objects", process.used_slots());
}

#[test]
fn closing_one_side_tells_the_other() {
    for class in [ObjectClass::EventPair, ObjectClass::Channel] {
        let thread = Thread::join(&member(&small())).unwrap();
        let (one, other) = thread.create(class, ALL).unwrap();
        let other = thread.lookup(other.unwrap()).unwrap();
        assert_eq!(thread.signals(other).unwrap() & Signals::PEER_CLOSED, Signals::empty());
        thread.close(thread.lookup(one).unwrap()).unwrap();
        assert_eq!(thread.signals(other).unwrap() & Signals::PEER_CLOSED, Signals::PEER_CLOSED, "{class:?}");
    }
}
