//! The events of the feature `tracing`: each of them is there, with its fields.

use jacinth_shm::{Arena, Config, ObjectClass, Process, Rights, Signals, Thread};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps the text of each event.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

impl tracing::Subscriber for Events {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "jacinth_shm"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn each_operation_emits_its_event() {
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || {
        let arena = Arc::new(Arena::create(&Config::default()).unwrap());
        let slot = arena.first_slot().unwrap();
        let thread = Thread::join(&Process::attach(arena, slot, std::process::id(), 1).unwrap()).unwrap();
        let (event, _) = thread.create(ObjectClass::Event, Rights::all()).unwrap();
        // The deadline is past after the first sleep.
        let _ = thread.wait_one(event, Rights::empty(), Signals::USER_ALL, jacinth_shm::now_ns() + 1_000_000);
        thread.close(thread.lookup(event).unwrap()).unwrap();
    });
    let events = events.0.lock().unwrap().join("\n");
    for event in [
        "object created",
        "class=Event",
        "thread sleeps",
        "thread is awake",
        "handle closed",
        "references_left=0",
    ] {
        assert!(events.contains(event), "{event} in\n{events}");
    }
}
