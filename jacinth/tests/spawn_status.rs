//! Obstacles to attaching, and to the supervisor's answers: errors and statuses name them, and a later
//! attempt may succeed.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use support::*;

#[test]
fn child_main() {
    play(&[
        ("echo", echo),
        (CREATOR, creates),
        (SURVIVOR, stop_the_leader),
        ("joins", joins),
        ("drops its privileges", drops_its_privileges),
        ("cannot attach", cannot_attach),
        ("drops its privileges first", drops_its_privileges_first),
    ]);
}

const CREATOR: &str = "creator that is stopped";
const SURVIVOR: &str = "outlives its parent and stops it";
const DONE: &str = "the survivor is done";

#[test]
fn errors_name_a_stopped_leader() {
    let mut creator = role(CREATOR).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(creator.stdout.take().unwrap());
    assert!(said.lines().any(|line| line.unwrap().contains(DONE)));
    creator.kill().unwrap();
    creator.wait().unwrap();
}

fn creates() {
    let supervisor = Supervisor::create(&Config::default()).unwrap();
    let (ours, theirs) = Channel::create();
    let mut survivor = role(SURVIVOR);
    let _survivor = supervisor.spawn(survivor.stdout(Stdio::inherit()), theirs).unwrap();
    wait_for_peer_closed(&ours);
}

fn stop_the_leader() {
    let _creator = startup_channel();
    let supervisor = Supervisor::get().unwrap();
    supervisor.collect().unwrap();
    let leader = supervisor.process_id().unwrap();
    let pid = Pid::from_raw(leader.cast_signed()).unwrap();
    set_supervisor_timeout(MonotonicDuration::from_millis(300));
    stop(pid);
    until(|| is_stopped(leader));
    let named = |text: String| {
        assert!(text.contains(&leader.to_string()) && text.contains("stopped"), "{text}");
    };
    let refused = supervisor.collect().unwrap_err();
    assert_eq!(refused, Status::UNAVAILABLE);
    named(refused.detail().unwrap());
    let (_near, far) = Channel::create();
    named(supervisor.spawn(&mut role("echo"), far).unwrap_err().to_string());
    kill_process(pid, Signal::CONT).unwrap();
    set_supervisor_timeout(MonotonicDuration::from_seconds(30));
    supervisor.collect().unwrap();
    let (channel, child) = spawn(&supervisor, "echo");
    tell(&channel, "it goes on");
    assert_eq!(next(&channel).bytes(), b"it goes on");
    drop(channel);
    join(child);
    println!("{DONE}");
}

/// All of its threads.
fn is_stopped(pid: u32) -> bool {
    let mut threads = procfs::process::Process::new(pid.cast_signed()).unwrap().tasks().unwrap();
    threads.all(|thread| thread.unwrap().stat().unwrap().state == 'T')
}

#[test]
fn errors_name_the_thread_limit() {
    alone(|| {
        // The system lets root have as many threads as it likes.
        if rustix::process::geteuid().is_root() {
            // SAFETY: the whole process becomes the user 65534.
            assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
        }
        let set = |current| {
            let maximum = rustix::process::getrlimit(Resource::Nproc).maximum;
            setrlimit(Resource::Nproc, Rlimit { current, maximum }).unwrap();
        };
        let before = rustix::process::getrlimit(Resource::Nproc).current;
        set(Some(1));
        for _ in 0..2 {
            let error = Supervisor::create(&Config::default()).unwrap_err();
            assert!(error.to_string().contains("RLIMIT_NPROC"), "{error}");
            assert!(!is_attached());
            assert_eq!(Event::try_create().map(drop), Err(Status::BAD_STATE));
        }
        set(before);
        let supervisor = Supervisor::create(&Config::default()).unwrap();
        drop(Event::create());
        supervisor.collect().unwrap();
        clean(&supervisor);
    });
}

#[test]
fn spawn_status_follows_a_program() {
    in_arena(|supervisor| {
        let (ours, mut attached) = spawn(supervisor, "echo");
        tell(&ours, "are you there?");
        next(&ours);
        assert_eq!(supervisor.spawn_status(&attached), Ok(SpawnStatus::Attached));
        // It makes no call.
        let (near, far) = Channel::create();
        let mut silent = supervisor.spawn(Command::new("sleep").arg("50"), far).unwrap();
        assert_eq!(supervisor.spawn_status(&silent), Ok(SpawnStatus::Waiting));
        silent.kill().unwrap();
        wait_for_peer_closed(&near);
        silent.wait().unwrap();
        assert_eq!(supervisor.spawn_status(&silent), Ok(SpawnStatus::Ended));
        attached.kill().unwrap();
        attached.wait().unwrap();
        wait_for_peer_closed(&ours);
    });
}

#[test]
fn spawn_status_reports_a_refusal() {
    in_arena(|supervisor| {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("skipped: only root can start programs as another user");
        }
        // It becomes another user by itself, as one that drops its privileges does.
        let (near, far) = Channel::create();
        let mut child = supervisor.spawn(&mut role("drops its privileges"), far).unwrap();
        wait_for_peer_closed(&near);
        child.wait().unwrap();
        assert_eq!(supervisor.spawn_status(&child), Ok(SpawnStatus::Refused(Status::ACCESS_DENIED)));
    });
}

fn drops_its_privileges() {
    let socket = std::env::var(SOCKET_VARIABLE).unwrap();
    for path in [socket.as_str(), std::path::Path::new(&socket).parent().unwrap().to_str().unwrap()] {
        // So that it gets as far as the supervisor.
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, all).unwrap();
    }
    // SAFETY: the whole process becomes the user 65534.
    assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
    assert!(take_startup_handle().is_err());
}

/// Spawns a program, and gives its status when the news of its end has come.
fn status_after_the_end(
    supervisor: &Supervisor,
    program: &mut Command,
) -> (SpawnStatus, std::process::ExitStatus) {
    let (near, far) = Channel::create();
    let mut child = supervisor.spawn(program, far).unwrap();
    wait_for_peer_closed(&near);
    let status = child.wait().unwrap();
    (supervisor.spawn_status(&child).unwrap(), status)
}

/// Another program, in the place of this one's `role`, with its arguments and its variables.
fn by_way_of(wrapper: &[&str], role: &Command) -> Command {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(role.get_program()).args(role.get_args());
    command.envs(role.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

#[test]
fn spawn_status_reports_a_cleaned_environment() {
    in_arena(|supervisor| {
        let (near, far) = Channel::create();
        let mut child = supervisor.spawn(Command::new("env").args(["-i", "sleep", "50"]), far).unwrap();
        let cleaned = SpawnStatus::CannotAttach(Obstacle::CleanEnvironment);
        until(|| supervisor.spawn_status(&child) == Ok(cleaned));
        child.kill().unwrap();
        wait_for_peer_closed(&near);
        child.wait().unwrap();
        assert_eq!(supervisor.spawn_status(&child), Ok(cleaned), "and afterwards");
        assert!(cleaned.to_string().contains(SOCKET_VARIABLE));
    });
}

#[test]
fn late_cleaning_is_seen_unasked() {
    in_arena(|supervisor| {
        let script = "exec env -i sleep 3";
        let (spawned, _) = status_after_the_end(supervisor, Command::new("sh").args(["-c", script]));
        assert_eq!(spawned, SpawnStatus::CannotAttach(Obstacle::CleanEnvironment));
    });
}

#[test]
fn spawn_status_reports_an_invisible_socket() {
    in_arena(|supervisor| {
        let folder = supervisor.socket_path().parent().unwrap().to_str().unwrap();
        let script = format!("mount -t tmpfs none {folder} || exit 77; exec \"$@\"");
        let wrapper = ["unshare", "--mount", "--", "sh", "-c", &script, "sh"];
        let (spawned, exit) =
            status_after_the_end(supervisor, &mut by_way_of(&wrapper, &role("cannot attach")));
        if !exit.success() {
            return eprintln!("skipped: there is no file system of one's own to be had");
        }
        assert_eq!(spawned, SpawnStatus::CannotAttach(Obstacle::NoSocket));
    });
}

fn cannot_attach() {
    assert!(matches!(take_startup_handle(), Err(AttachError::NoSupervisor { .. })));
}

#[test]
fn spawn_status_reports_another_user() {
    in_arena(|supervisor| {
        if !rustix::process::geteuid().is_root() {
            return eprintln!("skipped: only root can become another user");
        }
        let (spawned, exit) = status_after_the_end(supervisor, &mut role("drops its privileges first"));
        assert!(exit.success());
        assert_eq!(spawned, SpawnStatus::CannotAttach(Obstacle::OtherUser(65534)));
    });
}

/// It does not get as far as the supervisor: the socket's folder is another user's.
fn drops_its_privileges_first() {
    // SAFETY: the whole process becomes the user 65534.
    assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
    cannot_attach();
}

#[test]
fn joining_waits_for_a_removed_socket() {
    in_arena(|supervisor| {
        for _ in 0..3 {
            std::fs::remove_dir_all(supervisor.socket_path().parent().unwrap()).unwrap();
            let mut newcomer = role("joins");
            newcomer.env("SOCKET", supervisor.socket_path());
            let said = newcomer.stdout(Stdio::piped()).output().unwrap();
            let said = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(said.contains("attached: Ok(())"), "{said}");
        }
        supervisor.collect().unwrap();
    });
}

#[test]
fn errors_name_another_pid_namespace() {
    in_arena(|supervisor| {
        let mut command = role("joins");
        command.env("SOCKET", supervisor.socket_path());
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--kill-child", "--"]).arg(command.get_program());
        unshare.args(command.get_args());
        unshare.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let Ok(output) = unshare.env_remove(SOCKET_VARIABLE).env_remove(SLOT_VARIABLE).output() else {
            return eprintln!("skipped: there is no unshare(1)");
        };
        let said = String::from_utf8_lossy(&output.stdout);
        if !said.contains("attached: ") {
            return eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr));
        }
        assert!(said.contains("another PID namespace"), "{said}");
        assert_eq!(supervisor.inspect().processes, 1);
    });
}

fn joins() {
    let attached = attach(std::env::var_os("SOCKET").unwrap());
    println!("attached: {attached:?}");
}
