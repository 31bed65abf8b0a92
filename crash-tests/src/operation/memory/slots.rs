//! Making objects.

use crate::arena::RECLAIM_BATCH;
use crate::operation::{Operation, Scene, Seen, startup};
use jacinth::*;

const CLAIM: &str = "nothing of a new object is left, however much of it there was";

const AGAIN: &str =
    "a slot that its process takes for the next object while it is retired is free afterwards";

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("create_event", CLAIM).prepare(|| {
            warm(startup());
            || Event::create()
        }),
        Operation::new("create_eventpair", CLAIM).prepare(|| {
            warm(startup());
            || EventPair::create()
        }),
        Operation::new("create_channel", CLAIM).prepare(|| {
            warm(startup());
            || Channel::create()
        }),
        Operation::new("create_named", CLAIM).prepare(|| {
            warm(startup());
            || Channel::create_named(&Name::new_lossy("a name of some length")).unwrap()
        }),
        Operation::new("create_event_again", AGAIN).prepare(|| {
            retire(startup());
            || Event::create()
        }),
        Operation::new("create_channel_again", AGAIN).prepare(|| {
            retire(startup());
            || Channel::create()
        }),
        Operation::new("create_first", "a search for free slots leaves nothing").prepare(|| {
            let line = startup();
            move || (Channel::create(), line)
        }),
        Operation::new("create_next_leaf", "slots that others have freed are found, however many there are")
            .set(Scene::with_room)
            .prepare(|| {
                let line = startup();
                let supervisor = Supervisor::get().unwrap();
                let mut events = Vec::new();
                while supervisor.inspect().objects < LEAF - 4 {
                    events.push(Event::create());
                }
                // The lowest are taken first: with these, all that one word of the map speaks of.
                move || {
                    events.extend((0..8).map(|_| Event::create()));
                    (line, events)
                }
            })
            .check(|scene, _| scene.has_room(0, 0)),
        Operation::new("create_with_options", PLAIN)
            .prepare(|| {
                warm(startup());
                || Channel::create_with(options()).unwrap()
            })
            .check(|_, _| channels_are_plain()),
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
            while let Ok((first, second)) = Channel::try_create() {
                // Some of them have blocks to give back; all would be beyond the quota of messages.
                let _ = first.write(&[7; 200], &mut []);
                full.extend([first, second]);
            }
            full.drain(full.len() - 16..);
            move || (Event::create(), full)
        }),
        Operation::new("create_over_quota", "an object beyond the quota is refused, and nothing comes of it")
            .prepare(|| {
                let line = startup();
                let events: Vec<_> = std::iter::from_fn(|| Event::try_create().ok()).collect();
                move || {
                    assert_eq!(Event::try_create().unwrap_err(), Status::NO_RESOURCES);
                    (line, events)
                }
            }),
    ]
}

/// How many things one word of the map of free ones speaks of, and how many objects are on a page.
pub(crate) const LEAF: u32 = 64;

/// What a survivor may see where a channel was told something at its creation.
pub(crate) const PLAIN: &str =
    "a channel that is told nothing is like any other, whatever was told the last one there";

/// The most that a channel can be told.
pub(crate) fn options() -> ChannelOptions {
    ChannelOptions::new().max_pending_messages(1).discard_late_replies(true)
}

/// Every slot that is free serves for a channel without options.
pub(crate) fn channels_are_plain() -> Seen {
    let channels: Vec<_> = std::iter::from_fn(|| Channel::try_create().ok()).collect();
    let mut message = MessageBuf::new();
    for (client, server) in &channels {
        let past = MonotonicInstant::INFINITE_PAST;
        let called = client.call(past, b"\0\0\0\0?", &mut [], &mut message);
        let second = client.write(b"another", &mut []);
        if (called, second) != (Err(Status::TIMED_OUT), Ok(())) {
            return Err(format!("a new channel has no room for two messages: {called:?}, {second:?}"));
        }
        let asked = server.read(&mut message).and_then(|()| server.write(message.bytes(), &mut []));
        let answered = client.read(&mut message);
        if asked.is_err() || answered.is_err() || server.read(&mut message).is_err() {
            return Err(format!("a late reply on a new channel: {asked:?}, {answered:?}"));
        }
    }
    Ok(())
}

/// Makes and closes more objects than a thread gathers before it goes through them (`reclaim_batch`), and fewer than
/// it would take to use up those that are ready then.
fn retire(line: Channel) {
    for _ in 0..RECLAIM_BATCH * 3 / 2 {
        drop(Event::create());
    }
    std::mem::forget(line);
}

/// Makes an object and closes it, so that the thread has what it needs to make another.
pub(crate) fn warm(line: Channel) {
    drop(Channel::create());
    std::mem::forget(line);
}
