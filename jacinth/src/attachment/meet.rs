//! Joining the arena of a name, or making it.
//!
//! The lock file beside the socket decides (`membership::socket::lock`); there is no other lock and no other file.
//!
//! ```text
//!  lock it exclusively ── has it ─▶ no process is in the arena, joins it, or makes it ─▶ make it, listen, share the lock
//!           ▲    │
//!           │    └ another process has it ─▶ connect ─▶ share the lock ─▶ ask for admission ─▶ joined
//!           │                                   │              │                 │
//!           └──── a pause ── release the lock ◀─┴──────────────┴─────────────────┘  that process has died, or is not ready
//! ```
//!
//! INV-MEET-1: a process holds the lock, shared or exclusively, from before it is in the arena until its death. So the
//! exclusive lock proves that the arena has no process left, also between a leader's death and its successor's start.
//! INV-MEET-2: a process that is not in the arena holds the lock shared only while a living process listens. So processes
//! that wait for a dead arena do not keep each other from making the next one.
//!
//! The kernel releases the locks of a process that is killed at any instruction. The files that it leaves behind mean
//! nothing without a lock: the next process that has the lock replaces them.

use crate::attachment::admission::{NotJoined, RETRY_INTERVAL, ask_to_join, passes_within};
use crate::attachment::create::create;
use crate::attachment::current_process::{AttachingLock, Attachment, Origin, lock_attaching};
use crate::attachment::error::AttachError;
use crate::attachment::join::enter;
use crate::membership::socket::meeting_place;
use crate::membership::socket::path::SocketPath;
use jacinth_shm::Config;
use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the processes that hold the lock may take to admit this one.
const ADMISSION_TIMEOUT: Duration = Duration::from_secs(10);

/// Attaches this process to this user's arena with this name, which is made if there is none.
pub(crate) fn join_or_create(name: &OsStr, config: &Config) -> Result<&'static Attachment, AttachError> {
    let lock = lock_attaching()?;
    if let Some(fault) = meeting_place::fault_of(name) {
        return Err(AttachError::BadName { name: name.into(), fault });
    }
    if let Some(path) = &config.socket_path {
        let what = "the name decides where an arena with a name listens: leave `socket_path` out";
        return Err(cannot_listen(path.clone(), io::Error::new(io::ErrorKind::InvalidInput, what)));
    }
    let path = meeting_place::path_of(name).map_err(|(folder, error)| cannot_listen(folder, error))?;
    meet(&lock, &Arc::new(SocketPath::new(&path)), config)
}

fn meet(
    lock: &AttachingLock,
    socket_path: &Arc<SocketPath>,
    config: &Config,
) -> Result<&'static Attachment, AttachError> {
    let path = || socket_path.as_path().to_owned();
    let start = Instant::now();
    loop {
        if socket_path.claim().map_err(|error| cannot_listen(path(), error))? {
            let mut is_pending = true;
            let listen = || {
                is_pending = false;
                let listening = socket_path.listen_claimed().map_err(|error| (path(), error))?;
                Ok((socket_path.clone(), listening))
            };
            let created = create(lock, config, listen);
            if created.is_err() && is_pending {
                socket_path.abandon_claim();
            }
            return created;
        }
        match ask_to_join(socket_path, None) {
            Ok(asked) => return enter(asked, socket_path.clone(), None, Origin::Joined),
            Err(NotJoined::Failed(error)) if passes_within(error.kind()).is_some() => {
                if start.elapsed() > ADMISSION_TIMEOUT {
                    return Err(NotJoined::Failed(not_admitted(&error)).at(socket_path));
                }
            }
            Err(not_joined) => return Err(not_joined.at(socket_path)),
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
}

fn cannot_listen(path: PathBuf, source: io::Error) -> AttachError {
    AttachError::CannotListen { path, source }
}

fn not_admitted(error: &io::Error) -> io::Error {
    let what = format!(
        "a process is in the arena, or about to make it, and admits no other one within {ADMISSION_TIMEOUT:?} ({error}): it may \
         be stopped (by a signal, or a debugger)"
    );
    io::Error::new(error.kind(), what)
}
