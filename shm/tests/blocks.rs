//! Blocks: any process finds the blocks that any other has freed, quotas count the living, and no block is refused that there
//! is room for.

use jacinth_shm::{
    Arena, Config, Error, HandleValue, IdleMemory, ObjectClass, OnOverflow, Process, ProcessSlot, Result,
    Rights, Thread, Unused, VecBuf,
};
use std::sync::Arc;

const ALL: Rights = Rights::all();

fn arena(change: impl FnOnce(&mut Config)) -> Thread {
    let mut config = Config::default();
    config.max_objects = 4096;
    config.max_handles_per_process = 8191;
    config.max_processes = 4;
    config.max_threads = 16;
    config.pool_bytes = 4 << 20;
    change(&mut config);
    let arena = Arc::new(Arena::create(&config).unwrap());
    let process_slot = arena.first_slot().unwrap();
    Thread::join(&Process::attach(arena, process_slot, std::process::id(), 1).unwrap()).unwrap()
}

/// A thread of another process, as far as the arena knows.
fn another(spawner: &Thread, startup: Option<HandleValue>) -> (Thread, ProcessSlot) {
    let arena = spawner.process().arena();
    let process_slot = arena.reserve_slot(spawner).unwrap();
    if let Some(handle) = startup {
        spawner.leave_startup_handle(spawner.lookup(handle).unwrap(), process_slot).unwrap();
    }
    let process = Process::attach(arena.clone(), process_slot, std::process::id(), 2).unwrap();
    (Thread::join(&process).unwrap(), process_slot)
}

/// A channel with a message of so many bytes in it: its near end, and its far end.
fn filled(thread: &Thread, bytes: usize) -> Result<[HandleValue; 2]> {
    let (near, far) = thread.create(ObjectClass::Channel, ALL)?;
    let ends = [near, far.unwrap()];
    match thread.send(thread.lookup(near)?, Rights::empty(), &vec![7; bytes]) {
        Ok(()) => Ok(ends),
        Err(error) => {
            close(thread, ends);
            Err(error)
        }
    }
}

fn close(thread: &Thread, ends: [HandleValue; 2]) {
    for end in ends {
        thread.close(thread.lookup(end).unwrap()).unwrap();
    }
}

/// The system memory of the arena's file.
fn real_bytes(thread: &Thread) -> u64 {
    let stat = rustix::fs::fstat(thread.process().arena().file().unwrap()).unwrap();
    stat.st_blocks.cast_unsigned() * 512
}

fn assert_clean(thread: &Thread) {
    let audit = thread.process().arena().audit();
    assert!(audit.is_clean(), "{audit}");
}

#[test]
fn a_pool_with_room_never_refuses() {
    // Four threads with one channel each, which has one block of 1 KiB: there are four of these, in use, or on their way.
    let first = arena(|config| {
        config.max_objects = 64;
        config.pool_bytes = 4 << 10;
    });
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let process = first.process();
            scope.spawn(move || {
                let thread = Thread::join(process).unwrap();
                for _ in 0..20_000 {
                    let ends = filled(&thread, 8).expect("at most three others are in use");
                    close(&thread, ends);
                }
            });
        }
    });
    assert_clean(&first);
}

#[test]
fn freed_blocks_are_used_before_new_ones() {
    let first = arena(|_| ());
    let (other, _) = another(&first, None);
    for _ in 0..100 {
        close(&first, filled(&first, 60_000).unwrap());
        first.collect().unwrap();
        close(&other, filled(&other, 60_000).unwrap());
        other.collect().unwrap();
    }
    let real = real_bytes(&first);
    assert!(real < 1 << 20, "{real} bytes for one message of 60,000 at a time");
    assert_clean(&first);
}

/// Hands an end to the other process, which is at the far end of `line`.
fn hand_over(from: &Thread, line: HandleValue, end: HandleValue, to: &Thread) -> HandleValue {
    from.send_with_handles(from.lookup(line).unwrap(), Rights::empty(), &[], &[end], Rights::empty(), None)
        .unwrap();
    let startup = to.process().startup_handle().unwrap();
    let (mut bytes, mut handles) = (Vec::new(), Vec::new());
    let mut buffer = VecBuf::new(&mut bytes, &mut handles);
    to.receive(to.lookup(startup).unwrap(), Rights::empty(), &mut buffer, OnOverflow::Keep).unwrap();
    handles[0].value
}

#[test]
fn credits_return_from_other_processes() {
    // Eight blocks of 64 KiB, of which one process may have four.
    let first = arena(|config| {
        config.pool_bytes = 512 << 10;
        config.max_block_bytes_per_process = 256 << 10;
    });
    let (line, far) = first.create(ObjectClass::Channel, ALL).unwrap();
    let (other, _) = another(&first, far);
    let (_, dead) = another(&first, None);
    for round in 0..50 {
        let given: Vec<HandleValue> = (0..4)
            .map(|_| {
                let [near, far] = filled(&first, 60_000).expect("within the quota");
                first.close(first.lookup(near).unwrap()).unwrap();
                hand_over(&first, line, far, &other)
            })
            .collect();
        let fifth = filled(&first, 60_000);
        assert!(matches!(fifth, Err(Error::NoResources(_))), "{fifth:?}");
        for end in given {
            other.close(other.lookup(end).unwrap()).unwrap();
        }
        other.collect().unwrap();
        if round == 25 {
            // From here on the credits are counted anew, once.
            first.recover(dead).unwrap();
        }
    }
    assert_clean(&first);
}

/// A burst of messages of all sizes through many channels: these many bytes.
fn burst(thread: &Thread, bytes: usize) -> Vec<[HandleValue; 2]> {
    let (mut left, mut size, mut channels) = (bytes, 0, Vec::new());
    while left > 0 {
        let len = 200 << size;
        channels.push(filled(thread, len).unwrap());
        left = left.saturating_sub(len);
        size = (size + 1) % 9;
    }
    channels
}

#[test]
fn memory_of_a_burst_goes_back() {
    let thread = arena(|config| config.pool_bytes = 64 << 20);
    let mut idle = IdleMemory::new();
    let long = filled(&thread, 8).unwrap();
    let before = real_bytes(&thread);
    let channels = burst(&thread, 30 << 20);
    assert!(real_bytes(&thread) > before + (30 << 20));
    channels.into_iter().for_each(|channel| close(&thread, channel));
    thread.collect().unwrap();
    assert!(idle.is_due(thread.process().arena()));
    let soon = idle.pass(&thread, Unused::ForAWhile, &mut || true).unwrap();
    assert_eq!(soon, 0, "they were freed just now");
    let given = idle.pass(&thread, Unused::ForAWhile, &mut || true).unwrap();
    assert!(given > 30 << 20, "{given} bytes");
    let after = real_bytes(&thread);
    // The slots of the channels are left, and the descriptors of the blocks.
    assert!(after < before + (2 << 20), "{before} bytes before, {after} after");
    assert_eq!(idle.pass(&thread, Unused::ForAWhile, &mut || true), Ok(0));
    assert!(!idle.is_due(thread.process().arena()), "nothing is left to do");
    close(&thread, long);
    assert_clean(&thread);
}

#[test]
fn memory_in_steady_use_stays() {
    let thread = arena(|config| config.max_objects = 8);
    let mut idle = IdleMemory::new();
    for _ in 0..100 {
        let given = idle.pass(&thread, Unused::ForAWhile, &mut || true).unwrap();
        assert_eq!(given, 0, "it is used between any two passes");
        close(&thread, filled(&thread, 60_000).unwrap());
        thread.collect().unwrap();
    }
    let given = idle.pass(&thread, Unused::Now, &mut || true).unwrap();
    assert_eq!(given, 64 << 10, "unless it is asked for");
    assert_clean(&thread);
}

#[test]
fn two_processes_take_and_return_blocks() {
    let first = arena(|config| config.pool_bytes = 1 << 20);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = [8, 500, 5000, 60_000]
            .map(|bytes| {
                let process = first.process();
                scope.spawn(move || {
                    let thread = Thread::join(process).unwrap();
                    for _ in 0..2000 {
                        let [near, far] = filled(&thread, bytes).unwrap();
                        let (mut read, mut handles) = (Vec::new(), Vec::new());
                        let mut buffer = VecBuf::new(&mut read, &mut handles);
                        thread
                            .receive(
                                thread.lookup(far).unwrap(),
                                Rights::empty(),
                                &mut buffer,
                                OnOverflow::Keep,
                            )
                            .unwrap();
                        assert_eq!(read, vec![7; bytes]);
                        close(&thread, [near, far]);
                    }
                })
            })
            .into();
        let (process, done) = (first.process(), &done);
        let giving = scope.spawn(move || {
            let thread = Thread::join(process).unwrap();
            let mut idle = IdleMemory::new();
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                thread.collect().unwrap();
                idle.pass(&thread, Unused::Now, &mut || true).unwrap();
            }
        });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        giving.join().unwrap();
    });
    assert_clean(&first);
}

#[test]
fn dead_processs_handle_table_goes_back() {
    let first = arena(|config| config.max_handles_per_process = (1 << 18) - 1);
    // The pages that an audit reads are real afterwards.
    assert_clean(&first);
    let before = real_bytes(&first);
    for _ in 0..3 {
        let (other, process_slot) = another(&first, None);
        let (event, _) = other.create(ObjectClass::Event, ALL).unwrap();
        for _ in 0..200_000 {
            other.duplicate(other.lookup(event).unwrap(), ALL).unwrap();
        }
        assert!(real_bytes(&first) > before + 1_500_000);
        drop(other);
        assert_eq!(first.recover(process_slot).unwrap().handles_closed, 200_001);
        let after = real_bytes(&first);
        assert!(after < before + (64 << 10), "{before} bytes before, {after} after");
        assert_clean(&first);
    }
}

#[test]
fn descriptors_of_a_burst_go_back() {
    const MESSAGES: u64 = 150_000;
    let thread = arena(|config| {
        config.pool_bytes = 64 << 20;
        config.max_pending_messages = 1 << 20;
    });
    let mut idle = IdleMemory::new();
    let long = filled(&thread, 200).unwrap();
    let before = real_bytes(&thread);
    for _ in 0..2 {
        let (near, far) = thread.create(ObjectClass::Channel, ALL).unwrap();
        for _ in 0..MESSAGES {
            thread.send(thread.lookup(near).unwrap(), Rights::empty(), &[7; 200]).unwrap();
        }
        close(&thread, [near, far.unwrap()]);
        thread.collect().unwrap();
        let full = real_bytes(&thread);
        assert!(full > before + MESSAGES * (256 + 32), "{full} bytes");
        idle.pass(&thread, Unused::Now, &mut || true).unwrap();
        let after = real_bytes(&thread);
        assert!(after < before + (1 << 20), "{before} bytes before, {after} after");
        assert_clean(&thread);
    }
    close(&thread, long);
}
