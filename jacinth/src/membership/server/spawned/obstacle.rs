//! The obstacle that keeps a spawned program from attaching, as far as the supervisor can see it in `/proc`.
//!
//! The program itself knows, but cannot report it: it lacks the way to the supervisor. So the supervisor looks at
//! the program's user, environment and view of the file system.
//!
//! ```text
//!  spawned ── 1 ms ── 2 ms ── 4 ms ── … ── 1/2 s ── 1/2 s ── … 10 s ── 20 s ── 40 s ── …      and when its spawner asks
//! ```
//!
//! The last look that saw anything counts, because a program may start through others (`env`, `sudo`, a shell). A zombie
//! shows only its user. A program that finds no socket, or may not enter its folder, tries for two seconds
//! (`attachment::admission`), so that in the first ten seconds a look falls into that time. A failure to look is never
//! taken for an answer.

use crate::membership::environment::SOCKET_VARIABLE;
use crate::membership::failure_detector::process::stat_of;
use crate::membership::socket::path::SocketPath;
use crate::membership::spawn_status::Obstacle;
use jacinth_shm::FileId;
use procfs::FromRead;
use procfs::process::Status;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use rustix::process::Pid;
use std::time::{Duration, Instant};

/// When to look at a program that has not attached, and the result of the last look.
#[derive(Debug)]
pub(crate) struct Looks {
    since: Instant,
    next: Instant,
    seen: Option<Obstacle>,
}

impl Looks {
    const FIRST_PAUSE: Duration = Duration::from_millis(1);
    const LONGEST_PAUSE: Duration = Duration::from_millis(500);
    /// How long the pauses stay that short.
    const CLOSELY: Duration = Duration::from_secs(10);

    /// Begins to look at a program that has just been spawned.
    pub(crate) fn begin() -> Self {
        let now = Instant::now();
        Self { since: now, next: now + Self::FIRST_PAUSE, seen: None }
    }

    /// How long the supervisor may sleep.
    pub(crate) fn timeout(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    /// Looks if it is time.
    pub(crate) fn poll_if_due(&mut self, look: impl FnOnce() -> Look) {
        let now = Instant::now();
        if self.next <= now {
            let age = now - self.since;
            let longest = if age < Self::CLOSELY { Self::LONGEST_PAUSE } else { age };
            // A pause as long as the program's age so far doubles the age at each look, until the pauses are at their longest.
            self.next = now + age.clamp(Self::FIRST_PAUSE, longest.max(Self::FIRST_PAUSE));
            self.see(look());
        }
    }

    /// Adds the result of a look, and gives the obstacle that is known now.
    pub(crate) fn see(&mut self, look: Look) -> Option<Obstacle> {
        if let Look::Seen(seen) = look {
            self.seen = seen;
        }
        self.seen
    }
}

/// The result of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// This obstacle, or none.
    Seen(Option<Obstacle>),
    /// No reliable result.
    Nothing,
}

/// Looks at a process. `user` is the arena's user; `socket` is the supervisor's socket file, `None` while it does not listen.
pub(crate) fn look(pid: Pid, user: u32, socket_path: &SocketPath, socket: Option<FileId>) -> Look {
    let folder = format!("/proc/{}", pid.as_raw_nonzero());
    // First, because the rest of another user's process cannot be seen.
    match user_of(&folder) {
        Some(its) if its != user => return Look::Seen(Some(Obstacle::OtherUser(its))),
        None => return Look::Nothing,
        Some(_) => {}
    }
    let Some(environment) = environment_of(&folder) else { return Look::Nothing };
    let is_arena = |entry: &[u8]| {
        entry.strip_prefix(SOCKET_VARIABLE.as_bytes()).is_some_and(|rest| rest.starts_with(b"="))
    };
    if !environment.split(|byte| *byte == 0).any(is_arena) {
        // A text that is no list of variables is a title that the program has written there (setproctitle).
        let mut entries = environment.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        let is_list = environment.is_empty()
            || entries.clone().count() > 0 && entries.all(|entry| entry.contains(&b'='));
        return if is_list { Look::Seen(Some(Obstacle::CleanEnvironment)) } else { Look::Nothing };
    }
    match (socket, file_seen_by(&folder, socket_path)) {
        // The program has another view of the file system: another root folder, or other mounts.
        (Some(socket), Ok(seen)) if seen != socket => Look::Seen(Some(Obstacle::NoSocket)),
        (Some(_), Err(Errno::NOENT | Errno::NOTDIR)) => Look::Seen(Some(Obstacle::NoSocket)),
        (Some(_), Ok(_)) => Look::Seen(None),
        _ => Look::Nothing,
    }
}

/// The user that the process acts as. A zombie shows it too.
fn user_of(folder: &str) -> Option<u32> {
    let text = std::fs::read(format!("{folder}/status")).ok()?;
    // The program's name need not be UTF-8, and `procfs` takes only UTF-8. The name is not used.
    let status = Status::from_read(String::from_utf8_lossy(&text).as_bytes()).ok()?;
    Some(status.euid)
}

/// The environment that the process's program began with. `None` if it cannot be seen: for another user's process, for a
/// zombie, in the middle of an exec.
fn environment_of(folder: &str) -> Option<Vec<u8>> {
    // Both bounds are 0 until an exec has come that far.
    let bounds = || {
        let stat = stat_of(folder.as_ref()).ok()?;
        let bounds = (stat.env_start?, stat.env_end?);
        (bounds.0 > 0 && bounds.1 >= bounds.0).then_some(bounds)
    };
    let before = bounds()?;
    let environment = std::fs::read(format!("{folder}/environ")).ok()?;
    // Equal bounds mean that it is the same program; the length, that it is the whole environment.
    (bounds()? == before && environment.len() as u64 == before.1 - before.0).then_some(environment)
}

/// The file at the path, in the process's own view of the file system.
fn file_seen_by(folder: &str, socket_path: &SocketPath) -> Result<FileId, Errno> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = openat(CWD, format!("{folder}/root"), flags | OFlags::DIRECTORY, Mode::empty())?;
    let seen = openat2(
        &root,
        socket_path.as_path(),
        flags | OFlags::NOFOLLOW,
        Mode::empty(),
        ResolveFlags::IN_ROOT,
    )?;
    let found = rustix::fs::fstat(&seen)?;
    Ok(FileId { device: found.st_dev, inode: found.st_ino })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    /// Looks at a living child, with a file at the socket's path.
    fn look_at(command: &mut Command) -> Look {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("supervisor");
        std::fs::write(&path, "").unwrap();
        let socket = crate::membership::socket::names::file_at(&path);
        let mut child = command.spawn().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let look = until_seen(&child, user, &SocketPath::new(&path), socket);
        child.kill().unwrap();
        child.wait().unwrap();
        look
    }

    fn until_seen(child: &Child, user: u32, socket_path: &SocketPath, socket: Option<FileId>) -> Look {
        loop {
            let seen = look(Pid::from_child(child), user, socket_path, socket);
            if seen != Look::Nothing {
                return seen;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_normal_program_has_no_obstacle() {
        let mut sleep = Command::new("sleep");
        assert_eq!(look_at(sleep.arg("50").env(SOCKET_VARIABLE, "somewhere")), Look::Seen(None));
    }

    #[test]
    fn a_cleaned_environment_is_seen() {
        let cleaned = Look::Seen(Some(Obstacle::CleanEnvironment));
        assert_eq!(look_at(Command::new("sleep").arg("50").env_remove(SOCKET_VARIABLE)), cleaned);
        assert_eq!(look_at(Command::new("/bin/sleep").arg("50").env_clear()), cleaned, "an empty one too");
    }

    #[test]
    fn another_file_at_the_path_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let socket_path = SocketPath::new(&folder.path().join("supervisor"));
        std::fs::write(socket_path.as_path(), "").unwrap();
        let socket = crate::membership::socket::names::file_at(folder.path());
        let mut child = Command::new("sleep").arg("50").env(SOCKET_VARIABLE, "somewhere").spawn().unwrap();
        let user = rustix::process::geteuid().as_raw();
        let seen = |user, socket| until_seen(&child, user, &socket_path, socket);
        assert_eq!(seen(user, socket), Look::Seen(Some(Obstacle::NoSocket)));
        assert_eq!(seen(user + 1, socket), Look::Seen(Some(Obstacle::OtherUser(user))));
        std::fs::remove_file(socket_path.as_path()).unwrap();
        assert_eq!(seen(user, socket), Look::Seen(Some(Obstacle::NoSocket)));
        let nobody_listens = look(Pid::from_child(&child), user, &socket_path, None);
        assert_eq!(nobody_listens, Look::Nothing);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_failed_look_changes_nothing() {
        let mut looks = Looks::begin();
        assert_eq!(looks.see(Look::Nothing), None);
        assert_eq!(looks.see(Look::Seen(Some(Obstacle::NoSocket))), Some(Obstacle::NoSocket));
        assert_eq!(looks.see(Look::Nothing), Some(Obstacle::NoSocket));
        assert_eq!(looks.see(Look::Seen(None)), None);
    }
}
