//! The path of an arena's socket, in all surroundings: a removed socket comes back, and the last exit removes it.
//!
//! Each test has a folder of its own, in which its processes make their sockets.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use support::commanded_child::*;
use support::*;
use tempfile::TempDir;

#[test]
fn child_main() {
    play(&ROLES);
}

// Where it stands.

#[test]
fn the_runtime_folder_comes_first() {
    let (runtime, base) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let found = |mode: u32| {
        fs::set_permissions(runtime.path(), Permissions::from_mode(mode)).unwrap();
        let mut command = creator_in(base.path());
        command.env("XDG_RUNTIME_DIR", runtime.path());
        let mut creator = CommandedChild::new(command);
        let path = creator.told("path");
        assert!(admits(&path));
        creator.end();
        PathBuf::from(path)
    };
    assert!(found(0o700).starts_with(runtime.path()));
    assert!(found(0o755).starts_with(base.path()), "others can look into it");
}

#[test]
fn a_tight_umask_does_no_harm() {
    let base = TempDir::new().unwrap();
    let mut creator = creator_in(base.path());
    // SAFETY: umask(2) may be called between fork and exec.
    unsafe { std::os::unix::process::CommandExt::pre_exec(&mut creator, || Ok(_ = libc::umask(0o777))) };
    let mut creator = CommandedChild::new(creator);
    let path = creator.told("path");
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(Path::new(&path)), 0o600);
    assert_eq!(mode(Path::new(&path).parent().unwrap()), 0o700);
    assert!(admits(&path));
    creator.end();
}

#[test]
fn paths_have_any_length() {
    for length in [70, 78, 90, 95, 100, 106, 108, 200, 700] {
        let above = TempDir::new().unwrap();
        let mut base = above.path().join("x");
        while base.as_os_str().len() < length {
            let missing = length - base.as_os_str().len();
            base.as_mut_os_string().push(if missing > 1 { "/" } else { "" });
            base.as_mut_os_string().push("x".repeat((missing.max(2) - 1).min(50)));
        }
        fs::create_dir_all(&base).unwrap();
        let mut creator = CommandedChild::new(creator_in(&base));
        let path = creator.told("path");
        let mut successor = CommandedChild::new(member_at(&path));
        creator.kill();
        until_admits(&path);
        assert_eq!(successor.told("spawn"), "hello");
        successor.end();
    }
}

#[test]
fn too_long_names_are_refused() {
    let base = TempDir::new().unwrap();
    for length in [96, 108, 200] {
        let said = refused(creator_at(&base.path().join("n".repeat(length))));
        assert!(said.contains("108 bytes, the limit of a socket's address"), "{said}");
    }
    assert_eq!(left_in(base.path()), [] as [PathBuf; 0]);
}

#[test]
fn a_restarted_service_keeps_its_path() {
    let base = TempDir::new().unwrap();
    let path = base.path().join("made for it/service");
    let first = CommandedChild::new(creator_at(&path));
    assert!(admits(path.to_str().unwrap()));
    // It leaves a socket at which no process listens.
    first.kill();
    assert!(path.exists() && !admits(path.to_str().unwrap()));
    let second = CommandedChild::new(creator_at(&path));
    assert!(admits(path.to_str().unwrap()));
    second.end();
    assert_eq!(left_in(path.parent().unwrap()), [] as [PathBuf; 0]);
}

#[test]
fn a_live_arenas_path_is_refused() {
    let base = TempDir::new().unwrap();
    let path = base.path().join("service");
    let creator = CommandedChild::new(creator_at(&path));
    let member = CommandedChild::new(member_at(path.to_str().unwrap()));
    stop(creator.pid());
    let said = refused(creator_at(&path));
    let expected = ["service", "join it", &creator.pid().as_raw_nonzero().to_string(), "ALREADY_EXISTS"];
    assert!(expected.iter().all(|word| said.contains(word)), "{said}");
    // The arena lives while its leader is dead and no process can take over.
    stop(member.pid());
    creator.kill();
    let said = refused(creator_at(&path));
    assert!(said.contains("processes are attached"), "{said}");
    member.kill();
    CommandedChild::new(creator_at(&path)).end();
}

#[test]
fn a_shared_folder_is_refused() {
    let base = TempDir::new().unwrap();
    let set = |mode: u32| fs::set_permissions(base.path(), Permissions::from_mode(mode)).unwrap();
    set(0o777);
    let said = refused(creator_at(&base.path().join("service")));
    assert!(said.contains("ACCESS_DENIED") && said.contains("safe"), "{said}");
    // In a sticky folder only the owner can replace a file.
    set(0o1777);
    CommandedChild::new(creator_at(&base.path().join("service"))).end();
}

#[test]
fn only_sockets_are_replaced() {
    let base = TempDir::new().unwrap();
    let path = base.path().join("precious");
    fs::write(&path, "precious").unwrap();
    let said = refused(creator_at(&path));
    assert!(said.contains("no socket"), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(left_in(base.path()), [path]);
}

// When it is removed.

#[test]
fn a_removed_folder_comes_back() {
    let base = TempDir::new().unwrap();
    let mut creator = CommandedChild::new(creator_in(base.path()));
    let path = creator.told("path");
    for _ in 0..3 {
        fs::remove_dir_all(Path::new(&path).parent().unwrap()).unwrap();
        until_admits(&path);
    }
    fs::remove_file(&path).unwrap();
    until_admits(&path);
    fs::rename(Path::new(&path).parent().unwrap(), base.path().join("elsewhere")).unwrap();
    until_admits(&path);
    assert_eq!(creator.told("collect"), "collected");
    creator.end();
}

// Files of dead arenas.

#[test]
fn the_last_exit_removes_the_files() {
    let base = TempDir::new().unwrap();
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]] {
        let mut creator = CommandedChild::new(creator_in(base.path()));
        let path = creator.told("path");
        let mut all = [
            Some(creator),
            Some(CommandedChild::new(member_at(&path))),
            Some(CommandedChild::new(member_at(&path))),
        ];
        for index in order {
            assert!(Path::new(&path).parent().unwrap().exists());
            all[index].take().unwrap().end();
        }
        assert_eq!(left_in(base.path()), [] as [PathBuf; 0], "{order:?}");
    }
}

#[test]
fn one_simultaneous_exit_is_the_last() {
    let base = TempDir::new().unwrap();
    for _ in 0..10 {
        let mut creator = CommandedChild::new(creator_in(base.path()));
        let path = creator.told("path");
        let mut all: Vec<_> = [(); 4].map(|()| CommandedChild::new(member_at(&path))).into();
        all.push(creator);
        all.iter_mut().for_each(|child| drop(child.child.stdin.take()));
        all.into_iter().for_each(CommandedChild::end);
        assert_eq!(left_in(base.path()), [] as [PathBuf; 0]);
    }
}

#[test]
fn the_next_arena_removes_dead_files() {
    let base = TempDir::new().unwrap();
    let create = || CommandedChild::new(creator_in(base.path()));
    let (dead, stopped, mut headless) = (create(), create(), create());
    let member = CommandedChild::new(member_at(&headless.told("path")));
    fs::create_dir(base.path().join("jacinth-theirs")).unwrap();
    fs::create_dir(base.path().join("jacinth-fresh1")).unwrap();
    // No process has the socket of this arena, nor can take it. The arena lives all the same.
    stop(member.pid());
    headless.kill();
    stop(stopped.pid());
    dead.kill();
    let next = create();
    // The stopped one's, that without a leader, the new one, and two that are no arena's, or may become one.
    assert_eq!(left_in(base.path()).len(), 5);
    next.end();
    stopped.kill();
    member.kill();
    create().end();
    assert_eq!(left_in(base.path()).len(), 2);
}

#[test]
fn simultaneous_arenas_do_not_collide() {
    let base = TempDir::new().unwrap();
    for _ in 0..5 {
        let mut creators: Vec<_> = (0..16).map(|_| CommandedChild::new(creator_in(base.path()))).collect();
        creators.iter_mut().for_each(|creator| assert!(Path::new(&creator.told("path")).exists()));
        creators.into_iter().for_each(CommandedChild::end);
    }
}

// Dropping a supervisor.

#[test]
fn an_arena_outlives_its_supervisor_value() {
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
