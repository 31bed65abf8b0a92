//! Tools that watch a running program: valgrind's (memcheck, helgrind, drd, callgrind) and ThreadSanitizer. They run
//! programs that use libjacinth, report no error, and report the race that one program has on request.
//!
//! If a tool is not installed, its tests print that and pass.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Language, Linkage};

/// The exit code of a tool that has found an error.
const FOUND: i32 = 99;

/// The programs in `tests/tools`.
const HANDOVER: &str = "handover";
const MANY_THREADS: &str = "many_threads";

/// Compiles a program with additional flags.
fn compiled(name: &str, source: &str, linkage: Linkage, flags: &[&str]) -> Result<PathBuf, String> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut compiler = support::compiler(Language::C);
    compiler
        .args(["-Wall", "-Wextra", "-Werror", "-g", "-O1", "-I"])
        .arg(support::this_crate().join("include"));
    compiler
        .args(flags)
        .arg(support::this_crate().join(format!("tests/tools/{source}.c")))
        .arg("-o")
        .arg(&program);
    support::link(&mut compiler, support::library()?, linkage);
    support::run(compiler)?;
    Ok(program)
}

/// Runs a command. Returns its exit code and its output.
fn ran(mut command: Command) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    command.env("TMPDIR", folder.path()).env_remove("JACINTH_SOCKET").env_remove("JACINTH_SLOT");
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn has_valgrind() -> bool {
    let is_there = Command::new("valgrind").arg("--version").output().is_ok();
    if !is_there {
        eprintln!("skipped: valgrind is not installed");
    }
    is_there
}

/// Runs the program under a tool of valgrind; `None` if it is not installed.
fn under_valgrind(test: &str, source: &str, options: &[&str], mode: &str) -> Option<(Option<i32>, String)> {
    if !has_valgrind() {
        return None;
    }
    let program = compiled(test, source, Linkage::Shared, &[]).unwrap();
    let suppressions = support::this_crate().join("valgrind.supp");
    let mut command = Command::new("valgrind");
    command.arg(format!("--suppressions={}", suppressions.display()));
    command.arg(format!("--error-exitcode={FOUND}")).args(options).arg(program).args(mode.split(' '));
    Some(ran(command))
}

fn finds_nothing(test: &str, source: &str, options: &[&str], mode: &str) {
    let Some((code, text)) = under_valgrind(test, source, options, mode) else { return };
    assert!(code == Some(0) && text.contains("all is well"), "{code:?}\n{text}");
}

fn finds_the_race(test: &str, options: &[&str]) {
    let Some((code, text)) = under_valgrind(test, HANDOVER, options, "race") else { return };
    assert!(code == Some(FOUND) && text.contains("handover.c"), "{code:?}\n{text}");
}

#[test]
fn memcheck_reports_no_error() {
    finds_nothing("memcheck", HANDOVER, &["--tool=memcheck"], "");
}

#[test]
fn a_spawned_program_runs_under_memcheck() {
    if !has_valgrind() {
        return;
    }
    let program = compiled("memcheck-spawned", HANDOVER, Linkage::Shared, &[]).unwrap();
    let mut command = Command::new(&program);
    // Its report goes to standard error, which this process reads.
    command.args(["spawn", "/usr/bin/env", "valgrind", "--tool=memcheck"]).arg(&program).arg("child");
    let (code, text) = ran(command);
    assert!(code == Some(0) && text.contains("all is well"), "{code:?}\n{text}");
    assert!(text.contains("ERROR SUMMARY: 0 errors"), "{text}");
}

#[test]
fn spawn_errors_name_a_missing_pidfd() {
    let Some((code, text)) = under_valgrind("memcheck-spawns", HANDOVER, &[], "spawn /bin/true") else {
        return;
    };
    // Newer versions know pidfd_open. Then the program is started, and ends without output.
    assert!(text.contains("pidfd_open") || text.contains("ZX_OK"), "{code:?}\n{text}");
}

#[test]
fn programs_run_under_callgrind() {
    finds_nothing("callgrind", HANDOVER, &["--tool=callgrind", "--callgrind-out-file=/dev/null"], "");
}

#[test]
fn helgrind_sees_the_ordering() {
    finds_nothing("helgrind", HANDOVER, &["--tool=helgrind"], "");
}

#[test]
fn helgrind_sees_a_real_race() {
    finds_the_race("helgrind-race", &["--tool=helgrind"]);
}

#[test]
fn drd_sees_the_ordering() {
    finds_nothing("drd", HANDOVER, &["--tool=drd"], "");
}

#[test]
fn drd_sees_a_real_race() {
    finds_the_race("drd-race", &["--tool=drd"]);
}

#[test]
fn helgrind_accepts_shared_channels() {
    finds_nothing("helgrind-many-threads", MANY_THREADS, &["--tool=helgrind"], "");
}

#[test]
fn drd_accepts_shared_channels() {
    finds_nothing("drd-many-threads", MANY_THREADS, &["--tool=drd"], "");
}

#[test]
fn tsan_accepts_shared_channels() {
    let Some((code, text)) = under_tsan("tsan-many-threads", MANY_THREADS, Linkage::Shared, "") else {
        return;
    };
    assert!(code == Some(0) && text.contains("all is well"), "{code:?}\n{text}");
}

#[test]
fn valgrind_gets_a_smaller_arena() {
    let program = compiled("config", HANDOVER, Linkage::Shared, &[]).unwrap();
    let mut command = Command::new(&program);
    command.arg("config");
    assert_eq!(ran(command).1, "pool_bytes 1073741824\n");
    let Some((_, text)) = under_valgrind("config-valgrind", HANDOVER, &["-q"], "config") else { return };
    assert_eq!(text, "pool_bytes 16777216\n");
}

/// Runs the program compiled with ThreadSanitizer; `None` where that is not available.
fn under_tsan(test: &str, source: &str, linkage: Linkage, mode: &str) -> Option<(Option<i32>, String)> {
    let program = match compiled(test, source, linkage, &["-fsanitize=thread"]) {
        Ok(program) => program,
        Err(error) if error.contains("-ltsan") || error.contains("libtsan") => {
            eprintln!("skipped: ThreadSanitizer is not installed: {error}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let mut command = Command::new(program);
    command.arg(mode).env("TSAN_OPTIONS", format!("exitcode={FOUND}"));
    let (code, text) = ran(command);
    if text.contains("unexpected memory mapping") {
        eprintln!("skipped: this ThreadSanitizer does not run on this kernel (vm.mmap_rnd_bits)");
        return None;
    }
    Some((code, text))
}

#[test]
fn tsan_sees_the_ordering() {
    for (test, linkage) in [("tsan", Linkage::Shared), ("tsan-static", Linkage::Static)] {
        let Some((code, text)) = under_tsan(test, HANDOVER, linkage, "") else { return };
        assert!(code == Some(0) && text.contains("all is well"), "{test}: {code:?}\n{text}");
    }
}

#[test]
fn tsan_sees_a_real_race() {
    let Some((code, text)) = under_tsan("tsan-race", HANDOVER, Linkage::Shared, "race") else { return };
    assert!(code == Some(FOUND) && text.contains("handover.c"), "{code:?}\n{text}");
}
