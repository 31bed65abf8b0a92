//! The handles of a program to itself: process, thread, job and address space; its startup handle; and its exit.

use crate::call_macro::calls;
use crate::process::entry::enter;
use crate::process::{error_text, thread_exit, threads};
use crate::types::zx_handle_t;
use jacinth::{HandleRef, Status, raw};
use std::ffi::c_void;

/// `PA_HND(PA_USER0, 0)`: the only startup handle, passed by the program that spawned this one.
const STARTUP: u32 = 0xf0;

calls! {
    /// The calling process.
    fn zx_process_self, _zx_process_self() -> zx_handle_t {
        value_of(jacinth::process_self)
    }

    /// The calling thread.
    fn zx_thread_self, _zx_thread_self() -> zx_handle_t {
        threads::current().handle().unwrap_or(raw::INVALID)
    }

    /// The job for new processes.
    fn zx_job_default, _zx_job_default() -> zx_handle_t {
        value_of(jacinth::job_default)
    }

    /// The address space of the calling process.
    fn zx_vmar_root_self, _zx_vmar_root_self() -> zx_handle_t {
        value_of(jacinth::vmar_root_self)
    }

    /// Takes the startup handle.
    fn zx_take_startup_handle, _zx_take_startup_handle(hnd_info: u32) -> zx_handle_t {
        if hnd_info == STARTUP && enter().is_err() {
            return raw::INVALID;
        }
        let taken = match hnd_info {
            STARTUP => jacinth::take_startup_handle().map_err(|error| error.to_string()),
            other => Err(format!("there is no startup handle {other:#x}, only PA_HND(PA_USER0, 0)")),
        };
        error_text::set(taken.as_ref().err().map_or("", |text| text));
        taken.map_or(raw::INVALID, jacinth::NullableHandle::into_raw)
    }
}

fn value_of(handle: fn() -> Result<HandleRef<'static>, Status>) -> zx_handle_t {
    enter().and_then(|()| handle()).map_or(raw::INVALID, |handle| handle.raw_handle())
}

unsafe extern "C-unwind" {
    /// The C library's: it unwinds the thread's stack and does not return.
    fn pthread_exit(result: *mut c_void) -> !;
}

/// Ends the process at once, without exit handlers. The supervisor collects what the process had in the arena, as after
/// any other end.
///
/// # Safety
/// None of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zx_process_exit(retcode: i64) -> ! {
    // `_exit` runs no exit handlers, one of which removes the socket after the last process.
    jacinth::attachment::before_exit();
    // SAFETY: `_exit` has no preconditions and does not return. Linux keeps eight bits of the number.
    unsafe { libc::_exit(retcode as i32) }
}

/// [`zx_process_exit`], by its other name.
///
/// # Safety
/// The same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _zx_process_exit(retcode: i64) -> ! {
    // SAFETY: the caller guarantees the same.
    unsafe { zx_process_exit(retcode) }
}

/// Ends the calling thread.
///
/// # Safety
/// As for `pthread_exit`: no frame of the thread's stack has a value that must be dropped.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zx_thread_exit() -> ! {
    thread_exit::register();
    // SAFETY: the caller guarantees it for its frames, and this one has no such value.
    unsafe { pthread_exit(std::ptr::null_mut()) }
}

/// [`zx_thread_exit`], by its other name.
///
/// # Safety
/// The same.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _zx_thread_exit() -> ! {
    // SAFETY: the caller guarantees the same.
    unsafe { zx_thread_exit() }
}
