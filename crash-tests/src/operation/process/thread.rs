//! Threads that end before their process does. They leave no object pinned: neither when the process is killed meanwhile
//! nor when it lives on.

use crate::arena::RECLAIM_BATCH;
use crate::operation::fixture::capacity::HUGE;
use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::spec::{ActingThread, OperationSpec};
use jacinth::*;

/// The operations that end threads.
pub fn operations() -> Vec<OperationSpec> {
    vec![
        end("thread_end", || {}),
        end("thread_panic", panic_silently),
        end("thread_pthread_exit", || {}).ends_thread(ActingThread::Foreign),
        end_with_caches(),
        in_call(),
    ]
}

/// A thread with entries in each of its private lists. It ends by `how`.
fn end(name: &str, how: impl Fn() + Copy + 'static) -> OperationSpec {
    OperationSpec::new(name, "the thread's row is free, or goes with its process")
        .ends_thread(ActingThread::Std)
        .set_up(|| {
            let mut fixture = Fixture::new();
            fixture.send_sides(2);
            fixture
        })
        .prepare(move || {
            let control = startup_channel();
            let kept = receive_handles(&control);
            drop((Channel::create(), Event::create()));
            move || {
                std::mem::forget((control, kept));
                how();
            }
        })
}

/// A thread with reusable slots, slots that it has retired and not reclaimed yet, and their blocks.
fn end_with_caches() -> OperationSpec {
    OperationSpec::new(
        "thread_end_with_caches",
        "every process can use what an ended thread had in its caches",
    )
    .ends_thread(ActingThread::Std)
    .set_up(Fixture::measuring_capacity)
    .prepare(|| {
        let control = startup_channel();
        for _ in 0..RECLAIM_BATCH * 3 / 2 {
            drop(Event::create());
        }
        let (first, second) = Channel::create();
        first.reserve(HUGE).unwrap().commit().unwrap();
        drop((first, second));
        move || std::mem::forget(control)
    })
    .check(|fixture, _| fixture.check_capacity(0, 0))
}

/// A thread that panics in the middle of a call, in a closure that the call runs.
fn in_call() -> OperationSpec {
    OperationSpec::new("thread_panic_in_call", "a call that panicked blocks no other thread")
        .ends_thread(ActingThread::Std)
        .prepare(|| {
            let control = startup_channel();
            move || {
                let messages = (0..3).map(|number| {
                    if number == 2 {
                        panic_silently();
                    }
                    &b"unpublished"[..]
                });
                let _ = control.write_batch(messages);
            }
        })
        .check(|fixture, _| fixture.check_no_message())
}

/// A panic without a message: most single steps would be spent on printing it.
fn panic_silently() {
    std::panic::resume_unwind(Box::new("an intended panic"));
}
