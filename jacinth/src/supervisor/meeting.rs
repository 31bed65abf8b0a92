//! Meeting other processes in the arena of a name.

use crate::attachment::error::AttachError;
use crate::attachment::meet;
use crate::supervisor::Supervisor;
use jacinth_shm::Config;
use std::ffi::OsStr;

/// Attaches this process to this user's arena with this name, or makes the arena if there is none: processes that are started
/// in any order meet there, without a path in hand. An arena that is made has the default limits.
///
/// - *One arena.* Of callers at the same instant one makes the arena, and the others join it:
///   [`is_creator`](Supervisor::is_creator) tells which one. The arena lives as long as a process is attached to it, also
///   after its maker's death. When no process is left, the next caller makes a new one. A caller that is killed at any
///   instruction, and files of an arena that is dead, are in no other caller's way.
/// - *Where.* The socket is `$XDG_RUNTIME_DIR/jacinth/NAME.socket`. Without the variable it is in a folder that only this user
///   can enter, `jacinth-user-UID` among the temporary files (`TMPDIR`). Processes that are to meet need the same
///   variables. A folder of another user, or one that others can enter, is an error: no second place is tried.
/// - *Names* have 1 to 52 bytes, and any but a slash and NUL.
/// - *Who.* Only processes of this user can enter the folder, and the supervisor admits no others.
/// - *Limits.* A joining process takes the arena as it is: [`Supervisor::config`] has the limits, which are the maker's.
///
/// # Errors
/// - [`AttachError::BadName`].
/// - [`AttachError::CannotListen`]: the folder or the socket cannot be made; the folder belongs to another user, or others can
///   enter it; the file of the socket is there, and is no socket.
/// - [`AttachError::NoSupervisor`]: processes are attached to the arena, or one is about to make it, and none admits this
///   process within ten seconds, because it is stopped.
/// - [`AttachError::AlreadyAttached`], [`AttachError::Forked`], [`AttachError::System`].
/// - of a process that joins, [`AttachError::Refused`], [`AttachError::Arena`], [`AttachError::SupervisorOutOfDescriptors`],
///   [`AttachError::OtherPidNamespace`], as for [`attach`](crate::attach).
///
/// ```
/// # use jacinth::*;
/// # let name = format!("documentation-{}", std::process::id());
/// let supervisor = join_or_create(name)?;
/// println!("{}", if supervisor.is_creator() { "I made it" } else { "I joined it" });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn join_or_create(name: impl AsRef<OsStr>) -> Result<Supervisor, AttachError> {
    join_or_create_with(name, &Config::default())
}

/// As [`join_or_create`]. An arena that is made has the limits of `config`; one that is there has its maker's.
///
/// # Errors
/// As for [`join_or_create`], and
/// - [`AttachError::CannotListen`] if [`Config::socket_path`] is set: the name decides where the socket is.
/// - [`AttachError::Arena`] if this process makes the arena, and a limit is out of its range, or a limit of this process is
///   below the arena's size.
///
/// ```
/// # use jacinth::*;
/// # let name = format!("documentation-with-{}", std::process::id());
/// let supervisor = join_or_create_with(name, &Config::default().with_max_processes(8))?;
/// assert!(!supervisor.is_creator() || supervisor.config().max_processes == 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn join_or_create_with(name: impl AsRef<OsStr>, config: &Config) -> Result<Supervisor, AttachError> {
    Ok(Supervisor { attachment: meet::join_or_create(name.as_ref(), config)? })
}
