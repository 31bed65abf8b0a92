//! A process dies at each named point of each operation, while another goes on.
//!
//! The victim and then its supervisor run in one model thread: the kernel gives the recovering process a
//! happens-before edge from all that the dead one did. The survivor runs beside both. Every scene ends with
//! what it promises the survivor, a clean audit, and an arena in which nothing is left.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::points::*;
use support::scenes::*;
use support::*;

/// Lets the victim die at each point, each time that it is reached, and explores what the survivor does
/// meanwhile.
fn explore_deaths(scene: Scene, preemptions: usize) {
    explore_deaths_at(scene, |_| preemptions);
}

/// The same with a bound for each point: long scenes are explored most where their commits are.
fn explore_deaths_at(scene: Scene, preemptions_at: impl Fn(&str) -> usize) {
    for name in scene.points.iter().copied().flatten().copied() {
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
    let Cast { supervisor, victim, seat, victims, survivor, survivors } = (scene.stage)();
    let dying = loom::thread::spawn(move || {
        let died = act(&scene, victim, &victims, Some(death));
        supervisor.recover(seat).unwrap();
        (died, supervisor)
    });
    let made = (scene.beside)(&survivor, &survivors);
    let (died, supervisor) = dying.join().unwrap();
    assert_nothing_left(&scene, &supervisor, &survivor, &survivors, &made);
    died
}

/// INV-REF-1, INV-COUNT-2: the survivor changes the same count, and helps.
#[test]
fn closing_a_shared_handle() {
    explore_deaths(CLOSING_A_SHARED_HANDLE, 2);
}

/// INV-PULSE-1: what must hold afterwards is in `killed.rs`.
#[test]
fn clearing_a_watched_signal() {
    explore_deaths(CLEARING_A_WATCHED_SIGNAL, 1);
}

/// INV-REF-1, INV-COUNT-2, INV-COUNT-3.
#[test]
fn duplicating_a_handle() {
    explore_deaths_at(DUPLICATING, |name| if name == "duplicate.counted" { 2 } else { 1 });
}

/// INV-DYING-1, INV-DYING-2: the survivor sleeps on the other side and is woken, by the victim or for it.
#[test]
fn closing_the_last_handle_to_a_side() {
    explore_deaths(CLOSING_A_SIDE, 1);
}

/// INV-DYING-3, INV-TRANSFER-1: the survivor sends another handle to the side that ends.
#[test]
fn closing_an_end_with_handles_queued() {
    explore_deaths_at(CLOSING_A_FULL_SIDE, |name| {
        usize::from(["dying.told", "drain.closed"].contains(&name))
    });
}

/// INV-CREATE-1, INV-LIFE-1.
#[test]
fn creating_an_object() {
    explore_deaths(CREATING, 1);
}

/// INV-LATE-1: a creator's options go with it.
#[test]
fn creating_a_channel_with_options() {
    explore_deaths(CREATING_WITH_OPTIONS, 0);
}

/// INV-SLOT-1: what the map of free slots says is true again.
#[test]
fn creating_in_a_used_slot() {
    explore_deaths(CREATING_IN_A_USED_SLOT, 1);
}

/// INV-ENTRY-1, INV-ENTRY-2.
#[test]
fn replacing_a_handle() {
    explore_deaths(REPLACING, 1);
}

/// INV-ENTRY-1: the seat of a child that never came is recovered with its spawner.
#[test]
fn leaving_a_startup_handle() {
    explore_deaths(LEAVING_A_STARTUP_HANDLE, 1);
}

/// INV-RING-2, INV-RING-4, INV-BLOCK-1: the survivor reads what was sent, whole and in order, then PEER_CLOSED.
#[test]
fn sending_past_the_end_of_a_segment() {
    explore_deaths_at(SENDING, |name| if name == "send.written" || name == "grow.linked" { 2 } else { 1 });
}

/// INV-RING-2, INV-BLOCK-1, INV-BLOCK-2.
#[test]
fn sending_a_message_in_a_block() {
    explore_deaths(SENDING_MUCH, 2);
}

/// INV-FREE-1, INV-FREE-2, INV-BLOCK-4.
#[test]
fn sending_in_used_blocks() {
    explore_deaths_at(SENDING_IN_USED_BLOCKS, |name| {
        usize::from(["take.owned", "map.cleared"].contains(&name))
    });
}

/// INV-TRANSFER-1: the message comes with all its handles, or not at all.
#[test]
fn sending_handles() {
    explore_deaths(SENDING_HANDLES, 1);
}

/// INV-TRANSFER-1: a send that fails closes its handles, once each, whoever finishes it.
#[test]
fn sending_what_cannot_be_sent() {
    explore_deaths(SENDING_WHAT_CANNOT_BE_SENT, 1);
}

/// INV-RING-3, INV-RING-5, INV-ENTRY-1: a handle received or not, its reference is counted once.
#[test]
fn receiving_handles() {
    explore_deaths(RECEIVING, 2);
}

/// INV-AHEAD-1, INV-AHEAD-2, INV-AHEAD-3: what was taken is taken once, and what the survivor writes meanwhile goes with
/// the channel.
#[test]
fn taking_replies_ahead_of_an_unread_message() {
    explore_deaths_at(TAKING_AHEAD, |name| usize::from(["ahead.passed", "receive.consumed"].contains(&name)));
}

/// INV-QUIET-1, INV-RING-4: the survivor leaves what the victim has left, at any moment.
#[test]
fn shrinking_a_ring() {
    explore_deaths_at(SHRINKING, |name| if name == "grow.linked" { 2 } else { 0 });
    explore_deaths(LEAVING_A_SHRUNK_RING, 1);
}

/// INV-RING-3, INV-ENTRY-2: handles of a discarded message are closed once.
#[test]
fn discarding_a_message() {
    explore_deaths(DISCARDING, 2);
}

/// INV-LIFE-3, INV-BLOCK-1, INV-BLOCK-2: the slot and every block come back, each once.
#[test]
fn ending_a_channel_and_freeing_its_slot() {
    explore_deaths(ENDING_A_CHANNEL, 1);
}

/// INV-CREDIT-2: the process that the block counted for may have another one.
#[test]
fn freeing_a_block_of_another_process() {
    explore_deaths(FREEING_ANOTHERS_BLOCK, 1);
}

/// INV-GIVE-1, INV-FREE-1.
#[test]
fn giving_memory_back() {
    explore_deaths(GIVING_MEMORY_BACK, 1);
}

/// INV-PAGE-1, INV-PAGE-3, INV-FREE-1.
#[test]
fn giving_slots_back() {
    explore_deaths(GIVING_SLOTS_BACK, 1);
}

/// INV-PAGE-2, INV-PAGE-4.
#[test]
fn creating_in_a_given_slot() {
    explore_deaths(CREATING_IN_A_GIVEN_SLOT, 1);
}

/// INV-CYCLE-2: what a collector of cycles did not come to is collected by the next.
#[test]
fn collecting_a_cycle() {
    explore_deaths(COLLECTING_A_CYCLE, 1);
}

/// Every point that the sources name is one that some scene dies at, or that `succession.rs` lets a supervisor
/// die at; and no list names one that is gone.
#[test]
fn every_crash_point_of_the_sources_is_died_at() {
    let scenes = SCENES.iter().flat_map(|scene| scene.points.iter().copied().flatten().copied());
    let supervisors = [RECOVER, SETTLE].into_iter().flatten().copied();
    let died_at: BTreeSet<&str> = scenes.chain(supervisors).collect();
    let listed: BTreeSet<&str> = ALL_POINTS.iter().copied().flatten().copied().collect();
    let sources = in_the_sources();
    let named: BTreeSet<&str> = sources.iter().map(String::as_str).collect();
    assert_eq!(named, listed, "support/points.rs lists what the sources name");
    assert_eq!(named, died_at, "every point is died at");
}
