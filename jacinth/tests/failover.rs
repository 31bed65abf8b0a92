//! When the process that runs the supervisor dies, another one takes over: no handle is lost, and no process waits for
//! ever.
//!
//! Each test starts a *creator*, which makes the arena and starts the *survivor* into it. The survivor does what the
//! test is about, kills the creator when it is time, and says at the end that it is done.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::Stdio;
use support::*;

const DONE: &str = "the survivor is done";

#[test]
fn child_main() {
    play(&[
        (CREATOR_OF_RECOVERY, || creates(survivor(RECOVERS))),
        (RECOVERS, recovers),
        (CREATOR_OF_CHAIN, || creates(survivor(CHAIN))),
        (CHAIN, chain),
        (CREATOR_OF_STOPPED, || creates(survivor(STOPPED))),
        (STOPPED, stopped),
        (CREATOR_OF_STARVED, || creates(survivor(STARVED))),
        (STARVED, starved),
        (CREATOR_OF_MEMBERS, || creates(survivor(MEMBERS))),
        (MEMBERS, members),
        (CREATOR_OF_EXEC, || creates(survivor(EXEC))),
        (EXEC, exec),
        (CREATOR_OF_HEADLESS, || creates(survivor(SEES_HEADLESS))),
        (SEES_HEADLESS, sees_headless),
        (HEADLESS, headless),
        (CREATOR_THAT_FORKS, forks_and_creates),
        (CREATOR_THAT_LEAVES, leaves),
        (LEFT, left),
        (ECHO, echo),
        (JOINS, joins),
        (REPLACES_ITSELF, replaces_itself),
    ]);
}

const CREATOR_OF_RECOVERY: &str = "creator of recovery";
const RECOVERS: &str = "outlives its parent and recovers";
const CREATOR_OF_CHAIN: &str = "creator of chain";
const CHAIN: &str = "outlives its parent and all others";
const CREATOR_OF_STOPPED: &str = "creator of stopped";
const STOPPED: &str = "outlives its parent, which was stopped";
const CREATOR_OF_STARVED: &str = "creator of starved";
const STARVED: &str = "outlives its parent without descriptors";
const CREATOR_OF_MEMBERS: &str = "creator of members";
const MEMBERS: &str = "outlives its parent while others join";
const CREATOR_OF_EXEC: &str = "creator of exec";
const EXEC: &str = "outlives its parent and sees an exec";
const CREATOR_OF_HEADLESS: &str = "creator of headless";
const SEES_HEADLESS: &str = "outlives its parent and sees one without a main thread";
const HEADLESS: &str = "outlives its parent and its main thread";
const CREATOR_THAT_FORKS: &str = "creator that forks";
const CREATOR_THAT_LEAVES: &str = "creator that leaves";
const LEFT: &str = "outlives its parent, which left";
const ECHO: &str = "outlives its parent and echoes";
const JOINS: &str = "outlives its parent and joins";
const REPLACES_ITSELF: &str = "outlives its parent and replaces itself";

/// Runs a creator, and sees the survivor done.
fn with_creator(name: &str) {
    let mut creator = role(name).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    // Until creator, survivor, and all that they started have ended.
    creator.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    creator.wait().unwrap();
    assert!(said.contains(DONE), "{said}");
}

fn survivor(name: &str) -> std::process::Command {
    let mut command = role(name);
    command.stdout(Stdio::inherit());
    command
}

/// Makes an arena, starts the survivor, and serves it: a message asks for a channel to a new process, or brings
/// something to hold.
fn creates(mut survivor: std::process::Command) {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (ours, theirs) = Channel::create();
    let _survivor = supervisor.spawn(&mut survivor, theirs).unwrap();
    serve(&supervisor, &ours);
}

fn serve(supervisor: &Supervisor, survivor: &Channel) -> ! {
    let mut held = Vec::new();
    loop {
        let asked = next(survivor);
        if asked.bytes() == b"hold this" {
            held.push(asked);
            continue;
        }
        let (near, far) = Channel::create();
        let _goes_by_itself = supervisor.spawn(&mut role(ECHO), far).unwrap();
        survivor.write(b"", &mut [near.into()]).unwrap();
    }
}

/// Answers every message with the same message, until the peer is closed.
fn echo() {
    let channel = startup_channel();
    loop {
        match channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result()
        {
            Ok(seen) if seen.contains(Signals::CHANNEL_READABLE) => {
                let message = next(&channel);
                let _ = channel.write(message.bytes(), &mut []);
            }
            _ => return,
        }
    }
}

fn process_by(creator: &Channel) -> Channel {
    tell(creator, "a process");
    next(creator).take_handle(0).unwrap().into()
}

fn ping(channel: &Channel) {
    tell(channel, "ping");
    assert_eq!(next(channel).bytes(), b"ping");
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.cast_signed()).unwrap()
}

fn kill_creator() -> u32 {
    let creator = Supervisor::get().unwrap().process_id().unwrap();
    kill_process(pid(creator), Signal::KILL).unwrap();
    creator
}

#[test]
fn another_process_becomes_supervisor() {
    with_creator(CREATOR_OF_RECOVERY);
}

fn recovers() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let worker = process_by(&creator);
    let (canary, sent) = EventPair::create();
    creator.write(b"hold this", &mut [sent.into()]).unwrap();
    ping(&worker);
    let dead = kill_creator();
    wait_for_peer_closed(&creator);
    canary.wait_one(Signals::EVENTPAIR_PEER_CLOSED, FOREVER).unwrap();
    ping(&worker);
    assert_ne!(supervisor.process_id(), Some(dead));
    // It, and whom it took with it.
    assert!(supervisor.collect().unwrap().processes >= 1);
    assert!(clean(&supervisor).processes >= 2);
    // The new supervisor admits, watches and recovers like the old one, at the same path.
    let (near, far) = Channel::create();
    let mut child = supervisor.spawn(&mut role(ECHO), far).unwrap();
    ping(&near);
    join(role(JOINS).env("SOCKET", supervisor.socket_path()).spawn().unwrap());
    child.kill().unwrap();
    wait_for_peer_closed(&near);
    child.wait().unwrap();
    ping(&worker);
    drop((near, creator, canary, worker));
    until(|| clean(&supervisor).processes == 1);
    supervisor.collect().unwrap();
    assert_eq!(clean(&supervisor).objects, 0);
    println!("{DONE}");
}

fn joins() {
    attach(std::env::var_os("SOCKET").unwrap()).unwrap();
    let (a, b) = Channel::create();
    tell(&a, "hello");
    assert_eq!(next(&b).bytes(), b"hello");
}

#[test]
fn failover_repeats_to_the_last_process() {
    with_creator(CREATOR_OF_CHAIN);
}

fn chain() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let own = std::process::id();
    let mut workers: Vec<_> = (0..6).map(|_| process_by(&creator)).collect();
    workers.iter().for_each(ping);
    let mut deaths = 0;
    loop {
        let leader = supervisor.process_id().unwrap();
        if leader == own {
            // A supervisor cannot be replaced while it lives: the others go first, then.
            break;
        }
        kill_process(pid(leader), Signal::KILL).unwrap();
        deaths += 1;
        until(|| supervisor.process_id() != Some(leader));
        // At once, and again: the next one may be dead before it has finished with the last.
        if deaths % 2 == 0 {
            supervisor.collect().unwrap();
            workers.retain(|worker| !is_peer_closed(worker));
            workers.iter().for_each(ping);
        }
    }
    supervisor.collect().unwrap();
    workers.retain(|worker| !is_peer_closed(worker));
    workers.iter().for_each(ping);
    assert!(deaths >= 1);
    assert_eq!(clean(&supervisor).processes as usize, 1 + workers.len());
    drop((workers, creator));
    until(|| supervisor.inspect().processes == 1);
    supervisor.collect().unwrap();
    assert_eq!(clean(&supervisor).objects, 0);
    println!("{DONE}");
}

fn is_peer_closed(channel: &Channel) -> bool {
    channel.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::ZERO).is_ok()
}

#[test]
fn a_stopped_supervisor_is_not_replaced() {
    with_creator(CREATOR_OF_STOPPED);
}

fn stopped() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let worker = process_by(&creator);
    ping(&worker);
    let leader = supervisor.process_id().unwrap();
    stop(pid(leader));
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(supervisor.process_id(), Some(leader));
    assert!(!is_peer_closed(&creator));
    ping(&worker);
    kill_process(pid(leader), Signal::CONT).unwrap();
    ping(&process_by(&creator));
    assert_eq!(supervisor.process_id(), Some(leader));
    kill_creator();
    wait_for_peer_closed(&creator);
    println!("{DONE}");
}

/// It cannot watch a process, nor be the supervisor, and tries again until it can.
#[test]
fn missing_descriptors_delay_taking_the_lead() {
    with_creator(CREATOR_OF_STARVED);
}

fn starved() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let worker = process_by(&creator);
    ping(&worker);
    let few = rustix::process::Rlimit { current: Some(64), maximum: Some(64) };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
    let mut hoard = Vec::from_iter(std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()));
    let dead = kill_creator();
    wait_for_peer_closed(&creator);
    until(|| supervisor.process_id() != Some(dead));
    let leader = supervisor.process_id().unwrap();
    assert_ne!(leader, std::process::id(), "it could not watch anybody");
    // With none it cannot open a pidfd, with one it cannot look further, with two it can do one of both.
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_millis(400));
        assert_eq!(supervisor.process_id(), Some(leader));
        ping(&worker);
        hoard.pop();
    }
    hoard.clear();
    kill_process(pid(leader), Signal::KILL).unwrap();
    wait_for_peer_closed(&worker);
    until(|| supervisor.process_id() == Some(std::process::id()));
    println!("{DONE}");
}

#[test]
fn processes_join_while_supervisors_die() {
    with_creator(CREATOR_OF_MEMBERS);
}

fn members() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    // Future supervisors, and at the end this process itself.
    let workers: Vec<_> = (0..8).map(|_| process_by(&creator)).collect();
    let path = supervisor.socket_path();
    std::thread::scope(|scope| {
        let joining: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..25 {
                        join(role(JOINS).env("SOCKET", path).spawn().unwrap());
                        let (near, far) = Channel::create();
                        let mut child = supervisor.spawn(&mut role(ECHO), far).unwrap();
                        ping(&near);
                        child.kill().unwrap();
                        child.wait().unwrap();
                        wait_for_peer_closed(&near);
                    }
                })
            })
            .collect();
        while !joining.iter().all(|thread| thread.is_finished()) {
            let leader = supervisor.process_id().unwrap();
            if leader != std::process::id() {
                let _ = kill_process(pid(leader), Signal::KILL);
            }
            std::thread::sleep(std::time::Duration::from_millis(40));
        }
    });
    drop((workers, creator));
    until(|| supervisor.inspect().processes == 1);
    supervisor.collect().unwrap();
    assert_eq!(clean(&supervisor).objects, 0);
    println!("{DONE}");
}

#[test]
fn the_next_supervisor_notices_exec() {
    with_creator(CREATOR_OF_EXEC);
}

fn exec() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let start = || {
        let (near, far) = Channel::create();
        let child = supervisor.spawn(&mut role(REPLACES_ITSELF), far).unwrap();
        tell(&near, "are you there?");
        next(&near);
        (near, child)
    };
    let (before, after) = (start(), start());
    stop(pid(before.1.id()));
    kill_creator();
    wait_for_peer_closed(&creator);
    // This one was out of touch when the supervisors changed, and is gone before it can greet the new one.
    tell(&before.0, "go");
    kill_process(pid(before.1.id()), Signal::CONT).unwrap();
    tell(&after.0, "go");
    for (channel, mut child) in [before, after] {
        wait_for_peer_closed(&channel);
        assert_eq!(child.try_wait().unwrap(), None, "it lives, as another program");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    println!("{DONE}");
}

fn replaces_itself() {
    use std::os::unix::process::CommandExt;
    let channel = startup_channel();
    next(&channel);
    tell(&channel, "yes");
    next(&channel);
    let sleep = std::process::Command::new("/bin/sleep").arg("50").stdout(Stdio::null()).exec();
    panic!("{sleep}");
}

#[test]
fn open_sockets_do_not_delay_failover() {
    with_creator(CREATOR_THAT_FORKS);
}

fn forks_and_creates() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (ours, theirs) = Channel::create();
    let _survivor = supervisor.spawn(&mut survivor(RECOVERS), theirs).unwrap();
    // Another standby: the survivor is not always the one that takes over.
    let (near, far) = Channel::create();
    let _other = supervisor.spawn(&mut role(ECHO), far).unwrap();
    ping(&near);
    // The survivor has its line before the fork, and so the child inherits the other end.
    ours.wait_one(Signals::CHANNEL_READABLE, FOREVER).unwrap();
    // SAFETY: the child only sleeps, and ends.
    if unsafe { libc::fork() } == 0 {
        // SAFETY: closing descriptors does no harm in a process that uses none afterwards.
        unsafe {
            libc::close(1);
            libc::sleep(20);
            libc::_exit(0);
        }
    }
    serve(&supervisor, &ours);
}

/// Its main thread shows no memory, and its pidfd is not ready: it lives.
#[test]
fn an_ended_main_thread_is_no_exec() {
    with_creator(CREATOR_OF_HEADLESS);
}

fn sees_headless() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let goes_on = tempfile::NamedTempFile::new().unwrap();
    let mut command = role(HEADLESS);
    command.env("SOCKET", supervisor.socket_path()).env("GOES_ON", goes_on.path());
    command.spawn().unwrap().wait().unwrap();
    until(|| supervisor.inspect().processes == 3);
    let dead = kill_creator();
    wait_for_peer_closed(&creator);
    until(|| supervisor.process_id() != Some(dead));
    // Long enough to be looked at as one that is out of touch.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    supervisor.collect().unwrap();
    assert_eq!(clean(&supervisor).processes, 2);
    drop(goes_on);
    until(|| supervisor.inspect().processes == 1);
    println!("{DONE}");
}

fn headless() {
    // SAFETY: the child starts a thread, which does the rest.
    if unsafe { libc::fork() } != 0 {
        return;
    }
    std::thread::spawn(|| {
        attach(std::env::var_os("SOCKET").unwrap()).unwrap();
        let goes_on = std::env::var_os("GOES_ON").unwrap();
        while std::path::Path::new(&goes_on).exists() {
            drop(Event::create());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        std::process::exit(0);
    });
    // SAFETY: ends this thread alone.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

#[test]
fn a_supervisor_may_exit_normally() {
    with_creator(CREATOR_THAT_LEAVES);
}

fn leaves() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (ours, theirs) = Channel::create();
    let _survivor = supervisor.spawn(&mut survivor(LEFT), theirs).unwrap();
    next(&ours);
}

fn left() {
    let creator = startup_channel();
    tell(&creator, "you may go");
    wait_for_peer_closed(&creator);
    let supervisor = Supervisor::get().unwrap();
    until(|| supervisor.process_id() == Some(std::process::id()));
    join(role(JOINS).env("SOCKET", supervisor.socket_path()).spawn().unwrap());
    drop(creator);
    supervisor.collect().unwrap();
    let audit = clean(&supervisor);
    assert_eq!((audit.processes, audit.objects), (1, 0));
    println!("{DONE}");
}
