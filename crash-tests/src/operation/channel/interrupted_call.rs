//! Calls that a signal handler interrupts, and that are finished, or never are.

use crate::operation::c_interface::calls::{self, Buffers, Call};
use crate::operation::c_interface::{like, ready_with_all};
use crate::operation::channel::call;
use crate::operation::{Operation, Scene, Thread};
use crate::sleepers::falls_asleep;
use jacinth::*;

const QUESTION: &[u8] = b"\0\0\0\0a question";
const LATE: MonotonicInstant = MonotonicInstant::INFINITE;

pub(crate) fn operations() -> Vec<Operation> {
    vec![finished(), thread_ends(), left_behind()]
}

/// Whoever answers the victim interrupts its first sleep.
fn rudely(set: Box<dyn Fn() -> Scene>) -> impl Fn() -> Scene {
    move || {
        let mut scene = set();
        let answer = scene.partner.take();
        scene.partner = Some(Box::new(move |victim| {
            if falls_asleep(victim) {
                calls::interrupt(victim);
            }
            if let Some(answer) = answer {
                answer(victim);
            }
        }));
        scene
    }
}

/// What the victim of a call needs.
fn caller() -> (Channel, Vec<u32>, Buffers<u32>) {
    set_spin(MonotonicDuration::ZERO);
    calls::accept_interruptions();
    let (line, sides) = ready_with_all();
    (line, sides, Buffers::new(16, 1))
}

/// The call is interrupted, goes on, and is answered. A victim may die in between.
fn finished() -> Operation {
    let Operation { set, .. } = like(call::operations, "call_1");
    like(call::operations, "call_1").but("interrupted").set(rudely(set)).prepare(|| {
        let (line, sides, mut reply) = caller();
        move || {
            let channel = line.raw_handle();
            let mut result = calls::call(Call::NoRetry, channel, LATE, (QUESTION, &sides), &mut reply);
            while result == Err(Status::INTERNAL_INTR_RETRY) {
                result = calls::call(Call::Finish, channel, LATE, (QUESTION, &sides), &mut reply);
            }
            assert_eq!((result, reply.actual), (Ok(()), (13, 1)));
            line
        }
    })
}

/// The thread ends without finishing its call, and the reply comes before or after that.
fn thread_ends() -> Operation {
    let mut operation = like(call::operations, "call_1").but("thread_ends").set(|| {
        let mut scene = Scene::patient();
        scene.give_sides(1);
        let (mut reply, line) = (scene.sides(1), scene.line.clone());
        scene.partner = Some(Box::new(move |victim| {
            if falls_asleep(victim) {
                calls::interrupt(victim);
            }
            let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
            let mut request = MessageBuf::new();
            if line.wait_one(either, LATE).is_ok() && line.read(&mut request).is_ok() {
                let _ = line.write(&[&request.bytes()[..4], b"an answer"].concat(), &mut reply);
            }
        }));
        scene
    });
    operation = operation.prepare(|| {
        let (line, sides, mut reply) = caller();
        move || {
            let channel = line.into_raw();
            // A signal that comes before it sleeps interrupts nothing.
            let result = calls::call(Call::NoRetry, channel, LATE, (QUESTION, &sides), &mut reply);
            assert!(result.is_ok() || result == Err(Status::INTERNAL_INTR_RETRY));
        }
    });
    (operation.exits, operation.thread) = (Some(0), Thread::Std);
    operation
}

/// A thread has ended without finishing its call. The reply is a message like any other.
fn left_behind() -> Operation {
    like(call::operations, "call_1").but("left_behind").prepare(|| {
        let (line, sides, mut reply) = caller();
        let channel = line.raw_handle();
        let (tell, told) = std::sync::mpsc::channel();
        let caller = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_pid()).unwrap();
            let mut reply = Buffers::new(16, 1);
            calls::call(Call::NoRetry, channel, LATE, (QUESTION, &sides), &mut reply)
        });
        let id = told.recv().unwrap();
        while !caller.is_finished() {
            calls::interrupt(id);
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        assert_eq!(caller.join().unwrap(), Err(Status::INTERNAL_INTR_RETRY));
        move || {
            calls::wait_one(channel, Signals::CHANNEL_READABLE, LATE).unwrap();
            calls::read(channel, false, &mut reply).unwrap();
            assert_eq!((&reply.bytes[4..13], reply.actual), (&b"an answer"[..], (13, 1)));
            line
        }
    })
}
