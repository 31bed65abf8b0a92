//! The map of free things: several threads take and free blocks at once, in an arena with two levels of the map. Every model
//! ends in an audit, which finds a bit that does not agree with its block, and a block that no bit leads to.

mod support;

use jacinth_shm_loom::{Error, HandleValue, ObjectClass, Signals, Thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::*;

/// A channel with one block.
fn channel(thread: &Thread) -> [HandleValue; 2] {
    let (near, far) = thread.create(ObjectClass::Channel, ALL).unwrap();
    thread.send_value(near, &message(1, 1)).unwrap();
    [near, far.unwrap()]
}

/// Ends the channel and gives its block back.
fn end(thread: &Thread, channel: [HandleValue; 2]) {
    channel.iter().for_each(|end| thread.close_value(*end).unwrap());
    thread.collect().unwrap();
}

/// An arena with so many blocks of the smallest class: a leaf word has two bits, and so have those above.
fn with_blocks(blocks: u64) -> Thread {
    first(&small_with(|config| {
        config.max_objects = 8;
        config.max_handles_per_process = 16;
        config.pool_bytes = 256 * blocks;
        config.max_loan_bytes = 256;
    }))
}

/// Every block is taken: a new channel gets none.
#[track_caller]
fn assert_no_block_left(thread: &Thread) {
    let [near, _] = create_channel(thread);
    assert_eq!(thread.send_value(near, &message(1, 1)), Err(Error::NoMemory { bytes: 256 }));
}

/// Both takers, or one of them where one block is all there is, get a block.
fn two_take(free: usize, preemptions: usize) {
    model_without_barriers(preemptions, move || {
        let one = with_blocks(3);
        let taken = [channel(&one), channel(&one), channel(&one)];
        let two = child(&one, None);
        let [here, _] = create_channel(&one);
        let [there, _] = create_channel(&two);
        taken.iter().take(free).for_each(|channel| end(&one, *channel));
        let taking = loom::thread::spawn(move || (two.send_value(there, &message(2, 1)), two));
        let here = one.send_value(here, &message(2, 1));
        let (there, _two) = taking.join().unwrap();
        let got = usize::from(here.is_ok()) + usize::from(there.is_ok());
        assert_eq!(got, free.min(2), "{here:?} {there:?}");
        let objects = 5 - free as u32;
        assert_eq!(assert_clean(&one, objects, 2 * objects).blocks as usize, 3 - free + got);
    });
}

/// INV-FREE-1, INV-BLOCK-2.
#[test]
fn only_free_block_goes_to_one() {
    two_take(1, 2);
}

/// INV-FREE-1, INV-FREE-2: the thread that loses the one block looks for the other.
#[test]
fn last_two_blocks_go_to_both() {
    two_take(2, 2);
}

/// INV-FREE-1, INV-FREE-2: a block is freed while another is taken from the same leaf, and the next one is led to it.
#[test]
fn concurrently_freed_block_is_found() {
    model_without_barriers(2, || {
        let one = with_blocks(3);
        let (first, second, _third) = (channel(&one), channel(&one), channel(&one));
        let two = child(&one, None);
        let [there, _] = create_channel(&two);
        end(&one, first);
        let freeing = loom::thread::spawn(move || {
            end(&one, second);
            one
        });
        two.send_value(there, &message(2, 1)).unwrap();
        let one = freeing.join().unwrap();
        assert_clean(&one, 2, 4);
        let [here, _] = create_channel(&one);
        assert_eq!(one.send_value(here, &message(2, 1)), Ok(()));
        assert_clean(&one, 3, 6);
    });
}

/// INV-BLOCK-3: the map shows a block by a bit of an earlier use, and the block has just become free: the thread that takes it
/// comes after its last user, though not by the map.
#[test]
fn stale_map_bit_gives_a_free_block() {
    model_without_barriers(1, || {
        let one = with_blocks(1);
        let two = child(&one, None);
        let [there, _] = create_channel(&two);
        let first = channel(&one);
        end(&one, first);
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        let taking = loom::thread::spawn(move || (two.send_value(there, &message(2, 1)), two));
        // The other one may have the block.
        let _ = one.send_value(near, &message(1, 1));
        end(&one, [near, far.unwrap()]);
        let (sent, _two) = taking.join().unwrap();
        assert!(matches!(sent, Ok(()) | Err(Error::NoMemory { .. })), "{sent:?}");
    });
}

/// INV-FREE-2: one tidies up above an empty leaf while a block of it is freed.
#[test]
fn block_freed_during_leaf_cleanup_is_found() {
    model_without_barriers(2, || {
        let one = with_blocks(3);
        let (first, second, third) = (channel(&one), channel(&one), channel(&one));
        let two = child(&one, None);
        let [there, _] = create_channel(&two);
        // Takers empty the first leaf, and leave the bit above it.
        end(&one, first);
        let first = channel(&one);
        end(&one, third);
        let freeing = loom::thread::spawn(move || {
            end(&one, second);
            one
        });
        two.send_value(there, &message(2, 1)).unwrap();
        let one = freeing.join().unwrap();
        assert_clean(&one, 2, 4);
        assert_eq!(one.send_value(channel(&one)[0], &message(2, 1)), Ok(()), "the other of the two is free");
        end(&one, first);
        assert_clean(&one, 2, 4);
    });
}

/// INV-FREE-2: the same where the one that freed the block died before it had set the bit above.
#[test]
fn dead_process_block_survives_leaf_cleanup() {
    model_without_barriers(1, || {
        let one = with_blocks(3);
        let (first, second, third) = (channel(&one), channel(&one), channel(&one));
        let two = child(&one, None);
        let [there, _] = create_channel(&two);
        let (victim, process_slot) = child_with_slot(&one, Some(second[0]));
        one.close_value(second[1]).unwrap();
        // Takers empty the first leaf, and leave the bit above it.
        end(&one, first);
        let first = channel(&one);
        end(&one, third);
        let recovering = loom::thread::spawn(move || {
            victim.die_at("map.set", 0);
            assert_eq!(victim.close_value(startup(&victim)), Err(Error::Died));
            one.recover(process_slot).unwrap();
            one
        });
        two.send_value(there, &message(2, 1)).unwrap();
        let one = recovering.join().unwrap();
        assert_clean(&one, 2, 4);
        assert_eq!(one.send_value(channel(&one)[0], &message(2, 1)), Ok(()), "the other of the two is free");
        end(&one, first);
    });
}

/// INV-FREE-1: blocks of one leaf are freed by two at once.
#[test]
fn both_blocks_freed_at_once_are_found() {
    model_without_barriers(1, || {
        let one = with_blocks(2);
        let two = child(&one, None);
        let (ours, theirs) = (channel(&one), channel(&two));
        let freeing = loom::thread::spawn(move || {
            end(&two, theirs);
            two
        });
        end(&one, ours);
        let two = freeing.join().unwrap();
        assert_eq!(assert_clean(&one, 0, 0).blocks, 0);
        channel(&one);
        channel(&two);
        assert_no_block_left(&one);
    });
}

/// A process with a quota of one block.
fn first_with_a_quota_of_one_block() -> Thread {
    first(&small_with(|config| {
        config.max_objects = 8;
        config.max_handles_per_process = 16;
        config.pool_bytes = 1024;
        config.max_loan_bytes = 256;
        config.max_block_bytes_per_process = 256;
    }))
}

/// INV-CREDIT-1, INV-CREDIT-2: a process that has its quota looks for more while another frees a block of it, and while
/// a walk is due: it gets that one, and no more.
#[test]
fn block_freed_elsewhere_gives_one_credit() {
    model_without_barriers(1, || {
        let one = first_with_a_quota_of_one_block();
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        let two = child(&one, far);
        // Recovery of a third one has the credits counted anew.
        let (dead, process_slot) = child_with_slot(&one, None);
        dead.has_died();
        one.recover(process_slot).unwrap();
        one.send_value(near, &message(1, 1)).unwrap();
        one.close_value(near).unwrap();
        let [here, _] = create_channel(&one);
        let [more, _] = create_channel(&one);
        let freeing = loom::thread::spawn(move || {
            two.close_value(startup(&two)).unwrap();
            two.reclaim().unwrap();
            two
        });
        let first_try = one.send_value(here, &message(2, 1));
        let two = freeing.join().unwrap();
        if first_try.is_err() {
            assert_eq!(one.send_value(here, &message(2, 1)), Ok(()));
        }
        let refused = one.send_value(more, &message(2, 1));
        assert!(matches!(refused, Err(Error::NoResources(_))), "{refused:?}");
        assert_clean(&two, 2, 4);
    });
}

/// INV-CREDIT-2: a process looks for more while one that freed its block dies before it gave the credit back: once the
/// death counts, the walk finds the block free.
#[test]
fn death_publishes_the_deads_frees() {
    model_without_barriers(1, || {
        let one = first_with_a_quota_of_one_block();
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        let supervisor = child(&one, None);
        let (victim, process_slot) = child_with_slot(&one, far);
        one.send_value(near, &message(1, 1)).unwrap();
        one.close_value(near).unwrap();
        let [here, _] = create_channel(&one);
        let recovering = loom::thread::spawn(move || {
            victim.die_at("free.shown", 0);
            assert_eq!(victim.close_value(startup(&victim)), Err(Error::Died));
            supervisor.recover(process_slot).unwrap();
            supervisor
        });
        let first_try = one.send_value(here, &message(2, 1));
        let _supervisor = recovering.join().unwrap();
        if first_try.is_err() {
            assert_eq!(one.send_value(here, &message(2, 1)), Ok(()));
        }
    });
}

/// INV-CREDIT-1: the block that a taker had in hand when it died gives no credit to the process that had it before.
#[test]
fn dead_taker_gives_no_credit() {
    for point in ["take.owned", "grow.taken", "grow.intended"] {
        model_without_barriers(1, move || {
            let one = first_with_a_quota_of_one_block();
            let before = channel(&one);
            end(&one, before);
            let [here, _] = create_channel(&one);
            let [more, _] = create_channel(&one);
            let (two, process_slot) = child_with_slot(&one, None);
            let [there, _] = create_channel(&two);
            two.die_at(point, 0);
            assert_eq!(two.send_value(there, &message(2, 1)), Err(Error::Died), "{point}");
            one.recover(process_slot).unwrap();
            assert_eq!(one.send_value(here, &message(1, 1)), Ok(()), "{point}");
            let refused = one.send_value(more, &message(1, 1));
            assert!(matches!(refused, Err(Error::NoResources(_))), "{point}: {refused:?}");
            assert_clean(&one, 2, 4);
        });
    }
}

/// INV-CREDIT-1, INV-CREDIT-2: the same for objects. Each try that finds no credit walks.
#[test]
fn object_freed_elsewhere_gives_one_credit() {
    model_without_barriers(1, || {
        let one = first(&small_with(|config| {
            config.max_objects = 3;
            config.max_objects_per_process = 1;
        }));
        let (near, far) = one.create(ObjectClass::Channel, ALL).unwrap();
        let two = child(&one, far);
        one.close_value(near).unwrap();
        let freeing = loom::thread::spawn(move || {
            two.close_value(startup(&two)).unwrap();
            two.reclaim().unwrap();
            two
        });
        let first_try = one.create(ObjectClass::Event, ALL);
        let two = freeing.join().unwrap();
        if first_try.is_err() {
            one.create(ObjectClass::Event, ALL).unwrap();
        }
        let refused = one.create(ObjectClass::Event, ALL);
        assert!(matches!(refused, Err(Error::NoResources(_))), "{refused:?}");
        assert_clean(&two, 1, 1);
    });
}

/// INV-DECOMMIT-1: a block that loses its memory is one taker's, before or after.
#[test]
fn returned_block_is_taken_once() {
    model_without_barriers(2, || {
        let one = with_blocks(3);
        let kept = channel(&one);
        let (first, second) = (channel(&one), channel(&one));
        let two = child(&one, None);
        let [there, _] = create_channel(&two);
        end(&one, first);
        end(&one, second);
        let giving = loom::thread::spawn(move || {
            decommit_memory(&one);
            one
        });
        let sent = two.send_value(there, &message(2, 1));
        let one = giving.join().unwrap();
        if sent.is_err() {
            assert_eq!(two.send_value(there, &message(2, 1)), Ok(()));
        }
        assert_clean(&one, 2, 4);
        channel(&one);
        assert_no_block_left(&one);
        end(&one, kept);
        assert_clean(&one, 3, 6);
    });
}

/// INV-PAGE-1, INV-PAGE-2, INV-PAGE-3: a slot that loses its memory is one taker's, before or after, and its objects
/// begin anew.
#[test]
fn returned_slot_is_taken_once() {
    model_without_barriers(1, || {
        let one = first(&small());
        let two = child(&one, None);
        let events = [(); 2].map(|()| one.create(ObjectClass::Event, ALL).unwrap().0);
        for event in events {
            one.signal(find(&one, event), Signals::empty(), USER).unwrap();
            one.close_value(event).unwrap();
        }
        one.collect().unwrap();
        let giving = loom::thread::spawn(move || {
            decommit_memory(&one);
            one
        });
        let made = two.create(ObjectClass::Event, ALL);
        let one = giving.join().unwrap();
        let made = made.or_else(|_| two.create(ObjectClass::Event, ALL)).unwrap().0;
        assert_clean(&one, 1, 1);
        let other = one.create(ObjectClass::Event, ALL).unwrap().0;
        assert_eq!(one.create(ObjectClass::Event, ALL), Err(Error::NoResources("objects")));
        for (thread, event) in [(&two, made), (&one, other)] {
            assert_eq!(thread.signals_of(event), Ok(Signals::empty()));
        }
        assert_clean(&one, 2, 2);
    });
}

/// INV-FREE-1: a thread waits for a slot that another one is giving back to the system, before a
/// create is refused. (Models may show an old bit for ever, so it is refused in the end.)
#[test]
fn create_waits_for_a_leaving_slot() {
    model_without_barriers(1, || {
        let one = first(&small());
        let two = child(&one, None);
        let events = [(); 2].map(|()| one.create(ObjectClass::Event, ALL).unwrap().0);
        events.iter().for_each(|event| one.close_value(*event).unwrap());
        one.collect().unwrap();
        // A plain atomic, not loom's: it must add no order.
        let is_given = Arc::new(AtomicBool::new(false));
        let given = is_given.clone();
        let creating = loom::thread::spawn(move || {
            let made = two.create(ObjectClass::Event, ALL);
            assert!(made.is_ok() || given.load(Ordering::Relaxed), "{made:?}");
            two
        });
        decommit_memory(&one);
        is_given.store(true, Ordering::Relaxed);
        let _two = creating.join().unwrap();
    });
}

/// INV-TRIM-1, INV-TRIM-2: blocks at the end are given up while another takes some, those and the next.
#[test]
fn trimmed_blocks_are_taken_once() {
    model_without_barriers(1, || {
        let one = with_blocks(4);
        let two = child(&one, None);
        let _kept = channel(&one);
        let (first, second) = (channel(&one), channel(&one));
        let [near, _] = create_channel(&two);
        let [other, _] = create_channel(&two);
        end(&one, first);
        end(&one, second);
        let giving = loom::thread::spawn(move || {
            decommit_memory(&one);
            one
        });
        for end in [near, other] {
            assert_eq!(two.send_value(end, &message(2, 1)), Ok(()));
        }
        let one = giving.join().unwrap();
        assert_clean(&one, 3, 6);
        channel(&one);
        assert_no_block_left(&one);
        assert_clean(&one, 5, 10);
    });
}
