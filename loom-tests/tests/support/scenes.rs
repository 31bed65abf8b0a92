//! Scenes of a death: a victim that does one thing, a survivor beside it, and the checks afterwards.

use super::*;
use std::collections::BTreeMap;

/// Declares the files of scenes, one for each object.
macro_rules! scenes {
    ($($object:ident)*) => {
        $(
            mod $object;
            #[allow(unused_imports, reason = "each test binary uses some of it")]
            pub use $object::*;
        )*

        /// All scenes in which the victim dies at crash points.
        pub const ALL_SCENES: &[&[Scene]] = &[$($object::SCENES),*];
    };
}

scenes! { handle event timer port channel channel_lifecycle memory process directory listener fifo socket vmo buffer }

/// The processes that take part.
pub struct Actors {
    /// Will recover the victim.
    pub supervisor: Thread,
    /// Will die, if the plan says so; and its handles.
    pub victim: Thread,
    pub process_slot: ProcessSlot,
    pub victims: Vec<HandleValue>,
    /// Goes on; and its handles, all of which it closes in `after`.
    pub survivor: Thread,
    pub survivors: Vec<HandleValue>,
}

/// One scene. In every execution the arena is empty after `after`.
#[derive(Clone, Copy)]
pub struct Scene {
    pub name: &'static str,
    /// The crash points at which the victim dies, as [`points::matching`] reads them. The scene reaches each.
    pub points: &'static [&'static str],
    pub setup: fn() -> Actors,
    /// The victim's operation.
    pub act: fn(&Thread, &[HandleValue]) -> Result<()>,
    /// The survivor's operations meanwhile. Gives the handles that it made.
    pub beside: fn(&Thread, &[HandleValue]) -> Vec<HandleValue>,
    /// The survivor's checks once the victim has been recovered.
    pub after: fn(&Thread, &[HandleValue]),
}

/// When the victim is to die.
#[derive(Clone, Copy, Debug)]
pub struct Death {
    pub name: &'static str,
    pub nth: u32,
}

/// What became of a thread that was to die.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    pub has_died: bool,
    /// How often it passed each crash point, the one included at which it died.
    pub passed: BTreeMap<&'static str, u32>,
}

fn config() -> Config {
    small_with(|config| {
        config.max_processes = 4;
        config.max_threads = 5;
        config.max_objects = 3;
        config.max_handles_per_process = 7;
        config.pool_bytes = 1024;
    })
}

/// A supervisor, a victim that has one end of a channel and a survivor that has the other.
fn connected_actors() -> Actors {
    actors_of(&config())
}

fn actors_of(config: &Config) -> Actors {
    let supervisor = first(config);
    let (near, far) = supervisor.create(ObjectClass::Channel, ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(near));
    let survivor = child(&supervisor, far);
    let (near, far) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![near], survivor, survivors: vec![far] }
}

/// A victim and a survivor that each have a handle to one event.
fn shared_event() -> Actors {
    let supervisor = first(&config());
    let (event, _) = supervisor.create(ObjectClass::Event, ALL).unwrap();
    let copy = supervisor.duplicate(find(&supervisor, event), ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(event));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
}

/// The same, and the survivor has fallen asleep on it.
fn watched_event() -> Actors {
    let actors = shared_event();
    actors.survivor.fall_asleep(actors.survivors[0], USER).unwrap();
    actors
}

/// A victim and a survivor that each have a handle to one timer.
fn shared_timer() -> Actors {
    let supervisor = first(&config());
    let (timer, _) = supervisor.create(ObjectClass::Timer, ALL).unwrap();
    let copy = supervisor.duplicate(find(&supervisor, timer), ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(timer));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
}

/// As [`shared_event`], and the slots before the event's have been used and are free: a page of them.
fn event_behind_free_slots() -> Actors {
    let supervisor = first(&config());
    let [one, two, event] = [(); 3].map(|()| supervisor.create(ObjectClass::Event, ALL).unwrap().0);
    close_all(&supervisor, &[one, two]);
    supervisor.collect().unwrap();
    let copy = supervisor.duplicate(find(&supervisor, event), ALL).unwrap();
    let (victim, process_slot) = child_with_slot(&supervisor, Some(event));
    let survivor = child(&supervisor, Some(copy));
    let (theirs, ours) = (startup(&victim), startup(&survivor));
    Actors { supervisor, victim, process_slot, victims: vec![theirs], survivor, survivors: vec![ours] }
}

fn add_event(thread: &Thread, handles: &mut Vec<HandleValue>) {
    handles.push(thread.create(ObjectClass::Event, ALL).unwrap().0);
}

fn nothing(_: &Thread, _: &[HandleValue]) -> Vec<HandleValue> {
    Vec::new()
}

/// The survivor's handle is the only one left of the event.
fn event_is_ours_alone(survivor: &Thread, survivors: &[HandleValue]) {
    let basic = survivor.basic(find(survivor, survivors[0])).unwrap();
    assert_eq!((basic.handles, basic.class), (1, ObjectClass::Event));
    close_all(survivor, survivors);
}

/// The other side is seen to be closed, and then this one is.
fn peer_is_closed(survivor: &Thread, survivors: &[HandleValue]) {
    // No message appears after PEER_CLOSED was seen: no committed message was passed over.
    let late = survivor.try_receive(survivors[0]);
    assert_eq!(late.map(|inbox| inbox.bytes).unwrap_err(), Error::PeerClosed);
    assert_eq!(survivor.signals_of(survivors[0]).unwrap() & PEER_CLOSED, PEER_CLOSED);
    assert_eq!(survivor.send_value(survivors[0], &[1]), Err(Error::PeerClosed));
    close_all(survivor, survivors);
}

fn close_all(thread: &Thread, handles: &[HandleValue]) {
    for handle in handles {
        thread.close_value(*handle).unwrap();
    }
}

/// One more reference to the shared event comes and goes.
fn count_up_and_down(survivor: &Thread, survivors: &[HandleValue]) -> Vec<HandleValue> {
    let copy = survivor.duplicate(find(survivor, survivors[0]), ALL).unwrap();
    survivor.close_value(copy).unwrap();
    Vec::new()
}

/// Takes a slot.
fn create_an_event(survivor: &Thread, _: &[HandleValue]) -> Vec<HandleValue> {
    vec![survivor.create(ObjectClass::Event, ALL).unwrap().0]
}

/// Takes two slots, as far as there are any.
fn create_what_there_is_room_for(survivor: &Thread, _: &[HandleValue]) -> Vec<HandleValue> {
    let events = (0..2).map(|_| survivor.create(ObjectClass::Event, ALL));
    events.filter_map(|created| created.map(|(event, _)| event).ok()).collect()
}

/// Writes to the other side, or finds it closed.
fn send_or_find_closed(survivor: &Thread, survivors: &[HandleValue]) -> Vec<HandleValue> {
    let sent = survivor.send_value(survivors[0], &message(4, 1));
    assert!(matches!(sent, Ok(()) | Err(Error::PeerClosed)), "{sent:?}");
    Vec::new()
}

/// Sleeps until the other side is closed.
fn await_the_end(survivor: &Thread, survivors: &[HandleValue]) -> Vec<HandleValue> {
    let (result, pending) = wait(survivor, survivors[0], PEER_CLOSED);
    assert_eq!((result, pending & PEER_CLOSED), (Ok(()), PEER_CLOSED));
    Vec::new()
}

/// Reads messages 1, 2, 3 … of `words` words until the other side is closed: each is whole, none is missing
/// between two others, and its handles are live.
fn read_to_the_end(survivor: &Thread, survivors: &[HandleValue], words: usize) -> Vec<HandleValue> {
    let mut number = 1;
    loop {
        match survivor.receive_next(survivors[0]) {
            Ok(received) => {
                assert_eq!(received.bytes, message(number, words));
                for handle in received.handles {
                    let basic = survivor.basic(find(survivor, handle.value)).unwrap();
                    assert_eq!(
                        (basic.class, basic.rights, handle.class),
                        (ObjectClass::Event, ALL, ObjectClass::Event)
                    );
                    survivor.close_value(handle.value).unwrap();
                }
                number += 1;
            }
            Err(error) => {
                assert_eq!(error, Error::PeerClosed);
                return Vec::new();
            }
        }
    }
}

/// Lets the victim act, and die if it is to.
pub fn act(scene: &Scene, victim: Thread, victims: &[HandleValue], death: Option<Death>) -> Life {
    let (result, life) = live(&victim, death, || (scene.act)(&victim, victims));
    match result {
        Ok(()) => {}
        Err(Error::Died) => assert!(life.has_died),
        // A dead thread's result reaches no caller.
        Err(error) => assert!(life.has_died, "{}: {error}", scene.name),
    }
    life
}

/// Runs an operation of a thread, which is to die in it.
pub fn live<T>(thread: &Thread, death: Option<Death>, operation: impl FnOnce() -> T) -> (T, Life) {
    if let Some(death) = death {
        thread.die_at(death.name, death.nth);
    }
    thread.count_points();
    let result = operation();
    (result, Life { has_died: thread.is_dead(), passed: thread.passed_points() })
}

/// The end of a scene: the survivor's checks, and then the arena must be empty.
pub fn assert_nothing_left(
    scene: &Scene,
    supervisor: &Thread,
    survivor: &Thread,
    survivors: &[HandleValue],
    made: &[HandleValue],
) {
    let audit = supervisor.process().arena().audit();
    assert!(audit.is_clean(), "{}: {audit}", scene.name);
    (scene.after)(survivor, survivors);
    close_all(survivor, made);
    for thread in [survivor, supervisor] {
        thread.reclaim().unwrap();
    }
    let audit = assert_clean(survivor, 0, 0);
    assert_eq!((audit.retired, audit.blocks, audit.messages), (0, 0, 0), "{}: {audit}", scene.name);
    for _ in 0..config().max_objects {
        survivor.create(ObjectClass::Event, ALL).expect("every slot is free again");
    }
}

/// The supervisor is dead as well. The survivor's process takes over from both, in either order, and finishes.
pub fn take_over(
    scene: &Scene,
    supervisor: &Thread,
    survivor: &Thread,
    survivors: &[HandleValue],
    unfinished_first: bool,
) {
    let successor = sibling(survivor);
    let supervisors = ProcessSlot { row: supervisor.process().row(), epoch: 0 };
    if unfinished_first {
        successor.recover_unfinished().unwrap();
        successor.recover(supervisors).unwrap();
    } else {
        successor.recover(supervisors).unwrap();
        successor.recover_unfinished().unwrap();
    }
    let made = (scene.beside)(survivor, survivors);
    assert_nothing_left(scene, &successor, survivor, survivors, &made);
}
