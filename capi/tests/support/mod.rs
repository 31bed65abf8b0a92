//! Builds libjacinth, and compiles C and C++ programs against it with the system's compiler.
//!
//! The programs use the same files as a user's programs: the headers under `include/`, and `libjacinth.so` or
//! `libjacinth.a` as cargo builds them. `CC` and `CXX` name other compilers than `cc` and `c++`.
#![allow(dead_code, reason = "each test file uses a part of this")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The library in both forms.
#[derive(Debug)]
pub struct Library {
    /// `libjacinth.so`.
    pub shared: PathBuf,
    /// `libjacinth.a`.
    pub archive: PathBuf,
}

/// The language of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    C,
    Cxx,
}

/// How a program finds the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// With `libjacinth.so`, at run time.
    Shared,
    /// `libjacinth.a` is part of the program.
    Static,
}

/// The system libraries of the static library: `rustc --print native-static-libs`.
const NATIVE_LIBRARIES: [&str; 7] = ["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl", "-lc"];

/// The library, built once, in the same profile as the tests and in the same folder.
pub fn library() -> Result<&'static Library, String> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    LIBRARY.get_or_init(build).as_ref().map_err(Clone::clone)
}

fn build() -> Result<Library, String> {
    let build = escargot::CargoBuild::new()
        .manifest_path(this_crate().join("Cargo.toml"))
        .package("jacinth-capi")
        .current_release()
        .args(["--lib", "--locked"])
        .exec();
    let mut files = Vec::new();
    for message in build.map_err(|error| error.to_string())? {
        let message = message.map_err(|error| error.to_string())?;
        let message = message.decode().map_err(|error| error.to_string())?;
        if let escargot::format::Message::CompilerArtifact(artifact) = message
            && artifact.target.crate_types.iter().any(|kind| kind == "cdylib")
        {
            files.extend(artifact.filenames.iter().map(|file| file.to_path_buf()));
        }
    }
    let find = |extension| {
        let file = files.iter().find(|file| file.extension().is_some_and(|its| its == extension));
        file.cloned().ok_or_else(|| format!("cargo built no libjacinth.{extension} but {files:?}"))
    };
    Ok(Library { shared: find("so")?, archive: find("a")? })
}

/// The folder of `jacinth-capi`.
pub fn this_crate() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Compiles one source file to a program of that name. Returns its path, or the output of the compiler.
pub fn compile(source: &Path, language: Language, linkage: Linkage) -> Result<PathBuf, String> {
    let name = source.file_stem().ok_or("a source file has a name")?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{language:?}-{linkage:?}"));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let program = folder.join(name);
    let mut compiler = compiler(language);
    compiler.args(["-Wall", "-Wextra", "-Werror", "-g", "-rdynamic", "-I"]).arg(this_crate().join("include"));
    compiler.arg(source).arg("-o").arg(&program);
    link(&mut compiler, library()?, linkage);
    run(compiler)?;
    Ok(program)
}

/// The compiler with its standard.
pub fn compiler(language: Language) -> Command {
    let (variable, usual, standard) = match language {
        Language::C => ("CC", "cc", "-std=c11"),
        Language::Cxx => ("CXX", "c++", "-std=c++17"),
    };
    let named = std::env::var(variable).unwrap_or_else(|_| usual.into());
    // "ccache cc" is a usual value too.
    let mut words = named.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(usual));
    command.args(words).arg(standard);
    command
}

/// Adds the arguments that link a program with the library.
pub fn link(compiler: &mut Command, library: &Library, linkage: Linkage) {
    match linkage {
        Linkage::Shared => {
            let folder = library.shared.parent().expect("a file lies in a folder");
            let mut rpath = OsString::from("-Wl,-rpath,");
            rpath.push(folder);
            compiler.arg("-L").arg(folder).args(["-ljacinth", "-lpthread"]).arg(rpath);
        }
        Linkage::Static => {
            compiler.arg(&library.archive).args(NATIVE_LIBRARIES);
        }
    }
}

/// Runs a compiler. The error has its output.
pub fn run(mut compiler: Command) -> Result<(), String> {
    let name = compiler.get_program().to_string_lossy().into_owned();
    let output = compiler.output().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => format!(
            "there is no compiler named {name:?} on this machine. The tests of the C interface need one for C and \
             one for C++: install gcc and g++ (or clang), or name them by CC and CXX"
        ),
        _ => format!("{name}: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{compiler:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
