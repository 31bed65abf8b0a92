//! Creating channels, and closing them with messages inside: cascades and cycles too.

use crate::arena::RECLAIM_BATCH;
use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel, warm_up_creation};
use crate::operation::guarantee::CREATE;
use crate::operation::outcome::CheckResult;
use crate::operation::spec::OperationSpec;
use crate::sleepers::HANG;
use jacinth::*;
use std::time::Instant;

/// The operations that create and close channels.
pub fn operations() -> Vec<OperationSpec> {
    vec![
        close_full(),
        close_cascade(),
        close_cycle(),
        close(),
        close_with_options(),
        create(),
        create_named(),
        create_with_options(),
    ]
}

fn create() -> OperationSpec {
    OperationSpec::new("create_channel", CREATE).exercises_recovery().prepare(|| {
        warm_up_creation(startup_channel());
        || Channel::create()
    })
}

fn create_named() -> OperationSpec {
    OperationSpec::new("create_named", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || Channel::create_named(&Name::new_lossy("a name of some length")).unwrap()
    })
}

/// The guarantee for a slot that had a channel with options.
const DEFAULT_AGAIN: &str = "the next channel in the slot has no options unless it is given some";

/// All options that a channel can have.
fn all_options() -> ChannelOptions {
    ChannelOptions::new().max_pending_messages(1).discard_late_replies(true)
}

fn create_with_options() -> OperationSpec {
    OperationSpec::new("create_with_options", DEFAULT_AGAIN)
        .exercises_recovery()
        .prepare(|| {
            warm_up_creation(startup_channel());
            || Channel::create_with(all_options()).unwrap()
        })
        .check(|_, _| check_new_channels_have_no_options())
}

fn close_with_options() -> OperationSpec {
    OperationSpec::new("close_with_options", DEFAULT_AGAIN)
        .prepare(|| {
            let control = startup_channel();
            drop(Channel::create_with(all_options()).unwrap());
            for _ in 0..RECLAIM_BATCH - 2 {
                drop(Event::create());
            }
            let last = Event::create();
            move || {
                drop(last);
                control
            }
        })
        .check(|_, _| check_new_channels_have_no_options())
}

/// Creates channels in all free slots, and checks that each behaves as one without options.
fn check_new_channels_have_no_options() -> CheckResult {
    let channels: Vec<_> = std::iter::from_fn(|| Channel::try_create().ok()).collect();
    let mut message = MessageBuf::new();
    for (client, server) in &channels {
        let past = MonotonicInstant::INFINITE_PAST;
        let called = client.call(past, b"\0\0\0\0?", &mut [], &mut message);
        let second = client.write(b"another", &mut []);
        if (called, second) != (Err(Status::TIMED_OUT), Ok(())) {
            return Err(format!("a new channel has no room for two messages: {called:?}, {second:?}"));
        }
        let asked = server.read(&mut message).and_then(|()| server.write(message.bytes(), &mut []));
        let answered = client.read(&mut message);
        if asked.is_err() || answered.is_err() || server.read(&mut message).is_err() {
            return Err(format!("a late reply on a new channel: {asked:?}, {answered:?}"));
        }
    }
    Ok(())
}

fn close() -> OperationSpec {
    OperationSpec::new(
        "close_channel",
        "the other end sees PEER_CLOSED after it has read the pending messages",
    )
    .set_up(|| {
        // Messages are pending in both directions, each with a handle.
        let mut fixture = Fixture::awaiting_close();
        fixture.send_sides(2);
        let mut one = fixture.sides(1);
        fixture.control.write(b"unread", &mut one).unwrap();
        fixture
    })
    .prepare(|| {
        let control = startup_channel();
        let mut handles = receive_handles(&control);
        control.write(b"sent before", &mut handles).unwrap();
        move || drop(control)
    })
    .check(|fixture, _| {
        let mut message = MessageBuf::new();
        let read = fixture.control.read(&mut message);
        read.map_err(|status| format!("reading a message sent before: {status}"))?;
        fixture.check_whole(&message, b"sent before", 2)?;
        message.clear();
        fixture.check_no_message()
    })
}

/// A channel with eighty handles in it, that closes at both ends.
fn close_full() -> OperationSpec {
    OperationSpec::new("close_full_channel", "every handle of every message in the channel is closed, once")
        .exercises_recovery()
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(64);
            fixture.send_sides(16);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let (first, second) = Channel::create();
            first.write(b"sixty-four", &mut receive_handles(&control)).unwrap();
            for side in receive_handles(&control) {
                second.write(b"one", &mut [side]).unwrap();
            }
            move || {
                drop(first);
                drop(second);
                control
            }
        })
}

/// Channels inside channels inside channels, with a handle in each.
fn close_cascade() -> OperationSpec {
    const DEPTH: usize = 6;
    OperationSpec::new("close_cascade", "a closed channel closes the channels queued in it, to any depth")
        .exercises_recovery()
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(DEPTH);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let (mut outer, mut inner) = Channel::create();
            for side in receive_handles(&control) {
                inner.write(b"inside", &mut [side]).unwrap();
                let (next_outer, next_inner) = Channel::create();
                next_inner.write(b"nested", &mut [outer.into(), inner.into()]).unwrap();
                (outer, inner) = (next_outer, next_inner);
            }
            move || {
                drop(inner);
                drop(outer);
                control
            }
        })
}

/// Two ends queued inside each other. No process can read them any more: the supervisor collects the cycle.
fn close_cycle() -> OperationSpec {
    OperationSpec::new("close_cycle", "a channel queued inside itself is closed, with all its messages")
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(2);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut sides = receive_handles(&control);
            let (first, inside_second) = Channel::create();
            let (second, inside_first) = Channel::create();
            move || {
                second.write(b"one", &mut [inside_second.into(), sides.remove(0)]).unwrap();
                first.write(b"other", &mut [inside_first.into(), sides.remove(0)]).unwrap();
                drop((first, second));
                control
            }
        })
        .check(|fixture, _| {
            let supervisor = Supervisor::get().map_err(|error| error.to_string())?;
            let start = Instant::now();
            let is_open = |peer: &EventPair| !signals_of(peer).contains(Signals::EVENTPAIR_PEER_CLOSED);
            while fixture.peers.iter().any(is_open) {
                supervisor.collect().map_err(|status| status.to_string())?;
                if start.elapsed() > HANG {
                    return Err("a cycle was not collected".into());
                }
            }
            Ok(())
        })
}
