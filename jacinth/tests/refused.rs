//! Ports that wait for room after a reservation was refused: for every cause, also if a process that has the memory dies.

mod support;

use jacinth::*;
use support::*;

#[test]
fn child_main() {
    play(&[("keeps what it gets", keeps_what_it_gets)]);
}

const BYTES: usize = 1 << 20;

fn small_pool(config: &mut Config) {
    (config.pool_bytes, config.max_loan_bytes) = (4 << 20, BYTES as u64);
}

/// A port that is told of room at the channel.
fn observed(channel: &Channel, options: WaitAsyncOpts) -> Port {
    let port = Port::create();
    channel.wait_async(&port, 1, Signals::CHANNEL_WRITABLE, options).unwrap();
    port
}

fn assert_silent(port: &Port) {
    let soon = MonotonicInstant::after(MonotonicDuration::from_millis(60));
    assert_eq!(port.wait(soon).map(|packet| packet.key()), Err(Status::TIMED_OUT));
}

fn assert_told(port: &Port) {
    let late = MonotonicInstant::after(MonotonicDuration::from_seconds(30));
    assert_eq!(port.wait(late).map(|packet| packet.key()), Ok(1));
}

fn is_refused<T>(result: Result<T, Status>) -> bool {
    matches!(result.err(), Some(Status::NO_MEMORY | Status::NO_RESOURCES | Status::SHOULD_WAIT))
}

#[test]
fn ports_are_told_of_returned_loans() {
    in_arena_of(small_pool, |_| {
        let (ours, _theirs) = Channel::create();
        let mut loans: Vec<_> = std::iter::from_fn(|| ours.reserve(BYTES).ok()).collect();
        assert!(is_refused(ours.reserve(BYTES)));
        let port = observed(&ours, WaitAsyncOpts::ONCE);
        assert_silent(&port);
        drop(loans.pop());
        assert_told(&port);
        assert!(ours.reserve(BYTES).is_ok());
    });
}

/// A receiver that drops a buffer knows nothing of the senders who wait for its memory.
#[test]
fn ports_are_told_of_dropped_buffers() {
    in_arena_of(small_pool, |_| {
        let (ours, theirs) = Channel::create();
        let port = observed(&ours, WaitAsyncOpts::REPEATING);
        assert_told(&port);
        while let Ok(buffer) = ours.reserve_buffer(BYTES) {
            ours.write(b"", &mut [buffer.freeze().unwrap().into()]).unwrap();
        }
        for _ in 0..3 {
            assert_silent(&port);
            drop(next(&theirs));
            assert_told(&port);
            let buffer = ours.reserve_buffer(BYTES).unwrap();
            assert!(is_refused(ours.reserve_buffer(BYTES)));
            ours.write(b"", &mut [buffer.freeze().unwrap().into()]).unwrap();
        }
    });
}

#[test]
fn ports_are_told_of_places() {
    in_arena(|_| {
        let (ours, _theirs) = Channel::create_with(ChannelOptions::new().max_pending_messages(1)).unwrap();
        let loan = ours.reserve(100).unwrap();
        assert_eq!(ours.write(b"no place", &mut []), Err(Status::SHOULD_WAIT));
        let port = observed(&ours, WaitAsyncOpts::ONCE);
        assert_silent(&port);
        drop(loan);
        assert_told(&port);
        ours.write(b"place", &mut []).unwrap();
    });
}

/// As `missing_handles_are_waited_for` in the tests of buffers.
#[test]
fn ports_are_told_to_try_objects_again() {
    in_arena_of(
        |config| config.max_handles_per_process = 64,
        |_| {
            let (ours, _theirs) = Channel::create();
            let port = Port::create();
            let mut all: Vec<_> = std::iter::from_fn(|| BufferMut::create(1).ok()).collect();
            let start = std::time::Instant::now();
            for _ in 0..5 {
                assert!(is_refused(ours.reserve_buffer(1)));
                ours.wait_async(&port, 1, Signals::CHANNEL_WRITABLE, WaitAsyncOpts::ONCE).unwrap();
                assert_told(&port);
            }
            assert!(start.elapsed().as_millis() >= 50, "five sleeps");
            all.pop();
            assert!(ours.reserve_buffer(1).is_ok());
        },
    );
}

#[test]
fn ports_are_told_of_dead_processes_memory() {
    in_arena_of(small_pool, |supervisor| {
        let (child_end, child) = spawn(supervisor, "keeps what it gets");
        let mut sent = 0;
        while let Ok(buffer) = child_end.reserve_buffer(BYTES) {
            child_end.write(b"", &mut [buffer.freeze().unwrap().into()]).unwrap();
            assert_eq!(next(&child_end).bytes(), b"kept");
            sent += 1;
        }
        assert!(sent > 1, "the pool has several");
        let (ours, _theirs) = Channel::create();
        assert!(is_refused(ours.reserve_buffer(BYTES)));
        let port = observed(&ours, WaitAsyncOpts::ONCE);
        assert_silent(&port);
        kill(supervisor, child);
        assert_told(&port);
        assert!(ours.reserve_buffer(BYTES).is_ok());
        drop(child_end);
    });
}

fn keeps_what_it_gets() {
    let channel = startup_channel();
    let mut kept = Vec::new();
    while channel.wait_one(Signals::CHANNEL_READABLE, FOREVER).to_result().is_ok() {
        kept.push(next(&channel));
        tell(&channel, "kept");
    }
}
