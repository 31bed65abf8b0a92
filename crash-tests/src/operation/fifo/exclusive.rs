//! Writing and reading at an end that the victim holds alone: into a ring, and from rings and items.

use crate::operation::fifo::scene::{
    OWN, Shared, check_written, control_and_end, elements, fifo, read_all, skip, write, write_bytes,
};
use crate::operation::fixture::Fixture;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee of a write.
const WHOLE: &str =
    "all elements of a write arrive or none, and a sleeper for READABLE is awake if there are any";
/// The guarantee of a read.
const TAKEN: &str = "the writer sees PEER_CLOSED, and what it wrote goes with the fifo";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![write_empty(), write_wrapping(), write_twice(), write_full(), read_ring(), read_items()]
}

/// The survivor's thread sleeps until there are elements.
fn with_sleeper(mut fixture: Fixture) -> Fixture {
    fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_READABLE);
    fixture
}

fn write_empty() -> OperationSpec {
    OperationSpec::new("fifo_write", WHOLE)
        .set_up(|| with_sleeper(fifo(Shared::Neither, |_, _| {})))
        .prepare(|| {
            let ((control, end), elements) = (control_and_end(), elements(0..3));
            move || {
                assert_eq!(write_bytes(&end, &elements), Ok(3));
                (end, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, Shared::Neither, &[0..0, 0..3]))
}

/// The ring has wrapped between two elements, and within one.
fn write_wrapping() -> OperationSpec {
    OperationSpec::new("fifo_write_wrapping", WHOLE)
        .set_up(|| {
            with_sleeper(fifo(Shared::Neither, |ours, theirs| {
                write(theirs, 0..3).unwrap();
                skip(ours, 3).unwrap();
            }))
        })
        .prepare(|| {
            let ((control, end), elements) = (control_and_end(), elements(3..6));
            move || {
                assert_eq!(write_bytes(&end, &elements), Ok(3));
                (end, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, Shared::Neither, &[3..3, 3..6]))
}

/// The second write goes on where the first one ended, and there is no room for all of it.
fn write_twice() -> OperationSpec {
    OperationSpec::new("fifo_write_twice", WHOLE)
        .set_up(|| with_sleeper(fifo(Shared::Neither, |_, _| {})))
        .prepare(|| {
            let (control, end) = control_and_end();
            let (first, second) = (elements(0..1), elements(1..6));
            move || {
                assert_eq!((write_bytes(&end, &first), write_bytes(&end, &second)), (Ok(1), Ok(3)));
                (end, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, Shared::Neither, &[0..0, 0..1, 0..4]))
}

fn write_full() -> OperationSpec {
    OperationSpec::new("fifo_write_full", "a full fifo keeps its elements")
        .mark_variant()
        .set_up(|| fifo(Shared::Neither, |_, theirs| assert_eq!(write(theirs, 0..4), Ok(4))))
        .prepare(|| {
            let ((control, end), elements) = (control_and_end(), elements(4..5));
            move || {
                assert_eq!(write_bytes(&end, &elements), Err(Status::SHOULD_WAIT));
                (end, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, Shared::Neither, &[0..4]))
}

/// The survivor's end is exclusive too: an open ring.
fn read_ring() -> OperationSpec {
    read("fifo_read", Shared::Neither)
}

/// The survivor's end is shared: three items, of which the victim reads two and a half.
fn read_items() -> OperationSpec {
    read("fifo_read_items", Shared::Ours).exercises_recovery()
}

fn read(name: &str, shared: Shared) -> OperationSpec {
    OperationSpec::new(name, TAKEN)
        .set_up(move || {
            let mut fixture = fifo(shared, |ours, _| {
                assert_eq!((write(ours, 0..1), write(ours, 1..2), write(ours, 2..5)), (Ok(1), Ok(1), Ok(2)));
            });
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_PEER_CLOSED);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                assert_eq!((skip(&end, 1), skip(&end, 2)), (Ok(1), Ok(2)));
                (end, control)
            }
        })
        .check(|fixture, outcome| check_survivor_of_reader(fixture, outcome))
}

/// The writer is told, whichever of its handles it uses.
fn check_survivor_of_reader(fixture: &Fixture, outcome: Outcome) -> CheckResult {
    for end in &fixture.kept[OWN..] {
        let written = write(end, 5..6);
        if written != Err(Status::PEER_CLOSED) {
            return Err(format!("writing to the dead victim gave {written:?} ({outcome:?})"));
        }
        if read_all(end)? != (vec![], Status::PEER_CLOSED) {
            return Err("the victim wrote nothing, and there is something".into());
        }
    }
    Ok(())
}
