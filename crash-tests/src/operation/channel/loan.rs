//! Messages that are written in place, into a block that the channel lends.

use crate::operation::channel::write::bytes;
use crate::operation::fixture::capacity::HUGE;
use crate::operation::fixture::{Fixture, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::{Channel, raw};

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
            "reserve_outlives_channel",
            "a loan is closed with its channel, and dropping it later has no effect",
        )
        .set_up(Fixture::measuring_capacity)
        .prepare(|| {
            let control: &Channel = Box::leak(Box::new(startup_channel()));
            let loan = control.reserve(HUGE).unwrap();
            move || {
                raw::close(control.raw_handle()).unwrap();
                drop(loan);
            }
        })
        .check(|fixture, _| {
            fixture.check_no_message()?;
            fixture.check_capacity(0, 0)
        }),
    ]
}
