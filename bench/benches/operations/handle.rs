//! Operations on a handle of any object.

use crate::Group;
use jacinth::{Event, Name, NullableHandle, Rights, Signals, Status};
use std::hint::black_box;

/// Operations on a handle of any object.
pub fn handle(group: &mut Group<'_>) {
    let event = Event::create();
    let weak = event.duplicate(Rights::WAIT).unwrap();
    let closed = event.duplicate(Rights::SAME_RIGHTS).unwrap().raw_handle();
    group.bench_function("duplicate_close", |b| b.iter(|| event.duplicate(Rights::SAME_RIGHTS).unwrap()));
    group.bench_function("close_many_16", |b| {
        b.iter(|| {
            let values = [(); 16]
                .map(|()| NullableHandle::from(event.duplicate(Rights::SAME_RIGHTS).unwrap()).into_raw());
            jacinth::raw::close_many(&values).unwrap();
        });
    });
    group.bench_function("replace", |b| {
        let mut current = Some(event.duplicate(Rights::SAME_RIGHTS).unwrap());
        b.iter(|| {
            let replaced = current.take().map(|event| event.replace(Rights::SAME_RIGHTS).unwrap());
            current = replaced;
        });
    });
    group.bench_function("handle_lookup", |b| {
        let value = event.raw_handle();
        b.iter(|| jacinth::raw::check_valid(black_box(value)).unwrap());
    });
    group.bench_function("handle_lookup_closed", |b| {
        b.iter(|| assert_eq!(jacinth::raw::check_valid(black_box(closed)), Err(Status::BAD_HANDLE)));
    });
    group.bench_function("refused_right", |b| {
        b.iter(|| assert_eq!(weak.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED)));
    });
    group.bench_function("get_info_basic", |b| b.iter(|| event.basic_info().unwrap()));
    group.bench_function("get_info_handle_count", |b| b.iter(|| event.count_info().unwrap().handle_count));
    let named = Event::create_named(&Name::new_lossy("bell")).unwrap();
    group.bench_function("get_name", |b| b.iter(|| named.get_name().unwrap()));
    group.bench_function("set_name", |b| {
        let name = Name::new_lossy("alarm");
        b.iter(|| named.set_name(black_box(&name)).unwrap());
    });
}
