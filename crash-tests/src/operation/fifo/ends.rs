//! Creating fifos, and the handles of their ends: second ones, ends that move, ends that close.

use crate::operation::fifo::scene::{
    ELEMENTS, OWN, Shared, check_blocks, check_goes_on, check_written, control_and_end, create, elements,
    fifo, read_all, write, write_bytes,
};
use crate::operation::fixture::{Fixture, startup_channel, warm_up_creation};
use crate::operation::guarantee::{CLOSE, CREATE};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee of a second handle.
const UNREAD: &str =
    "the elements that are unread stay so, and the end goes on as a shared one or dies with the victim";
/// The guarantee of an end that moves.
const MOVES: &str = "the end is at one process, goes on where it stood, or is closed with its process";
/// The guarantee of a close.
const CLOSED: &str = "the other end reads what was written, and sees PEER_CLOSED";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        create_fifo(),
        duplicate(),
        duplicate_and_send(),
        send(),
        send_read_end(),
        receive(),
        close(false),
        close(true),
        close_one_of_two(),
        close_both(false),
        close_both(true),
    ]
}

fn create_fifo() -> OperationSpec {
    OperationSpec::new("create_fifo", CREATE).exercises_recovery().prepare(|| {
        warm_up_creation(startup_channel());
        create
    })
}

/// Three elements are unread at both ends.
fn three_each_way(ours: &NullableHandle, theirs: &NullableHandle) {
    assert_eq!((write(ours, 10..13), write(theirs, 0..3)), (Ok(3), Ok(3)));
}

fn duplicate() -> OperationSpec {
    OperationSpec::new("fifo_duplicate", UNREAD)
        .exercises_recovery()
        .set_up(|| {
            let mut fixture = fifo(Shared::Neither, three_each_way);
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_PEER_CLOSED);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                let second = end.duplicate(Rights::SAME_RIGHTS).unwrap();
                assert_eq!(write(&second, 3..4), Ok(1));
                (second, end, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, Shared::Neither, &[0..3, 0..4]))
}

/// The survivor gets the second handle, and goes on at the end of the dead victim.
fn duplicate_and_send() -> OperationSpec {
    OperationSpec::new("fifo_duplicate_send", UNREAD)
        .set_up(|| fifo(Shared::Neither, three_each_way))
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                let second = end.duplicate(Rights::SAME_RIGHTS).unwrap();
                control.write(b"an end", &mut [second]).unwrap();
                (end, control)
            }
        })
        .check(|fixture, outcome| {
            let Some(end) = received(fixture, outcome)? else {
                return check_written(fixture, outcome, Shared::Neither, &[0..3]);
            };
            expect(&end, &[10, 11, 12], Status::SHOULD_WAIT)?;
            fixture.kept.push(end);
            check_written(fixture, outcome, Shared::Theirs, &[0..3])?;
            check_blocks(fixture)
        })
}

/// The end that the victim sent; `None`: it died before.
fn received(fixture: &Fixture, outcome: Outcome) -> Result<Option<NullableHandle>, String> {
    let mut message = MessageBuf::new();
    match fixture.control.read(&mut message) {
        Ok(()) => Ok(message.take_handles().pop()),
        Err(Status::PEER_CLOSED) if outcome == Outcome::Killed => Ok(None),
        Err(status) => Err(format!("reading the victim's message: {status}")),
    }
}

/// At this end there are exactly these elements.
fn expect(end: &NullableHandle, numbers: &[u8], status: Status) -> CheckResult {
    let read = read_all(end)?;
    if (&read.0[..], read.1) == (numbers, status) {
        Ok(())
    } else {
        Err(format!("the elements are {read:?} instead of {numbers:?} and {status}"))
    }
}

/// An end that stays exclusive: the survivor writes on in the ring of the victim.
fn send() -> OperationSpec {
    OperationSpec::new("fifo_send", MOVES)
        .exercises_recovery()
        .set_up(|| fifo(Shared::Neither, three_each_way))
        .prepare(|| {
            let (control, end) = control_and_end();
            // The private half has a ring, and is left with it.
            assert_eq!(write(&end, 3..4), Ok(1));
            move || {
                control.write(b"an end", &mut [end]).unwrap();
                control
            }
        })
        .check(|fixture, outcome| {
            let Some(end) = received(fixture, outcome)? else {
                return check_written(fixture, outcome, Shared::Neither, &[0..4]);
            };
            expect(&fixture.kept[OWN], &[0, 1, 2, 3], Status::SHOULD_WAIT)?;
            expect(&end, &[10, 11, 12], Status::SHOULD_WAIT)?;
            fixture.kept.push(end);
            check_goes_on(fixture, Shared::Theirs)?;
            // Two rings.
            check_blocks(fixture)
        })
}

/// The victim writes, sends the end, and dies: what it wrote comes first.
fn send_read_end() -> OperationSpec {
    OperationSpec::new("fifo_write_send", MOVES)
        .mark_variant()
        .set_up(|| fifo(Shared::Neither, |_, _| {}))
        .prepare(|| {
            let ((control, end), elements) = (control_and_end(), elements(0..2));
            move || {
                assert_eq!(write_bytes(&end, &elements), Ok(2));
                control.write(b"an end", &mut [end]).unwrap();
                control
            }
        })
        .check(|fixture, outcome| {
            let Some(end) = received(fixture, outcome)? else {
                return check_written(fixture, outcome, Shared::Neither, &[0..0, 0..2]);
            };
            if write(&end, 2..4) != Ok(2) {
                return Err("the survivor cannot write on".into());
            }
            expect(&fixture.kept[OWN], &[0, 1, 2, 3], Status::SHOULD_WAIT)
        })
}

/// The survivor has written at the end that it sends, and the victim writes on.
fn receive() -> OperationSpec {
    OperationSpec::new("fifo_receive", MOVES)
        .exercises_recovery()
        .set_up(|| fifo(Shared::Neither, |_, theirs| assert_eq!(write(theirs, 0..2), Ok(2))))
        .prepare(|| {
            let (control, elements) = (startup_channel(), elements(2..4));
            let mut message = MessageBuf::new();
            move || {
                control.read(&mut message).unwrap();
                let end = message.take_handle(0).unwrap();
                assert_eq!(write_bytes(&end, &elements), Ok(2));
                (end, message, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, Shared::Neither, &[0..2, 0..4]))
}

/// The last handle of an end, with elements unread both ways.
fn close(is_shared: bool) -> OperationSpec {
    let name = if is_shared { "close_fifo_shared" } else { "close_fifo" };
    OperationSpec::new(name, CLOSED)
        .exercises_recovery()
        .set_up(move || {
            let shared = if is_shared { Shared::Both } else { Shared::Neither };
            let mut fixture = fifo(shared, three_each_way);
            // What the survivor has beside its own end. The ends stay shared.
            fixture.kept.truncate(1);
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_PEER_CLOSED);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                drop(end);
                control
            }
        })
        .check(|fixture, _| {
            expect(&fixture.kept[OWN], &[0, 1, 2], Status::PEER_CLOSED)?;
            match write(&fixture.kept[OWN], 13..14) {
                Err(Status::PEER_CLOSED) => Ok(()),
                other => Err(format!("writing to a closed end gave {other:?}")),
            }
        })
}

fn close_one_of_two() -> OperationSpec {
    OperationSpec::new("close_fifo_duplicate", "the end lives on by the survivor's handle, with all elements")
        .set_up(|| fifo(Shared::Theirs, three_each_way))
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                drop(end);
                control
            }
        })
        .check(|fixture, outcome| {
            expect(&fixture.kept[1], &[10, 11, 12], Status::SHOULD_WAIT)?;
            check_written(fixture, outcome, Shared::Theirs, &[0..3])?;
            check_blocks(fixture)
        })
}

/// Both ends of a fifo that only the victim has, full both ways.
fn close_both(is_shared: bool) -> OperationSpec {
    let name = if is_shared { "close_fifo_both_shared" } else { "close_fifo_both" };
    OperationSpec::new(name, CLOSE).exercises_recovery().prepare(move || {
        let control = startup_channel();
        let (one, other) = create();
        if is_shared {
            for end in [&one, &other] {
                drop(end.duplicate(Rights::SAME_RIGHTS).unwrap());
            }
        }
        for number in 0..ELEMENTS as u8 {
            assert_eq!((write(&one, number..number + 1), write(&other, number..number + 1)), (Ok(1), Ok(1)));
        }
        move || {
            drop((one, other));
            control
        }
    })
}
