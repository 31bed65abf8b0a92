//! Threads of different priorities that use one channel end at once, on one processor.

mod support;

use jacinth::*;
use std::sync::atomic::{AtomicBool, Ordering};
use support::*;

/// Binds the calling thread to one processor.
fn stay_on_one_processor() {
    let allowed = rustix::thread::sched_getaffinity(None).unwrap();
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).unwrap();
    let mut one = rustix::thread::CpuSet::new();
    one.set(first);
    rustix::thread::sched_setaffinity(None, &one).unwrap();
}

/// Gives the calling thread a real-time priority; `false` where it may not have one.
#[expect(unsafe_code, reason = "the C library's call")]
fn become_real_time() -> bool {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: 0 is the calling thread, and `priority` is a whole structure.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) == 0 }
}

/// A real-time thread that finds a lock taken by a thread that it has preempted must let that thread run. One that
/// kept the processor instead would have it until the kernel throttles it, for most of a second each time: the
/// watchdog of these tests would end this one.
#[test]
fn real_time_writers_do_not_wait_long() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let real_time = scope.spawn(|| {
                stay_on_one_processor();
                if !become_real_time() {
                    println!("skipped: this user may not have real-time priorities (RLIMIT_RTPRIO)");
                    return;
                }
                for time in 0..1000u32 {
                    std::thread::sleep(std::time::Duration::from_micros(u64::from(50 + time % 37)));
                    tell(&ours, time.to_le_bytes());
                }
            });
            scope.spawn(|| {
                stay_on_one_processor();
                let bytes = vec![0x5a; MAX_MSG_BYTES];
                let mut message = MessageBuf::new();
                while !is_over.load(Ordering::Relaxed) {
                    tell(&ours, &bytes);
                    while theirs.read(&mut message).is_ok() {}
                }
            });
            real_time.join().unwrap();
            is_over.store(true, Ordering::Relaxed);
        });
    });
}
