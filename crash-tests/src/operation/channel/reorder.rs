//! Messages that are consumed before others that came earlier, and replies that came too late.

use crate::operation::channel::write::{BLOCK, FIRST_RING, bytes};
use crate::operation::{Operation, Scene, given, startup};
use jacinth::*;

/// How many messages the second segment of a ring takes.
const SECOND_RING: usize = 32;
/// A message whose block is large enough that a writer looks for one that it has before it takes another.
const LONG: usize = 17_000;

pub(crate) fn operations() -> Vec<Operation> {
    vec![read_ahead(), write_behind_one_that_stays(), late_reply(), late_reply_in_sight()]
}

/// Reading past a message that stays at the head: the segment behind its own is left before it.
fn read_ahead() -> Operation {
    Operation::new(
        "read_ahead",
        "handles are closed once, received or not, in whatever order; the writer sees PEER_CLOSED",
    )
    .set(|| {
        let mut scene = Scene::new();
        let mut write = |len, handles| {
            let mut sides = scene.sides(handles);
            scene.line.write(&bytes(len), &mut sides).unwrap();
        };
        write(BLOCK, 1);
        (0..FIRST_RING + SECOND_RING - 2).for_each(|_| write(5, 0));
        // The last of the second segment, and three in the third.
        write(BLOCK, 1);
        write(BLOCK, 2);
        write(5, 1);
        write(5, 1);
        scene
    })
    .prepare(|| {
        let line: &Channel = Box::leak(Box::new(startup()));
        let at_the_head = line.read_in_place().unwrap();
        let mut message = MessageBuf::new();
        for _ in 0..FIRST_RING + SECOND_RING - 2 {
            line.read(&mut message).unwrap();
        }
        move || {
            let mut received = Vec::new();
            for handles in [1, 2] {
                line.read(&mut message).unwrap();
                assert_eq!((message.bytes().len(), message.n_handles()), (BLOCK, handles));
                received.extend((0..handles).filter_map(|index| message.take_handle(index)));
            }
            assert_eq!(at_the_head.finish().unwrap().len(), 1);
            line.read(&mut message).unwrap();
            assert_eq!((message.bytes(), message.n_handles()), (&bytes(5)[..], 1));
            (received, message)
        }
    })
}

/// A writer whose reader holds on to the first message, and has read the two after it: their blocks are used again, and
/// the first one's is not.
fn write_behind_one_that_stays() -> Operation {
    Operation::new(
        "write_reusing_ahead",
        "the message came whole, or not at all; a message that is being read stays as it is",
    )
    .set(|| {
        let mut scene = Scene::patient();
        let line = scene.line.clone();
        scene.partner = Some(Box::new(move |_| {
            let next = || loop {
                match line.read_in_place() {
                    Err(Status::SHOULD_WAIT) => {
                        let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                        line.wait_one(either, MonotonicInstant::INFINITE).unwrap();
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
                    // The first stays at the head until the victim is dead, and so do the last three: two are in the
                    // blocks that were free, and the third would be in the first one's if that were taken for free.
                    0 | 3..=5 => held.push((number, message)),
                    _ => drop(message),
                }
                if number == 2 {
                    let _ = line.write(b"two are read", &mut []);
                }
            }
            line.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
            for (number, message) in held {
                let mut bytes = vec![0; LONG];
                message.read_at(0, &mut bytes).unwrap();
                assert!(bytes == [number; LONG], "message {number} has been written over while it was read");
            }
        }));
        scene
    })
    .prepare(|| {
        set_spin(MonotonicDuration::ZERO);
        let line = startup();
        let write = |line: &Channel, bytes: [u8; LONG]| {
            let mut loan = line.reserve(LONG).unwrap();
            loan.write_at(0, &bytes).unwrap();
            loan.commit().unwrap();
        };
        (0..3).for_each(|number| write(&line, [number; LONG]));
        move || {
            line.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
            (3..6).for_each(|number| write(&line, [number; LONG]));
            line
        }
    })
    .check(|scene, _| scene.nothing_more())
}

const LATE: &str =
    "the handles of a reply that came too late are closed once, discarded or not; its server goes on";

/// A call times out, and its reply comes after that to an end that discards such.
fn late_reply() -> Operation {
    Operation::new("late_reply", LATE)
        .set(|| {
            let mut scene = Scene::patient();
            let (client, server) =
                Channel::create_with(ChannelOptions::new().discard_late_replies(true)).unwrap();
            scene.give(vec![client.into()]);
            let mut along = scene.sides(2);
            let line = scene.line.clone();
            scene.partner = Some(Box::new(move |_| {
                let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                // The call is over when its caller says so.
                line.wait_one(either, MonotonicInstant::INFINITE).unwrap();
                let mut request = MessageBuf::new();
                if line.read(&mut request).is_ok() {
                    server.read(&mut request).unwrap();
                    assert_eq!(&request.bytes()[4..], b"a question");
                    let reply = [&request.bytes()[..4], &bytes(BLOCK)].concat();
                    let _ = server.write(&reply, &mut along);
                    let _ = line.write(b"it is on its way", &mut []);
                }
                server.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
            }));
            scene
        })
        .prepare(|| {
            set_spin(MonotonicDuration::ZERO);
            let line = startup();
            let client = Channel::from(given(&line).remove(0));
            let mut message = MessageBuf::new();
            move || {
                let past = MonotonicInstant::INFINITE_PAST;
                let called = client.call(past, b"\0\0\0\0a question", &mut [], &mut message);
                assert_eq!(called, Err(Status::TIMED_OUT));
                line.write(b"it is over", &mut []).unwrap();
                line.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
                assert_eq!(client.read(&mut message), Err(Status::SHOULD_WAIT));
                (line, client)
            }
        })
        .check(|scene, _| scene.nothing_more())
}

/// The same for one that lies behind a message that stays, and is discarded by a look at the end's signals.
fn late_reply_in_sight() -> Operation {
    Operation::new("late_reply_ahead", LATE)
        .set(|| {
            let mut scene = Scene::new();
            scene.give_sides(3);
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut sides = given(&line);
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
                (received, server, line)
            }
        })
}
