//! Messages that are consumed before earlier ones, and replies that arrive too late.

use crate::operation::channel::write::{BLOCK, FIRST_RING, bytes};
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// How many messages the second segment of a ring takes.
const SECOND_RING: usize = 32;
/// The bytes of a message with a large block: before a writer takes another block of this size, it looks for a free one
/// among its own.
const LONG: usize = 17_000;

/// The operations out of order.
pub fn operations() -> Vec<OperationSpec> {
    vec![read_ahead(), write_behind_a_held_message(), late_reply(), late_reply_behind_another()]
}

/// A reader holds the message at the head and reads past it: it leaves the second segment before the first.
fn read_ahead() -> OperationSpec {
    OperationSpec::new(
        "read_ahead",
        "handles are closed once, received or not, in any order; the writer sees PEER_CLOSED",
    )
    .exercises_recovery()
    .set_up(|| {
        let mut fixture = Fixture::new();
        let mut write = |len, handles| {
            let mut sides = fixture.sides(handles);
            fixture.control.write(&bytes(len), &mut sides).unwrap();
        };
        write(BLOCK, 1);
        (0..FIRST_RING + SECOND_RING - 2).for_each(|_| write(5, 0));
        // The last of the second segment, and three in the third.
        write(BLOCK, 1);
        write(BLOCK, 2);
        write(5, 1);
        write(5, 1);
        fixture
    })
    .prepare(|| {
        let control: &Channel = Box::leak(Box::new(startup_channel()));
        let at_the_head = control.read_in_place().unwrap();
        let mut message = MessageBuf::new();
        for _ in 0..FIRST_RING + SECOND_RING - 2 {
            control.read(&mut message).unwrap();
        }
        move || {
            let mut received = Vec::new();
            for handles in [1, 2] {
                control.read(&mut message).unwrap();
                assert_eq!((message.bytes().len(), message.n_handles()), (BLOCK, handles));
                received.extend((0..handles).filter_map(|index| message.take_handle(index)));
            }
            assert_eq!(at_the_head.finish().unwrap().len(), 1);
            control.read(&mut message).unwrap();
            assert_eq!((message.bytes(), message.n_handles()), (&bytes(5)[..], 1));
            (received, message)
        }
    })
}

/// The reader holds the first message, and has read the two after it: the writer reuses their blocks, and not the first
/// one's.
fn write_behind_a_held_message() -> OperationSpec {
    OperationSpec::new(
        "write_reusing_ahead",
        "the message arrived whole, or not at all; a message that is being read does not change",
    )
    .set_up(|| {
        let mut fixture = Fixture::awaiting_close();
        let control = fixture.control.clone();
        fixture.partner = Some(Box::new(move |_| {
            let next = || loop {
                match control.read_in_place() {
                    Err(Status::SHOULD_WAIT) => {
                        let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                        control.wait_one(either, MonotonicInstant::INFINITE).unwrap();
                    }
                    result => return result,
                }
            };
            let mut held = Vec::new();
            for number in 0..6u8 {
                let Ok(message) = next() else { break };
                let mut bytes = vec![0; LONG];
                message.read_at(0, &mut bytes).unwrap();
                assert!(message.len() == LONG && bytes == [number; LONG], "message {number} came whole");
                match number {
                    // The reader holds the first message and the last three until the victim is dead. Two of these are in
                    // the free blocks; the third would be in the first message's block if that counted as free.
                    0 | 3..=5 => held.push((number, message)),
                    _ => drop(message),
                }
                if number == 2 {
                    let _ = control.write(b"two are read", &mut []);
                }
            }
            control.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
            for (number, message) in held {
                let mut bytes = vec![0; LONG];
                message.read_at(0, &mut bytes).unwrap();
                assert!(bytes == [number; LONG], "message {number} has been written over while it was read");
            }
        }));
        fixture
    })
    .prepare(|| {
        set_spin(MonotonicDuration::ZERO);
        let control = startup_channel();
        let write = |control: &Channel, bytes: [u8; LONG]| {
            let mut loan = control.reserve(LONG).unwrap();
            loan.write_at(0, &bytes).unwrap();
            loan.commit().unwrap();
        };
        (0..3).for_each(|number| write(&control, [number; LONG]));
        move || {
            control.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
            (3..6).for_each(|number| write(&control, [number; LONG]));
            control
        }
    })
    .check(|fixture, _| fixture.check_no_message())
}

const LATE: &str =
    "the handles of a reply that came too late are closed once, discarded or not; its server goes on";

/// A call times out, and its reply arrives later, at an end that discards late replies.
fn late_reply() -> OperationSpec {
    OperationSpec::new("late_reply", LATE)
        .set_up(|| {
            let mut fixture = Fixture::awaiting_close();
            let (client, server) =
                Channel::create_with(ChannelOptions::new().discard_late_replies(true)).unwrap();
            fixture.send(vec![client.into()]);
            let mut along = fixture.sides(2);
            let control = fixture.control.clone();
            fixture.partner = Some(Box::new(move |_| {
                let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                // The caller reports when its call is over.
                control.wait_one(either, MonotonicInstant::INFINITE).unwrap();
                let mut request = MessageBuf::new();
                if control.read(&mut request).is_ok() {
                    server.read(&mut request).unwrap();
                    assert_eq!(&request.bytes()[4..], b"a question");
                    let reply = [&request.bytes()[..4], &bytes(BLOCK)].concat();
                    let _ = server.write(&reply, &mut along);
                    let _ = control.write(b"it is on its way", &mut []);
                }
                server.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
            }));
            fixture
        })
        .prepare(|| {
            set_spin(MonotonicDuration::ZERO);
            let control = startup_channel();
            let client = Channel::from(receive_handles(&control).remove(0));
            let mut message = MessageBuf::new();
            move || {
                let past = MonotonicInstant::INFINITE_PAST;
                let called = client.call(past, b"\0\0\0\0a question", &mut [], &mut message);
                assert_eq!(called, Err(Status::TIMED_OUT));
                control.write(b"it is over", &mut []).unwrap();
                control.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
                assert_eq!(client.read(&mut message), Err(Status::SHOULD_WAIT));
                (control, client)
            }
        })
        .check(|fixture, _| fixture.check_no_message())
}

/// The same for a reply behind a held message. Reading the end's signals discards it.
fn late_reply_behind_another() -> OperationSpec {
    OperationSpec::new("late_reply_ahead", LATE)
        .exercises_recovery()
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(3);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut sides = receive_handles(&control);
            let (client, server) =
                Channel::create_with(ChannelOptions::new().discard_late_replies(true)).unwrap();
            let client: &Channel = Box::leak(Box::new(client));
            server.write(b"stays", &mut [sides.remove(0)]).unwrap();
            let stays = client.read_in_place().unwrap();
            let mut message = MessageBuf::new();
            let past = MonotonicInstant::INFINITE_PAST;
            let called = client.call(past, b"\0\0\0\0a question", &mut [], &mut message);
            assert_eq!(called, Err(Status::TIMED_OUT));
            server.read(&mut message).unwrap();
            server.write(&[&message.bytes()[..4], &bytes(BLOCK)].concat(), &mut sides).unwrap();
            move || {
                assert_eq!(
                    client.wait_one(Signals::CHANNEL_READABLE, past).to_result(),
                    Err(Status::TIMED_OUT)
                );
                let received = stays.finish().unwrap();
                assert_eq!(client.read(&mut message), Err(Status::SHOULD_WAIT));
                (received, server, control)
            }
        })
}
