//! Writes refused for want of memory: WRITABLE afterwards, and the memory that one channel leaves to the others.

use jacinth_shm::{
    Arena, Config, Error, HandleValue, ObjectClass, OnOverflow, Process, Rights, Signals, Thread, VecBuf,
};
use std::sync::Arc;

const ALL: Rights = Rights::all();
const TEN_SECONDS_NS: i64 = 10_000_000_000;

fn process(change: impl FnOnce(&mut Config)) -> Arc<Process> {
    let mut config = Config::default();
    (config.max_objects, config.max_processes, config.max_threads) = (256, 4, 16);
    config.pool_bytes = 4 << 20;
    config.max_block_bytes_per_process = 1 << 20;
    change(&mut config);
    let arena = Arc::new(Arena::create(&config).unwrap());
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

fn is_writable(thread: &Thread, at: HandleValue) -> bool {
    thread.signals(thread.lookup(at).unwrap()).unwrap().contains(Signals::WRITABLE)
}

/// Writes until there is no more memory.
fn fill(thread: &Thread, at: HandleValue, len: usize) -> usize {
    for count in 0.. {
        match send(thread, at, len) {
            Ok(()) => {}
            Err(Error::NoResources(_) | Error::NoMemory { .. }) => return count,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!()
}

fn wait_for_room(thread: &Thread, at: HandleValue) {
    let (result, _) = thread.wait_one(at, Rights::empty(), Signals::WRITABLE, now_ns() + TEN_SECONDS_NS);
    assert_eq!(result, Ok(()));
}

fn now_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

#[test]
fn writable_after_refusal_means_success() {
    for change in [|_: &mut Config| (), |config: &mut Config| config.max_block_bytes_per_process = 8 << 20] {
        let process = process(change);
        let thread = Thread::join(&process).unwrap();
        let (near, far) = channel(&thread);
        assert!(is_writable(&thread, near));
        let count = fill(&thread, near, 4096);
        assert!(count > 100);
        assert!(!is_writable(&thread, near), "refused, and nothing has come back");
        assert!(is_writable(&thread, far), "the other direction was refused nothing");
        for _ in 0..50 {
            read(&thread, far).unwrap();
            wait_for_room(&thread, near);
            send(&thread, near, 4096).unwrap();
            // One more at most: a segment of the ring, of the same size, comes back now and then.
            assert!(fill(&thread, near, 4096) <= 1);
        }
    }
}

#[test]
fn freed_memory_wakes_a_waiting_writer() {
    let process = process(|config| config.max_block_bytes_per_process = 8 << 20);
    let thread = Thread::join(&process).unwrap();
    let ((near, _far), (other, other_far)) = (channel(&thread), channel(&thread));
    assert!(fill(&thread, other, 60_000) > 10);
    assert_eq!(fill(&thread, near, 60_000), 0);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let thread = Thread::join(&process).unwrap();
            thread.wait_one(near, Rights::empty(), Signals::WRITABLE, i64::MAX).0?;
            send(&thread, near, 60_000)
        });
        while thread.process().arena().counters().sleeps == 0 {
            std::thread::yield_now();
        }
        for end in [other, other_far] {
            thread.close(thread.lookup(end).unwrap()).unwrap();
        }
        // A writer that sleeps on would sleep for ever. Closing its end lets the test fail instead.
        let give_up_ns = now_ns() + 6 * TEN_SECONDS_NS;
        while !waiting.is_finished() && now_ns() < give_up_ns {
            std::thread::yield_now();
        }
        if !waiting.is_finished() {
            thread.close(thread.lookup(near).unwrap()).unwrap();
        }
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn stuck_reader_leaves_memory_to_others() {
    let process = process(|_| ());
    let thread = Thread::join(&process).unwrap();
    let (stuck, _nobody_reads) = channel(&thread);
    // 256 blocks of this size are the process's quota.
    let count = fill(&thread, stuck, 4096);
    assert!((200..240).contains(&count), "{count}");
    let (near, far) = channel(&thread);
    for _ in 0..1000 {
        send(&thread, near, 4096).unwrap();
        assert_eq!(read(&thread, far), Ok(4096));
    }
    // Blocks that others keep and do not use count for no process.
    let (third, _far) = channel(&thread);
    assert!(fill(&thread, third, 4096) >= 20);
}

/// Writes of no bytes until one is refused: how many there were.
fn fill_with_messages(thread: &Thread, at: HandleValue) -> usize {
    fill(thread, at, 0)
}

/// With a quota of 900 pending messages, and a limit of more for each channel.
fn process_of_few_messages() -> Arc<Process> {
    process(|config| (config.max_pending_messages, config.max_pending_messages_per_process) = (1 << 20, 900))
}

#[test]
fn stuck_reader_leaves_messages_to_others() {
    let process = process_of_few_messages();
    let thread = Thread::join(&process).unwrap();
    let (stuck, _nobody_reads) = channel(&thread);
    assert_eq!(fill_with_messages(&thread, stuck), 800, "eight ninths");
    let (near, far) = channel(&thread);
    for _ in 0..1000 {
        send(&thread, near, 0).unwrap();
        assert_eq!(
            send(&thread, stuck, 0).map_err(|error| matches!(error, Error::NoResources(_))),
            Err(true)
        );
        assert_eq!(read(&thread, far), Ok(0));
    }
    assert_eq!(fill_with_messages(&thread, near), 89, "eight ninths of what is left");
    let (third, _far) = channel(&thread);
    assert!(fill_with_messages(&thread, third) >= 8);
}

#[test]
fn refused_end_becomes_writable_with_room() {
    let process = process_of_few_messages();
    let thread = Thread::join(&process).unwrap();
    let (near, far) = channel(&thread);
    assert_eq!(fill_with_messages(&thread, near), 800);
    assert!(!is_writable(&thread, near));
    for _ in 0..50 {
        read(&thread, far).unwrap();
        wait_for_room(&thread, near);
        send(&thread, near, 0).unwrap();
        assert_eq!(fill_with_messages(&thread, near), 0);
        assert!(!is_writable(&thread, near));
    }
}

#[test]
fn other_readers_make_room_for_refused_ends() {
    let process = process_of_few_messages();
    let thread = Thread::join(&process).unwrap();
    let ((near, _far), (other, other_far)) = (channel(&thread), channel(&thread));
    (0..400).for_each(|_| send(&thread, other, 0).unwrap());
    assert_eq!(fill_with_messages(&thread, near), 445, "eight ninths of what is left");
    assert!(!is_writable(&thread, near));
    (0..400).for_each(|_| assert_eq!(read(&thread, other_far), Ok(0)));
    wait_for_room(&thread, near);
    send(&thread, near, 0).unwrap();
}

#[test]
fn a_loan_keeps_its_place() {
    let process = process_of_few_messages();
    let thread = Thread::join(&process).unwrap();
    let (near, far) = channel(&thread);
    let none = Rights::empty();
    let loan = thread.reserve(thread.lookup(near).unwrap(), none, 100, 0).unwrap();
    assert_eq!(fill_with_messages(&thread, near), 799, "one place is the loan's");
    thread.commit(loan, &[], none).unwrap();
    assert!(matches!(send(&thread, near, 0), Err(Error::NoResources(_))));
    read(&thread, far).unwrap();
    wait_for_room(&thread, near);
    send(&thread, near, 0).unwrap();
}

/// Before a write is refused its process walks over all that it has; one that polls does so now and then.
#[test]
fn polled_writes_succeed_after_memory_returns() {
    let process = process(|config| config.max_objects = 16_384);
    let thread = Thread::join(&process).unwrap();
    let _many: Vec<_> = (0..8000).map(|_| thread.create(ObjectClass::Event, ALL).unwrap().0).collect();
    let (near, far) = channel(&thread);
    let (other, other_far) = channel(&thread);
    for _ in 0..3 {
        assert!(fill(&thread, other, 4096) > 0);
        assert!(fill(&thread, near, 4096) > 0);
        for _ in 0..10_000 {
            assert!(send(&thread, near, 4096).is_err());
        }
        // The blocks of read messages stay with their channel until another one needs them.
        while read(&thread, other_far).is_ok() {}
        let deadline_ns = now_ns() + TEN_SECONDS_NS;
        while send(&thread, near, 4096).is_err() {
            assert!(now_ns() < deadline_ns, "memory was freed long ago");
        }
        while read(&thread, far).is_ok() {}
    }
}
