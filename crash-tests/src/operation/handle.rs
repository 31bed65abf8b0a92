//! Handles themselves: duplicating, replacing, asking, naming.

use crate::operation::{Operation, Scene, given, seen, startup};
use jacinth::*;

/// Gives the victim a duplicate of an event that the survivor keeps.
pub(crate) fn shared_event() -> Scene {
    let mut scene = Scene::new();
    let event = Event::create_named(&Name::new_lossy("shared")).unwrap();
    scene.give(vec![event.duplicate(Rights::SAME_RIGHTS).unwrap().into()]);
    scene.kept.push(event.into());
    scene
}

/// The survivor's handle is the last one, and works.
pub(crate) fn last_one_works(scene: &mut Scene) -> Result<(), String> {
    let event = &scene.kept[0];
    match event.count_info().map(|info| info.handle_count) {
        Ok(1) => {}
        count => return Err(format!("the shared event has {count:?} handles instead of 1")),
    }
    event.signal(Signals::NONE, Signals::USER_7).map_err(|status| format!("signalling: {status}"))?;
    if seen(event).contains(Signals::USER_7) { Ok(()) } else { Err("a signal was lost".into()) }
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("duplicate", "the object has the survivor's handle and no other")
            .set(shared_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || (event.duplicate(Rights::WAIT).unwrap(), event, line)
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("replace", "the object has the survivor's handle and no other")
            .set(shared_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || (event.replace(Rights::WAIT).unwrap(), line)
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("replace_channel", "the end is closed under its old value or its new one").prepare(
            || {
                let line = startup();
                move || line.replace(Rights::READ).unwrap()
            },
        ),
        Operation::new("basic_info", "looking changes nothing")
            .set(shared_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || (event.basic_info().unwrap(), event.count_info().unwrap().handle_count, event, line)
            })
            .check(|scene, _| last_one_works(scene)),
        Operation::new("set_name", "the object keeps working, whatever of its name was written")
            .set(shared_event)
            .prepare(|| {
                let line = startup();
                let event = given(&line).remove(0);
                move || {
                    event.set_name(&Name::new_lossy("another name altogether")).unwrap();
                    (event.get_name().unwrap(), event, line)
                }
            })
            .check(|scene, _| last_one_works(scene)),
    ]
}
