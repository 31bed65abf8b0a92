//! Processes under a test's command, each in an arena: a creator makes the arena, a member joins it by its path, and a
//! caller joins or makes it by its name.
#![allow(dead_code, reason = "each test file uses a part of this")]

use super::*;
use rustix::process::Pid;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

const CREATES: &str = "outlives its parent and creates";
const JOINS: &str = "outlives its parent and joins";
pub const SPAWNED: &str = "outlives its parent and echoes";

const CALLS: &str = "outlives its parent and calls a name";

/// The roles of commanded children, and of the programs that they spawn.
pub const ROLES: [(&str, fn()); 4] = [(CREATES, creates), (JOINS, joins), (CALLS, calls), (SPAWNED, echo)];

/// Names the path that a creator's configuration names.
const NAMED: &str = "JACINTH_TEST_NAMED_PATH";

/// A process of the test. It reads one command a line from its standard input, and answers with one line each.
pub struct CommandedChild {
    pub child: Child,
    said: BufReader<ChildStdout>,
}

impl CommandedChild {
    pub fn new(command: Command) -> Self {
        Self::begin(command).ready()
    }

    /// Starts it, and does not wait until it is in an arena.
    pub fn begin(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Waits until it is in an arena.
    pub fn ready(mut self) -> Self {
        assert_eq!(self.heard(), "ready");
        self
    }

    /// Whether it has said something that was not heard yet.
    pub fn has_spoken(&self, within: Duration) -> bool {
        let timeout = rustix::event::Timespec::try_from(within).unwrap();
        let mut fds = [rustix::event::PollFd::new(self.said.get_ref(), rustix::event::PollFlags::IN)];
        !self.said.buffer().is_empty() || rustix::event::poll(&mut fds, Some(&timeout)).unwrap() > 0
    }

    /// Its next answer. Lines of the test harness are skipped.
    pub fn heard(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some((_, answer)) = line.split_once("answer: ") {
                return answer.trim_end().into();
            }
        }
    }

    pub fn told(&mut self, what: &str) -> String {
        self.tell(what);
        self.heard()
    }

    pub fn tell(&mut self, what: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{what}").unwrap();
    }

    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends in good order.
    pub fn end(mut self) {
        drop(self.child.stdin.take());
        join(self.child);
    }
}

pub fn say(answer: &str) {
    println!("answer: {answer}");
}

/// Makes an arena, and obeys commands.
fn creates() {
    let mut config = Config::default();
    config.socket_path = std::env::var_os(NAMED).map(PathBuf::from);
    match Supervisor::create(&config) {
        Ok(_) => be_told(),
        Err(error) => say(&format!("{error}: {}", error.status())),
    }
}

/// Joins, and obeys commands.
fn joins() {
    attach(std::env::var_os("SOCKET").unwrap()).unwrap();
    be_told();
}

/// Joins the arena of a name, or makes it, and obeys commands. With `WAITS` it names its thread first, and
/// waits for a word; with `START` it waits for a shared lock on that file.
fn calls() {
    wait_if_stepped();
    if let Some(start) = std::env::var_os("START") {
        let start = fs::File::open(start).unwrap();
        rustix::fs::flock(&start, rustix::fs::FlockOperation::LockShared).unwrap();
    }
    let mut config = Config::default();
    config.max_processes = std::env::var("MAX_PROCESSES").map_or(64, |number| number.parse().unwrap());
    match join_or_create_with(std::env::var_os("NAME").unwrap(), &config) {
        Ok(_) => be_told(),
        Err(error) => say(&format!("{error}: {}", error.status())),
    }
}

/// Names this thread, and waits for a word, in a process that is to be stepped.
pub fn wait_if_stepped() {
    if std::env::var_os("WAITS").is_some() {
        say(&rustix::thread::gettid().as_raw_nonzero().to_string());
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

pub fn be_told() {
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
        "maker" => supervisor.is_creator().to_string(),
        "arena" => arena_file().to_string(),
        "max_processes" => supervisor.config().max_processes.to_string(),
        "leader" => supervisor.process_id().unwrap().to_string(),
        "processes" => supervisor.inspect().processes.to_string(),
        "collect" => supervisor.collect().map_or_else(|status| status.to_string(), |_| "collected".into()),
        "audit" => supervisor.audit().to_string(),
        "spawn" => {
            let (near, far) = Channel::create();
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
        "fork" => {
            // SAFETY: the child only sleeps until it is killed.
            match unsafe { nix::unistd::fork() }.unwrap() {
                nix::unistd::ForkResult::Parent { child } => child.to_string(),
                nix::unistd::ForkResult::Child => {
                    std::thread::sleep(Duration::from_secs(50));
                    // SAFETY: it ends the process.
                    unsafe { libc::_exit(0) }
                }
            }
        }
        "setuid" => {
            // SAFETY: it changes the user of this process, and no memory.
            let done = unsafe { libc::setuid(argument.parse().unwrap()) };
            assert_eq!(done, 0);
            "done".into()
        }
        _ => panic!("{what}?"),
    }
}

/// The number of the file of this process's arena, which no other arena of this time has.
pub fn arena_file() -> u64 {
    let maps = procfs::process::Process::myself().unwrap().maps().unwrap();
    let is_arena = |map: &procfs::process::MemoryMap| matches!(&map.pathname, procfs::process::MMapPath::Path(path) if path.to_string_lossy().contains("jacinth-arena"));
    maps.iter().find(|map| is_arena(map)).expect("an arena").inode
}

/// A process that calls `name`, with its folder in `base`.
pub fn caller(base: &Path, name: &str) -> Command {
    let mut command = role(CALLS);
    command.env("TMPDIR", base).env_remove("XDG_RUNTIME_DIR").env("NAME", name);
    command
}

/// A creator with its sockets in `base`.
pub fn creator_in(base: &Path) -> Command {
    let mut command = role(CREATES);
    command.env("TMPDIR", base).env_remove("XDG_RUNTIME_DIR").env_remove(NAMED);
    command
}

/// A creator that names its socket's path.
pub fn creator_at(path: &Path) -> Command {
    let mut command = creator_in(path.parent().unwrap());
    command.env(NAMED, path);
    command
}

pub fn member_at(socket: &str) -> Command {
    let mut command = role(JOINS);
    command.env("SOCKET", socket);
    command
}

/// The answer of a creator that cannot make its arena.
pub fn refused(mut command: Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    join(child);
    said.split_once("answer: ").unwrap().1.lines().next().unwrap().into()
}

pub fn left_in(base: &Path) -> Vec<PathBuf> {
    fs::read_dir(base).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// A new process can join.
pub fn admits(socket: &str) -> bool {
    let mut child = member_at(socket).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.wait().unwrap().success()
}

pub fn until_admits(socket: &str) {
    eventually(|| admits(socket));
}

/// Looks again and again until `condition` holds; if it never does, the test has failed.
pub fn eventually(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(50), "it never does");
        std::thread::sleep(Duration::from_millis(2));
    }
}
