//! Calls: a message out, and its reply back.

use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::OperationSpec;
use jacinth::*;

const GUARANTEE: &str =
    "the request arrived whole or not at all; the server goes on, and its replies do no harm";

/// The operations that call.
pub fn operations() -> Vec<OperationSpec> {
    vec![call("call_0", 0, 0), call("call_1", 1, 0), call("call_1_overtaken", 1, 2), timed_out()]
}

/// A call with handles in both directions. The server answers once its caller sleeps, and sends `before` other messages
/// first; the caller reads them after the reply.
fn call(name: &str, handles: usize, before: usize) -> OperationSpec {
    OperationSpec::new(name, GUARANTEE)
        .set_up(move || {
            let mut fixture = Fixture::awaiting_close();
            if handles > 0 {
                fixture.send_sides(handles);
            }
            let mut reply = fixture.sides(handles);
            let mut others = fixture.sides(before);
            let control = fixture.control.clone();
            fixture.partner = Some(Box::new(move |victim| {
                let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                while let Ok(seen) = control.wait_one(either, MonotonicInstant::INFINITE).to_result()
                    && seen.contains(Signals::CHANNEL_READABLE)
                {
                    let mut request = MessageBuf::new();
                    control.read(&mut request).unwrap();
                    assert_eq!(&request.bytes()[4..], b"a question");
                    assert_eq!(request.n_handles(), handles, "a request came with other handles");
                    crate::sleepers::falls_asleep(victim);
                    for side in others.drain(..) {
                        let _ = control.write(b"no answer", &mut [side]);
                    }
                    let _ = control.write(&[&request.bytes()[..4], b"an answer"].concat(), &mut reply);
                }
            }));
            fixture
        })
        .prepare(move || {
            set_spin(MonotonicDuration::ZERO);
            let control = startup_channel();
            let mut along = if handles > 0 { receive_handles(&control) } else { Vec::new() };
            let mut reply = MessageBuf::new();
            move || {
                control
                    .call(MonotonicInstant::INFINITE, b"\0\0\0\0a question", &mut along, &mut reply)
                    .unwrap();
                assert_eq!(&reply.bytes()[4..], b"an answer");
                let mut others = Vec::new();
                for _ in 0..before {
                    let mut message = MessageBuf::new();
                    control.read(&mut message).unwrap();
                    assert_eq!((message.bytes(), message.n_handles()), (&b"no answer"[..], 1));
                    others.push(message);
                }
                (control, reply, others)
            }
        })
        .check(|fixture, _| fixture.check_no_message())
}

/// A call that the survivor does not answer.
fn timed_out() -> OperationSpec {
    OperationSpec::new("call_timed_out", GUARANTEE)
        .prepare(|| {
            set_spin(MonotonicDuration::ZERO);
            let control = startup_channel();
            let mut reply = MessageBuf::new();
            move || {
                let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                let result = control.call(soon, b"\0\0\0\0a question", &mut [], &mut reply);
                assert_eq!(result, Err(Status::TIMED_OUT));
                (control, reply)
            }
        })
        .check(|fixture, _| {
            let mut message = MessageBuf::new();
            match fixture.control.read(&mut message) {
                Ok(()) if &message.bytes()[4..] == b"a question" => fixture.check_no_message(),
                Ok(()) => Err("the request came other than it was sent".into()),
                Err(Status::PEER_CLOSED) => Ok(()),
                Err(status) => Err(format!("reading the request: {status}")),
            }
        })
}
