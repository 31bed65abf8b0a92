//! Messages of the control plane, at an end that the survivor holds as well.

use crate::operation::socket::scene::{
    OWN, SHARED, check_goes_on, check_state, control_and_end, read_control, socket, write_control,
};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee of a write.
const WHOLE: &str = "the message is there whole, and a sleeper for it is awake, or it is not there";
/// The guarantee of a read.
const ONCE: &str = "the message is read once, and a sleeper for its place is awake if it was";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![write_message().exercises_recovery(), read_message().exercises_recovery()]
}

fn write_message() -> OperationSpec {
    OperationSpec::new("socket_write_control", WHOLE)
        .set_up(|| {
            let mut fixture = socket(SocketOpts::HAS_CONTROL, true, |_, _| {});
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_CONTROL_READABLE);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                assert_eq!(write_control(&end, b"a message"), Ok(9));
                (end, control)
            }
        })
        .check(|fixture, outcome| {
            let found = read_control(&fixture.kept[OWN]);
            check_state(outcome, &found, &[Err(Status::SHOULD_WAIT), Ok(b"a message".to_vec())])?;
            let next = write_control(&fixture.kept[SHARED], b"the next");
            if (next, read_control(&fixture.kept[OWN])) != (Ok(8), Ok(b"the next".to_vec())) {
                return Err(format!("the next message gave {next:?}"));
            }
            check_goes_on(fixture)
        })
}

fn read_message() -> OperationSpec {
    OperationSpec::new("socket_read_control", ONCE)
        .set_up(|| {
            let mut fixture = socket(SocketOpts::HAS_CONTROL, true, |ours, _| {
                assert_eq!(write_control(ours, b"a message"), Ok(9));
            });
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_CONTROL_WRITABLE);
            fixture
        })
        .prepare(|| {
            let ((control, end), mut buffer) = (control_and_end(), [0; 20]);
            move || {
                let end_value = end.raw_handle();
                assert_eq!(raw::socket_read(end_value, SocketReadOpts::CONTROL, &mut buffer), Ok(9));
                assert_eq!(&buffer[..9], b"a message");
                (end, control)
            }
        })
        .check(|fixture, outcome| {
            let next = write_control(&fixture.kept[OWN], b"the next");
            let found = read_control(&fixture.kept[SHARED]);
            let states =
                [(Err(Status::SHOULD_WAIT), Ok(b"a message".to_vec())), (Ok(8), Ok(b"the next".to_vec()))];
            check_state(outcome, &(next, found), &states)?;
            check_goes_on(fixture)
        })
}
