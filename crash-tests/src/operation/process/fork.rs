//! A child forked from an attached process, without exec: its calls fail cleanly, and neither its exit nor its death
//! touches the parent's handles.

use crate::operation::{Operation, Scene, Seen, Way, seen};
use jacinth::*;
use std::sync::Mutex;

/// The survivor's handles, whose values the child inherits with the rest of the memory.
static INHERITED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

pub(crate) fn inherited() -> Vec<u32> {
    INHERITED.lock().unwrap().clone()
}

const CLAIM: &str = "the parent's handles are as before, and nobody was recovered";

/// An event and two ends of a channel with a message in it.
fn survivors_handles() -> Scene {
    let mut scene = Scene::patient();
    let event = Event::create();
    let (first, second) = Channel::create();
    second.write(b"for the parent", &mut []).unwrap();
    scene.kept.extend([event.into(), first.into(), second.into()]);
    *INHERITED.lock().unwrap() = scene.kept.iter().map(NullableHandle::raw_handle).collect();
    scene
}

fn all_as_before(scene: &mut Scene) -> Seen {
    if scene.kept.iter().any(|handle| raw::check_valid(handle.raw_handle()).is_err()) {
        return Err("a handle of the parent is gone".into());
    }
    let mut bytes = [0; 14];
    let (result, _) = raw::channel_read(scene.kept[1].raw_handle(), TooSmall::Keep, &mut bytes, &mut []);
    if result.is_err() || &bytes != b"for the parent" {
        return Err(format!("the parent's message gave {result:?}"));
    }
    let more = seen(&scene.kept[1]) | seen(&scene.kept[2]);
    if more.intersects(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED) {
        return Err(format!("the parent's channel asserts {more:?}"));
    }
    Ok(())
}

pub(crate) fn operations() -> Vec<Operation> {
    let mut calls = Operation::new("fork_calls", CLAIM)
        .set(survivors_handles)
        .prepare(|| {
            let values = inherited();
            move || {
                let [event, first, second] = values[..] else { panic!("three handles") };
                let refused = Err(Status::BAD_STATE);
                assert!(!is_attached());
                assert_eq!(raw::check_valid(event), refused);
                assert_eq!(raw::close(event), refused);
                assert_eq!(raw::close_many(&[first, second]), refused);
                assert_eq!(raw::duplicate(event, Rights::SAME_RIGHTS), Err(Status::BAD_STATE));
                assert_eq!(raw::signal(event, Signals::NONE, Signals::USER_0), refused);
                assert_eq!(raw::channel_write(first, b"from the child", &[event]), refused);
                assert_eq!(Channel::try_create().map(drop), refused);
                // Whatever the child drops was never its own.
                drop(values.into_iter().map(NullableHandle::from_raw).collect::<Vec<_>>());
            }
        })
        .check(|scene, _| all_as_before(scene));
    let mut exit = Operation::new("fork_exit", CLAIM)
        .set(survivors_handles)
        .prepare(|| || -> () { std::process::exit(0) })
        .check(|scene, _| all_as_before(scene));
    (calls.way, exit.way, exit.exits) = (Way::Forked, Way::Forked, Some(0));
    vec![calls, exit]
}
