//! Ports in one process, over an arena on the heap.

mod refused;
mod timers;

use super::cells::{self, MAX_USER_PACKETS};
use super::index;
use crate::arena::error::Error;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::ObjectClass;
use crate::object::channel::read::recv_buf::{OnOverflow, SliceBuf};
use crate::object::class::Edge;
use crate::object::port::observe::AsyncWait;
use crate::object::port::packet::{Packet, PacketContent};
use crate::process::Process;
use crate::process::thread::Thread;
use crate::sync::{Relaxed, now_ns};

const NONE: Rights = Rights::empty();
const USER_0: Signals = Signals::from_bits_retain(1 << 24);
const USER_1: Signals = Signals::from_bits_retain(1 << 25);

struct Bench {
    thread: Thread,
    port: HandleValue,
}

impl Bench {
    fn new() -> Self {
        let thread = Thread::join(&Process::alone(&crate::arena::config::Config {
            max_objects: 64,
            pool_bytes: 4 << 20,
            ..Default::default()
        }))
        .unwrap();
        let port = thread.create(ObjectClass::Port, Rights::all()).unwrap().0;
        Self { thread, port }
    }

    fn found(&self, value: HandleValue) -> ResolvedHandle {
        self.thread.lookup(value).unwrap()
    }

    fn event(&self) -> HandleValue {
        self.thread.create(ObjectClass::Event, Rights::all()).unwrap().0
    }

    fn channel(&self) -> (HandleValue, HandleValue) {
        let (near, far) = self.thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        (near, far.unwrap())
    }

    fn signal(&self, value: HandleValue, clear: Signals, set: Signals) {
        self.thread.signal(self.found(value), clear, set).unwrap();
    }

    fn observe(&self, source: HandleValue, key: u64, trigger: Signals, is_repeating: bool) {
        let wait = AsyncWait { key, trigger, is_repeating };
        self.thread.wait_async(self.found(source), self.found(self.port), wait).unwrap();
    }

    fn queue(&self, key: u64) -> Result<(), Error> {
        self.thread.port_queue(self.found(self.port), key, -5, [key, 2, 3, 4])
    }

    fn next(&self) -> Option<Packet> {
        match self.thread.port_wait(self.port, NONE, 0) {
            Ok(packet) => Some(packet),
            Err(Error::TimedOut) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn next_key(&self) -> Option<u64> {
        self.next().map(|packet| packet.key)
    }

    /// The key and the observed signals of the next packet.
    fn observed(&self) -> Option<(u64, Signals)> {
        self.next().map(|packet| match packet.content {
            PacketContent::Signal { observed, .. } => (packet.key, observed),
            other => panic!("{other:?}"),
        })
    }

    fn send(&self, channel: HandleValue) {
        self.thread.send(self.found(channel), NONE, b"m").unwrap();
    }

    fn read(&self, channel: HandleValue) -> Result<(), Error> {
        let mut bytes = [0; 8];
        let mut buffer = SliceBuf::new(&mut bytes, &mut []);
        self.thread.receive(self.found(channel), NONE, &mut buffer, OnOverflow::Keep).map(drop)
    }

    fn close(&self, value: HandleValue) {
        self.thread.close(self.found(value)).unwrap();
    }

    fn finish(self) {
        self.thread.collect().unwrap();
        let audit = crate::recovery::audit::audit(self.thread.arena());
        assert!(audit.is_clean(), "{audit}");
    }
}

#[test]
fn packets_come_in_their_order() {
    let bench = Bench::new();
    for key in 0..10_000 {
        bench.queue(key).unwrap();
        if key % 3 == 2 {
            assert_eq!(
                (0..3).map(|_| bench.next_key().unwrap()).collect::<Vec<_>>(),
                [key - 2, key - 1, key]
            );
        }
    }
    let content = PacketContent::User { status: -5, words: [9_999, 2, 3, 4] };
    assert_eq!(bench.next(), Some(Packet { key: 9_999, content }));
    assert_eq!(bench.next(), None);
    bench.finish();
}

#[test]
fn user_packets_have_a_limit() {
    let bench = Bench::new();
    for key in 0..MAX_USER_PACKETS as u64 {
        bench.queue(key).unwrap();
    }
    assert_eq!(bench.queue(0), Err(Error::ShouldWait));
    assert_eq!(bench.next_key(), Some(0));
    bench.queue(7).unwrap();
    assert_eq!(bench.queue(0), Err(Error::ShouldWait));
    for key in (1..MAX_USER_PACKETS as u64).chain([7]) {
        assert_eq!(bench.next_key(), Some(key));
    }
    assert_eq!(bench.next_key(), None);
    bench.finish();
}

#[test]
fn one_signal_fires_one_packet() {
    let bench = Bench::new();
    let event = bench.event();
    bench.observe(event, 7, USER_0 | USER_1, false);
    assert_eq!(bench.next(), None);
    bench.signal(event, Signals::empty(), Signals::SIGNALED);
    assert_eq!(bench.next(), None, "not asked for");
    bench.signal(event, Signals::empty(), USER_1);
    bench.signal(event, Signals::empty(), USER_0);
    assert_eq!(bench.observed(), Some((7, Signals::SIGNALED | USER_1)));
    assert_eq!(bench.next(), None);
    bench.observe(event, 8, USER_0, false);
    assert_eq!(bench.observed(), Some((8, Signals::SIGNALED | USER_0 | USER_1)), "asserted already");
    bench.finish();
}

#[test]
fn a_pulse_is_observed() {
    let bench = Bench::new();
    let event = bench.event();
    for is_repeating in [false, true] {
        bench.observe(event, 1, USER_0, is_repeating);
        bench.signal(event, Signals::empty(), USER_0);
        bench.signal(event, USER_0, Signals::empty());
        assert_eq!(bench.observed(), Some((1, USER_0)));
        assert_eq!(bench.next(), None);
    }
    bench.finish();
}

#[test]
fn repeating_observers_fire_for_each_change() {
    let bench = Bench::new();
    let event = bench.event();
    bench.observe(event, 3, USER_0, true);
    for _ in 0..600 {
        bench.signal(event, Signals::empty(), USER_0);
        assert_eq!(bench.observed(), Some((3, USER_0)));
        assert_eq!(bench.next(), None);
        bench.signal(event, Signals::empty(), USER_0);
        assert_eq!(bench.next(), None, "no change");
        bench.signal(event, USER_0, Signals::empty());
        assert_eq!(bench.next(), None);
    }
    bench.signal(event, Signals::empty(), USER_0);
    bench.signal(event, USER_0, USER_1);
    bench.signal(event, USER_1, USER_0);
    assert_eq!(bench.observed(), Some((3, USER_0)), "one packet while it is queued");
    assert_eq!(bench.next(), None);
    bench.finish();
}

#[test]
fn no_round_of_changes_hides_one() {
    let bench = Bench::new();
    let (near, far) = bench.channel();
    let event = bench.event();
    bench.observe(event, 1, USER_0, true);
    bench.observe(near, 2, Signals::PEER_CLOSED, true);
    // The version of stored signals has eight bits.
    for others in 250..260 {
        for number in 0..others {
            let (clear, set) =
                if number % 2 == 0 { (Signals::empty(), USER_1) } else { (USER_1, Signals::empty()) };
            bench.signal(event, clear, set);
        }
        bench.signal(event, USER_1, USER_0);
        assert_eq!(bench.next_key(), Some(1), "{others}");
        assert_eq!(bench.next(), None);
        bench.signal(event, USER_0, Signals::empty());
    }
    for number in 0..255 {
        let (clear, set) =
            if number % 2 == 0 { (Signals::empty(), USER_1) } else { (USER_1, Signals::empty()) };
        bench.signal(near, clear, set);
    }
    bench.close(far);
    assert_eq!(bench.next_key(), Some(2));
    bench.finish();
}

#[test]
fn channels_announce_messages_until_read() {
    let bench = Bench::new();
    let (near, far) = bench.channel();
    bench.observe(far, 5, Signals::READABLE, true);
    for _ in 0..3 {
        bench.send(near);
        bench.send(near);
        assert_eq!(bench.observed(), Some((5, Signals::READABLE | Signals::WRITABLE)));
        bench.send(near);
        assert_eq!(bench.next(), None, "it has not been empty");
        for _ in 0..3 {
            bench.read(far).unwrap();
        }
        assert_eq!(bench.read(far), Err(Error::ShouldWait));
        assert_eq!(bench.next(), None);
    }
    bench.observe(far, 6, Signals::READABLE | Signals::PEER_CLOSED, false);
    bench.send(near);
    assert_eq!(bench.next_key(), Some(5));
    assert_eq!(bench.next_key(), Some(6));
    bench.close(near);
    let changed = Some((5, Signals::READABLE | Signals::PEER_CLOSED));
    assert_eq!(bench.observed(), changed, "signals have changed, and READABLE is asserted");
    assert_eq!(bench.next(), None, "PEER_CLOSED is not in the other trigger");
    bench.observe(far, 9, Signals::PEER_CLOSED, false);
    assert_eq!(bench.observed(), Some((9, Signals::READABLE | Signals::PEER_CLOSED)));
    bench.finish();
}

#[test]
fn room_is_announced_when_used_up() {
    let bench = Bench::new();
    let options =
        crate::object::channel::options::ChannelOptions { max_pending_messages: 2, ..Default::default() };
    let (near, far) = bench.thread.create_channel(options, Rights::all()).unwrap();
    let far = far.unwrap();
    bench.observe(near, 1, Signals::WRITABLE, true);
    assert_eq!(bench.next_key(), Some(1), "there is room at first");
    for _ in 0..5 {
        bench.send(near);
        assert_eq!(bench.next(), None);
        bench.send(near);
        assert_eq!(bench.thread.send(bench.found(near), NONE, b"m"), Err(Error::ShouldWait));
        bench.read(far).unwrap();
        assert_eq!(bench.next_key(), Some(1));
        bench.read(far).unwrap();
        assert_eq!(bench.next(), None, "that room was announced");
        bench.send(near);
        bench.send(near);
        bench.read(far).unwrap();
        assert_eq!(bench.next_key(), Some(1));
        bench.read(far).unwrap();
    }
    bench.finish();
}

#[test]
fn cancelling_removes_observers_and_packets() {
    let bench = Bench::new();
    let (event, other) = (bench.event(), bench.event());
    let cancel = |source, key| bench.thread.port_cancel(bench.found(bench.port), bench.found(source), key);
    assert_eq!(cancel(event, 1), Ok(false));
    for is_repeating in [false, true] {
        bench.observe(event, 1, USER_0, is_repeating);
        bench.observe(event, 2, USER_0, is_repeating);
        bench.observe(other, 1, USER_0, is_repeating);
        assert_eq!(cancel(event, 1), Ok(true));
        assert_eq!(cancel(event, 1), Ok(false));
        bench.signal(event, Signals::empty(), USER_0);
        bench.signal(other, Signals::empty(), USER_0);
        assert_eq!(cancel(other, 1), Ok(true), "its packet is queued");
        assert_eq!(bench.next_key(), Some(2));
        assert_eq!(bench.next(), None);
        for event in [event, other] {
            bench.signal(event, USER_0, Signals::empty());
        }
        assert_eq!(cancel(event, 2), Ok(is_repeating));
        assert_eq!(cancel(other, 1), Ok(false));
    }
    bench.finish();
}

#[test]
fn closing_a_handle_ends_its_observers() {
    let bench = Bench::new();
    let event = bench.event();
    let copy = bench.thread.duplicate(bench.found(event), Rights::all()).unwrap();
    bench.observe(copy, 1, USER_0, false);
    bench.observe(copy, 2, USER_1, true);
    bench.observe(event, 3, USER_0 | USER_1, false);
    bench.signal(event, Signals::empty(), USER_1);
    bench.close(copy);
    bench.signal(event, USER_1, USER_0);
    assert_eq!(bench.observed(), Some((2, USER_1)), "its packet stays");
    assert_eq!(bench.observed(), Some((3, USER_1)));
    assert_eq!(bench.next(), None, "no observer of the closed handle fires");
    bench.observe(event, 4, Signals::SIGNALED, true);
    let event = bench.thread.replace(bench.found(event), Rights::all()).unwrap();
    bench.signal(event, Signals::empty(), Signals::SIGNALED);
    assert_eq!(bench.next(), None, "a replaced handle is gone too");
    bench.finish();
}

#[test]
fn sending_a_handle_ends_its_observers() {
    let bench = Bench::new();
    let ((near, _far), event) = (bench.channel(), bench.event());
    let kept = bench.thread.duplicate(bench.found(event), Rights::all()).unwrap();
    bench.observe(event, 1, USER_0, true);
    bench.thread.send_with_handles(bench.found(near), NONE, b"", &[event], NONE, None).unwrap();
    bench.signal(kept, Signals::empty(), USER_0);
    assert_eq!(bench.next(), None);
    bench.finish();
}

#[test]
fn ports_and_objects_end_in_any_order() {
    for order in 0..2 {
        let bench = Bench::new();
        for round in 0..100 {
            let port = bench.thread.create(ObjectClass::Port, Rights::all()).unwrap().0;
            let events: Vec<_> = (0..5).map(|_| bench.event()).collect();
            for (key, event) in (0..).zip(&events) {
                let wait = AsyncWait { key, trigger: USER_0, is_repeating: key % 2 == 0 };
                bench.thread.wait_async(bench.found(*event), bench.found(port), wait).unwrap();
                bench.thread.wait_async(bench.found(*event), bench.found(bench.port), wait).unwrap();
            }
            bench.signal(events[round % 5], Signals::empty(), USER_0);
            if order == 0 {
                bench.close(port);
            }
            bench.signal(events[(round + 1) % 5], Signals::empty(), USER_0);
            events.iter().for_each(|event| bench.close(*event));
            if order == 1 {
                bench.close(port);
            }
            assert_eq!(bench.next_key(), Some(round as u64 % 5));
            assert_eq!(bench.next_key(), Some((round as u64 + 1) % 5));
            assert_eq!(bench.next(), None);
        }
        bench.finish();
    }
}

#[test]
fn many_observers_of_one_side_all_fire() {
    let bench = Bench::new();
    let event = bench.event();
    for round in 0..3 {
        for key in 0..5_000 {
            bench.observe(event, key, USER_0, false);
        }
        bench.signal(event, Signals::empty(), USER_0);
        let mut keys: Vec<_> = (0..5_000).map(|_| bench.next_key().unwrap()).collect();
        assert_eq!(bench.next(), None, "{round}");
        keys.sort_unstable();
        assert!(keys.into_iter().eq(0..5_000), "more than the ring has places for");
        bench.signal(event, USER_0, Signals::empty());
    }
    bench.finish();
}

/// A thread that is late to note a mark must not note it for the cell's next observer.
#[test]
fn late_marks_are_not_noted() {
    let bench = Bench::new();
    let (near, far) = bench.channel();
    bench.observe(far, 1, Signals::READABLE, true);
    let port = bench.found(bench.port).entry.object().slot();
    let observers = || cells::all(bench.thread.arena(), port).map(Result::unwrap);
    let cell = observers().find(|cell| cell.load().is_repeating()).unwrap();
    let (late, before) = (cell.interest().registration(), cell.seen(0));
    let mark = |mark| Edge { signal: Signals::READABLE, mark, passed: 0, wraps: false };
    cell.note_seen(0, &mark(3), late, before);
    assert_eq!(cell.seen(0).mark(), 3, "in time");
    assert_eq!(bench.thread.port_cancel(bench.found(bench.port), bench.found(far), 1), Ok(true));
    let (_, other) = bench.channel();
    bench.observe(other, 2, Signals::READABLE, true);
    for wraps in [false, true] {
        cell.note_seen(0, &Edge { wraps, ..mark(1000) }, late, cell.seen(0));
        assert_eq!(cell.seen(0).mark(), 0, "the cell has another observer");
    }
    bench.send(near);
    bench.finish();
}

/// An evaluator that clears a word of the slot's earlier port must not clear a word of the next one.
#[test]
fn index_words_of_successive_ports_differ() {
    let bench = Bench::new();
    let event = bench.event();
    let side = bench.found(event).entry.object();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let port = bench.thread.create(ObjectClass::Port, Rights::all()).unwrap().0;
        let wait = AsyncWait { key: 1, trigger: USER_0, is_repeating: true };
        bench.thread.wait_async(bench.found(event), bench.found(port), wait).unwrap();
        for word in index::words(bench.thread.arena(), side).unwrap() {
            let word = word.unwrap().swap(0, Relaxed);
            assert!(word == 0 || seen.insert(word), "{word:#x} again");
        }
        bench.close(port);
        bench.thread.collect().unwrap();
    }
    assert_eq!(seen.len(), 20);
}

#[test]
fn other_objects_are_no_ports() {
    let bench = Bench::new();
    let event = bench.event();
    assert_eq!(bench.thread.port_queue(bench.found(event), 1, 0, [0; 4]), Err(Error::WrongType));
    assert_eq!(bench.thread.port_wait(event, NONE, 0), Err(Error::WrongType));
    let wait = AsyncWait { key: 1, trigger: USER_0, is_repeating: false };
    assert_eq!(bench.thread.wait_async(bench.found(event), bench.found(event), wait), Err(Error::WrongType));
    bench.close(bench.port);
    assert_eq!(bench.thread.port_wait(bench.port, NONE, 0), Err(Error::BadHandle));
}

/// P5: damaged hints of the ring hold up no call: each ends, with a packet or an error.
#[test]
fn damaged_hints_end_no_process() {
    let mut bench = Bench::new();
    let event = bench.event();
    for damage in [1, 4095, 4096, 1 << 22, (1 << 35) - 1, 1 << 63, u64::MAX] {
        for number in 0..3 {
            bench.close(bench.port);
            bench.port = bench.thread.create(ObjectClass::Port, Rights::all()).unwrap().0;
            bench.queue(1).unwrap();
            bench.queue(2).unwrap();
            assert_eq!(bench.next_key(), Some(1));
            let port = bench.found(bench.port).entry.object().slot();
            let body = super::blocks::body(bench.thread.arena(), port).unwrap();
            [body.head(), body.tail(), body.overflow()][number].store(damage, crate::sync::Relaxed);
            for key in 3..6 {
                let queued = bench.queue(key);
                assert!(matches!(queued, Ok(()) | Err(Error::Corrupt(_))), "{queued:?}");
                let wait = AsyncWait { key, trigger: USER_0, is_repeating: key == 3 };
                bench.thread.wait_async(bench.found(event), bench.found(bench.port), wait).unwrap();
                bench.signal(event, Signals::empty(), USER_0);
                bench.signal(event, USER_0, Signals::empty());
                let taken = bench.thread.port_wait(bench.port, NONE, 0);
                assert!(matches!(taken, Ok(_) | Err(Error::TimedOut | Error::Corrupt(_))), "{taken:?}");
                bench.thread.port_cancel(bench.found(bench.port), bench.found(event), key).unwrap();
            }
        }
    }
    bench.close(bench.port);
    bench.finish();
}
