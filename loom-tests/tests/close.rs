//! Closing against everything else that can be done with a handle at the same time.

use jacinth_shm_loom::{Arena, Config, Error, Process, Shape, Thread};
use std::sync::Arc;

fn small() -> Config {
    let mut config = Config::default();
    config.max_processes = 2;
    config.max_threads = 3;
    config.max_objects = 2;
    config.max_handles_per_process = 4;
    config.max_pending_messages = 4;
    config.first_segment_messages = 2;
    config.pool_bytes = 512;
    config.max_loan_bytes = 512;
    config
}

#[test]
fn of_two_that_close_one_handle_one_succeeds() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let arena = Arc::new(Arena::heap(&small()).unwrap());
        let seat = arena.first_seat().unwrap();
        let process = Process::sit(arena, seat, 1, 0).unwrap();
        let first = Thread::join(&process).unwrap();
        let (event, _) = first.create(Shape::Single, 5, 0xff).unwrap();
        let other = process.clone();
        let closer = loom::thread::spawn(move || {
            let second = Thread::join(&other).unwrap();
            second.find(event).and_then(|found| second.close(found))
        });
        let here = first.find(event).and_then(|found| first.close(found));
        let there = closer.join().unwrap();
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        assert!(here.is_ok() || here == Err(Error::BadHandle));
        let audit = process.arena().audit();
        assert!(audit.is_clean(), "{audit}");
        assert_eq!((audit.objects, audit.handles), (0, 0));
    });
}
