//! Calls: a message out, and its reply back.

use crate::operation::{Operation, Scene, given, startup};
use jacinth::*;

const CLAIM: &str = "the request came whole or not at all; the server goes on, and its replies harm nobody";

pub(crate) fn operations() -> Vec<Operation> {
    vec![call("call_0", 0, 0), call("call_1", 1, 0), call("call_1_overtaken", 1, 2), timed_out()]
}

/// A call with handles both ways. The server answers once its caller sleeps, and sends some messages before that; the
/// caller reads them after the reply.
fn call(name: &str, handles: usize, before: usize) -> Operation {
    Operation::new(name, CLAIM)
        .set(move || {
            let mut scene = Scene::patient();
            if handles > 0 {
                scene.give_sides(handles);
            }
            let mut reply = scene.sides(handles);
            let mut others = scene.sides(before);
            let line = scene.line.clone();
            scene.partner = Some(Box::new(move |victim| {
                let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                while let Ok(seen) = line.wait_one(either, MonotonicInstant::INFINITE).to_result()
                    && seen.contains(Signals::CHANNEL_READABLE)
                {
                    let mut request = MessageBuf::new();
                    line.read(&mut request).unwrap();
                    assert_eq!(&request.bytes()[4..], b"a question");
                    assert_eq!(request.n_handles(), handles, "a request came with other handles");
                    crate::sleepers::falls_asleep(victim);
                    for side in others.drain(..) {
                        let _ = line.write(b"no answer", &mut [side]);
                    }
                    let _ = line.write(&[&request.bytes()[..4], b"an answer"].concat(), &mut reply);
                }
            }));
            scene
        })
        .prepare(move || {
            set_spin(MonotonicDuration::ZERO);
            let line = startup();
            let mut along = if handles > 0 { given(&line) } else { Vec::new() };
            let mut reply = MessageBuf::new();
            move || {
                line.call(MonotonicInstant::INFINITE, b"\0\0\0\0a question", &mut along, &mut reply).unwrap();
                assert_eq!(&reply.bytes()[4..], b"an answer");
                let mut others = Vec::new();
                for _ in 0..before {
                    let mut message = MessageBuf::new();
                    line.read(&mut message).unwrap();
                    assert_eq!((message.bytes(), message.n_handles()), (&b"no answer"[..], 1));
                    others.push(message);
                }
                (line, reply, others)
            }
        })
        .check(|scene, _| scene.nothing_more())
}

/// A call that nobody answers.
fn timed_out() -> Operation {
    Operation::new("call_timed_out", CLAIM)
        .prepare(|| {
            set_spin(MonotonicDuration::ZERO);
            let line = startup();
            let mut reply = MessageBuf::new();
            move || {
                let soon = MonotonicInstant::after(MonotonicDuration::from_micros(100));
                let result = line.call(soon, b"\0\0\0\0a question", &mut [], &mut reply);
                assert_eq!(result, Err(Status::TIMED_OUT));
                (line, reply)
            }
        })
        .check(|scene, _| {
            let mut message = MessageBuf::new();
            match scene.line.read(&mut message) {
                Ok(()) if &message.bytes()[4..] == b"a question" => scene.nothing_more(),
                Ok(()) => Err("the request came other than it was sent".into()),
                Err(Status::PEER_CLOSED) => Ok(()),
                Err(status) => Err(format!("reading the request: {status}")),
            }
        })
}
