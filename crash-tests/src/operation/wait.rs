//! Waiting. A victim's waits never spin: it sleeps, or has no need to.

use crate::operation::fixture::Partner;
use crate::operation::handle::{last_one_works, shared_event};
use crate::operation::{Operation, Scene, given, startup};
use jacinth::*;

const CLAIM: &str = "a sleeper that dies holds nobody up, and takes no wake from others";

/// The victim's line and the event it was given; its waits do not spin.
fn ready() -> (Channel, Event) {
    set_spin(MonotonicDuration::ZERO);
    let line = startup();
    let event = given(&line).remove(0).into();
    (line, event)
}

/// A survivor's thread sleeps on the event as well, and another sets the signal once the victim sleeps.
fn shared_sleep() -> Scene {
    let mut scene = shared_event();
    let event = scene.kept[0].raw_handle();
    scene.sleep_on(event, Signals::USER_0);
    scene.partner = Some(waker(move || {
        raw::signal(event, Signals::NONE, Signals::USER_0).unwrap();
    }));
    scene
}

/// Does `wake` once the victim sleeps.
fn waker(wake: impl FnOnce() + Send + 'static) -> Partner {
    Box::new(move |victim| {
        if crate::sleepers::falls_asleep(victim) {
            wake();
        }
    })
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("wait_satisfied", CLAIM)
            .set(|| {
                let scene = shared_event();
                scene.kept[0].signal(Signals::NONE, Signals::USER_0).unwrap();
                scene
            })
            .prepare(|| {
                let (line, event) = ready();
                move || (event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).unwrap(), event, line)
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("wait_stored", CLAIM)
            .set(shared_sleep)
            .prepare(|| {
                let (line, event) = ready();
                move || (event.wait_one(Signals::USER_0, MonotonicInstant::INFINITE).unwrap(), event, line)
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("wait_derived", CLAIM)
            .set(|| {
                let mut scene = Scene::new();
                let line = scene.line.clone();
                scene.partner = Some(waker(move || {
                    // The victim may have died of something else meanwhile.
                    let _ = line.write(b"wake up", &mut []);
                }));
                scene
            })
            .prepare(|| {
                set_spin(MonotonicDuration::ZERO);
                let line = startup();
                move || (line.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap(), line)
            }),
        Operation::new("wait_many", CLAIM)
            .set(shared_sleep)
            .prepare(|| {
                let (line, event) = ready();
                move || {
                    let mut items = [
                        WaitItem::new(&line, Signals::CHANNEL_READABLE),
                        WaitItem::new(&event, Signals::USER_0),
                    ];
                    object_wait_many(&mut items, MonotonicInstant::INFINITE).unwrap();
                    (event, line)
                }
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("wait_timed_out", CLAIM)
            .set(shared_event)
            .prepare(|| {
                let (line, event) = ready();
                move || {
                    let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                    assert_eq!(event.wait_one(Signals::USER_0, soon).to_result(), Err(Status::TIMED_OUT));
                    (event, line)
                }
            })
            .check(|scene, _| last_one_works(scene)),
        asleep("wait_asleep_stored", false),
        asleep("wait_asleep_derived", true),
    ]
}

/// Killed in its sleep. The next to sleep there is woken all the same.
fn asleep(name: &str, derived: bool) -> Operation {
    let mut operation = Operation::new(name, CLAIM)
        .set(shared_event)
        .prepare(move || {
            let (line, event) = ready();
            move || {
                let signals = Signals::USER_0 | Signals::CHANNEL_READABLE;
                let on = if derived { line.as_handle_ref() } else { event.as_handle_ref() };
                (on.wait_one(signals, MonotonicInstant::INFINITE).is_ok(), event, line)
            }
        })
        .check(|scene, _| {
            let event = &scene.kept[0];
            std::thread::scope(|scope| {
                let next = scope.spawn(|| {
                    set_spin(MonotonicDuration::ZERO);
                    let late = MonotonicInstant::after(MonotonicDuration::from_seconds(20));
                    event.wait_one(Signals::USER_0, late).to_result()
                });
                std::thread::sleep(std::time::Duration::from_micros(300));
                event.signal(Signals::NONE, Signals::USER_0).map_err(|status| status.to_string())?;
                match next.join() {
                    Ok(Ok(_)) => Ok(()),
                    other => Err(format!("the next to sleep there was not woken: {other:?}")),
                }
            })?;
            last_one_works(scene)
        });
    operation.sleeps_for_ever = true;
    operation
}
