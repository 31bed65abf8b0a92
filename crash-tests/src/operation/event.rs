//! Signals.

use crate::operation::handle::{last_one_works, shared_event};
use crate::operation::{End, Operation, Scene, given, seen, startup};
use jacinth::*;

pub(crate) const PULSE: &str =
    "who sleeps on a signal is awake once it was set, also if it is cleared again before the sleeper looks";

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("signal", "who sleeps on the event is awake if the signal is set")
            .set(|| {
                let mut scene = shared_event();
                let event = scene.kept[0].raw_handle();
                scene.sleep_on(event, Signals::USER_0);
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
            .check(|scene, end| {
                if end == End::Finished && !seen(&scene.kept[0]).contains(Signals::USER_0) {
                    return Err("a signal that was set is not there".into());
                }
                last_one_works(scene)
            }),
        Operation::new("signal_clear", "other signals stay")
            .set(|| {
                let mut scene = shared_event();
                // One that watches, and sleeps on.
                let event = scene.kept[0].raw_handle();
                scene.sleep_on(event, Signals::USER_0);
                scene.kept[0].signal(Signals::NONE, Signals::USER_1 | Signals::USER_2).unwrap();
                scene
            })
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    event.signal(Signals::USER_1, Signals::NONE).unwrap();
                    (event, line)
                }
            })
            .check(|scene, _| {
                if !seen(&scene.kept[0]).contains(Signals::USER_2) {
                    return Err("a signal that nobody cleared is gone".into());
                }
                last_one_works(scene)
            }),
        Operation::new("signal_peer", "who sleeps on the other side is awake if the signal is set")
            .set(|| {
                let mut scene = Scene::new();
                scene.give_sides(1);
                let peer = scene.peers[0].raw_handle();
                scene.sleep_on(peer, Signals::USER_0 | Signals::EVENTPAIR_PEER_CLOSED);
                scene
            })
            .prepare(|| {
                let line = startup();
                let side = EventPair::from(given(&line).remove(0));
                move || {
                    side.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                    (side, line)
                }
            }),
        Operation::new("signal_pulse", PULSE)
            .set(|| {
                let mut scene = shared_event();
                let event = scene.kept[0].raw_handle();
                scene.sleep_until_pulse(event, Signals::USER_0, Signals::USER_1);
                scene
            })
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    event.signal(Signals::NONE, Signals::USER_0).unwrap();
                    event.signal(Signals::USER_0, Signals::USER_1).unwrap();
                    (event, line)
                }
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("signal_peer_pulse", PULSE)
            .set(|| {
                let mut scene = Scene::new();
                scene.give_sides(1);
                let peer = scene.peers[0].raw_handle();
                scene.sleep_until_pulse(peer, Signals::USER_0, Signals::USER_1);
                scene
            })
            .prepare(|| {
                let line = startup();
                let side = EventPair::from(given(&line).remove(0));
                move || {
                    side.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
                    side.signal_peer(Signals::USER_0, Signals::USER_1).unwrap();
                    (side, line)
                }
            }),
    ]
}
