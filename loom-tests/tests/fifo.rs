//! Fifos: elements come whole, in order and once, at ends of one process and at ends of several.

mod support;

use jacinth_shm_loom::{BlockIndex, Config, Error, HandleValue, Signals, SizeClass, Thread};
use support::fifos::*;
use support::streams::share;
use support::*;

fn with_fifos() -> Config {
    small_with(|config| {
        config.max_objects = 2;
        config.max_handles_per_process = 6;
        config.pool_bytes = 4096;
    })
}

/// Two processes, each with one side of a fifo.
fn two_owners(elements: usize) -> (Thread, HandleValue, Thread, HandleValue) {
    let one = first(&with_fifos());
    let sides = create_fifo(&one, elements);
    streams::two_owners(one, sides)
}

/// Two processes with a handle each to one side, and the other side, which the first one has.
fn one_side_shared(elements: usize) -> (Thread, [HandleValue; 2], Thread, HandleValue) {
    let one = first(&with_fifos());
    let sides = create_fifo(&one, elements);
    streams::one_side_shared(one, sides)
}

/// The ring is overwritten as it is read.
#[test]
fn elements_of_owners_come_in_order() {
    model_without_barriers(2, || {
        let (one, near, two, theirs) = two_owners(2);
        let writing = loom::thread::spawn(move || {
            let mut sent = 0;
            while sent < 4 {
                match put(&two, theirs, &[1, 2, 3, 4][sent..]) {
                    Ok(many) => sent += many,
                    Err(error) => {
                        assert_eq!(error, Error::ShouldWait);
                        loom::thread::yield_now();
                    }
                }
            }
            two
        });
        let mut got = Vec::new();
        while got.len() < 4 {
            match get(&one, near, 2) {
                Ok(some) => got.extend(some),
                Err(error) => {
                    assert_eq!(error, Error::ShouldWait);
                    loom::thread::yield_now();
                }
            }
        }
        assert_eq!(got, [1, 2, 3, 4]);
        let _two = writing.join().unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// INV-STREAM-3: the items of two writers follow each other.
#[test]
fn shared_writers_interleave_whole_writes() {
    model_without_barriers(1, || {
        let (one, [near, far], two, theirs) = one_side_shared(4);
        let writing = loom::thread::spawn(move || {
            assert_eq!(put(&two, theirs, &[1, 2]), Ok(2));
            two
        });
        assert_eq!(put(&one, near, &[3, 4]), Ok(2));
        let _two = writing.join().unwrap();
        assert_clean(&one, 1, 3);
        let got = get_all(&one, far);
        assert!(got == [1, 2, 3, 4] || got == [3, 4, 1, 2], "{got:?}");
        assert_clean(&one, 1, 3);
    });
}

/// INV-STREAM-6: each of two writers sees room for two elements, and there is room for two.
#[test]
fn shared_writers_never_exceed_the_count() {
    model_without_barriers(1, || {
        let (one, [near, far], two, theirs) = one_side_shared(2);
        let writing = loom::thread::spawn(move || {
            let put = put(&two, theirs, &[1, 2]);
            (two, put)
        });
        let ours = put(&one, near, &[3, 4]);
        let (_two, their) = writing.join().unwrap();
        assert_eq!([ours, their].iter().filter(|put| **put == Ok(2)).count(), 1);
        assert!([ours, their].contains(&Err(Error::ShouldWait)));
        assert_clean(&one, 1, 3);
        let got = get_all(&one, far);
        assert!(got == [1, 2] || got == [3, 4], "{got:?}");
    });
}

/// INV-STREAM-4: two readers of one side, while the other side is written. A ring is overwritten under a reader that is held
/// up in its copy, and the block of an item is the next item's.
#[test]
fn shared_readers_divide_the_elements() {
    for is_writer_shared in [false, true] {
        model_without_barriers(if is_writer_shared { 1 } else { 2 }, move || {
            let (one, [near, far], two, theirs) = one_side_shared(2);
            if is_writer_shared {
                share(&one, far);
            }
            assert_eq!(put(&one, far, &[1, 2]), Ok(2));
            let reading = loom::thread::spawn(move || {
                let got = get_some(&two, theirs, 1);
                (two, got)
            });
            let mut got = get(&one, near, 2).unwrap();
            assert_eq!(put(&one, far, &[3]), Ok(1));
            let (_two, their) = reading.join().unwrap();
            got.extend(their);
            got.extend(get_all(&one, near));
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3]);
            assert_clean(&one, 1, 3);
        });
    }
}

/// INV-STREAM-6: a writer is refused only when the stream was full at one moment. It compares no new tail with an old head.
#[test]
fn writer_with_room_is_not_refused() {
    // The other thread loads old values: no switch is needed for it.
    model_without_barriers(0, || {
        let (one, [near, far], two, theirs) = one_side_shared(4);
        assert_eq!(put(&one, near, &[1, 2, 3]), Ok(3));
        let writing = loom::thread::spawn(move || {
            assert_eq!(put(&two, theirs, &[5]), Ok(1));
            two
        });
        assert_eq!(get(&one, far, 2), Ok(vec![1, 2]));
        assert_eq!(put(&one, near, &[4]), Ok(1));
        let _two = writing.join().unwrap();
        let got = get_all(&one, far);
        assert!(got == [3, 4, 5] || got == [3, 5, 4], "{got:?}");
        assert_clean(&one, 1, 3);
    });
}

/// INV-STREAM-4: a reader is refused only when the stream was empty at one moment. It compares no new head with an old tail,
/// or with a place that was cleared meanwhile.
#[test]
fn reader_with_elements_is_not_refused() {
    for is_writer_shared in [false, true] {
        model_without_barriers(0, move || {
            let (one, [near, far], two, theirs) = one_side_shared(2);
            if is_writer_shared {
                share(&one, far);
            }
            assert_eq!(put(&one, far, &[1]), Ok(1));
            let reading = loom::thread::spawn(move || (get(&two, theirs, 1).unwrap(), two));
            assert_eq!(put(&one, far, &[2]), Ok(1));
            let ours = get(&one, near, 1).unwrap();
            let (their, _two) = reading.join().unwrap();
            assert!([ours[0], their[0]] == [1, 2] || [ours[0], their[0]] == [2, 1]);
            assert_clean(&one, 1, 3);
        });
    }
}

/// INV-STREAM-4: a reader that finds the second item, and has the head from before the first one was read, looks again. It
/// sees what the other reader did before its read.
#[test]
fn two_readers_take_an_item_each() {
    model_without_barriers(0, || {
        let (one, [near, far], two, theirs) = one_side_shared(2);
        share(&one, far);
        for element in [1, 2] {
            assert_eq!(put(&one, far, &[element]), Ok(1));
        }
        let reading = loom::thread::spawn(move || {
            let got = get(&two, theirs, 1).unwrap();
            assert!(got == [1] || two.signals_of(theirs).unwrap().contains(USER));
            (got, two)
        });
        one.signal(find(&one, near), Signals::empty(), USER).unwrap();
        let ours = get(&one, near, 1).unwrap();
        let (their, _two) = reading.join().unwrap();
        assert!([ours[0], their[0]] == [1, 2] || [ours[0], their[0]] == [2, 1]);
        assert_clean(&one, 1, 3);
    });
}

/// INV-STREAM-3: READABLE stays until an element is read, though the item of a shared writer is counted meanwhile.
#[test]
fn readable_stays_until_a_read() {
    model_without_barriers(0, || {
        let (one, near, two, theirs) = two_owners(1);
        share(&one, near);
        let looking = loom::thread::spawn(move || {
            let [before, after] =
                [(); 2].map(|()| two.signals_of(theirs).unwrap().contains(Signals::READABLE));
            assert!(after || !before);
            two
        });
        assert_eq!(put(&one, near, &[1]), Ok(1));
        let _two = looking.join().unwrap();
    });
}

/// A writer that finds room sees what the reader did before its read, at ends of both kinds, and at one that has just come.
#[test]
fn room_publishes_earlier_stores() {
    for (is_writer_shared, is_reader_shared, is_writer_new) in
        [(false, false, false), (false, false, true), (true, false, false), (false, true, false)]
    {
        model_without_barriers(0, move || {
            let one = first(&with_fifos());
            let [near, far] = create_fifo(&one, 1);
            if is_writer_new {
                assert_eq!(put(&one, far, &[1]), Ok(1));
            }
            let (one, near, two, theirs) = streams::two_owners(one, [near, far]);
            if is_writer_shared {
                share(&two, theirs);
            }
            if is_reader_shared {
                share(&one, near);
            }
            if !is_writer_new {
                assert_eq!(put(&two, theirs, &[1]), Ok(1));
            }
            let writing = loom::thread::spawn(move || {
                match put(&two, theirs, &[2]) {
                    Ok(_) => assert!(two.signals_of(theirs).unwrap().contains(USER)),
                    Err(error) => assert_eq!(error, Error::ShouldWait),
                }
                two
            });
            one.signal_peer(find(&one, near), Signals::empty(), USER).unwrap();
            assert_eq!(get(&one, near, 1), Ok(vec![1]));
            let _two = writing.join().unwrap();
            assert_clean(&one, 1, 2);
        });
    }
}

/// INV-STREAM-5: a reader dies at the clearing of an item whose block is another thread's by now, which has it in no place yet.
#[test]
fn late_clearing_frees_no_later_block() {
    model_without_barriers(0, || {
        let one = first(&with_fifos());
        let [near, far] = create_fifo(&one, 2);
        share(&one, far);
        for element in [7, 8] {
            assert_eq!(put(&one, far, &[element]), Ok(1));
        }
        let copy = one.duplicate(find(&one, near), ALL).unwrap();
        let (two, process_slot) = child_with_slot(&one, Some(copy));
        let (theirs, supervisor) = (startup(&two), sibling(&one));
        let clearing = loom::thread::spawn(move || {
            two.die_at("item.leaving", 0);
            assert_eq!(get(&two, theirs, 1), Err(Error::Died));
            supervisor.recover(process_slot).unwrap();
        });
        assert_eq!(get(&one, near, 1), Ok(vec![7]));
        // This thread is stopped for good, with a block of its own.
        one.die_at("item.bound", 0);
        assert_eq!(put(&one, far, &[9]), Err(Error::Died));
        let frees = || {
            let generation = |block| one.block_generation(SizeClass::SMALLEST, BlockIndex(block)).unwrap();
            (0..4).map(generation).collect::<Vec<_>>()
        };
        let before = frees();
        clearing.join().unwrap();
        assert_eq!(frees(), before);
    });
}

/// INV-STREAM-1: a thread writes and reads while another of its process duplicates the handle.
#[test]
fn sharing_loses_no_element() {
    model_without_barriers(1, || {
        let one = first(&with_fifos());
        let [near, far] = create_fifo(&one, 4);
        assert_eq!(put(&one, far, &[7]), Ok(1));
        let other = sibling(&one);
        let sharing = loom::thread::spawn(move || {
            let second = other.duplicate(find(&other, near), ALL).unwrap();
            assert_eq!(put(&other, second, &[3]), Ok(1));
            other
        });
        assert_eq!(put(&one, near, &[1]), Ok(1));
        assert_eq!(get(&one, near, 2), Ok(vec![7]));
        assert_eq!(put(&one, near, &[2]), Ok(1));
        let _other = sharing.join().unwrap();
        let got = get_all(&one, far);
        assert!([[1, 2, 3], [1, 3, 2], [3, 1, 2]].contains(&got[..].try_into().unwrap()), "{got:?}");
        assert_clean(&one, 1, 3);
    });
}

/// The handle goes, and its slot is free or another object's, while a thread is about to duplicate it.
#[test]
fn late_duplicate_finds_the_handle_gone() {
    model(1, || {
        let one = first(&with_fifos());
        let [near, far] = create_fifo(&one, 1);
        let (other, found) = (sibling(&one), find(&one, near));
        let closing = loom::thread::spawn(move || {
            other.close_value(near).unwrap();
            other.close_value(far).unwrap();
            other.collect().unwrap();
            other
        });
        match one.duplicate(found, ALL) {
            Ok(second) => one.close_value(second).unwrap(),
            Err(error) => assert_eq!(error, Error::BadHandle),
        }
        let other = closing.join().unwrap();
        other.collect().unwrap();
        assert_eq!(assert_clean(&one, 0, 0).blocks, 0);
    });
}

/// What the owner of a ring wrote is read before what another process writes after the side was shared.
#[test]
fn reader_passes_the_closed_ring() {
    model_without_barriers(1, || {
        let (one, near, two, theirs) = two_owners(4);
        let sharing = loom::thread::spawn(move || {
            assert_eq!(put(&two, theirs, &[1]), Ok(1));
            let second = two.duplicate(find(&two, theirs), ALL).unwrap();
            assert_eq!(put(&two, second, &[2]), Ok(1));
            two
        });
        let mut got = Vec::new();
        while got.len() < 2 {
            match get_some(&one, near, 2) {
                none if none.is_empty() => loom::thread::yield_now(),
                some => got.extend(some),
            }
        }
        assert_eq!(got, [1, 2]);
        let _two = sharing.join().unwrap();
        assert_clean(&one, 1, 3);
    });
}

/// A reader sees PEER_CLOSED after the last element, at ends of both kinds.
#[test]
fn elements_are_read_before_the_close() {
    for [is_writer_shared, is_reader_shared] in [[false, false], [true, false], [false, true], [true, true]] {
        model_with_one_sided_barriers(2, move || {
            let (one, near, two, theirs) = two_owners(2);
            if is_writer_shared {
                share(&two, theirs);
            }
            if is_reader_shared {
                share(&one, near);
            }
            let writing = loom::thread::spawn(move || {
                assert_eq!(put(&two, theirs, &[1]), Ok(1));
                two.close_value(theirs).unwrap();
                two
            });
            let mut got = Vec::new();
            let error = loop {
                match get(&one, near, 2) {
                    Ok(some) => got.extend(some),
                    Err(Error::ShouldWait) => loom::thread::yield_now(),
                    Err(error) => break error,
                }
            };
            assert_eq!((got, error), (vec![1], Error::PeerClosed));
            let _two = writing.join().unwrap();
            one.close_value(near).unwrap();
            one.collect().unwrap();
            assert_eq!(assert_clean(&one, 0, 0).blocks, 0);
        });
    }
}

/// A sleeper is woken by an element, and one that waits for room by a read, at ends of both kinds.
#[test]
fn sleepers_see_elements_and_room() {
    for is_shared in [false, true] {
        model(1, move || {
            let (one, near, two, theirs) = two_owners(1);
            if is_shared {
                share(&one, near);
                share(&two, theirs);
            }
            let answering = loom::thread::spawn(move || {
                assert_eq!(put(&two, theirs, &[1]), Ok(1));
                assert_eq!(wait(&two, theirs, Signals::WRITABLE).0, Ok(()));
                assert_eq!(put(&two, theirs, &[2]), Ok(1));
                two
            });
            for element in [1, 2] {
                assert_eq!(wait(&one, near, Signals::READABLE).0, Ok(()));
                assert_eq!(get(&one, near, 1), Ok(vec![element]));
            }
            let _two = answering.join().unwrap();
            assert_clean(&one, 1, 2);
        });
    }
}
