//! The end of a process with its last thread.
//!
//! In Zircon a process ends with its last thread. On Linux the library's own threads would keep it alive. So when the main
//! thread ends and the process lives on, one more library thread waits for the end of the program's last thread.

use procfs::process::Process;
use rustix::process::getpid;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static MAIN_HAS_ENDED: AtomicBool = AtomicBool::new(false);
static IS_WATCHED: AtomicBool = AtomicBool::new(false);

/// The process has attached. Its main thread may have ended before.
pub(crate) fn process_has_arena() {
    if MAIN_HAS_ENDED.load(Ordering::Relaxed) {
        watch();
    }
}

/// The main thread is about to end.
pub(crate) fn main_thread_ends() {
    MAIN_HAS_ENDED.store(true, Ordering::Relaxed);
    watch();
}

fn watch() {
    // A process without an arena has no library threads, and neither has a forked child.
    if jacinth::is_attached() && !IS_WATCHED.swap(true, Ordering::Relaxed) {
        let _ = jacinth::library_threads::spawn("jacinth-last", exit_after_last_thread);
    }
}

/// Ends the process with status 0 when only library threads are left.
///
/// Linux sends no notice when the last of several threads ends, so this polls. Only a process whose main thread has ended
/// pays for it.
fn exit_after_last_thread() {
    const FIRST_PAUSE: Duration = Duration::from_millis(5);
    const LONGEST_PAUSE: Duration = Duration::from_millis(200);
    let mut pause = FIRST_PAUSE;
    // Look twice: a listing that meets the end of a thread may miss those after it.
    while has_program_threads() || has_program_threads() {
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    // As the C library does after the last thread: run exit handlers and flush streams.
    // SAFETY: no thread of the program runs any more, so exit handlers race with none.
    unsafe { libc::exit(0) }
}

/// Whether a thread is left that is neither the library's nor a main thread that has ended.
fn has_program_threads() -> bool {
    // Not by `procfs`, whose list leaves threads out when the process has no descriptor left to open them.
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return true };
    let ids = threads.flatten().filter_map(|thread| thread.file_name().to_str()?.parse().ok());
    let (main, own) = (getpid().as_raw_pid(), jacinth::library_threads::threads());
    ids.filter(|id| !own.contains(id)).any(|id: i32| id != main || !main_is_zombie())
}

/// Whether the main thread has ended: it stays in the list while other threads of its process live.
fn main_is_zombie() -> bool {
    let stat = Process::myself().and_then(|process| process.stat());
    stat.is_ok_and(|stat| matches!(stat.state, 'Z' | 'X'))
}
