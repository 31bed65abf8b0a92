//! Waits that last: threads that wait for nothing in particular use no processor time.

mod support;

use jacinth::*;
use procfs::process::Process;
use rustix::event::{PollFd, PollFlags, poll};
use std::process::Child;
use std::time::Duration;
use support::*;

#[test]
fn child_main() {
    play(&[
        ("echoes", echoes),
        ("serves by a port", serves),
        ("serves by an event loop", serves_by_event_loop),
    ]);
}

/// How many processes are idle: close to the limit of a default arena.
const IDLE: usize = 60;

/// User and system time of all threads of these processes, in ticks of 10 ms.
fn ticks(children: &[(Channel, Child)]) -> u64 {
    let of = |child: &Child| Process::new(child.id() as i32).unwrap().stat().unwrap();
    children.iter().map(|(_, child)| of(child)).map(|stat| stat.utime + stat.stime).sum()
}

/// How often their threads have gone to sleep or were preempted.
fn switches(children: &[(Channel, Child)]) -> u64 {
    let of = |child: &Child| {
        let tasks = Process::new(child.id() as i32).unwrap().tasks().unwrap();
        let statuses = tasks.map(|task| task.unwrap().status().unwrap());
        let switches = statuses.map(|status| {
            status.voluntary_ctxt_switches.unwrap() + status.nonvoluntary_ctxt_switches.unwrap()
        });
        switches.sum::<u64>()
    };
    children.iter().map(|(_, child)| of(child)).sum()
}

/// Each has answered often, and so has found that spins pay; then no more questions come.
#[test]
fn idle_processes_use_no_processor() {
    in_arena(|supervisor| {
        let roles = ["echoes", "serves by a port", "serves by an event loop"].into_iter().cycle();
        let children: Vec<_> = roles.take(IDLE).map(|name| spawn(supervisor, name)).collect();
        for (channel, _) in &children {
            for round in 0..200u32 {
                tell(channel, round.to_ne_bytes());
                assert_eq!(next(channel).bytes(), round.to_ne_bytes());
            }
        }
        // The last waits still spin, and a process that has just started has work of its own.
        std::thread::sleep(Duration::from_millis(200));
        let before = (ticks(&children), switches(&children));
        std::thread::sleep(Duration::from_secs(2));
        let (ticks, switches) = (ticks(&children) - before.0, switches(&children) - before.1);
        // Threads that looked again every millisecond would have switched 120,000 times; spinning ones would have used
        // 200 ticks of each processor.
        assert!(ticks <= 10 && switches <= 2_000, "{ticks} ticks, {switches} switches");
        for (channel, child) in children {
            drop(channel);
            join(child);
        }
    });
}

fn echoes() {
    let channel = startup_channel();
    let mut message = MessageBuf::new();
    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
    while channel.wait_one(signals, FOREVER).unwrap().contains(Signals::CHANNEL_READABLE) {
        channel.read(&mut message).unwrap();
        channel.write(message.bytes(), &mut []).unwrap();
    }
}

fn serves() {
    let port = Port::create();
    serve(&port, || port.wait(FOREVER).unwrap());
}

fn serves_by_event_loop() {
    let port = Port::create();
    let port_fd = PortFd::new(&port).unwrap();
    serve(&port, || {
        loop {
            match port_fd.try_wait_adaptive() {
                Ok(None) => {}
                Ok(Some(packet)) => return packet,
                Err(status) => {
                    assert_eq!(status, Status::SHOULD_WAIT);
                    // It may end with EINTR, without a signal.
                    let _ = poll(&mut [PollFd::new(&port_fd, PollFlags::IN)], None);
                }
            }
        }
    });
}

fn serve(port: &Port, next_packet: impl Fn() -> Packet) {
    let channel = startup_channel();
    let mut message = MessageBuf::new();
    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
    channel.wait_async(port, 7, signals, WaitAsyncOpts::REPEATING).unwrap();
    loop {
        assert_eq!(next_packet().key(), 7);
        loop {
            match channel.read(&mut message) {
                Ok(()) => channel.write(message.bytes(), &mut []).unwrap(),
                Err(Status::SHOULD_WAIT) => break,
                Err(Status::PEER_CLOSED) => return,
                Err(status) => panic!("{status}"),
            }
        }
    }
}
