//! A Rust and a C program in one arena: the Rust half. `with_rust.c` is the C half.

use jacinth::*;
use std::process::{Child, Command, ExitStatus};

/// The role of this binary, if it does not run the tests.
pub const ROLE: &str = "JACINTH_TEST_ROLE";
/// The variable with the path of this binary, for C programs.
pub const THIS_PROGRAM: &str = "JACINTH_TEST_RUST";
/// The variable with the path of the compiled `with_rust.c`, for this binary in a role.
pub const C_PROGRAM: &str = "JACINTH_TEST_C";

/// The roles that are tests.
pub const TESTS: [(&str, fn()); 2] =
    [("a_rust_program_spawns_c", spawn_a_c_program), ("a_killed_c_program_closes_handles", kill_a_c_program)];

/// Plays the role.
pub fn play(role: &str) {
    // A parent that hangs is killed, and this process with it.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).unwrap();
    let others: [(&str, fn()); 2] = [("partner", partner), ("holds", hold)];
    let (_, play) = TESTS.iter().chain(&others).find(|(name, _)| *name == role).expect("a role");
    play();
}

/// Starts the C program in a role, and makes a channel to it.
fn spawn_c(supervisor: &Supervisor, role: &str) -> (Channel, Child) {
    let (ours, theirs) = Channel::create();
    let mut command = Command::new(std::env::var_os(C_PROGRAM).expect("a path"));
    let child = supervisor.spawn(command.args(["--role", role]), theirs).unwrap();
    (ours, child)
}

fn next(channel: &Channel) -> MessageBuf {
    let mut message = MessageBuf::new();
    channel.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::INFINITE).unwrap();
    channel.read(&mut message).unwrap();
    message
}

fn call(channel: &Channel, question: &[u8], answer: &[u8]) {
    let mut reply = MessageBuf::new();
    let request = [&[0; 4], question].concat();
    channel.call(MonotonicInstant::INFINITE, &request, &mut [], &mut reply).unwrap();
    assert_eq!(&reply.bytes()[4..], answer);
}

fn answer(channel: &Channel, question: &[u8], answer: &[u8]) {
    let request = next(channel);
    let (id, text) = request.bytes().split_at(4);
    assert_eq!(text, question);
    channel.write(&[id, answer].concat(), &mut []).unwrap();
}

fn spawn_a_c_program() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (channel, mut child) = spawn_c(&supervisor, "partner");
    let event = Event::create();
    let sent = event.duplicate(Rights::SIGNAL | Rights::TRANSFER).unwrap();
    channel.write(b"", &mut [sent.into()]).unwrap();
    event.wait_one(Signals::USER_3, MonotonicInstant::INFINITE).unwrap();
    let mut message = next(&channel);
    assert_eq!(message.bytes(), event.koid().unwrap().raw_koid().to_ne_bytes());
    let theirs = message.take_handle(0).unwrap();
    let info = theirs.basic_info().unwrap();
    assert_eq!((info.object_type, info.rights), (ObjectType::EVENT, Rights::EVENT_DEFAULT));
    theirs.wait_one(Signals::USER_5, MonotonicInstant::INFINITE_PAST).unwrap();
    call(&channel, b"ping", b"pong");
    answer(&channel, b"question", b"answer");
    drop(channel);
    assert!(child.wait().unwrap().success());
    supervisor.collect().unwrap();
    let audit = supervisor.audit();
    assert!(audit.is_clean() && audit.processes == 1, "{audit}");
}

fn kill_a_c_program() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (channel, mut child) = spawn_c(&supervisor, "holds");
    let (kept, sent) = EventPair::create();
    channel.write(b"", &mut [sent.into()]).unwrap();
    assert_eq!(next(&channel).bytes(), b"mine");
    child.kill().unwrap();
    kept.wait_one(Signals::EVENTPAIR_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
    channel.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
    let _killed: ExitStatus = child.wait().unwrap();
    let report = supervisor.collect().unwrap();
    assert_eq!(report.processes, 1, "{report}");
    drop((channel, kept));
    let audit = supervisor.audit();
    assert!(audit.is_clean() && audit.processes == 1 && audit.objects == 0, "{audit}");
}

fn partner() {
    let channel = Channel::from(take_startup_handle().unwrap());
    let event = Event::try_from(Handle::try_from(next(&channel).take_handle(0).unwrap()).unwrap()).unwrap();
    assert_eq!(event.basic_info().unwrap().rights, Rights::SIGNAL | Rights::TRANSFER);
    let own = Event::create();
    event.signal(Signals::NONE, Signals::USER_3).unwrap();
    own.signal(Signals::NONE, Signals::USER_5).unwrap();
    let koid = event.koid().unwrap().raw_koid().to_ne_bytes();
    channel.write(&koid, &mut [own.into()]).unwrap();
    answer(&channel, b"ping", b"pong");
    call(&channel, b"question", b"answer");
    channel.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE).unwrap();
}

fn hold() {
    let channel = Channel::from(take_startup_handle().unwrap());
    let _held = next(&channel);
    channel.write(b"mine", &mut []).unwrap();
    MonotonicInstant::INFINITE.sleep();
}
