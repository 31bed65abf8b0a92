//! The ends of threads and processes.

use rustix::process::getpid;
use rustix::thread::gettid;
use std::ffi::c_void;
use std::time::Duration;

unsafe extern "C-unwind" {
    /// The C library's: it unwinds the thread's stack, without a Rust frame that minds, and does not return.
    fn pthread_exit(result: *mut c_void) -> !;
}

/// Ends the process, without a word to anybody: what it had in the arena is collected like any other dead process's.
///
/// # Safety
/// None of its own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zx_process_exit(retcode: i64) -> ! {
    // SAFETY: it does not come back. Linux keeps eight bits of the number.
    unsafe { libc::_exit(retcode as i32) }
}

/// [`zx_process_exit`], by its other name.
///
/// # Safety
/// The same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _zx_process_exit(retcode: i64) -> ! {
    // SAFETY: the caller vouches for the same.
    unsafe { zx_process_exit(retcode) }
}

/// Ends the calling thread.
///
/// # Safety
/// As `pthread_exit`: no frame of the thread's stack has anything to clean up that must be.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zx_thread_exit() -> ! {
    if gettid() == getpid() {
        // The process would live on for the sake of this library's own threads.
        let _ = std::thread::Builder::new().name("jacinth-last".into()).spawn(exit_with_the_last);
    }
    // SAFETY: the caller vouches for its frames; this one has nothing to clean up.
    unsafe { pthread_exit(std::ptr::null_mut()) }
}

/// [`zx_thread_exit`], by its other name.
///
/// # Safety
/// The same.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _zx_thread_exit() -> ! {
    // SAFETY: the caller vouches for the same.
    unsafe { zx_thread_exit() }
}

/// Ends the process, with 0, when no thread is left but this library's.
///
/// Linux tells nobody of the end of another's thread, so this looks now and then: nothing but a process that has nothing
/// left to do waits for it.
fn exit_with_the_last() {
    while is_any_thread_the_programs() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // SAFETY: it does not come back.
    unsafe { libc::_exit(0) }
}

/// Whether a thread besides the main one, which has ended, and this library's, which have names, is there.
fn is_any_thread_the_programs() -> bool {
    let main = getpid().as_raw_pid().to_string();
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return true };
    threads.flatten().any(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm"));
        *thread.file_name() != *main && name.is_ok_and(|name| !name.starts_with("jacinth-"))
    })
}
