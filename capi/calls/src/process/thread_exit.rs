//! The end of a thread of the program: the thread gives up its record and its place in the arena.
//!
//! The notice comes from a `pthread` key, whose destructor the C library calls when a thread ends. It calls the destructors
//! of C++'s and Rust's thread-locals before. For the main thread it calls those only when the whole process ends.

use crate::process::last_thread;
use rustix::process::getpid;
use rustix::thread::gettid;
use std::ffi::c_void;
use std::sync::OnceLock;

/// The cleanup of a thread's record; registered by the layer above.
static RECORD_CLEANUP: OnceLock<fn()> = OnceLock::new();

/// Has `cleanup` run at the end of each registered thread, before the thread leaves the arena.
pub(crate) fn set_record_cleanup(cleanup: fn()) {
    let _ = RECORD_CLEANUP.set(cleanup);
}

/// Every thread that uses the arena from now on leaves it at its end, and the process ends with its last thread.
pub(crate) fn exit_when_last_thread_ends() {
    register();
    jacinth::attachment::on_thread_attach(register);
    last_thread::process_has_arena();
}

/// The main thread may never make a call, and its end matters all the same.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = register_at_load;

extern "C" fn register_at_load() {
    register();
}

/// Registers the calling thread: [`thread_ends`] runs at its end.
pub(crate) fn register() {
    static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let mut key = 0;
        // SAFETY: `key` is a place to write to, and the destructor accepts any value.
        let made = unsafe { libc::pthread_key_create(&mut key, Some(thread_ends)) };
        (made == 0).then_some(key)
    });
    if let Some(key) = key {
        // SAFETY: the key exists and is never deleted. The value only has to differ from NULL: no code reads it.
        unsafe { libc::pthread_setspecific(*key, std::ptr::dangling()) };
    }
}

unsafe extern "C" fn thread_ends(_: *mut c_void) {
    if let Some(cleanup) = RECORD_CLEANUP.get() {
        cleanup();
    }
    jacinth::attachment::detach_thread();
    if gettid() == getpid() {
        last_thread::main_thread_ends();
    }
}
