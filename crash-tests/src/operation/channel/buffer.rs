//! Buffers: made, sent, looked at, sent on and closed.

use crate::operation::fixture::{Fixture, receive_handles, startup_channel, warm_up_creation};
use crate::operation::guarantee::{CLOSE, CREATE};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use jacinth::*;

const BYTES: &[u8] = &[7; 3000];
const SENT: &str = "the buffer arrived with all its bytes, or not at all, and no block is lost";
const SHARED: &str = "the survivor's buffer has its bytes, and no other handle";

/// The operations on buffers.
pub fn operations() -> Vec<OperationSpec> {
    vec![create(), send(), view(), forward(), close()]
}

/// The victim has a duplicate of the survivor's buffer.
fn shared() -> Fixture {
    let mut fixture = Fixture::new();
    let buffer = Buffer::from_slice(BYTES).unwrap();
    fixture.send(vec![buffer.duplicate(Rights::SAME_RIGHTS).unwrap().into()]);
    fixture.kept.push(buffer.into());
    fixture
}

fn control_and_buffer() -> (Channel, Buffer) {
    let control = startup_channel();
    let buffer = receive_handles(&control).remove(0).into();
    (control, buffer)
}

/// The survivor's buffer is as it was, and has this many handles.
fn check_shared(fixture: &Fixture, handles: u32) -> CheckResult {
    let buffer: Unowned<'_, Buffer> = Unowned::from_raw_handle(fixture.kept[0].raw_handle());
    match buffer.count_info().map(|info| info.handle_count) {
        Ok(count) if count == handles => {}
        count => return Err(format!("the buffer has {count:?} handles instead of {handles}")),
    }
    check_bytes(&buffer)
}

fn check_bytes(buffer: &Buffer) -> CheckResult {
    match buffer.view() {
        Ok(view) if view[..] == *BYTES => Ok(()),
        Ok(_) => Err("the buffer has other bytes".to_owned()),
        Err(status) => Err(format!("looking at the buffer: {status}")),
    }
}

/// The buffer that the victim has sent, if one arrived.
fn received(fixture: &Fixture, outcome: Outcome) -> Result<Option<Buffer>, String> {
    let mut message = MessageBuf::new();
    match fixture.control.read(&mut message) {
        Ok(()) => Ok(message.take_handle(0).map(Buffer::from)),
        Err(Status::PEER_CLOSED) if outcome == Outcome::Killed => Ok(None),
        Err(status) => Err(format!("reading the victim's message: {status}")),
    }
}

fn create() -> OperationSpec {
    OperationSpec::new("create_buffer", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || BufferMut::create(BYTES.len()).unwrap()
    })
}

fn send() -> OperationSpec {
    OperationSpec::new("buffer_filled_and_sent", SENT)
        .prepare(|| {
            let control = startup_channel();
            move || {
                let mut buffer = BufferMut::create(BYTES.len()).unwrap();
                buffer.write_at(0, BYTES).unwrap();
                control.write(b"", &mut [buffer.freeze().unwrap().into()]).unwrap();
                control
            }
        })
        .check(|fixture, outcome| match received(fixture, outcome)? {
            Some(buffer) => check_bytes(&buffer),
            None => Ok(()),
        })
}

fn view() -> OperationSpec {
    OperationSpec::new("buffer_view", SHARED)
        .set_up(shared)
        .prepare(|| {
            let (control, buffer) = control_and_buffer();
            move || {
                assert_eq!(buffer.view().unwrap()[..], *BYTES);
                drop(buffer);
                control
            }
        })
        .check(|fixture, _| check_shared(fixture, 1))
}

/// A receiver that sends it on, and keeps a handle.
fn forward() -> OperationSpec {
    OperationSpec::new("buffer_forward", SENT)
        .set_up(shared)
        .prepare(|| {
            let (control, buffer) = control_and_buffer();
            move || {
                let copy = buffer.duplicate(Rights::SAME_RIGHTS).unwrap();
                control.write(b"", &mut [copy.into()]).unwrap();
                drop(buffer);
                control
            }
        })
        .check(|fixture, outcome| {
            let forwarded = received(fixture, outcome)?;
            check_shared(fixture, 1 + u32::from(forwarded.is_some()))
        })
}

fn close() -> OperationSpec {
    OperationSpec::new("close_buffer", CLOSE).prepare(|| {
        let control = startup_channel();
        let buffer = Buffer::from_slice(BYTES).unwrap();
        move || {
            drop(buffer);
            control
        }
    })
}
