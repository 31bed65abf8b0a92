//! Contention: while the victim works, a thread of the survivor does the same to the same objects.
//!
//! Each of the two helps, obstructs, or sees the unfinished work of the other. No two rounds take the same path, so more
//! kill points are missed than elsewhere.

use crate::operation::channel::write::SMALLEST_BLOCK;
use crate::operation::event::{check_last_handle, shared_event};
use crate::operation::fixture::{Fixture, Partner, receive_handles, signals_of, startup_channel};
use crate::operation::guarantee::LATCHED;
use crate::operation::spec::OperationSpec;
use jacinth::*;
use std::sync::Arc;
use std::time::Duration;

const GUARANTEE: &str = "the same as without contention";

/// The operations under contention.
pub fn operations() -> Vec<OperationSpec> {
    vec![
        duplicate(),
        close(),
        set_signal_that_is_cleared(),
        create(),
        OperationSpec::new(
            "contended_read",
            "every handle was received or is closed; the writer sees PEER_CLOSED",
        )
        .set_up(eager_writer)
        .prepare(|| {
            let control = startup_channel();
            let mut message = MessageBuf::new();
            move || {
                for _ in 0..3 {
                    // The writer may not have written a message yet.
                    let _ = control.read(&mut message);
                }
                (control, message)
            }
        }),
        OperationSpec::new(
            "contended_close_channel",
            "every handle that was sent to a closing end is closed",
        )
        .set_up(eager_writer)
        .prepare(|| {
            let control = startup_channel();
            move || drop(control)
        }),
        write(),
    ]
}

/// Repeats `work` until the victim is dead and recovered.
pub fn until_victim_is_gone(control: &Arc<Channel>, mut work: impl FnMut() + Send + 'static) -> Partner {
    let control = control.clone();
    Box::new(move |_| {
        let mut pause = Duration::from_micros(50);
        while !signals_of(&*control).contains(Signals::CHANNEL_PEER_CLOSED) {
            work();
            // Growing pauses: without them a victim under single steps would never make progress. One that runs at full
            // speed to its kill point meets the first few repetitions.
            std::thread::sleep(pause);
            pause = (pause + pause / 8).min(Duration::from_millis(100));
        }
    })
}

/// A shared event that the survivor duplicates, signals and closes all the while.
fn contended_event() -> Fixture {
    let mut fixture = shared_event();
    fixture.sleep_on(fixture.kept[0].raw_handle(), Signals::USER_0);
    let event = fixture.kept[0].raw_handle();
    fixture.partner = Some(until_victim_is_gone(&fixture.control, move || {
        let other = raw::duplicate(event, Rights::SAME_RIGHTS).unwrap();
        raw::signal(other, Signals::NONE, Signals::USER_1).unwrap();
        raw::close(other).unwrap();
        raw::signal(event, Signals::USER_1, Signals::NONE).unwrap();
    }));
    fixture
}

fn duplicate() -> OperationSpec {
    OperationSpec::new("contended_duplicate", GUARANTEE)
        .set_up(contended_event)
        .prepare(|| {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || {
                drop(event.duplicate(Rights::SAME_RIGHTS).unwrap());
                (event.duplicate(Rights::WAIT).unwrap(), event, control)
            }
        })
        .check(|fixture, _| check_last_handle(fixture))
}

fn close() -> OperationSpec {
    OperationSpec::new("contended_close", GUARANTEE)
        .set_up(contended_event)
        .prepare(|| {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                drop(event);
                control
            }
        })
        .check(|fixture, _| check_last_handle(fixture))
}

/// The partner clears the signal that the victim sets, perhaps before a sleeper was woken.
fn set_signal_that_is_cleared() -> OperationSpec {
    OperationSpec::new("contended_signal_latched", LATCHED)
        .set_up(|| {
            let mut fixture = shared_event();
            let event = fixture.kept[0].raw_handle();
            fixture.sleep_until_latched(event, Signals::USER_0, Signals::USER_1);
            let control = fixture.control.clone();
            fixture.partner = Some(Box::new(move |_| {
                while !signals_of(&*control).contains(Signals::CHANNEL_PEER_CLOSED) {
                    let now = raw::wait_one(event, Signals::NONE, MonotonicInstant::INFINITE_PAST).1;
                    if now.contains(Signals::USER_0) {
                        return raw::signal(event, Signals::USER_0, Signals::USER_1).unwrap();
                    }
                    std::hint::spin_loop();
                }
            }));
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let event = receive_handles(&control).remove(0);
            move || {
                event.signal(Signals::NONE, Signals::USER_0).unwrap();
                (event, control)
            }
        })
        .check(|fixture, _| check_last_handle(fixture))
}

fn create() -> OperationSpec {
    OperationSpec::new("contended_create", GUARANTEE)
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.partner = Some(until_victim_is_gone(&fixture.control, || {
                let Ok((first, second)) = Channel::try_create() else { return };
                let mut along: Vec<NullableHandle> =
                    Event::try_create().into_iter().map(NullableHandle::from).collect();
                first.write(&[1; SMALLEST_BLOCK], &mut along).unwrap();
                drop((first, second));
            }));
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            // The search for free slots is an operation of its own (`create_first`).
            drop(Channel::try_create());
            move || {
                // The partner may have used all slots and not reclaimed them yet.
                if let (Ok((first, second)), Ok(event)) = (Channel::try_create(), Event::try_create()) {
                    first.write(&[1; SMALLEST_BLOCK], &mut [event.into()]).unwrap();
                    drop((first, second));
                }
                (Channel::try_create(), control)
            }
        })
}

/// The survivor writes messages with handles to the victim, with at most four unread.
fn eager_writer() -> Fixture {
    let mut fixture = Fixture::awaiting_close();
    let control = fixture.control.clone();
    fixture.partner = Some(Box::new(move |_| {
        let mut peers = Vec::new();
        loop {
            // The victim has received and closed the others.
            peers.retain(|peer| !signals_of(peer).contains(Signals::EVENTPAIR_PEER_CLOSED));
            if peers.len() >= 4 && !signals_of(&*control).contains(Signals::CHANNEL_PEER_CLOSED) {
                std::thread::yield_now();
                continue;
            }
            let (ours, theirs) = EventPair::create();
            match control.write(b"with a handle", &mut [theirs.into()]) {
                Ok(()) => peers.push(ours),
                Err(Status::PEER_CLOSED) => break,
                Err(status) => panic!("writing to the victim: {status}"),
            }
        }
        for peer in peers {
            let late = MonotonicInstant::after(MonotonicDuration::from_seconds(20));
            peer.wait_one(Signals::EVENTPAIR_PEER_CLOSED, late)
                .expect("a handle in transit is closed with its end");
        }
    }));
    fixture
}

fn write() -> OperationSpec {
    const MESSAGES: usize = 6;
    OperationSpec::new("contended_write", "messages arrive whole, in order, each once")
        .set_up(|| {
            let mut fixture = Fixture::awaiting_close();
            fixture.send_sides(MESSAGES);
            let control = fixture.control.clone();
            fixture.partner = Some(Box::new(move |_| read_numbered_messages(&control)));
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let sides = receive_handles(&control);
            move || {
                for (number, side) in sides.into_iter().enumerate() {
                    control.write(&[number as u8; 50], &mut [side]).unwrap();
                }
                control
            }
        })
        .check(|fixture, _| fixture.check_no_message())
}

/// Reads until the peer closes. Message n consists of the byte n, and carries one handle.
fn read_numbered_messages(control: &Channel) {
    let mut message = MessageBuf::new();
    for number in 0u8.. {
        match control.read(&mut message) {
            Ok(()) => assert_eq!((message.bytes(), message.n_handles()), (&[number; 50][..], 1)),
            Err(Status::SHOULD_WAIT) => {
                let more = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                control.wait_one(more, MonotonicInstant::INFINITE).unwrap();
                control.read(&mut message).map_or_else(
                    |status| assert_eq!(status, Status::PEER_CLOSED),
                    |()| assert_eq!(message.bytes(), [number; 50]),
                );
            }
            Err(status) => return assert_eq!(status, Status::PEER_CLOSED),
        }
    }
}
