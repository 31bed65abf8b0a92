//! Reading at an end that the survivor holds as well.

use crate::operation::fifo::scene::{
    OWN, Shared, check_blocks, check_unread, control_and_end, fifo, skip, write,
};
use crate::operation::spec::OperationSpec;
use jacinth::*;
use std::ops::Range;

/// The guarantee.
const ONCE: &str =
    "an element is read once at most, in its order; a sleeper for WRITABLE is awake if there is room";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        // The last bytes of an item, which is cleared.
        of("fifo_read_shared", Shared::Both, &[0..2, 2..4], &[2], &[0..4, 2..4]).exercises_recovery(),
        of("fifo_read_shared_part", Shared::Both, &[0..4], &[1], &[0..4, 1..4]),
        of("fifo_read_shared_rest", Shared::Both, &[0..3, 3..4], &[1, 2], &[0..4, 1..4, 3..4]),
        of("fifo_read_shared_items", Shared::Both, &[0..1, 1..2, 2..4], &[3], &[0..4, 3..4]),
        of("fifo_read_shared_all", Shared::Both, &[0..1, 1..2, 2..3, 3..4], &[4], &[0..4, 4..4])
            .exercises_recovery(),
        // Of an end that the survivor holds alone: the ring stays open.
        of("fifo_read_shared_ring", Shared::Theirs, &[0..3, 3..4], &[3], &[0..4, 3..4]),
        of("fifo_read_shared_empty", Shared::Both, &[], &[], &[0..0]).mark_variant(),
        first_items(),
    ]
}

fn write_all(end: &NullableHandle, writes: &[Range<u8>]) {
    for numbers in writes {
        assert_eq!(write(end, numbers.clone()), Ok(numbers.len()));
    }
}

/// The ring that was closed has a place of its own, and the item behind it the first of the others.
fn first_items() -> OperationSpec {
    const WRITES: &[Range<u8>] = &[0..1, 1..2, 2..3, 3..4];
    of("fifo_read_shared_first", Shared::Both, WRITES, &[4], &[0..4, 4..4]).set_up(|| {
        let mut fixture = fifo(Shared::Both, |ours, _| write_all(ours, WRITES));
        fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_WRITABLE);
        fixture
    })
}

/// Reads of so many elements each, after the survivor has written these. The fifo is full before.
fn of(
    name: &str,
    shared: Shared,
    writes: &'static [Range<u8>],
    reads: &'static [usize],
    states: &'static [Range<u8>],
) -> OperationSpec {
    OperationSpec::new(name, ONCE)
        .set_up(move || {
            let mut fixture = fifo(shared, |ours, theirs| {
                // Not the first items of the stream, nor the first bytes of the ring.
                for number in 0..6 {
                    assert_eq!((write(ours, number..number + 1), skip(theirs, 1)), (Ok(1), Ok(1)));
                }
                write_all(ours, writes);
            });
            if !writes.is_empty() {
                fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::FIFO_WRITABLE);
            }
            fixture
        })
        .prepare(move || {
            let (control, end) = control_and_end();
            move || {
                for most in reads {
                    assert_eq!(skip(&end, *most), Ok(*most));
                }
                if reads.is_empty() {
                    assert_eq!(skip(&end, 1), Err(Status::SHOULD_WAIT));
                }
                (end, control)
            }
        })
        .check(move |fixture, outcome| {
            check_unread(fixture, outcome, shared, states)?;
            check_blocks(fixture)
        })
}
