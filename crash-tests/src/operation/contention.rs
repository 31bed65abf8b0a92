//! Deaths in company: while the victim works, a thread of the survivor does the same to the same objects.
//!
//! What one of them changes, the other helps to complete, gets in the way of, or sees half done. No two rounds are
//! alike: more of the kill points are missed than elsewhere.

use crate::operation::event::PULSE;
use crate::operation::fixture::Partner;
use crate::operation::handle::{last_one_works, shared_event};
use crate::operation::{Operation, Scene, given, seen, startup};
use jacinth::*;
use std::sync::Arc;
use std::time::Duration;

const CLAIM: &str = "as without company";

/// Does something again and again until the victim is dead and recovered.
fn until_it_is_gone(line: &Arc<Channel>, mut work: impl FnMut() + Send + 'static) -> Partner {
    let line = line.clone();
    Box::new(move |_| {
        let mut pause = Duration::from_micros(50);
        while !seen(&*line).contains(Signals::CHANNEL_PEER_CLOSED) {
            work();
            // A victim that is stepped through would never get a word in edgeways. One that runs to its death meets
            // the first few.
            std::thread::sleep(pause);
            pause = (pause + pause / 8).min(Duration::from_millis(100));
        }
    })
}

/// A shared event that the survivor duplicates, signals and closes all the while.
fn contended_event() -> Scene {
    let mut scene = shared_event();
    scene.sleep_on(scene.kept[0].raw_handle(), Signals::USER_0);
    let event = scene.kept[0].raw_handle();
    scene.partner = Some(until_it_is_gone(&scene.line, move || {
        let other = raw::duplicate(event, Rights::SAME_RIGHTS).unwrap();
        raw::signal(other, Signals::NONE, Signals::USER_1).unwrap();
        raw::close(other).unwrap();
        raw::signal(event, Signals::USER_1, Signals::NONE).unwrap();
    }));
    scene
}

/// The survivor writes messages with handles to the victim for as long as it can.
fn eager_writer() -> Scene {
    let mut scene = Scene::patient();
    let line = scene.line.clone();
    scene.partner = Some(Box::new(move |_| {
        let mut peers = Vec::new();
        loop {
            // What has been received and closed is of no more interest.
            peers.retain(|peer| !seen(peer).contains(Signals::EVENTPAIR_PEER_CLOSED));
            if peers.len() >= 4 && !seen(&*line).contains(Signals::CHANNEL_PEER_CLOSED) {
                std::thread::yield_now();
                continue;
            }
            let (ours, theirs) = EventPair::create();
            match line.write(b"with a handle", &mut [theirs.into()]) {
                Ok(()) => peers.push(ours),
                Err(Status::PEER_CLOSED) => break,
                Err(status) => panic!("writing to the victim: {status}"),
            }
        }
        for peer in peers {
            let late = MonotonicInstant::after(MonotonicDuration::from_seconds(20));
            peer.wait_one(Signals::EVENTPAIR_PEER_CLOSED, late)
                .expect("a handle in transit is closed with its end");
        }
    }));
    scene
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("busy_duplicate", CLAIM)
            .set(contended_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    drop(event.duplicate(Rights::SAME_RIGHTS).unwrap());
                    (event.duplicate(Rights::WAIT).unwrap(), event, line)
                }
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("busy_close", CLAIM)
            .set(contended_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    event.signal(Signals::NONE, Signals::USER_0).unwrap();
                    drop(event);
                    line
                }
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("busy_pulse", PULSE)
            .set(|| {
                let mut scene = shared_event();
                let event = scene.kept[0].raw_handle();
                scene.sleep_until_pulse(event, Signals::USER_0, Signals::USER_1);
                let line = scene.line.clone();
                scene.partner = Some(Box::new(move |_| {
                    // It clears what the victim has set, perhaps before anybody has been woken.
                    while !seen(&*line).contains(Signals::CHANNEL_PEER_CLOSED) {
                        let now = raw::wait_one(event, Signals::NONE, MonotonicInstant::INFINITE_PAST).1;
                        if now.contains(Signals::USER_0) {
                            return raw::signal(event, Signals::USER_0, Signals::USER_1).unwrap();
                        }
                        std::hint::spin_loop();
                    }
                }));
                scene
            })
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    event.signal(Signals::NONE, Signals::USER_0).unwrap();
                    (event, line)
                }
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("busy_create", CLAIM)
            .set(|| {
                let mut scene = Scene::new();
                scene.partner = Some(until_it_is_gone(&scene.line, || {
                    let Ok((first, second)) = Channel::try_create() else { return };
                    let mut along: Vec<NullableHandle> =
                        Event::try_create().into_iter().map(NullableHandle::from).collect();
                    first.write(&[1; 100], &mut along).unwrap();
                    drop((first, second));
                }));
                scene
            })
            .prepare(|| {
                let line = startup();
                // The search for free slots is another operation's.
                drop(Channel::try_create());
                move || {
                    // Slots that the other has used and not yet reclaimed may be all there are.
                    if let (Ok((first, second)), Ok(event)) = (Channel::try_create(), Event::try_create()) {
                        first.write(&[2; 100], &mut [event.into()]).unwrap();
                        drop((first, second));
                    }
                    (Channel::try_create(), line)
                }
            }),
        Operation::new("busy_read", "every handle was received or is closed; the writer sees PEER_CLOSED")
            .set(eager_writer)
            .prepare(|| {
                let line = startup();
                let mut message = MessageBuf::new();
                move || {
                    for _ in 0..3 {
                        // Whether there is one depends on the writer.
                        let _ = line.read(&mut message);
                    }
                    (line, message)
                }
            }),
        Operation::new("busy_close_channel", "every handle that was sent to an end that closes is closed")
            .set(eager_writer)
            .prepare(|| {
                let line = startup();
                move || drop(line)
            }),
        Operation::new("busy_write", "messages come whole, in order, each once")
            .set(|| {
                let mut scene = Scene::patient();
                scene.give_sides(6);
                let line = scene.line.clone();
                scene.partner = Some(Box::new(move |_| {
                    let mut message = MessageBuf::new();
                    for number in 0u8.. {
                        match line.read(&mut message) {
                            Ok(()) => {
                                assert_eq!((message.bytes(), message.n_handles()), (&[number; 50][..], 1));
                            }
                            Err(Status::SHOULD_WAIT) => {
                                let more = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                                line.wait_one(more, MonotonicInstant::INFINITE).unwrap();
                                line.read(&mut message).map_or_else(
                                    |status| assert_eq!(status, Status::PEER_CLOSED),
                                    |()| assert_eq!(message.bytes(), [number; 50]),
                                );
                            }
                            Err(status) => return assert_eq!(status, Status::PEER_CLOSED),
                        }
                    }
                }));
                scene
            })
            .prepare(|| {
                let line = startup();
                let sides = given(&line);
                move || {
                    for (number, side) in sides.into_iter().enumerate() {
                        line.write(&[number as u8; 50], &mut [side]).unwrap();
                    }
                    line
                }
            })
            .check(|scene, _| scene.nothing_more()),
    ]
}
