//! Making objects.

use super::{Operation, Scene, startup};
use crate::arena::RECLAIM_BATCH;
use jacinth::*;

const CLAIM: &str = "nothing of a new object is left, however much of it there was";

const AGAIN: &str =
    "a slot that its process takes for the next object while it is retired is free afterwards";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("create_event", CLAIM).prepare(|| {
            warm(startup());
            || Event::create().unwrap()
        }),
        Operation::new("create_eventpair", CLAIM).prepare(|| {
            warm(startup());
            || EventPair::create().unwrap()
        }),
        Operation::new("create_channel", CLAIM).prepare(|| {
            warm(startup());
            || Channel::create().unwrap()
        }),
        Operation::new("create_named", CLAIM).prepare(|| {
            warm(startup());
            || Channel::create_named(&Name::new_lossy("a name of some length")).unwrap()
        }),
        Operation::new("create_event_again", AGAIN).prepare(|| {
            retire(startup());
            || Event::create().unwrap()
        }),
        Operation::new("create_channel_again", AGAIN).prepare(|| {
            retire(startup());
            || Channel::create().unwrap()
        }),
        Operation::new("create_first", "a search for free slots leaves nothing").prepare(|| {
            let line = startup();
            move || (Channel::create().unwrap(), line)
        }),
        Operation::new(
            "create_reclaiming",
            "reclaiming what others retired is finished by whoever comes next",
        )
        .set(|| {
            let mut scene = Scene::new();
            // With these, the table is full before the victim has its share.
            scene.give_sides(8);
            scene
        })
        .prepare(|| {
            // Enough that the search finds no slot that is free, and must reclaim some of these.
            let mut full = vec![startup()];
            while let Ok((first, second)) = Channel::create() {
                // Some of them have blocks to give back; all would be beyond the quota of messages.
                let _ = first.write(&[7; 200], &mut Vec::new());
                full.extend([first, second]);
            }
            full.drain(full.len() - 16..);
            move || (Event::create().unwrap(), full)
        }),
        Operation::new("create_over_quota", "an object beyond the quota is refused, and nothing comes of it")
            .prepare(|| {
                let line = startup();
                let events: Vec<_> = std::iter::from_fn(|| Event::create().ok()).collect();
                move || {
                    assert_eq!(Event::create().unwrap_err(), Status::NO_RESOURCES);
                    (line, events)
                }
            }),
    ]
}

/// Makes and closes more objects than a thread gathers before it goes through them (`reclaim_batch`), and fewer than
/// it would take to use up those that are ready then.
fn retire(line: Channel) {
    for _ in 0..RECLAIM_BATCH * 3 / 2 {
        drop(Event::create().unwrap());
    }
    std::mem::forget(line);
}

/// Makes an object and closes it, so that the thread has what it needs to make another.
pub(super) fn warm(line: Channel) {
    drop(Channel::create().unwrap());
    std::mem::forget(line);
}
