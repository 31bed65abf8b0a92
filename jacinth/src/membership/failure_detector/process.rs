//! Which process is which. A number is used again; a number together with the time at which its process started is not.
//!
//! A failure is never taken for an answer. A descriptor that the system does not give, or a file that cannot be read, is
//! no statement about the process: it is an error, and the caller asks again. A process is dead if its pidfd says so, if no
//! process has its number, or if the process with its number started at another time.

use crate::membership::poll::is_ready;
use crate::membership::system_limits;
use jacinth_shm::{Arena, FileId, ProcessIdentity};
use procfs::FromRead;
use procfs::process::{MemoryMaps, Stat};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The result of a look for a process.
pub(crate) enum Lookup {
    /// It lives, or is a zombie; the pidfd tells which.
    Alive(OwnedFd),
    Dead,
}

/// The identity of the process that has this number now; `None` when no process has it.
pub(crate) fn identify(pid: Pid) -> io::Result<Option<ProcessIdentity>> {
    let number = pid.as_raw_pid().unsigned_abs();
    Ok(started(number)?.map(|started| ProcessIdentity { pid: number, started }))
}

/// The identity of this process.
pub(crate) fn current() -> io::Result<ProcessIdentity> {
    identify(rustix::process::getpid())?.ok_or_else(system_limits::no_proc)
}

/// The identity of the process behind a pidfd; `None` when it is dead.
pub(crate) fn from_pidfd(pidfd: &OwnedFd) -> io::Result<Option<ProcessIdentity>> {
    let identity = number_of(pidfd.as_fd())?.map_or(Ok(None), identify)?;
    // The number was this process's all the time if the pidfd still reports no death.
    Ok(identity.filter(|_| !is_ready(pidfd)))
}

/// The number of the process behind a pidfd; `None` once it has been reaped. No other process gets the number before the
/// pidfd is readable.
pub(crate) fn number_of(pidfd: BorrowedFd<'_>) -> io::Result<Option<Pid>> {
    // By hand: procfs has the target, the mode and the flags of a descriptor, and no line `Pid`.
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    // -1 once it has been reaped.
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:")).map(|pid| pid.trim().parse::<u32>());
    Ok(pid.and_then(Result::ok).and_then(|pid| Pid::from_raw(pid.cast_signed())))
}

/// A pidfd of exactly this process. It becomes readable with the process's death.
pub(crate) fn open_pidfd(identity: ProcessIdentity) -> io::Result<Lookup> {
    let Some(pid) = Pid::from_raw(identity.pid.cast_signed()) else { return Ok(Lookup::Dead) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // No process has the number, or a thread of another process has it: the number has passed on.
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {
            return Ok(Lookup::Dead);
        }
        Err(error) => return Err(error.into()),
    };
    // Read after the pidfd was opened: if the start time is right, the number had not passed on by then, so the pidfd is
    // of the right process.
    let started = match started(identity.pid) {
        // After a `chroot`, say. If the number has passed on, this pidfd reports the death of the next process that has
        // the number: the news is late.
        Err(_) if !is_proc_there() => return Ok(Lookup::Alive(pidfd)),
        started => started?,
    };
    match started {
        Some(started) if identity.started == 0 || started == identity.started => Ok(Lookup::Alive(pidfd)),
        Some(_) => Ok(Lookup::Dead),
        None if is_ready(&pidfd) => Ok(Lookup::Dead),
        None => Err(io::Error::other("a living process is missing in /proc")),
    }
}

/// Whether an attached process has replaced itself by exec: it has memory, and the arena is not part of it. `false` if its
/// memory cannot be seen. The caller knows that the process has attached, and that the number is still its own.
pub(crate) fn has_unmapped(pid: Pid, arena: &Arena) -> bool {
    let Some(file) = arena.file_id() else { return false };
    let (major, minor) = (rustix::fs::major(file.device), rustix::fs::minor(file.device));
    let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else { return false };
    // A main thread that has ended shows no memory; the other threads do. A process that is about to die shows none in
    // any thread, and its pidfd reports the death.
    let maps = threads.flatten().find_map(|thread| maps_of(&thread.path()));
    maps.is_some_and(|maps| {
        !maps.iter().any(|map| {
            let device = (map.dev.0.cast_unsigned(), map.dev.1.cast_unsigned());
            device == (major, minor) && map.inode == file.inode
        })
    })
}

/// A thread's memory maps; `None` if it has none, or they cannot be seen.
fn maps_of(thread: &Path) -> Option<MemoryMaps> {
    let text = std::fs::read(thread.join("maps")).ok().filter(|text| !text.is_empty())?;
    // Paths need not be UTF-8, and `procfs` takes only UTF-8. The paths are not used.
    MemoryMaps::from_read(String::from_utf8_lossy(&text).as_bytes()).ok()
}

/// A file that the process has open, opened once more.
pub(crate) fn open_file_of(pid: Pid, sought: FileId) -> Option<OwnedFd> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).ok()?;
    open.flatten().find_map(|entry| {
        // Checked before it is opened, because opening some files has effects.
        let found = std::fs::metadata(entry.path()).ok()?;
        let is_sought = |device, inode| FileId { device, inode } == sought;
        is_sought(found.dev(), found.ino()).then_some(())?;
        let file = std::fs::OpenOptions::new().read(true).write(true).open(entry.path()).ok()?;
        FileId::of(&file).is_ok_and(|id| id == sought).then(|| file.into())
    })
}

fn is_proc_there() -> bool {
    Path::new("/proc/self/stat").exists()
}

/// When the process started, in clock ticks since the system did; `None` when there is no such process.
fn started(pid: u32) -> io::Result<Option<u64>> {
    match stat_of(format!("/proc/{pid}").as_ref()) {
        Ok(stat) => Ok(Some(stat.starttime)),
        // Without a `/proc`, a missing folder is no proof.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if is_proc_there() {
                Ok(None)
            } else {
                Err(system_limits::no_proc())
            }
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The `stat` of a process or thread, by its folder in `/proc`. The system's own error if it cannot be read.
pub(crate) fn stat_of(folder: &Path) -> io::Result<Stat> {
    let path = folder.join("stat");
    let text = std::fs::read(&path)?;
    let unreadable = |_| io::Error::other(format!("{} cannot be understood", path.display()));
    Stat::from_read(text.as_slice()).map_err(unreadable)
}

/// Whether the process is stopped, by a signal or a debugger. `false` if that cannot be seen.
pub(crate) fn is_stopped(pid: u32) -> bool {
    stat_of(format!("/proc/{pid}").as_ref()).is_ok_and(|stat| matches!(stat.state, 'T' | 't'))
}

/// Whether this process and that one run in one PID namespace, where each finds the other by its number. `true` if that
/// cannot be seen.
pub(crate) fn shares_namespace_with(pid: Option<Pid>) -> bool {
    // The kernel gives no number for a process that is invisible from here.
    let Some(pid) = pid else { return false };
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    match (namespace("self"), namespace(&pid.as_raw_nonzero().to_string())) {
        (Some(own), Some(other)) => own == other,
        _ => true,
    }
}

/// The process at the other end of a connected socket, unless it is invisible from this PID namespace; and its user.
pub(crate) fn peer_of(socket: &impl AsFd) -> io::Result<(Option<Pid>, u32)> {
    // Not by rustix, whose process numbers cannot be 0. This one can.
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    let peer = getsockopt(socket, PeerCredentials)?;
    Ok((Pid::from_raw(peer.pid()), peer.uid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth_shm::Config;

    #[test]
    fn start_times_tell_processes_apart() {
        let own = current().unwrap();
        assert!(own.started > 0);
        assert!(matches!(open_pidfd(own).unwrap(), Lookup::Alive(_)));
        let earlier = ProcessIdentity { started: own.started - 1, ..own };
        assert!(matches!(open_pidfd(earlier).unwrap(), Lookup::Dead));
        assert!(matches!(open_pidfd(ProcessIdentity::default()).unwrap(), Lookup::Dead));
    }

    #[test]
    fn pidfd_identifies_a_child_until_death() {
        let mut child = std::process::Command::new("sleep").arg("50").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let identity = from_pidfd(&pidfd).unwrap().unwrap();
        assert_eq!(Some(identity), identify(pid).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(from_pidfd(&pidfd).unwrap(), None);
        assert!(matches!(open_pidfd(identity).unwrap(), Lookup::Dead));
    }

    #[test]
    fn a_misleading_thread_name_is_skipped() {
        let thread = std::thread::spawn(|| {
            rustix::thread::set_name(c"\xff) 1 (2) 3").unwrap();
            started(rustix::thread::gettid().as_raw_pid().unsigned_abs()).unwrap()
        });
        assert!(thread.join().unwrap().is_some_and(|started| started > 0));
    }

    #[test]
    fn only_mapped_arenas_count_as_mapped() {
        let config = Config::default();
        let (mapped, own) = (Arena::create(&config).unwrap(), rustix::process::getpid());
        assert!(!has_unmapped(own, &mapped));
        let file = mapped.file().unwrap().try_clone_to_owned().unwrap();
        drop(mapped);
        let again = Arena::attach(file).unwrap();
        assert!(!has_unmapped(own, &again));
        let child = std::process::Command::new("sleep").arg("50").spawn();
        let mut child = child.unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        assert!(has_unmapped(pid, &again));
        child.kill().unwrap();
        while !is_ready(pidfd_open(pid, PidfdFlags::empty()).unwrap()) {}
        assert!(!has_unmapped(pid, &again), "a zombie shows no memory");
        child.wait().unwrap();
    }
}
