//! In steady state only sleeping and waking make system calls.
//!
//! A process of its own makes each call thousands of times, after its first use; this process traces it (ptrace) and
//! counts what it asks of the kernel between two markers. There are two exceptions, and the test holds them to their
//! word: once for every 512 objects that it destroys, a thread asks for a memory barrier; and one that spins for an
//! answer lets others run now and then.

#[path = "no_system_calls/calls.rs"]
mod calls;
mod support;

use calls::*;
use jacinth::*;
use nix::errno::Errno;
use nix::libc::{SYS_futex, SYS_futex_waitv, SYS_getppid, SYS_membarrier, SYS_sched_yield};
use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use support::*;

/// How often each call is made while its system calls are counted.
const TIMES: u32 = 4096;
/// How often before that, uncounted: first use may map memory and register with the kernel.
const FIRST_USES: u32 = 4096;
/// How many objects a thread destroys before it asks for a barrier.
const OBJECTS_A_BARRIER: u32 = 512;

/// A system call that jacinth never makes in these calls.
fn mark() {
    let _ = rustix::process::getppid();
}

const MAKES_THE_CALLS: &str = "makes the calls";

fn make_the_calls() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    println!("thread {}", rustix::thread::gettid().as_raw_nonzero());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for (_, _, make_ready) in CALLS {
        let mut call = make_ready();
        (0..FIRST_USES).for_each(|_| call());
        mark();
        (0..TIMES).for_each(|_| call());
        mark();
    }
    clean(&supervisor);
}

#[test]
fn child_main() {
    play(&[(MAKES_THE_CALLS, make_the_calls)]);
}

/// How often which system call was made.
type Made = BTreeMap<i64, u32>;

#[test]
fn steady_state_only_sleeps_in_system_calls() {
    // The C library's allocator keeps its memory, so it makes system calls at the first use only.
    let mut child = role(MAKES_THE_CALLS)
        .env("MALLOC_TRIM_THRESHOLD_", "1000000000")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Held to the end: the process goes on writing to it.
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let thread = said
        .find_map(|line| line.unwrap().split_once("thread ")?.1.parse().ok())
        .expect("the process says which thread makes the calls");
    let made = trace(Pid::from_raw(thread), child.stdin.take().unwrap());
    join(child);

    assert_eq!(made.len(), CALLS.len(), "all calls are made");
    for ((name, asks, _), made) in CALLS.iter().zip(made) {
        let of = |call: i64| made.get(&call).copied().unwrap_or(0);
        let all: u32 = made.values().sum();
        let (expected, as_expected) = match asks {
            Nothing => ("none", all == 0),
            // Where the thread stood in its batch before is unknown.
            Barriers => ("a barrier for each 512 objects", {
                let barriers = TIMES / OBJECTS_A_BARRIER;
                all == of(SYS_membarrier) && (barriers..=barriers + 1).contains(&all)
            }),
            Turns => ("to let others run", all == of(SYS_sched_yield)),
            // A deadline that passes before the thread sleeps needs no system call.
            Sleep => ("to sleep", all == of(SYS_futex) + of(SYS_futex_waitv) && (1..=TIMES).contains(&all)),
        };
        assert!(
            as_expected,
            "{name}: expected {expected}; in {TIMES} times it made (number: how often) {made:?}"
        );
    }
}

/// Lets the thread go on by a line of input, and counts its system calls between each two marks.
fn trace(thread: Pid, mut go_on: ChildStdin) -> Vec<Made> {
    ptrace::seize(thread, Options::PTRACE_O_TRACESYSGOOD).expect("this system allows a process to be traced");
    ptrace::interrupt(thread).unwrap();
    let mut all = Vec::new();
    let mut counted = None::<Made>;
    loop {
        let pass_on = match waitpid(thread, Some(WaitPidFlag::__WALL)).unwrap() {
            WaitStatus::PtraceSyscall(_) => {
                let registers = ptrace::getregs(thread).unwrap();
                // So it stands on the way into the kernel; on the way out there is a result instead.
                if registers.rax.cast_signed() == -i64::from(Errno::ENOSYS as i32) {
                    let number = registers.orig_rax.cast_signed();
                    match &mut counted {
                        _ if number == SYS_getppid => match counted.take() {
                            Some(made) => all.push(made),
                            None => counted = Some(Made::new()),
                        },
                        Some(made) => *made.entry(number).or_default() += 1,
                        None => {}
                    }
                }
                None
            }
            WaitStatus::Stopped(_, signal) => Some(signal),
            WaitStatus::Exited(..) | WaitStatus::Signaled(..) => return all,
            _ => {
                // It has been seized, and waits for its line; or that was some later event.
                let _ = go_on.write_all(b"\n");
                None
            }
        };
        match ptrace::syscall(thread, pass_on) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(error) => panic!("ptrace: {error}"),
        }
    }
}
