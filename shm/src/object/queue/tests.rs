//! Queues of both sides of an object, with one place each, in blocks that come with the first use.

use crate::arena::Arena;
use crate::arena::config::Config;
use crate::arena::error::{Error, Result};
use crate::arena::record::row::HAZARD_SECOND;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::handle::pin;
use crate::lifecycle::teardown;
use crate::object::ObjectClass;
use crate::object::budget::Budget;
use crate::object::class::Class;
use crate::object::own_block;
use crate::object::queue::{self, HasQueue, Queue};
use crate::process::Process;
use crate::process::thread::Thread;
use crate::sync::Relaxed;

/// An event pair, which uses no words of its body, with a queue for each side.
struct PairWithQueues;

impl Class for PairWithQueues {
    const NUMBER: u8 = 255;
    const SIDES: usize = 2;
    type Progress = ();

    fn queue(arena: &Arena, side: ObjectRef) -> Result<Option<Queue<'_>>> {
        let block = &arena.direction(side)?.producer.blocks;
        Ok(Some(Queue { arena, side, block, lines_before: 1, backlog: 1, tickets: None }))
    }
}

impl HasQueue for PairWithQueues {
    /// Counts, in a word of the side's own.
    fn tell_of_room(thread: &Thread, side: ObjectRef) -> Result<()> {
        thread.arena().direction(side)?.producer.tail.fetch_add(1, Relaxed);
        Ok(())
    }
}

/// A thread, and its two handles to such an object, with their sides. A hazard keeps the object.
fn joined() -> (Thread, [(HandleValue, ObjectRef); 2]) {
    let config = Config { max_objects: 64, max_processes: 1, pool_bytes: 1 << 16, ..Config::default() };
    let thread = Thread::join(&Process::alone(&config)).unwrap();
    let (near, far) = thread.create(ObjectClass::EventPair, Rights::all()).unwrap();
    let sides = [near, far.unwrap()].map(|value| (value, thread.lookup(value).unwrap().entry.object()));
    pin::pin_at(&thread, thread.lookup(near).unwrap(), HAZARD_SECOND).unwrap();
    (thread, sides)
}

fn queue_of(thread: &Thread, side: ObjectRef) -> Queue<'_> {
    queue::of::<PairWithQueues>(thread.arena(), side).unwrap()
}

fn offer(thread: &Thread, side: ObjectRef, value: HandleValue) -> Result<()> {
    queue_of(thread, side).link(thread, |_| {})?;
    queue::offer::<PairWithQueues>(thread, side, thread.lookup(value).unwrap())
}

fn accept(thread: &Thread, side: ObjectRef) -> Option<HandleValue> {
    queue::accept::<PairWithQueues>(thread, side).unwrap().map(|received| received.value)
}

fn close(thread: &Thread, value: HandleValue) {
    thread.close(thread.lookup(value).unwrap()).unwrap();
}

fn event(thread: &Thread) -> HandleValue {
    thread.create(ObjectClass::Event, Rights::all()).unwrap().0
}

/// Whether the other end of the channel is closed.
fn is_peer_closed(thread: &Thread, end: HandleValue) -> bool {
    thread.signals(thread.lookup(end).unwrap()).unwrap().contains(Signals::PEER_CLOSED)
}

/// The class of event pairs knows of no words.
fn assert_clean_without_queues(thread: &Thread, sides: [ObjectRef; 2]) {
    for side in sides {
        own_block::unlink(thread, side, queue_of(thread, side).block).unwrap();
        thread.arena().direction(side).unwrap().producer.tail.store(0, Relaxed);
    }
    pin::clear_hazard(thread, HAZARD_SECOND);
    thread.collect().unwrap();
    assert!(thread.arena().audit().is_clean(), "{}", thread.arena().inspect());
}

#[test]
fn each_side_has_its_own_queue() {
    let (thread, [(_, near), (_, far)]) = joined();
    // Without a block there is no place.
    let first = event(&thread);
    let early = queue::offer::<PairWithQueues>(&thread, far, thread.lookup(first).unwrap());
    assert_eq!((early, accept(&thread, far)), (Err(Error::ShouldWait), None));
    let mut contents = Vec::new();
    for round in 0..3 {
        offer(&thread, far, event(&thread)).unwrap();
        contents.push(queue_of(&thread, far).content().unwrap());
        assert_eq!(offer(&thread, far, first), Err(Error::ShouldWait), "one place");
        assert_eq!((accept(&thread, near), queue_of(&thread, near).content()), (None, Ok(None)));
        close(&thread, accept(&thread, far).unwrap());
        let told = thread.arena().direction(far).unwrap().producer.tail.load(Relaxed);
        assert_eq!((told, accept(&thread, far)), (round + 1, None));
    }
    assert!(contents[0].is_some() && contents[0] != contents[1] && contents[1] != contents[2]);
    offer(&thread, near, first).unwrap();
    assert!(accept(&thread, far).is_none());
    close(&thread, accept(&thread, near).unwrap());
    assert_clean_without_queues(&thread, [near, far]);
}

#[test]
fn class_words_precede_the_places() {
    let (thread, [(_, near), (_, far)]) = joined();
    let queue = queue_of(&thread, far);
    let own = |value| {
        own_block::lines(thread.arena(), queue.block).unwrap().unwrap()[0].0[7].load(Relaxed) == value
    };
    queue.link(&thread, |lines| lines[0].0[7].store(9, Relaxed)).unwrap();
    queue.link(&thread, |lines| lines[0].0[7].store(8, Relaxed)).unwrap();
    assert!(own(9), "linked once");
    offer(&thread, far, event(&thread)).unwrap();
    close(&thread, accept(&thread, far).unwrap());
    assert!(own(9));
    assert_clean_without_queues(&thread, [near, far]);
}

#[test]
fn a_queue_ends_with_its_own_side() {
    let (thread, [(_, near), (far_value, far)]) = joined();
    let (kept, sent) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
    let (other, late) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
    let (last, stays) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
    offer(&thread, far, sent.unwrap()).unwrap();
    close(&thread, far_value);
    assert!(!is_peer_closed(&thread, kept), "an event pair's teardown knows of no queue");
    queue::end::<PairWithQueues>(&thread, far, &mut Budget::unlimited()).unwrap();
    teardown::run_release_queue(&thread).unwrap();
    assert!(is_peer_closed(&thread, kept));
    // The other side goes on.
    offer(&thread, near, stays.unwrap()).unwrap();
    queue::after_death::<PairWithQueues>(&thread, near).unwrap();
    offer(&thread, far, late.unwrap()).unwrap();
    teardown::run_release_queue(&thread).unwrap();
    assert_eq!((is_peer_closed(&thread, other), is_peer_closed(&thread, last)), (true, false));
    close(&thread, accept(&thread, near).unwrap());
    assert_clean_without_queues(&thread, [near, far]);
}

/// A thread that died after its record was LIVE.
#[test]
fn recovery_closes_late_offers() {
    let (thread, [(_, near), (far_value, far)]) = joined();
    let (kept, sent) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
    offer(&thread, far, sent.unwrap()).unwrap();
    queue::after_death::<PairWithQueues>(&thread, far).unwrap();
    assert!(!is_peer_closed(&thread, kept), "the side is held");
    close(&thread, far_value);
    queue::after_death::<PairWithQueues>(&thread, near).unwrap();
    teardown::run_release_queue(&thread).unwrap();
    assert!(!is_peer_closed(&thread, kept), "the other side is held");
    queue::after_death::<PairWithQueues>(&thread, far).unwrap();
    teardown::run_release_queue(&thread).unwrap();
    assert!(is_peer_closed(&thread, kept));
    assert_clean_without_queues(&thread, [near, far]);
}
