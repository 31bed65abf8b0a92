//! Signals, and waits that need not wait.

use crate::Group;
use jacinth::{Event, EventPair, MonotonicInstant, Peered as _, Signals, Status, WaitItem, object_wait_many};

/// Signals, and waits that need not wait.
pub fn signal(group: &mut Group<'_>) {
    let event = Event::create();
    group.bench_function("signal_toggle", |b| {
        b.iter(|| {
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        });
    });
    event.signal(Signals::NONE, Signals::EVENT_SIGNALED).unwrap();
    group.bench_function("wait_satisfied", |b| {
        b.iter(|| event.wait_one(Signals::EVENT_SIGNALED, MonotonicInstant::INFINITE).unwrap());
    });
    group.bench_function("wait_expired", |b| {
        b.iter(|| {
            assert_eq!(
                event.wait_one(Signals::USER_1, MonotonicInstant::INFINITE_PAST).to_result(),
                Err(Status::TIMED_OUT)
            )
        });
    });
    group.bench_function("wait_many_8_satisfied", |b| {
        let events = [(); 8].map(|()| Event::create());
        events[7].signal(Signals::NONE, Signals::EVENT_SIGNALED).unwrap();
        b.iter(|| {
            let mut items = events.each_ref().map(|event| WaitItem::new(event, Signals::EVENT_SIGNALED));
            object_wait_many(&mut items, MonotonicInstant::INFINITE).unwrap();
        });
    });
    let (ours, theirs) = EventPair::create();
    group.bench_function("signal_peer_toggle", |b| {
        b.iter(|| {
            ours.signal_peer(Signals::NONE, Signals::USER_0).unwrap();
            ours.signal_peer(Signals::USER_0, Signals::NONE).unwrap();
        });
    });
    drop(theirs);
}
