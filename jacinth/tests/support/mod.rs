//! How these tests run: each in a process of its own, with an arena of its own, that is watched from outside.
//!
//! A process has one attachment, and an audit wants a quiet arena. So [`in_arena`] runs its test's body in a new
//! process: the test binary again, told to run only that test. Whatever happens there (a crash, a hang, a
//! poisoned arena) is that test's failure and no other's. The arena is audited at the end, always.
//!
//! Other processes of a test are the binary again too, running its `child_main` in a [`role`].
#![allow(dead_code, reason = "each test file uses a part of this")]

pub mod commanded_child;
pub mod guessed_values;
pub mod stepped;

use jacinth::*;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The deadline of waits that must end by themselves. The watchdog kills a test that hangs.
pub const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;

/// Names the test that a process of its own runs.
const ALONE: &str = "JACINTH_TEST_ALONE";
/// Names the role that a spawned process plays.
const ROLE: &str = "JACINTH_TEST_ROLE";
/// A test that takes longer hangs. No test takes nearly as long.
const HANG: Duration = Duration::from_secs(60);

/// Runs `body` in a process of its own, attached to an arena of the default size, which is audited afterwards.
pub fn in_arena<F: FnOnce(&Supervisor)>(body: F) {
    with_config::<F>(Config::default(), body);
}

/// As [`in_arena`], in an arena with other limits.
pub fn in_arena_of<F: FnOnce(&Supervisor)>(limits: impl FnOnce(&mut Config), body: F) {
    let mut config = Config::default();
    limits(&mut config);
    with_config::<F>(config, body);
}

fn with_config<F: FnOnce(&Supervisor)>(config: Config, body: F) {
    run_alone(&test_of::<F>(), || {
        let supervisor = Supervisor::create(&config).unwrap();
        body(&supervisor);
        clean(&supervisor);
    });
}

/// Runs `body` in an unattached process of its own.
pub fn alone<F: FnOnce()>(body: F) {
    run_alone(&test_of::<F>(), body);
}

/// The test function in which the closure `F` stands.
fn test_of<F>() -> String {
    let path = std::any::type_name::<F>();
    let path = path.strip_suffix("::{{closure}}").expect("a test's body is a closure in the test");
    path.split_once("::").expect("a crate and a function").1.to_owned()
}

fn run_alone(name: &str, body: impl FnOnce()) {
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        watch_over_this_process();
        die_with_parent();
        return body();
    }
    let mut output = tempfile::tempfile().unwrap();
    let mut child = this_program(name)
        .env(ALONE, name)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output.try_clone().unwrap())
        .spawn()
        .unwrap();
    let status = ended(&mut child);
    let output = {
        let mut text = Vec::new();
        output.rewind().unwrap();
        output.read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    };
    match status {
        Some(status) if status.success() => {
            assert!(output.contains(" 1 passed"), "{name} did not run\n{output}")
        }
        Some(status) => panic!("{name}: {status}\n{output}"),
        None => panic!("{name} hangs\n{output}"),
    }
}

/// How the process ended; `None` if it had to be killed.
fn ended(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < HANG {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

fn this_program(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    command.env_remove(SOCKET_VARIABLE).env_remove(SLOT_VARIABLE);
    command
}

/// A role with this prefix goes on when its parent is gone.
pub const OUTLIVES: &str = "outlives its parent";

fn die_with_parent() {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
}

/// Ends this process if it hangs.
fn watch_over_this_process() {
    std::thread::spawn(|| {
        std::thread::sleep(HANG - Duration::from_secs(5));
        eprintln!("process {} hangs", std::process::id());
        std::process::abort();
    });
}

/// A process of this test file in the role `name`, to be spawned.
pub fn role(name: &str) -> Command {
    let mut command = this_program("child_main");
    command.env(ROLE, name).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The body of each file's `child_main`: plays the role that this process was started in, if that is one of the `roles`.
pub fn play(roles: &[(&str, fn())]) {
    let Ok(name) = std::env::var(ROLE) else { return };
    watch_over_this_process();
    if !name.starts_with(OUTLIVES) {
        die_with_parent();
    }
    let (_, play) = roles.iter().find(|(role, _)| *role == name).expect("a role of this file");
    play();
}

/// Spawns a process in the role `name`, with the other end of the channel that this gives.
pub fn spawn(supervisor: &Supervisor, name: &str) -> (Channel, Child) {
    let (ours, theirs) = Channel::create();
    let child = supervisor.spawn(&mut role(name), theirs).unwrap();
    (ours, child)
}

/// The channel that this process was spawned with.
pub fn startup_channel() -> Channel {
    take_startup_handle().unwrap().into()
}

/// Waits for the process, which must end well.
pub fn join(mut child: Child) {
    let status = ended(&mut child).expect("the process ends");
    assert!(status.success(), "{status}");
}

/// Kills the process and sees it recovered.
pub fn kill(supervisor: &Supervisor, mut child: Child) -> CollectReport {
    child.kill().unwrap();
    child.wait().unwrap();
    supervisor.collect().unwrap()
}

/// An audit, which must be clean.
pub fn clean(supervisor: &Supervisor) -> Audit {
    let audit = supervisor.audit();
    assert!(audit.is_clean(), "{audit}");
    audit
}

/// Live objects.
pub fn objects(supervisor: &Supervisor) -> u32 {
    supervisor.inspect().objects
}

/// Stops a process, and waits until each of its threads has stopped. The signal alone does not wait: a thread that runs
/// on another processor goes on for a moment.
pub fn stop(pid: rustix::process::Pid) {
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let process = procfs::process::Process::new(pid.as_raw_nonzero().get()).unwrap();
    let is_stopped = |thread: procfs::ProcResult<procfs::process::Task>| {
        thread.and_then(|thread| thread.stat()).is_ok_and(|stat| stat.state == 'T')
    };
    until(|| process.tasks().unwrap().all(is_stopped));
}

/// Looks again and again until `condition` holds. If it never does, the watchdog ends the test.
pub fn until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Runs `wait` in a thread, and gives that thread once it sleeps in the kernel, or at least went to sleep once
/// since the call. No other thread may sleep in the arena meanwhile.
pub fn asleep<'scope, T: Send + 'scope>(
    scope: &'scope std::thread::Scope<'scope, '_>,
    supervisor: &Supervisor,
    wait: impl FnOnce() -> T + Send + 'scope,
) -> std::thread::ScopedJoinHandle<'scope, T> {
    let before = supervisor.counters().sleeps;
    let waiter = scope.spawn(move || {
        set_spin(MonotonicDuration::ZERO);
        wait()
    });
    until(|| supervisor.counters().sleeps > before || waiter.is_finished());
    waiter
}

pub fn event() -> NullableHandle {
    Event::create().into()
}

/// The channel's next message, waited for.
pub fn next(channel: &Channel) -> MessageBuf {
    let seen = channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
    let mut message = MessageBuf::new();
    channel.read(&mut message).unwrap_or_else(|status| panic!("{status}, having seen {seen:?}"));
    message
}

/// Writes bytes alone.
pub fn tell(channel: &Channel, bytes: impl AsRef<[u8]>) {
    channel.write(bytes.as_ref(), &mut []).unwrap();
}

pub fn wait_for_peer_closed(channel: &impl AsHandleRef) {
    channel.as_handle_ref().wait_one(Signals::OBJECT_PEER_CLOSED, FOREVER).unwrap();
}

/// Random numbers: the same ones in every run, or others with `JACINTH_TEST_SEED`.
pub fn random(seed: u64) -> fastrand::Rng {
    let more = std::env::var("JACINTH_TEST_SEED").map_or(0, |seed| seed.parse().expect("a number"));
    fastrand::Rng::with_seed(seed ^ more << 16)
}

/// Makes things until it cannot.
pub fn until_refused<T>(mut make: impl FnMut() -> Result<T, Status>) -> (Vec<T>, Status) {
    let mut made = Vec::new();
    loop {
        match make() {
            Ok(thing) => made.push(thing),
            Err(status) => return (made, status),
        }
    }
}

/// Four threads at once make events until they cannot.
pub fn events_of_four_threads() -> Vec<Event> {
    let barrier = std::sync::Barrier::new(4);
    let until_none_is_left = || {
        barrier.wait();
        let (events, status) = until_refused(Event::try_create);
        assert_eq!(status, Status::NO_RESOURCES);
        events
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(until_none_is_left)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

pub fn bytes_of(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 31 + seed * 7 + len) as u8).collect()
}

pub fn events(count: usize) -> Vec<NullableHandle> {
    (0..count).map(|_| event()).collect()
}

/// One side of an event pair to send, and the other to see by whether it was closed.
pub fn canary() -> (EventPair, NullableHandle) {
    let (ours, theirs) = EventPair::create();
    (ours, theirs.into())
}

pub fn is_closed(canary: &EventPair) -> bool {
    canary.wait_one(Signals::EVENTPAIR_PEER_CLOSED, MonotonicInstant::INFINITE_PAST).is_ok()
}

/// Sends every message back, with its handles, until the other end closes.
pub fn echo() {
    let channel = startup_channel();
    while channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).is_ok() {
        let mut message = MessageBuf::new();
        if channel.read(&mut message).is_err() {
            return;
        }
        let mut handles = message.take_handles();
        let _ = channel.write(message.bytes(), &mut handles);
    }
}
