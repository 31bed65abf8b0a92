//! Lets the victim of a scene die at each crash point, and explores the survivor's operations meanwhile.

use super::points::matching;
use super::scenes::{Actors, Death, Life, Scene, act, assert_nothing_left};
use super::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// Lets the victim die at each point, each time that it is reached, and explores the survivor's operations meanwhile.
pub fn explore_deaths(scene: Scene, preemptions: usize) {
    explore_deaths_at(scene, |_| preemptions);
}

/// The same with a bound for each point: long scenes are explored most where their commits are.
pub fn explore_deaths_at(scene: Scene, preemptions_at: impl Fn(&str) -> usize) {
    let points = matching(scene.points);
    // How often a point is reached is seen well enough with one preemption.
    let bounds: BTreeSet<_> = points.iter().map(|name| preemptions_at(name).min(1)).collect();
    let reached: BTreeMap<_, _> = bounds
        .into_iter()
        .map(|preemptions| (preemptions, explore_without_death(scene, preemptions)))
        .collect();
    for name in points {
        let preemptions = preemptions_at(name);
        let times = reached[&preemptions.min(1)].get(name).copied().unwrap_or(0);
        assert!(times > 0, "{}: nobody dies at {name}", scene.name);
        for nth in 0..times {
            let death = Death { name, nth };
            let lives = explore(scene, Some(death), preemptions);
            assert!(lives.iter().any(|life| life.has_died), "{}: nobody dies at {death:?}", scene.name);
        }
    }
}

/// How often the victim passes each point at most, if it does not die there.
fn explore_without_death(scene: Scene, preemptions: usize) -> BTreeMap<&'static str, u32> {
    let mut most = BTreeMap::new();
    for (name, times) in explore(scene, None, preemptions).into_iter().flat_map(|life| life.passed) {
        let most = most.entry(name).or_default();
        *most = times.max(*most);
    }
    most
}

/// Explores the survivor's operations beside this death, and gives the lives that the victim had in any of it.
fn explore(scene: Scene, death: Option<Death>, preemptions: usize) -> BTreeSet<Life> {
    if std::env::var_os("MODEL_STATISTICS").is_some() {
        eprintln!("{} {death:?}", scene.name);
    }
    let lives = Arc::new(Mutex::new(BTreeSet::new()));
    let told = lives.clone();
    model(preemptions, move || {
        let life = live_and_recover(scene, death);
        told.lock().unwrap().insert(life);
    });
    std::mem::take(&mut lives.lock().unwrap())
}

fn live_and_recover(scene: Scene, death: Option<Death>) -> Life {
    let Actors { supervisor, victim, process_slot, victims, survivor, survivors } = (scene.setup)();
    let release_queue = loom::thread::spawn(move || {
        let life = act(&scene, victim, &victims, death);
        supervisor.recover(process_slot).unwrap();
        (life, supervisor)
    });
    let made = (scene.beside)(&survivor, &survivors);
    let (life, supervisor) = release_queue.join().unwrap();
    assert_nothing_left(&scene, &supervisor, &survivor, &survivors, &made);
    life
}
