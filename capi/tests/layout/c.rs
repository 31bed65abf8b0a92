//! Writing C and C++, and compiling it with the system's compilers.

use crate::Outcome;
use crate::support::{self, Language};
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// Every header that C can include, by its path below `include/`.
pub fn headers() -> impl DoubleEndedIterator<Item = &'static str> {
    static HEADERS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let include = support::this_crate().join("include");
        let mut headers = Vec::new();
        // `lib/` is for C++ alone, and `jacinth/libc/` comes before the system's own headers.
        for folder in ["", "jacinth", "zircon", "zircon/syscalls"] {
            let entries = std::fs::read_dir(include.join(folder)).expect("a folder of headers");
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            let names = names.filter_map(|name| name.into_string().ok());
            let names = names.filter(|name| name.ends_with(".h"));
            headers
                .extend(names.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }));
        }
        headers.sort();
        assert!(headers.len() > 20, "{headers:?}");
        headers
    });
    HEADERS.iter().map(String::as_str)
}

pub const LANGUAGES: [Language; 2] = [Language::C, Language::Cxx];

/// The warnings that the headers must not cause. A user may enable all of them as errors.
const WARNINGS: [&str; 6] = ["-Wall", "-Wextra", "-Wpedantic", "-Wundef", "-Wshadow", "-Werror"];

/// Lines that include these headers.
pub fn including<'a>(headers: impl IntoIterator<Item = &'a str>) -> String {
    headers.into_iter().map(|header| format!("#include <{header}>\n")).collect()
}

/// A number as a C literal. C has no literal for the lowest one.
pub fn number(value: i64) -> String {
    match value {
        i64::MIN => format!("(-INT64_C({}) - 1)", i64::MAX),
        _ => format!("INT64_C({value})"),
    }
}

/// An assertion that `expression` is `value`, at compile time.
pub fn is(expression: &str, value: i64) -> String {
    format!("static_assert(({expression}) == {}, \"{expression} is {value}\");\n", number(value))
}

/// An assertion that `expression` has the value of another expression.
pub fn is_text(expression: &str, value: &str) -> String {
    format!("static_assert(({expression}) == ({value}), \"{expression} is {value}\");\n")
}

/// Compiles a source text with every compiler of this language. The error has the output of the compiler.
pub fn accepted(name: &str, language: Language, text: &str) -> Outcome {
    let source = write(name, language, text)?;
    for mut compiler in compilers(language) {
        compiler.arg("-fsyntax-only").arg(&source);
        support::run(compiler)?;
    }
    Ok(())
}

/// Writes a source text to a file.
pub fn write(name: &str, language: Language, text: &str) -> Result<PathBuf, String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("layout");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let extension = if language == Language::C { "c" } else { "cc" };
    let source = folder.join(name).with_extension(extension);
    std::fs::write(&source, text).map_err(|error| format!("{}: {error}", source.display()))?;
    Ok(source)
}

/// The system's compiler, and GCC and Clang where they are installed, each once, with the headers and all warnings.
pub fn compilers(language: Language) -> Vec<Command> {
    let usual = support::compiler(language);
    let standard = usual.get_args().last().expect("the standard").to_owned();
    let names = if language == Language::C { ["gcc", "clang"] } else { ["g++", "clang++"] };
    let others = names.into_iter().map(|name| {
        let mut compiler = Command::new(name);
        compiler.arg(&standard);
        compiler
    });
    let mut versions = Vec::new();
    let mut compilers = Vec::new();
    for mut compiler in std::iter::once(usual).chain(others) {
        // The first one, named by the user, is always used, so that its absence is an error.
        let version = version(&compiler);
        if compilers.is_empty() || version.as_ref().is_some_and(|version| !versions.contains(version)) {
            compiler.arg("-I").arg(support::this_crate().join("include")).args(WARNINGS);
            versions.extend(version);
            compilers.push(compiler);
        }
    }
    compilers
}

/// A compiler's version text without its name; `None` if the compiler is not installed.
fn version(compiler: &Command) -> Option<String> {
    let output =
        Command::new(compiler.get_program()).args(compiler.get_args()).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_name, version) = text.lines().next()?.split_once(' ')?;
    Some(version.to_owned())
}

/// A header's text without its comments.
pub fn code_of(header: &str) -> String {
    let path = support::this_crate().join("include").join(header);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |code, part| code + part.split_once("*/").map_or("", |(_comment, after)| after))
}
