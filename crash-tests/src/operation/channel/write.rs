//! Writing messages.

use crate::arena::PENDING_MESSAGES;
use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// A size that fits into the ring itself, in bytes.
pub const INLINE: usize = 40;
/// A size that needs a block, in bytes.
pub const BLOCK: usize = 1000;
/// A size that needs the smallest block, in bytes.
pub const SMALLEST_BLOCK: usize = 200;
/// How many messages the first segment of a ring takes.
pub const FIRST_RING: usize = 8;

const GUARANTEE: &str = "the message arrived whole with all its handles, or not at all";

/// The bytes of a message of this length.
pub fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + len) as u8).collect()
}

/// A write of `handles` handles and `len` bytes, behind `pending` unread messages.
fn write(name: String, handles: usize, len: usize, pending: usize) -> OperationSpec {
    OperationSpec::new(name, GUARANTEE)
        .set_up(move || {
            let mut fixture = if pending == 0 { Fixture::new() } else { Fixture::awaiting_close() };
            if handles > 0 {
                fixture.send_sides(handles);
            }
            fixture
        })
        .prepare(move || {
            let control = startup_channel();
            let mut handles = if handles > 0 { receive_handles(&control) } else { Vec::new() };
            for _ in 0..pending {
                control.write(b"pending", &mut []).unwrap();
            }
            let bytes = bytes(len);
            move || {
                control.write(&bytes, &mut handles).unwrap();
                (control, bytes, handles)
            }
        })
        .check(move |fixture, outcome| {
            read_pending(fixture, pending)?;
            fixture.check_whole_or_none(outcome, &bytes(len), handles)
        })
}

/// A write of three handles: one moves, one moves with fewer rights, one is duplicated.
fn dispositions() -> OperationSpec {
    OperationSpec::new("write_etc_3", GUARANTEE)
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(3);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let [same, weaker, lent] = receive_handles(&control).try_into().expect("three handles");
            let bytes = bytes(INLINE);
            move || {
                let fewer = Rights::EVENTPAIR_DEFAULT - Rights::WAIT;
                let mut handles = [
                    (HandleOp::Move(same), Rights::SAME_RIGHTS),
                    (HandleOp::Move(weaker), fewer),
                    (HandleOp::Duplicate(lent.as_handle_ref()), fewer),
                ]
                .map(|(handle, rights)| {
                    HandleDisposition::new(handle, ObjectType::EVENTPAIR, rights, Status::OK)
                });
                control.write_etc(&bytes, &mut handles).unwrap();
                (control, bytes, lent)
            }
        })
        .check(|fixture, outcome| fixture.check_whole_or_none(outcome, &bytes(INLINE), 3))
}

/// Reads the messages that were sent before the death.
fn read_pending(fixture: &Fixture, pending: usize) -> CheckResult {
    let mut message = MessageBuf::new();
    for index in 0..pending {
        let read = fixture.control.read(&mut message);
        if read.is_err() || message.bytes() != b"pending" {
            return Err(format!("message {index}, sent before the death, gave {read:?}"));
        }
    }
    Ok(())
}

/// The operations that write.
pub fn operations() -> Vec<OperationSpec> {
    let mut operations = Vec::new();
    for handles in [64, 1, 0] {
        for (kind, len) in [("inline", INLINE), ("block", BLOCK)] {
            let operation = write(format!("write_{handles}_{kind}"), handles, len, 0);
            operations.push(if (handles, kind) == (64, "inline") {
                operation.exercises_recovery()
            } else {
                operation
            });
        }
        let operation = write(format!("write_{handles}_growing"), handles, INLINE, FIRST_RING);
        operations.push(if handles == 1 { operation.exercises_recovery() } else { operation });
    }
    operations.push(write("write_largest".into(), 0, MAX_MSG_BYTES, 0));
    operations.extend([
        dispositions(),
        batch(),
        growing_batch(),
        channel(),
        peer_closed(),
        when_full(),
        over_quota(),
        over_memory_quota(),
        refused_halfway(),
        untransferable(),
    ]);
    operations
}

const BATCH_GUARANTEE: &str =
    "the first messages of the batch arrived, each whole: all, some or none of them";

/// The messages of a batch are sent one after the other.
fn batch() -> OperationSpec {
    write_batch("write_batch_8", FIRST_RING)
}

/// A batch that does not fit its segment.
fn growing_batch() -> OperationSpec {
    write_batch("write_batch_growing", FIRST_RING + 4)
}

fn write_batch(name: &'static str, count: usize) -> OperationSpec {
    OperationSpec::new(name, BATCH_GUARANTEE)
        .prepare(move || {
            let control = startup_channel();
            move || {
                let messages = vec![[1u8; 30]; count];
                assert_eq!(control.write_batch(messages.iter().map(|message| &message[..])), Ok(count));
                control
            }
        })
        .check(move |fixture, outcome| check_batch(fixture, outcome, count))
}

/// Up to `count` messages arrived, and all of them unless the writer was killed.
fn check_batch(fixture: &Fixture, outcome: Outcome, count: usize) -> CheckResult {
    let mut message = MessageBuf::new();
    let mut arrived = 0;
    while fixture.control.read(&mut message).is_ok() {
        if message.bytes() != [1; 30] {
            return Err(format!("message {arrived} of the batch is not whole"));
        }
        arrived += 1;
    }
    let least = if outcome == Outcome::Killed { 0 } else { count };
    if (least..=count).contains(&arrived) {
        Ok(())
    } else {
        Err(format!("{arrived} messages of a batch of {count} arrived"))
    }
}

/// An end of a channel is sent, with a message with handles pending in it.
fn channel() -> OperationSpec {
    OperationSpec::new("write_channel", "the sent end arrived with its pending message, or is closed with it")
        .exercises_recovery()
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
            let mut handles = receive_handles(&control);
            move || {
                control.write(b"a channel", &mut handles).unwrap();
                control
            }
        })
        .check(|fixture, outcome| {
            let mut message = MessageBuf::new();
            match fixture.control.read(&mut message) {
                Ok(()) => {
                    let sent_end = message.take_handle(0).ok_or("the message arrived without its channel")?;
                    let sent_end = Channel::from(sent_end);
                    let mut pending = MessageBuf::new();
                    sent_end
                        .read(&mut pending)
                        .map_err(|status| format!("reading the pending message: {status}"))?;
                    fixture.check_whole(&pending, b"waits", 2)?;
                    sent_end.write(b"back", &mut []).map_err(|status| status.to_string())?;
                    if !signals_of(&fixture.kept[0]).contains(Signals::CHANNEL_READABLE) {
                        return Err("the sent end does not reach its peer".into());
                    }
                }
                Err(Status::PEER_CLOSED) if outcome == Outcome::Killed => {
                    if !signals_of(&fixture.kept[0]).contains(Signals::CHANNEL_PEER_CLOSED) {
                        return Err("an end that was not sent is not closed".into());
                    }
                }
                Err(status) => return Err(format!("reading the victim's message: {status}")),
            }
            fixture.check_no_message()
        })
}

/// The other end is closed: the write fails, and closes the handles.
fn peer_closed() -> OperationSpec {
    OperationSpec::new("write_3_peer_closed", "a write to a closed peer closes its handles, once")
        .set_up(|| {
            let mut fixture = Fixture::new();
            let (ours, theirs) = Channel::create();
            let mut handles = fixture.sides(3);
            handles.push(theirs.into());
            fixture.send(handles);
            drop(ours);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut handles = receive_handles(&control);
            let lonely = Channel::from(handles.pop().unwrap());
            move || {
                assert_eq!(lonely.write(b"no reader", &mut handles), Err(Status::PEER_CLOSED));
                (control, lonely)
            }
        })
}

/// A write that finds no room leaves its handles in place.
fn when_full() -> OperationSpec {
    OperationSpec::new("write_3_should_wait", "a write without room consumes nothing")
        .set_up(|| {
            let mut fixture = Fixture::awaiting_close();
            fixture.send_sides(3);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let mut handles = receive_handles(&control);
            while control.write(b"pending", &mut []).is_ok() {}
            move || {
                assert_eq!(control.write(b"no room", &mut handles), Err(Status::SHOULD_WAIT));
                assert!(!handles.iter().any(NullableHandle::is_invalid));
                (control, handles)
            }
        })
        .check(|fixture, _| {
            read_pending(fixture, PENDING_MESSAGES as usize)?;
            fixture.check_no_message()
        })
}

/// A write with handles that is refused, and must not arrive.
fn refused(name: &str, guarantee: &'static str, handles: usize, fixture: fn() -> Fixture) -> OperationSpec {
    OperationSpec::new(name, guarantee)
        .set_up(move || {
            let mut fixture = fixture();
            fixture.send_sides(handles);
            fixture
        })
        .check(|fixture, _| fixture.check_no_message())
}

/// A process with as many pending messages as it may have: the write fails, and closes the handles.
fn over_quota() -> OperationSpec {
    refused(
        "write_2_over_quota",
        "a write beyond the quota closes its handles, once",
        2,
        Fixture::awaiting_close,
    )
    .prepare(|| {
        let control = startup_channel();
        let mut handles = receive_handles(&control);
        // The quota leaves one channel a share only. Fill channels until one gets no share.
        let mut others = Vec::new();
        let mut fill_another = || {
            let (ours, theirs) = Channel::create();
            let written = (0..).take_while(|_| ours.write(b"pending", &mut []).is_ok()).count();
            others.push((ours, theirs));
            written
        };
        while fill_another() > 0 {}
        move || {
            assert_eq!(control.write(b"one more", &mut handles), Err(Status::NO_RESOURCES));
            (control, others)
        }
    })
}

/// A process with as much message memory as it may have: the write fails, and closes the handles.
fn over_memory_quota() -> OperationSpec {
    /// The same block size with handles and without.
    const LARGE: usize = MAX_MSG_BYTES * 3 / 4;
    refused(
        "write_2_over_memory_quota",
        "a write beyond the quota closes its handles, once",
        2,
        Fixture::awaiting_close,
    )
    .prepare(|| {
        let control = startup_channel();
        let mut handles = receive_handles(&control);
        // The quota leaves one channel a share only. Fill channels until one gets no share.
        let mut others = Vec::new();
        let mut fill_another = || {
            let (ours, theirs) = Channel::create();
            let written = (0..).take_while(|_| ours.write(&bytes(LARGE), &mut []).is_ok()).count();
            others.push((ours, theirs));
            written
        };
        while fill_another() > 0 {}
        move || {
            let refused = control.write(&bytes(LARGE), &mut handles);
            assert_eq!(refused, Err(Status::NO_RESOURCES));
            (control, others)
        }
    })
}

/// One of the values is no longer valid when its turn comes: the other handles are closed.
fn refused_halfway() -> OperationSpec {
    refused("write_3_refused", "a write that is refused halfway closes its handles, once", 3, Fixture::new)
        .exercises_recovery()
        .prepare(|| {
            let control = startup_channel();
            let values: Vec<u32> =
                receive_handles(&control).into_iter().map(NullableHandle::into_raw).collect();
            move || {
                let twice = [values[0], values[1], values[2], values[0]];
                assert_eq!(
                    raw::channel_write(control.raw_handle(), b"refused", &twice),
                    Err(Status::BAD_HANDLE)
                );
                control
            }
        })
}

/// One of three handles lacks the right to be sent: all three are closed.
fn untransferable() -> OperationSpec {
    refused("write_3_denied", "a write that is refused closes its handles, once", 3, Fixture::new).prepare(
        || {
            let control = startup_channel();
            let mut handles = receive_handles(&control);
            let last = handles.pop().unwrap().replace(Rights::WAIT).unwrap();
            handles.push(last);
            move || {
                assert_eq!(control.write(b"refused", &mut handles), Err(Status::ACCESS_DENIED));
                control
            }
        },
    )
}
