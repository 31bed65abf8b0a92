//! The calls: what the headers declare is what the library exports, each under both its names, and with the signature that
//! its Rust function has.

use crate::c;
use crate::support::{self, Language};
use crate::{Failure, Outcome};
use jacinth_calls::types::{
    jacinth_audit_t, jacinth_config_t, jacinth_fate_t, jacinth_report_t, zx_channel_call_args_t,
    zx_handle_info_t, zx_wait_item_t,
};
use jacinth_calls::{ThreadStart, UserIn, UserOut};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::c_char;
use std::process::Command;

/// The headers that declare calls.
const HEADERS: [&str; 5] =
    ["zircon/process.h", "zircon/status.h", "zircon/syscalls.h", "jacinth.h", "jacinth/compat.h"];

/// A call's result and its arguments, in Rust's words.
type Signature = (String, Vec<String>);

/// All that the headers declare, by name.
fn declared() -> BTreeMap<String, Signature> {
    HEADERS.iter().flat_map(|header| declarations(&c::code_of(header))).collect()
}

/// What the library exports and no header declares: programs define functions of these names.
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

/// A type of C, by what it is and not by what it is called.
fn rust_type(text: &str) -> String {
    let Some(pointee) = text.strip_suffix('*') else {
        return match text {
            "void" => "()",
            "char" => "u8",
            "size_t" => "usize",
            "uint32_t" | "zx_clock_t" | "zx_handle_t" | "zx_rights_t" | "zx_signals_t" => "u32",
            "int" | "int32_t" | "zx_status_t" | "zx_futex_t" | "pid_t" => "i32",
            "uint64_t" | "zx_koid_t" | "thrd_t" => "u64",
            "int64_t" | "zx_time_t" | "zx_duration_t" => "i64",
            other => other,
        }
        .to_owned();
    };
    let constant = pointee.strip_prefix("const ").or_else(|| pointee.strip_suffix(" const"));
    pointer(if constant.is_some() { "const" } else { "mut" }, &rust_type(constant.unwrap_or(pointee)))
}

fn pointer(mutability: &str, pointee: &str) -> String {
    match pointee {
        // Memory of no type is bytes; a list of texts is one of addresses.
        "()" => format!("*{mutability} u8"),
        "*mut u8" => format!("*{mutability} usize"),
        _ => format!("*{mutability} {pointee}"),
    }
}

/// A type that crosses the boundary.
trait Crosses {
    fn name() -> String;
}

macro_rules! crosses {
    ($( $Type:ty ),+) => {$(
        impl Crosses for $Type {
            fn name() -> String {
                stringify!($Type).into()
            }
        }
    )+};
}
crosses!((), bool, u8, u32, i32, u64, i64, usize, zx_wait_item_t, zx_channel_call_args_t, zx_handle_info_t);
crosses!(jacinth_config_t, jacinth_audit_t, jacinth_fate_t, jacinth_report_t);

impl<T: Crosses> Crosses for UserIn<T> {
    fn name() -> String {
        pointer("const", &T::name())
    }
}

impl<T: Crosses> Crosses for UserOut<T> {
    fn name() -> String {
        pointer("mut", &T::name())
    }
}

impl Crosses for ThreadStart {
    fn name() -> String {
        "thrd_start_t".into()
    }
}

impl Crosses for *const c_char {
    fn name() -> String {
        pointer("const", "u8")
    }
}

/// A function that C can call.
trait Callable {
    fn signature(self) -> Signature;
}

macro_rules! callable {
    ($( ($( $Argument:ident )*) )+) => {$(
        impl<R: Crosses, $($Argument: Crosses),*> Callable for unsafe extern "C" fn($($Argument),*) -> R {
            fn signature(self) -> Signature {
                (R::name(), vec![$($Argument::name()),*])
            }
        }
    )+};
}
callable!(() (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G H));

/// Each call of this library, by its first name.
fn written() -> BTreeMap<String, Signature> {
    macro_rules! signatures {
        ($( $name:ident($( $_argument:tt ),*) )+) => {
            [$( (
                stringify!($name).to_owned(),
                (jacinth_calls::$name as unsafe extern "C" fn($( signatures!(@any $_argument) ),*) -> _).signature(),
            ), )+]
        };
        (@any $_argument:tt) => { _ };
    }
    let _: unsafe extern "C" fn(i64) -> ! = jacinth_calls::zx_process_exit;
    let _: unsafe extern "C-unwind" fn() -> ! = jacinth_calls::zx_thread_exit;
    let endless = [
        ("zx_process_exit".to_owned(), ("!".to_owned(), vec!["i64".to_owned()])),
        ("zx_thread_exit".to_owned(), ("!".to_owned(), vec![])),
    ];
    let others = signatures! {
        zx_handle_close(1)
        zx_handle_close_many(1, 2)
        zx_handle_duplicate(1, 2, 3)
        zx_handle_replace(1, 2, 3)
        zx_object_get_info(1, 2, 3, 4, 5, 6)
        zx_object_get_property(1, 2, 3, 4)
        zx_object_set_property(1, 2, 3, 4)
        zx_object_signal(1, 2, 3)
        zx_object_signal_peer(1, 2, 3)
        zx_object_wait_one(1, 2, 3, 4)
        zx_object_wait_many(1, 2, 3)
        zx_event_create(1, 2)
        zx_eventpair_create(1, 2, 3)
        zx_channel_create(1, 2, 3)
        zx_channel_read(1, 2, 3, 4, 5, 6, 7, 8)
        zx_channel_read_etc(1, 2, 3, 4, 5, 6, 7, 8)
        zx_channel_write(1, 2, 3, 4, 5, 6)
        zx_channel_call(1, 2, 3, 4, 5, 6)
        zx_channel_call_noretry(1, 2, 3, 4, 5, 6)
        zx_channel_call_finish(1, 2, 3, 4)
        zx_clock_get(1)
        zx_clock_get_new(1, 2)
        zx_clock_get_monotonic()
        zx_ticks_get()
        zx_ticks_per_second()
        zx_nanosleep(1)
        zx_deadline_after(1)
        zx_futex_wait(1, 2, 3, 4)
        zx_futex_wake(1, 2)
        zx_futex_requeue(1, 2, 3, 4, 5, 6)
        zx_futex_wake_single_owner(1)
        zx_futex_requeue_single_owner(1, 2, 3, 4, 5)
        zx_futex_get_owner(1, 2)
        zx_futex_wait_deprecated(1, 2, 3)
        zx_futex_requeue_deprecated(1, 2, 3, 4, 5)
        zx_cprng_draw(1, 2)
        zx_system_get_dcache_line_size()
        zx_system_get_num_cpus()
        zx_system_get_physmem()
        zx_system_get_version(1, 2)
        zx_status_get_string(1)
        zx_take_startup_handle(1)
        zx_thread_self()
        zx_process_self()
        zx_vmar_root_self()
        zx_job_default()
        jacinth_config_default(1)
        jacinth_create(1)
        jacinth_attach(1)
        jacinth_forbid_own_arena()
        jacinth_is_attached()
        jacinth_socket_path()
        jacinth_spawn(1, 2, 3, 4, 5)
        jacinth_fate(1, 2)
        jacinth_audit(1)
        jacinth_collect(1)
        jacinth_channel_create(1, 2, 3, 4)
        jacinth_set_spin(1)
        jacinth_set_answer_time(1)
        jacinth_error()
        jacinth_status_detail(1)
        jacinth_thrd_create_with_name(1, 2, 3, 4)
        jacinth_thrd_get_zx_handle(1)
    };
    others.into_iter().chain(endless).collect()
}

#[test]
fn every_call_is_declared_as_it_is_written() {
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
fn every_call_of_zircons_has_its_second_name() -> Outcome {
    let declared = declared();
    for (name, signature) in &declared {
        let other = match name.strip_prefix('_') {
            Some(first) => first.to_owned(),
            None if name.starts_with("zx_") => format!("_{name}"),
            None => continue,
        };
        assert_eq!(declared.get(&other), Some(signature), "{other}");
    }
    // And the compiler finds the two alike.
    let same: String = declared
        .keys()
        .filter(|name| name.starts_with("zx_"))
        .map(|name| {
            c::is(&format!("__builtin_types_compatible_p(__typeof__({name}), __typeof__(_{name}))"), 1)
        })
        .collect();
    c::accepted("names", Language::C, &format!("{}{}{same}", crate::ASSERTS, c::including(HEADERS)))
}

#[test]
fn programs_may_define_what_is_internal() -> Outcome {
    let own =
        "extern \"C\" int zx_channel_call_noretry(void);\nextern \"C\" int zx_channel_call_finish(void);\n";
    for (language, own) in c::LANGUAGES.map(|language| match language {
        Language::C => (language, own.replace("extern \"C\" ", "")),
        Language::Cxx => (language, own.to_owned()),
    }) {
        c::accepted("internal", language, &(c::including(c::HEADERS) + &own))?;
    }
    Ok(())
}

#[test]
fn no_other_header_declares_a_call() {
    // The functions of two of these are whole; the third has a structure with a pointer to one.
    let whole = ["zircon/time.h", "zircon/threads.h", "zircon/fidl.h"];
    for header in c::HEADERS.iter().filter(|header| !HEADERS.contains(header) && !whole.contains(header)) {
        let calls = declarations(&c::code_of(header)).into_iter().map(|(name, _)| name);
        let found: Vec<String> =
            calls.filter(|name| name.contains("zx_") || name.contains("jacinth_")).collect();
        assert!(found.is_empty(), "{header}: {found:?}");
    }
}

#[test]
fn the_library_exports_what_is_declared_and_nothing_else() -> Outcome {
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
