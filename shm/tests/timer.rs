//! Timers in one process: waits that end at deadlines, and slots that are used again.

use jacinth_shm::{
    Arena, Config, DEADLINE_INFINITE_NS, Error, HandleValue, ObjectClass, Process, Rights, Signals,
    SocketOptions, Thread, WaitItem, now_ns,
};
use std::sync::Arc;

const ALL: Rights = Rights::all();
const NONE: Rights = Rights::empty();
const SIGNALED: Signals = Signals::SIGNALED;
const USER: Signals = Signals::from_bits_retain(1 << 24);
/// Long enough for another thread to come by, now and then.
const SOON_NS: i64 = 2_000_000;
const HOUR_NS: i64 = 3_600_000_000_000;

fn thread_of(max_objects: u32) -> Thread {
    let mut config = Config::default();
    config.max_objects = max_objects;
    let arena = Arc::new(Arena::create(&config).unwrap());
    let process_slot = arena.first_slot().unwrap();
    let process = Process::attach(arena, process_slot, std::process::id(), 0x1234_5678).unwrap();
    Thread::join(&process).unwrap()
}

fn timer(thread: &Thread) -> HandleValue {
    thread.create(ObjectClass::Timer, ALL).unwrap().0
}

fn set(thread: &Thread, timer: HandleValue, deadline_ns: i64) {
    thread.timer_set(thread.lookup(timer).unwrap(), NONE, deadline_ns).unwrap();
}

fn cancel(thread: &Thread, timer: HandleValue) {
    thread.timer_cancel(thread.lookup(timer).unwrap(), NONE).unwrap();
}

fn signals(thread: &Thread, timer: HandleValue) -> Signals {
    thread.signals(thread.lookup(timer).unwrap()).unwrap()
}

fn wait(thread: &Thread, timer: HandleValue, deadline_ns: i64) -> Result<Signals, Error> {
    let (result, seen) = thread.wait_one(timer, NONE, SIGNALED, deadline_ns);
    result.map(|()| seen)
}

#[track_caller]
fn assert_clean(thread: &Thread) {
    let audit = thread.process().arena().audit();
    assert!(audit.is_clean(), "{audit}");
}

#[test]
fn a_wait_ends_at_the_deadline() {
    let thread = thread_of(16);
    let timer = timer(&thread);
    for spin_ns in [0, 100_000, 10 * SOON_NS] {
        thread.set_spin_ns(spin_ns);
        let deadline_ns = now_ns() + SOON_NS;
        set(&thread, timer, deadline_ns);
        assert_eq!(wait(&thread, timer, DEADLINE_INFINITE_NS), Ok(SIGNALED));
        assert!(now_ns() >= deadline_ns, "the wait ended early");
        assert_eq!(signals(&thread, timer), SIGNALED, "until it is set or cancelled");
    }
    assert_clean(&thread);
}

#[test]
fn the_earliest_of_several_deadlines_decides() {
    let thread = thread_of(16);
    let timers = [(); 3].map(|()| timer(&thread));
    let (event, _) = thread.create(ObjectClass::Event, ALL).unwrap();
    for earliest in 0..3 {
        timers.iter().for_each(|timer| set(&thread, *timer, now_ns() + HOUR_NS));
        set(&thread, timers[earliest], now_ns() + SOON_NS);
        let waits_for = |handle, waitfor| WaitItem { handle, waitfor, pending: Signals::empty() };
        let mut items = vec![waits_for(event, USER)];
        items.extend(timers.map(|timer| waits_for(timer, SIGNALED)));
        thread.wait_many(&mut items, NONE, DEADLINE_INFINITE_NS).unwrap();
        for (number, item) in items[1..].iter().enumerate() {
            assert_eq!(item.pending == SIGNALED, number == earliest, "{items:?}");
        }
    }
}

#[test]
fn earlier_wait_deadline_times_out() {
    let thread = thread_of(16);
    let timer = timer(&thread);
    for set_ns in [None, Some(now_ns() + HOUR_NS), Some(i64::MAX)] {
        set_ns.into_iter().for_each(|set_ns| set(&thread, timer, set_ns));
        assert_eq!(wait(&thread, timer, now_ns() + SOON_NS), Err(Error::TimedOut), "{set_ns:?}");
    }
}

#[test]
fn setting_ends_another_threads_sleep() {
    let thread = thread_of(16);
    let timer = timer(&thread);
    // Not set, set to a time that never comes, and set to a later time.
    for before_ns in [None, Some(i64::MAX), Some(now_ns() + HOUR_NS)] {
        for earlier_ns in [0, SOON_NS] {
            cancel(&thread, timer);
            before_ns.into_iter().for_each(|before_ns| set(&thread, timer, before_ns));
            let before = thread.process().arena().counters().sleeps;
            let process = thread.process();
            std::thread::scope(|scope| {
                let sleeper = scope.spawn(move || {
                    let sleeper = Thread::join(process).unwrap();
                    sleeper.set_spin_ns(0);
                    wait(&sleeper, timer, DEADLINE_INFINITE_NS)
                });
                while thread.process().arena().counters().sleeps == before {
                    std::thread::yield_now();
                }
                set(&thread, timer, now_ns() + earlier_ns);
                assert_eq!(sleeper.join().unwrap(), Ok(SIGNALED), "{before_ns:?}, then {earlier_ns}");
            });
        }
    }
}

#[test]
fn user_signals_stand_beside_the_expiry() {
    let thread = thread_of(16);
    let timer = timer(&thread);
    let found = thread.lookup(timer).unwrap();
    thread.signal(found, Signals::empty(), USER).unwrap();
    set(&thread, timer, 0);
    assert_eq!(signals(&thread, timer), USER | SIGNALED);
    cancel(&thread, timer);
    assert_eq!(signals(&thread, timer), USER);
    set(&thread, timer, now_ns() + HOUR_NS);
    thread.signal(found, USER, Signals::empty()).unwrap();
    assert_eq!(signals(&thread, timer), Signals::empty());
}

#[test]
fn other_objects_are_no_timers() {
    let thread = thread_of(16);
    let sized = [
        (ObjectClass::Fifo, thread.fifo_create(4, 1, ALL).unwrap().0),
        (ObjectClass::Socket, thread.socket_create(SocketOptions::default(), ALL).unwrap().0),
        (ObjectClass::Vmo, thread.vmo_create(4096, true, ALL).unwrap()),
        (ObjectClass::Buffer, thread.freeze(thread.buffer_create(100, ALL).unwrap()).unwrap()),
    ];
    for class in ObjectClass::ALL.iter().filter(|class| **class != ObjectClass::Timer) {
        let sized = sized.iter().find(|(sized, _)| sized == class).map(|(_, value)| *value);
        let value = sized.unwrap_or_else(|| thread.create(*class, ALL).unwrap().0);
        let found = thread.lookup(value).unwrap();
        assert_eq!(thread.timer_set(found, NONE, 0), Err(Error::WrongType), "{class:?}");
        assert_eq!(thread.timer_cancel(found, NONE), Err(Error::WrongType), "{class:?}");
    }
    let found = thread.lookup(timer(&thread)).unwrap();
    let missing = Rights::from_bits_retain(1 << 3);
    let restricted = thread.duplicate(found, ALL - missing).unwrap();
    let restricted = thread.lookup(restricted).unwrap();
    assert_eq!(thread.timer_set(restricted, missing, 0), Err(Error::AccessDenied { missing }));
    assert_eq!(thread.timer_cancel(restricted, missing), Err(Error::AccessDenied { missing }));
    thread.close(found).unwrap();
    assert_eq!(thread.timer_set(found, NONE, 0), Err(Error::BadHandle));
}

#[test]
fn a_reused_slot_is_not_set() {
    let thread = thread_of(1);
    for round in 0..20 {
        let timer = timer(&thread);
        assert_eq!(signals(&thread, timer), Signals::empty());
        // A timer that was never set leaves its slot as it was.
        match round % 4 {
            0 => {}
            1 => set(&thread, timer, 0),
            2 => set(&thread, timer, i64::MAX),
            _ => cancel(&thread, timer),
        }
        thread.close(thread.lookup(timer).unwrap()).unwrap();
        // The word lies where a channel has a tail.
        let (near, far) = thread.create(ObjectClass::Channel, ALL).unwrap();
        let (near, far) = (thread.lookup(near).unwrap(), thread.lookup(far.unwrap()).unwrap());
        assert!(!thread.signals(far).unwrap().contains(Signals::READABLE));
        thread.send(near, NONE, b"message").unwrap();
        assert!(thread.signals(far).unwrap().contains(Signals::READABLE));
        thread.close(near).unwrap();
        thread.close(far).unwrap();
        assert_clean(&thread);
    }
}
