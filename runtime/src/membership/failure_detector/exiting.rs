//! Whether a process whose pidfd does not say so yet is dead for everybody but the kernel, which is still taking its
//! memory down: none of its threads will ever run another instruction of its own.
//!
//! The kernel marks a thread as exiting (`PF_EXITING`) when it begins to end it, from where no way leads back to the
//! thread's own code, and before it lets go of its memory. The proof that *all* of them are:
//!
//! 1. *The number is the right process's.* It is read from the pidfd, and not given to another before the process has
//!    been reaped: then it is dead anyway, whatever was seen under its number.
//! 2. *Each of n threads is seen as exiting, twice*, and each time the kernel counts n threads of the process. When the
//!    second round began, these n were there (seen before, and after), and there were n: so they were all. It does not
//!    matter how they were found; a list of `/proc` is not complete while threads come and go, the count is.
//! 3. *Exec is no exception.* It gives the number of the main thread to the thread that called it, which is not exiting.
//!    Whoever saw that thread's old number exiting looked after that, and the second round looks at the main thread's
//!    again.
//!
//! What the dead have written is seen by whoever has seen them exiting: the mark is a later store of the same
//! processor, and x86-64 shows a processor's stores to others in their order.

use crate::membership::failure_detector::process;
use crate::membership::failure_detector::watched_process::Watched;
use std::io;
use std::path::{Path, PathBuf};

/// Of the kernel's `<linux/sched.h>`.
const PF_EXITING: u64 = 4;

/// Whether the process is dead, or proven to be as good as dead. `false` proves nothing.
pub(crate) fn all_threads_exiting(process: &mut Watched) -> bool {
    // The architecture whose order of stores the proof needs. And the number is the process's own only while the pidfd
    // is of it.
    let number = if cfg!(target_arch = "x86_64") { process::number_of(process.pidfd()) } else { Ok(None) };
    if let Ok(Some(pid)) = number
        && process.pid() == Some(pid)
    {
        let folder = format!("/proc/{}/task", pid.as_raw_nonzero());
        if threads(Path::new(&folder)).is_ok_and(|threads| are_exiting(&threads)) {
            return true;
        }
    }
    process.seems_dead() && process.is_dead().unwrap_or(false)
}

fn threads(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|thread| Ok(thread?.path())).collect()
}

fn are_exiting(threads: &[PathBuf]) -> bool {
    // While a thread has its memory, reading its `stat` holds that for a moment: and whoever is the last to hold it takes
    // it down. Its program can be asked for without, and is not shown once the memory has been let go of.
    if threads.iter().any(|thread| std::fs::read_link(thread.join("exe")).is_ok()) {
        return false;
    }
    let is_exiting = |thread: &PathBuf| {
        let Ok(stat) = std::fs::read(thread.join("stat")) else { return false };
        let (flags, count) = (process::field(&stat, 9), process::field(&stat, 20));
        flags.is_some_and(|flags| flags & PF_EXITING != 0) && count == Some(threads.len() as u64)
    };
    !threads.is_empty() && (0..2).all(|_round| threads.iter().all(is_exiting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, WaitOptions, waitpid};

    fn watched(pid: Pid) -> Watched {
        Watched::open(process::identify(pid).unwrap().unwrap()).unwrap().unwrap()
    }

    #[test]
    fn this_process_is_not_exiting() {
        assert!(!all_threads_exiting(&mut watched(rustix::process::getpid())));
    }

    #[test]
    fn threads_that_live_are_not_exiting_and_are_counted() {
        let (end, until) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || until.recv().is_err());
        let found = threads(Path::new("/proc/self/task")).unwrap();
        assert!(found.len() >= 2 && !are_exiting(&found));
        drop(end);
        assert!(thread.join().unwrap());
        assert!(!are_exiting(&[]), "who sees nobody has seen nothing");
    }

    #[test]
    fn a_zombie_is_past_all_and_so_is_who_was_reaped() {
        let mut child = std::process::Command::new("sleep").arg("50").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let mut watched = watched(pid);
        assert!(!all_threads_exiting(&mut watched));
        child.kill().unwrap();
        while waitpid(Some(pid), WaitOptions::NOHANG).unwrap().is_none() {
            if all_threads_exiting(&mut watched) {
                break;
            }
        }
        let _ = child.wait();
        assert!(all_threads_exiting(&mut watched));
    }
}
