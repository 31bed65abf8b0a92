//! Fifos of one process: order at any kind of end, statuses, damage.

use super::*;
use crate::arena::config::Config;
use crate::arena::word::handle::HandleValue;
use std::sync::Arc;

const NONE: Rights = Rights::empty();

fn process() -> Arc<Process> {
    Process::alone(&Config { max_objects: 8, max_processes: 1, pool_bytes: 1 << 20, ..Config::default() })
}

fn read(thread: &Thread, fifo: HandleValue, element_bytes: usize, most: usize) -> Result<Vec<u8>> {
    let mut out = vec![MaybeUninit::uninit(); most * element_bytes];
    let many = thread.fifo_read(fifo, NONE, element_bytes, &mut out)?;
    // SAFETY: so many elements were read.
    Ok(out[..many * element_bytes].iter().map(|byte| unsafe { byte.assume_init() }).collect())
}

fn assert_clean(thread: &Thread) {
    let audit = thread.arena().audit();
    assert!(audit.is_clean(), "{audit}");
}

/// Three bytes an element do not divide a block, so elements wrap within the ring.
#[test]
fn elements_come_in_order_at_any_end() {
    for shared in [[false, false], [true, false], [false, true], [true, true]] {
        let thread = Thread::join(&process()).unwrap();
        let (near, far) = thread.fifo_create(4, 3, Rights::all()).unwrap();
        for (value, is_shared) in [near, far].into_iter().zip(shared) {
            if is_shared {
                let other = thread.duplicate(thread.lookup(value).unwrap(), Rights::all()).unwrap();
                thread.close(thread.lookup(other).unwrap()).unwrap();
            }
        }
        let mut sent = (0..=255u8).cycle();
        let mut expected = sent.clone();
        for round in 0..200 {
            let bytes: Vec<u8> = sent.clone().take(3 * (1 + round % 5)).collect();
            let many = thread.fifo_write(near, NONE, 3, &bytes).unwrap();
            assert_eq!(many, (1 + round % 5).min(4), "round {round} of {shared:?}");
            sent.nth(3 * many - 1);
            if round % 20 == 0 {
                assert_clean(&thread);
            }
            let mut left = many;
            while left > 0 {
                let some = read(&thread, far, 3, 1 + round % 3).unwrap();
                assert!(some.iter().eq(expected.clone().take(some.len()).collect::<Vec<_>>().iter()));
                expected.nth(some.len() - 1);
                left -= some.len() / 3;
            }
            assert_eq!(read(&thread, far, 3, 1), Err(Error::ShouldWait));
        }
        for value in [near, far] {
            thread.close(thread.lookup(value).unwrap()).unwrap();
        }
        thread.collect().unwrap();
        assert_clean(&thread);
        assert_eq!(thread.arena().audit().blocks, 0);
    }
}

/// What the exclusive owner wrote comes first, and a full ring stays full.
#[test]
fn a_second_handle_keeps_what_was_written() {
    let thread = Thread::join(&process()).unwrap();
    let (near, far) = thread.fifo_create(8, 1, Rights::all()).unwrap();
    thread.fifo_write(near, NONE, 1, b"abcde").unwrap();
    let second = thread.duplicate(thread.lookup(near).unwrap(), Rights::all()).unwrap();
    assert_eq!(thread.fifo_write(second, NONE, 1, b"fghijk"), Ok(3));
    assert_eq!(thread.fifo_write(near, NONE, 1, b"i"), Err(Error::ShouldWait));
    assert_eq!(read(&thread, far, 1, 6).unwrap(), b"abcdef");
    assert_eq!(thread.fifo_write(near, NONE, 1, b"i"), Ok(1));
    assert_eq!(read(&thread, far, 1, 8).unwrap(), b"ghi");
    assert_clean(&thread);
    thread.close(thread.lookup(near).unwrap()).unwrap();
    thread.fifo_write(second, NONE, 1, b"last").unwrap();
    thread.close(thread.lookup(second).unwrap()).unwrap();
    assert_eq!(thread.fifo_write(far, NONE, 1, b"x"), Err(Error::PeerClosed));
    assert_eq!(read(&thread, far, 1, 8).unwrap(), b"last");
    assert_eq!(read(&thread, far, 1, 8), Err(Error::PeerClosed));
}

/// Each of them died once it had cleared its item, and before it noted that.
#[test]
fn dead_readers_hold_up_no_element() {
    let thread = Thread::join(&process()).unwrap();
    let (near, far) = thread.fifo_create(1, 1, Rights::all()).unwrap();
    thread.duplicate(thread.lookup(near).unwrap(), Rights::all()).unwrap();
    let writer = thread.lookup(near).unwrap().entry.object();
    let passed = StreamWords::of(thread.arena().direction(writer).unwrap()).passed();
    for number in 0..10 {
        assert_eq!(thread.fifo_write(near, NONE, 1, &[number]), Ok(1));
        let before = passed.load(Relaxed);
        assert_eq!(read(&thread, far, 1, 1), Ok(vec![number]));
        passed.store(before, Relaxed);
        assert_eq!(read(&thread, far, 1, 1), Err(Error::ShouldWait));
    }
}

#[test]
fn damaged_position_is_an_error() {
    for is_shared in [false, true] {
        let thread = Thread::join(&process()).unwrap();
        let (near, far) = thread.fifo_create(4, 1, Rights::all()).unwrap();
        // Its new private half has seen no position.
        let near = thread.replace(thread.lookup(near).unwrap(), Rights::all()).unwrap();
        let writer = thread.lookup(near).unwrap().entry.object();
        if is_shared {
            thread.duplicate(thread.lookup(near).unwrap(), Rights::all()).unwrap();
        }
        let words = StreamWords::of(thread.arena().direction(writer).unwrap());
        for word in [words.tail(), words.head(), words.passed(), words.items()] {
            word.store(u64::MAX, Relaxed);
            // No more than that they end.
            let _ = (thread.fifo_write(near, NONE, 1, b"ab"), read(&thread, far, 1, 4));
        }
        assert!(matches!(thread.fifo_write(near, NONE, 1, b"ab"), Err(Error::Corrupt(_))));
    }
}

#[test]
fn impossible_sizes_are_refused() {
    let thread = Thread::join(&process()).unwrap();
    for (elements, element_bytes) in [(0, 1), (1, 0), (3, 1), (4096, 2), (1, 4097), (8192, 1), (1 << 63, 2)] {
        let refused = thread.fifo_create(elements, element_bytes, NONE);
        assert!(
            matches!(refused, Err(Error::OutOfRange { .. })),
            "{elements} of {element_bytes}: {refused:?}"
        );
    }
    for (elements, element_bytes) in [(1, 1), (1, 4096), (4096, 1), (64, 33)] {
        thread.fifo_create(elements, element_bytes, NONE).unwrap();
    }
}

#[test]
fn no_fifo_is_made_without_size() {
    let thread = Thread::join(&process()).unwrap();
    assert!(matches!(thread.create(ObjectClass::Fifo, NONE), Err(Error::InvalidArgs(_))));
    assert_eq!(thread.arena().audit().objects, 0);
}
