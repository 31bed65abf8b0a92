//! Bytes at an end that the victim holds alone. The first ring has 4,096 bytes; the writer opens a larger one.

use crate::operation::fixture::Fixture;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::socket::scene::{
    OWN, bytes, check_state, control_and_end, read_each, read_into, socket, write,
};
use crate::operation::spec::OperationSpec;
use jacinth::*;
use std::ops::Range;

/// The guarantee of a write.
const WHOLE: &str = "all bytes of a write arrive or none, behind those before it";
/// The guarantee of a read.
const TAKEN: &str = "the writer sees PEER_CLOSED, and what it wrote goes with the socket";
/// Nearly as many as the first ring holds.
const NEARLY_FULL: usize = 4090;

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        of("socket_write", 0, 0..20, &[0, 20]),
        of(
            "socket_write_growing",
            NEARLY_FULL,
            NEARLY_FULL..NEARLY_FULL + 20,
            &[NEARLY_FULL, NEARLY_FULL + 20],
        )
        .exercises_recovery(),
        read("socket_read", 0),
        read("socket_read_grown", NEARLY_FULL).exercises_recovery(),
    ]
}

/// A write behind so many unread bytes.
fn of(name: &str, unread: usize, positions: Range<usize>, states: &'static [usize]) -> OperationSpec {
    OperationSpec::new(name, WHOLE)
        .set_up(move || {
            let mut fixture = socket(SocketOpts::STREAM, false, |_, theirs| {
                assert_eq!(write(theirs, &bytes(0..unread)), Ok(unread));
            });
            let signals = if unread == 0 { Signals::SOCKET_READABLE } else { Signals::SOCKET_PEER_CLOSED };
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), signals);
            fixture
        })
        .prepare(move || {
            let ((control, end), bytes) = (control_and_end(), bytes(positions.clone()));
            move || {
                assert_eq!(write(&end, &bytes), Ok(bytes.len()));
                (end, control)
            }
        })
        .check(|fixture, outcome| check_written(fixture, outcome, states))
}

fn check_written(fixture: &Fixture, outcome: Outcome, states: &[usize]) -> CheckResult {
    let (reads, end) = read_each(&fixture.kept[OWN]);
    let states: Vec<_> = states.iter().map(|many| bytes(0..*many)).collect();
    check_state(outcome, &reads.concat(), &states)?;
    if end == Status::PEER_CLOSED { Ok(()) } else { Err(format!("the socket ends with {end}")) }
}

/// Reads so many bytes, which clears the ring that has grown, and some of the next one.
fn read(name: &str, before: usize) -> OperationSpec {
    OperationSpec::new(name, TAKEN)
        .set_up(move || {
            let mut fixture = socket(SocketOpts::STREAM, false, |ours, theirs| {
                for positions in [0..before, before..before + 30] {
                    assert_eq!(write(ours, &bytes(positions.clone())), Ok(positions.len()));
                }
                // So that the victim's read is short.
                let mut skipped = vec![0; before.saturating_sub(4)];
                if before > 0 {
                    assert_eq!(read_into(theirs, &mut skipped), Ok(skipped.len()));
                }
            });
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_PEER_CLOSED);
            fixture
        })
        .prepare(move || {
            let ((control, end), mut buffer) = (control_and_end(), [0; 20]);
            let expected = bytes(before.saturating_sub(4)..before.saturating_sub(4) + 20);
            move || {
                assert_eq!(read_into(&end, &mut buffer), Ok(20));
                assert_eq!(buffer[..], expected);
                (end, control)
            }
        })
        .check(|fixture, _| {
            let written = write(&fixture.kept[OWN], &[1]);
            if written != Err(Status::PEER_CLOSED) {
                return Err(format!("writing to the dead victim gave {written:?}"));
            }
            match read_each(&fixture.kept[OWN]) {
                (reads, Status::PEER_CLOSED) if reads.is_empty() => Ok(()),
                other => Err(format!("the victim wrote nothing, and there is {other:?}")),
            }
        })
}
