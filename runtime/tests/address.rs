//! Where an arena's socket stands, in whatever surroundings: it comes back when it is removed, and leaves nothing behind.
//!
//! Each test has a folder of its own, in which its processes make their sockets.

#![allow(clippy::zombie_processes, reason = "who dies first is what is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::process::{Signal, kill_process};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use support::puppet::*;
use support::*;
use tempfile::TempDir;

#[test]
fn child_main() {
    play(&ROLES);
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

#[test]
fn arenas_that_are_made_at_once_leave_each_other_alone() {
    let base = TempDir::new().unwrap();
    for _ in 0..5 {
        let mut founders: Vec<_> = (0..16).map(|_| Puppet::new(founder_in(base.path()))).collect();
        founders.iter_mut().for_each(|founder| assert!(Path::new(&founder.told("path")).exists()));
        founders.into_iter().for_each(Puppet::end);
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
