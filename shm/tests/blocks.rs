//! Blocks: any process finds what any other has freed, quotas count what is alive, and nothing is refused that there
//! is room for.

use jacinth_shm::{Arena, Config, Error, Growing, Process, Result, Seat, Shape, Thread, TooSmall};
use std::sync::Arc;

const ALL: u32 = 0xf_ffff;

fn arena(change: impl FnOnce(&mut Config)) -> Thread {
    let mut config = Config::default();
    config.max_objects = 4096;
    config.max_handles_per_process = 8191;
    config.max_processes = 4;
    config.max_threads = 16;
    config.pool_bytes = 4 << 20;
    change(&mut config);
    let arena = Arc::new(Arena::create(&config).unwrap());
    let seat = arena.first_seat().unwrap();
    Thread::join(&Process::sit(arena, seat, std::process::id(), 1).unwrap()).unwrap()
}

/// A thread of another process, as far as the arena knows.
fn another(spawner: &Thread, startup: Option<u32>) -> (Thread, Seat) {
    let arena = spawner.process().arena();
    let seat = arena.reserve_seat(spawner).unwrap();
    if let Some(handle) = startup {
        spawner.leave_startup_handle(spawner.find(handle).unwrap(), seat).unwrap();
    }
    let process = Process::sit(arena.clone(), seat, std::process::id(), 2).unwrap();
    (Thread::join(&process).unwrap(), seat)
}

/// A channel with a message of so many bytes in it: its near end, and its far end.
fn filled(thread: &Thread, bytes: usize) -> Result<[u32; 2]> {
    let (near, far) = thread.create(Shape::Channel, 4, ALL)?;
    let ends = [near, far.unwrap()];
    match thread.send(thread.find(near)?, 0, &vec![7; bytes]) {
        Ok(()) => Ok(ends),
        Err(error) => {
            close(thread, ends);
            Err(error)
        }
    }
}

fn close(thread: &Thread, ends: [u32; 2]) {
    for end in ends {
        thread.close(thread.find(end).unwrap()).unwrap();
    }
}

/// What the arena's file takes of the system's memory.
fn real_bytes(thread: &Thread) -> u64 {
    let stat = rustix::fs::fstat(thread.process().arena().file().unwrap()).unwrap();
    stat.st_blocks.cast_unsigned() * 512
}

fn assert_clean(thread: &Thread) {
    let audit = thread.process().arena().audit();
    assert!(audit.is_clean(), "{audit}");
}

#[test]
fn a_pool_that_is_never_full_refuses_nobody() {
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
fn a_process_uses_what_another_freed_before_anything_new() {
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
fn hand_over(from: &Thread, line: u32, end: u32, to: &Thread) -> u32 {
    from.send_with_handles(from.find(line).unwrap(), 0, &[], &[end], 0, None).unwrap();
    let startup = to.process().startup_handle().unwrap();
    let (mut bytes, mut handles) = (Vec::new(), Vec::new());
    let mut sink = Growing::new(&mut bytes, &mut handles);
    to.receive(to.find(startup).unwrap(), 0, &mut sink, TooSmall::Keep).unwrap();
    handles[0].value
}

#[test]
fn what_others_freed_of_a_process_it_may_have_again() {
    // Eight blocks of 64 KiB, of which one process may have four.
    let first = arena(|config| {
        config.pool_bytes = 512 << 10;
        config.max_block_bytes_per_process = 256 << 10;
    });
    let (line, far) = first.create(Shape::Channel, 4, ALL).unwrap();
    let (other, _) = another(&first, far);
    let (_, dead) = another(&first, None);
    for round in 0..50 {
        let given: Vec<u32> = (0..4)
            .map(|_| {
                let [near, far] = filled(&first, 60_000).expect("within the quota");
                first.close(first.find(near).unwrap()).unwrap();
                hand_over(&first, line, far, &other)
            })
            .collect();
        let fifth = filled(&first, 60_000);
        assert!(matches!(fifth, Err(Error::NoResources(_))), "{fifth:?}");
        for end in given {
            other.close(other.find(end).unwrap()).unwrap();
        }
        other.collect().unwrap();
        if round == 25 {
            // From here on the credits are counted anew, once.
            first.recover(dead).unwrap();
        }
    }
    assert_clean(&first);
}
