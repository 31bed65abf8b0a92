//! `jacinth/compat.h`: the two functions on threads that Fuchsia's C library has and C11 has not.

use crate::process::threads::{self, Thread};
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut, fault_guard};
use jacinth::raw;
use libc::{c_int, pthread_t};
use std::ffi::c_void;
use std::sync::Arc;

/// The start function of a thread (`thrd_start_t`).
pub type ThreadMain = unsafe extern "C-unwind" fn(*mut c_void) -> c_int;

/// The start function that a program passes, or NULL.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct ThreadStart(pub Option<ThreadMain>);

unsafe extern "C" {
    /// C11's.
    fn thrd_create(thread: *mut pthread_t, start: ThreadMain, argument: *mut c_void) -> c_int;
}

/// `thrd_success`, `thrd_error`.
const SUCCESS: c_int = 0;
const ERROR: c_int = 2;

/// The arguments of a new thread.
struct StartArguments {
    start: ThreadMain,
    argument: *mut c_void,
    record: Arc<Thread>,
}

/// Starts a thread with this name. It has a record from then on.
///
/// # Safety
/// Pointers are as the C declaration says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_thrd_create_with_name(
    thread: UserOut<pthread_t>,
    start: ThreadStart,
    argument: UserOut<u8>,
    name: UserIn<u8>,
) -> c_int {
    fault_guard::install_handler();
    let name = if name.is_null() { Ok(c"") } else { name.c_string() };
    let (Some(start), Ok(name), Ok(())) = (start.0, name, thread.check()) else { return ERROR };
    let mut padded = [0; raw::MAX_NAME_BYTES];
    let name = &name.to_bytes()[..name.count_bytes().min(padded.len() - 1)];
    padded[..name.len()].copy_from_slice(name);
    let created = threads::start(padded, |record| {
        let argument = std::ptr::with_exposed_provenance_mut(argument.address());
        let arguments = Box::into_raw(Box::new(StartArguments { start, argument, record: record.clone() }));
        let mut id = 0;
        // SAFETY: `id` is a place to write to, and the new thread takes the box over.
        match unsafe { thrd_create(&raw mut id, run, arguments.cast()) } {
            SUCCESS => Ok(id),
            error => {
                // SAFETY: no thread was started, so the box is still this function's.
                drop(unsafe { Box::from_raw(arguments) });
                Err(error)
            }
        }
    });
    match created {
        Ok(id) => {
            let _ = thread.store(id);
            SUCCESS
        }
        Err(error) => error,
    }
}

/// The first function of such a thread. `thrd_exit` may end the thread inside `start`, so this frame holds no value
/// that must be dropped.
unsafe extern "C-unwind" fn run(arguments: *mut c_void) -> c_int {
    let (start, argument) = {
        // SAFETY: `arguments` is the box that was made for this thread.
        let arguments = unsafe { Box::from_raw(arguments.cast::<StartArguments>()) };
        if arguments.record.name[0] != 0 {
            // Linux takes 15 bytes.
            let mut name = [0; 16];
            name[..15].copy_from_slice(&arguments.record.name[..15]);
            // SAFETY: the calling thread, and a string that ends in a NUL.
            unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr().cast()) };
        }
        threads::adopt(arguments.record.clone());
        (arguments.start, arguments.argument)
    };
    // SAFETY: the program passed the function together with its argument.
    unsafe { start(argument) }
}

/// The handle of a thread of this process.
///
/// # Safety
/// None of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_thrd_get_zx_handle(thread: pthread_t) -> zx_handle_t {
    // SAFETY: the function only returns the thread's id.
    let is_current = thread == unsafe { libc::pthread_self() };
    let record = if is_current { Some(threads::current()) } else { threads::by_id(thread) };
    record.and_then(|record| record.handle().ok()).unwrap_or(raw::INVALID)
}
