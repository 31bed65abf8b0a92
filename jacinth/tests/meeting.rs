//! Meeting in the arena of a name: one arena for all callers, also while processes die.
//!
//! Each test has a folder of its own, in which its processes look for their arena.

#![allow(clippy::zombie_processes, reason = "the order of deaths is tested; orphans end by themselves")]

mod support;

use jacinth::*;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::commanded_child::*;
use support::stepped::Stepped;
use support::*;
use tempfile::TempDir;

const NAME: &str = "the place";

#[test]
fn child_main() {
    play(&ROLES);
}

/// A process that calls the name now, and is in its arena.
fn call(base: &Path) -> CommandedChild {
    CommandedChild::new(caller(base, NAME))
}

/// The folder of the arenas with names, in `base`.
fn folder_in(base: &Path) -> PathBuf {
    base.join(format!("jacinth-user-{}", rustix::process::geteuid().as_raw()))
}

fn socket_in(base: &Path) -> PathBuf {
    folder_in(base).join(format!("{NAME}.socket"))
}

/// All are in one arena, in which there are no others. Gives that arena.
fn meet(callers: &mut [CommandedChild]) -> String {
    let mut arenas: Vec<String> = callers.iter_mut().map(|caller| caller.told("arena")).collect();
    arenas.dedup();
    assert_eq!(arenas.len(), 1, "{arenas:?}");
    assert_eq!(callers[0].told("collect"), "collected");
    assert_eq!(callers[0].told("processes"), callers.len().to_string());
    arenas.remove(0)
}

fn makers(callers: &mut [CommandedChild]) -> usize {
    callers.iter_mut().filter_map(|caller| (caller.told("maker") == "true").then_some(())).count()
}

fn end_all(callers: impl IntoIterator<Item = CommandedChild>) {
    callers.into_iter().for_each(CommandedChild::end);
}

// One arena.

#[test]
fn simultaneous_callers_meet_in_one_arena() {
    let base = TempDir::new().unwrap();
    for _ in 0..8 {
        // The children wait for a shared lock, which all of them get at once.
        let start = base.path().join("start");
        let gun = fs::File::create(&start).unwrap();
        flock(&gun, FlockOperation::LockExclusive).unwrap();
        let waiting = || {
            let mut command = caller(base.path(), NAME);
            command.env("START", &start);
            CommandedChild::begin(command)
        };
        let callers: Vec<_> = (0..12).map(|_| waiting()).collect();
        drop(gun);
        let mut callers: Vec<_> = callers.into_iter().map(CommandedChild::ready).collect();
        meet(&mut callers);
        assert_eq!(makers(&mut callers), 1);
        end_all(callers);
        assert_eq!(left_in(&folder_in(base.path())), [] as [PathBuf; 0]);
    }
}

#[test]
fn other_names_are_other_arenas() {
    let base = TempDir::new().unwrap();
    let mut all: Vec<_> = ["a", "a.socket", "a.lock", ".", "\u{e4}"]
        .map(|name| CommandedChild::new(caller(base.path(), name)))
        .into();
    let mut arenas: Vec<String> = all.iter_mut().map(|caller| caller.told("arena")).collect();
    arenas.sort();
    arenas.dedup();
    assert_eq!((arenas.len(), makers(&mut all)), (5, 5));
    end_all(all);
}

#[test]
fn joiners_take_the_makers_limits() {
    let base = TempDir::new().unwrap();
    let limited = |processes: u32| {
        let mut command = caller(base.path(), NAME);
        command.env("MAX_PROCESSES", processes.to_string());
        command
    };
    let first = CommandedChild::new(limited(2));
    let mut second = CommandedChild::new(limited(9));
    assert_eq!((second.told("max_processes"), second.told("maker")), ("2".into(), "false".into()));
    let said = refused(limited(9));
    assert!(said.contains("NO_RESOURCES"), "{said}");
    end_all([first, second]);
    let wrong = refused(limited(0));
    assert!(wrong.contains("max_processes") && wrong.contains("OUT_OF_RANGE"), "{wrong}");
    assert_eq!(left_in(&folder_in(base.path())), [] as [PathBuf; 0], "a refused maker leaves no file");
}

#[test]
fn a_path_reaches_the_same_arena() {
    let base = TempDir::new().unwrap();
    let mut maker = call(base.path());
    assert_eq!(PathBuf::from(maker.told("path")), socket_in(base.path()));
    let member = CommandedChild::new(member_at(&maker.told("path")));
    meet(&mut [maker, member]);
}

// Deaths.

#[test]
fn a_survivor_keeps_the_arena() {
    let base = TempDir::new().unwrap();
    let mut callers = vec![call(base.path()), call(base.path())];
    let arena = meet(&mut callers);
    for _ in 0..10 {
        // The next caller comes while the leader dies, and while no process leads.
        let leader = callers.remove(0);
        let next = CommandedChild::begin(caller(base.path(), NAME));
        leader.kill();
        callers.push(next.ready());
        assert_eq!(meet(&mut callers), arena);
        assert_eq!(makers(&mut callers), 0);
    }
    end_all(callers);
}

#[test]
fn a_dead_arena_is_replaced() {
    let base = TempDir::new().unwrap();
    let mut last = String::new();
    for _ in 0..5 {
        let mut callers = [call(base.path()), call(base.path()), call(base.path())];
        let arena = meet(&mut callers);
        assert!(arena != last && makers(&mut callers) == 1);
        last = arena;
        callers.into_iter().for_each(CommandedChild::kill);
        assert!(socket_in(base.path()).exists(), "a killed process leaves its files");
    }
    call(base.path()).end();
    assert_eq!(left_in(&folder_in(base.path())), [] as [PathBuf; 0]);
}

#[test]
fn makers_may_die_anywhere() {
    let base = TempDir::new().unwrap();
    for system_calls in 0.. {
        let mut maker = Stepped::begin(caller(base.path(), NAME));
        let goes_on = maker.step(system_calls);
        maker.kill();
        let mut next = call(base.path());
        assert_eq!(next.told("maker"), "true", "after {system_calls} system calls");
        // Every other one leaves its files, too.
        if system_calls % 2 == 0 {
            next.end()
        } else {
            next.kill()
        }
        if !goes_on {
            assert!(system_calls > 30, "it makes no arena in {system_calls} system calls");
            break;
        }
    }
}

#[test]
fn joiners_may_die_anywhere() {
    let base = TempDir::new().unwrap();
    let mut maker = call(base.path());
    for system_calls in (0..).step_by(2) {
        let mut joiner = Stepped::begin(caller(base.path(), NAME));
        let goes_on = joiner.step(system_calls);
        joiner.kill();
        eventually(|| maker.told("collect") == "collected" && maker.told("processes") == "1");
        assert!(maker.told("audit").contains("1 process"), "after {system_calls} system calls");
        if !goes_on {
            break;
        }
    }
    let next = call(base.path());
    meet(&mut [maker, next]);
}

#[test]
fn callers_meet_despite_slow_ones() {
    let base = TempDir::new().unwrap();
    for system_calls in (0..).step_by(2) {
        let mut slow = Stepped::begin(caller(base.path(), NAME));
        let goes_on = slow.step(system_calls);
        let quick = CommandedChild::begin(caller(base.path(), NAME));
        // It makes the arena meanwhile, or waits for the slow one.
        let _ = quick.has_spoken(Duration::from_millis(30));
        let mut both = [slow.release().ready(), quick.ready()];
        meet(&mut both);
        assert_eq!(makers(&mut both), 1, "after {system_calls} system calls");
        end_all(both);
        if !goes_on {
            break;
        }
    }
}

/// INV-MEET-1: a process that is admitted is seen by the next caller, although its leader is dead.
#[test]
fn joiners_outlive_their_leader_anywhere() {
    let base = TempDir::new().unwrap();
    for system_calls in (1..).step_by(2) {
        let leader = call(base.path());
        let mut joiner = Stepped::begin(caller(base.path(), NAME));
        let goes_on = joiner.step(system_calls);
        leader.kill();
        // If the joiner is in the arena, this one waits for it. Otherwise it makes the next arena, where the joiner joins.
        let next = CommandedChild::begin(caller(base.path(), NAME));
        let _ = next.has_spoken(Duration::from_millis(30));
        meet(&mut [joiner.release().ready(), next.ready()]);
        if !goes_on {
            break;
        }
    }
}

/// INV-MEET-2: a forked child of the dead maker has its socket, and keeps no caller waiting.
#[test]
fn a_makers_fork_keeps_no_name() {
    let base = TempDir::new().unwrap();
    let mut maker = call(base.path());
    let forked: i32 = maker.told("fork").parse().unwrap();
    maker.kill();
    let mut callers: Vec<_> =
        (0..3).map(|_| CommandedChild::begin(caller(base.path(), NAME))).map(CommandedChild::ready).collect();
    meet(&mut callers);
    assert_eq!(makers(&mut callers), 1);
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(forked).unwrap(),
        rustix::process::Signal::KILL,
    )
    .expect("the forked child lives all the time");
    end_all(callers);
}

#[test]
fn random_deaths_split_no_arena() {
    let base = TempDir::new().unwrap();
    let mut random = random(31);
    let mut living: Vec<CommandedChild> = Vec::new();
    for _ in 0..15 {
        let mut begun: Vec<_> = (0..4).map(|_| CommandedChild::begin(caller(base.path(), NAME))).collect();
        std::thread::sleep(Duration::from_micros(random.u64(0..20_000)));
        begun.swap_remove(random.usize(0..4)).kill();
        if !living.is_empty() {
            living.remove(0).kill();
        }
        living.extend(begun.into_iter().map(CommandedChild::ready));
        meet(&mut living);
        living.drain(..living.len().saturating_sub(2)).for_each(CommandedChild::kill);
    }
    end_all(living);
}

#[test]
fn a_removed_lock_file_is_survived() {
    let base = TempDir::new().unwrap();
    let maker = call(base.path());
    fs::remove_file(folder_in(base.path()).join(format!("{NAME}.socket.lock"))).unwrap();
    let next = call(base.path());
    fs::remove_dir_all(folder_in(base.path())).unwrap();
    until_admits(socket_in(base.path()).to_str().unwrap());
    let last = call(base.path());
    let mut all = [maker, next, last];
    eventually(|| all[0].told("collect") == "collected" && all[0].told("processes") == "3");
    meet(&mut all);
    end_all(all);
}

#[test]
fn a_stopped_arena_is_reported() {
    let base = TempDir::new().unwrap();
    let maker = call(base.path());
    stop(maker.pid());
    let said = refused(caller(base.path(), NAME));
    assert!(said.contains("stopped") && said.contains("NOT_FOUND"), "{said}");
    maker.kill();
    call(base.path()).end();
}

// Names and places.

#[test]
fn bad_names_are_refused() {
    alone(|| {
        for (name, why) in [("", "empty"), ("a/b", "slash"), ("../a", "slash"), ("a\0b", "NUL")] {
            let error = join_or_create(name).unwrap_err();
            assert!(matches!(error, AttachError::BadName { .. }), "{error}");
            assert!(error.to_string().contains(why) && error.status() == Status::INVALID_ARGS, "{error}");
        }
        let error = join_or_create("n".repeat(53)).unwrap_err();
        assert!(error.to_string().contains("53 bytes, and may have 52"), "{error}");
        let config = Config::default().with_socket_path("/run/elsewhere");
        let error = join_or_create_with("name", &config).unwrap_err();
        assert!(
            error.to_string().contains("/run/elsewhere") && error.status() == Status::BAD_PATH,
            "{error}"
        );
        assert!(!is_attached());
    });
}

#[test]
fn the_longest_name_fits_anywhere() {
    let above = TempDir::new().unwrap();
    for base in [above.path().join("short"), above.path().join("x".repeat(200))] {
        fs::create_dir(&base).unwrap();
        let name = "n".repeat(52);
        let maker = CommandedChild::new(caller(&base, &name));
        let mut next = CommandedChild::new(caller(&base, &name));
        maker.kill();
        let last = CommandedChild::new(caller(&base, &name));
        assert_eq!(next.told("spawn"), "hello");
        end_all([next, last]);
    }
}

#[test]
fn an_attached_process_calls_no_name() {
    in_arena(|_| {
        let error = join_or_create("name").unwrap_err();
        assert!(matches!(error, AttachError::AlreadyAttached), "{error}");
    });
}

#[test]
fn foreign_files_are_left_alone() {
    let base = TempDir::new().unwrap();
    call(base.path()).end();
    let (socket, lock) = (socket_in(base.path()), folder_in(base.path()).join(format!("{NAME}.socket.lock")));
    fs::write(&socket, "precious").unwrap();
    let said = refused(caller(base.path(), NAME));
    assert!(said.contains("no socket") && said.contains("ALREADY_EXISTS"), "{said}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
    assert!(!lock.exists());
    fs::remove_file(&socket).unwrap();
    symlink(base.path().join("elsewhere"), &lock).unwrap();
    let said = refused(caller(base.path(), NAME));
    assert!(said.contains("cannot listen"), "{said}");
    assert!(!base.path().join("elsewhere").exists());
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert!(refused(caller(base.path(), NAME)).contains("cannot listen"));
    fs::remove_dir(&lock).unwrap();
    call(base.path()).end();
}

#[test]
fn a_folder_for_others_is_refused() {
    let base = TempDir::new().unwrap();
    let folder = folder_in(base.path());
    let refused = |words: &[&str]| {
        let said = refused(caller(base.path(), NAME));
        assert!(words.iter().all(|word| said.contains(word)) && said.contains("ACCESS_DENIED"), "{said}");
        assert!(!socket_in(base.path()).exists());
    };
    fs::create_dir(&folder).unwrap();
    for mode in [0o755, 0o777, 0o1777, 0o701] {
        fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        refused(&["only this user", &format!("mode {mode:o}"), "jacinth-user-"]);
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, mode, "it is not repaired");
    }
    // Its maker was killed before it could undo its umask.
    fs::set_permissions(&folder, Permissions::from_mode(0o000)).unwrap();
    call(base.path()).end();
    assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, 0o700);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&folder, Some(65534), None).unwrap();
        refused(&["only this user", "of user 65534"]);
    }
    fs::remove_dir(&folder).unwrap();
    symlink(base.path(), &folder).unwrap();
    refused(&["only this user", "a symbolic link"]);
    fs::remove_file(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    refused(&["only this user", "a file"]);
    fs::remove_file(&folder).unwrap();
    // Another user could replace the folder.
    fs::set_permissions(base.path(), Permissions::from_mode(0o777)).unwrap();
    refused(&["safe"]);
    fs::set_permissions(base.path(), Permissions::from_mode(0o1777)).unwrap();
    call(base.path()).end();
}

#[test]
fn the_runtime_folder_has_no_substitute() {
    let (runtime, base) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let call_in = |runtime: &Path| {
        let mut command = caller(base.path(), NAME);
        command.env("XDG_RUNTIME_DIR", runtime);
        command
    };
    fs::set_permissions(runtime.path(), Permissions::from_mode(0o700)).unwrap();
    let mut maker = CommandedChild::new(call_in(runtime.path()));
    let socket = runtime.path().join(format!("jacinth/{NAME}.socket"));
    assert_eq!(PathBuf::from(maker.told("path")), socket);
    assert_eq!(fs::metadata(runtime.path().join("jacinth")).unwrap().mode() & 0o7777, 0o700);
    assert_eq!(fs::metadata(&socket).unwrap().mode() & 0o777, 0o600);
    maker.end();
    fs::set_permissions(runtime.path(), Permissions::from_mode(0o755)).unwrap();
    let said = refused(call_in(runtime.path()));
    let words = ["XDG_RUNTIME_DIR", "mode 755", "unset", "ACCESS_DENIED"];
    assert!(words.iter().all(|word| said.contains(word)), "{said}");
    let said = refused(call_in(&runtime.path().join("missing")));
    assert!(said.contains("XDG_RUNTIME_DIR"), "{said}");
    assert_eq!(left_in(base.path()), [] as [PathBuf; 0], "no second place is tried");
    // An empty variable counts as none.
    CommandedChild::new(call_in(Path::new(""))).end();
}

#[test]
fn other_users_are_kept_out() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("skipped: only root can become another user");
    }
    let base = TempDir::new().unwrap();
    fs::set_permissions(base.path(), Permissions::from_mode(0o1777)).unwrap();
    let mut root = call(base.path());
    let mut other = caller(base.path(), NAME);
    std::os::unix::process::CommandExt::uid(&mut other, 65534);
    let mut other = CommandedChild::new(other);
    assert_eq!(other.told("maker"), "true", "each user has arenas of its own");
    assert_ne!(other.told("arena"), root.told("arena"));
    end_all([root, other]);
}
