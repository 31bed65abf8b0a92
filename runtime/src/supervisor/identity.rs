//! Telling processes apart for certain: a number is used again, a number together with the moment its process
//! started is not.

use jacinth_shm::{Arena, Occupant};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// What looking for a process found.
pub(super) enum Found {
    /// It lives, or is a zombie, which the descriptor then says.
    Watched(OwnedFd),
    /// It is gone: nobody has its number, or somebody who started at another time.
    Gone,
}

/// The process with this number, as it is now.
pub(super) fn of(pid: Pid) -> Option<Occupant> {
    let number = pid.as_raw_pid().unsigned_abs();
    started(number).map(|started| Occupant { pid: number, started })
}

/// This process.
pub(crate) fn own() -> Occupant {
    let pid = rustix::process::getpid();
    of(pid).unwrap_or(Occupant { pid: pid.as_raw_pid().unsigned_abs(), started: 0 })
}

/// The process behind a pidfd; `None` when it has been reaped.
pub(super) fn behind(pidfd: &OwnedFd) -> Option<Occupant> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd())).ok()?;
    // -1 once it is gone.
    let pid: u32 = info.lines().find_map(|line| line.strip_prefix("Pid:"))?.trim().parse().ok()?;
    Pid::from_raw(pid.cast_signed()).and_then(of)
}

/// A descriptor for exactly this process, which becomes readable with its death.
///
/// The moment it started is looked at *after* the descriptor was opened: if it is the right one, the number had not
/// passed on by then, so the descriptor is of the right process.
pub(super) fn watch(occupant: Occupant) -> io::Result<Found> {
    let Some(pid) = Pid::from_raw(occupant.pid.cast_signed()) else { return Ok(Found::Gone) };
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        // Nobody, or a thread of somebody else: either way the number has passed on.
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL | rustix::io::Errno::NOENT) => {
            return Ok(Found::Gone);
        }
        Err(error) => return Err(error.into()),
    };
    let is_same = occupant.started == 0 || started(occupant.pid) == Some(occupant.started);
    Ok(if is_same { Found::Watched(pidfd) } else { Found::Gone })
}

/// Whether a process that was attached maps the arena no more. It has replaced itself by exec then, if its line is
/// down as well: either alone proves nothing. What cannot be seen is not so.
pub(super) fn has_lost(pid: Pid, arena: &Arena) -> bool {
    let inode =
        arena.file().and_then(|file| rustix::fs::fstat(file).ok()).map(|stat| stat.st_ino.to_string());
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", pid.as_raw_nonzero()));
    let (Some(inode), Ok(maps)) = (inode, maps) else { return false };
    !maps.lines().any(|line| line.split_ascii_whitespace().nth(4) == Some(&inode))
}

/// When the process started, in clock ticks since the system did: field 22 of its `stat`.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_with_its_number() {
        let own = own();
        assert!(own.started > 0);
        assert!(matches!(watch(own).unwrap(), Found::Watched(_)));
        let earlier = Occupant { started: own.started - 1, ..own };
        assert!(matches!(watch(earlier).unwrap(), Found::Gone));
        assert!(matches!(watch(Occupant::default()).unwrap(), Found::Gone));
    }

    #[test]
    fn a_child_is_known_by_its_pidfd_until_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("50").spawn().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let occupant = behind(&pidfd).unwrap();
        assert_eq!(Some(occupant), of(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(behind(&pidfd), None);
        assert!(matches!(watch(occupant).unwrap(), Found::Gone));
    }
}
