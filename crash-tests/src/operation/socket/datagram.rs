//! Datagrams at an end that the survivor holds as well: each is an item.

use crate::operation::fixture::Fixture;
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::socket::scene::{
    OWN, SHARED, bytes, check_goes_on, check_state, control_and_end, read_each, read_into, socket, write,
};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee of a write.
const WHOLE: &str = "a datagram arrives whole or not at all, and the survivor goes on at the same end";
/// The guarantee of a read.
const ONCE: &str = "a datagram is read once, and the survivor goes on at the same end";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        write_behind("socket_write_datagram_first", 0),
        // The block of the places comes with it.
        write_behind("socket_write_datagram", 1).exercises_recovery(),
        write_behind("socket_write_datagram_behind", 2).mark_variant(),
        read().exercises_recovery(),
    ]
}

/// The datagram of this number. Their sizes differ.
fn datagram(number: usize) -> Vec<u8> {
    bytes(number..2 * number + 10)
}

fn datagrams(first: usize, end: usize) -> Vec<Vec<u8>> {
    (first..end).map(datagram).collect()
}

fn check_rest(fixture: &Fixture, end: usize, outcome: Outcome, states: &[Vec<Vec<u8>>]) -> CheckResult {
    let (found, status) = read_each(&fixture.kept[end]);
    check_state(outcome, &found, states)?;
    if status != Status::SHOULD_WAIT {
        return Err(format!("the socket ends with {status}"));
    }
    check_goes_on(fixture)
}

fn write_behind(name: &str, unread: usize) -> OperationSpec {
    OperationSpec::new(name, WHOLE)
        .set_up(move || {
            let mut fixture = socket(SocketOpts::DATAGRAM, true, |_, theirs| {
                for datagram in datagrams(0, unread) {
                    assert_eq!(write(theirs, &datagram), Ok(datagram.len()));
                }
            });
            if unread == 0 {
                fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_READABLE);
            }
            fixture
        })
        .prepare(move || {
            let ((control, end), datagram) = (control_and_end(), datagram(unread));
            move || {
                assert_eq!(write(&end, &datagram), Ok(datagram.len()));
                (end, control)
            }
        })
        .check(move |fixture, outcome| {
            let states = [datagrams(0, unread), datagrams(0, unread + 1)];
            check_rest(fixture, OWN, outcome, &states)
        })
}

fn read() -> OperationSpec {
    OperationSpec::new("socket_read_datagram", ONCE)
        .set_up(|| {
            socket(SocketOpts::DATAGRAM, true, |ours, _| {
                for datagram in datagrams(0, 3) {
                    assert_eq!(write(ours, &datagram), Ok(datagram.len()));
                }
            })
        })
        .prepare(|| {
            let ((control, end), expected) = (control_and_end(), datagram(0));
            // The rest of the datagram is discarded.
            let mut buffer = [0; 4];
            move || {
                assert_eq!(read_into(&end, &mut buffer), Ok(4));
                assert_eq!(buffer[..], expected[..4]);
                (end, control)
            }
        })
        .check(|fixture, outcome| check_rest(fixture, SHARED, outcome, &[datagrams(0, 3), datagrams(1, 3)]))
}
