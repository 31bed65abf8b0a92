//! The proof that all threads of a process are exiting. Such a process is dead for all but the kernel, which is still
//! taking its memory down: none of its threads will run another instruction of its own.
//!
//! The kernel marks a thread as exiting (`PF_EXITING`) when it begins to end the thread. No way leads from there back to
//! the thread's own code, and the mark comes before the kernel lets go of the thread's memory. The proof that *all*
//! threads are exiting:
//!
//! 1. *The number is the right process's.* It is read from the pidfd. The kernel gives it to another process only after
//!    this process has been reaped; then the process is dead anyway, even if another process has its number.
//! 2. *Each of n threads is seen as exiting, twice*, and each time the kernel counts n threads of the process. When the
//!    second round began, these n threads were there (they were seen before, and after), and there were n of them: so
//!    they were all. It does not matter how they were found. A list of `/proc` is incomplete while threads come and go;
//!    the count is not.
//! 3. *Exec is no exception.* It gives the number of the main thread to the thread that called it, which is not exiting. A
//!    look that saw that thread's old number exiting came after that, and the second round looks at the main thread's
//!    number again.
//!
//! A process that has seen the dead one exiting also sees everything that the dead one wrote. The mark is a later store
//! of the same processor, and x86-64 shows a processor's stores to the others in their order.

use crate::membership::failure_detector::process::{number_of, stat_of};
use crate::membership::failure_detector::watched_process::Watched;
use procfs::process::StatFlags;
use std::io;
use std::path::{Path, PathBuf};

/// Whether the process is dead, or all of its threads are proven to be exiting. `false` is no proof.
pub(crate) fn all_threads_exiting(process: &mut Watched) -> bool {
    // Only on the architecture whose order of stores the proof needs. The number is the process's own for as long as the
    // pidfd is of that process.
    let number = if cfg!(target_arch = "x86_64") { number_of(process.pidfd()) } else { Ok(None) };
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
    // A read of `stat` holds the thread's memory for a moment, and the last holder takes the memory down, which takes long.
    // The link `exe` can be read without holding it, and is gone once the thread has let go of its memory.
    if threads.iter().any(|thread| std::fs::read_link(thread.join("exe")).is_ok()) {
        return false;
    }
    let is_exiting = |thread: &PathBuf| {
        let Ok(stat) = stat_of(thread) else { return false };
        let is_marked = StatFlags::from_bits_truncate(stat.flags).contains(StatFlags::PF_EXITING);
        is_marked && usize::try_from(stat.num_threads) == Ok(threads.len())
    };
    !threads.is_empty() && (0..2).all(|_round| threads.iter().all(is_exiting))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, WaitOptions, waitpid};

    fn watched(pid: Pid) -> Watched {
        Watched::open(crate::membership::failure_detector::process::identify(pid).unwrap().unwrap())
            .unwrap()
            .unwrap()
    }

    #[test]
    fn this_process_is_not_exiting() {
        assert!(!all_threads_exiting(&mut watched(rustix::process::getpid())));
    }

    #[test]
    fn living_threads_are_counted_not_exiting() {
        let (end, until) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || until.recv().is_err());
        let found = threads(Path::new("/proc/self/task")).unwrap();
        assert!(found.len() >= 2 && !are_exiting(&found));
        drop(end);
        assert!(thread.join().unwrap());
        assert!(!are_exiting(&[]), "an empty list proves nothing");
    }

    #[test]
    fn zombies_and_reaped_processes_are_dead() {
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
