//! Closing: a handle, the last handle, sides of pairs, channels with messages in them, and cascades.

use crate::arena::RECLAIM_BATCH;
use crate::operation::handle::{last_one_works, shared_event};
use crate::operation::memory::slots::{PLAIN, channels_are_plain, options};
use crate::operation::{Operation, Scene, given, seen, startup};
use crate::sleepers::HANG;
use jacinth::*;
use std::time::Instant;

const ONCE: &str = "what was closed is closed once, whoever closes it in the end";

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        full_channel(),
        cascade(),
        cycle(),
        Operation::new("close_many_16", ONCE)
            .set(|| {
                let mut scene = Scene::new();
                scene.give_sides(16);
                scene
            })
            .prepare(|| {
                let line = startup();
                let values: Vec<u32> = given(&line).into_iter().map(NullableHandle::into_raw).collect();
                move || {
                    raw::close_many(&values).unwrap();
                    line
                }
            }),
        Operation::new("close_shared", "the object has the survivor's handle and no other")
            .set(shared_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    drop(event);
                    line
                }
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("close_last", ONCE).prepare(|| {
            let line = startup();
            let event = Event::create();
            move || {
                drop(event);
                line
            }
        }),
        Operation::new(
            "close_reclaiming",
            "slots that are ready to be used again, or about to be freed, are free afterwards",
        )
        .prepare(|| {
            let line = startup();
            let written = Channel::create();
            written.0.write(&[7; 200], &mut []).unwrap();
            drop(written);
            for _ in 0..RECLAIM_BATCH - 2 {
                drop(Event::create());
            }
            let last = Event::create();
            move || {
                drop(last);
                line
            }
        }),
        Operation::new("close_with_options", PLAIN)
            .prepare(|| {
                let line = startup();
                drop(Channel::create_with(options()).unwrap());
                for _ in 0..RECLAIM_BATCH - 2 {
                    drop(Event::create());
                }
                let last = Event::create();
                move || {
                    drop(last);
                    line
                }
            })
            .check(|_, _| channels_are_plain()),
        Operation::new("close_of_all", "slots that become free where none was are found by all")
            .set(Scene::with_room)
            .prepare(|| {
                let line = startup();
                let mut events: Vec<_> = std::iter::from_fn(|| Event::try_create().ok()).collect();
                let last = events.pop().unwrap();
                // Two batches of ended objects wait for the thread's next ones: the last of a third makes those free.
                events.drain(..3 * RECLAIM_BATCH as usize - 1);
                move || {
                    drop(last);
                    (events, line)
                }
            })
            .check(|scene, _| scene.has_room(0, 0)),
        Operation::new("close_eventpair", "the other side sees PEER_CLOSED, also asleep")
            .set(|| {
                let mut scene = Scene::new();
                scene.give_sides(1);
                let peer = scene.peers[0].raw_handle();
                scene.sleep_on(peer, Signals::EVENTPAIR_PEER_CLOSED);
                scene
            })
            .prepare(|| {
                let line = startup();
                let side = given(&line).remove(0);
                move || {
                    drop(side);
                    line
                }
            }),
        Operation::new("close_eventpair_both", ONCE).prepare(|| {
            let line = startup();
            let pair = EventPair::create();
            move || {
                drop(pair);
                line
            }
        }),
        Operation::new("close_channel", "the other end sees PEER_CLOSED after it has read what was sent")
            .set(|| {
                // Messages wait both ways, each with a handle.
                let mut scene = Scene::patient();
                scene.give_sides(2);
                let mut one = scene.sides(1);
                scene.line.write(b"unread", &mut one).unwrap();
                scene
            })
            .prepare(|| {
                let line = startup();
                let mut handles = given(&line);
                line.write(b"sent before", &mut handles).unwrap();
                move || drop(line)
            })
            .check(|scene, _| {
                let mut message = MessageBuf::new();
                scene.line.read(&mut message).map_err(|status| format!("what was sent before: {status}"))?;
                scene.is_whole(&message, b"sent before", 2)?;
                message.clear();
                scene.nothing_more()
            }),
    ]
}

/// A channel with eighty handles in it, both of whose ends close.
fn full_channel() -> Operation {
    Operation::new("close_full_channel", "every handle of every message in the channel is closed, once")
        .set(|| {
            let mut scene = Scene::new();
            scene.give_sides(64);
            scene.give_sides(16);
            scene
        })
        .prepare(|| {
            let line = startup();
            let (first, second) = Channel::create();
            first.write(b"sixty-four", &mut given(&line)).unwrap();
            for side in given(&line) {
                second.write(b"one", &mut [side]).unwrap();
            }
            move || {
                drop(first);
                drop(second);
                line
            }
        })
}

/// Channels inside channels inside channels, with a handle in each.
fn cascade() -> Operation {
    const DEPTH: usize = 6;
    Operation::new("close_cascade", "what dies of what dies is closed, to any depth")
        .set(|| {
            let mut scene = Scene::new();
            scene.give_sides(DEPTH);
            scene
        })
        .prepare(|| {
            let line = startup();
            let (mut outer, mut inner) = Channel::create();
            for side in given(&line) {
                inner.write(b"inside", &mut [side]).unwrap();
                let (next_outer, next_inner) = Channel::create();
                next_inner.write(b"nested", &mut [outer.into(), inner.into()]).unwrap();
                (outer, inner) = (next_outer, next_inner);
            }
            move || {
                drop(inner);
                drop(outer);
                line
            }
        })
}

/// Two ends queued inside each other, which nobody can read any more: the supervisor finds them.
fn cycle() -> Operation {
    Operation::new("close_cycle", "what is queued inside itself is closed, with all that is in it")
        .set(|| {
            let mut scene = Scene::new();
            scene.give_sides(2);
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut sides = given(&line);
            let (first, inside_second) = Channel::create();
            let (second, inside_first) = Channel::create();
            move || {
                second.write(b"one", &mut [inside_second.into(), sides.remove(0)]).unwrap();
                first.write(b"other", &mut [inside_first.into(), sides.remove(0)]).unwrap();
                drop((first, second));
                line
            }
        })
        .check(|scene, _| {
            let supervisor = Supervisor::get().map_err(|error| error.to_string())?;
            let start = Instant::now();
            while scene.peers.iter().any(|peer| !seen(peer).contains(Signals::EVENTPAIR_PEER_CLOSED)) {
                supervisor.collect().map_err(|status| status.to_string())?;
                if start.elapsed() > HANG {
                    return Err("a cycle was not collected".into());
                }
            }
            Ok(())
        })
}
