//! VM objects: threads that write, shrink and grow at once agree on one extent and one size.

mod support;

use jacinth_shm_loom::{Error, HandleValue, Signals, Thread};
use support::vmos::*;
use support::*;

/// Processes with one thread, and a handle each to one VM object of so many units.
fn owners<const N: usize>(size: u64) -> [(Thread, HandleValue); N] {
    let one = first(&config_of_vmos());
    let vmo = create_vmo(&one, size);
    let others: Vec<_> = (1..N)
        .map(|_| {
            let copy = one.duplicate(find(&one, vmo), ALL).unwrap();
            let child = child(&one, Some(copy));
            let theirs = startup(&child);
            (child, theirs)
        })
        .collect();
    let all: Vec<_> = std::iter::once((one, vmo)).chain(others).collect();
    all.try_into().ok().unwrap()
}

fn close_all(thread: &Thread, vmos: &[(&Thread, HandleValue)]) {
    for (thread, vmo) in vmos {
        thread.close(find(thread, *vmo)).unwrap();
    }
    thread.collect().unwrap();
    assert_clean(thread, 0, 0);
}

/// INV-VMO-3: two first writers use one extent.
#[test]
fn two_first_writers_share_an_extent() {
    model(2, || {
        let [(one, vmo), (two, theirs)] = owners(1);
        let writing = loom::thread::spawn(move || {
            two.vmo_write(find(&two, theirs), ALL, 8, &[2]).unwrap();
            two
        });
        one.vmo_write(find(&one, vmo), ALL, 0, &[1]).unwrap();
        let two = writing.join().unwrap();
        let mut bytes = [0xee; 9];
        one.vmo_read_bytes(find(&one, vmo), ALL, 0, &mut bytes).unwrap();
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0, 0, 0, 2]);
        close_all(&one, &[(&one, vmo), (&two, theirs)]);
    });
}

/// INV-VMO-2: a thread that has shrunk an object, grown it again and written to it keeps its bytes, though another one
/// shrinks it meanwhile: to less than the other size, or before it.
#[test]
fn two_sizes_leave_one_of_them() {
    model(2, || {
        let [(one, vmo), (two, theirs)] = owners(3);
        put_at(&one, vmo, 2, 7).unwrap();
        let shrinking = loom::thread::spawn(move || {
            resize(&two, theirs, 2).unwrap();
            two
        });
        resize(&one, vmo, 1).unwrap();
        resize(&one, vmo, 3).unwrap();
        let two = shrinking.join().unwrap();
        match units(&one, vmo) {
            2 => assert!(matches!(byte_at(&one, vmo, 2), Err(Error::OutOfRange { .. }))),
            size => assert_eq!((size, byte_at(&one, vmo, 2)), (3, Ok(0)), "the cut byte is zero"),
        }
        close_all(&one, &[(&one, vmo), (&two, theirs)]);
    });
}

/// INV-VMO-2: a shrink is never late: bytes that were written after it, by the thread that has grown the object, stay.
#[test]
fn a_shrink_clears_no_later_byte() {
    model(2, || {
        let [(one, vmo), (two, theirs)] = owners(3);
        put_at(&one, vmo, 2, 7).unwrap();
        let shrinking = loom::thread::spawn(move || {
            resize(&two, theirs, 1).unwrap();
            two
        });
        // The other thread has shrunk it; from here on it changes nothing.
        if units(&one, vmo) == 1 {
            resize(&one, vmo, 3).unwrap();
            put_at(&one, vmo, 2, 8).unwrap();
            assert_eq!(byte_at(&one, vmo, 2), Ok(8));
        }
        let two = shrinking.join().unwrap();
        let byte = byte_at(&one, vmo, 2);
        assert!(byte == Ok(8) || units(&one, vmo) == 1, "{byte:?}");
        close_all(&one, &[(&one, vmo), (&two, theirs)]);
    });
}

/// The stores of the thread that has grown an object are seen by one that finds it grown.
#[test]
fn growth_publishes_earlier_bytes() {
    model_without_barriers(2, || {
        let [(one, vmo), (two, theirs)] = owners(1);
        let growing = loom::thread::spawn(move || {
            put_at(&two, theirs, 0, 7).unwrap();
            resize(&two, theirs, 2).unwrap();
            two
        });
        if units(&one, vmo) == 2 {
            assert_eq!(byte_at(&one, vmo, 0), Ok(7));
        }
        let two = growing.join().unwrap();
        close_all(&one, &[(&one, vmo), (&two, theirs)]);
    });
}

/// INV-VMO-5: a thread that waits for the last clone's end is woken, whichever of two ends last.
#[test]
fn sleeper_sees_the_last_clone_end() {
    model(1, || {
        let one = first(&config_of_vmos());
        let vmo = create_vmo(&one, 1);
        let clone = clone_vmo(&one, vmo).unwrap();
        let two = child(&one, Some(clone));
        let theirs = startup(&two);
        let closing = loom::thread::spawn(move || {
            two.close(find(&two, theirs)).unwrap();
            two
        });
        assert_eq!(wait(&one, vmo, Signals::SIGNALED), (Ok(()), Signals::SIGNALED));
        assert!(has_zero_children(&one, vmo));
        closing.join().unwrap();
        close_all(&one, &[(&one, vmo)]);
    });
}

/// INV-VMO-5: a parent that ends at the same time as its clone.
#[test]
fn parent_and_clone_end_together() {
    model(1, || {
        let one = first(&config_of_vmos());
        let vmo = create_vmo(&one, 1);
        let clone = clone_vmo(&one, vmo).unwrap();
        let two = child(&one, Some(clone));
        let theirs = startup(&two);
        let closing = loom::thread::spawn(move || {
            two.close(find(&two, theirs)).unwrap();
            two.collect().unwrap();
            two
        });
        one.close(find(&one, vmo)).unwrap();
        one.collect().unwrap();
        let two = closing.join().unwrap();
        two.collect().unwrap();
        assert_clean(&one, 0, 0);
    });
}

/// INV-VMO-1, INV-VMO-3: an object is closed under a writer. Its extent is free and zero afterwards.
#[test]
fn close_under_a_writer_loses_no_extent() {
    model(2, || {
        let one = first(&config_of_vmos());
        let vmo = create_vmo(&one, 1);
        let two = sibling(&one);
        let closing = loom::thread::spawn(move || {
            two.close(find(&two, vmo)).unwrap();
            two.collect().unwrap();
            two
        });
        if let Ok(found) = one.lookup(vmo) {
            let written = one.vmo_write(found, ALL, 0, &[7]);
            assert!(matches!(written, Ok(()) | Err(Error::BadHandle)), "{written:?}");
        }
        closing.join().unwrap();
        one.collect().unwrap();
        let again = create_vmo(&one, 1);
        one.vmo_write(find(&one, again), ALL, 8, &[1]).unwrap();
        assert_eq!(byte_at(&one, again, 0), Ok(0));
        close_all(&one, &[(&one, again)]);
    });
}
