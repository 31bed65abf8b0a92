//! Where an arena's socket stands, in whatever surroundings: it comes back when it is removed, leaves nothing behind, and
//! a process that cannot listen there leads all the same.
//!
//! Each test has a folder of its own, in which its processes make their sockets.

#![allow(clippy::zombie_processes, reason = "who dies first is what is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use support::*;
use tempfile::TempDir;

#[test]
fn child_main() {
    play(&[(FOUNDS, founds), (JOINS, joins), (SPAWNED, echo)]);
}

const FOUNDS: &str = "outlives its parent and founds";
const JOINS: &str = "outlives its parent and joins";
const SPAWNED: &str = "outlives its parent and echoes";

/// Names the path that a founder's configuration names.
const NAMED: &str = "JACINTH_TEST_NAMED_PATH";

/// A process of the test: told what to do, a line each, by its standard input; it answers with a line each.
struct Puppet {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Puppet {
    fn new(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut puppet = Self { child, said };
        assert_eq!(puppet.heard(), "ready");
        puppet
    }

    /// What it says next: the first of its lines that is one of its answers, after what the test harness prints.
    fn heard(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some((_, answer)) = line.split_once("answer: ") {
                return answer.trim_end().into();
            }
        }
    }

    fn told(&mut self, what: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{what}").unwrap();
        self.heard()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends in good order.
    fn end(mut self) {
        drop(self.child.stdin.take());
        join(self.child);
    }
}

fn say(answer: &str) {
    println!("answer: {answer}");
}

/// Makes an arena, and is a puppet.
fn founds() {
    let mut config = Config::default();
    config.socket_path = std::env::var_os(NAMED).map(PathBuf::from);
    match Supervisor::create(&config) {
        Ok(_) => be_told(),
        Err(error) => say(&format!("{error}: {}", error.status())),
    }
}

/// Joins, and is a puppet.
fn joins() {
    attach(std::env::var_os("SOCKET").unwrap()).unwrap();
    be_told();
}

fn be_told() {
    say("ready");
    for what in std::io::stdin().lines() {
        let what = what.unwrap();
        let (what, argument) = what.split_once(' ').unwrap_or((&what, ""));
        say(&obey(what, argument));
    }
}

fn obey(what: &str, argument: &str) -> String {
    let supervisor = Supervisor::get().unwrap();
    match what {
        "path" => supervisor.socket_path().to_str().unwrap().into(),
        "leader" => supervisor.process_id().unwrap().to_string(),
        "processes" => supervisor.inspect().processes.to_string(),
        "collect" => supervisor.collect().map_or_else(|status| status.to_string(), |_| "collected".into()),
        "audit" => supervisor.audit().to_string(),
        "spawn" => {
            let (near, far) = Channel::create().unwrap();
            match supervisor.spawn(&mut role(SPAWNED), far) {
                Ok(_) => {
                    tell(&near, "hello");
                    String::from_utf8(next(&near).bytes().into()).unwrap()
                }
                Err(error) => error.to_string(),
            }
        }
        "chroot" => {
            rustix::process::chroot(argument).unwrap();
            std::env::set_current_dir("/").unwrap();
            "done".into()
        }
        "setuid" => {
            // SAFETY: it changes who this process is, and nothing in its memory.
            let done = unsafe { libc::setuid(argument.parse().unwrap()) };
            assert_eq!(done, 0);
            "done".into()
        }
        _ => panic!("{what}?"),
    }
}

/// A founder whose sockets are in `base`.
fn founder_in(base: &Path) -> Command {
    let mut command = role(FOUNDS);
    command.env("TMPDIR", base).env_remove("XDG_RUNTIME_DIR").env_remove(NAMED);
    command
}

/// A founder who names its socket's path.
fn founder_at(path: &Path) -> Command {
    let mut command = founder_in(path.parent().unwrap());
    command.env(NAMED, path);
    command
}

fn joiner(socket: &str) -> Command {
    let mut command = role(JOINS);
    command.env("SOCKET", socket);
    command
}

/// What a founder says that cannot make its arena.
fn refused(mut command: Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    join(child);
    said.split_once("answer: ").unwrap().1.lines().next().unwrap().into()
}

fn left_in(base: &Path) -> Vec<PathBuf> {
    fs::read_dir(base).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A new process can join.
fn admits(socket: &str) -> bool {
    let mut child = joiner(socket).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.wait().unwrap().success()
}

fn until_admits(socket: &str) {
    eventually(|| admits(socket));
}

/// Looks again and again until `condition` holds; if it never does, the test has failed.
fn eventually(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(50), "it never does");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("not tried: it takes root");
    }
    is_root
}

// Where it stands.

#[test]
fn the_users_runtime_folder_comes_first() {
    let (runtime, base) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let found = |mode: u32| {
        fs::set_permissions(runtime.path(), Permissions::from_mode(mode)).unwrap();
        let mut command = founder_in(base.path());
        command.env("XDG_RUNTIME_DIR", runtime.path());
        let mut founder = Puppet::new(command);
        let path = founder.told("path");
        assert!(admits(&path));
        founder.end();
        PathBuf::from(path)
    };
    assert!(found(0o700).starts_with(runtime.path()));
    assert!(found(0o755).starts_with(base.path()), "others can look into it");
}

#[test]
fn a_tight_umask_takes_nothing_away() {
    let base = TempDir::new().unwrap();
    let mut founder = founder_in(base.path());
    // SAFETY: umask(2) may be called between fork and exec.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut founder, || Ok(_ = libc::umask(0o777))) };
    let mut founder = Puppet::new(founder);
    let path = founder.told("path");
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(Path::new(&path)), 0o600);
    assert_eq!(mode(Path::new(&path).parent().unwrap()), 0o700);
    assert!(admits(&path));
    founder.end();
}

#[test]
fn paths_of_any_length_work_from_beginning_to_end() {
    for length in [70, 78, 90, 95, 100, 106, 108, 200, 700] {
        let above = TempDir::new().unwrap();
        let mut base = above.path().join("x");
        while base.as_os_str().len() < length {
            let missing = length - base.as_os_str().len();
            base.as_mut_os_string().push(if missing > 1 { "/" } else { "" });
            base.as_mut_os_string().push("x".repeat((missing.max(2) - 1).min(50)));
        }
        fs::create_dir_all(&base).unwrap();
        let mut founder = Puppet::new(founder_in(&base));
        let path = founder.told("path");
        let mut successor = Puppet::new(joiner(&path));
        founder.kill();
        until_admits(&path);
        assert_eq!(successor.told("spawn"), "hello");
        successor.end();
    }
}

#[test]
fn a_name_that_is_too_long_is_refused_at_once() {
    let base = TempDir::new().unwrap();
    for length in [96, 108, 200] {
        let said = refused(founder_at(&base.path().join("n".repeat(length))));
        assert!(said.contains("108 bytes, the limit of a socket's address"), "{said}");
    }
    assert_eq!(left_in(base.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_service_that_is_started_again_is_found_where_it_was() {
    let base = TempDir::new().unwrap();
    let path = base.path().join("made for it/service");
    let first = Puppet::new(founder_at(&path));
    assert!(admits(path.to_str().unwrap()));
    // It leaves a socket at which nobody listens.
    first.kill();
    assert!(path.exists() && !admits(path.to_str().unwrap()));
    let second = Puppet::new(founder_at(&path));
    assert!(admits(path.to_str().unwrap()));
    second.end();
    assert_eq!(left_in(path.parent().unwrap()), [] as [PathBuf; 0]);
}

#[test]
fn a_path_where_an_arena_lives_is_refused() {
    let base = TempDir::new().unwrap();
    let path = base.path().join("service");
    let founder = Puppet::new(founder_at(&path));
    let member = Puppet::new(joiner(path.to_str().unwrap()));
    kill_process(founder.pid(), Signal::STOP).unwrap();
    let said = refused(founder_at(&path));
    let expected = ["service", "join it", &founder.pid().as_raw_nonzero().to_string(), "ALREADY_EXISTS"];
    assert!(expected.iter().all(|word| said.contains(word)), "{said}");
    // With its leader dead, and nobody able to succeed it, the arena lives.
    kill_process(member.pid(), Signal::STOP).unwrap();
    founder.kill();
    let said = refused(founder_at(&path));
    assert!(said.contains("processes are attached"), "{said}");
    member.kill();
    Puppet::new(founder_at(&path)).end();
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let base = TempDir::new().unwrap();
    let set = |mode: u32| fs::set_permissions(base.path(), Permissions::from_mode(mode)).unwrap();
    set(0o777);
    let said = refused(founder_at(&base.path().join("service")));
    assert!(said.contains("ACCESS_DENIED") && said.contains("safe"), "{said}");
    // What is in a sticky folder is its maker's.
    set(0o1777);
    Puppet::new(founder_at(&base.path().join("service"))).end();
}

#[test]
fn what_is_no_socket_is_not_replaced() {
    let base = TempDir::new().unwrap();
    let path = base.path().join("precious");
    fs::write(&path, "precious").unwrap();
    let said = refused(founder_at(&path));
    assert!(said.contains("no socket"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(left_in(base.path()), [path]);
}

// When it is removed.

#[test]
fn a_folder_that_is_removed_comes_back() {
    let base = TempDir::new().unwrap();
    let mut founder = Puppet::new(founder_in(base.path()));
    let path = founder.told("path");
    for _ in 0..3 {
        fs::remove_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        until_admits(&path);
    }
    fs::remove_file(&path).unwrap();
    until_admits(&path);
    fs::rename(Path::new(&path).parent().unwrap(), base.path().join("elsewhere")).unwrap();
    until_admits(&path);
    assert_eq!(founder.told("collect"), "collected");
    founder.end();
}

// What is left.

#[test]
fn the_last_that_ends_leaves_nothing() {
    let base = TempDir::new().unwrap();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let mut founder = Puppet::new(founder_in(base.path()));
        let path = founder.told("path");
        let mut all = [Some(founder), Some(Puppet::new(joiner(&path))), Some(Puppet::new(joiner(&path)))];
        for index in order {
            assert!(Path::new(&path).parent().unwrap().exists());
            all[index].take().unwrap().end();
        }
        assert_eq!(left_in(base.path()), [] as [PathBuf; 0], "{order:?}");
    }
}

#[test]
fn of_all_that_end_at_once_one_is_the_last() {
    let base = TempDir::new().unwrap();
    for _ in 0..10 {
        let mut founder = Puppet::new(founder_in(base.path()));
        let path = founder.told("path");
        let mut all: Vec<_> = [(); 4].map(|()| Puppet::new(joiner(&path))).into();
        all.push(founder);
        all.iter_mut().for_each(|puppet| drop(puppet.child.stdin.take()));
        all.into_iter().for_each(Puppet::end);
        assert_eq!(left_in(base.path()), [] as [PathBuf; 0]);
    }
}

#[test]
fn the_next_arena_removes_what_the_dead_have_left() {
    let base = TempDir::new().unwrap();
    let found = || Puppet::new(founder_in(base.path()));
    let (dead, stopped, mut headless) = (found(), found(), found());
    let member = Puppet::new(joiner(&headless.told("path")));
    fs::create_dir(base.path().join("jacinth-theirs")).unwrap();
    fs::create_dir(base.path().join("jacinth-fresh1")).unwrap();
    // Nobody has the socket of this one, nor can anybody take it: it lives all the same.
    kill_process(member.pid(), Signal::STOP).unwrap();
    headless.kill();
    kill_process(stopped.pid(), Signal::STOP).unwrap();
    dead.kill();
    let next = found();
    // The stopped one's, that without a leader, the new one, and two that are no arena's, or may become one.
    assert_eq!(left_in(base.path()).len(), 5);
    next.end();
    stopped.kill();
    member.kill();
    found().end();
    assert_eq!(left_in(base.path()).len(), 2);
}

// Who cannot listen leads.

/// A founder and two members, who watch it.
fn three(base: &Path) -> (Puppet, String, Puppet, Puppet) {
    let mut founder = Puppet::new(founder_in(base));
    let path = founder.told("path");
    let (first, second) = (Puppet::new(joiner(&path)), Puppet::new(joiner(&path)));
    (founder, path, first, second)
}

fn until_led_by(who: &mut Puppet, leader: Pid) {
    eventually(|| who.told("leader") == leader.as_raw_nonzero().to_string());
}

fn until_led_by_another(who: &mut Puppet, dead: &str) {
    eventually(|| who.told("leader") != dead);
}

fn until_alone(who: &mut Puppet) {
    eventually(|| who.told("processes") == "1");
}

#[test]
fn who_cannot_have_the_path_leads_and_admits_later() {
    let base = TempDir::new().unwrap();
    let (founder, path, mut first, second) = three(base.path());
    // Nothing can be made in a file.
    let folder = Path::new(&path).parent().unwrap();
    fs::remove_dir_all(folder).unwrap();
    fs::write(folder, "").unwrap();
    let dead = founder.pid().as_raw_nonzero().to_string();
    founder.kill();
    until_led_by_another(&mut first, &dead);
    assert_eq!(first.told("collect"), "collected");
    assert!(!admits(&path));
    let refused = first.told("spawn");
    assert!(refused.contains("could not join") && refused.contains(&path), "{refused}");
    // Whichever of them leads, it hears of the other's death.
    second.kill();
    until_alone(&mut first);
    fs::remove_file(folder).unwrap();
    until_admits(&path);
    assert_eq!(first.told("spawn"), "hello");
    first.end();
}

#[test]
fn a_sandbox_leads_and_is_led() {
    if !is_root() {
        return;
    }
    let (base, jail) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for sandbox in [&[format!("chroot {}", jail.path().display())][..], &["setuid 65534".into()]] {
        let (founder, path, mut first, mut second) = three(base.path());
        for puppet in [&mut first, &mut second] {
            sandbox.iter().for_each(|what| assert_eq!(puppet.told(what), "done"));
        }
        let mut outside = Puppet::new(joiner(&path));
        // It is led by one that can listen, which has precedence.
        founder.kill();
        until_led_by(&mut first, outside.pid());
        until_admits(&path);
        for puppet in [&mut first, &mut second, &mut outside] {
            assert_eq!(puppet.told("collect"), "collected");
        }
        // And then leads.
        let led_by = outside.pid().as_raw_nonzero().to_string();
        outside.kill();
        until_led_by_another(&mut second, &led_by);
        for puppet in [&mut first, &mut second] {
            assert_eq!(puppet.told("collect"), "collected");
        }
        assert!(!admits(&path));
        second.kill();
        until_alone(&mut first);
        assert_eq!(first.told("collect"), "collected");
        assert!(first.told("audit").contains("1 processes"));
        first.kill();
    }
}

// What dropping a supervisor does.

#[test]
fn an_arena_lives_without_the_value_that_made_it() {
    alone(|| {
        Supervisor::create(&Config::default()).unwrap();
        let supervisor = Supervisor::get().unwrap();
        let (channel, child) = spawn(&supervisor, SPAWNED);
        tell(&channel, "hello");
        assert_eq!(next(&channel).bytes(), b"hello");
        assert!(supervisor.socket_path().exists());
        drop(channel);
        join(child);
    });
}
