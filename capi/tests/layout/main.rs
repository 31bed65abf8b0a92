//! The C headers and the Rust crates agree on every constant, every structure's layout and every call's signature.
//!
//! The tests write C programs with static assertions, from the Rust constants and types, and from tables of Zircon's
//! documents for objects that jacinth does not have yet. The system's compilers check them. A constant or a structure of the
//! headers that no test compares is a failure too.

#[path = "../support/mod.rs"]
mod support;

mod c;
mod constants;
mod declarations;
mod signature;
mod structure;
mod subject;
mod system_headers;
mod zircon_constants;
mod zircon_records;

use c::{LANGUAGES, headers};
use std::collections::BTreeSet;
use std::process::Command;
use support::{Language, Linkage};

type Outcome = Result<(), Failure>;

/// The output of a compiler, printed as it is.
struct Failure(String);

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Failure {
    fn from(said: String) -> Self {
        Self(said)
    }
}

/// The headers for assertions in C before C23.
const ASSERTS: &str = "#include <assert.h>\n#include <stdalign.h>\n";

/// Compiles a program of all headers and these assertions.
fn asserting(name: &str, assertions: &str) -> Outcome {
    for language in LANGUAGES {
        let text = format!("{ASSERTS}{}{assertions}", c::including(headers()));
        c::accepted(name, language, &text)?;
    }
    Ok(())
}

#[test]
fn constants_match_the_rust_crate() -> Outcome {
    let assertions: String = constants::numbers().iter().map(|(name, value)| c::is(name, *value)).collect();
    asserting("constants", &assertions)
}

#[test]
fn constants_match_zircons_documents() -> Outcome {
    let numbers = zircon_constants::NUMBERS.iter().map(|(name, value)| c::is(name, *value));
    let texts = zircon_constants::TEXTS.iter().map(|(name, value)| c::is_text(name, value));
    asserting("documented", &numbers.chain(texts).collect::<String>())
}

/// A member that is not in the table could lie where C leaves a gap, and change neither a size nor an offset.
#[test]
fn the_header_matches_the_limits_table() {
    let code = c::code_of("jacinth.h");
    let (_, members) = code.split_once("typedef struct jacinth_config {").expect("the structure");
    let (members, _) = members.split_once('}').expect("its end");
    let names: Vec<&str> = members
        .split(';')
        .filter_map(|member| member.trim().rsplit([' ', '*']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, [structure::LIMITS, &["socket_path"]].concat());
}

#[test]
fn every_constant_is_compared() {
    let compared: BTreeSet<String> = constants::numbers()
        .into_iter()
        .map(|(name, _)| name)
        .chain(
            [zircon_constants::NUMBERS, zircon_constants::ARM64]
                .concat()
                .iter()
                .map(|(name, _)| (*name).to_owned()),
        )
        .chain(zircon_constants::TEXTS.iter().map(|(name, _)| (*name).to_owned()))
        .map(|expression| before(&expression, '('))
        .collect();
    let missed: Vec<String> = headers()
        .flat_map(|header| defined(&c::code_of(header)))
        .filter(|name| !compared.contains(name))
        .collect();
    assert!(missed.is_empty(), "not compared: {missed:?}");
}

/// The macros of a header that are constants; those of `compiler.h`, the assertions and the guards are not.
fn defined(code: &str) -> Vec<String> {
    code.lines()
        .filter_map(|line| line.strip_prefix("#define "))
        .map(|definition| before(&before(definition, ' '), '('))
        .filter(|name| {
            let prefixes = ["ZX_", "__ZX_", "PA_", "X86_", "AARCH64_", "FIDL_", "JACINTH_"];
            prefixes.iter().any(|prefix| name.starts_with(prefix)) && !name.ends_with("_H_")
        })
        .filter(|name| !["ASSERT", "PANIC", "ALIGNDECL"].iter().any(|part| name.contains(part)))
        .collect()
}

fn before(text: &str, end: char) -> String {
    text.split(end).next().unwrap_or_default().to_owned()
}

#[test]
fn shared_structures_have_one_layout() -> Outcome {
    let structures = subject::all().into_iter().flat_map(|subject| subject.structures);
    let structures: String = structures.map(|structure| structure.assertions).collect();
    asserting("structures", &(structures + &structure::numbers()))
}

#[test]
fn number_types_match_zircons_documents() -> Outcome {
    let mut assertions = String::new();
    for (name, size, signed) in zircon_constants::TYPES {
        assertions += &c::is(&format!("sizeof({name})"), *size);
        assertions += &c::is(&format!("({name})-1 < ({name})1"), (*signed).into());
    }
    asserting("numbers", &assertions)
}

#[test]
fn every_number_type_is_compared() {
    let compared: BTreeSet<&str> = zircon_constants::TYPES
        .iter()
        .map(|(name, ..)| *name)
        .chain(structure::NUMBERS.iter().copied())
        .chain(["zx_futex_t"])
        .collect();
    let missed: Vec<String> = headers()
        .flat_map(|header| renamed(&c::code_of(header)))
        .filter(|name| !compared.contains(name.as_str()))
        .collect();
    assert!(missed.is_empty(), "not compared: {missed:?}");
}

/// The types of a header that rename types without a tag.
fn renamed(code: &str) -> Vec<String> {
    code.lines()
        .filter_map(|line| line.strip_prefix("typedef ")?.strip_suffix(';')?.split_once(' '))
        .filter(|(what, _)| !["struct", "union"].contains(what))
        .map(|(_, name)| name.trim().to_owned())
        .collect()
}

#[test]
fn a_futex_is_atomic_in_c() -> Outcome {
    // A second declaration is correct only if the types are equal.
    let futex = c::including(["zircon/types.h"]) + "extern zx_futex_t word;\n";
    c::accepted("futex", Language::C, &format!("{futex}extern atomic_int word;\n"))?;
    c::accepted("futex", Language::Cxx, &format!("{futex}extern int word;\n"))
}

#[test]
fn time_arithmetic_saturates_as_in_rust() -> Outcome {
    let checks: String = constants::arithmetic()
        .iter()
        .map(|(call, value)| format!("    CHECK({call} == {});\n", c::number(*value)))
        .collect();
    let text = format!(
        "#include <stdio.h>\n#include <zircon/time.h>\n\
         #define CHECK(condition) if (!(condition)) return fprintf(stderr, \"%s\\n\", #condition), 1\n\
         int main(void) {{\n{checks}    return 0;\n}}\n"
    );
    for language in LANGUAGES {
        let source = c::write("time", language, &text)?;
        for mut compiler in c::compilers(language) {
            let program = source.with_extension("out");
            compiler.arg(&source).arg("-o").arg(&program);
            support::run(compiler)?;
            support::run(Command::new(program))?;
        }
    }
    let constant: String = constants::arithmetic().iter().map(|(call, value)| c::is(call, *value)).collect();
    c::accepted("time-constexpr", Language::Cxx, &format!("#include <zircon/time.h>\n{constant}"))
}

#[test]
fn records_match_zircons_documents() -> Outcome {
    let assertions: String = zircon_records::RECORDS.iter().map(zircon_records::Record::assertions).collect();
    let here = if cfg!(target_arch = "x86_64") { zircon_records::X86_64 } else { zircon_records::ARM64 };
    let here: String = here.iter().map(zircon_records::Record::assertions).collect();
    asserting("records", &(assertions + &here))
}

#[test]
fn records_match_on_arm64() -> Outcome {
    // The headers of that system are not here, so Clang's own must do.
    let mut clang = Command::new("clang");
    clang.args([
        "--target=aarch64-linux-gnu",
        "-ffreestanding",
        "-fsyntax-only",
        "-std=c11",
        "-Werror",
        "-I",
    ]);
    clang.arg(support::this_crate().join("include"));
    if clang.output().is_err() {
        return Ok(()); // It is not installed.
    }
    let of_zircon = zircon_records::RECORDS.iter().filter(|record| record.name.starts_with("zx_"));
    let mut assertions: String =
        of_zircon.chain(zircon_records::ARM64).map(zircon_records::Record::assertions).collect();
    assertions.extend(zircon_constants::ARM64.iter().map(|(name, value)| c::is(name, *value)));
    // These headers include the system's own.
    let hosted = ["zircon/assert.h", "zircon/fidl.h", "zircon/threads.h"];
    let zircon = headers().filter(|header| header.starts_with("zircon/") && !hosted.contains(header));
    let zircon = c::including(zircon);
    let text = format!("#define static_assert _Static_assert\n#include <stdalign.h>\n{zircon}{assertions}");
    clang.arg(c::write("arm64", Language::C, &text)?);
    Ok(support::run(clang)?)
}

#[test]
fn zircon_programs_compile_unchanged() -> Outcome {
    for language in LANGUAGES {
        c::accepted("idiom", language, include_str!("idiom.c"))?;
    }
    Ok(())
}

#[test]
fn zircon_programs_run_unchanged() -> Outcome {
    for language in LANGUAGES {
        let source = c::write("idiom", language, include_str!("idiom.c"))?;
        for linkage in [Linkage::Shared, Linkage::Static] {
            let mut program = Command::new(support::compile(&source, language, linkage)?);
            program.env_remove(jacinth::SOCKET_VARIABLE).env_remove(jacinth::SLOT_VARIABLE);
            support::run(program)?;
        }
    }
    Ok(())
}

/// Adds the folder of the headers that come before the system's own.
fn as_on_fuchsia(mut compiler: Command) -> Command {
    compiler.arg("-I").arg(support::this_crate().join("include/jacinth/libc"));
    compiler
}

#[test]
fn fuchsia_libc_programs_run_unchanged() -> Outcome {
    for language in LANGUAGES {
        let source = c::write("fuchsia", language, include_str!("fuchsia.c"))?;
        for compiler in c::compilers(language) {
            let mut compiler = as_on_fuchsia(compiler);
            compiler.arg("-fsyntax-only").arg(&source);
            support::run(compiler)?;
        }
        let mut compiler = as_on_fuchsia(support::compiler(language));
        let program = source.with_extension("out");
        compiler.arg("-I").arg(support::this_crate().join("include")).arg(&source).arg("-o").arg(&program);
        support::link(&mut compiler, support::library()?, Linkage::Shared);
        support::run(compiler)?;
        let mut program = Command::new(program);
        program.env_remove(jacinth::SOCKET_VARIABLE).env_remove(jacinth::SLOT_VARIABLE);
        support::run(program)?;
    }
    Ok(())
}

#[test]
fn every_structure_is_compared() {
    let compared: BTreeSet<&str> = zircon_records::RECORDS
        .iter()
        .chain(zircon_records::X86_64)
        .map(|record| record.name)
        .chain(
            subject::all().into_iter().flat_map(|subject| subject.structures).map(|structure| structure.name),
        )
        .collect();
    let missed: Vec<String> = headers()
        .flat_map(|header| structures(&c::code_of(header)))
        .filter(|name| !compared.contains(name.as_str()))
        .collect();
    assert!(missed.is_empty(), "not compared: {missed:?}");
}

/// The structures and unions that a header defines by name.
fn structures(code: &str) -> Vec<String> {
    let closing =
        code.lines().filter_map(|line| line.strip_prefix("} ")?.strip_suffix(';').map(str::to_owned));
    let tagged = code
        .lines()
        .filter_map(|line| Some(line.strip_prefix("struct ")?.strip_suffix(" {")?.to_owned() + "_t"));
    closing.chain(tagged).collect()
}
