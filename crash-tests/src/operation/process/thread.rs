//! Threads that end in the middle of their process's life: they leave nothing pinned, whether they were killed over
//! it, with their process, or not.

use crate::arena::RECLAIM_BATCH;
use crate::operation::fixture::capacity::HUGE;
use crate::operation::{Operation, Scene, Thread, given, startup};
use jacinth::*;

pub(crate) fn operations() -> Vec<Operation> {
    vec![
        end("thread_end", || {}),
        end("thread_panic", panic_silently),
        Operation { thread: Thread::Foreign, ..end("thread_pthread_exit", || {}) },
        laden(),
        in_call(),
    ]
}

/// A thread with something in each of its private lists, which ends by `how`.
fn end(name: &str, how: impl Fn() + Copy + 'static) -> Operation {
    let mut operation = Operation::new(name, "the thread's row is free, or goes with its process")
        .set(|| {
            let mut scene = Scene::new();
            scene.give_sides(2);
            scene
        })
        .prepare(move || {
            let line = startup();
            let kept = given(&line);
            drop((Channel::create(), Event::create()));
            move || {
                std::mem::forget((line, kept));
                how();
            }
        });
    (operation.exits, operation.thread) = (Some(0), Thread::Std);
    operation
}

/// A thread that has objects to make others of, some that it has not looked through yet, and their blocks.
fn laden() -> Operation {
    let mut operation =
        Operation::new("thread_end_laden", "what an ended thread had set aside is there for everybody")
            .set(Scene::with_room)
            .prepare(|| {
                let line = startup();
                for _ in 0..RECLAIM_BATCH * 3 / 2 {
                    drop(Event::create());
                }
                let (first, second) = Channel::create();
                first.reserve(HUGE).unwrap().commit().unwrap();
                drop((first, second));
                move || std::mem::forget(line)
            })
            .check(|scene, _| scene.has_room(0, 0));
    (operation.exits, operation.thread) = (Some(0), Thread::Std);
    operation
}

/// A thread that panics in the middle of a call, in what it calls back.
fn in_call() -> Operation {
    let mut operation = Operation::new("thread_panic_in_call", "a call that panicked holds nobody up")
        .prepare(|| {
            let line = startup();
            move || {
                let messages = (0..3).map(|number| {
                    if number == 2 {
                        panic_silently();
                    }
                    &b"unpublished"[..]
                });
                let _ = line.write_batch(messages);
            }
        })
        .check(|scene, _| scene.nothing_more());
    (operation.exits, operation.thread) = (Some(0), Thread::Std);
    operation
}

/// A panic that nobody is told of: printing would be most of what is stepped through.
fn panic_silently() {
    std::panic::resume_unwind(Box::new("as it was to"));
}
