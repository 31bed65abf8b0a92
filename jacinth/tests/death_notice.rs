//! Early death notices: the dead are recovered before the kernel has taken their memory down. No living process is.
//!
//! That it was before is seen by the pidfd: it is not readable yet when the peer is told. Where a machine is busy one
//! death may still be learned of late, so each of these tests wants one of several.

mod support;

use jacinth::*;
use procfs::process::Process;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::*;

#[test]
fn child_main() {
    play(&[
        (HOLDS_MEMORY, holds_memory),
        ("has many threads", has_many_threads),
        ("ends its main thread", ends_its_main_thread),
        ("execs from a thread", execs_from_a_thread),
        ("starts and ends threads", starts_and_ends_threads),
        (CREATOR, creates),
        (SUCCEEDS, succeeds),
    ]);
}

const HOLDS_MEMORY: &str = "outlives its parent and holds memory";
const CREATOR: &str = "creator";
const SUCCEEDS: &str = "outlives its parent and succeeds it";
const DONE: &str = "the survivor is done";

/// So much takes milliseconds to be taken down.
const MUCH: usize = 256 << 20;
const TRIES: u32 = 10;

fn touched(bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    memory
}

/// Says that it is ready, and stays.
fn stay(channel: &Channel) {
    tell(channel, "ready");
    wait_for_peer_closed(channel);
}

fn holds_memory() {
    let channel = startup_channel();
    let _memory = touched(MUCH);
    stay(&channel);
}

/// A process in this role, when it is ready.
fn ready(supervisor: &Supervisor, name: &str) -> (Channel, Child) {
    let (ours, child) = spawn(supervisor, name);
    assert_eq!(next(&ours).bytes(), b"ready");
    (ours, child)
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn procfs_of(child: &Child) -> Process {
    Process::new(child.id().cast_signed()).unwrap()
}

fn pidfd_of(child: &Child) -> OwnedFd {
    pidfd_open(pid_of(child), PidfdFlags::empty()).unwrap()
}

fn is_readable(pidfd: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
}

/// Kills it while another process waits for its death. Gives whether the news came before its pidfd was ready.
fn is_told_early(channel: &Channel, child: &mut Child) -> bool {
    let pidfd = pidfd_of(child);
    let is_early = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            wait_for_peer_closed(channel);
            !is_readable(&pidfd)
        });
        child.kill().unwrap();
        waiter.join().unwrap()
    });
    child.wait().unwrap();
    is_early
}

/// Kills processes in this role until one is recovered before its memory is gone. Each is recovered once.
fn is_recovered_early(supervisor: &Supervisor, name: &str, prepare: impl Fn(&Child)) {
    let before = supervisor.collect().unwrap().processes;
    let is_early = |tried: &u32| {
        let (ours, mut child) = ready(supervisor, name);
        prepare(&child);
        let is_early = is_told_early(&ours, &mut child);
        drop(ours);
        // Its pidfd is ready and its connection down by now. The supervisor ignores both.
        let recovered = supervisor.collect().unwrap().processes;
        assert_eq!(recovered, before + tried, "each once");
        let audit = clean(supervisor);
        assert_eq!((audit.processes, audit.objects), (1, 0));
        is_early
    };
    assert!((1..=TRIES).any(|tried| is_early(&tried)), "the news came late {TRIES} times");
}

#[test]
fn recovery_precedes_memory_teardown() {
    in_arena(|supervisor| is_recovered_early(supervisor, HOLDS_MEMORY, |_| {}));
}

#[test]
fn many_threads_are_recovered_early() {
    in_arena(|supervisor| is_recovered_early(supervisor, "has many threads", |_| {}));
}

fn has_many_threads() {
    let channel = startup_channel();
    let _memory = touched(MUCH);
    std::thread::scope(|scope| {
        for thread in 0..24 {
            let channel = &channel;
            scope.spawn(move || {
                if thread % 2 == 0 {
                    return wait_for_peer_closed(channel);
                }
                // Always in the middle of something.
                loop {
                    Event::create().signal(Signals::NONE, Signals::USER_0).unwrap();
                }
            });
        }
        stay(&channel);
    });
}

#[test]
fn a_stopped_process_is_recovered_early() {
    in_arena(|supervisor| {
        is_recovered_early(supervisor, HOLDS_MEMORY, |child| {
            let before = supervisor.collect().unwrap().processes;
            stop(pid_of(child));
            std::thread::sleep(Duration::from_millis(100));
            let now = supervisor.collect().unwrap().processes;
            assert_eq!(now, before, "a stopped process is not dead");
        });
    });
}

/// It is not taken for dead while its other threads go on.
#[test]
fn early_recovery_without_main_thread() {
    in_arena(|supervisor| {
        is_recovered_early(supervisor, "ends its main thread", |child| {
            let before = supervisor.collect().unwrap().processes;
            let main_thread = procfs_of(child).task_main_thread().unwrap();
            until(|| main_thread.stat().unwrap().state == 'Z');
            std::thread::sleep(Duration::from_millis(50));
            assert_eq!(supervisor.collect().unwrap().processes, before);
        });
    });
}

fn ends_its_main_thread() {
    // Spawned by the main thread of the test program, or by one of its.
    std::thread::spawn(|| {
        let channel = startup_channel();
        let _memory = touched(MUCH);
        stay(&channel);
        std::process::exit(0);
    });
    let is_main = rustix::thread::gettid() == rustix::process::getpid();
    if !is_main {
        // The main thread only waits for this one.
        end_main_thread();
    }
    // SAFETY: ends this thread alone.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// Has the main thread end, by a signal that it handles.
fn end_main_thread() {
    extern "C" fn end(_signal: libc::c_int) {
        // SAFETY: ends this thread alone.
        unsafe { libc::syscall(libc::SYS_exit, 0) };
    }
    let handler: extern "C" fn(libc::c_int) = end;
    let own = std::process::id();
    // SAFETY: the handler makes one system call; the signal goes to the main thread of this process.
    unsafe {
        libc::signal(libc::SIGUSR1, handler as libc::sighandler_t);
        libc::syscall(libc::SYS_tgkill, own, own, libc::SIGUSR1);
    }
}

#[test]
fn simultaneous_deaths_are_recovered_early() {
    in_arena(|supervisor| {
        let is_early = || {
            let mut dying: Vec<_> = (0..3).map(|_| ready(supervisor, HOLDS_MEMORY)).collect();
            let mut pidfds: Vec<_> = dying.iter().map(|(_, child)| pidfd_of(child)).collect();
            dying.iter_mut().for_each(|(_, child)| child.kill().unwrap());
            dying.iter().for_each(|(ours, _)| wait_for_peer_closed(ours));
            pidfds.retain(|pidfd| !is_readable(pidfd));
            dying.iter_mut().for_each(|(_, child)| assert!(!child.wait().unwrap().success()));
            drop(dying);
            supervisor.collect().unwrap();
            assert_eq!(clean(supervisor).processes, 1);
            !pidfds.is_empty()
        };
        assert!((0..TRIES).any(|_| is_early()), "the news came late {TRIES} times");
    });
}

/// Exec ends all threads but one, which goes on under the main thread's number: the robust futex reports, and no process is dead
/// but the attachment.
#[test]
fn an_exec_is_recovered_once() {
    in_arena(|supervisor| {
        for round in 1..=10 {
            let (ours, mut child) = ready(supervisor, "execs from a thread");
            tell(&ours, "go");
            wait_for_peer_closed(&ours);
            assert_eq!(child.try_wait().unwrap(), None, "it lives, as another program");
            assert!(!is_readable(&pidfd_of(&child)));
            child.kill().unwrap();
            child.wait().unwrap();
            drop(ours);
            assert_eq!(supervisor.collect().unwrap().processes, round);
            assert_eq!(clean(supervisor).processes, 1);
        }
    });
}

fn execs_from_a_thread() {
    let channel = startup_channel();
    tell(&channel, "ready");
    next(&channel);
    let execs = || Command::new("/bin/sleep").arg("50").stdout(Stdio::null()).exec();
    panic!("{}", std::thread::spawn(execs).join().unwrap());
}

/// Threads that are about to end are seen as threads; none of them is taken for its process.
#[test]
fn changing_threads_are_no_death() {
    in_arena(|supervisor| {
        let (ours, mut child) = ready(supervisor, "starts and ends threads");
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(supervisor.collect().unwrap().processes, 0);
        tell(&ours, "are you there?");
        assert_eq!(next(&ours).bytes(), b"yes");
        child.kill().unwrap();
        wait_for_peer_closed(&ours);
        child.wait().unwrap();
    });
}

fn starts_and_ends_threads() {
    let channel = startup_channel();
    tell(&channel, "ready");
    while channel.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::ZERO).is_err() {
        let thread = std::thread::spawn(|| Event::try_create().map(drop));
        thread.join().unwrap().unwrap();
    }
    next(&channel);
    tell(&channel, "yes");
    wait_for_peer_closed(&channel);
}

#[test]
fn early_notices_survive_failover() {
    let mut creator = role(CREATOR).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    // Until creator, survivor, and all that they started have ended.
    std::io::Read::read_to_string(&mut creator.stdout.take().unwrap(), &mut said).unwrap();
    creator.wait().unwrap();
    assert!(said.contains(DONE), "{said}");
}

fn creates() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (ours, theirs) = Channel::create();
    let mut survivor = role(SUCCEEDS);
    let mut survivor = supervisor.spawn(survivor.stdout(Stdio::inherit()), theirs).unwrap();
    let _ = next(&ours);
    let _ = survivor.wait();
}

fn succeeds() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let mut workers: Vec<_> = (0..4).map(|_| ready(&supervisor, HOLDS_MEMORY)).collect();
    // So none of them takes the lead.
    workers.iter().for_each(|(_, worker)| stop(pid_of(worker)));
    let dead = supervisor.process_id().unwrap();
    kill_process(Pid::from_raw(dead.cast_signed()).unwrap(), Signal::KILL).unwrap();
    wait_for_peer_closed(&creator);
    until(|| supervisor.process_id() == Some(std::process::id()));
    for (_, worker) in &workers {
        kill_process(pid_of(worker), Signal::CONT).unwrap();
    }
    let early = workers.iter_mut().filter_map(|(ours, worker)| is_told_early(ours, worker).then_some(()));
    assert!(early.count() > 0, "the news came late each time");
    drop((workers, creator));
    supervisor.collect().unwrap();
    let audit = clean(&supervisor);
    assert_eq!((audit.processes, audit.objects), (1, 0));
    println!("{DONE}");
}
