//! Messages consumed ahead of their turn: they leave room behind, also when messages before them stay unread.

use jacinth_shm::{
    Arena, Audit, ChannelOptions, Config, Error, HandleValue, InPlace, ObjectClass, OnOverflow, Pending,
    Process, Received, Rights, Signals, Thread, VecBuf,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

const ALL: Rights = Rights::all();
/// A length that needs a payload block: a slot holds 120 bytes.
const IN_BLOCK: usize = 200;

struct World {
    thread: Thread,
    client: HandleValue,
    server: HandleValue,
}

#[derive(Default)]
struct Take {
    bytes: Vec<u8>,
    handles: Vec<Received>,
}

impl World {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        (config.max_objects, config.max_processes, config.max_threads) = (256, 4, 16);
        config.max_pending_messages = 64;
        config.pool_bytes = 16 << 20;
        change(&mut config);
        let arena = Arc::new(Arena::create(&config).unwrap());
        let process_slot = arena.first_slot().unwrap();
        let process = Process::attach(arena, process_slot, std::process::id(), 0x1234_5678).unwrap();
        let thread = Thread::join(&process).unwrap();
        let (client, server) = thread.create(ObjectClass::Channel, ALL).unwrap();
        Self { thread, client, server: server.unwrap() }
    }

    fn send(&self, at: HandleValue, bytes: &[u8]) -> Result<(), Error> {
        self.thread.send(self.thread.lookup(at)?, Rights::empty(), bytes)
    }

    fn read(&self, at: HandleValue) -> Result<Take, Error> {
        let mut take = Take::default();
        let mut buffer = VecBuf::new(&mut take.bytes, &mut take.handles);
        self.thread.receive(self.thread.lookup(at)?, Rights::empty(), &mut buffer, OnOverflow::Keep)?;
        Ok(take)
    }

    fn begin(&self, bytes: &[u8]) -> Result<Pending, Error> {
        self.thread.call_begin(self.thread.lookup(self.client)?, Rights::empty(), bytes, &[], Rights::empty())
    }

    fn finish(&self, call: &Pending) -> Result<Take, Error> {
        let mut take = Take::default();
        let mut buffer = VecBuf::new(&mut take.bytes, &mut take.handles);
        self.thread.call_finish(call, 0, &mut buffer)?;
        Ok(take)
    }

    /// One call with its reply, of `len` bytes.
    fn call(&self, len: usize) {
        let call = self.begin(&vec![7; len]).unwrap();
        let request = self.read(self.server).unwrap();
        self.send(self.server, &request.bytes).unwrap();
        assert_eq!(self.finish(&call).unwrap().bytes, request.bytes);
    }

    fn audit(&self) -> Audit {
        let audit = self.thread.process().arena().audit();
        assert!(audit.is_clean(), "{audit}");
        audit
    }

    fn close_all(&self) {
        for end in [self.client, self.server] {
            self.thread.close(self.thread.lookup(end).unwrap()).unwrap();
        }
        self.thread.reclaim().unwrap();
        let audit = self.audit();
        assert_eq!((audit.objects, audit.blocks, audit.in_transit), (0, 0, 0), "{audit}");
    }
}

#[test]
fn unread_message_blocks_no_replies() {
    for len in [8, 64, IN_BLOCK, 3000] {
        let world = World::new(|_| ());
        world.send(world.server, b"nobody reads this").unwrap();
        (0..20_000).for_each(|_| world.call(len));
        let audit = world.audit();
        assert_eq!(audit.messages, 1);
        assert!(audit.blocks < 100, "what was taken keeps no memory: {audit}");
        assert_eq!(world.read(world.client).unwrap().bytes, b"nobody reads this");
        (0..100).for_each(|_| world.call(len));
        world.close_all();
    }
}

#[test]
fn unread_messages_keep_few_segments() {
    let world = World::new(|config| config.max_pending_messages = 1024);
    for number in 0..500u64 {
        world.send(world.server, &number.to_le_bytes()).unwrap();
        (0..40).for_each(|_| world.call(8));
    }
    let audit = world.audit();
    assert_eq!(audit.messages, 500);
    assert!(audit.blocks < 1100, "a small segment each: {audit}");
    for number in 0..500u64 {
        assert_eq!(world.read(world.client).unwrap().bytes, number.to_le_bytes());
    }
    assert_eq!(world.read(world.client).err(), Some(Error::ShouldWait));
    (0..200).for_each(|_| world.call(8));
    assert!(world.audit().blocks < 10);
    world.close_all();
}

#[test]
fn held_message_slows_no_later_reading() {
    // A walk from the head for each would take minutes.
    let count = 200_000u32;
    let world = World::new(|config| {
        (config.max_pending_messages, config.pool_bytes) = (count, 64 << 20);
    });
    (0..count).for_each(|number| world.send(world.server, &number.to_le_bytes()).unwrap());
    let held =
        world.thread.receive_in_place(world.thread.lookup(world.client).unwrap(), Rights::empty()).unwrap();
    for number in 1..count {
        assert_eq!(world.read(world.client).unwrap().bytes, number.to_le_bytes());
    }
    assert_eq!(world.read(world.client).err(), Some(Error::ShouldWait));
    world.thread.finish(held, &mut |_| ()).unwrap();
    assert_eq!(world.audit().messages, 0);
    world.close_all();
}

#[test]
fn all_pending_messages_may_be_held() {
    let count = 50_000u32;
    let world = World::new(|config| config.max_pending_messages = count);
    (0..count).for_each(|number| world.send(world.server, &number.to_le_bytes()).unwrap());
    let found = world.thread.lookup(world.client).unwrap();
    let mut held: Vec<_> =
        (0..count).map(|_| world.thread.receive_in_place(found, Rights::empty()).unwrap()).collect();
    assert_eq!(world.thread.receive_in_place(found, Rights::empty()).err(), Some(Error::ShouldWait));
    fastrand::Rng::with_seed(3).shuffle(&mut held);
    held.into_iter().for_each(|message| world.thread.finish(message, &mut |_| ()).unwrap());
    assert_eq!(world.audit().messages, 0);
    world.close_all();
}

#[test]
fn closing_an_end_walks_its_messages_once() {
    // Small segments: as many as there are messages, by halves.
    let count = 100_000u32;
    let world = World::new(|config| {
        (config.max_pending_messages, config.first_segment_messages) = (count, 2);
    });
    world.send(world.server, b"held").unwrap();
    let held =
        world.thread.receive_in_place(world.thread.lookup(world.client).unwrap(), Rights::empty()).unwrap();
    world.send(world.server, b"read").unwrap();
    world.read(world.client).unwrap();
    (1..count).for_each(|number| world.send(world.server, &number.to_le_bytes()).unwrap());
    assert!(world.audit().blocks > 5_000, "segments of sixteen");
    world.thread.finish(held, &mut |_| ()).unwrap();
    world.close_all();
}

#[test]
fn full_channel_counts_only_unread_messages() {
    let world = World::new(|config| config.max_pending_messages = 4);
    (0..4).for_each(|_| world.send(world.server, b"unread").unwrap());
    assert_eq!(world.send(world.server, b"one more"), Err(Error::ShouldWait));
    let found = world.thread.lookup(world.client).unwrap();
    let mut held: Vec<_> =
        (0..3).map(|_| world.thread.receive_in_place(found, Rights::empty()).unwrap()).collect();
    assert_eq!(world.send(world.server, b"one more"), Err(Error::ShouldWait), "held is not consumed");
    world.thread.finish(held.remove(2), &mut |_| ()).unwrap();
    world.send(world.server, b"one more").unwrap();
    assert_eq!(world.send(world.server, b"one more"), Err(Error::ShouldWait));
    world.read(world.client).unwrap();
    world.send(world.server, b"one more").unwrap();
    held.into_iter().for_each(|message| world.thread.finish(message, &mut |_| ()).unwrap());
    world.close_all();
}

impl World {
    /// The ends of another channel, with options, become this world's.
    fn with_options(mut self, max_pending_messages: u32, discard_late_replies: bool) -> Self {
        let options = ChannelOptions { max_pending_messages, discard_late_replies };
        let ends = self.thread.create_channel(options, ALL).unwrap();
        for end in [self.client, self.server] {
            self.thread.close(self.thread.lookup(end).unwrap()).unwrap();
        }
        (self.client, self.server) = (ends.0, ends.1.unwrap());
        self
    }

    /// A call that gets its reply, with a handle, when no caller awaits it any more.
    fn call_in_vain(&self) {
        let call = self.begin(b"\0\0\0\0?").unwrap();
        let request = self.read(self.server).unwrap();
        assert_eq!(self.finish(&call).err(), Some(Error::TimedOut));
        let (event, _) = self.thread.create(ObjectClass::Event, ALL).unwrap();
        let server = self.thread.lookup(self.server).unwrap();
        self.thread
            .send_with_handles(server, Rights::empty(), &request.bytes, &[event], Rights::empty(), None)
            .unwrap();
    }
}

#[test]
fn late_replies_stay_unless_discarded() {
    for discards in [false, true] {
        let world = World::new(|_| ()).with_options(0, discards);
        (0..50).for_each(|_| world.call_in_vain());
        world.send(world.server, b"an ordinary message").unwrap();
        let first = world.read(world.client).unwrap();
        assert_eq!(first.handles.len(), usize::from(!discards));
        assert_eq!(world.audit().messages, if discards { 0 } else { 50 });
        assert_eq!(world.audit().objects, if discards { 1 } else { 51 });
    }
}

#[test]
fn calling_end_discards_late_replies() {
    let world = World::new(|_| ()).with_options(8, true);
    for _ in 0..1000 {
        world.call_in_vain();
        world.call(IN_BLOCK);
    }
    assert_eq!((world.audit().messages, world.audit().objects), (0, 1));
    // Nor does a late reply make the end readable.
    world.call_in_vain();
    let signals = world.thread.signals(world.thread.lookup(world.client).unwrap()).unwrap();
    assert_eq!(signals & Signals::READABLE, Signals::empty());
    world.close_all();
}

/// A wait looks, and may then sleep for long: what a discarded reply kept alive ends with the look.
#[test]
fn a_look_ends_the_handles_it_discards() {
    let world = World::new(|_| ()).with_options(0, true);
    let thread = &world.thread;
    let call = world.begin(b"\0\0\0\0?").unwrap();
    let request = world.read(world.server).unwrap();
    assert_eq!(world.finish(&call).err(), Some(Error::TimedOut));
    let (sent, kept) = thread.create(ObjectClass::EventPair, ALL).unwrap();
    let koid = thread.basic(thread.lookup(kept.unwrap()).unwrap()).unwrap().koid;
    let server = thread.lookup(world.server).unwrap();
    thread
        .send_with_handles(server, Rights::empty(), &request.bytes, &[sent], Rights::empty(), None)
        .unwrap();
    thread.signals(thread.lookup(world.client).unwrap()).unwrap();
    // The list runs nothing by itself, as another look would.
    let listed = thread.process().arena().list_objects().unwrap();
    let pair: Vec<_> = listed.iter().filter(|side| [side.koid, side.related_koid].contains(&koid)).collect();
    let kept = pair.iter().find(|side| side.koid == koid).unwrap();
    assert_eq!(kept.signals & Signals::PEER_CLOSED, Signals::PEER_CLOSED);
}

#[test]
fn only_own_late_replies_are_discarded() {
    let world = World::new(|_| ()).with_options(0, true);
    let call = world.begin(b"\0\0\0\0?").unwrap();
    let next = ((call.txid().0 & 0x7fff_ffff) + 1) | 0x8000_0000;
    for id in [0, 7, next, u32::MAX] {
        world.send(world.server, &id.to_le_bytes()).unwrap();
        assert_eq!(world.read(world.client).unwrap().bytes, id.to_le_bytes());
    }
    world.thread.call_abandon(&call);
    world.send(world.server, &call.txid().0.to_le_bytes()).unwrap();
    assert_eq!(world.read(world.client).err(), Some(Error::ShouldWait));
}

#[test]
fn a_channel_may_have_its_own_limit() {
    let world = World::new(|_| ()).with_options(3, false);
    for end in [world.client, world.server] {
        (0..3).for_each(|_| world.send(end, b"pending").unwrap());
        assert_eq!(world.send(end, b"one more"), Err(Error::ShouldWait));
        let signals = world.thread.signals(world.thread.lookup(end).unwrap()).unwrap();
        assert_eq!(signals & Signals::WRITABLE, Signals::empty());
    }
    world.read(world.client).unwrap();
    world.send(world.server, b"one more").unwrap();
    world.close_all();
    // The next channel in this slot has none.
    let world = World { client: HandleValue::INVALID, server: HandleValue::INVALID, ..world };
    let (client, server) = world.thread.create(ObjectClass::Channel, ALL).unwrap();
    let world = World { client, server: server.unwrap(), ..world };
    (0..64).for_each(|_| world.send(world.server, b"pending").unwrap());
    assert_eq!(world.send(world.server, b"one more"), Err(Error::ShouldWait));
}

/// The messages that the other side of a random run expects.
#[derive(Default)]
struct Expected {
    /// Plain messages that are unread, oldest first, by number.
    plain: VecDeque<u32>,
    /// Calls under way, with their request; answered ones lead to their reply.
    calls: Vec<(Pending, u32)>,
    requests: VecDeque<u32>,
    /// Messages read in place.
    held: BTreeMap<u32, InPlace>,
}

fn text(number: u32, random: &mut fastrand::Rng) -> Vec<u8> {
    // Below 2³¹: no call's id.
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize([4, 8, 60, 120, IN_BLOCK, 5000][random.usize(..6)], number as u8);
    bytes
}

fn number_of(bytes: &[u8]) -> u32 {
    assert!(bytes[4..].iter().all(|byte| *byte == bytes[0]), "torn");
    u32::from_le_bytes(bytes[..4].try_into().unwrap())
}

#[test]
fn each_reading_order_delivers_once() {
    for seed in 0..30 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new(|config| {
            config.max_pending_messages = [4, 40, 400][seed as usize % 3];
            config.first_segment_messages = [2, 8][seed as usize % 2];
        });
        let (to_self, from_self) = world.thread.create(ObjectClass::Channel, ALL).unwrap();
        let mut expected = Expected::default();
        let mut next = 1;
        for step in 0..4000 {
            random_step(&mut world, &mut random, &mut expected, &mut next);
            if step % 500 == 499 {
                move_an_end(&mut world, (to_self, from_self.unwrap()), &mut random, &mut expected);
                world.audit();
            }
        }
        for (_, message) in std::mem::take(&mut expected.held) {
            world.thread.finish(message, &mut |_| ()).unwrap();
        }
        for end in [to_self, from_self.unwrap()] {
            world.thread.close(world.thread.lookup(end).unwrap()).unwrap();
        }
        world.close_all();
    }
}

fn random_step(world: &mut World, random: &mut fastrand::Rng, expected: &mut Expected, next: &mut u32) {
    let found = world.thread.lookup(world.client).unwrap();
    match random.u32(..16) {
        0..5 => {
            match world.send(world.server, &text(*next, random)) {
                Ok(()) => expected.plain.push_back(*next),
                Err(error) => assert_eq!(error, Error::ShouldWait),
            }
            *next += 1;
        }
        5..8 => match world.read(world.client) {
            Ok(message) => assert_eq!(Some(number_of(&message.bytes)), expected.plain.pop_front()),
            Err(error) => assert_eq!((error, expected.plain.len()), (Error::ShouldWait, 0)),
        },
        8..10 => match world.thread.receive_in_place(found, Rights::empty()) {
            Ok(message) => {
                let mut bytes = vec![0; message.len()];
                message.read_at(0, &mut bytes).unwrap();
                let number = expected.plain.pop_front();
                assert_eq!(Some(number_of(&bytes)), number);
                expected.held.insert(number.unwrap(), message);
            }
            Err(error) => assert_eq!((error, expected.plain.len()), (Error::ShouldWait, 0)),
        },
        10..12 => {
            let held: Vec<_> = expected.held.keys().copied().collect();
            // The oldest may stay for long.
            if let Some(number) = held.get(random.usize(..held.len().max(1)))
                && (held.len() > 3 || random.u32(..8) == 0)
            {
                let message = expected.held.remove(number).unwrap();
                world.thread.finish(message, &mut |_| ()).unwrap();
            }
        }
        12..14 => match world.begin(&text(0, random)) {
            Ok(call) => {
                expected.requests.push_back(call.txid().0);
                expected.calls.push((call, 0));
            }
            Err(error) => assert_eq!(error, Error::ShouldWait),
        },
        14 => {
            if expected.requests.len() > random.usize(..6) {
                let request = world.read(world.server).unwrap();
                let txid = expected.requests.pop_front().unwrap();
                assert_eq!(request.bytes[..4], txid.to_le_bytes());
                match world.send(world.server, &request.bytes) {
                    Ok(()) => {
                        let answered = expected.calls.iter_mut().find(|(call, _)| call.txid().0 == txid);
                        answered.unwrap().1 = 1;
                    }
                    // The caller will never hear.
                    Err(error) => assert_eq!(error, Error::ShouldWait),
                }
            }
        }
        _ => {
            if let Some(index) =
                random.usize(..8).checked_sub(0).filter(|index| *index < expected.calls.len())
                && expected.calls[index].1 == 1
            {
                let (call, _) = expected.calls.remove(index);
                assert_eq!(world.finish(&call).unwrap().bytes[..4], call.txid().0.to_le_bytes());
            }
        }
    }
}

/// Sends an end to oneself: its private half starts anew.
fn move_an_end(
    world: &mut World,
    (to, from): (HandleValue, HandleValue),
    random: &mut fastrand::Rng,
    expected: &mut Expected,
) {
    let reading = random.bool();
    let end = if reading { world.client } else { world.server };
    if reading {
        // No message may be claimed: after the move, replies of open calls and held messages are free for any reader again.
        while let Some((_, message)) = expected.held.pop_first() {
            world.thread.finish(message, &mut |_| ()).unwrap();
        }
        for (call, answered) in expected.calls.drain(..) {
            match answered {
                1 => drop(world.finish(&call).unwrap()),
                _ => world.thread.call_abandon(&call),
            }
        }
        while let Some(_request) = expected.requests.pop_front() {
            world.read(world.server).unwrap();
        }
    }
    world
        .thread
        .send_with_handles(
            world.thread.lookup(to).unwrap(),
            Rights::empty(),
            &[],
            &[end],
            Rights::empty(),
            None,
        )
        .unwrap();
    let arrived = world.read(from).unwrap().handles[0].value;
    *(if reading { &mut world.client } else { &mut world.server }) = arrived;
}
