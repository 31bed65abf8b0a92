//! Calls that a signal handler interrupts, and that are finished later, or never.

use crate::operation::c_interface::calls::{self, Buffers, Call};
use crate::operation::c_interface::{c_variant_of, ready_with_all};
use crate::operation::channel::call;
use crate::operation::fixture::Fixture;
use crate::operation::spec::{ActingThread, OperationSpec};
use crate::sleepers::falls_asleep;
use jacinth::*;

const QUESTION: &[u8] = b"\0\0\0\0a question";
const NEVER: MonotonicInstant = MonotonicInstant::INFINITE;

/// The operations with interrupted calls.
pub fn operations() -> Vec<OperationSpec> {
    vec![finished(), thread_ends(), left_behind()]
}

/// The partner interrupts the victim's first sleep before it answers.
fn with_signal(set_up: Box<dyn Fn() -> Fixture>) -> impl Fn() -> Fixture {
    move || {
        let mut fixture = set_up();
        let answer = fixture.partner.take();
        fixture.partner = Some(Box::new(move |victim| {
            if falls_asleep(victim) {
                calls::interrupt(victim);
            }
            if let Some(answer) = answer {
                answer(victim);
            }
        }));
        fixture
    }
}

/// A victim's control channel, handles to send and buffers.
fn caller() -> (Channel, Vec<u32>, Buffers<u32>) {
    set_spin(MonotonicDuration::ZERO);
    calls::accept_interruptions();
    let (control, sides) = ready_with_all();
    (control, sides, Buffers::new(16, 1))
}

/// The call is interrupted, goes on, and is answered. A victim may die in between.
fn finished() -> OperationSpec {
    let OperationSpec { set_up, .. } = c_variant_of(call::operations, "call_1");
    c_variant_of(call::operations, "call_1").variant("interrupted").set_up(with_signal(set_up)).prepare(
        || {
            let (control, sides, mut reply) = caller();
            move || {
                let channel = control.raw_handle();
                let mut result = calls::call(Call::NoRetry, channel, NEVER, (QUESTION, &sides), &mut reply);
                while result == Err(Status::INTERNAL_INTR_RETRY) {
                    result = calls::call(Call::Finish, channel, NEVER, (QUESTION, &sides), &mut reply);
                }
                assert_eq!((result, reply.actual), (Ok(()), (13, 1)));
                control
            }
        },
    )
}

/// The thread ends without finishing its call. The reply comes before or after its end.
fn thread_ends() -> OperationSpec {
    let operation = c_variant_of(call::operations, "call_1").variant("thread_ends").set_up(|| {
        let mut fixture = Fixture::awaiting_close();
        fixture.send_sides(1);
        let (mut reply, control) = (fixture.sides(1), fixture.control.clone());
        fixture.partner = Some(Box::new(move |victim| {
            if falls_asleep(victim) {
                calls::interrupt(victim);
            }
            let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
            let mut request = MessageBuf::new();
            if control.wait_one(either, NEVER).is_ok() && control.read(&mut request).is_ok() {
                let _ = control.write(&[&request.bytes()[..4], b"an answer"].concat(), &mut reply);
            }
        }));
        fixture
    });
    operation.ends_thread(ActingThread::Std).prepare(|| {
        let (control, sides, mut reply) = caller();
        move || {
            let channel = control.into_raw();
            // A signal that arrives before the thread sleeps has no effect.
            let result = calls::call(Call::NoRetry, channel, NEVER, (QUESTION, &sides), &mut reply);
            assert!(result.is_ok() || result == Err(Status::INTERNAL_INTR_RETRY));
        }
    })
}

/// A thread has ended without finishing its call. The reply is an ordinary message then.
fn left_behind() -> OperationSpec {
    c_variant_of(call::operations, "call_1").variant("left_behind").prepare(|| {
        let (control, sides, mut reply) = caller();
        let channel = control.raw_handle();
        let (report, received) = std::sync::mpsc::channel();
        let caller = std::thread::spawn(move || {
            report.send(rustix::thread::gettid().as_raw_pid()).unwrap();
            let mut reply = Buffers::new(16, 1);
            calls::call(Call::NoRetry, channel, NEVER, (QUESTION, &sides), &mut reply)
        });
        let id = received.recv().unwrap();
        while !caller.is_finished() {
            calls::interrupt(id);
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        assert_eq!(caller.join().unwrap(), Err(Status::INTERNAL_INTR_RETRY));
        move || {
            calls::wait_one(channel, Signals::CHANNEL_READABLE, NEVER).unwrap();
            calls::read(channel, false, &mut reply).unwrap();
            assert_eq!((&reply.bytes[4..13], reply.actual), (&b"an answer"[..], (13, 1)));
            control
        }
    })
}
