//! The headers beside the system's own: included alone, twice, before and after all others, in C and in C++.

use crate::Outcome;
use crate::c::{self, LANGUAGES, headers};
use crate::support::Language;

/// The headers of C and of Linux that programs include.
const C: &[&str] = &[
    "assert.h",
    "complex.h",
    "ctype.h",
    "errno.h",
    "fcntl.h",
    "fenv.h",
    "float.h",
    "inttypes.h",
    "iso646.h",
    "limits.h",
    "linux/futex.h",
    "linux/types.h",
    "locale.h",
    "math.h",
    "poll.h",
    "pthread.h",
    "sched.h",
    "semaphore.h",
    "setjmp.h",
    "signal.h",
    "spawn.h",
    "stdalign.h",
    "stdarg.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "stdnoreturn.h",
    "string.h",
    "sys/cdefs.h",
    "sys/epoll.h",
    "sys/mman.h",
    "sys/socket.h",
    "sys/stat.h",
    "sys/syscall.h",
    "sys/time.h",
    "sys/types.h",
    "sys/un.h",
    "sys/wait.h",
    "threads.h",
    "time.h",
    "unistd.h",
    "wchar.h",
    "wctype.h",
];

/// The headers that only C has.
const C_ALONE: &[&str] = &["stdatomic.h", "tgmath.h"];

/// The compiler's own headers. Some of them use names that Zircon defines.
#[cfg(target_arch = "x86_64")]
const COMPILER: &[&str] = &["x86intrin.h"];
#[cfg(not(target_arch = "x86_64"))]
const COMPILER: &[&str] = &[];

/// The headers of C++17.
const CXX: &[&str] = &[
    "algorithm",
    "any",
    "array",
    "atomic",
    "bitset",
    "cassert",
    "charconv",
    "chrono",
    "codecvt",
    "complex",
    "condition_variable",
    "deque",
    "exception",
    "filesystem",
    "forward_list",
    "fstream",
    "functional",
    "future",
    "iomanip",
    "iostream",
    "iterator",
    "limits",
    "list",
    "locale",
    "map",
    "memory",
    "memory_resource",
    "mutex",
    "new",
    "numeric",
    "optional",
    "queue",
    "random",
    "ratio",
    "regex",
    "scoped_allocator",
    "set",
    "shared_mutex",
    "sstream",
    "stack",
    "stdexcept",
    "streambuf",
    "string",
    "string_view",
    "system_error",
    "thread",
    "tuple",
    "type_traits",
    "typeindex",
    "typeinfo",
    "unordered_map",
    "unordered_set",
    "utility",
    "valarray",
    "variant",
    "vector",
];

#[test]
fn every_header_compiles_alone() -> Outcome {
    for language in LANGUAGES {
        for header in headers() {
            // ISO C wants a declaration in every file.
            let text = c::including([header]) + "extern int something;\n";
            c::accepted(&format!("alone-{}", header.replace('/', "-")), language, &text)?;
        }
    }
    Ok(())
}

#[test]
fn headers_may_repeat_in_any_order() -> Outcome {
    for language in LANGUAGES {
        let forth_and_back = headers().chain(headers().rev());
        c::accepted("forth-and-back", language, &c::including(forth_and_back))?;
    }
    Ok(())
}

#[test]
fn headers_coexist_with_c_headers() -> Outcome {
    let others = c::including([C, C_ALONE, COMPILER].concat());
    both_ways("beside-c", Language::C, &format!("#define _GNU_SOURCE 1\n{{}}{others}"))?;
    both_ways("beside-c-in", Language::Cxx, &format!("{{}}{}", c::including(C.iter().copied())))
}

#[test]
fn headers_coexist_with_cxx_headers() -> Outcome {
    both_ways("beside-cxx", Language::Cxx, &format!("{{}}{}", c::including(CXX.iter().copied())))
}

/// Ours first, and ours last.
fn both_ways(name: &str, language: Language, others: &str) -> Outcome {
    let ours = c::including(headers());
    c::accepted(&format!("{name}-first"), language, &others.replace("{}", &ours))?;
    c::accepted(&format!("{name}-last"), language, &(others.replace("{}", "") + &ours))
}
