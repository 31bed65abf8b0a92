//! Messages that are written in place.

use crate::operation::channel::write::bytes;
use crate::operation::fixture::capacity::HUGE;
use crate::operation::{Operation, Scene, startup};
use jacinth::{Channel, raw};

const CLAIM: &str = "the message came whole, or not at all; its block is the channel's in any case";

fn loan(name: &str, len: usize) -> Operation {
    Operation::new(name, CLAIM)
        .prepare(move || {
            let line = startup();
            let bytes = bytes(len);
            move || {
                let mut loan = line.reserve(len).unwrap();
                loan.write_at(0, &bytes).unwrap();
                loan.commit().unwrap();
                line
            }
        })
        .check(move |scene, end| scene.whole_or_none(end, &bytes(len), 0))
}

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        loan("reserve_commit_small", 64),
        loan("reserve_commit_large", 100_000),
        Operation::new("reserve_dropped", "a loan that is given back is the channel's again")
            .prepare(|| {
                let line = startup();
                move || {
                    drop(line.reserve(3000).unwrap());
                    line
                }
            })
            .check(|scene, _| scene.nothing_more()),
        Operation::new(
            "reserve_outlives_channel",
            "a loan is closed with its channel, and dropped after it for nothing",
        )
        .set(Scene::with_room)
        .prepare(|| {
            let line: &Channel = Box::leak(Box::new(startup()));
            let loan = line.reserve(HUGE).unwrap();
            move || {
                raw::close(line.raw_handle()).unwrap();
                drop(loan);
            }
        })
        .check(|scene, _| {
            scene.nothing_more()?;
            scene.has_room(0, 0)
        }),
    ]
}
