//! Seats: slots with a startup handle for programs that others start.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use support::commanded_child::*;
use support::stepped::Stepped;
use support::*;
use tempfile::TempDir;

const TAKES: &str = "takes its seat";
const GREETS: &str = "greets";
const PREPARES: &str = "prepares a seat";

#[test]
fn child_main() {
    let mut roles = ROLES.to_vec();
    roles.extend([(TAKES, takes as fn()), (GREETS, greets), (PREPARES, prepares)]);
    play(&roles);
}

/// Takes its startup handle, and says what it got; then it obeys commands.
fn takes() {
    wait_if_stepped();
    let taken = take_startup_handle();
    match &taken {
        Ok(handle) => say(&format!("handle {}", handle.basic_info().unwrap().koid.raw_koid())),
        Err(AttachError::LostSeat { reason, .. }) => say(&format!("{reason:?}")),
        Err(error) => say(&error.to_string()),
    }
    be_told();
}

fn greets() {
    tell(&startup_channel(), "hello");
}

/// Its parent is the arena's other process, and gets the text of a seat.
fn prepares() {
    let parent = startup_channel();
    let (near, far) = Channel::create();
    let seat = Supervisor::get().unwrap().prepare(far).unwrap();
    let [_, (_, text)] = seat.variables();
    parent.write(text.to_str().unwrap().as_bytes(), &mut [near.into()]).unwrap();
    wait_for_peer_closed(&parent);
}

/// A seat with one end of a channel, whose koid comes along.
fn seat_of(supervisor: &Supervisor) -> (Channel, u64, Seat) {
    let (ours, theirs) = Channel::create();
    let koid = theirs.basic_info().unwrap().koid.raw_koid();
    (ours, koid, supervisor.prepare(theirs).unwrap())
}

fn text_of(seat: &Seat) -> String {
    let [_, (name, text)] = seat.variables();
    assert_eq!(name, SLOT_VARIABLE);
    text.into_string().unwrap()
}

/// A program with these variables, and what it got.
fn taken(variables: impl IntoIterator<Item = (&'static str, OsString)>) -> (CommandedChild, String) {
    let mut command = role(TAKES);
    command.envs(variables);
    let mut child = CommandedChild::begin(command);
    let got = child.heard();
    (child.ready(), got)
}

fn ends(child: CommandedChild, ours: &Channel) {
    child.end();
    wait_for_peer_closed(ours);
}

// Programs that others start.

#[test]
fn a_command_takes_its_seat() {
    in_arena(|supervisor| {
        let (ours, koid, seat) = seat_of(supervisor);
        assert!(seat.is_free());
        let mut command = role(TAKES);
        seat.prepare(&mut command);
        let mut child = CommandedChild::begin(command);
        assert_eq!(child.heard(), format!("handle {koid}"));
        let mut child = child.ready();
        assert!(!seat.is_free());
        drop(seat);
        assert_eq!(child.told("processes"), "2");
        assert!(!is_closed_channel(&ours));
        ends(child, &ours);
    });
}

fn is_closed_channel(channel: &Channel) -> bool {
    channel.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE_PAST).is_ok()
}

/// The words of a program in a role, and a shell that gets them as `$0` and `$@`.
fn shell(script: impl Into<OsString>, program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script.into()).arg(program.get_program()).args(program.get_args());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env_remove(SOCKET_VARIABLE).env_remove(SLOT_VARIABLE).stdin(Stdio::null()).stdout(Stdio::null());
    shell
}

#[test]
fn a_shell_starts_a_seated_program() {
    in_arena(|supervisor| {
        // In the shell's place, as the shell's child, and through `env`.
        for (before, after) in
            [("", " exec \"$0\" \"$@\""), ("", " \"$0\" \"$@\"; true"), ("env ", " \"$0\" \"$@\"")]
        {
            let (ours, _, seat) = seat_of(supervisor);
            let mut script = OsString::from(before);
            script.push(seat.to_shell());
            script.push(after);
            let child = shell(script, &role(GREETS)).spawn().unwrap();
            assert_eq!(next(&ours).bytes(), b"hello");
            join(child);
        }
    });
}

#[test]
fn a_strange_path_survives_quoting() {
    alone(|| {
        let base = TempDir::new().unwrap();
        let path = base.path().join("it's 5% \"of\" a\\b\n$HOME `x`");
        let supervisor = Supervisor::create(&Config::default().with_socket_path(&path)).unwrap();
        let (ours, _, seat) = seat_of(&supervisor);
        let mut script = seat.to_shell();
        script.push(" exec \"$0\" \"$@\"");
        join(shell(script, &role(GREETS)).spawn().unwrap());
        assert_eq!(next(&ours).bytes(), b"hello");
        let line = seat.to_systemd().into_string().unwrap();
        let base = base.path().to_str().unwrap();
        let socket = format!("\"JACINTH_SOCKET={base}/it's 5%% \\\"of\\\" a\\\\b\\x0a$HOME `x`\"");
        assert_eq!(line, format!("Environment={socket} \"JACINTH_SLOT={}\"", text_of(&seat)));
    });
}

#[test]
fn a_seat_needs_no_handle() {
    in_arena(|supervisor| {
        let seat = supervisor.prepare(NullableHandle::invalid()).unwrap();
        let (mut child, got) = taken(seat.variables());
        assert!(got.contains("without one"), "{got}");
        assert_eq!(child.told("processes"), "2");
        child.end();
    });
}

// Seats that no program takes.

#[test]
fn a_dropped_seat_closes_its_handle() {
    in_arena(|supervisor| {
        let (ours, _, seat) = seat_of(supervisor);
        let variables = seat.variables();
        drop(seat);
        wait_for_peer_closed(&ours);
        let (mut late, got) = taken(variables);
        assert_eq!(got, "GivenBack");
        assert_eq!(late.told("processes"), "2", "it is attached all the same");
        late.end();
    });
}

#[test]
fn a_left_seat_is_found_again() {
    in_arena(|supervisor| {
        let (ours, koid, seat) = seat_of(supervisor);
        let variables = seat.variables();
        let text = seat.leave();
        drop(supervisor.seat(&text).unwrap());
        assert!(supervisor.seat(&text).unwrap().is_free() && !is_closed_channel(&ours));
        let (child, got) = taken(variables);
        assert_eq!(got, format!("handle {koid}"));
        assert!(!supervisor.seat(&text).unwrap().is_free());
        assert_eq!(supervisor.seat(&text).unwrap().give_back(), Err(Status::BAD_STATE), "it is taken");
        assert!(!is_closed_channel(&ours));
        ends(child, &ours);
        let (ours, _, seat) = seat_of(supervisor);
        let text = seat.leave();
        supervisor.seat(&text).unwrap().give_back().unwrap();
        wait_for_peer_closed(&ours);
        assert!(!supervisor.seat(&text).unwrap().is_free());
        supervisor.seat(&text).unwrap().give_back().unwrap();
        for (text, status) in
            [("", Status::INVALID_ARGS), ("2:0", Status::INVALID_ARGS), ("2:0:1", Status::NOT_FOUND)]
        {
            assert_eq!(supervisor.seat(text).map(drop), Err(status), "{text}");
            assert!(status.detail().is_some());
        }
    });
}

#[test]
fn a_dead_preparer_gives_seats_back() {
    in_arena(|supervisor| {
        let (channel, preparer) = spawn(supervisor, PREPARES);
        let mut message = next(&channel);
        let ours = Channel::from(message.take_handle(0).unwrap());
        let text = String::from_utf8(message.bytes().into()).unwrap();
        assert!(supervisor.seat(&text).unwrap().is_free());
        kill(supervisor, preparer);
        wait_for_peer_closed(&ours);
        let socket = supervisor.socket_path().as_os_str().to_owned();
        let (late, got) = taken([(SOCKET_VARIABLE, socket), (SLOT_VARIABLE, text.into())]);
        assert_eq!(got, "GivenBack");
        late.end();
    });
}

#[test]
fn a_seat_outlives_the_leader() {
    alone(|| {
        let base = TempDir::new().unwrap();
        let mut creator = CommandedChild::new(creator_in(base.path()));
        attach(creator.told("path")).unwrap();
        let supervisor = Supervisor::get().unwrap();
        let (ours, koid, seat) = seat_of(&supervisor);
        creator.kill();
        let (child, got) = taken(seat.variables());
        assert_eq!(got, format!("handle {koid}"));
        assert_eq!(supervisor.process_id(), Some(std::process::id()));
        ends(child, &ours);
        supervisor.collect().unwrap();
        clean(&supervisor);
    });
}

#[test]
fn a_forked_childs_drop_is_harmless() {
    in_arena(|supervisor| {
        let (ours, koid, seat) = seat_of(supervisor);
        // SAFETY: the child makes no call that needs another thread.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                assert!(!seat.is_free());
                assert_eq!(seat.give_back(), Err(Status::BAD_STATE));
                // SAFETY: it ends the process.
                unsafe { libc::_exit(0) }
            }
            nix::unistd::ForkResult::Parent { child } => {
                let status = nix::sys::wait::waitpid(child, None).unwrap();
                assert!(matches!(status, nix::sys::wait::WaitStatus::Exited(_, 0)), "{status:?}");
            }
        }
        let (child, got) = taken(seat.variables());
        assert_eq!(got, format!("handle {koid}"));
        ends(child, &ours);
    });
}

// Programs that come in vain.

#[test]
fn a_seat_is_for_one_program() {
    in_arena(|supervisor| {
        for _ in 0..10 {
            let (ours, koid, seat) = seat_of(supervisor);
            let begin = || {
                let mut command = role(TAKES);
                seat.prepare(&mut command);
                CommandedChild::begin(command)
            };
            let mut programs: Vec<_> = (0..4).map(|_| begin()).collect();
            let mut got: Vec<_> = programs.iter_mut().map(CommandedChild::heard).collect();
            got.sort();
            assert_eq!(got, ["Taken", "Taken", "Taken", &format!("handle {koid}")]);
            let mut programs: Vec<_> = programs.into_iter().map(CommandedChild::ready).collect();
            assert_eq!(programs[0].told("processes"), "5");
            programs.into_iter().for_each(CommandedChild::end);
            wait_for_peer_closed(&ours);
            supervisor.collect().unwrap();
            let (late, got) = taken(seat.variables());
            assert_eq!(got, "GivenBack", "its program has died");
            late.end();
            supervisor.collect().unwrap();
        }
    });
}

#[test]
fn wrong_seats_are_told_apart() {
    in_arena(|supervisor| {
        let (ours, koid, seat) = seat_of(supervisor);
        let [socket, (name, _)] = seat.variables();
        let text = text_of(&seat);
        let (place, arena) = text.rsplit_once(':').unwrap();
        let (row, epoch) = place.split_once(':').unwrap();
        let other = format!("{:016x}", !u64::from_str_radix(arena, 16).unwrap());
        for (wrong, expected) in [
            (format!("{row}:{epoch}:{other}"), "OfAnotherArena"),
            (format!("{row}:{}:{arena}", epoch.parse::<u32>().unwrap() + 1), "GivenBack"),
            (format!("60:{epoch}:{arena}"), "GivenBack"),
            (format!("65000:{epoch}:{arena}"), "GivenBack"),
            (format!("1:0:{arena}"), "Taken"),
        ] {
            let (child, got) = taken([socket.clone(), (name, wrong.clone().into())]);
            assert_eq!(got, expected, "{wrong}");
            child.end();
        }
        let (child, got) = taken(seat.variables());
        assert_eq!(got, format!("handle {koid}"), "none of them has taken it");
        ends(child, &ours);
    });
}

#[test]
fn a_refused_handle_is_closed() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let kept = theirs.replace(Rights::READ | Rights::WRITE).unwrap();
        let error = supervisor.prepare(kept).unwrap_err();
        assert!(matches!(error, SpawnError::StartupHandle(Status::ACCESS_DENIED)), "{error}");
        wait_for_peer_closed(&ours);
        let closed = Event::create().into_raw();
        drop(NullableHandle::from_raw(closed));
        let error = supervisor.prepare(NullableHandle::from_raw(closed)).unwrap_err();
        assert!(matches!(error, SpawnError::StartupHandle(Status::BAD_HANDLE)), "{error}");
    });
}

#[test]
fn a_full_arena_prepares_none() {
    in_arena_of(
        |config| config.max_processes = 3,
        |supervisor| {
            for _ in 0..3 {
                let (first, second) = (seat_of(supervisor), seat_of(supervisor));
                let (ours, theirs) = canary();
                let error = supervisor.prepare(theirs).unwrap_err();
                assert!(matches!(error, SpawnError::Arena(Status::NO_RESOURCES)), "{error}");
                assert!(is_closed(&ours));
                drop((first, second));
            }
        },
    );
}

#[test]
fn a_program_may_die_anywhere() {
    in_arena(|supervisor| {
        let objects_before = objects(supervisor);
        for system_calls in 0.. {
            let (ours, koid, seat) = seat_of(supervisor);
            let mut command = role(TAKES);
            seat.prepare(&mut command);
            let mut program = Stepped::begin(command);
            let goes_on = program.step(system_calls);
            program.kill();
            // Its death has given the seat back, or it had not asked for the seat yet.
            supervisor.collect().unwrap();
            if seat.is_free() {
                assert!(goes_on && !is_closed_channel(&ours), "after {system_calls} system calls");
                let (child, got) = taken(seat.variables());
                assert_eq!(got, format!("handle {koid}"));
                child.end();
            }
            wait_for_peer_closed(&ours);
            drop(ours);
            supervisor.collect().unwrap();
            assert_eq!(objects(supervisor), objects_before, "after {system_calls} system calls");
            clean(supervisor);
            if !goes_on {
                assert!(system_calls > 30, "it takes no seat in {system_calls} system calls");
                break;
            }
        }
    });
}
