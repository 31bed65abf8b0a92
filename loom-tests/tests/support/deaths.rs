//! Lets the victim of a scene die at each crash point, and explores the survivor's operations meanwhile.

use super::points::matching;
use super::scenes::{Actors, Death, Scene, act, assert_nothing_left};
use super::*;
use std::sync::atomic::AtomicBool;

/// Lets the victim die at each point, each time that it is reached, and explores the survivor's operations meanwhile.
pub fn explore_deaths(scene: Scene, preemptions: usize) {
    explore_deaths_at(scene, |_| preemptions);
}

/// The same with a bound for each point: long scenes are explored most where their commits are.
pub fn explore_deaths_at(scene: Scene, preemptions_at: impl Fn(&str) -> usize) {
    for name in matching(scene.points) {
        let preemptions = preemptions_at(name);
        for nth in 0.. {
            // Whether the point is reached once more is soon seen: without a death there is little new to explore.
            let is_last = nth > 0 && preemptions > 1 && !explore_death(scene, Death { name, nth }, 1);
            if is_last || !explore_death(scene, Death { name, nth }, preemptions) {
                assert!(nth > 0, "{}: nobody dies at {name}", scene.name);
                break;
            }
        }
    }
}

/// Whether the victim died in any of it.
fn explore_death(scene: Scene, death: Death, preemptions: usize) -> bool {
    if std::env::var_os("MODEL_STATISTICS").is_some() {
        eprintln!("{} {death:?}", scene.name);
    }
    let died = Arc::new(AtomicBool::new(false));
    let seen = died.clone();
    model(preemptions, move || {
        if die_and_recover(scene, death) {
            seen.store(true, Ordering::Relaxed);
        }
    });
    died.load(Ordering::Relaxed)
}

fn die_and_recover(scene: Scene, death: Death) -> bool {
    let Actors { supervisor, victim, process_slot, victims, survivor, survivors } = (scene.setup)();
    let release_queue = loom::thread::spawn(move || {
        let died = act(&scene, victim, &victims, Some(death));
        supervisor.recover(process_slot).unwrap();
        (died, supervisor)
    });
    let made = (scene.beside)(&survivor, &survivors);
    let (died, supervisor) = release_queue.join().unwrap();
    assert_nothing_left(&scene, &supervisor, &survivor, &survivors, &made);
    died
}
