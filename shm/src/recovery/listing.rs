//! Lists of all objects and threads of an arena, for a person who asks why a program does not go on.
//!
//! The words are read one by one while other threads work, so a list is of no single moment: an object may have ended when
//! the next one is read. Every value is checked like any other that comes from the arena.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::refcount::Count;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::row::{RowState, Waiting};
use crate::arena::word::signals::{Signals, State};
use crate::memory::{slot_pages, slot_pool};
use crate::object::ObjectClass;
use crate::sync::Relaxed;

/// One side of a live object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedSide {
    /// The koid of the side.
    pub koid: u64,
    /// What the object is.
    pub class: ObjectClass,
    /// The koid of the other side; 0 for an object with one side.
    pub related_koid: u64,
    /// How many handles refer to the side, in tables and in messages.
    pub handles: u32,
    /// The stored signals. Those of a channel that follow from its rings are not among them.
    pub signals: Signals,
    /// Whether a thread has armed the side and perhaps sleeps on it.
    pub has_waiters: bool,
    /// Whether a thread waits for the side to become writable.
    pub has_write_waiters: bool,
    /// Whether changers of derived signals fence and look for waiters.
    pub fenced: bool,
    /// Whether the heavy barrier after `fenced` is over, so that a sleeper may rely on it.
    pub barrier_done: bool,
    /// How many messages the side has sent, of a class that queues messages.
    pub tail: u64,
    /// How many of these the other side has consumed in order. While a message is being sent it may be greater than
    /// `tail`: the receiver may take the message before the sender counts it.
    pub head: u64,
}

/// One thread with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ListedThread {
    /// Its thread row.
    pub row: u16,
    /// The row of its process.
    pub process: u16,
    /// Whether it sleeps in a wait.
    pub is_asleep: bool,
    /// For how many objects it waits, while it sleeps.
    pub items: u32,
    /// The koid of the first of them; 0: none, or its object has ended.
    pub first_koid: u64,
    /// Whether its row names an operation, a block, a slot or a side that is being worked on.
    pub is_working: bool,
}

pub(crate) fn objects(arena: &Arena) -> Result<Vec<ListedSide>> {
    let mut listed = Vec::new();
    for slot in slot_pool::slots_in_use(arena) {
        let lifecycle = slot_pages::lifecycle_of(arena, slot)?;
        // A class that is not known is damage, which the audit reports. The list shows the rest of the arena all the
        // same.
        let (LifecycleState::Live, Ok(class)) = (lifecycle.state(), ObjectClass::of(lifecycle)) else {
            continue;
        };
        for side in 0..class.sides() {
            listed.push(side_of(arena, ObjectRef::new(slot, side as u32), class)?);
        }
    }
    Ok(listed)
}

fn side_of(arena: &Arena, object: ObjectRef, class: ObjectClass) -> Result<ListedSide> {
    let (record, side) = (arena.object(object.slot())?, object.side());
    // Relaxed, all of them: see the first page.
    // No hazard holds the object: it may end between two loads, and the line may then mix words of two objects.
    let koid = record.koid.load(Relaxed);
    let state = State(record.state[side].load(Relaxed));
    let (tail, head) = if class.has_rings() {
        let direction = arena.direction(object)?;
        (direction.producer.tail.load(Relaxed), direction.consumer.head.load(Relaxed))
    } else {
        (0, 0)
    };
    Ok(ListedSide {
        // Wrapping, here and below: a damaged koid must not panic.
        koid: koid.wrapping_add(side as u64),
        class,
        related_koid: if class.sides() == 2 { koid.wrapping_add(1 - side as u64) } else { 0 },
        handles: Count(record.count[side].load(Relaxed)).number() as u32,
        signals: state.signals(),
        has_waiters: state.has(State::HAS_WAITERS),
        has_write_waiters: state.has(State::HAS_WRITE_WAITERS),
        fenced: state.has(State::FENCED),
        barrier_done: state.is_barrier_done(),
        tail,
        head,
    })
}

pub(crate) fn threads(arena: &Arena) -> Result<Vec<ListedThread>> {
    let mut listed = Vec::new();
    for tag in arena.thread_tags() {
        let row = arena.thread(tag)?;
        // Relaxed, as above.
        // A row that names no process is free, and its other words are of no thread.
        let Some(process) = RowState(row.state.load(Relaxed)).thread_owner() else { continue };
        let waiting = Waiting(row.waiting().load(Relaxed));
        listed.push(ListedThread {
            row: tag.0,
            process: process.0,
            is_asleep: waiting.is_asleep(),
            items: waiting.items(),
            first_koid: waiting.first().map_or(0, |object| koid_of(arena, object)),
            is_working: row.has_work(),
        });
    }
    Ok(listed)
}

fn koid_of(arena: &Arena, object: ObjectRef) -> u64 {
    // A row's word is a claim of another process: the slot may be out of range, or hold another object by now.
    let Ok(record) = arena.object(object.slot()) else { return 0 };
    match Lifecycle(record.lifecycle.load(Relaxed)).state() {
        LifecycleState::Live => record.koid.load(Relaxed).wrapping_add(object.side() as u64),
        _ => 0,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::arena::error::Error;
    use crate::arena::word::handle::Rights;
    use crate::process::Process;
    use crate::process::thread::Thread;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    fn first_process() -> Arc<Process> {
        let arena = Arc::new(Arena::create(&Config::default()).unwrap());
        Process::attach(arena.clone(), arena.first_slot().unwrap(), std::process::id(), 1).unwrap()
    }

    #[test]
    fn live_objects_are_listed_with_their_queues() {
        let process = first_process();
        let thread = Thread::join(&process).unwrap();
        let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
        let (near, _) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        thread
            .signal(thread.lookup(event).unwrap(), Signals::empty(), Signals::from_bits_retain(1 << 24))
            .unwrap();
        thread.send(thread.lookup(near).unwrap(), Rights::empty(), b"one").unwrap();
        let listed = process.arena.list_objects().unwrap();
        let classes: Vec<_> = listed.iter().map(|side| side.class).collect();
        assert_eq!(classes, [ObjectClass::Event, ObjectClass::Channel, ObjectClass::Channel]);
        assert_eq!(
            (listed[0].signals, listed[0].handles, listed[0].related_koid),
            (Signals::from_bits_retain(1 << 24), 1, 0)
        );
        assert_eq!((listed[1].tail, listed[1].head, listed[2].tail), (1, 0, 0));
        assert_eq!(listed[1].related_koid, listed[2].koid);
        thread.close(thread.lookup(event).unwrap()).unwrap();
        assert_eq!(process.arena.list_objects().unwrap().len(), 2, "an object that ended is not listed");
    }

    #[test]
    fn sleeping_threads_name_their_object() {
        let process = first_process();
        let thread = Thread::join(&process).unwrap();
        let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
        let koid = thread.basic(thread.lookup(event).unwrap()).unwrap().koid;
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                let sleeper = Thread::join(&process).unwrap();
                sleeper.wait_one(event, Rights::empty(), Signals::from_bits_retain(1 << 24), i64::MAX).0
            });
            let deadline = Instant::now() + Duration::from_secs(60);
            let is_listed = |thread: &ListedThread| {
                (thread.is_asleep, thread.items, thread.first_koid) == (true, 1, koid)
            };
            while !process.arena.list_threads().unwrap().iter().any(is_listed) {
                assert!(Instant::now() < deadline, "no thread is listed as asleep on the event");
                std::thread::sleep(Duration::from_millis(1));
            }
            let listed = process.arena.list_objects().unwrap();
            assert!(listed[0].has_waiters, "{listed:?}");
            thread
                .signal(thread.lookup(event).unwrap(), Signals::empty(), Signals::from_bits_retain(1 << 24))
                .unwrap();
            sleeper.join().unwrap().unwrap();
        });
        // This thread keeps its row after its own wait.
        let waited = thread
            .wait_one(
                event,
                Rights::empty(),
                Signals::from_bits_retain(1 << 25),
                crate::sync::now_ns() + 2_000_000,
            )
            .0;
        assert_eq!(waited, Err(Error::TimedOut));
        let listed = process.arena.list_threads().unwrap();
        assert!(!listed.is_empty() && listed.iter().all(|thread| !thread.is_asleep), "{listed:?}");
    }
}
