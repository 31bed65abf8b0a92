//! Making and joining an arena, and the settings of this process in it.

use super::config;
use crate::process::entry;
use crate::process::error_text::{self, CallError, Context, with_error_text};
use crate::types::{jacinth_config_t, zx_duration_t, zx_status_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{Config, MonotonicDuration, Supervisor};
use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

/// Makes an arena and attaches this process to it.
///
/// # Safety
/// `config` is NULL or points to a structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_create(config: UserIn<jacinth_config_t>) -> zx_status_t {
    with_error_text(|| {
        Supervisor::create(&config_of(config)?)?;
        entry::set_attached();
        Ok(())
    })
}

/// Attaches this process to this user's arena of a name, which is made if there is none.
///
/// # Safety
/// `name` is a string that ends in a NUL, `config` is NULL or points to a structure, and `created` is NULL or points to a
/// boolean to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_join_or_create(
    name: UserIn<u8>,
    config: UserIn<jacinth_config_t>,
    created: UserOut<bool>,
) -> zx_status_t {
    with_error_text(|| {
        let name = name.c_string().context("the arena's name")?;
        let config = config_of(config)?;
        // Before the process attaches, because that could not be taken back.
        created.check_optional().context("where the answer goes")?;
        let supervisor = jacinth::join_or_create_with(OsStr::from_bytes(name.to_bytes()), &config)?;
        entry::set_attached();
        created.store_optional(supervisor.is_creator()).context("where the answer goes")
    })
}

/// The limits at this address; the defaults for NULL.
fn config_of(config: UserIn<jacinth_config_t>) -> Result<Config, CallError> {
    if config.is_null() {
        return Ok(Config::default());
    }
    config::from_c(&config.load().context("the configuration")?)
}

/// Attaches this process to the arena whose supervisor listens at `socket_path`.
///
/// # Safety
/// `socket_path` is NULL or a string that ends in a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_attach(socket_path: UserIn<u8>) -> zx_status_t {
    with_error_text(|| {
        let path = socket_path.c_string().context("the path of the supervisor's socket")?;
        jacinth::attach(OsStr::from_bytes(path.to_bytes()))?;
        entry::set_attached();
        Ok(())
    })
}

/// Makes the first call of this process fail if it finds no arena to join. Otherwise it would make one.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_forbid_own_arena() {
    entry::forbid_own_arena();
}

/// Whether this process is attached to an arena.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_is_attached() -> bool {
    jacinth::is_attached()
}

/// The path of the supervisor's socket; NULL if this process is not attached.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_socket_path() -> *const c_char {
    static PATH: OnceLock<CString> = OnceLock::new();
    if !jacinth::is_attached() {
        return std::ptr::null();
    }
    let Ok(supervisor) = Supervisor::get() else { return std::ptr::null() };
    // Made once, because the caller may keep the pointer for ever.
    PATH.get_or_init(|| CString::new(supervisor.socket_path().as_os_str().as_bytes()).unwrap_or_default())
        .as_ptr()
}

/// Sets how long this process's waits spin before they sleep, in place of a time that adapts.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_set_spin(duration: zx_duration_t) {
    error_text::set("");
    if entry::enter().is_ok() {
        jacinth::set_spin(MonotonicDuration::from_nanos(duration));
    }
}

/// Sets how long this process waits for an answer of the supervisor.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_set_supervisor_timeout(at_most: zx_duration_t) {
    jacinth::set_supervisor_timeout(MonotonicDuration::from_nanos(at_most));
}
