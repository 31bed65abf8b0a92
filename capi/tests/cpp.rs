//! The C++ headers compile with the usual flags, and refuse mistakes.
//!
//! The programs in `tests/cpp` test the calls themselves; `tests/c.rs` runs them.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const STANDARDS: [&str; 3] = ["-std=c++17", "-std=c++14", "-std=c++20"];
const STRICT: [&str; 7] =
    ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only"];
const WITHOUT: [&str; 2] = ["-fno-exceptions", "-fno-rtti"];

/// The C++ compiler of the tests, and the usual compilers that this machine also has.
fn compilers() -> &'static [Vec<String>] {
    static COMPILERS: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    COMPILERS.get_or_init(|| {
        let first = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
        let mut all = vec![first.split_whitespace().map(str::to_owned).collect::<Vec<_>>()];
        let mut known = vec![version(&all[0])];
        for usual in ["g++", "clang++"] {
            let usual = vec![usual.to_owned()];
            let its = version(&usual);
            if its.is_some() && !known.contains(&its) {
                all.push(usual);
                known.push(its);
            }
        }
        all
    })
}

/// A compiler's version text without its name: `c++` is a second name of one of them.
fn version(compiler: &[String]) -> Option<String> {
    let output = Command::new(&compiler[0]).args(&compiler[1..]).arg("--version").output().ok()?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| words.split_once(' ').map_or(words.clone(), |(_, rest)| rest.to_owned()))
}

/// Compiles the source with these flags. The error has the output of the compiler.
fn check(compiler: &[String], flags: &[&str], source: &Path) -> Result<(), String> {
    let mut command = Command::new(&compiler[0]);
    command.args(&compiler[1..]).args(flags).arg("-I").arg(support::this_crate().join("include"));
    command.args(["-x", "c++"]).arg(source);
    support::run(command)
}

fn must_compile(flags: &[&str], source: &Path) {
    for compiler in compilers() {
        for standard in STANDARDS {
            let flags = [flags, &STRICT, &[standard]].concat();
            check(compiler, &flags, source).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// Writes a source file.
fn written(name: &str, words: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, words).expect("a file in the folder for such files");
    path
}

fn compiled(name: &str) -> PathBuf {
    support::this_crate().join("tests/cpp/compiled").join(name)
}

#[test]
fn every_header_compiles_by_itself_and_twice() {
    let folder = support::this_crate().join("include");
    let mut headers = vec!["jacinth.h".to_owned(), "jacinth.hpp".to_owned()];
    for entry in std::fs::read_dir(folder.join("lib/zx")).expect("the folder of the C++ headers") {
        let name = entry.expect("an entry of it").file_name();
        headers.push(format!("lib/zx/{}", name.to_string_lossy()));
    }
    assert!(headers.len() > 10, "{headers:?}");
    for header in headers {
        let words = format!("#include <{header}>\n#include <{header}>\n");
        let source = written(&format!("{}.cc", header.replace('/', "-")), &words);
        for compiler in compilers() {
            let flags = [&STRICT[..], &WITHOUT, &STANDARDS[..1]].concat();
            check(compiler, &flags, &source).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn static_claims_hold_in_every_standard() {
    must_compile(&[], &compiled("static_claims.cc"));
    must_compile(&WITHOUT, &compiled("static_claims.cc"));
}

#[test]
fn code_written_for_libzx_compiles_unchanged() {
    must_compile(&[], &compiled("libzx.cc"));
}

#[test]
fn mistakes_do_not_compile() {
    let mistakes = [
        ("copying an owner", "zx::event a; zx::event b(a);"),
        ("assigning a copy", "zx::event a, b; a = b;"),
        ("a raw value as an owner", "zx::event a = zx_handle_t{1};"),
        ("an owner as a raw value", "zx::event a; zx_handle_close(a);"),
        ("a handle as an event", "zx::handle h; zx::event a = std::move(h);"),
        ("a channel as an event", "zx::channel c; zx::event a(std::move(c));"),
        ("two handles to one end of a channel", "zx::channel c, d; c.duplicate(ZX_RIGHT_SAME_RIGHTS, &d);"),
        ("the peer of what has none", "zx::event a; a.signal_peer(0, 1);"),
        ("waiting for an address", "zx::vmar v; v.wait_one(0, zx::time(), nullptr);"),
        ("signals of an address", "zx::vmar v; v.signal(0, 1);"),
        ("a raw deadline", "zx::event a; a.wait_one(0, 5, nullptr);"),
        ("a duration for an instant", "zx::event a; a.wait_one(0, zx::sec(5), nullptr);"),
        ("instants of two clocks", "zx::duration d = zx::time() - zx::time_utc(); d += d;"),
        ("changing through what is lent", "zx::unowned_event u; u->reset();"),
        ("copying a loan", "jacinth::loan a; jacinth::loan b(a);"),
        ("a buffer as a view", "jacinth::buffer b; jacinth::buffer_view v = b;"),
        ("writing to a message", "jacinth::message m; m.data()[0] = 1;"),
        ("dropping what is released", "zx::event a; a.release();"),
    ];
    let prologue = "#include <jacinth.hpp>\n#include <utility>\nvoid f();\nvoid f() {\n";
    let flags = [&STRICT[..], &STANDARDS[..1]].concat();
    for compiler in compilers() {
        let sound = written("sound.cc", &format!("{prologue}}}\n"));
        check(compiler, &flags, &sound).unwrap_or_else(|error| panic!("{error}"));
        for (index, (what, statement)) in mistakes.into_iter().enumerate() {
            let name = format!("mistake-{index}.cc");
            let source = written(&name, &format!("{prologue}{statement}\n}}\n"));
            let error = check(compiler, &flags, &source).expect_err(what);
            assert!(error.contains(&format!("{name}:5:")), "{what}: not for the statement's sake:\n{error}");
        }
    }
}
