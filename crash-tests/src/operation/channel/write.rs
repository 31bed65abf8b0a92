//! Writing messages.

use crate::operation::{End, Operation, Scene, Seen, given, seen, startup};
use jacinth::*;

/// What fits into the ring itself, what needs a block, and how many messages fill the first ring.
pub(crate) const INLINE: usize = 40;
pub(crate) const BLOCK: usize = 1000;
pub(crate) const FIRST_RING: usize = 8;
/// The arena's limit of pending messages.
pub(crate) const LIMIT: usize = crate::arena::PENDING_MESSAGES as usize;

const CLAIM: &str = "the message came whole with all its handles, or not at all";

/// The bytes of the message that is killed.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + len) as u8).collect()
}

/// A write of `handles` handles and `len` bytes, behind `pending` messages that nobody reads.
fn write(name: String, handles: usize, len: usize, pending: usize) -> Operation {
    Operation::new(name, CLAIM)
        .set(move || {
            let mut scene = if pending == 0 { Scene::new() } else { Scene::patient() };
            if handles > 0 {
                scene.give_sides(handles);
            }
            scene
        })
        .prepare(move || {
            let line = startup();
            let mut handles = if handles > 0 { given(&line) } else { Vec::new() };
            for _ in 0..pending {
                line.write(b"pending", &mut []).unwrap();
            }
            let bytes = bytes(len);
            move || {
                line.write(&bytes, &mut handles).unwrap();
                (line, bytes, handles)
            }
        })
        .check(move |scene, end| {
            read_pending(scene, pending)?;
            scene.whole_or_none(end, &bytes(len), handles)
        })
}

fn read_pending(scene: &Scene, pending: usize) -> Seen {
    let mut message = MessageBuf::new();
    for index in 0..pending {
        let read = scene.line.read(&mut message);
        if read.is_err() || message.bytes() != b"pending" {
            return Err(format!("message {index}, sent before the death, gave {read:?}"));
        }
    }
    Ok(())
}

pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = Vec::new();
    for handles in [64, 1, 0] {
        for (kind, len) in [("inline", INLINE), ("block", BLOCK)] {
            operations.push(write(format!("write_{handles}_{kind}"), handles, len, 0));
        }
        operations.push(write(format!("write_{handles}_growing"), handles, INLINE, FIRST_RING));
    }
    operations.push(write("write_largest".into(), 0, MAX_MSG_BYTES, 0));
    operations.extend([
        batch(),
        growing_batch(),
        channel(),
        to_nobody(),
        when_full(),
        over_quota(),
        over_memory_quota(),
        halfway(),
        untransferable(),
    ]);
    operations
}

/// Messages written together are published together.
fn batch() -> Operation {
    Operation::new("write_batch_8", "the batch came whole, or nothing of it")
        .prepare(|| {
            let line = startup();
            move || {
                let messages = [[1u8; 30]; FIRST_RING];
                assert_eq!(line.write_batch(messages.iter().map(|message| &message[..])), Ok(FIRST_RING));
                line
            }
        })
        .check(|scene, end| came_in_groups(scene, end, &[0, FIRST_RING]))
}

/// A batch that does not fit its segment.
fn growing_batch() -> Operation {
    const MESSAGES: usize = FIRST_RING + 4;
    Operation::new("write_batch_growing", "what came of the batch is what lies in one segment, or all of it")
        .prepare(|| {
            let line = startup();
            move || {
                let messages = [[1u8; 30]; MESSAGES];
                assert_eq!(line.write_batch(messages.iter().map(|message| &message[..])), Ok(MESSAGES));
                line
            }
        })
        .check(|scene, end| came_in_groups(scene, end, &[0, FIRST_RING, MESSAGES]))
}

/// So many messages of a batch came as have been published together at some time.
fn came_in_groups(scene: &Scene, end: End, groups: &[usize]) -> Seen {
    let mut message = MessageBuf::new();
    let mut came = 0;
    while scene.line.read(&mut message).is_ok() {
        if message.bytes() != [1; 30] {
            return Err(format!("message {came} of the batch is not whole"));
        }
        came += 1;
    }
    let may_be = if end == End::Killed { groups } else { &groups[groups.len() - 1..] };
    if may_be.contains(&came) {
        Ok(())
    } else {
        Err(format!("{came} messages of a batch came, not {may_be:?}"))
    }
}

/// A channel end travels, with a message of handles waiting in it.
fn channel() -> Operation {
    Operation::new(
        "write_channel",
        "the end that travels arrived with what waits in it, or is closed with it",
    )
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
        let mut handles = given(&line);
        move || {
            line.write(b"a channel", &mut handles).unwrap();
            line
        }
    })
    .check(|scene, end| {
        let mut message = MessageBuf::new();
        match scene.line.read(&mut message) {
            Ok(()) => {
                let travelled = message.take_handle(0).ok_or("the message came without its channel")?;
                let travelled = Channel::from(travelled);
                let mut waiting = MessageBuf::new();
                travelled.read(&mut waiting).map_err(|status| format!("what waits inside: {status}"))?;
                scene.is_whole(&waiting, b"waits", 2)?;
                travelled.write(b"back", &mut []).map_err(|status| status.to_string())?;
                if !seen(&scene.kept[0]).contains(Signals::CHANNEL_READABLE) {
                    return Err("the end that travelled does not reach its peer".into());
                }
            }
            Err(Status::PEER_CLOSED) if end == End::Killed => {
                if !seen(&scene.kept[0]).contains(Signals::CHANNEL_PEER_CLOSED) {
                    return Err("the end that did not travel is not closed".into());
                }
            }
            Err(status) => return Err(format!("reading what the victim has sent: {status}")),
        }
        scene.nothing_more()
    })
}

/// A line whose other end is closed: the write fails, and closes what was to be sent.
fn to_nobody() -> Operation {
    Operation::new("write_3_peer_closed", "a write to nobody closes its handles, once")
        .set(|| {
            let mut scene = Scene::new();
            let (ours, theirs) = Channel::create();
            let mut handles = scene.sides(3);
            handles.push(theirs.into());
            scene.give(handles);
            drop(ours);
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut handles = given(&line);
            let lonely = Channel::from(handles.pop().unwrap());
            move || {
                assert_eq!(lonely.write(b"nobody", &mut handles), Err(Status::PEER_CLOSED));
                (line, lonely)
            }
        })
}

/// A write that finds no room leaves its handles where they were.
fn when_full() -> Operation {
    Operation::new("write_3_should_wait", "a write without room consumes nothing")
        .set(|| {
            let mut scene = Scene::patient();
            scene.give_sides(3);
            scene
        })
        .prepare(|| {
            let line = startup();
            let mut handles = given(&line);
            while line.write(b"pending", &mut []).is_ok() {}
            move || {
                assert_eq!(line.write(b"no room", &mut handles), Err(Status::SHOULD_WAIT));
                assert!(!handles.iter().any(NullableHandle::is_invalid));
                (line, handles)
            }
        })
        .check(|scene, _| {
            read_pending(scene, LIMIT)?;
            scene.nothing_more()
        })
}

/// A write of so many handles that is refused, and of which nothing may arrive.
fn refused(name: &str, claim: &'static str, handles: usize, scene: fn() -> Scene) -> Operation {
    Operation::new(name, claim)
        .set(move || {
            let mut scene = scene();
            scene.give_sides(handles);
            scene
        })
        .check(|scene, _| scene.nothing_more())
}

/// A process with as many pending messages as it may have: the write fails, and closes what was to be sent.
fn over_quota() -> Operation {
    refused("write_2_over_quota", "a write beyond the quota closes its handles, once", 2, Scene::patient)
        .prepare(|| {
            let line = startup();
            let mut handles = given(&line);
            // One channel does not get all that there is: until one gets nothing.
            let mut others = Vec::new();
            let mut fill_another = || {
                let (ours, theirs) = Channel::create();
                let written = (0..).take_while(|_| ours.write(b"pending", &mut []).is_ok()).count();
                others.push((ours, theirs));
                written
            };
            while fill_another() > 0 {}
            move || {
                assert_eq!(line.write(b"one more", &mut handles), Err(Status::NO_RESOURCES));
                (line, others)
            }
        })
}

/// A process with as much message memory as it may have.
fn over_memory_quota() -> Operation {
    /// With handles and without, a block of one size.
    const LARGE: usize = MAX_MSG_BYTES * 3 / 4;
    refused(
        "write_2_over_memory_quota",
        "a write beyond the quota closes its handles, once",
        2,
        Scene::patient,
    )
    .prepare(|| {
        let line = startup();
        let mut handles = given(&line);
        // One channel does not get all that there is: until one gets nothing.
        let mut others = Vec::new();
        let mut fill_another = || {
            let (ours, theirs) = Channel::create();
            let written = (0..).take_while(|_| ours.write(&bytes(LARGE), &mut []).is_ok()).count();
            others.push((ours, theirs));
            written
        };
        while fill_another() > 0 {}
        move || {
            let refused = line.write(&bytes(LARGE), &mut handles);
            assert_eq!(refused, Err(Status::NO_RESOURCES));
            (line, others)
        }
    })
}

/// One of three handles is not there any more when its turn comes: the two others are closed.
fn halfway() -> Operation {
    refused("write_3_refused", "a write that is refused halfway closes its handles, once", 3, Scene::new)
        .prepare(|| {
            let line = startup();
            let values: Vec<u32> = given(&line).into_iter().map(NullableHandle::into_raw).collect();
            move || {
                let twice = [values[0], values[1], values[2], values[0]];
                assert_eq!(
                    raw::channel_write(line.raw_handle(), b"refused", &twice),
                    Err(Status::BAD_HANDLE)
                );
                line
            }
        })
}

/// One of three handles may not be sent: all three are closed.
fn untransferable() -> Operation {
    refused("write_3_denied", "a write that is refused closes its handles, once", 3, Scene::new).prepare(
        || {
            let line = startup();
            let mut handles = given(&line);
            let last = handles.pop().unwrap().replace(Rights::WAIT).unwrap();
            handles.push(last);
            move || {
                assert_eq!(line.write(b"refused", &mut handles), Err(Status::ACCESS_DENIED));
                line
            }
        },
    )
}
