//! Buffers: a thread that finds a buffer frozen sees what was filled, and the bytes stay while a thread looks.

mod support;

use jacinth_shm_loom::{Error, HandleValue, Thread};
use std::sync::{Arc, OnceLock};
use support::buffers::*;
use support::*;

/// Two processes, with a handle each to one frozen buffer.
fn holders(byte: u8) -> [(Thread, HandleValue); 2] {
    let one = first(&config_of_buffers());
    let buffer = buffer_of(&one, byte).unwrap();
    let copy = one.duplicate(find(&one, buffer), ALL).unwrap();
    let two = child(&one, Some(copy));
    let theirs = startup(&two);
    [(one, buffer), (two, theirs)]
}

/// INV-BUFFER-1: a thread that comes to the handle before it is frozen is refused, or sees what was filled.
#[test]
fn frozen_bytes_are_complete() {
    model(None, || {
        let one = first(&config_of_buffers());
        let two = Thread::join(one.process()).unwrap();
        let buffer = one.buffer_create(1, ALL).unwrap();
        // A program may guess the value.
        let value = one.buffer_value(&buffer);
        let looking = loom::thread::spawn(move || {
            match two.lookup(value).and_then(|found| two.buffer_look(found, || ())) {
                Ok(bytes) => assert_eq!(bytes, [7, 7]),
                Err(error) => assert_eq!(error, Error::BadHandle),
            }
            two
        });
        one.buffer_fill(&buffer, 7).unwrap();
        one.freeze(buffer).unwrap();
        let two = looking.join().unwrap();
        one.close(find(&one, value)).unwrap();
        drop(two);
        one.collect().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-BUFFER-1: also a thread that finds the handle before it is kept sees what was filled, or is refused.
#[test]
fn early_guess_sees_complete_bytes() {
    let guessed = Arc::new(OnceLock::new());
    let told = guessed.clone();
    // The value is the same in each new arena.
    model(0, move || {
        let one = first(&config_of_buffers());
        let buffer = one.buffer_create(1, ALL).unwrap();
        told.set(one.buffer_value(&buffer)).unwrap();
        one.discard(buffer).unwrap();
    });
    let value = *guessed.get().unwrap();
    model_without_barriers(1, move || {
        let one = first(&config_of_buffers());
        let two = Thread::join(one.process()).unwrap();
        let looking = loom::thread::spawn(move || {
            match two.lookup(value).and_then(|found| two.buffer_look(found, || ())) {
                Ok(bytes) => assert_eq!(bytes, [7, 7]),
                Err(error) => assert!(matches!(error, Error::BadHandle | Error::BadState(_)), "{error}"),
            }
            two
        });
        let buffer = one.buffer_create(1, ALL).unwrap();
        assert_eq!(one.buffer_value(&buffer), value);
        one.buffer_fill(&buffer, 7).unwrap();
        one.freeze(buffer).unwrap();
        drop(looking.join().unwrap());
        one.close(find(&one, value)).unwrap();
        one.collect().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-BUFFER-2: no other object gets the block of a buffer while a thread looks at it, though all other handles are closed.
#[test]
fn a_look_keeps_the_block() {
    model(1, || {
        let [(one, buffer), (two, theirs)] = holders(7);
        let closing = loom::thread::spawn(move || {
            two.close(find(&two, theirs)).unwrap();
            // It takes the first block that is free.
            let next = buffer_of(&two, 9).unwrap();
            (two, next)
        });
        let close = || one.close(find(&one, buffer)).unwrap();
        assert_eq!(one.buffer_look(find(&one, buffer), close), Ok([7, 7]));
        let (two, next) = closing.join().unwrap();
        two.close(find(&two, next)).unwrap();
        one.collect().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-ENTRY-5: a thread that guesses the value closes the handle before it is kept, or after it is frozen; never between.
#[test]
fn a_guessed_close_spares_the_owner() {
    model(1, || {
        let one = first(&config_of_buffers());
        let two = Thread::join(one.process()).unwrap();
        let buffer = one.buffer_create(1, ALL).unwrap();
        let value = one.buffer_value(&buffer);
        let closing = loom::thread::spawn(move || {
            let closed = two.lookup(value).and_then(|found| two.close(found));
            // It would take the block.
            let next = buffer_of(&two, 9).unwrap();
            (two, closed, next)
        });
        one.buffer_fill(&buffer, 7).unwrap();
        let frozen = one.freeze(buffer).unwrap();
        let seen = one.lookup(frozen).and_then(|found| one.buffer_look(found, || ()));
        let (two, closed, next) = closing.join().unwrap();
        match closed {
            Ok(()) => assert!(matches!(seen, Ok([7, 7]) | Err(Error::BadHandle)), "{seen:?}"),
            Err(error) => {
                assert_eq!((error, seen), (Error::BadHandle, Ok([7, 7])));
                one.close(find(&one, frozen)).unwrap();
            }
        }
        two.close(find(&two, next)).unwrap();
        drop(two);
        one.collect().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-BLOCK-2: two last handles that are closed at once free the block once.
#[test]
fn the_last_close_frees_the_block() {
    model(2, || {
        let [(one, buffer), (two, theirs)] = holders(7);
        let closing = loom::thread::spawn(move || {
            two.close(find(&two, theirs)).unwrap();
            two
        });
        one.close(find(&one, buffer)).unwrap();
        let two = closing.join().unwrap();
        let next = buffer_of(&two, 9).unwrap();
        assert_eq!(two.buffer_look(find(&two, next), || ()), Ok([9, 9]));
        two.close(find(&two, next)).unwrap();
        one.collect().unwrap();
        assert_clean(&one, 0, 0);
    });
}
