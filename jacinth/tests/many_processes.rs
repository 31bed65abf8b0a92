//! Very many processes at once: they die, and they lose their leader.
//!
//! The number is 100, or `JACINTH_TEST_PROCESSES`. These tests print their measurements, and do not judge them:
//! `JACINTH_TEST_PROCESSES=800 cargo test --release -p jacinth --test many -- --nocapture --test-threads=1`

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Instant;
use support::*;

#[test]
fn child_main() {
    play(&[("echo", echo), (CREATOR, creates), (SURVIVOR, survive), (ECHOES, echo), (JOINS, join_at_once)]);
}

const CREATOR: &str = "creator of many";
const SURVIVOR: &str = "outlives its parent among many";
const ECHOES: &str = "outlives its parent and echoes";
const JOINS: &str = "outlives its parent and joins";
const DONE: &str = "the survivor is done";

fn count() -> usize {
    std::env::var("JACINTH_TEST_PROCESSES").map_or(100, |count| count.parse().expect("a number"))
}

fn limits(config: &mut Config) {
    config.max_processes = count() as u32 + 16;
    config.max_threads = 4000;
}

fn start(supervisor: &Supervisor, count: usize, name: &str) -> Vec<(Channel, Child)> {
    let started: Vec<_> = (0..count).map(|_| spawn(supervisor, name)).collect();
    started.iter().for_each(|(channel, _)| ping(channel));
    started
}

fn ping(channel: &Channel) {
    tell(channel, "ping");
    assert_eq!(next(channel).bytes(), b"ping");
}

#[test]
fn all_waiters_hear_of_many_deaths() {
    in_arena_of(limits, |supervisor| {
        let mut others = start(supervisor, count(), "echo");
        let begin = Instant::now();
        others.iter_mut().for_each(|(_, child)| child.kill().unwrap());
        let killed = begin.elapsed();
        others.iter().for_each(|(channel, _)| wait_for_peer_closed(channel));
        println!("{} processes: killed within {killed:?}, all told within {:?}", count(), begin.elapsed());
        others.iter_mut().for_each(|(_, child)| assert!(!child.wait().unwrap().success()));
        drop(others);
        let recovered = supervisor.collect().unwrap().processes;
        assert_eq!(recovered as usize, count(), "each once");
        assert_eq!(clean(supervisor).processes, 1);
    });
}

/// Runs a creator, and sees the survivor done.
#[test]
fn many_processes_find_the_next_leader() {
    let mut creator = role(CREATOR).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(creator.stdout.take().unwrap());
    let is_done = said.lines().map(Result::unwrap).any(|line| {
        println!("{line}");
        line.contains(DONE)
    });
    creator.wait().unwrap();
    assert!(is_done);
}

fn creates() {
    let mut config = Config::default();
    limits(&mut config);
    let supervisor = Supervisor::create(&config).unwrap();
    let (ours, theirs) = Channel::create();
    let mut survivor = role(SURVIVOR);
    let _survivor = supervisor.spawn(survivor.stdout(Stdio::inherit()), theirs).unwrap();
    wait_for_peer_closed(&ours);
}

fn survive() {
    let creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    let mut others = start(&supervisor, count() - 2, ECHOES);
    let dead = supervisor.process_id().unwrap();
    let begin = Instant::now();
    kill_process(Pid::from_raw(dead.cast_signed()).unwrap(), Signal::KILL).unwrap();
    let joining = role(JOINS).env("SOCKET", supervisor.socket_path()).spawn().unwrap();
    until(|| supervisor.process_id() != Some(dead));
    let led = begin.elapsed();
    wait_for_peer_closed(&creator);
    let told = begin.elapsed();
    support::join(joining);
    let joined = begin.elapsed();
    supervisor.collect().unwrap();
    println!(
        "{} processes: led again after {led:?}, told of the leader's death after {told:?}, joined after {joined:?}, \
         an answer after {:?}",
        count(),
        begin.elapsed()
    );
    others.iter().for_each(|(channel, _)| ping(channel));
    others.iter_mut().for_each(|(_, child)| child.kill().unwrap());
    others.iter().for_each(|(channel, _)| wait_for_peer_closed(channel));
    println!("{DONE}");
}

fn join_at_once() {
    attach(std::env::var_os("SOCKET").unwrap()).unwrap();
    drop(Event::create());
}
