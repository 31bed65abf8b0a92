//! Taking free things: slots, blocks, rows and process slots, when two threads want the last of them.

mod support;

use jacinth_shm_loom::{
    Arena, Error, HandleValue, ObjectClass, Process, ProcessIdentity, ProcessSlot, Signals, SlotState, Thread,
};
use std::sync::Arc;
use support::*;

/// INV-CREATE-1: a slot is RESERVED by CAS on its own word.
#[test]
fn last_slot_goes_to_one() {
    model(3, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let two = child(&one, None);
        let creating = loom::thread::spawn(move || (two.create(ObjectClass::Event, ALL), two));
        let here = one.create(ObjectClass::Event, ALL);
        let (there, _two) = creating.join().unwrap();
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        let refused = here.err().or(there.err());
        assert_eq!(refused, Some(Error::NoResources("objects")));
        assert_clean(&one, 1, 1);
    });
}

/// INV-CREATE-1, and koids are given out once.
#[test]
fn concurrent_creates_get_different_objects() {
    model(4, || {
        let one = first(&small());
        let two = child(&one, None);
        let creating = loom::thread::spawn(move || {
            let event = create_event(&two);
            (two.koid(event).unwrap(), two)
        });
        let event = create_event(&one);
        let here = one.koid(event).unwrap();
        let (there, _two) = creating.join().unwrap();
        assert_ne!(here, there);
        assert_clean(&one, 2, 2);
    });
}

/// INV-LIFECYCLE-1, INV-BLOCK-2: the slot that one process has torn down is whole for the next: rings start empty,
/// blocks are free, although the last owner wrote other words there.
#[test]
fn reused_slot_starts_clean() {
    model_without_barriers(1, || {
        let one = first(&small_with(|config| {
            config.max_objects = 1;
            config.pool_bytes = 512;
        }));
        let [near, far] = create_channel(&one);
        one.send_value(near, &message(9, BLOCK_WORDS)).unwrap();
        one.try_receive(far).unwrap();
        let two = child(&one, None);
        let closing = loom::thread::spawn(move || {
            one.close_value(near).unwrap();
            one.close_value(far).unwrap();
            one
        });
        let (near, far) = create_when_free(&two);
        assert_eq!(
            two.signals_of(near).unwrap() & Signals::from_bits_retain(7),
            Signals::from_bits_retain(2),
            "writable, not readable, not closed"
        );
        two.send_value(near, &message(1, 1)).unwrap();
        two.send_value(near, &message(2, 1)).unwrap();
        assert_eq!(two.try_receive(far).unwrap().bytes, message(1, 1));
        assert_eq!(two.try_receive(far).unwrap().bytes, message(2, 1));
        assert_eq!(two.try_receive(far).unwrap_err(), Error::ShouldWait);
        let _one = closing.join().unwrap();
        assert_clean(&two, 1, 2);
    });
}

/// The next user of a slot that another has torn down, reserved and then did not use, or had in hand when it died.
fn use_the_slot(thread: &Thread) {
    let (near, far) = create_when_free(thread);
    assert_eq!(
        thread.signals_of(near).unwrap() & Signals::from_bits_retain(7),
        Signals::from_bits_retain(2),
        "writable, not readable, not closed"
    );
    thread.send_value(near, &message(1, 1)).unwrap();
    assert_eq!(thread.try_receive(far).unwrap().bytes, message(1, 1));
    assert_eq!(thread.try_receive(far).unwrap_err(), Error::ShouldWait);
}

/// INV-LIFECYCLE-1: a create that fails gives the slot on as it got it.
///
/// A refused create makes many steps, and the other thread tries again at each yield: with one preemption this took
/// five minutes.
#[test]
fn abandoned_slot_starts_clean() {
    model_without_barriers(0, || {
        let one = first(&small());
        let event = create_event(&one);
        let [near, far] = create_channel(&one);
        one.send_value(near, &message(9, 1)).unwrap();
        one.try_receive(far).unwrap();
        let two = child(&one, None);
        let failing = loom::thread::spawn(move || {
            one.close_value(near).unwrap();
            one.close_value(far).unwrap();
            one.duplicate(find(&one, event), ALL).unwrap();
            let failed = one.create(ObjectClass::Channel, ALL);
            assert!(matches!(failed, Err(Error::NoResources(_))), "{failed:?}");
            one
        });
        use_the_slot(&two);
        let one = failing.join().unwrap();
        assert_clean(&one, 2, 4);
    });
}

/// INV-LIFECYCLE-1, INV-RECOVER-1: recovery gives on a slot that a dead process had in hand.
///
/// No preemptions, as above.
#[test]
fn dead_holders_slot_starts_clean() {
    model_without_barriers(0, || {
        let one = first(&small_with(|config| config.max_objects = 1));
        let (victim, process_slot) = child_with_slot(&one, None);
        let [near, far] = create_channel(&victim);
        victim.send_value(near, &message(9, 1)).unwrap();
        victim.try_receive(far).unwrap();
        let two = child(&one, None);
        let recovering = loom::thread::spawn(move || {
            victim.close_value(near).unwrap();
            victim.close_value(far).unwrap();
            victim.die_at("create.filled", 0);
            let died = victim.create(ObjectClass::Channel, ALL);
            assert!(died.is_err(), "{died:?}");
            victim.has_died();
            one.recover(process_slot).unwrap();
            (one, victim)
        });
        use_the_slot(&two);
        let (one, _victim) = recovering.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

fn create_when_free(thread: &Thread) -> (HandleValue, HandleValue) {
    loop {
        match thread.create(ObjectClass::Channel, ALL) {
            Ok((near, far)) => return (near, far.unwrap()),
            Err(error) => assert_eq!(error, Error::NoResources("objects")),
        }
        loom::thread::yield_now();
    }
}

/// INV-LIFECYCLE-1: the map shows a slot by a bit of an earlier use, and the slot has just become free: the thread that takes it comes
/// after its last user, though not by the map.
#[test]
fn stale_map_bit_gives_a_free_slot() {
    model_without_barriers(1, || {
        let one = first(&small());
        let two = child(&one, None);
        let events = [(); 2].map(|()| one.create(ObjectClass::Event, ALL).unwrap().0);
        events.iter().for_each(|event| one.close_value(*event).unwrap());
        one.collect().unwrap();
        let finding = loom::thread::spawn(move || {
            let (near, far) = create_when_free(&two);
            for end in [near, far] {
                assert_eq!(
                    two.signals_of(end).unwrap() & Signals::from_bits_retain(7),
                    Signals::from_bits_retain(2),
                    "writable, not readable, not closed"
                );
            }
            two
        });
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        one.send_value(near, &message(9, 1)).unwrap();
        [near, far.unwrap()].iter().for_each(|end| one.close_value(*end).unwrap());
        one.collect().unwrap();
        let _two = finding.join().unwrap();
    });
}

/// INV-PAGE-2: a slot was never used when its taker looked, and has been used and given back since.
#[test]
fn never_used_slot_begins_anew() {
    model_without_barriers(1, || {
        let one = first(&small_with(|config| config.max_objects = 4));
        let event = create_event(&one);
        let two = child(&one, None);
        let using = loom::thread::spawn(move || {
            let next = create_event(&one);
            [event, next].iter().for_each(|event| one.close_value(*event).unwrap());
            one.collect().unwrap();
            decommit_memory(&one);
            one
        });
        two.create(ObjectClass::Event, ALL).unwrap();
        let one = using.join().unwrap();
        assert_clean(&one, 1, 1);
    });
}

/// INV-BLOCK-2, INV-BLOCK-3: a block goes from one channel to another once its last user is done with it.
#[test]
fn last_block_moves_to_a_new_channel() {
    model_without_barriers(1, || {
        let one = first(&small_with(|config| config.pool_bytes = 256));
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        one.send_value(near, &message(9, 1)).unwrap();
        let two = child(&one, None);
        let (their_near, their_far) = two.create(ObjectClass::Channel, ALL).unwrap();
        let closing = loom::thread::spawn(move || {
            assert_eq!(one.try_receive(far.unwrap()).unwrap().bytes, message(9, 1));
            one.close_value(near).unwrap();
            one.close_value(far.unwrap()).unwrap();
            one
        });
        loop {
            match two.send_value(their_near, &message(1, 1)) {
                Ok(()) => break,
                Err(error) => assert_eq!(error, Error::NoMemory { bytes: 256 }),
            }
            loom::thread::yield_now();
        }
        assert_eq!(two.try_receive(their_far.unwrap()).unwrap().bytes, message(1, 1));
        let _one = closing.join().unwrap();
        assert_eq!(assert_clean(&two, 1, 2).blocks, 1);
    });
}

/// INV-BLOCK-2: two that want the last block do not both get it.
#[test]
fn last_block_goes_to_one() {
    model_without_barriers(3, || {
        let one = first(&small_with(|config| config.pool_bytes = 256));
        let [near, _] = create_channel(&one);
        let two = child(&one, None);
        let [theirs, _] = create_channel(&two);
        let sending = loom::thread::spawn(move || (two.send_value(theirs, &message(1, 1)), two));
        let here = one.send_value(near, &message(2, 1));
        let (there, _two) = sending.join().unwrap();
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        assert_eq!(here.err().or(there.err()), Some(Error::NoMemory { bytes: 256 }));
        assert_eq!(assert_clean(&one, 2, 4).blocks, 1);
    });
}

/// INV-ROW-1: a row has one holder; one that is given back is whole for the next.
#[test]
fn thread_row_has_one_holder() {
    model(3, || {
        let one = first(&small_with(|config| config.max_threads = 2));
        let event = create_event(&one);
        let process = one.process().clone();
        let joining = loom::thread::spawn(move || match Thread::join(&process) {
            Ok(thread) => thread.close_value(event).map(|()| true).unwrap(),
            Err(error) => {
                assert_eq!(error, Error::NoResources("threads (max_threads)"));
                false
            }
        });
        let second = Thread::join(one.process());
        if let Ok(second) = &second {
            second.create(ObjectClass::Event, ALL).unwrap();
        }
        let held = second.is_ok();
        drop(second);
        let closed = joining.join().unwrap();
        assert!(held || closed, "one of the two had the row");
        assert_clean(&one, u32::from(!closed) + u32::from(held), u32::from(!closed) + u32::from(held));
        assert!(Thread::join(one.process()).is_ok(), "and it is free again");
    });
}

/// A process slot is given to one child.
#[test]
fn last_process_row_goes_to_one() {
    model(None, || {
        let one = first(&small_with(|config| config.max_processes = 2));
        let other = sibling(&one);
        let reserving = loom::thread::spawn(move || (other.process().arena().reserve_slot(&other), other));
        let here = one.process().arena().reserve_slot(&one);
        let (there, _other) = reserving.join().unwrap();
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
    });
}

/// INV-LEADER-1: of two processes that find the leader dead, one leads, and the leader word names it.
#[test]
fn one_of_two_successors_leads() {
    model_without_barriers(None, || {
        let one = first(&small());
        let (other, others) = child_with_slot(&one, None);
        let ones = ProcessSlot { row: one.process().row(), epoch: 0 };
        let dead = one.process().arena().leader();
        let succeeding = loom::thread::spawn(move || (other.try_become_leader(dead, others).unwrap(), other));
        let here = one.try_become_leader(dead, ones).unwrap();
        let (there, other) = succeeding.join().unwrap();
        assert!(here != there, "{here} {there}");
        let leader = other.process().arena().leader();
        let row = if here { one.process().row() } else { other.process().row() };
        assert_eq!(
            (leader.process_slot().map(|process_slot| process_slot.row), leader.term()),
            (Some(row), 1)
        );
        assert!(!one.try_become_leader(dead, ones).unwrap(), "the term of the dead leader is over");
    });
}

/// INV-LEADER-2: a process that sees a leader finds the leader's identity in its row.
#[test]
fn leader_word_publishes_its_process() {
    leading_publishes(|supervisor, process_slot| supervisor.confirm_slot(process_slot, 7).unwrap());
}

/// The same for a process that asked for its slot.
#[test]
fn admission_publishes_its_process() {
    leading_publishes(|supervisor, process_slot| {
        let admitted = supervisor.admit_to_slot(process_slot, ProcessIdentity::from(7)).unwrap();
        admitted == SlotState::Admitted
    });
}

fn leading_publishes(take_over: fn(&Thread, ProcessSlot) -> bool) {
    model_without_barriers(3, move || {
        let one = first(&small());
        let arena = one.process().arena().clone();
        let dead = arena.leader();
        let process_slot = arena.reserve_slot(&one).unwrap();
        let taking = loom::thread::spawn(move || {
            assert!(take_over(&one, process_slot));
            let process = Process::attach(one.process().arena().clone(), process_slot, 7, 1).unwrap();
            let leading = Thread::join(&process).unwrap();
            assert!(leading.try_become_leader(dead, process_slot).unwrap());
            (one, leading)
        });
        if let Some(process_slot) = arena.leader().process_slot() {
            assert_eq!(arena.identity(process_slot).unwrap(), Some(ProcessIdentity::from(7)));
        }
        for member in arena.members().unwrap() {
            assert!(
                member.identity == ProcessIdentity::from(1) || member.identity == ProcessIdentity::from(7)
            );
        }
        let _both = taking.join().unwrap();
    });
}

/// The process in a process slot dies, and `attach` fills the row again. Meanwhile this thread reads the identity in the
/// process slot: it gets that of the dead process, or learns that the process slot is gone.
fn identity_during_reuse<T: 'static>(attach: fn(Thread) -> T) -> (Arc<Arena>, ProcessSlot, T) {
    let one = first(&small());
    let arena = one.process().arena().clone();
    let process_slot = arena.reserve_slot(&one).unwrap();
    assert!(one.confirm_slot(process_slot, 7).unwrap());
    let moving_on = loom::thread::spawn(move || {
        one.recover(process_slot).unwrap();
        attach(one)
    });
    let seen = arena.identity(process_slot).unwrap();
    assert!(
        seen.is_none_or(|seen| [ProcessIdentity::from(7), ProcessIdentity::default()].contains(&seen)),
        "{seen:?}"
    );
    (arena, process_slot, moving_on.join().unwrap())
}

/// The same when the next process attaches before the supervisor confirms its process slot.
#[test]
fn early_attach_gives_no_foreign_identity() {
    model_without_barriers(3, || {
        identity_during_reuse(|one| {
            let next = one.process().arena().reserve_slot(&one).unwrap();
            let process = Process::attach(one.process().arena().clone(), next, 8, 77).unwrap();
            (one, process)
        });
    });
}

/// INV-LEADER-2: reading the identity in a process slot whose row was reused gives the identity of its own process, or that
/// the process slot is gone; never the identity of the next process.
#[test]
fn reused_row_gives_no_foreign_identity() {
    model_without_barriers(3, || {
        let (arena, process_slot, _one) = identity_during_reuse(|one| {
            let next = one.process().arena().reserve_slot(&one).unwrap();
            assert!(one.confirm_slot(next, 8).unwrap());
            one
        });
        assert_eq!(arena.identity(process_slot).unwrap(), None);
    });
}
