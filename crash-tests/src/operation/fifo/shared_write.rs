//! Writing at an end that the survivor holds as well: each write is an item.

use crate::operation::fifo::scene::{
    OWN, SHARED, Shared, check_blocks, check_written, control_and_end, elements, fifo, skip, write,
    write_bytes,
};
use crate::operation::fixture::Fixture;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;
use std::ops::Range;

/// The guarantee.
const WHOLE: &str =
    "all elements of a write arrive or none; the survivor goes on at the same end, and no block is left";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        // The first item after the ring: the places come with it.
        of("fifo_write_shared_first", Shared::Theirs, |_, _| {}, 0..3, 3, &[0..0, 0..3]).exercises_recovery(),
        of("fifo_write_shared", Shared::Theirs, one_item_unread, 1..3, 2, &[0..1, 0..3]).exercises_recovery(),
        // The places have had items in their second lap.
        of("fifo_write_shared_late", Shared::Both, items_read, 0..3, 3, &[0..0, 0..3]),
        // Each of the last elements has a place; the item before is the ring that was closed.
        of("fifo_write_shared_last", Shared::Theirs, three_items_unread, 3..5, 1, &[0..3, 0..4])
            .mark_variant(),
        of("fifo_write_shared_behind_ring", Shared::Theirs, |_, _| {}, 2..5, 2, &[0..2, 0..4])
            .set_up(behind_ring),
        full(),
    ]
}

fn one_item_unread(_: &NullableHandle, theirs: &NullableHandle) {
    assert_eq!(write(theirs, 0..1), Ok(1));
}

fn three_items_unread(_: &NullableHandle, theirs: &NullableHandle) {
    for number in 0..3 {
        assert_eq!(write(theirs, number..number + 1), Ok(1));
    }
}

fn items_read(ours: &NullableHandle, theirs: &NullableHandle) {
    for number in 0..7 {
        assert_eq!((write(theirs, number..number + 1), skip(ours, 1)), (Ok(1), Ok(1)));
    }
}

/// The ring had two elements when the end became shared.
fn behind_ring() -> Fixture {
    let mut second = None;
    let mut fixture = fifo(Shared::Neither, |_, theirs| {
        assert_eq!(write(theirs, 0..2), Ok(2));
        second = Some(theirs.duplicate(Rights::SAME_RIGHTS).unwrap());
    });
    fixture.kept.extend(second);
    fixture
}

/// The survivor's thread sleeps until there are elements.
fn with_sleeper(mut fixture: Fixture) -> Fixture {
    fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_READABLE);
    fixture
}

/// A write of these elements, for so many of which there is room.
fn of(
    name: &str,
    shared: Shared,
    before: fn(&NullableHandle, &NullableHandle),
    numbers: Range<u8>,
    room: usize,
    states: &'static [Range<u8>],
) -> OperationSpec {
    // Elements that are there already would let no thread sleep.
    let is_empty = states[0].is_empty();
    OperationSpec::new(name, WHOLE)
        .set_up(move || {
            let fixture = fifo(shared, before);
            if is_empty { with_sleeper(fixture) } else { fixture }
        })
        .prepare(move || {
            let ((control, end), elements) = (control_and_end(), elements(numbers.clone()));
            move || {
                assert_eq!(write_bytes(&end, &elements), Ok(room));
                (end, control)
            }
        })
        .check(move |fixture, outcome| check(fixture, outcome, shared, states))
}

fn check(fixture: &mut Fixture, outcome: Outcome, shared: Shared, states: &[Range<u8>]) -> CheckResult {
    check_written(fixture, outcome, shared, states)?;
    check_blocks(fixture)
}

/// A write that finds no room takes no block.
fn full() -> OperationSpec {
    OperationSpec::new("fifo_write_shared_full", "a full fifo keeps its elements, and has no further block")
        .set_up(|| {
            let fixture = fifo(Shared::Theirs, three_items_unread);
            assert_eq!(write(&fixture.kept[SHARED], 3..5), Ok(1));
            fixture
        })
        .prepare(|| {
            let ((control, end), elements) = (control_and_end(), elements(4..5));
            move || {
                assert_eq!(write_bytes(&end, &elements), Err(Status::SHOULD_WAIT));
                (end, control)
            }
        })
        .check(|fixture, outcome| check(fixture, outcome, Shared::Theirs, &[0..4]))
}
