//! Scenes of directories: a name that is served, one that a server waits for.

use super::*;
use crate::support::names::*;

pub const SCENES: &[Scene] = &[SERVING, ENDING_AN_AWAITED_NAME];

/// Room for a directory, two listeners and what they hold.
pub(super) fn config() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 6;
        config.max_handles_per_process = 8;
        config.pool_bytes = 4096;
    })
}

/// A victim and a survivor that each have a handle to one directory.
pub(super) fn shared_directory() -> Actors {
    let supervisor = first(&config());
    let directory = create_directory(&supervisor);
    let copy = duplicate(&supervisor, directory);
    let (victim, process_slot) = child_with_slot(&supervisor, Some(directory));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
}

/// The survivor serves a name of its own, and finds no name of the victim's.
pub(super) fn names_are_free(survivor: &Thread, survivors: &[HandleValue]) {
    let directory = survivors[0];
    let names = survivor.list_names(find(survivor, directory)).unwrap();
    assert!(names.iter().all(|name| name == "b"), "{names:?}");
    survivor.close_value(serve(survivor, directory, "a").unwrap()).unwrap();
    close_all(survivor, survivors);
}

pub const SERVING: Scene = Scene {
    name: "serving a name in an empty directory",
    points: &["serve.*", "part.intended", "part.linked", "part.bound"],
    setup: shared_directory,
    act: |victim, victims| serve(victim, victims[0], "a").map(drop),
    beside: |survivor, survivors| vec![serve(survivor, survivors[0], "b").unwrap()],
    after: names_are_free,
};

pub const ENDING_AN_AWAITED_NAME: Scene = Scene {
    name: "closing a listener whose name another server waits for",
    points: &["close.counted", "close.listed", "release.cleared", "release.done"],
    setup: || {
        let mut actors = shared_directory();
        actors.victims.push(serve(&actors.victim, actors.victims[0], "b").unwrap());
        actors
    },
    act: |victim, victims| victim.close_value(victims[1]),
    // It sleeps until the victim's handle is closed, by the victim or for it.
    beside: |survivor, survivors| vec![serve_when_free(survivor, survivors[0], "b").unwrap()],
    after: names_are_free,
};
