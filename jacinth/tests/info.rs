//! What an object tells about itself: koids, types, rights, handle counts, and names.

mod support;

use jacinth::*;
use std::collections::HashSet;
use support::*;

#[test]
fn child_main() {
    play(&[("tells its koids", tells_its_koids), ("holds handles", holds_handles)]);
}

#[test]
fn basic_info_tells_type_rights_and_koids() {
    in_arena(|_| {
        let event = Event::create();
        let (side, other_side) = EventPair::create();
        let (end, other_end) = Channel::create();
        let info = event.basic_info().unwrap();
        assert_eq!((info.object_type, info.rights), (ObjectType::EVENT, Rights::EVENT_DEFAULT));
        assert_eq!(info.related_koid, Koid::INVALID, "an event is related to nothing");
        for (one, other, object_type, rights) in [
            (
                side.as_handle_ref(),
                other_side.as_handle_ref(),
                ObjectType::EVENTPAIR,
                Rights::EVENTPAIR_DEFAULT,
            ),
            (end.as_handle_ref(), other_end.as_handle_ref(), ObjectType::CHANNEL, Rights::CHANNEL_DEFAULT),
        ] {
            let (one, other) = (one.basic_info().unwrap(), other.basic_info().unwrap());
            assert_eq!((one.object_type, one.rights), (object_type, rights));
            assert_eq!((other.object_type, other.rights), (object_type, rights));
            assert_ne!(one.koid, other.koid, "each side is an object");
            assert_eq!((one.related_koid, other.related_koid), (other.koid, one.koid));
        }
    });
}

#[test]
fn basic_info_needs_no_rights() {
    in_arena(|_| {
        let event = Event::create();
        let none = event.duplicate(Rights::NONE).unwrap();
        let info = none.basic_info().unwrap();
        assert_eq!((info.koid, info.rights), (event.koid().unwrap(), Rights::NONE));
        assert!(raw::check_valid(none.raw_handle()).is_ok());
        assert_eq!(none.count_info().map(|info| info.handle_count), Err(Status::ACCESS_DENIED));
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(2));
    });
}

#[test]
fn related_koids_outlive_the_other_side() {
    in_arena(|_| {
        let (side, other_side) = EventPair::create();
        let (end, other_end) = Channel::create();
        let koids = (other_side.koid().unwrap(), other_end.koid().unwrap());
        drop((other_side, other_end));
        assert_eq!(side.basic_info().unwrap().related_koid, koids.0);
        assert_eq!(end.basic_info().unwrap().related_koid, koids.1);
    });
}

#[test]
fn koids_are_unique_and_never_reserved() {
    in_arena(|_| {
        let mut koids = HashSet::new();
        for round in 0..5_000 {
            let (end, other_end) = Channel::create();
            for koid in [event().koid().unwrap(), end.koid().unwrap(), other_end.koid().unwrap()] {
                assert!(koid >= Koid::FIRST);
                assert!(koids.insert(koid), "{koid:?} came back in round {round}");
            }
        }
    });
}

#[test]
fn koids_of_all_threads_and_processes_differ() {
    in_arena(|supervisor| {
        let made = |_| Event::create().koid().unwrap().raw_koid();
        let mut koids: Vec<u64> = std::thread::scope(|scope| {
            let makers = [(); 4].map(|()| scope.spawn(move || (0..3000).map(made).collect::<Vec<_>>()));
            makers.into_iter().flat_map(|maker| maker.join().unwrap()).collect()
        });
        let children = [(); 3].map(|()| spawn(supervisor, "tells its koids"));
        for (ours, child) in children {
            let message = next(&ours);
            koids.extend(message.bytes().as_chunks().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)));
            drop(ours);
            join(child);
        }
        assert_eq!(koids.len(), 15_000);
        assert_eq!(koids.iter().collect::<HashSet<_>>().len(), koids.len());
    });
}

fn tells_its_koids() {
    let ours = startup_channel();
    let koids: Vec<u64> = (0..1000).map(|_| Event::create().koid().unwrap().raw_koid()).collect();
    tell(&ours, koids.iter().flat_map(|koid| koid.to_ne_bytes()).collect::<Vec<_>>());
    wait_for_peer_closed(&ours);
}

#[test]
fn the_handle_count_includes_handles_in_transit() {
    in_arena(|_| {
        let event = Event::create();
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(1));
        let copies: Vec<_> = (0..99).map(|_| event.duplicate(Rights::SAME_RIGHTS).unwrap()).collect();
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(100));
        let (ours, theirs) = Channel::create();
        ours.write(b"", &mut copies.into_iter().take(64).map(NullableHandle::from).collect::<Vec<_>>())
            .unwrap();
        assert_eq!(
            event.count_info().map(|info| info.handle_count),
            Ok(65),
            "64 in transit; the others were dropped"
        );
        let message = next(&theirs);
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(65), "received");
        drop(message);
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(1));
        let event = event.replace(Rights::SAME_RIGHTS).unwrap();
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(1));
        ours.write(b"", &mut [event.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
        assert_eq!(event.count_info().map(|info| info.handle_count), Ok(2));
        drop(theirs);
        assert_eq!(
            event.count_info().map(|info| info.handle_count),
            Ok(1),
            "what was in transit died with the channel"
        );
    });
}

#[test]
fn pair_sides_count_their_own_handles() {
    in_arena(|_| {
        let (side, other_side) = EventPair::create();
        let _copy = side.duplicate(Rights::SAME_RIGHTS).unwrap();
        assert_eq!(
            (
                side.count_info().map(|info| info.handle_count),
                other_side.count_info().map(|info| info.handle_count)
            ),
            (Ok(2), Ok(1))
        );
        drop(other_side);
        assert_eq!(side.count_info().map(|info| info.handle_count), Ok(2));
        let (end, other_end) = Channel::create();
        assert_eq!(
            (
                end.count_info().map(|info| info.handle_count),
                other_end.count_info().map(|info| info.handle_count)
            ),
            (Ok(1), Ok(1))
        );
    });
}

fn handles_of(process: &Process) -> Vec<(ObjectType, u32)> {
    process.handle_stats().unwrap().iter().collect()
}

#[test]
fn handles_are_counted_by_type() {
    in_arena(|_| {
        let own: Unowned<'_, Process> = process_self().unwrap().cast();
        assert_eq!(handles_of(&own), [(ObjectType::PROCESS, 1)]);
        let (event, _pair, directory) = (Event::create(), EventPair::create(), Directory::create());
        let copies = [(); 700].map(|()| event.duplicate(Rights::NONE).unwrap());
        let expected = [
            (ObjectType::PROCESS, 1),
            (ObjectType::EVENT, 701),
            (ObjectType::EVENTPAIR, 2),
            (ObjectType::DIRECTORY, 1),
        ];
        assert_eq!(handles_of(&own), expected);
        assert_eq!(own.handle_stats().unwrap().total(), 705);
        let (ours, _theirs) = Channel::create();
        ours.write(b"", &mut [event.into(), directory.into()]).unwrap();
        drop(copies);
        let expected = [(ObjectType::PROCESS, 1), (ObjectType::CHANNEL, 2), (ObjectType::EVENTPAIR, 2)];
        assert_eq!(handles_of(&own), expected, "handles in transit are no process's");
    });
}

#[test]
fn handles_of_other_processes_are_counted() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "holds handles");
        let process: Process = next(&ours).take_handle(0).unwrap().into();
        // One of its process, one of its startup channel, and the three timers.
        let expected = [(ObjectType::PROCESS, 1), (ObjectType::CHANNEL, 1), (ObjectType::TIMER, 3)];
        assert_eq!(handles_of(&process), expected);
        drop(ours);
        join(child);
        // Its handles are closed once the supervisor has learned of its death.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while process.handle_stats().unwrap() != ProcessHandleStats::default() {
            assert!(std::time::Instant::now() < deadline, "{:?}", process.handle_stats());
            std::thread::yield_now();
        }
    });
}

fn holds_handles() {
    let ours = startup_channel();
    let _timers = [(); 3].map(|()| Timer::create());
    let own = process_self().unwrap().duplicate(Rights::SAME_RIGHTS).unwrap();
    ours.write(b"", &mut [own]).unwrap();
    wait_for_peer_closed(&ours);
}

#[test]
fn names_need_rights_that_objects_lack() {
    in_arena(|_| {
        let (side, _other_side) = EventPair::create();
        let (end, _other_end) = Channel::create();
        for handle in [event(), side.into(), end.into()] {
            assert_eq!(handle.get_name().map(drop), Err(Status::ACCESS_DENIED));
            assert_eq!(handle.set_name(&Name::new_lossy("sodalite")), Err(Status::ACCESS_DENIED));
        }
    });
}
