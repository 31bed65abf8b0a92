//! The waits in steps of an event loop (`PortFd::try_wait_adaptive`).

#[path = "support/event_loop.rs"]
mod event_loop;
#[path = "support/refuse.rs"]
mod refuse;
mod support;

use event_loop::*;
use jacinth::*;
use support::*;

const REPEATING: WaitAsyncOpts = WaitAsyncOpts::REPEATING;

#[test]
fn child_main() {
    play(&[("answers", answers)]);
}

/// Sends each message back.
fn answers() {
    let channel = startup_channel();
    let mut message = MessageBuf::new();
    loop {
        let _ = channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER);
        match channel.read(&mut message) {
            Ok(()) => tell(&channel, message.bytes()),
            Err(status) => return assert_eq!(status, Status::PEER_CLOSED),
        }
    }
}

#[test]
fn adaptive_waits_miss_no_change() {
    in_arena(|supervisor| {
        both_ways(|| {
            let port = Port::create();
            let port_fd = PortFd::new(&port).unwrap();
            let (channel, child) = spawn(supervisor, "answers");
            let signals = Signals::CHANNEL_READABLE;
            channel.wait_async(&port, 7, signals, REPEATING).unwrap();
            for round in 0..2000_u32 {
                if round % 100 == 0 {
                    // The other side falls asleep.
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                tell(&channel, round.to_le_bytes());
                assert_eq!(polled_adaptively(&port_fd).unwrap().key(), 7);
                assert_eq!(next(&channel).bytes(), round.to_le_bytes());
            }
            drop(channel);
            join(child);
        });
    });
}

#[test]
fn an_idle_loop_arms_after_few_steps() {
    in_arena(|supervisor| {
        both_ways(|| {
            let port = Port::create();
            let port_fd = PortFd::new(&port).unwrap();
            let (sleeps, mut steps) = (supervisor.counters().sleeps, 0);
            while port_fd.try_wait_adaptive() == Ok(None) {
                assert_eq!(supervisor.counters().sleeps, sleeps, "a step arms nothing");
                steps += 1;
            }
            assert!((2..20).contains(&steps), "{steps}");
            assert_eq!(supervisor.counters().sleeps, sleeps + 1);
            (0..100).for_each(|_| assert_eq!(port_fd.try_wait_adaptive(), Err(Status::SHOULD_WAIT)));
            assert_eq!(supervisor.counters().sleeps, sleeps + 1, "it stays armed");
        });
    });
}

/// The tasks that a packet has woken run before the wait begins.
#[test]
fn work_comes_before_the_wait() {
    in_arena(|_| {
        both_ways(|| {
            set_spin(MonotonicDuration::ZERO);
            let port = Port::create();
            let port_fd = PortFd::new(&port).unwrap();
            while port_fd.try_wait_adaptive() == Ok(None) {}
            for round in 0..10 {
                port.queue(&user(round)).unwrap();
                until_readable(&port_fd);
                assert_eq!(port_fd.try_wait_adaptive(), Ok(Some(user(round))));
                assert_eq!(port_fd.try_wait_adaptive(), Ok(None));
                assert_eq!(port_fd.try_wait_adaptive(), Ok(None));
                assert_eq!(port_fd.try_wait_adaptive(), Err(Status::SHOULD_WAIT));
            }
        });
    });
}

#[test]
fn a_spinning_loop_arms_nothing() {
    in_arena(|supervisor| {
        both_ways(|| {
            set_spin(MonotonicDuration::from_seconds(3600));
            let port = Port::create();
            let port_fd = PortFd::new(&port).unwrap();
            let sleeps = supervisor.counters().sleeps;
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for round in 0..100 {
                        std::thread::sleep(std::time::Duration::from_micros(200));
                        port.queue(&user(round)).unwrap();
                    }
                });
                (0..100).for_each(|round| assert_eq!(polled_adaptively(&port_fd), Ok(user(round))));
            });
            assert_eq!(supervisor.counters().sleeps, sleeps);
            assert!(!is_readable(&port_fd));
        });
    });
}

/// A thread that polls sees the end of the sleep, or a sleep goes on: also while another thread makes its steps.
#[test]
fn steps_of_one_thread_leave_another_polling() {
    in_arena(|_| {
        both_ways(|| {
            let (port, port_fd) = armed();
            port.queue(&user(1)).unwrap();
            until_readable(&port_fd);
            set_spin(MonotonicDuration::from_seconds(3600));
            assert_eq!(port_fd.try_wait_adaptive(), Ok(Some(user(1))));
            for _ in 0..100 {
                assert_eq!(port_fd.try_wait_adaptive(), Ok(None));
                assert!(is_readable(&port_fd), "no thread sleeps for it, so it must tell");
            }
        });
    });
}
