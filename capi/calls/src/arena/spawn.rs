//! Starting a program in this process's arena.

use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{zx_handle_t, zx_status_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{Handle, NullableHandle, Supervisor};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Starts a program in this process's arena and gives it a handle.
///
/// # Safety
/// `program` is a string, `argv` and `envp` are lists of strings that end in NULL, or NULL themselves, and `pid` is NULL
/// or points to a process id to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_spawn(
    program: UserIn<u8>,
    argv: UserIn<usize>,
    envp: UserIn<usize>,
    startup: zx_handle_t,
    pid: UserOut<libc::pid_t>,
) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        // From here on the call consumes the handle, also when it fails.
        let startup = Handle::try_from(NullableHandle::from_raw(startup)).context("the startup handle")?;
        // Before the program starts, because that could not be taken back.
        pid.check_optional().context("where the process id goes")?;
        let program = program.c_string().context("the program's name")?;
        let mut command = Command::new(OsStr::from_bytes(program.to_bytes()));
        if !argv.is_null() {
            let mut arguments = c_strings(argv, "the arguments")?.into_iter();
            if let Some(name) = arguments.next() {
                command.arg0(name);
            }
            command.args(arguments);
        }
        if !envp.is_null() {
            let variables = c_strings(envp, "the environment")?;
            command.env_clear().envs(variables.into_iter().filter_map(name_and_value));
        }
        let child = Supervisor::get()?.spawn(&mut command, startup)?;
        pid.store_optional(child.id().cast_signed()).context("where the process id goes")
    })
}

/// The strings of a list that ends in NULL.
fn c_strings<'a>(list: UserIn<usize>, subject: &str) -> Result<Vec<&'a OsStr>, CallError> {
    let mut strings = Vec::new();
    loop {
        let string: UserIn<u8> = list.element(strings.len()).cast().load().context(subject)?;
        if string.is_null() {
            return Ok(strings);
        }
        strings.push(OsStr::from_bytes(string.c_string().context(subject)?.to_bytes()));
    }
}

/// Splits `NAME=value`. A name has at least one byte, and may begin with `=`.
fn name_and_value(variable: &OsStr) -> Option<(&OsStr, &OsStr)> {
    let bytes = variable.as_bytes();
    let middle = bytes.iter().skip(1).position(|byte| *byte == b'=')? + 1;
    Some((OsStr::from_bytes(&bytes[..middle]), OsStr::from_bytes(&bytes[middle + 1..])))
}
