//! A supervisor dies in the middle of recovering a process that died in the middle of something; another takes
//! over. Every pair of points, one after the other, without threads at the same time.

mod support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use support::points;
use support::scenes::*;
use support::*;

/// The victim dies, its supervisor dies recovering it, and the survivor's thread takes over from both. Gives the supervisor's
/// life; `None` if the victim did not die.
fn die_twice(
    scene: Scene,
    first: Option<Death>,
    second: Option<Death>,
    unfinished_first: bool,
) -> Option<Life> {
    let Actors { supervisor, victim, process_slot, victims, survivor, survivors } = (scene.setup)();
    let victims_life = act(&scene, victim, &victims, first);
    if first.is_some() && !victims_life.has_died {
        return None;
    }
    let (recovered, life) = live(&supervisor, second, || supervisor.recover(process_slot));
    if life.has_died {
        take_over(&scene, &supervisor, &survivor, &survivors, unfinished_first);
    } else {
        recovered.unwrap();
        let made = (scene.beside)(&survivor, &survivors);
        assert_nothing_left(&scene, &supervisor, &survivor, &survivors, &made);
    }
    Some(life)
}

fn run(scene: Scene, first: Option<Death>, second: Option<Death>, unfinished_first: bool) -> Option<Life> {
    let life = Arc::new(Mutex::new(None));
    let told = life.clone();
    model(0, move || *told.lock().unwrap() = die_twice(scene, first, second, unfinished_first));
    life.lock().unwrap().take()
}

/// Every death of the supervisor that recovers from `first`: at each point that it passes, each time. `false` if the victim
/// does not die in `first`.
fn second_deaths(scene: Scene, first: Option<Death>, reached: &mut BTreeSet<&'static str>) -> bool {
    let Some(whole) = run(scene, first, None, false) else { return false };
    for (name, times) in whole.passed {
        for nth in 0..times {
            for unfinished_first in [false, true] {
                let life = run(scene, first, Some(Death { name, nth }), unfinished_first);
                assert!(life.is_some_and(|life| life.has_died), "{}: no second death at {name}", scene.name);
            }
        }
        reached.insert(name);
    }
    true
}

fn every_pair_of_deaths(scene: Scene) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    second_deaths(scene, None, &mut reached);
    for name in points::matching(scene.points) {
        for nth in 0.. {
            if !second_deaths(scene, Some(Death { name, nth }), &mut reached) {
                break;
            }
        }
    }
    reached
}

/// INV-RECOVER-1, INV-RECOVER-2, INV-ROW-2: recovery that is cut short anywhere and run again ends where one
/// run would have ended.
#[test]
fn second_supervisor_completes_references() {
    for scene in [
        CLOSING_A_SHARED_HANDLE,
        DUPLICATING,
        CREATING,
        CREATING_IN_A_USED_SLOT,
        REPLACING,
        LEAVING_A_STARTUP_HANDLE,
    ] {
        every_pair_of_deaths(scene);
    }
}

/// The same for sides that end.
#[test]
fn second_supervisor_completes_teardown() {
    for scene in [
        CLOSING_A_SIDE,
        CLOSING_A_FULL_SIDE,
        ENDING_A_CHANNEL,
        FREEING_ANOTHERS_BLOCK,
        GIVING_MEMORY_BACK,
        GIVING_SLOTS_BACK,
        CREATING_IN_A_GIVEN_SLOT,
        COLLECTING_A_CYCLE,
        LEAVING_EVERYTHING,
    ] {
        every_pair_of_deaths(scene);
    }
}

/// The same for messages on their way.
#[test]
fn second_supervisor_completes_messages() {
    for scene in [
        SENDING,
        SENDING_MUCH,
        SENDING_IN_USED_BLOCKS,
        SENDING_HANDLES,
        SENDING_WHAT_CANNOT_BE_SENT,
        RECEIVING,
        DISCARDING,
    ] {
        every_pair_of_deaths(scene);
    }
}

/// The same for packets and observers.
#[test]
fn second_supervisor_completes_packets() {
    for scene in [
        QUEUEING,
        TAKING_A_PACKET,
        OBSERVING_WITH_A_SHARED_PORT,
        OBSERVING_A_SHARED_EVENT,
        SIGNALLING_AN_OBSERVED_EVENT,
        WRITING_TO_AN_OBSERVED_END,
        CLOSING_AN_OBSERVED_HANDLE,
        ENDING_A_PORT,
        ENDING_AN_OBSERVED_EVENT,
    ] {
        every_pair_of_deaths(scene);
    }
}

/// The same for timers that a port observes (INV-DUE-1).
#[test]
fn second_supervisor_completes_deadlines() {
    for scene in [SETTING_AN_OBSERVED_TIMER, WAITING_FOR_A_DUE_TIMER] {
        every_pair_of_deaths(scene);
    }
}

/// The same for names, and for handles that are queued at a listener.
#[test]
fn second_supervisor_completes_meetings() {
    for scene in
        [SERVING, OFFERING, OFFERING_TO_A_CLOSER, ACCEPTING, ENDING_A_LISTENER, COLLECTING_A_LISTENER]
    {
        every_pair_of_deaths(scene);
    }
}

/// Supervisors do die at every point that only they pass.
#[test]
fn supervisor_dies_at_each_recovery_point() {
    let mut reached = BTreeSet::new();
    let settling = [
        (CLOSING_A_SHARED_HANDLE, "close.committed"),
        (REPLACING, "move.committed"),
        (SENDING_HANDLES, "transfer.written"),
        (SENDING_IN_USED_BLOCKS, "take.owned"),
        (CREATING_IN_A_USED_SLOT, "slot.taken"),
        (QUEUEING, "queue.reserved"),
        (CUTTING_A_VMO, "vmo.cleared"),
    ];
    for (scene, name) in settling {
        second_deaths(scene, Some(Death { name, nth: 0 }), &mut reached);
    }
    for name in points::matching(points::OF_RECOVERY) {
        assert!(reached.contains(name), "no supervisor died at {name}");
    }
}
