//! Channels that are quiet give back their blocks and their large rings.

use jacinth_shm::{
    Arena, Audit, Config, Error, HandleValue, ObjectClass, OnOverflow, Process, Rights, Thread, VecBuf,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const ALL: Rights = Rights::all();

fn arena(change: impl FnOnce(&mut Config)) -> Arc<Arena> {
    let mut config = Config::default();
    (config.max_objects, config.max_processes, config.max_threads) = (2048, 4, 16);
    change(&mut config);
    Arc::new(Arena::create(&config).unwrap())
}

fn process(change: impl FnOnce(&mut Config)) -> Arc<Process> {
    let arena = arena(change);
    let process_slot = arena.first_slot().unwrap();
    Process::attach(arena, process_slot, std::process::id(), 0x1234_5678).unwrap()
}

fn channel(thread: &Thread) -> (HandleValue, HandleValue) {
    let (near, far) = thread.create(ObjectClass::Channel, ALL).unwrap();
    (near, far.unwrap())
}

fn send(thread: &Thread, at: HandleValue, len: usize) -> Result<(), Error> {
    thread.send(thread.lookup(at)?, Rights::empty(), &vec![1; len])
}

fn read(thread: &Thread, at: HandleValue) -> Result<usize, Error> {
    let (mut bytes, mut handles) = (Vec::new(), Vec::new());
    thread
        .receive(
            thread.lookup(at)?,
            Rights::empty(),
            &mut VecBuf::new(&mut bytes, &mut handles),
            OnOverflow::Keep,
        )
        .map(|actual| actual.bytes)
}

fn drain(thread: &Thread, at: HandleValue) -> usize {
    (0..).find(|_| read(thread, at).is_err()).unwrap()
}

fn audit(thread: &Thread) -> Audit {
    let audit = thread.process().arena().audit();
    assert!(audit.is_clean(), "{audit}");
    audit
}

#[test]
fn channels_filled_in_turn_never_fail() {
    // Room for eight of the largest rings.
    let process = process(|config| config.pool_bytes = 8 << 20);
    let thread = Thread::join(&process).unwrap();
    for round in 0..60 {
        let (near, far) = channel(&thread);
        for count in 0..8192 {
            assert_eq!(send(&thread, near, 8), Ok(()), "channel {round}, message {count}");
        }
        assert_eq!(drain(&thread, far), 8192);
    }
    thread.trim_objects(true).unwrap();
    assert_eq!(audit(&thread).blocks, 60, "a small ring each");
}

#[test]
fn small_writes_return_a_burst_of_blocks() {
    let process = process(|_| ());
    let thread = Thread::join(&process).unwrap();
    let (near, far) = channel(&thread);
    (0..8000).for_each(|_| send(&thread, near, 1000).unwrap());
    assert_eq!(drain(&thread, far), 8000);
    assert!(audit(&thread).blocks > 8000);
    for _ in 0..20_000 {
        send(&thread, near, 8).unwrap();
        read(&thread, far).unwrap();
    }
    assert!(audit(&thread).blocks < 1000, "{}", audit(&thread));
}

#[test]
fn a_ring_that_shrinks_loses_no_message() {
    let process = process(|_| ());
    let thread = Thread::join(&process).unwrap();
    let (near, far) = channel(&thread);
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..300usize {
        let count = [1, 7, 40, 300, 2000][random.usize(..5)];
        (0..count).for_each(|number| send(&thread, near, (number + round) % 200).unwrap());
        let read_first = if random.bool() { count } else { random.usize(..count) };
        for number in 0..count {
            if number == read_first {
                thread.trim_objects(random.bool()).unwrap();
            }
            assert_eq!(read(&thread, far), Ok((number + round) % 200));
        }
        if random.bool() {
            assert_eq!(read(&thread, far), Err(Error::ShouldWait));
        }
        thread.trim_objects(random.bool()).unwrap();
        audit(&thread);
    }
    thread.trim_objects(true).unwrap();
    assert_eq!(audit(&thread).blocks, 1);
}

#[test]
fn channels_in_use_keep_what_they_have() {
    let process = process(|_| ());
    let thread = Thread::join(&process).unwrap();
    let (near, far) = channel(&thread);
    for _ in 0..10 {
        send(&thread, near, 1000).unwrap();
        read(&thread, far).unwrap();
        let before = audit(&thread).blocks;
        assert_eq!(thread.trim_objects(false), Ok(true));
        assert_eq!(audit(&thread).blocks, before);
    }
    assert_eq!(thread.trim_objects(false), Ok(false));
    assert_eq!(audit(&thread).blocks, 1, "it has been quiet for a while");
}

/// Another process of the arena, as it were.
fn another(spawner: &Thread) -> Arc<Process> {
    let arena = spawner.process().arena();
    let process_slot = arena.reserve_slot(spawner).unwrap();
    assert!(spawner.confirm_slot(process_slot, std::process::id()).unwrap());
    Process::attach(arena.clone(), process_slot, std::process::id(), 0x8765_4321).unwrap()
}

#[test]
fn idle_channels_yield_blocks_to_others() {
    // Two of the largest blocks there are.
    let first = process(|config| config.pool_bytes = 32 << 20);
    let thread = Thread::join(&first).unwrap();
    let processes = [another(&thread), another(&thread)];
    let stopping = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for process in &processes {
            let idle = Thread::join(process).unwrap();
            let (near, far) = channel(&idle);
            let loan = idle.reserve(idle.lookup(near).unwrap(), Rights::empty(), 9 << 20, 0).unwrap();
            idle.commit(loan, &[], Rights::empty()).unwrap();
            assert_eq!(read(&idle, far), Ok(9 << 20));
            scope.spawn(|| process.run_scavenger(|| !stopping.load(Ordering::Relaxed)));
        }
        let (near, _far) = channel(&thread);
        // The scavengers may not have begun when the first is refused; a second later it asks again.
        let found = thread.lookup(near).unwrap();
        let got = (0..10).any(|round| {
            std::thread::sleep(Duration::from_millis(300 * round.min(1)));
            thread.reserve(found, Rights::empty(), 9 << 20, 0).is_ok()
        });
        stopping.store(true, Ordering::Relaxed);
        thread.request_trim().unwrap();
        assert!(got, "two empty channels of others kept all there is");
    });
}
