//! Telling processes apart for certain: a number is used again, a number together with the moment its process started
//! is not.
//!
//! Nothing here takes a failure for an answer. That a descriptor cannot be had, or a file not read, says nothing about
//! the process: it is an error, and whoever asked asks again. A process is gone if its pidfd says so, or if nobody has
//! its number, or somebody who started at another time.

use crate::membership::poll::is_ready;
use crate::membership::system_limits;
use jacinth_shm::{Arena, FileId, Occupant};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What looking for a process found.
pub(crate) enum Lookup {
    /// It lives, or is a zombie, which the descriptor then says.
    Alive(OwnedFd),
    /// It is gone.
    Dead,
}

/// The process with this number, as it is now; `None` when nobody has it.
pub(crate) fn identify(pid: Pid) -> io::Result<Option<Occupant>> {
    let number = pid.as_raw_pid().unsigned_abs();
    Ok(started(number)?.map(|started| Occupant { pid: number, started }))
}

/// This process.
pub(crate) fn current() -> io::Result<Occupant> {
    identify(rustix::process::getpid())?.ok_or_else(system_limits::no_proc)
}

/// The process behind a pidfd; `None` when it is dead.
pub(crate) fn from_pidfd(pidfd: &OwnedFd) -> io::Result<Option<Occupant>> {
    let occupant = number_of(pidfd.as_fd())?.map_or(Ok(None), identify)?;
    Ok(occupant.filter(|_| !is_ready(pidfd)))
}

/// The number of the process behind a pidfd; `None` once it has been reaped. It is that process's for as long as the
/// pidfd is not readable.
pub(crate) fn number_of(pidfd: BorrowedFd<'_>) -> io::Result<Option<Pid>> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()))?;
    // -1 once it has been reaped.
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:")).map(|pid| pid.trim().parse::<u32>());
    Ok(pid.and_then(Result::ok).and_then(|pid| Pid::from_raw(pid.cast_signed())))
}

/// A descriptor for exactly this process, which becomes readable with its death.
///
/// The moment it started is looked at *after* the descriptor was opened: if it is the right one, the number had not
/// passed on by then, so the descriptor is of the right process.
pub(crate) fn open_pidfd(occupant: Occupant) -> io::Result<Lookup> {
    let Some(pid) = Pid::from_raw(occupant.pid.cast_signed()) else { return Ok(Lookup::Dead) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // Nobody, or a thread of somebody else: either way the number has passed on.
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {
            return Ok(Lookup::Dead);
        }
        Err(error) => return Err(error.into()),
    };
    let started = match started(occupant.pid) {
        // As after a `chroot`. If the number has passed on, the news of a death comes late: with that of whoever has it now.
        Err(_) if !is_proc_there() => return Ok(Lookup::Alive(pidfd)),
        started => started?,
    };
    match started {
        Some(started) if occupant.started == 0 || started == occupant.started => Ok(Lookup::Alive(pidfd)),
        Some(_) => Ok(Lookup::Dead),
        None if is_ready(&pidfd) => Ok(Lookup::Dead),
        None => Err(io::Error::other("a process that lives is not to be seen in /proc")),
    }
}

/// Whether a process that was attached has replaced itself by exec: it has memory, and the arena is not part of it. The
/// caller knows that it has attached, and that the number is still its own; what cannot be seen is not so.
///
/// A process whose main thread has ended shows its memory only in its other threads, and one that is about to die
/// shows none: its pidfd will tell.
pub(crate) fn has_unmapped(pid: Pid, arena: &Arena) -> bool {
    let Some(file) = arena.file_id() else { return false };
    let (major, minor) = (rustix::fs::major(file.device), rustix::fs::minor(file.device));
    let sought = [format!("{major:02x}:{minor:02x}").into_bytes(), file.inode.to_string().into_bytes()];
    let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())) else { return false };
    let maps = threads.flatten().find_map(|thread| maps_of(&thread.path()));
    maps.is_some_and(|maps| {
        !maps.split(|byte| *byte == b'\n').any(|line| {
            let mut fields = line.split(|byte| *byte == b' ').filter(|field| !field.is_empty()).skip(3);
            sought.iter().all(|sought| fields.next() == Some(sought.as_slice()))
        })
    })
}

/// A file that the process has open, opened once more.
pub(crate) fn open_file_of(pid: Pid, sought: FileId) -> Option<OwnedFd> {
    let open = std::fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero())).ok()?;
    open.flatten().find_map(|entry| {
        // Looked at before it is opened: opening some files has effects.
        let found = std::fs::metadata(entry.path()).ok()?;
        let is_sought = |device, inode| FileId { device, inode } == sought;
        is_sought(found.dev(), found.ino()).then_some(())?;
        let file = std::fs::OpenOptions::new().read(true).write(true).open(entry.path()).ok()?;
        FileId::of(&file).is_ok_and(|id| id == sought).then(|| file.into())
    })
}

fn maps_of(thread: &Path) -> Option<Vec<u8>> {
    std::fs::read(thread.join("maps")).ok().filter(|maps| !maps.is_empty())
}

fn is_proc_there() -> bool {
    Path::new("/proc/self/stat").exists()
}

/// When the process started, in clock ticks since the system did: field 22 of its `stat`. `None` when there is no
/// such process.
fn started(pid: u32) -> io::Result<Option<u64>> {
    let stat = match std::fs::read(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat,
        // Where nobody is to be seen, that this one is not proves nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if is_proc_there() { Ok(None) } else { Err(system_limits::no_proc()) };
        }
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let started = field(&stat, 22);
    started.map(Some).ok_or_else(|| io::Error::other(format!("/proc/{pid}/stat is not as it should be")))
}

/// A field of a `stat` file of `/proc`, from the third on, by its number in proc(5).
pub(crate) fn field(stat: &[u8], number: usize) -> Option<u64> {
    // The second field is a name in parentheses, which may hold anything, not only text.
    let after_name = stat.iter().rposition(|byte| *byte == b')').map(|end| &stat[end + 1..])?;
    let mut fields = after_name.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
    fields.nth(number - 3).and_then(|field| str::from_utf8(field).ok()?.parse().ok())
}

/// Whether the process is stopped, as far as can be seen.
pub(crate) fn is_stopped(pid: u32) -> bool {
    let Ok(stat) = std::fs::read(format!("/proc/{pid}/stat")) else { return false };
    let name_end = stat.iter().rposition(|byte| *byte == b')');
    name_end.and_then(|end| stat.get(end + 2)).is_some_and(|state| matches!(state, b'T' | b't'))
}

/// Whether both run in one PID namespace, where each finds the other by its number. What cannot be seen is so.
pub(crate) fn shares_namespace_with(pid: Option<Pid>) -> bool {
    // The kernel gives no number to whoever cannot be seen from here.
    let Some(pid) = pid else { return false };
    let namespace = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    match (namespace("self"), namespace(&pid.as_raw_nonzero().to_string())) {
        (Some(own), Some(other)) => own == other,
        _ => true,
    }
}

/// Whose the other end of a connected socket is: the process, unless it cannot be seen from this PID namespace, and the
/// user.
pub(crate) fn peer_of(socket: &impl AsFd) -> io::Result<(Option<Pid>, u32)> {
    // Not rustix's: its process numbers are never 0, and this may be.
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    let peer = getsockopt(socket, PeerCredentials)?;
    Ok((Pid::from_raw(peer.pid()), peer.uid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth_shm::Config;

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let own = current().unwrap();
        assert!(own.started > 0);
        assert!(matches!(open_pidfd(own).unwrap(), Lookup::Alive(_)));
        let earlier = Occupant { started: own.started - 1, ..own };
        assert!(matches!(open_pidfd(earlier).unwrap(), Lookup::Dead));
        assert!(matches!(open_pidfd(Occupant::default()).unwrap(), Lookup::Dead));
    }

    #[test]
    fn a_child_is_known_by_its_pidfd_until_it_dies() {
        let mut child = std::process::Command::new("sleep").arg("50").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let occupant = from_pidfd(&pidfd).unwrap().unwrap();
        assert_eq!(Some(occupant), identify(pid).unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(from_pidfd(&pidfd).unwrap(), None);
        assert!(matches!(open_pidfd(occupant).unwrap(), Lookup::Dead));
    }

    #[test]
    fn a_name_that_is_no_text_and_looks_like_more_fields_is_skipped() {
        let thread = std::thread::spawn(|| {
            rustix::thread::set_name(c"\xff) 1 (2) 3").unwrap();
            started(rustix::thread::gettid().as_raw_pid().unsigned_abs()).unwrap()
        });
        assert!(thread.join().unwrap().is_some_and(|started| started > 0));
    }

    #[test]
    fn who_maps_the_arena_has_not_lost_it() {
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
