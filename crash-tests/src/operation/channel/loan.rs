//! Messages that are written in place, into a block that the channel lends.

use crate::operation::channel::write::bytes;
use crate::operation::fixture::capacity::HUGE;
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::{Loan, Status, raw};

const GUARANTEE: &str = "the message arrived whole, or not at all; its block is the channel's again";

fn loan(name: &str, len: usize) -> OperationSpec {
    OperationSpec::new(name, GUARANTEE)
        .prepare(move || {
            let control = startup_channel();
            let bytes = bytes(len);
            move || {
                let mut loan = control.reserve(len).unwrap();
                loan.write_at(0, &bytes).unwrap();
                loan.commit().unwrap();
                control
            }
        })
        .check(move |fixture, outcome| fixture.check_whole_or_none(outcome, &bytes(len), 0))
}

/// The operations with loans.
pub fn operations() -> Vec<OperationSpec> {
    vec![
        loan("reserve_commit_small", 64),
        loan("reserve_commit_large", 100_000),
        OperationSpec::new("reserve_commit_handles", GUARANTEE)
            .set_up(|| {
                let mut fixture = Fixture::new();
                fixture.send_sides(3);
                fixture
            })
            .prepare(|| {
                let control = startup_channel();
                let mut handles = receive_handles(&control);
                let bytes = bytes(5000);
                move || {
                    let mut loan = control.reserve_with_handles(5000, handles.len()).unwrap();
                    loan.write_at(0, &bytes).unwrap();
                    loan.commit_with_handles(&mut handles).unwrap();
                    (control, bytes, handles)
                }
            })
            .check(|fixture, outcome| fixture.check_whole_or_none(outcome, &bytes(5000), 3)),
        OperationSpec::new(
            "reserve_dropped",
            "the block of a loan that is given back is the channel's again",
        )
        .prepare(|| {
            let control = startup_channel();
            move || {
                drop(control.reserve(3000).unwrap());
                control
            }
        })
        .check(|fixture, _| fixture.check_no_message()),
        OperationSpec::new(
            "reserve_keeps_channel",
            "a channel cannot be closed while memory of it is lent, and closes as ever afterwards",
        )
        .set_up(Fixture::measuring_capacity)
        .prepare(|| {
            let control = startup_channel().into_raw();
            let loan = Loan::of_channel(control, HUGE, 0).unwrap();
            move || {
                assert_eq!(raw::close(control), Err(Status::BAD_STATE));
                drop(loan);
                raw::close(control).unwrap();
            }
        })
        .check(|fixture, _| {
            fixture.check_no_message()?;
            fixture.check_capacity(0, 0)
        }),
    ]
}
