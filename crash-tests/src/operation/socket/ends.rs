//! Creating sockets, and closing their ends.

use crate::operation::fixture::{startup_channel, warm_up_creation};
use crate::operation::guarantee::{CLOSE, CREATE};
use crate::operation::socket::scene::{
    OWN, bytes, control_and_end, create, read_control, read_each, socket, write, write_control,
};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee of a close.
const CLOSED: &str = "the other end reads what was written, also to the control plane, and sees PEER_CLOSED";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        create_socket("create_socket", SocketOpts::STREAM),
        create_socket("create_socket_datagram", SocketOpts::DATAGRAM | SocketOpts::HAS_CONTROL),
        close(),
        close_both("close_socket_both", SocketOpts::HAS_CONTROL),
        close_both("close_socket_both_datagram", SocketOpts::HAS_CONTROL | SocketOpts::DATAGRAM),
    ]
}

fn create_socket(name: &str, options: SocketOpts) -> OperationSpec {
    OperationSpec::new(name, CREATE).exercises_recovery().prepare(move || {
        warm_up_creation(startup_channel());
        move || create(options)
    })
}

/// Messages of both kinds, each way.
fn fill(ours: &NullableHandle, theirs: &NullableHandle) {
    for end in [ours, theirs] {
        assert_eq!((write(end, &bytes(0..9)), write_control(end, b"aside")), (Ok(9), Ok(5)));
    }
}

fn close() -> OperationSpec {
    OperationSpec::new("close_socket", CLOSED)
        .exercises_recovery()
        .set_up(|| {
            let mut fixture = socket(SocketOpts::HAS_CONTROL, false, fill);
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), Signals::SOCKET_PEER_CLOSED);
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
            let own = &fixture.kept[OWN];
            let found = (read_each(own), read_control(own), write(own, b"x"), write_control(own, b"x"));
            let closed = Err(Status::PEER_CLOSED);
            let expected = ((vec![bytes(0..9)], Status::PEER_CLOSED), Ok(b"aside".to_vec()), closed, closed);
            if found == expected { Ok(()) } else { Err(format!("{found:?} instead of {expected:?}")) }
        })
}

/// Both ends of a socket that only the victim has, with messages of both kinds unread both ways.
fn close_both(name: &str, options: SocketOpts) -> OperationSpec {
    OperationSpec::new(name, CLOSE).exercises_recovery().prepare(move || {
        let control = startup_channel();
        let (one, other) = create(options);
        fill(&one, &other);
        move || {
            drop((one, other));
            control
        }
    })
}
