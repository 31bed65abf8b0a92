//! Unused memory goes back to the system: at once by a collection, and unasked after a while.

mod support;

use jacinth::*;
use procfs::process::{FDInfo, FDTarget, Process};
use std::os::unix::fs::MetadataExt;
use std::sync::Barrier;
use support::*;

/// The system's memory that the arena's file uses.
fn real_bytes() -> u64 {
    let is_arena = |descriptor: &FDInfo| matches!(&descriptor.target, FDTarget::MemFD(name) if name.starts_with("jacinth-arena"));
    let mut descriptors = Process::myself().unwrap().fd().unwrap().flatten();
    let arena = descriptors.find(is_arena).expect("this process has the arena's file").fd;
    std::fs::metadata(format!("/proc/self/fd/{arena}")).unwrap().blocks() * 512
}

/// This process's own memory, without the arena.
fn private_bytes() -> u64 {
    Process::myself().unwrap().status().unwrap().rssanon.unwrap() * 1024
}

/// A burst of messages through a few channels, all of which are read, and the channels closed.
fn burst_and_drain() {
    let before = real_bytes();
    for len in [60_000, 4000, 300] {
        let (near, far) = Channel::create();
        let mut sent = 0;
        while near.write(&vec![7; len], &mut []).is_ok() && sent * len < 40 << 20 {
            sent += 1;
        }
        let mut message = MessageBuf::new();
        for _ in 0..sent {
            far.read(&mut message).unwrap();
            assert_eq!(message.bytes().len(), len);
        }
    }
    let after = real_bytes();
    assert!(after > before + (40 << 20), "{before} bytes before, {after} after");
}

#[test]
fn collection_shrinks_a_drained_arena() {
    in_arena(|supervisor| {
        let before = real_bytes();
        burst_and_drain();
        let report = supervisor.collect().unwrap();
        assert!(report.bytes_decommitted > 40 << 20, "{report}");
        let after = real_bytes();
        assert!(after < before + (2 << 20), "{before} bytes before, {after} after");
        burst_and_drain();
    });
}

#[test]
fn a_drained_arena_shrinks_unasked() {
    in_arena(|_| {
        let before = real_bytes();
        burst_and_drain();
        // The watchdog ends a hang.
        while real_bytes() > before + (2 << 20) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
}

/// Nearly as many objects as a process may have, alive at once: events, and channels with a name and a message each. They
/// are in messages themselves, since a table has not room for so many handles. Gives the channels that hold all of them,
/// and an object from the middle of the burst.
fn burst_of_objects() -> (Vec<(Channel, Channel)>, Event) {
    const MESSAGES: usize = 15_600;
    let before = real_bytes();
    let name = Name::new_lossy("one of many");
    let mut lines: Vec<(Channel, Channel)> = Vec::new();
    let mut kept = None;
    for message in 0..MESSAGES {
        let mut handles: Vec<NullableHandle> = Vec::new();
        while handles.len() < 64 {
            if message % 4 == 0 {
                let (near, far) = Channel::create_named(&name).unwrap();
                near.write(b"a message", &mut []).unwrap();
                handles.extend([near.into(), far.into()]);
            } else {
                handles.push(Event::create().into());
            }
        }
        if message == MESSAGES / 2 {
            kept = Some(Event::create());
        }
        if message % 8000 == 0 {
            lines.push(Channel::create());
        }
        lines.last().unwrap().0.write(b"", &mut handles).unwrap();
    }
    let after = real_bytes();
    assert!(after > before + (200 << 20), "{before} bytes before, {after} after");
    (lines, kept.unwrap())
}

/// The memory that a drained arena may use, more than when it was new.
const LITTLE: u64 = 8 << 20;

#[test]
fn collection_frees_ended_objects() {
    in_arena(|supervisor| {
        let before = real_bytes();
        // Twice: reused memory goes back again.
        for _ in 0..2 {
            let (lines, kept) = burst_of_objects();
            drop(lines);
            supervisor.collect().unwrap();
            let after = real_bytes();
            assert!(after < before + LITTLE, "{before} bytes before, {after} after");
            kept.signal(Signals::NONE, Signals::USER_0).unwrap();
        }
        // The audit looks at all slots that were ever used, and makes none of them real again.
        clean(supervisor);
        assert!(real_bytes() < before + LITTLE);
    });
}

#[test]
fn ended_objects_are_freed_unasked() {
    in_arena(|_| {
        let before = real_bytes();
        drop(burst_of_objects());
        // The watchdog ends a hang.
        while real_bytes() > before + LITTLE {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
}

/// A thread keeps the slots of objects that it ended for its next ones, unless it rests.
#[test]
fn resting_threads_free_their_objects() {
    const THREADS: usize = 8;
    in_arena(|_| {
        let before = real_bytes();
        let (have_made, are_at_rest) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let name = Name::new_lossy("one of many");
                    let made: Vec<_> = (0..1000).map(|_| Channel::create_named(&name).unwrap()).collect();
                    have_made.wait();
                    drop(made);
                    are_at_rest.wait();
                });
            }
            have_made.wait();
            let most = real_bytes();
            // The watchdog ends a hang.
            while real_bytes() > before + (most - before) / 2 {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            are_at_rest.wait();
        });
    });
}

/// Each end of a channel that a process holds has a private half.
#[test]
fn closed_channels_keep_little_private_memory() {
    in_arena(|_| {
        let before = private_bytes();
        for _ in 0..2 {
            let burst: Vec<_> = (0..100_000).map(|_| Channel::create()).collect();
            let held = private_bytes();
            assert!(held > before + (100 << 20), "{before} bytes before, {held} with all channels");
            drop(burst);
            let after = private_bytes();
            assert!(after < before + (16 << 20), "{before} bytes before, {after} after");
        }
    });
}
