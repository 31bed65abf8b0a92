//! Reading messages.

use crate::operation::channel::write::bytes;
use crate::operation::{Operation, Scene, given, startup};
use jacinth::*;

pub(crate) const INLINE: usize = 40;
pub(crate) const BLOCK: usize = 1000;
/// How many messages fill the first ring.
const FIRST_RING: usize = 8;

const CLAIM: &str = "the message's handles are closed once, received or not; the writer sees PEER_CLOSED";

/// A scene in which the victim is given one message of `handles` handles and `len` bytes.
fn one_message(handles: usize, len: usize) -> Scene {
    let mut scene = Scene::new();
    let mut sides = scene.sides(handles);
    scene.line.write(&bytes(len), &mut sides).unwrap();
    scene
}

fn read(name: String, handles: usize, len: usize) -> Operation {
    Operation::new(name, CLAIM).set(move || one_message(handles, len)).prepare(move || {
        let line = startup();
        let expected = bytes(len);
        let mut message = MessageBuf::new();
        move || {
            line.read(&mut message).unwrap();
            assert!(message.bytes() == expected && message.n_handles() == handles);
            (line, message)
        }
    })
}

pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for handles in [64, 1, 0] {
        for (kind, len) in [("inline", INLINE), ("block", BLOCK)] {
            operations.push(read(format!("read_{handles}_{kind}"), handles, len));
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

/// The read that leaves the first segment of a ring that has grown.
fn next_segment() -> Operation {
    Operation::new("read_growing", "a segment that was left is freed, once")
        .set(|| {
            let mut scene = Scene::new();
            for _ in 0..FIRST_RING {
                scene.line.write(b"first ring", &mut []).unwrap();
            }
            let mut sides = scene.sides(1);
            scene.line.write(b"second ring", &mut sides).unwrap();
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut message = MessageBuf::new();
            for _ in 0..FIRST_RING - 1 {
                line.read(&mut message).unwrap();
            }
            move || {
                line.read(&mut message).unwrap();
                line.read(&mut message).unwrap();
                assert_eq!(message.bytes(), b"second ring");
                (line, message)
            }
        })
}

/// The read that makes room for a writer that waits for it.
fn makes_room() -> Operation {
    Operation::new("read_makes_room", "a writer that slept for room is awake")
        .set(|| {
            let mut scene = Scene::new();
            while scene.line.write(b"pending", &mut []).is_ok() {}
            scene.sleepers.clear();
            let line = scene.line.clone();
            scene.sleep(&*line, Signals::CHANNEL_WRITABLE | Signals::CHANNEL_PEER_CLOSED);
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut message = MessageBuf::new();
            move || {
                line.read(&mut message).unwrap();
                (line, message)
            }
        })
}

fn batch() -> Operation {
    Operation::new("read_batch_12", CLAIM)
        .set(|| {
            let scene = Scene::new();
            for _ in 0..12 {
                scene.line.write(b"one of twelve", &mut []).unwrap();
            }
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut batch = Batch::new();
            move || {
                assert!(line.read_batch(12, &mut batch).unwrap() > 0);
                (line, batch)
            }
        })
}

/// A message that is too large for its reader, who lets it go.
fn discard() -> Operation {
    Operation::new("read_3_discard", "the handles of a message that was let go are closed, once")
        .set(|| one_message(3, BLOCK))
        .prepare(|| {
            let line = startup();
            move || {
                let read = line.read_into(TooSmall::Discard, &mut [0; 10], &mut []);
                assert!(matches!(read, ChannelReadResult::BufferTooSmall { .. }));
                line
            }
        })
}

/// The same, for a reader who keeps it.
fn keep() -> Operation {
    Operation::new("read_3_too_small", CLAIM).set(|| one_message(3, BLOCK)).prepare(|| {
        let line = startup();
        move || {
            let read = line.read_into(TooSmall::Keep, &mut [0; 10], &mut []);
            assert!(matches!(read, ChannelReadResult::BufferTooSmall { handles_avail: 3, .. }));
            line
        }
    })
}

/// A channel end arrives, and is used.
fn channel() -> Operation {
    Operation::new("read_channel", "an end that was arriving is closed with what waits in it")
        .set(|| {
            let mut scene = Scene::new();
            let (ours, theirs) = Channel::create();
            let mut sides = scene.sides(2);
            ours.write(b"waits", &mut sides).unwrap();
            scene.give(vec![theirs.into()]);
            scene.sleep(&ours, Signals::CHANNEL_PEER_CLOSED);
            scene.kept.push(ours.into());
            scene
        })
        .prepare(|| {
            let line = startup();
            move || {
                let arrived = Channel::from(given(&line).remove(0));
                (given(&arrived), arrived, line)
            }
        })
        .check(|scene, _| match raw::channel_write(scene.kept[0].raw_handle(), b"nobody", &[]) {
            Err(Status::PEER_CLOSED) => Ok(()),
            result => Err(format!("writing to the end that the victim had gave {result:?}")),
        })
}

fn in_place() -> Operation {
    Operation::new("read_in_place_3", CLAIM).set(|| one_message(3, BLOCK)).prepare(|| {
        let line = startup();
        move || {
            let message = line.read_in_place().unwrap();
            let mut some = [0; 16];
            message.read_at(100, &mut some).unwrap();
            (message.finish().unwrap(), line)
        }
    })
}

fn in_place_dropped() -> Operation {
    Operation::new("read_in_place_dropped", CLAIM).set(|| one_message(1, INLINE)).prepare(|| {
        let line = startup();
        move || {
            drop(line.read_in_place().unwrap());
            line
        }
    })
}

fn no_message() -> Operation {
    Operation::new("read_should_wait", "a read of nothing changes nothing").prepare(|| {
        let line = startup();
        let mut message = MessageBuf::new();
        move || {
            assert_eq!(line.read(&mut message), Err(Status::SHOULD_WAIT));
            (line, message)
        }
    })
}
