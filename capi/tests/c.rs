//! The tests of the C interface. Every test function of the C and C++ programs in `tests/c` and `tests/cpp` is a test here.
//!
//! Each test runs in its own process with its own arena, because a process attaches only once. The runner watches that
//! process, so a crash or a hang fails only that test, and its output names the place.
//!
//! Some programs run a second time, linked statically. A few tests have a C and a Rust program in one arena: this binary is
//! the Rust program then, see `c/with_rust.rs`.

#[path = "c/with_rust.rs"]
mod rust;
mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Language, Linkage};

/// The programs that are also linked statically.
const ALSO_STATIC: [&str; 6] = ["attach", "calls", "deaths", "events", "owners", "processes"];
/// Every test is much shorter. A test that still runs after this time hangs.
const HANG: Duration = Duration::from_secs(60);

fn main() {
    if let Ok(role) = std::env::var(rust::ROLE) {
        return rust::play(&role);
    }
    let arguments = Arguments::from_args();
    libtest_mimic::run(&arguments, trials()).exit();
}

/// All tests of all programs; a program that does not compile is a test that fails.
fn trials() -> Vec<Trial> {
    let sources = Mutex::new(sources().into_iter());
    let trials = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((source, language, linkage)) = next(&sources) {
                    trials.lock().unwrap().extend(trials_of(&source, language, linkage));
                }
            });
        }
    });
    let mut trials = trials.into_inner().unwrap();
    trials.sort_by(|one, other| (one.kind(), one.name()).cmp(&(other.kind(), other.name())));
    trials
}

fn next<T>(items: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    items.lock().unwrap().next()
}

fn sources() -> Vec<(PathBuf, Language, Linkage)> {
    let mut sources = Vec::new();
    for (folder, suffix, language) in [("tests/c", "c", Language::C), ("tests/cpp", "cc", Language::Cxx)] {
        let folder = support::this_crate().join(folder);
        for entry in std::fs::read_dir(folder).expect("the folder of the tests") {
            let path = entry.expect("an entry of it").path();
            if path.extension().is_some_and(|its| its == suffix) {
                if ALSO_STATIC.iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name)) {
                    sources.push((path.clone(), language, Linkage::Static));
                }
                sources.push((path, language, Linkage::Shared));
            }
        }
    }
    sources
}

fn trials_of(source: &Path, language: Language, linkage: Linkage) -> Vec<Trial> {
    let subject = source.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let kind = match (language, linkage) {
        (Language::C, Linkage::Shared) => "",
        (Language::C, Linkage::Static) => "static",
        (Language::Cxx, Linkage::Shared) => "c++",
        (Language::Cxx, Linkage::Static) => "c++, static",
    };
    let listed = support::compile(source, language, linkage).and_then(|program| {
        let names = list(&program)?;
        Ok((Arc::new(program), names))
    });
    match listed {
        Ok((program, names)) => {
            let in_c = names.into_iter().map(|name| {
                let program = program.clone();
                Trial::test(format!("{subject}::{name}"), move || run(&program, &name)).with_kind(kind)
            });
            let in_rust = rust::TESTS.iter().filter(|_| subject == "with_rust").map(|(name, _)| {
                let program = program.clone();
                Trial::test(format!("{subject}::{name}"), move || run_rust(&program, name)).with_kind(kind)
            });
            in_c.chain(in_rust).collect()
        }
        Err(error) => {
            vec![Trial::test(format!("{subject}::compiles"), move || Err(error.into())).with_kind(kind)]
        }
    }
}

/// The tests of a program, by name.
fn list(program: &Path) -> Result<Vec<String>, String> {
    let output = Command::new(program).arg("--list").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}\n{}", program.display(), output.status, text(&output.stderr)));
    }
    Ok(text(&output.stdout).lines().map(str::to_owned).collect())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs one test of a program.
fn run(program: &Path, name: &str) -> Result<(), Failed> {
    let mut command = Command::new(program);
    command.arg(name).env(rust::THIS_PROGRAM, std::env::current_exe()?);
    watch(command)
}

/// Runs one test of `with_rust.rs`, which starts a C program.
fn run_rust(program: &Path, name: &str) -> Result<(), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(rust::ROLE, name).env(rust::C_PROGRAM, program);
    watch(command)
}

/// Runs a process, which must end successfully and before [`HANG`].
fn watch(mut command: Command) -> Result<(), Failed> {
    let mut output = tempfile::tempfile()?;
    // This folder also holds the sockets of killed supervisors, and is removed.
    let folder = tempfile::tempdir()?;
    let mut child = command
        .env("TMPDIR", folder.path())
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove(jacinth::SOCKET_VARIABLE)
        .env_remove(jacinth::SLOT_VARIABLE)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()?;
    let start = Instant::now();
    let (ended, said) = loop {
        if let Some(status) = child.try_wait()? {
            break (status, "");
        }
        if start.elapsed() > HANG {
            break (abort(&mut child)?, "it hangs; ");
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    if ended.success() {
        return Ok(());
    }
    let mut words = Vec::new();
    output.rewind()?;
    output.read_to_end(&mut words)?;
    Err(format!("{said}{ended}\n{}", text(&words)).into())
}

/// Ends a process that hangs. SIGABRT makes it print where.
fn abort(child: &mut std::process::Child) -> std::io::Result<ExitStatus> {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::ABORT)?;
    std::thread::sleep(Duration::from_secs(1));
    child.kill()?;
    child.wait()
}
