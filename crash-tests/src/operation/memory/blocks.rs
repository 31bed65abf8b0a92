//! Message memory on its way back: from idle channels, from other processes' channels, from ended objects; and to the
//! system.
//!
//! Huge blocks are few, so they are soon used up. The action takes one and does not write into it: most steps would be
//! spent on that.

use crate::arena::RECLAIM_BATCH;
use crate::arena::direct;
use crate::operation::channel::write::FIRST_RING;
use crate::operation::fixture::capacity::{HUGE, MOST_HUGE};
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::*;
use jacinth_shm::{IdleMemory, Unused};
use std::time::Duration;

const GUARANTEE: &str =
    "memory on its way back is free; the survivor can make as much as before, and no more";

/// The operations on blocks.
pub fn operations() -> Vec<OperationSpec> {
    vec![
        reserve("reserve_tidying", || {
            let mut fixture = Fixture::measuring_capacity();
            // The victim's end has blocks that are charged to the survivor, and a ring that has grown.
            let (theirs, ours) = idle_channel(1);
            fixture.send(vec![theirs.into()]);
            fixture.kept.push(ours.into());
            fixture
        })
        .exercises_recovery()
        .prepare(|| {
            let control = startup_channel();
            let kept = (receive_handles(&control), idle_channel(MOST_HUGE));
            move || {
                std::mem::forget(control.reserve(HUGE).unwrap());
                (control, kept)
            }
        }),
        reserve("reserve_asking", || {
            let mut fixture = Fixture::measuring_capacity();
            // Apart from these blocks, the arena has enough for each other process to have one.
            let (first, second) = idle_channel(MOST_HUGE);
            fixture.kept.extend([first.into(), second.into()]);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let (first, second) = Channel::create();
            std::mem::forget(first.reserve(HUGE).unwrap());
            move || {
                // On a busy machine the survivor may not answer before the victim gives up asking.
                while control.reserve(HUGE).map(std::mem::forget) == Err(Status::NO_MEMORY) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                (control, first, second)
            }
        }),
        reserve("reserve_after_refusal", Fixture::measuring_capacity).prepare(|| {
            let control = startup_channel();
            let all = channel_with_messages(MOST_HUGE);
            assert_eq!(control.reserve(HUGE).map(drop), Err(Status::NO_RESOURCES));
            drop(all);
            move || {
                control.wait_one(Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE).unwrap();
                std::mem::forget(control.reserve(HUGE).unwrap());
                control
            }
        }),
        close_others(),
        decommit(),
    ]
}

/// A loan for which a block must come back from elsewhere first.
fn reserve(name: &str, set: fn() -> Fixture) -> OperationSpec {
    OperationSpec::new(name, GUARANTEE).set_up(set).check(|fixture, _| {
        fixture.check_no_message()?;
        // A channel keeps its blocks while one of its ends is open.
        fixture.kept.clear();
        fixture.check_capacity(0, 0)
    })
}

/// An idle channel. Its first end has so many huge blocks to spare and a ring that has grown; the second has read all
/// messages.
fn idle_channel(blocks: usize) -> (Channel, Channel) {
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
fn channel_with_messages(number: usize) -> (Channel, Channel) {
    let (first, second) = Channel::create();
    for _ in 0..number {
        first.reserve(HUGE).unwrap().commit().unwrap();
    }
    (first, second)
}

/// Slots and blocks that the survivor has made, and that the victim frees.
fn close_others() -> OperationSpec {
    const EVENTS: u32 = 4;
    OperationSpec::new(
        "close_others",
        "the process that made the freed objects can make as many again, and no more",
    )
    .set_up(|| {
        let mut fixture = Fixture::measuring_capacity();
        let (kept, filled) = (channel_with_messages(1), channel_with_messages(MOST_HUGE - 1));
        let events = (0..EVENTS).map(|_| Event::create().into());
        fixture.send(events.chain([filled.1.into()]).collect());
        fixture.kept.extend([kept.0.into(), kept.1.into()]);
        fixture
    })
    .prepare(|| {
        let control = startup_channel();
        drop(receive_handles(&control));
        for _ in 0..RECLAIM_BATCH - 2 - EVENTS {
            drop(Event::create());
        }
        let last = Event::create();
        move || {
            drop(last);
            control
        }
    })
    .check(|fixture, _| fixture.check_capacity(1, 1))
}

/// Blocks that were used once and are free. Their memory goes back to the system; and so do their descriptors where
/// enough of a size are free at the end of the pool.
fn decommit() -> OperationSpec {
    /// Of the smallest size: more than two pages of descriptors.
    const SMALL: usize = 300;
    /// How many are loans of each end; the others are buffers. Each loan takes a place of a message, and each buffer a slot, of
    /// neither of which there are so many.
    const LOANS: usize = 60;
    /// Takes so many blocks at once, if there are as many. Gives their number.
    fn take_small(first: &Channel, second: &Channel) -> usize {
        let loans = |end: &Channel| {
            let value = end.raw_handle();
            (0..LOANS).map_while(|_| Loan::of_channel(value, 100, 0).ok()).collect::<Vec<_>>()
        };
        let loans = [loans(first), loans(second)];
        let buffers: Vec<_> = (2 * LOANS..SMALL).map_while(|_| BufferMut::create(100).ok()).collect();
        loans.iter().map(Vec::len).sum::<usize>() + buffers.len()
    }
    fn use_some() {
        let (first, second) = idle_channel(1);
        assert_eq!(take_small(&first, &second), SMALL);
        drop((first, second));
        // This process reclaims them: the supervisor would give their memory back at once.
        for _ in 0..RECLAIM_BATCH {
            drop(Event::create());
        }
    }
    let guarantee = "blocks whose memory was going back are free, and usable";
    decommit_idle_memory("decommit", guarantee, use_some, || || true).check(|fixture, _| {
        let (first, second) = Channel::try_create().map_err(|status| status.to_string())?;
        let small = take_small(&first, &second);
        if small < SMALL {
            return Err(format!("of {SMALL} small blocks {small} are left"));
        }
        drop((first, second));
        fixture.check_capacity(0, 0)
    })
}

/// The victim gives idle memory back to the system, as a supervisor does from time to time: the memory that `use_some`
/// has left free, until `go_on` returns `false`.
pub fn decommit_idle_memory<G: FnMut() -> bool + 'static>(
    name: &str,
    guarantee: &'static str,
    use_some: fn(),
    go_on: fn() -> G,
) -> OperationSpec {
    let operation = OperationSpec::new(name, guarantee)
        .set_up(move || {
            let mut fixture = Fixture::measuring_capacity();
            use_some();
            // The victim does not use `jacinth`, so its death is detected a little later than others'.
            fixture.sleepers.clear();
            let control = fixture.control.clone();
            fixture.partner = Some(Box::new(move |_| {
                control.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
                Supervisor::get().unwrap().collect().unwrap();
            }));
            fixture
        })
        .prepare(move || {
            move || {
                // Not during the preparation: the supervisor does not watch a process that attaches before its spawner has
                // reported it.
                let parent = std::os::unix::process::parent_id();
                let thread = direct::attach_to_arena_of(parent).expect("a process slot");
                (IdleMemory::new().pass(&thread, Unused::Now, &mut go_on()).unwrap(), thread)
            }
        });
    // It repeats the same steps for each of many blocks or slots.
    operation.mark_variant()
}
