//! The ends of threads and processes.
//!
//! In Zircon a process ends with its last thread. On Linux this library's own threads would keep it: so when the main
//! thread ends alone, one more of them waits for the end of the program's last.

use crate::process::threads;
use rustix::process::getpid;
use rustix::thread::gettid;
use std::ffi::c_void;
use std::fs::read_to_string;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
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
    jacinth::attachment::before_exit();
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
    note_thread();
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

/// Whether the main thread has ended, and whether somebody waits for the program's last thread since.
static MAIN_HAS_ENDED: AtomicBool = AtomicBool::new(false);
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// Makes sure that the process ends with the program's last thread, however its main thread ends, and that every thread
/// that uses the arena leaves it.
pub(crate) fn end_with_the_last() {
    note_thread();
    jacinth::attachment::on_thread_attach(note_thread);
    if MAIN_HAS_ENDED.load(Ordering::Relaxed) {
        watch();
    }
}

/// The main thread may never call, and its end matters all the same.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = note_thread_at_load;

extern "C" fn note_thread_at_load() {
    note_thread();
}

/// Has the end of the calling thread noticed: by a value of its own whose destructor the C library calls. (It calls those
/// of C++'s and Rust's locals before, and for the main thread only when the whole process ends.)
pub(crate) fn note_thread() {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: the key is written before it is used; the destructor takes whatever value there is.
        let made = unsafe { libc::pthread_key_create(&mut key, Some(thread_ends)) };
        (made == 0).then_some(key)
    });
    if let Some(key) = key {
        // SAFETY: the key was made, and nobody unmakes it; the value only has to be other than NULL.
        unsafe { libc::pthread_setspecific(*key, std::ptr::dangling()) };
    }
}

unsafe extern "C" fn thread_ends(_: *mut c_void) {
    threads::end();
    jacinth::attachment::detach_thread();
    if gettid() == getpid() {
        MAIN_HAS_ENDED.store(true, Ordering::Relaxed);
        watch();
    }
}

/// The main thread has ended, or is about to.
fn watch() {
    // Without an arena none of the library's threads is here, as in a forked child.
    if jacinth::is_attached() && !IS_WATCHED.swap(true, Ordering::Relaxed) {
        let _ = jacinth::library_threads::spawn("jacinth-last", exit_with_the_last);
    }
}

/// Ends the process, with 0, when no thread is left but this library's.
///
/// The kernel tells nobody of the end of the last of several threads, so this looks now and then: nothing but a
/// process that has nothing left to do waits for it.
fn exit_with_the_last() {
    const OFTEN: Duration = Duration::from_millis(5);
    const SELDOM: Duration = Duration::from_millis(200);
    let mut pause = OFTEN;
    // Twice: a look that meets the end of a thread may miss those after it.
    while is_any_thread_the_programs() || is_any_thread_the_programs() {
        std::thread::sleep(pause);
        pause = (pause * 2).min(SELDOM);
    }
    // As the C library's last thread would: with exit handlers, and what is left to be written.
    // SAFETY: nothing of the program's runs any more, but for those.
    unsafe { libc::exit(0) }
}

/// Whether a thread is there besides the library's own, and besides a main thread that has ended.
fn is_any_thread_the_programs() -> bool {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return true };
    let ids = threads.flatten().filter_map(|thread| thread.file_name().to_str()?.parse().ok());
    let (main, own) = (getpid().as_raw_pid(), jacinth::library_threads::threads());
    ids.filter(|id| !own.contains(id)).any(|id: i32| id != main || !has_ended(main))
}

/// Whether the main thread is only there in name: its process's other threads outlive it.
fn has_ended(main: i32) -> bool {
    let stat = read_to_string(format!("/proc/self/task/{main}/stat")).unwrap_or_default();
    // The state comes after the name, which is in parentheses and may contain some.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['Z', 'X']))
}
