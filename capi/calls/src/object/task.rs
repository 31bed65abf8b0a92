//! A program's handles to itself, and the one that it was started with.

use crate::arena::enter;
use crate::process::error_text as why;
use crate::process::threads;
use crate::types::zx_handle_t;
use jacinth::{HandleRef, Status, raw};

/// `PA_HND(PA_USER0, 0)`: how a program asks for what its spawner gave it.
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

    /// The job that new processes are made in.
    fn zx_job_default, _zx_job_default() -> zx_handle_t {
        value_of(jacinth::job_default)
    }

    /// The calling process's address space.
    fn zx_vmar_root_self, _zx_vmar_root_self() -> zx_handle_t {
        value_of(jacinth::vmar_root_self)
    }

    /// Takes a handle that the program was started with.
    fn zx_take_startup_handle, _zx_take_startup_handle(hnd_info: u32) -> zx_handle_t {
        if hnd_info == STARTUP && enter().is_err() {
            return raw::INVALID;
        }
        let taken = match hnd_info {
            STARTUP => jacinth::take_startup_handle().map_err(|error| error.to_string()),
            other => Err(format!("there is no startup handle {other:#x}, only PA_HND(PA_USER0, 0)")),
        };
        why::set(taken.as_ref().err().map_or("", |words| words));
        taken.map_or(raw::INVALID, jacinth::Handle::into_raw)
    }
}

fn value_of(own: fn() -> Result<HandleRef<'static>, Status>) -> zx_handle_t {
    enter().and_then(|()| own()).map_or(raw::INVALID, |handle| handle.raw_handle())
}
