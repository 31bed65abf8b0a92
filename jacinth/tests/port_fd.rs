//! Ports beside sockets: the descriptor of an event loop, by a ring of the kernel and by a helper thread.

#[path = "support/event_loop.rs"]
mod event_loop;
#[path = "support/refuse.rs"]
mod refuse;
mod support;

use event_loop::*;
use jacinth::*;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::sync::Mutex;
use support::*;

const PAST: MonotonicInstant = MonotonicInstant::INFINITE_PAST;
const REPEATING: WaitAsyncOpts = WaitAsyncOpts::REPEATING;

#[test]
fn child_main() {
    play(&[
        ("queues packets", queues_packets),
        ("sleeps at a port", sleeps_at_a_port),
        ("sets a timer", sets_a_timer),
    ]);
}

/// The next packet, as an event loop waits for it.
fn polled(port_fd: &PortFd) -> Result<Packet, Status> {
    loop {
        match port_fd.try_wait() {
            Err(Status::SHOULD_WAIT) => until_readable(port_fd),
            done => return done,
        }
    }
}

fn key(port_fd: &PortFd) -> u64 {
    polled(port_fd).unwrap().key()
}

#[test]
fn a_new_kernel_needs_no_thread() {
    in_arena(|_| {
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        let mut numbers = release.split(['.', '-']).map(|number| number.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").unwrap_or_default();
        if version < (6, 7) || setting.trim() != "0" {
            eprintln!("not tried: Linux {release}, io_uring_disabled {setting}");
            return;
        }
        let (_port, port_fd) = armed();
        assert!(!port_fd.has_thread());
        let names = library_threads::threads();
        let names = names.iter().flat_map(|id| std::fs::read_to_string(format!("/proc/self/task/{id}/comm")));
        assert!(names.into_iter().all(|name| name.trim() != "port-fd"));
    });
}

#[test]
fn packets_that_are_there_are_taken() {
    in_arena(|supervisor| {
        both_ways(|| {
            let port = Port::create();
            let port_fd = PortFd::new(&port).unwrap();
            (0..100).for_each(|key| port.queue(&user(key)).unwrap());
            let sleeps = supervisor.counters().sleeps;
            (0..100).for_each(|key| assert_eq!(port_fd.try_wait(), Ok(user(key))));
            assert_eq!(supervisor.counters().sleeps, sleeps, "nothing was armed");
            assert!(!is_readable(&port_fd));
        });
    });
}

#[test]
fn a_packet_makes_the_descriptor_readable() {
    in_arena(|_| {
        both_ways(|| {
            let (port, port_fd) = armed();
            for round in 0..100 {
                assert!(!is_readable(&port_fd), "{round}");
                port.queue(&user(round)).unwrap();
                until_readable(&port_fd);
                assert_eq!(port_fd.try_wait(), Ok(user(round)));
                assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
                assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT), "it stays armed");
            }
        });
    });
}

#[test]
fn many_packets_wake_once() {
    in_arena(|supervisor| {
        both_ways(|| {
            let (port, port_fd) = armed();
            let wakes = supervisor.counters().wakes;
            (0..1000).for_each(|key| port.queue(&user(key)).unwrap());
            assert_eq!(supervisor.counters().wakes, wakes + 1);
            (0..1000).for_each(|number| assert_eq!(key(&port_fd), number));
        });
    });
}

/// Queues as many packets as it is told at the port that it is given.
fn queues_packets() {
    let channel = startup_channel();
    let mut message = next(&channel);
    let port = Port::from(message.take_handle(0).unwrap());
    let count = u64::from_le_bytes(message.bytes().try_into().unwrap());
    for key in 0..count {
        // SHOULD_WAIT: the loop has yet to take some.
        while port.queue(&user(key)).is_err() {
            std::thread::yield_now();
        }
        if key % 7 == 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn other_processes_wake_the_descriptor() {
    const COUNT: u64 = 5000;
    in_arena(|supervisor| {
        both_ways(|| {
            let (port, port_fd) = armed();
            let queuers: Vec<_> = (0..2)
                .map(|_| {
                    let (channel, child) = spawn(supervisor, "queues packets");
                    let copy = port.duplicate(Rights::SAME_RIGHTS).unwrap();
                    channel.write(&COUNT.to_le_bytes(), &mut [copy.into()]).unwrap();
                    (channel, child)
                })
                .collect();
            let mut counts = vec![0; COUNT as usize];
            (0..2 * COUNT).for_each(|_| counts[key(&port_fd) as usize] += 1);
            assert!(counts.iter().all(|count| *count == 2), "none is lost, and none comes twice");
            assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
            queuers.into_iter().for_each(|(_, child)| join(child));
        });
    });
}

#[test]
fn every_change_reaches_the_loop() {
    in_arena(|_| {
        both_ways(|| {
            let (port, (client, server)) = (Port::create(), Channel::create());
            let port_fd = PortFd::new(&port).unwrap();
            server.wait_async(&port, 7, Signals::CHANNEL_READABLE, REPEATING).unwrap();
            for round in 0..1000_u32 {
                std::thread::scope(|scope| {
                    scope.spawn(|| tell(&client, round.to_le_bytes()));
                    assert_eq!(key(&port_fd), 7);
                });
                assert_eq!(next(&server).bytes(), round.to_le_bytes());
            }
        });
    });
}

/// Sets the timer that it is given, to now.
fn sets_a_timer() {
    let timer = Timer::from(next(&startup_channel()).take_handle(0).unwrap());
    timer.set(MonotonicInstant::get(), MonotonicDuration::ZERO).unwrap();
}

#[test]
fn timers_make_the_descriptor_readable() {
    in_arena(|supervisor| {
        both_ways(|| {
            let (port, timers) = (Port::create(), [(); 3].map(|()| Timer::create()));
            let port_fd = PortFd::new(&port).unwrap();
            for (key, timer) in (0..).zip(&timers) {
                timer.wait_async(&port, key, Signals::TIMER_SIGNALED, WaitAsyncOpts::ONCE).unwrap();
            }
            let after = |ms| MonotonicInstant::get() + MonotonicDuration::from_millis(ms);
            timers[0].set(after(5), MonotonicDuration::ZERO).unwrap();
            timers[1].set(after(3_600_000), MonotonicDuration::ZERO).unwrap();
            timers[2].set(after(3_600_000), MonotonicDuration::ZERO).unwrap();
            assert_eq!(key(&port_fd), 0);
            // While it sleeps until the next one, another process sets one earlier.
            assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
            let (channel, child) = spawn(supervisor, "sets a timer");
            let copy = timers[2].duplicate(Rights::SAME_RIGHTS).unwrap();
            channel.write(b"", &mut [copy.into()]).unwrap();
            assert_eq!(key(&port_fd), 2);
            join(child);
        });
    });
}

/// No thread tells of the memory of a buffer that is dropped, and the event loop looks for it.
#[test]
fn returned_memory_makes_the_descriptor_readable() {
    const BYTES: usize = 1 << 20;
    in_arena_of(
        |config| (config.pool_bytes, config.max_loan_bytes) = (4 << 20, BYTES as u64),
        |_| {
            both_ways(|| {
                let (channel, _far) = Channel::create();
                let mut held: Vec<_> = std::iter::from_fn(|| channel.reserve_buffer(BYTES).ok()).collect();
                let (port, port_fd) = armed();
                channel.wait_async(&port, 1, Signals::CHANNEL_WRITABLE, WaitAsyncOpts::ONCE).unwrap();
                std::thread::scope(|scope| {
                    let waiting = scope.spawn(|| key(&port_fd));
                    std::thread::sleep(std::time::Duration::from_millis(60));
                    assert!(!waiting.is_finished(), "there is no memory");
                    held.pop();
                    assert_eq!(waiting.join().unwrap(), 1);
                });
            });
        },
    );
}

#[test]
fn the_end_of_the_handle_cancels() {
    let ends: [fn(Port); 3] = [
        drop,
        |port| drop(port.replace(Rights::SAME_RIGHTS).unwrap()),
        |port| Channel::create().0.write(b"", &mut [port.into()]).unwrap(),
    ];
    in_arena(|_| {
        both_ways(|| {
            for end in ends {
                let (port, port_fd) = armed();
                end(port);
                until_readable(&port_fd);
                (0..2).for_each(|_| assert_eq!(port_fd.try_wait(), Err(Status::CANCELED)));
                // The next port may have the same place.
                let _next = Port::create();
                assert_eq!(port_fd.try_wait(), Err(Status::CANCELED));
            }
        });
    });
}

#[test]
fn each_packet_goes_to_one_waiter() {
    const COUNT: u64 = 3000;
    in_arena(|_| {
        both_ways(|| {
            let port = Port::create();
            let fds = [(); 2].map(|()| PortFd::new(&port).unwrap());
            let taken = Mutex::new(BTreeSet::new());
            let take = |wait: &dyn Fn() -> Packet| {
                loop {
                    match wait().key() {
                        u64::MAX => return,
                        key => assert!(taken.lock().unwrap().insert(key), "{key} came twice"),
                    }
                }
            };
            std::thread::scope(|scope| {
                // Four threads at one descriptor, two of which make steps, one at another, and one at none.
                for port_fd in [&fds[0], &fds[0], &fds[1]] {
                    scope.spawn(|| take(&|| polled(port_fd).unwrap()));
                }
                for _ in 0..2 {
                    scope.spawn(|| take(&|| polled_adaptively(&fds[0]).unwrap()));
                }
                scope.spawn(|| take(&|| port.wait(FOREVER).unwrap()));
                for key in (0..COUNT).chain([u64::MAX; 6]) {
                    while port.queue(&user(key)).is_err() {
                        std::thread::yield_now();
                    }
                }
            });
            assert!(taken.into_inner().unwrap().into_iter().eq(0..COUNT));
        });
    });
}

#[test]
fn a_silent_loop_holds_up_none() {
    in_arena(|supervisor| {
        both_ways(|| {
            let (port, port_fd) = armed();
            std::thread::scope(|scope| {
                let two = [(); 2].map(|()| asleep(scope, supervisor, || port.wait(FOREVER)));
                // Nobody looks at the descriptor.
                (0..2).for_each(|key| port.queue(&user(key)).unwrap());
                two.into_iter().for_each(|waiter| assert!(waiter.join().unwrap().is_ok()));
            });
            drop(port_fd);
            port.queue(&user(3)).unwrap();
            assert_eq!(port.wait(PAST), Ok(user(3)));
        });
    });
}

#[test]
fn the_arming_thread_may_end() {
    in_arena(|_| {
        both_ways(|| {
            let port = Port::create();
            let port_fd = PortFd::new(&port).unwrap();
            for round in 0..20 {
                std::thread::scope(|scope| {
                    scope.spawn(|| assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT)));
                });
                port.queue(&user(round)).unwrap();
                assert_eq!(key(&port_fd), round);
            }
        });
    });
}

#[test]
fn a_sleep_without_barriers_is_short() {
    in_arena(|_| {
        both_ways(|| {
            refuse::refuse(&[libc::SYS_membarrier], Errno::PERM);
            let (port, port_fd) = armed();
            // No packet comes: it ends by itself, again and again.
            for _ in 0..3 {
                until_readable(&port_fd);
                assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
            }
            port.queue(&user(1)).unwrap();
            assert_eq!(key(&port_fd), 1);
        });
    });
}

/// Arms a descriptor of the port that it is given, and sleeps.
fn sleeps_at_a_port() {
    let channel = startup_channel();
    let port = Port::from(next(&channel).take_handle(0).unwrap());
    let port_fd = PortFd::new(&port).unwrap();
    let ours = armed();
    assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
    tell(&channel, "armed");
    until_readable(&ours.1);
}

#[test]
fn a_killed_loop_leaves_nothing() {
    in_arena(|supervisor| {
        both_ways(|| {
            let (port, port_fd) = armed();
            let before = objects(supervisor);
            let (channel, child) = spawn(supervisor, "sleeps at a port");
            let copy = port.duplicate(Rights::SAME_RIGHTS).unwrap();
            channel.write(b"", &mut [copy.into()]).unwrap();
            next(&channel);
            kill(supervisor, child);
            drop(channel);
            supervisor.collect().unwrap();
            assert_eq!(objects(supervisor), before);
            port.queue(&user(1)).unwrap();
            assert_eq!(key(&port_fd), 1);
        });
    });
}

#[test]
fn a_forked_child_has_no_descriptor() {
    in_arena(|_| {
        both_ways(|| {
            let (port, port_fd) = armed();
            let mut port_fd = Some(port_fd);
            // SAFETY: the child makes calls that allocate no memory under a lock of another thread, and exits.
            let child = unsafe { nix::unistd::fork() }.unwrap();
            let nix::unistd::ForkResult::Parent { child } = child else {
                let waited = port_fd.as_ref().map(PortFd::try_wait);
                let new = PortFd::new(&port).map(drop);
                // Dropped in the child only.
                port_fd.take();
                let is_refused = waited == Some(Err(Status::BAD_STATE)) && new == Err(Status::BAD_STATE);
                // SAFETY: ends the process at once.
                unsafe { libc::_exit(i32::from(!is_refused)) }
            };
            let ended = nix::sys::wait::waitpid(child, None).unwrap();
            assert_eq!(ended, nix::sys::wait::WaitStatus::Exited(child, 0));
            let port_fd = port_fd.unwrap();
            assert!(!is_readable(&port_fd), "the sleep goes on");
            port.queue(&user(1)).unwrap();
            assert_eq!(key(&port_fd), 1);
        });
    });
}

/// Ctrl-C in an event loop: a signalfd beside the port.
#[test]
fn a_signalfd_ends_the_loop() {
    in_arena(|_| {
        both_ways(|| {
            let interrupts = SigSet::from(Signal::SIGINT);
            interrupts.thread_block().unwrap();
            let signal_fd = SignalFd::new(&interrupts).unwrap();
            let (port, port_fd) = armed();
            port.queue(&user(1)).unwrap();
            let mut served = 0;
            loop {
                while port_fd.try_wait().is_ok() {
                    served += 1;
                    // Directed at this thread, as Ctrl-C is at one of the process's.
                    nix::sys::signal::raise(Signal::SIGINT).unwrap();
                }
                let mut fds = [PollFd::new(&port_fd, PollFlags::IN), PollFd::new(&signal_fd, PollFlags::IN)];
                retried(|| poll(&mut fds, None));
                if fds[1].revents().contains(PollFlags::IN) {
                    break;
                }
            }
            assert_eq!(signal_fd.read_signal().unwrap().unwrap().ssi_signo, Signal::SIGINT as u32);
            assert_eq!(served, 1);
        });
    });
}

/// Ctrl-C in a program whose threads wait: one thread takes the signal, and signals an event.
#[test]
fn a_signal_thread_ends_waits() {
    in_arena(|supervisor| {
        let interrupts = SigSet::from(Signal::SIGINT);
        // Before the threads start, which inherit it.
        interrupts.thread_block().unwrap();
        let (event, (_client, server)) = (Event::create(), Channel::create());
        std::thread::scope(|scope| {
            let waiting = asleep(scope, supervisor, || {
                let mut items = [
                    WaitItem::new(&server, Signals::CHANNEL_READABLE),
                    WaitItem::new(&event, Signals::EVENT_SIGNALED),
                ];
                object_wait_many(&mut items, FOREVER).unwrap();
                items[1].pending
            });
            let taking = scope.spawn(|| {
                // Only this thread blocks it: those of the test's program do not.
                nix::sys::signal::raise(Signal::SIGINT).unwrap();
                assert_eq!(interrupts.wait().unwrap(), Signal::SIGINT);
                event.signal(Signals::NONE, Signals::EVENT_SIGNALED).unwrap();
            });
            taking.join().unwrap();
            assert!(waiting.join().unwrap().contains(Signals::EVENT_SIGNALED));
        });
    });
}
