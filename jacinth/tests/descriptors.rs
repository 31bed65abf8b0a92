//! The library's descriptors in programs that close, by mistake, descriptors of others; and in forked children, which
//! have them too.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use support::*;

#[test]
fn child_main() {
    play(&[
        ("echo", echo),
        ("closes everything", closes_everything),
        ("forks and replaces itself", forks_and_replaces_itself),
        (CREATOR_CLOSES, creator_closes),
        (CREATOR_EXECS, creator_execs),
        (SURVIVES, survives),
    ]);
}

const CREATOR_CLOSES: &str = "creator that closes everything";
const CREATOR_EXECS: &str = "creator that forks and replaces itself";
const SURVIVES: &str = "outlives its parent and looks around";
const DONE: &str = "the survivor is done";

fn ping(channel: &Channel) {
    tell(channel, "ping");
    assert_eq!(next(channel).bytes(), b"ping");
}

/// As `closefrom(3)` does.
fn close_from_3() {
    // SAFETY: an accident of the kind that is tested here.
    assert_eq!(unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) }, 0);
}

/// Closes each number that is open, and opens something else there, which is always ready or never.
fn replace_from_3(with: i32) {
    for number in 3..2048 {
        // SAFETY: as above.
        unsafe {
            if libc::fcntl(number, libc::F_GETFD) >= 0 && number != with {
                assert_eq!(libc::dup2(with, number), number);
            }
        }
    }
}

/// The others live on, are watched, and can be joined, whatever has become of the leader's descriptors.
fn no_process_is_recovered(supervisor: &Supervisor, others: Vec<(Channel, std::process::Child)>) {
    for _ in 0..3 {
        // Longer than it takes to look around once.
        std::thread::sleep(std::time::Duration::from_millis(500));
        others.iter().for_each(|(channel, _)| ping(channel));
    }
    assert_eq!(supervisor.collect().unwrap().processes, 0);
    let (channel, child) = spawn(supervisor, "echo");
    ping(&channel);
    for (channel, mut child) in others.into_iter().chain([(channel, child)]) {
        child.kill().unwrap();
        wait_for_peer_closed(&channel);
        child.wait().unwrap();
    }
    supervisor.collect().unwrap();
    assert_eq!(clean(supervisor).processes, 1);
}

#[test]
fn closed_descriptors_are_no_deaths() {
    in_arena(|supervisor| {
        let others: Vec<_> = (0..3).map(|_| spawn(supervisor, "echo")).collect();
        others.iter().for_each(|(channel, _)| ping(channel));
        close_from_3();
        no_process_is_recovered(supervisor, others);
    });
}

#[test]
fn ready_foreign_files_are_no_deaths() {
    in_arena(|supervisor| {
        let others: Vec<_> = (0..3).map(|_| spawn(supervisor, "echo")).collect();
        others.iter().for_each(|(channel, _)| ping(channel));
        replace_from_3(1);
        no_process_is_recovered(supervisor, others);
    });
}

#[test]
fn foreign_files_hide_no_death() {
    in_arena(|supervisor| {
        let others: Vec<_> = (0..3).map(|_| spawn(supervisor, "echo")).collect();
        others.iter().for_each(|(channel, _)| ping(channel));
        let (quiet, _other_end) = std::os::unix::net::UnixStream::pair().unwrap();
        replace_from_3(std::os::fd::AsRawFd::as_raw_fd(&quiet));
        // It is everywhere by now, its other end included.
        std::mem::forget((quiet, _other_end));
        no_process_is_recovered(supervisor, others);
    });
}

#[test]
fn closed_descriptors_take_no_lead() {
    in_arena(|supervisor| {
        let (channel, mut child) = spawn(supervisor, "closes everything");
        tell(&channel, "close");
        next(&channel);
        for _ in 0..4 {
            std::thread::sleep(std::time::Duration::from_millis(300));
            assert_eq!(supervisor.process_id(), Some(std::process::id()));
            assert_eq!(supervisor.collect().unwrap().processes, 0);
        }
        tell(&channel, "spawn");
        next(&channel);
        child.kill().unwrap();
        wait_for_peer_closed(&channel);
        child.wait().unwrap();
    });
}

fn closes_everything() {
    let channel = startup_channel();
    next(&channel);
    // The library's thread is at rest by then: it has no descriptor in hand for a moment only.
    std::thread::sleep(std::time::Duration::from_millis(300));
    close_from_3();
    tell(&channel, "closed");
    next(&channel);
    let (near, mut child) = spawn(&Supervisor::get().unwrap(), "echo");
    ping(&near);
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_peer_closed(&near);
    tell(&channel, "spawned");
    wait_for_peer_closed(&channel);
}

/// A child that only sleeps, and has its parent's descriptors open.
fn fork_a_sleeper() {
    // SAFETY: the child only sleeps, and ends.
    if unsafe { libc::fork() } == 0 {
        // SAFETY: closing descriptors does no harm in a process that uses none afterwards.
        unsafe {
            libc::close(1);
            libc::sleep(20);
            libc::_exit(0);
        }
    }
}

fn replace_this_process() -> ! {
    let error = std::process::Command::new("/bin/sleep").arg("20").stdout(Stdio::null()).exec();
    panic!("{error}");
}

#[test]
fn exec_is_noticed_despite_open_sockets() {
    in_arena(|supervisor| {
        let (channel, mut child) = spawn(supervisor, "forks and replaces itself");
        tell(&channel, "go");
        wait_for_peer_closed(&channel);
        assert_eq!(child.try_wait().unwrap(), None, "it lives, as another program");
        assert_eq!(supervisor.collect().unwrap().processes, 1);
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

fn forks_and_replaces_itself() {
    let channel = startup_channel();
    next(&channel);
    fork_a_sleeper();
    replace_this_process();
}

/// Runs a creator, and sees the survivor done.
fn with_creator(name: &str) {
    let mut creator = role(name).stdout(Stdio::piped()).spawn().unwrap();
    let said = std::io::BufReader::new(creator.stdout.take().unwrap());
    let is_done = std::io::BufRead::lines(said).any(|line| line.unwrap().contains(DONE));
    creator.kill().unwrap();
    creator.wait().unwrap();
    assert!(is_done);
}

fn start_survivor() -> (Supervisor, Channel) {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (ours, theirs) = Channel::create();
    let mut survivor = role(SURVIVES);
    let _survivor = supervisor.spawn(survivor.stdout(Stdio::inherit()), theirs).unwrap();
    next(&ours);
    (supervisor, ours)
}

#[test]
fn leader_exec_is_noticed_despite_sockets() {
    with_creator(CREATOR_EXECS);
}

fn creator_execs() {
    let _arena = start_survivor();
    fork_a_sleeper();
    replace_this_process();
}

#[test]
fn a_leader_without_descriptors_is_replaced() {
    with_creator(CREATOR_CLOSES);
}

fn creator_closes() {
    let (_supervisor, ours) = start_survivor();
    close_from_3();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    ping(&ours);
    kill_process(Pid::from_raw(std::process::id().cast_signed()).unwrap(), Signal::KILL).unwrap();
}

fn survives() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let leader = supervisor.process_id();
    tell(&creator, "ready");
    loop {
        let seen =
            creator.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
        if !seen.contains(Signals::CHANNEL_READABLE) {
            break;
        }
        assert_eq!(supervisor.process_id(), leader, "it lives");
        let message = next(&creator);
        tell(&creator, message.bytes());
    }
    until(|| supervisor.process_id() == Some(std::process::id()));
    let (channel, mut child) = spawn(&supervisor, "echo");
    ping(&channel);
    child.kill().unwrap();
    wait_for_peer_closed(&channel);
    child.wait().unwrap();
    println!("{DONE}");
}
