//! Owners of handles: typed, untyped and borrowed, and the conversions between them.

mod support;

use jacinth::*;
use std::collections::HashSet;
use support::*;

fn handle(owner: impl Into<NullableHandle>) -> Handle {
    Handle::try_from(owner.into()).unwrap()
}

#[test]
fn a_handle_converts_only_into_its_type() {
    in_arena(|_| {
        let (end, _far_end) = Channel::create();
        let refused = Event::try_from(handle(end)).unwrap_err();
        assert_eq!(refused.status(), Status::WRONG_TYPE);
        assert_eq!(refused.to_string(), "the handle is of a channel, not of an event");
        let refused = EventPair::try_from(refused.into_handle()).unwrap_err();
        let end = Channel::try_from(refused.into_handle()).unwrap();
        assert_eq!(Status::from(Event::try_from(handle(end)).unwrap_err()), Status::WRONG_TYPE);
    });
}

#[test]
fn a_closed_handle_converts_into_no_type() {
    in_arena(|_| {
        let event = Event::create();
        raw::close(event.raw_handle()).unwrap();
        let refused = Event::try_from(handle(event)).unwrap_err();
        assert_eq!(refused.status(), Status::BAD_HANDLE);
        std::mem::forget(refused.into_handle());
    });
}

#[test]
fn an_unchecked_conversion_fails_at_its_use() {
    in_arena(|_| {
        let channel = Channel::from(event());
        assert_eq!(channel.write(b"", &mut []), Err(Status::WRONG_TYPE));
        assert_eq!(channel.signal_peer(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED));
        let event: Event = channel.into_handle_based();
        event.signal(Signals::NONE, Signals::USER_0).unwrap();
    });
}

#[test]
fn an_invalid_owner_gives_bad_handle() {
    in_arena(|_| {
        let none = NullableHandle::invalid();
        let bad = Status::BAD_HANDLE;
        assert_eq!(none.duplicate(Rights::SAME_RIGHTS), Err(bad));
        assert_eq!(none.signal(Signals::NONE, Signals::USER_0), Err(bad));
        assert_eq!(none.wait_one(Signals::USER_0, MonotonicInstant::INFINITE), WaitResult::Err(bad));
        assert_eq!(none.basic_info(), Err(bad));
        assert_eq!(none.count_info(), Err(bad));
        assert_eq!(none.get_name(), Err(bad));
        let channel = Channel::from(none);
        assert!(channel.is_invalid_handle());
        assert_eq!(channel.read(&mut MessageBuf::new()), Err(bad));
        assert_eq!(channel.is_closed(), Err(bad));
        assert_eq!(channel.replace_handle(Rights::SAME_RIGHTS), Err(bad));
    });
}

#[test]
fn a_borrowed_owner_does_not_close() {
    in_arena(|_| {
        let event = Event::create();
        {
            let borrowed = event.as_handle_ref();
            let again = borrowed.clone().cast::<Event>();
            assert_eq!((again.koid(), borrowed.koid()), (event.koid(), event.koid()));
        }
        assert_eq!(event.count_info().unwrap().handle_count, 1);
    });
}

#[test]
fn owners_compare_and_hash_by_value() {
    in_arena(|_| {
        let mut events: Vec<Event> = (0..10).map(|_| Event::create()).collect();
        let values: HashSet<u32> = events.iter().map(Event::raw_handle).collect();
        events.sort();
        assert!(events.is_sorted_by_key(Event::raw_handle));
        let events: HashSet<Event> = events.into_iter().collect();
        assert_eq!((events.len(), values.len()), (10, 10));
        let borrowed = Unowned::<Event>::from_raw_handle(*values.iter().next().unwrap());
        assert!(events.contains(&*borrowed));
        assert_eq!(format!("{borrowed:?}"), format!("Event({:#x})", borrowed.raw_handle()));
    });
}

#[test]
fn a_canceled_wait_keeps_its_signals() {
    in_arena(|supervisor| {
        let event = Event::create();
        event.signal(Signals::NONE, Signals::USER_1).unwrap();
        let value = event.raw_handle();
        std::thread::scope(|scope| {
            let waiter = asleep(scope, supervisor, || event.wait_one(Signals::USER_0, FOREVER));
            raw::close(value).unwrap();
            let result = waiter.join().unwrap();
            let WaitResult::Canceled(observed) = result else { panic!("{result:?}") };
            assert!(observed.contains(Signals::HANDLE_CLOSED));
            assert_eq!(result.to_result(), Err(Status::CANCELED));
        });
        std::mem::forget(event);
    });
}

#[test]
fn a_wait_gives_up_at_standard_deadlines() {
    in_arena(|_| {
        let event = Event::create();
        let short = std::time::Duration::from_millis(20);
        let start = std::time::Instant::now();
        assert!(event.wait_one(Signals::USER_0, short).is_err());
        assert!(start.elapsed() >= short);
        let until = std::time::Instant::now() + short;
        assert_eq!(event.wait_one(Signals::USER_0, until).to_result(), Err(Status::TIMED_OUT));
        assert!(std::time::Instant::now() >= until);
        let mut items = [WaitItem::new(&event, Signals::USER_0)];
        assert_eq!(object_wait_many(&mut items, short), Err(Status::TIMED_OUT));
    });
}

#[test]
fn peer_closed_stays_asserted_until_close() {
    in_arena(|_| {
        let (ours, theirs) = EventPair::create();
        assert_eq!((ours.is_closed(), theirs.is_closed()), (Ok(false), Ok(false)));
        let blind = ours.replace(Rights::SIGNAL).unwrap();
        assert_eq!(blind.is_closed(), Err(Status::ACCESS_DENIED));
        drop(blind);
        assert_eq!(theirs.is_closed(), Ok(true));
    });
}

#[test]
fn creating_without_room_panics_or_fails() {
    in_arena_of(
        |config| config.max_objects_per_process = 3,
        |_| {
            let (_events, status) = until_refused(Event::try_create);
            assert_eq!(status, Status::NO_RESOURCES);
            assert!(std::panic::catch_unwind(Event::create).is_err());
            assert!(std::panic::catch_unwind(Channel::create).is_err());
            assert_eq!(EventPair::try_create().unwrap_err(), Status::NO_RESOURCES);
        },
    );
}
