//! Reading messages.

use crate::operation::channel::write::{BLOCK, FIRST_RING, INLINE, bytes};
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::*;

const GUARANTEE: &str = "the message's handles are closed once, received or not; the writer sees PEER_CLOSED";

/// The victim is sent one message of `handles` handles and `len` bytes.
fn one_message(handles: usize, len: usize) -> Fixture {
    let mut fixture = Fixture::new();
    let mut sides = fixture.sides(handles);
    fixture.control.write(&bytes(len), &mut sides).unwrap();
    fixture
}

fn read(name: String, handles: usize, len: usize) -> OperationSpec {
    OperationSpec::new(name, GUARANTEE).set_up(move || one_message(handles, len)).prepare(move || {
        let control = startup_channel();
        let expected = bytes(len);
        let mut message = MessageBuf::new();
        move || {
            control.read(&mut message).unwrap();
            assert!(message.bytes() == expected && message.n_handles() == handles);
            (control, message)
        }
    })
}

/// The operations that read.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = Vec::new();
    for handles in [64, 1, 0] {
        for (kind, len) in [("inline", INLINE), ("block", BLOCK)] {
            let operation = read(format!("read_{handles}_{kind}"), handles, len);
            operations.push(if (handles, kind) == (64, "block") {
                operation.exercises_recovery()
            } else {
                operation
            });
        }
    }
    operations.push(read("read_largest".into(), 0, MAX_MSG_BYTES));
    operations.extend([
        next_segment(),
        makes_room(),
        batch(),
        discard(),
        keep(),
        channel(),
        in_place(),
        in_place_dropped(),
        no_message(),
    ]);
    operations
}

/// The read after which a ring that has grown leaves its first segment.
fn next_segment() -> OperationSpec {
    OperationSpec::new("read_growing", "a segment that was left is freed, once")
        .exercises_recovery()
        .set_up(|| {
            let mut fixture = Fixture::new();
            for _ in 0..FIRST_RING {
                fixture.control.write(b"first ring", &mut []).unwrap();
            }
            let mut sides = fixture.sides(1);
            fixture.control.write(b"second ring", &mut sides).unwrap();
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut message = MessageBuf::new();
            for _ in 0..FIRST_RING - 1 {
                control.read(&mut message).unwrap();
            }
            move || {
                control.read(&mut message).unwrap();
                control.read(&mut message).unwrap();
                assert_eq!(message.bytes(), b"second ring");
                (control, message)
            }
        })
}

/// The read that makes room for a waiting writer.
fn makes_room() -> OperationSpec {
    OperationSpec::new("read_makes_room", "a writer that waited for room is awake")
        .set_up(|| {
            let mut fixture = Fixture::new();
            while fixture.control.write(b"pending", &mut []).is_ok() {}
            fixture.sleepers.clear();
            let control = fixture.control.clone();
            fixture.sleep(&*control, Signals::CHANNEL_WRITABLE | Signals::CHANNEL_PEER_CLOSED);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut message = MessageBuf::new();
            move || {
                control.read(&mut message).unwrap();
                (control, message)
            }
        })
}

fn batch() -> OperationSpec {
    OperationSpec::new("read_batch_12", GUARANTEE)
        .set_up(|| {
            let fixture = Fixture::new();
            for _ in 0..12 {
                fixture.control.write(b"one of twelve", &mut []).unwrap();
            }
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut batch = Batch::new();
            move || {
                assert!(control.read_batch(12, &mut batch).unwrap() > 0);
                (control, batch)
            }
        })
}

/// A message that is too large for its reader, which discards it.
fn discard() -> OperationSpec {
    OperationSpec::new("read_3_discard", "the handles of a discarded message are closed, once")
        .exercises_recovery()
        .set_up(|| one_message(3, BLOCK))
        .prepare(|| {
            let control = startup_channel();
            move || {
                let read = control.read_into(OnOverflow::Discard, &mut [0; 10], &mut []);
                assert!(matches!(read, ChannelReadResult::BufferTooSmall { .. }));
                control
            }
        })
}

/// The same, for a reader that leaves it in the channel.
fn keep() -> OperationSpec {
    OperationSpec::new("read_3_too_small", GUARANTEE).set_up(|| one_message(3, BLOCK)).prepare(|| {
        let control = startup_channel();
        move || {
            let read = control.read_into(OnOverflow::Keep, &mut [0; 10], &mut []);
            assert!(matches!(read, ChannelReadResult::BufferTooSmall { handles_avail: 3, .. }));
            control
        }
    })
}

/// An end of a channel arrives, and is used.
fn channel() -> OperationSpec {
    OperationSpec::new("read_channel", "an arriving end is closed, with the messages pending in it")
        .set_up(|| {
            let mut fixture = Fixture::new();
            let (ours, theirs) = Channel::create();
            let mut sides = fixture.sides(2);
            ours.write(b"waits", &mut sides).unwrap();
            fixture.send(vec![theirs.into()]);
            fixture.sleep(&ours, Signals::CHANNEL_PEER_CLOSED);
            fixture.kept.push(ours.into());
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            move || {
                let arrived = Channel::from(receive_handles(&control).remove(0));
                (receive_handles(&arrived), arrived, control)
            }
        })
        .check(|fixture, _| match raw::channel_write(fixture.kept[0].raw_handle(), b"nobody", &[]) {
            Err(Status::PEER_CLOSED) => Ok(()),
            result => Err(format!("writing to the end that the victim had gave {result:?}")),
        })
}

fn in_place() -> OperationSpec {
    OperationSpec::new("read_in_place_3", GUARANTEE).set_up(|| one_message(3, BLOCK)).prepare(|| {
        let control = startup_channel();
        move || {
            let message = control.read_in_place().unwrap();
            let mut some = [0; 16];
            message.read_at(100, &mut some).unwrap();
            (message.finish().unwrap(), control)
        }
    })
}

fn in_place_dropped() -> OperationSpec {
    OperationSpec::new("read_in_place_dropped", GUARANTEE).set_up(|| one_message(1, INLINE)).prepare(|| {
        let control = startup_channel();
        move || {
            drop(control.read_in_place().unwrap());
            control
        }
    })
}

fn no_message() -> OperationSpec {
    OperationSpec::new("read_should_wait", "a read without a message changes nothing").prepare(|| {
        let control = startup_channel();
        let mut message = MessageBuf::new();
        move || {
            assert_eq!(control.read(&mut message), Err(Status::SHOULD_WAIT));
            (control, message)
        }
    })
}
