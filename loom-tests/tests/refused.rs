//! Observers of room at a channel beside refused writes, their looks and their ends.

mod support;

use jacinth_shm_loom::{ChannelOptions, Error, HandleValue, Loan, Rights, Signals, Thread};
use jacinth_shm_loom::{pass_time_until, time_passes};
use support::ports::*;
use support::*;

/// A process with a port, and a channel whose only place is lent.
fn with_a_loan() -> (Thread, HandleValue, HandleValue, Loan) {
    time_passes(true);
    let one = first(&with_ports());
    // Bounds of deadlines count in units from 1 on.
    pass_time_until(DUE_NS);
    let port = create_port(&one);
    let options = ChannelOptions { max_pending_messages: 1, ..ChannelOptions::default() };
    let (near, _) = one.create_channel(options, ALL).unwrap();
    let loan = reserve(&one, near).unwrap();
    (one, port, near, loan)
}

fn reserve(thread: &Thread, channel: HandleValue) -> Result<Loan, Error> {
    thread.reserve(find(thread, channel), Rights::empty(), 1, 0)
}

fn refuse(thread: &Thread, channel: HandleValue) {
    assert_eq!(reserve(thread, channel).map(drop), Err(Error::ShouldWait));
}

/// INV-REFUSAL-1: a write is refused while an observer of room is registered. When the place comes back, it is a new one.
#[test]
fn refusal_during_registration_ends_in_a_packet() {
    model(1, || {
        let (one, port, near, loan) = with_a_loan();
        let other = sibling(&one);
        let refusing = loom::thread::spawn(move || {
            refuse(&other, near);
            other
        });
        observe(&one, near, port, repeating(1, Signals::WRITABLE)).unwrap();
        let other = refusing.join().unwrap();
        let early = next_all(&one, port);
        assert!(early.len() <= 1, "room that was there before the refusal");
        one.return_loan(loan).unwrap();
        assert_eq!(next_all(&one, port), [1]);
        drop(other);
        assert_clean(&one, 2, 3);
    });
}

/// INV-REFUSAL-1: another thread finds room, and so ends the refusal, while an observer is registered.
#[test]
fn room_found_during_registration_is_announced() {
    model(1, || {
        let (one, port, near, loan) = with_a_loan();
        refuse(&one, near);
        let other = sibling(&one);
        let looking = loom::thread::spawn(move || {
            other.return_loan(loan).unwrap();
            assert!(other.signals(find(&other, near)).unwrap().contains(Signals::WRITABLE));
            other
        });
        observe(&one, near, port, once(1, Signals::WRITABLE)).unwrap();
        let other = looking.join().unwrap();
        assert_eq!(next_all(&one, port), [1]);
        drop(other);
        assert_clean(&one, 2, 3);
    });
}

/// INV-REFUSAL-1: a waiter looks at the moment in which the place comes back.
#[test]
fn place_returned_in_a_look_is_found() {
    model(1, || {
        let (one, port, near, loan) = with_a_loan();
        refuse(&one, near);
        observe(&one, near, port, repeating(1, Signals::WRITABLE)).unwrap();
        let other = sibling(&one);
        let returning = loom::thread::spawn(move || {
            other.return_loan(loan).unwrap();
            other
        });
        let early = next(&one, port);
        let other = returning.join().unwrap();
        let keys: Vec<_> = early.into_iter().chain(next_all(&one, port)).collect();
        assert_eq!(keys, [1]);
        drop(other);
        assert_clean(&one, 2, 3);
    });
}

/// INV-REFUSAL-1: a thread finds room while a waiter looks at the observers.
#[test]
fn room_found_during_a_look_is_announced() {
    model_without_barriers(1, || {
        let (one, port, near, loan) = with_a_loan();
        refuse(&one, near);
        observe(&one, near, port, repeating(1, Signals::WRITABLE)).unwrap();
        let other = sibling(&one);
        let waiting = loom::thread::spawn(move || (next(&other, port), other));
        one.return_loan(loan).unwrap();
        one.signals(find(&one, near)).unwrap();
        let (early, other) = waiting.join().unwrap();
        let keys: Vec<_> = early.into_iter().chain(next_all(&one, port)).collect();
        assert_eq!(keys, [1]);
        drop(other);
        assert_clean(&one, 2, 3);
    });
}

/// A waiter in another process takes the look for overdue while the end's process notes another refusal, or looks.
#[test]
fn an_overdue_refusal_loses_no_packet() {
    model(1, || {
        let (one, port, near, loan) = with_a_loan();
        refuse(&one, near);
        let copy = one.duplicate(find(&one, port), ALL).unwrap();
        let two = child(&one, Some(copy));
        let theirs = startup(&two);
        observe(&one, near, port, repeating(1, Signals::WRITABLE)).unwrap();
        let waiting = loom::thread::spawn(move || (next(&two, theirs), two));
        refuse(&one, near);
        let (hint, two) = waiting.join().unwrap();
        let told = hint.into_iter().chain(next_all(&one, port)).count();
        assert!(told <= 1, "{told}");
        // The program tries, as the hint says.
        refuse(&one, near);
        assert_eq!(next_all(&one, port), []);
        one.return_loan(loan).unwrap();
        assert_eq!(next_all(&one, port), [1]);
        drop(two);
    });
}
