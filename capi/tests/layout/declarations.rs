//! The declarations of calls: the headers declare exactly the exported functions, under both names, with the signatures of
//! the Rust functions.

use crate::c;
use crate::signature::{Signature, pointer};
use crate::subject;
use crate::support::{self, Language};
use crate::{Failure, Outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// The headers that declare calls.
const DECLARING: [&str; 6] = [
    "zircon/process.h",
    "zircon/status.h",
    "zircon/syscalls.h",
    "jacinth.h",
    "jacinth/compat.h",
    "jacinth/in_place.h",
];

/// All that the headers declare, by name.
fn declared() -> BTreeMap<String, Signature> {
    DECLARING.iter().flat_map(|header| declarations(&c::code_of(header))).collect()
}

/// The exported functions that no header declares, because programs define functions of these names.
fn internal() -> BTreeMap<String, Signature> {
    declarations(&c::code_of("../tests/c/internal.h")).into_iter().collect()
}

fn declarations(code: &str) -> Vec<(String, Signature)> {
    let lines = code.lines().filter(|line| !line.starts_with('#') && !line.starts_with("__"));
    let code = lines.flat_map(|line| [line, " "]).collect::<String>();
    code.split(';').filter_map(declaration).collect()
}

/// Takes `type name(type name, type name) attributes` apart.
fn declaration(text: &str) -> Option<(String, Signature)> {
    let (head, tail) = text.split_once('(')?;
    let (arguments, attributes) = tail.split_once(')')?;
    let (result, name) = split_name(head);
    let result = if attributes.contains("__NO_RETURN") { "!".into() } else { rust_type(&result) };
    let arguments = arguments.split(',').filter(|argument| *argument != "void");
    Some((name, (result, arguments.map(|argument| rust_type(&split_name(argument).0)).collect())))
}

/// `char* const argv[]` is the type `char* const*` and a name.
fn split_name(text: &str) -> (String, String) {
    let (text, is_array) = text.trim().strip_suffix("[]").map_or((text.trim(), false), |text| (text, true));
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = text.rfind(|c| !is_of_name(c)).map_or(0, |place| place + 1);
    let (kind, name) = text.split_at(start);
    (format!("{}{}", kind.trim(), if is_array { "*" } else { "" }), name.to_owned())
}

/// A type of C as the Rust type that it stands for.
fn rust_type(text: &str) -> String {
    let Some(pointee) = text.strip_suffix('*') else {
        return match text {
            "void" => "()",
            "char" => "u8",
            "size_t" | "zx_vaddr_t" => "usize",
            "uint32_t" | "zx_clock_t" | "zx_handle_t" | "zx_rights_t" | "zx_signals_t" | "zx_vm_option_t" => {
                "u32"
            }
            "int" | "int32_t" | "zx_status_t" | "zx_futex_t" | "pid_t" => "i32",
            "uint64_t" | "zx_koid_t" | "thrd_t" => "u64",
            "int64_t" | "zx_time_t" | "zx_duration_t" => "i64",
            other => other,
        }
        .to_owned();
    };
    let constant = pointee.strip_suffix(" const").or_else(|| pointee.strip_prefix("const "));
    pointer(if constant.is_some() { "const" } else { "mut" }, &rust_type(constant.unwrap_or(pointee)))
}

/// Each call of this library, by its name without an underscore.
fn written() -> BTreeMap<String, Signature> {
    subject::all().into_iter().flat_map(|subject| subject.calls).collect()
}

#[test]
fn declarations_match_the_rust_functions() {
    let (mut declared, written) = (declared(), written());
    declared.extend(internal());
    for (name, signature) in &written {
        assert_eq!(declared.get(name), Some(signature), "{name}: declared, and written");
    }
    let missed: Vec<&String> =
        declared.keys().filter(|name| !name.starts_with('_') && !written.contains_key(*name)).collect();
    assert!(missed.is_empty(), "declared, and not compared: {missed:?}");
}

#[test]
fn every_zircon_call_has_two_names() -> Outcome {
    let declared = declared();
    for (name, signature) in &declared {
        let other = match name.strip_prefix('_') {
            Some(first) => first.to_owned(),
            None if name.starts_with("zx_") => format!("_{name}"),
            None => continue,
        };
        assert_eq!(declared.get(&other), Some(signature), "{other}");
    }
    // The compiler finds both types compatible.
    let same: String = declared
        .keys()
        .filter(|name| name.starts_with("zx_"))
        .map(|name| {
            c::is(&format!("__builtin_types_compatible_p(__typeof__({name}), __typeof__(_{name}))"), 1)
        })
        .collect();
    c::accepted("names", Language::C, &format!("{}{}{same}", crate::ASSERTS, c::including(DECLARING)))
}

#[test]
fn programs_may_define_internal_names() -> Outcome {
    let own =
        "extern \"C\" int zx_channel_call_noretry(void);\nextern \"C\" int zx_channel_call_finish(void);\n";
    for (language, own) in c::LANGUAGES.map(|language| match language {
        Language::C => (language, own.replace("extern \"C\" ", "")),
        Language::Cxx => (language, own.to_owned()),
    }) {
        c::accepted("internal", language, &(c::including(c::headers()) + &own))?;
    }
    Ok(())
}

#[test]
fn no_other_header_declares_a_call() {
    // Two of these define their functions; the third has a structure with a pointer to a function.
    let whole = ["zircon/time.h", "zircon/threads.h", "zircon/fidl.h"];
    for header in c::headers().filter(|header| !DECLARING.contains(header) && !whole.contains(header)) {
        let calls = declarations(&c::code_of(header)).into_iter().map(|(name, _)| name);
        let found: Vec<String> =
            calls.filter(|name| name.contains("zx_") || name.contains("jacinth_")).collect();
        assert!(found.is_empty(), "{header}: {found:?}");
    }
}

#[test]
fn exports_equal_declarations() -> Outcome {
    let library = support::library()?;
    let output = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(&library.shared)
        .output();
    let output = output.map_err(|error| format!("nm, which comes with every linker: {error}"))?;
    let listing = String::from_utf8_lossy(&output.stdout);
    let exported: BTreeSet<&str> = listing.lines().filter_map(|line| line.split(' ').next()).collect();
    let (declared, internal) = (declared(), internal());
    let declared: BTreeSet<&str> = declared.keys().chain(internal.keys()).map(String::as_str).collect();
    let only = |these: &BTreeSet<&str>, those: &BTreeSet<&str>| {
        these.difference(those).copied().collect::<Vec<_>>().join(" ")
    };
    if exported == declared {
        return Ok(());
    }
    Err(Failure(format!(
        "only declared: {}\nonly exported: {}",
        only(&declared, &exported),
        only(&exported, &declared)
    )))
}
