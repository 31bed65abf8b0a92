//! Message memory and slots on their way back: from quiet channels, from others', from what has ended; and to the
//! system.
//!
//! Huge blocks are few, so they are soon used up. What is stepped through takes one and writes nothing into it: that
//! would be most of the steps.

use crate::arena::RECLAIM_BATCH;
use crate::operation::channel::write::FIRST_RING;
use crate::operation::fixture::capacity::{HUGE, MOST_HUGE};
use crate::operation::{Operation, Scene, given, startup};
use crate::process::recoverer;
use jacinth::*;
use jacinth_shm::{IdleMemory, Unused};
use std::time::Duration;

const CLAIM: &str =
    "memory that was on its way back is free; the survivor can make as much as before, and no more";

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        reserve("reserve_tidying", || {
            let mut scene = Scene::with_room();
            // The victim's part of this has blocks that count for the survivor, and a ring that has grown.
            let (theirs, ours) = quiet(1);
            scene.give(vec![theirs.into()]);
            scene.kept.push(ours.into());
            scene
        })
        .prepare(|| {
            let line = startup();
            let kept = (given(&line), quiet(MOST_HUGE));
            move || {
                std::mem::forget(line.reserve(HUGE).unwrap());
                (line, kept)
            }
        }),
        reserve("reserve_asking", || {
            let mut scene = Scene::with_room();
            // Beside these the arena has a block for each of the others to have one.
            let (first, second) = quiet(MOST_HUGE);
            scene.kept.extend([first.into(), second.into()]);
            scene
        })
        .prepare(|| {
            let line = startup();
            let (first, second) = Channel::create();
            std::mem::forget(first.reserve(HUGE).unwrap());
            move || {
                // On a busy machine the survivor may not answer before the victim gives up asking.
                while line.reserve(HUGE).map(std::mem::forget) == Err(Status::NO_MEMORY) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                (line, first, second)
            }
        }),
        reserve("reserve_after_refusal", Scene::with_room).prepare(|| {
            let line = startup();
            let all = with_messages(MOST_HUGE);
            assert_eq!(line.reserve(HUGE).map(drop), Err(Status::NO_RESOURCES));
            drop(all);
            move || {
                line.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE).unwrap();
                std::mem::forget(line.reserve(HUGE).unwrap());
                line
            }
        }),
        close_others(),
        give_back(),
    ]
}

/// A loan whose block must come back from somewhere first.
fn reserve(name: &str, set: fn() -> Scene) -> Operation {
    Operation::new(name, CLAIM).set(set).check(|scene, _| {
        scene.nothing_more()?;
        // A channel keeps its blocks for as long as it has an end.
        scene.kept.clear();
        scene.has_room(0, 0)
    })
}

/// A channel whose first end has so many huge blocks to spare, and a ring that has grown; and the second has been read
/// to the end.
fn quiet(blocks: usize) -> (Channel, Channel) {
    let (first, second) = Channel::create();
    for _ in 0..=FIRST_RING {
        first.write(b"small", &mut []).unwrap();
    }
    let mut message = MessageBuf::new();
    while second.read(&mut message).is_ok() {}
    drop((0..blocks).map(|_| first.reserve(HUGE).unwrap()).collect::<Vec<_>>());
    (first, second)
}

/// A channel with so many huge messages pending.
fn with_messages(number: usize) -> (Channel, Channel) {
    let (first, second) = Channel::create();
    for _ in 0..number {
        first.reserve(HUGE).unwrap().commit().unwrap();
    }
    (first, second)
}

/// Slots and blocks that another process has made, and that this one frees.
fn close_others() -> Operation {
    const EVENTS: u32 = 4;
    Operation::new("close_others", "who made what is freed can make as much again, and no more")
        .set(|| {
            let mut scene = Scene::with_room();
            let (kept, filled) = (with_messages(1), with_messages(MOST_HUGE - 1));
            let events = (0..EVENTS).map(|_| Event::create().into());
            scene.give(events.chain([filled.1.into()]).collect());
            scene.kept.extend([kept.0.into(), kept.1.into()]);
            scene
        })
        .prepare(|| {
            let line = startup();
            drop(given(&line));
            for _ in 0..RECLAIM_BATCH - 2 - EVENTS {
                drop(Event::create());
            }
            let last = Event::create();
            move || {
                drop(last);
                line
            }
        })
        .check(|scene, _| scene.has_room(1, 1))
}

/// Blocks that were used once and are free: their memory goes back, and, where enough of a size are free at the end, so do
/// their descriptors.
fn give_back() -> Operation {
    /// Of the smallest size: more than two pages of descriptors.
    const SMALL: usize = 300;
    fn use_some() {
        let (first, second) = quiet(1);
        drop((0..SMALL).map(|_| first.reserve(100).unwrap()).collect::<Vec<_>>());
        drop((first, second));
        // Freed here: the supervisor would go on to give their memory back.
        for _ in 0..RECLAIM_BATCH {
            drop(Event::create());
        }
    }
    let claim = "blocks whose memory was going back are free, and can be used";
    giver("give_back", claim, use_some, || || true).check(|scene, _| {
        let (first, second) = Channel::try_create().map_err(|status| status.to_string())?;
        let small: Vec<_> = (0..SMALL).map_while(|_| first.reserve(100).ok()).collect();
        if small.len() < SMALL {
            return Err(format!("of {SMALL} small blocks there are {} left", small.len()));
        }
        drop(small);
        drop((first, second));
        scene.has_room(0, 0)
    })
}

/// What a supervisor does from time to time, here without being one: the memory of what `use_some` has left free goes back
/// to the system, for as long as the victim goes on.
pub(crate) fn giver<G: FnMut() -> bool + 'static>(
    name: &str,
    claim: &'static str,
    use_some: fn(),
    go_on: fn() -> G,
) -> Operation {
    let operation = Operation::new(name, claim)
        .set(move || {
            let mut scene = Scene::with_room();
            use_some();
            // The victim makes no call of the runtime's, and so its death is noticed a little later than others'.
            scene.sleepers.clear();
            let line = scene.line.clone();
            scene.partner = Some(Box::new(move |_| {
                line.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
                Supervisor::get().unwrap().collect().unwrap();
            }));
            scene
        })
        .prepare(move || {
            move || {
                // Not before: nobody watches a process that takes its seat before its spawner has reported it.
                let parent = std::os::unix::process::parent_id();
                let thread = recoverer::sit_down(parent).expect("a place in the arena");
                (IdleMemory::new().pass(&thread, Unused::Now, &mut go_on()).unwrap(), thread)
            }
        });
    // The same once more for each of many blocks or slots.
    Operation { is_again: true, ..operation }
}
