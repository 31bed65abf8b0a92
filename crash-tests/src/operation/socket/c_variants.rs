//! Socket operations by the calls of `libjacinth`.

use crate::operation::c_interface::calls::Pointer::{Invalid, Valid};
use crate::operation::c_interface::{c_variant_of, calls, ready_with_one};
use crate::operation::fixture::receive_handles;
use crate::operation::socket::scene::bytes;
use crate::operation::socket::{sharing, stream};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The operations by C's calls.
pub(super) fn operations() -> Vec<OperationSpec> {
    let mut operations = writing_and_reading();
    operations.extend(sharing_and_accepting());
    operations
}

fn writing_and_reading() -> Vec<OperationSpec> {
    let c = |name: &str| c_variant_of(stream::operations, name);
    vec![
        c("socket_write").handle_delta(0).prepare(|| {
            let ((control, end), bytes) = (ready_with_one(), bytes(0..20));
            move || {
                assert_eq!(calls::socket_write(end, (&bytes, Valid)), Ok(20));
                control
            }
        }),
        c("socket_write").variant("bad_pointer").handle_delta(0).prepare(|| {
            let ((control, end), bytes) = (ready_with_one(), bytes(0..20));
            move || {
                let refused = calls::socket_write(end, (&bytes, Invalid));
                assert_eq!(refused, Err(Status::INVALID_ARGS));
                // The valid bytes come as if there had been no others.
                assert_eq!(calls::socket_write(end, (&bytes, Valid)), Ok(20));
                control
            }
        }),
        c("socket_read").handle_delta(0).prepare(|| {
            let ((control, end), mut buffer) = (ready_with_one(), [0; 20]);
            let expected = bytes(0..20);
            move || {
                assert_eq!(calls::socket_read(end, (&mut buffer, Valid)), Ok(20));
                assert_eq!(buffer[..], expected);
                control
            }
        }),
        c("socket_read").variant("bad_pointer").handle_delta(0).prepare(|| {
            let ((control, end), mut buffer) = (ready_with_one(), [0; 20]);
            let expected = bytes(0..20);
            move || {
                let refused = calls::socket_read(end, (&mut buffer, Invalid));
                assert_eq!(refused, Err(Status::INVALID_ARGS));
                // No byte was lost.
                assert_eq!(calls::socket_read(end, (&mut buffer, Valid)), Ok(20));
                assert_eq!(buffer[..], expected);
                control
            }
        }),
    ]
}

fn sharing_and_accepting() -> Vec<OperationSpec> {
    let c = |name: &str| c_variant_of(sharing::operations, name);
    let ready_to_share = || {
        let (control, end) = ready_with_one();
        let shared = receive_handles(&control).remove(0).into_raw();
        (control, end, shared)
    };
    vec![
        c("socket_share_first").handle_delta(-1).prepare(move || {
            let (control, end, shared) = ready_to_share();
            move || {
                calls::socket_share(end, shared).unwrap();
                control
            }
        }),
        c("socket_share_refused").handle_delta(-1).prepare(move || {
            let (control, end, shared) = ready_to_share();
            move || {
                assert_eq!(calls::socket_share(end, shared), Err(Status::SHOULD_WAIT));
                control
            }
        }),
        c("socket_accept").handle_delta(1).prepare(|| {
            let (control, end) = ready_with_one();
            move || {
                calls::socket_accept(end, Valid).unwrap();
                control
            }
        }),
        // The socket stays in the queue.
        c("socket_accept")
            .variant("bad_pointer")
            .handle_delta(0)
            .prepare(|| {
                let (control, end) = ready_with_one();
                move || {
                    assert_eq!(calls::socket_accept(end, Invalid), Err(Status::INVALID_ARGS));
                    control
                }
            })
            .check(|fixture, _| sharing::check_still_queued(fixture)),
    ]
}
