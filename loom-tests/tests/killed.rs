//! A process is killed after each of its stores, and the compiler has let the last of them pass all that it may.
//!
//! Recovery relies only on the order of a dead process's stores: the kernel's news of the death comes after all of them. No
//! thread runs at the same time here, so each run has one execution. `shm/src/sync/crash_model.rs` says which stores may
//! pass which.

mod support;

use jacinth_shm_loom::{BlockIndex, Rights, Signals, SizeClass, Slot};
use jacinth_shm_loom::{
    CrashOutcome, DEADLINE_INFINITE_NS, IdleMemory, LostStores, ObjectClass, Unused, crash_after,
};
use std::sync::{Arc, Mutex};
use support::points;
use support::scenes::*;
use support::*;

/// One run. Gives the number of sets of stores that could have been missing, or `None` if the victim was not killed.
fn kill(scene: Scene, stores: usize, missing: LostStores) -> Option<usize> {
    let Actors { supervisor, victim, process_slot, victims, survivor, survivors } = (scene.setup)();
    let ended = crash_after(stores, missing, || (scene.act)(&victim, &victims));
    let sets = match ended {
        CrashOutcome::Finished(result) => {
            result.unwrap();
            None
        }
        CrashOutcome::After(sets) => Some(sets),
    };
    victim.has_died();
    supervisor.recover(process_slot).unwrap();
    let made = (scene.beside)(&survivor, &survivors);
    assert_nothing_left(&scene, &supervisor, &survivor, &survivors, &made);
    sets
}

/// The same as a model.
fn explore(run: impl Fn(usize, LostStores) -> Option<usize> + Copy + Send + Sync + 'static) {
    let explore_one = |stores, missing| {
        let sets = Arc::new(Mutex::new(None));
        let told = sets.clone();
        model(0, move || *told.lock().unwrap() = run(stores, missing));
        *sets.lock().unwrap()
    };
    for stores in 0.. {
        let Some(sets) = explore_one(stores, LostStores::Nothing) else { break };
        for set in 0..sets {
            explore_one(stores, LostStores::Set(set));
        }
    }
}

/// The victim dies at a named point, and its supervisor is killed recovering it.
fn kill_supervisor(scene: Scene, first: Death, stores: usize, missing: LostStores) -> Option<usize> {
    let Actors { supervisor, victim, process_slot, victims, survivor, survivors } = (scene.setup)();
    if !act(&scene, victim, &victims, Some(first)).has_died {
        return None;
    }
    let sets = match crash_after(stores, missing, || supervisor.recover(process_slot)) {
        CrashOutcome::Finished(recovered) => {
            recovered.unwrap();
            let made = (scene.beside)(&survivor, &survivors);
            assert_nothing_left(&scene, &supervisor, &survivor, &survivors, &made);
            return None;
        }
        CrashOutcome::After(sets) => sets,
    };
    supervisor.has_died();
    take_over(&scene, &supervisor, &survivor, &survivors, stores.is_multiple_of(2));
    Some(sets)
}

fn kill_supervisors_after_every_store(scene: Scene) {
    for name in points::matching(scene.points) {
        explore(move |stores, missing| kill_supervisor(scene, Death { name, nth: 0 }, stores, missing));
    }
}

fn kill_after_every_store(scene: Scene) {
    explore(move |stores, missing| kill(scene, stores, missing));
}

/// INV-REF-1, INV-COUNT-2.
#[test]
fn unfinished_count_change_is_recovered() {
    kill_after_every_store(CLOSING_A_SHARED_HANDLE);
    kill_after_every_store(CLOSING_AFTER_A_DISCARD);
    kill_after_every_store(DUPLICATING);
}

/// INV-RELEASE-1, INV-RELEASE-2, INV-RELEASE-3.
#[test]
fn unfinished_teardown_is_recovered() {
    kill_after_every_store(CLOSING_A_SIDE);
    kill_after_every_store(CLOSING_A_FULL_SIDE);
    kill_after_every_store(ENDING_A_CHANNEL);
    kill_after_every_store(ENDING_A_CHANNEL_OF_USED_BLOCKS);
    kill_after_every_store(FREEING_ANOTHERS_BLOCK);
    kill_after_every_store(GIVING_MEMORY_BACK);
    kill_after_every_store(GIVING_SLOTS_BACK);
}

/// INV-CREATE-1, INV-ENTRY-1.
#[test]
fn unfinished_creation_or_move_is_recovered() {
    kill_after_every_store(CREATING);
    kill_after_every_store(CREATING_WITH_OPTIONS);
    kill_after_every_store(CREATING_IN_A_USED_SLOT);
    kill_after_every_store(CREATING_IN_A_GIVEN_SLOT);
    kill_after_every_store(CREATING_IN_A_CLEARED_SLOT);
    kill_after_every_store(REPLACING);
    kill_after_every_store(LEAVING_A_STARTUP_HANDLE);
}

/// INV-RING-2, INV-RING-4, INV-TRANSFER-1.
#[test]
fn unfinished_send_is_recovered() {
    kill_after_every_store(SENDING);
    kill_after_every_store(SENDING_A_BATCH);
    kill_after_every_store(SENDING_MUCH);
    kill_after_every_store(SHRINKING);
    kill_after_every_store(SENDING_IN_USED_BLOCKS);
    kill_after_every_store(SENDING_HANDLES);
    kill_after_every_store(SENDING_HANDLES_AGAIN);
    kill_after_every_store(SENDING_A_HANDLE);
    kill_after_every_store(SENDING_A_HANDLE_TO_A_CLOSER);
    kill_after_every_store(SENDING_WHAT_CANNOT_BE_SENT);
}

/// INV-RING-3, INV-RING-5.
#[test]
fn unfinished_receive_is_recovered() {
    kill_after_every_store(RECEIVING);
    kill_after_every_store(TAKING_AHEAD);
    kill_after_every_store(LEAVING_A_SHRUNK_RING);
    kill_after_every_store(RECEIVING_HANDLES_AGAIN);
    kill_after_every_store(DISCARDING);
}

/// INV-ROW-1, INV-ROW-2.
#[test]
fn unfinished_join_leaves_no_row() {
    kill_after_every_store(JOINING);
}

/// INV-COOKIE-1, INV-COOKIE-2, INV-COOKIE-3.
#[test]
fn unfinished_cookie_is_recovered() {
    kill_after_every_store(SETTING_THE_FIRST_COOKIE);
    kill_after_every_store(SETTING_A_CONTESTED_COOKIE);
    kill_after_every_store(REPLACING_A_COOKIE);
}

/// INV-NAME-3, INV-ACCEPT-1, INV-ACCEPT-2, INV-PART-1.
#[test]
fn unfinished_meeting_is_recovered() {
    kill_after_every_store(SERVING);
    kill_after_every_store(OFFERING);
    kill_after_every_store(OFFERING_TO_A_CLOSER);
    kill_after_every_store(ACCEPTING);
    kill_after_every_store(ENDING_A_LISTENER);
}

/// INV-STREAM-1, INV-STREAM-3, INV-STREAM-5, INV-PART-1.
#[test]
fn unfinished_element_is_recovered() {
    kill_after_every_store(WRITING_ALONE);
    kill_after_every_store(READING_ALONE);
    kill_after_every_store(OPENING_RINGS);
    kill_after_every_store(SHARING_A_SIDE);
    kill_after_every_store(WRITING_THE_FIRST_ITEM);
    kill_after_every_store(WRITING_BESIDE_ANOTHER);
    kill_after_every_store(READING_BESIDE_ANOTHER);
    kill_after_every_store(CLOSING_A_SHARED_FIFO);
}

/// INV-STREAM-2, INV-STREAM-5, INV-SHUTDOWN-1, INV-PART-1.
#[test]
fn unfinished_use_of_a_socket_is_recovered() {
    kill_after_every_store(GROWING_A_RING);
    kill_after_every_store(WRITING_A_CONTROL_MESSAGE);
    kill_after_every_store(READING_A_CONTROL_MESSAGE);
    kill_after_every_store(CLOSING_WITH_A_CONTROL_MESSAGE);
    kill_after_every_store(SHUTTING_DOWN);
}

/// INV-ACCEPT-1, INV-ACCEPT-2, INV-PART-1.
#[test]
fn unfinished_sharing_is_recovered() {
    kill_after_every_store(SHARING_A_SOCKET);
    kill_after_every_store(SHARING_BESIDE_ANOTHER);
    kill_after_every_store(SHARING_WITH_A_CLOSER);
    kill_after_every_store(ACCEPTING_A_SOCKET);
    kill_after_every_store(CLOSING_AN_ACCEPTOR);
    kill_after_every_store(CLOSING_A_CARRIER);
}

/// INV-VMO-1, INV-VMO-2, INV-PART-1.
#[test]
fn unfinished_shrink_is_completed() {
    kill_after_every_store(WRITING_PAGES);
    kill_after_every_store(CUTTING_A_VMO);
    kill_after_every_store(CLOSING_A_VMO);
}

/// INV-VMO-5.
#[test]
fn unfinished_clone_is_no_child() {
    kill_after_every_store(CLONING_A_VMO);
    kill_after_every_store(CLOSING_A_CLONE);
    kill_after_every_store(CLOSING_AN_OBSERVED_CLONE);
}

/// INV-VMO-2: also the recovery of a shrink is completed.
#[test]
fn unfinished_recovery_of_a_shrink_is_completed() {
    kill_supervisors_after_every_store(CUTTING_A_VMO);
}

/// INV-CELL-1, INV-CELL-2, INV-RING-P3, INV-PART-1.
#[test]
fn unfinished_packet_is_recovered() {
    kill_after_every_store(QUEUEING);
    kill_after_every_store(QUEUEING_TOO_MUCH);
    kill_after_every_store(TAKING_A_PACKET);
    kill_after_every_store(ENDING_A_PORT);
}

/// INV-OBSERVER-1, INV-OBSERVER-2, INV-INDEX-1, INV-INDEX-2.
#[test]
fn unfinished_registration_is_recovered() {
    kill_after_every_store(OBSERVING_WITH_A_SHARED_PORT);
    kill_after_every_store(OBSERVING_A_SHARED_EVENT);
    kill_after_every_store(OBSERVING_WHAT_IS_ASSERTED);
    kill_after_every_store(CLOSING_AN_OBSERVED_HANDLE);
    kill_after_every_store(REPLACING_AN_OBSERVED_HANDLE);
    kill_after_every_store(CANCELLING);
    kill_after_every_store(ENDING_AN_OBSERVED_EVENT);
}

/// INV-OBSERVE-1, INV-OBSERVE-3, INV-DUE-1.
#[test]
fn unfinished_evaluation_is_recovered() {
    kill_after_every_store(SIGNALLING_AN_OBSERVED_EVENT);
    kill_after_every_store(WRITING_TO_AN_OBSERVED_END);
    kill_after_every_store(SETTING_AN_OBSERVED_TIMER);
    kill_after_every_store(WAITING_FOR_A_DUE_TIMER);
}

/// INV-RING-3, INV-CALL-2: a reply with a handle, received ahead of another.
#[test]
fn unfinished_early_reply_is_recovered() {
    explore(|stores, missing| {
        let Actors { supervisor, victim, process_slot, victims, survivor, survivors } =
            (LEAVING_EVERYTHING.setup)();
        let near = find(&victim, victims[0]);
        let [_first, second] = [1, 2].map(|number| {
            victim.call_begin(near, Rights::empty(), &message(number, 1), &[], Rights::empty()).unwrap()
        });
        let far = survivors[0];
        let requests = [1, 2].map(|_| survivor.try_receive(far).unwrap().bytes);
        let event = create_event(&survivor);
        let copy = survivor.duplicate(find(&survivor, event), ALL).unwrap();
        survivor.send_value(far, &requests[0]).unwrap();
        survivor.transfer_value(far, &requests[1], &[copy]).unwrap();
        let mut inbox = Inbox::default();
        let ended = crash_after(stores, missing, || {
            victim.call_finish(&second, DEADLINE_INFINITE_NS, &mut inbox).unwrap();
        });
        victim.has_died();
        supervisor.recover(process_slot).unwrap();
        assert_nothing_left(&RECEIVING, &supervisor, &survivor, &[far, event], &[]);
        match ended {
            CrashOutcome::Finished(()) => None,
            CrashOutcome::After(sets) => Some(sets),
        }
    });
}

/// INV-LATCH-1: wherever a signaller dies that clears a signal, a sleeper that does not look until then observes it.
#[test]
fn unfinished_clear_hides_no_signal() {
    for alone in [true, false] {
        explore(move |stores, missing| {
            let Actors { supervisor, victim, process_slot, victims, survivor, survivors } =
                (CLEARING_A_WATCHED_SIGNAL.setup)();
            let (theirs, ours) = (find(&victim, victims[0]), survivors[0]);
            let other = sibling(&survivor);
            let asleep = [survivor.fall_asleep(ours, USER).unwrap(), other.fall_asleep(ours, USER).unwrap()];
            victim.signal(theirs, Signals::empty(), USER).unwrap();
            let set = if alone { Signals::empty() } else { Signals::from_bits_retain(USER.bits() << 1) };
            let ended = crash_after(stores, missing, || victim.signal(theirs, USER, set));
            victim.has_died();
            // One of them clears it too, and recovery comes last.
            other.signal(find(&other, ours), USER, Signals::empty()).unwrap();
            for (sleeper, asleep) in [&survivor, &other].into_iter().zip(asleep) {
                let seen = sleeper.look_asleep(&asleep).unwrap();
                assert_eq!(seen & USER, USER);
                sleeper.wake_up(asleep).unwrap();
            }
            supervisor.recover(process_slot).unwrap();
            match ended {
                CrashOutcome::Finished(result) => {
                    result.unwrap();
                    None
                }
                CrashOutcome::After(sets) => Some(sets),
            }
        });
    }
}

/// INV-TIMER-2: wherever a thread dies that cancels an expired timer, a sleeper that does not look until then observes
/// the expiry.
#[test]
fn unfinished_cancel_hides_no_expiry() {
    explore(|stores, missing| {
        let Actors { supervisor, victim, process_slot, victims, survivor, survivors } =
            (CANCELLING_A_WATCHED_TIMER.setup)();
        let (theirs, ours) = (find(&victim, victims[0]), survivors[0]);
        let other = sibling(&survivor);
        let asleep = other.fall_asleep(ours, Signals::SIGNALED).unwrap();
        victim.timer_set(theirs, ALL, 0).unwrap();
        let ended = crash_after(stores, missing, || victim.timer_cancel(theirs, ALL));
        victim.has_died();
        // Another cancels it too, and recovery comes last.
        survivor.timer_cancel(find(&survivor, ours), ALL).unwrap();
        assert_eq!(other.look_asleep(&asleep), Ok(Signals::SIGNALED));
        other.wake_up(asleep).unwrap();
        supervisor.recover(process_slot).unwrap();
        match ended {
            CrashOutcome::Finished(result) => {
                result.unwrap();
                None
            }
            CrashOutcome::After(sets) => Some(sets),
        }
    });
}

/// INV-TIMER-1, INV-TIMER-3.
#[test]
fn unfinished_timer_change_is_recovered() {
    kill_after_every_store(CANCELLING_A_WATCHED_TIMER);
    kill_after_every_store(SEEING_A_TIMER_EXPIRE);
}

/// INV-TRIM-1, INV-PAGE-2: wherever one dies that gives memory back, no generation comes back, nor an event count that a
/// sleeper of an earlier object may still expect.
#[test]
fn returned_memory_never_comes_back() {
    const SLOTS: core::ops::Range<u32> = 0..2;
    const BLOCKS: core::ops::Range<u32> = 0..2;
    explore(|stores, missing| {
        let Actors { supervisor, victim, process_slot, survivor, .. } = (GIVING_SLOTS_BACK.setup)();
        for _ in 0..2 {
            let (near, far) = survivor.create(ObjectClass::Channel, ALL).unwrap();
            (1..=3).for_each(|number| survivor.send_value(near, &message(number, 1)).unwrap());
            [near, far.unwrap()].iter().for_each(|end| survivor.close_value(*end).unwrap());
            survivor.collect().unwrap();
        }
        let generations = || {
            let slots = SLOTS.map(|slot| supervisor.slot_generation(Slot(slot)).unwrap());
            slots
                .chain(BLOCKS.map(|block| {
                    supervisor.block_generation(SizeClass::SMALLEST, BlockIndex(block)).unwrap()
                }))
                .collect::<Vec<_>>()
        };
        let counts = || SLOTS.map(|slot| supervisor.event_count(Slot(slot)).unwrap());
        let (before, counts_before) = (generations(), counts().collect::<Vec<_>>());
        let ended = crash_after(stores, missing, || {
            IdleMemory::new().pass(&victim, Unused::Now, &mut || true)?;
            victim.create(ObjectClass::Event, ALL).map(drop)
        });
        victim.has_died();
        supervisor.recover(process_slot).unwrap();
        let after = generations();
        assert!(before.iter().zip(&after).all(|(before, after)| before <= after), "{before:?} {after:?}");
        SLOTS.map(|_| survivor.create(ObjectClass::Event, ALL)).for_each(|created| assert!(created.is_ok()));
        for (slot, count) in counts().enumerate() {
            assert!(!(1..=counts_before[slot]).contains(&count), "slot {slot}: {count}");
        }
        match ended {
            CrashOutcome::Finished(result) => {
                result.unwrap();
                None
            }
            CrashOutcome::After(sets) => Some(sets),
        }
    });
}

/// INV-RECOVER-1, INV-RECOVER-2, INV-ROW-2: recovery is an operation like any other.
#[test]
fn successor_recovers_the_handles() {
    let scenes = [CLOSING_A_SHARED_HANDLE, DUPLICATING, CREATING, REPLACING, LEAVING_A_STARTUP_HANDLE];
    scenes.into_iter().for_each(kill_supervisors_after_every_store);
}

/// The same for sides that end.
#[test]
fn successor_recovers_the_dying_sides() {
    let scenes = [CLOSING_A_SIDE, CLOSING_A_FULL_SIDE, ENDING_A_CHANNEL];
    scenes.into_iter().for_each(kill_supervisors_after_every_store);
}

/// The same for names, and for handles that are queued at a listener.
#[test]
fn successor_recovers_the_listeners() {
    let scenes = [OFFERING, ACCEPTING, ENDING_A_LISTENER];
    scenes.into_iter().for_each(kill_supervisors_after_every_store);
}

/// The same for messages on their way.
#[test]
fn successor_recovers_the_messages() {
    let scenes = [
        SENDING,
        SENDING_MUCH,
        SENDING_HANDLES,
        SENDING_WHAT_CANNOT_BE_SENT,
        RECEIVING,
        TAKING_AHEAD,
        DISCARDING,
    ];
    scenes.into_iter().for_each(kill_supervisors_after_every_store);
}
