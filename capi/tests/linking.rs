//! Programs use the library as its README says: the examples build and run, `dlopen` works, and CMake gets the right version.
//! `tests/package.sh` checks the installed files; it needs more tools.

mod support;

use std::path::Path;
use std::process::{Command, Output};
use support::{Language, Linkage};

/// Runs a program, and ends it if it hangs.
fn run(command: &mut Command) -> Output {
    let mut watched = Command::new("timeout");
    watched.arg("60").arg(command.get_program()).args(command.get_args());
    watched.env_remove(jacinth::SOCKET_VARIABLE).env_remove(jacinth::SLOT_VARIABLE);
    watched.output().expect("coreutils are here")
}

#[test]
fn the_examples_run() {
    for (name, language) in [("quickstart.c", Language::C), ("quickstart.cc", Language::Cxx)] {
        for linkage in [Linkage::Shared, Linkage::Static] {
            let source = support::this_crate().join("examples").join(name);
            let program =
                support::compile(&source, language, linkage).unwrap_or_else(|error| panic!("{error}"));
            let output = run(&mut Command::new(program));
            let words = String::from_utf8_lossy(&output.stdout);
            let last = words.lines().last().unwrap_or_default();
            let is_good = output.status.success()
                && words.contains("refused with ZX_ERR_ACCESS_DENIED")
                && last.starts_with("audit: 1 processes")
                && last.ends_with("nothing lost");
            assert!(is_good, "{name}, {linkage:?}: {output:?}");
        }
    }
}

#[test]
fn an_epoll_loop_serves_fifty_clients() {
    let source = support::this_crate().join("examples/epoll.c");
    let program = support::compile(&source, Language::C, Linkage::Shared);
    let output = run(&mut Command::new(program.unwrap_or_else(|error| panic!("{error}"))));
    let words = String::from_utf8_lossy(&output.stdout);
    let is_good = output.status.success()
        && words.contains("1000 calls of 50 clients, 0 failed")
        && words.contains("words: 1; Ctrl-C")
        && words.contains("audit: 1 processes, nothing lost");
    assert!(is_good, "{output:?}");
}

#[test]
fn the_readme_programs_run() {
    let readme = std::fs::read_to_string(support::this_crate().join("README.md")).expect("the README");
    let mut ran = 0;
    for (fence, suffix, language) in [("```c\n", "c", Language::C), ("```cpp\n", "cc", Language::Cxx)] {
        for (number, words) in readme.split(fence).skip(1).enumerate() {
            let (words, _) = words.split_once("```").expect("the end of a program");
            let source = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{number}.{suffix}"));
            std::fs::write(&source, words).expect("a file in the folder for such files");
            let program = support::compile(&source, language, Linkage::Shared);
            let output = run(&mut Command::new(program.unwrap_or_else(|error| panic!("{error}"))));
            assert!(output.status.success(), "{suffix}, {number}: {output:?}");
            ran += 1;
        }
    }
    assert_eq!(ran, 3, "two in C, one in C++");
}

#[test]
fn dlclose_keeps_the_library_loaded() {
    let source = support::this_crate().join("tests/linking/dlclose.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("closed");
    let mut compiler = support::compiler(Language::C);
    compiler
        .args(["-Wall", "-Wextra", "-Werror"])
        .arg(source)
        .arg("-o")
        .arg(&program)
        .args(["-ldl", "-lpthread"]);
    support::run(compiler).unwrap_or_else(|error| panic!("{error}"));
    let library = support::library().unwrap_or_else(|error| panic!("{error}"));
    let output = run(Command::new(program).arg(&library.shared));
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn cmake_has_the_crates_version() {
    let file = support::this_crate().join("cmake/jacinth-config-version.cmake");
    let words = std::fs::read_to_string(file).expect("the version file");
    assert!(words.contains(concat!("set(PACKAGE_VERSION ", env!("CARGO_PKG_VERSION"), ")")), "{words}");
}
