//! Object slots: reused, reclaimed, searched for, exhausted.

use crate::arena::RECLAIM_BATCH;
use crate::operation::fixture::{Fixture, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// How many slots one word of the map of free slots covers, and how many objects are on a page.
pub const SLOTS_PER_WORD: u32 = 64;

const REUSED: &str = "a retired slot that its process reuses is free afterwards";

/// The operations on slots.
pub fn operations() -> Vec<OperationSpec> {
    vec![
        OperationSpec::new("create_event_again", REUSED).prepare(|| {
            retire_objects(startup_channel());
            || Event::create()
        }),
        OperationSpec::new("create_channel_again", REUSED).prepare(|| {
            retire_objects(startup_channel());
            || Channel::create()
        }),
        OperationSpec::new("create_first", "a search for free slots leaves nothing behind").prepare(|| {
            let control = startup_channel();
            move || (Channel::create(), control)
        }),
        create_next_leaf(),
        create_reclaiming(),
        create_over_quota(),
        close_reclaiming(),
        close_when_all_slots_are_taken(),
    ]
}

/// Creates and closes more objects than a thread retires before it reclaims a batch, and fewer than would use up the
/// slots that are reusable then.
fn retire_objects(control: Channel) {
    for _ in 0..RECLAIM_BATCH * 3 / 2 {
        drop(Event::create());
    }
    std::mem::forget(control);
}

fn create_next_leaf() -> OperationSpec {
    OperationSpec::new("create_next_leaf", "slots that others have freed are found, however many there are")
        .set_up(Fixture::measuring_capacity)
        .prepare(|| {
            let control = startup_channel();
            let supervisor = Supervisor::get().unwrap();
            let mut events = Vec::new();
            while supervisor.inspect().objects < SLOTS_PER_WORD - 4 {
                events.push(Event::create());
            }
            // The lowest slots are taken first: these events take all slots of one word of the map.
            move || {
                events.extend((0..8).map(|_| Event::create()));
                (control, events)
            }
        })
        .check(|fixture, _| fixture.check_capacity(0, 0))
}

fn create_reclaiming() -> OperationSpec {
    OperationSpec::new(
        "create_reclaiming",
        "the next thread that needs slots finishes an unfinished reclamation",
    )
    .set_up(|| {
        let mut fixture = Fixture::new();
        // With these, the table is full before the victim has its share.
        fixture.send_sides(8);
        fixture
    })
    .prepare(|| {
        // Enough channels that the search finds no free slot, and must reclaim some of these.
        let mut full = vec![startup_channel()];
        while let Ok((first, second)) = Channel::try_create() {
            // Some of them have blocks to give back; all would be beyond the quota of messages.
            let _ = first.write(&[7; 200], &mut []);
            full.extend([first, second]);
        }
        full.drain(full.len() - 16..);
        move || (Event::create(), full)
    })
}

fn create_over_quota() -> OperationSpec {
    OperationSpec::new(
        "create_over_quota",
        "an object beyond the quota is refused, and leaves nothing behind",
    )
    .prepare(|| {
        let control = startup_channel();
        let events: Vec<_> = std::iter::from_fn(|| Event::try_create().ok()).collect();
        move || {
            assert_eq!(Event::try_create().unwrap_err(), Status::NO_RESOURCES);
            (control, events)
        }
    })
}

fn close_reclaiming() -> OperationSpec {
    let guarantee = "slots that are reusable, or about to be freed, are free afterwards";
    OperationSpec::new("close_reclaiming", guarantee).prepare(|| {
        let control = startup_channel();
        let written = Channel::create();
        written.0.write(&[7; 200], &mut []).unwrap();
        drop(written);
        for _ in 0..RECLAIM_BATCH - 2 {
            drop(Event::create());
        }
        let last = Event::create();
        move || {
            drop(last);
            control
        }
    })
}

fn close_when_all_slots_are_taken() -> OperationSpec {
    OperationSpec::new("close_of_all", "the first slots that become free again are found by every process")
        .set_up(Fixture::measuring_capacity)
        .prepare(|| {
            let control = startup_channel();
            let mut events: Vec<_> = std::iter::from_fn(|| Event::try_create().ok()).collect();
            let last = events.pop().unwrap();
            // Two batches of ended objects wait for the thread's next ones. The last object of a third batch makes those
            // free.
            events.drain(..3 * RECLAIM_BATCH as usize - 1);
            move || {
                drop(last);
                (events, control)
            }
        })
        .check(|fixture, _| fixture.check_capacity(0, 0))
}
