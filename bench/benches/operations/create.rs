//! Objects made and closed again.

use crate::Group;
use jacinth::{Channel, Event, EventPair, Fifo};

/// Objects made and closed again.
pub fn create(group: &mut Group<'_>) {
    group.bench_function("event_create_close", |b| b.iter(|| Event::create()));
    group.bench_function("eventpair_create_close", |b| b.iter(|| EventPair::create()));
    group.bench_function("channel_create_close", |b| b.iter(|| Channel::create()));
    group.bench_function("fifo_create_close", |b| b.iter(|| Fifo::<[u8; 32]>::create(128)));
}
