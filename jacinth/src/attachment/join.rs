//! Attaching this process to an arena: to a new one, to one at a path, or to the one that a spawner chose.

use crate::attachment::admission::{ANSWER_TIMEOUT, NotJoined, request_to_join};
use crate::attachment::current_process::{Attachment, current, lock_attaching, set_attachment};
use crate::attachment::error::AttachError;
use crate::membership::client::Client;
use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE, slot_of, slot_text};
use crate::membership::failover::{self, Standby};
use crate::membership::failure_detector::process;
use crate::membership::protocol::Request;
use crate::membership::socket::path::SocketPath;
use crate::membership::system_limits;
use crate::types::status::{self, Status};
use jacinth_shm as shm;
use std::path::Path;
use std::sync::Arc;

/// Attaches this process to the arena of the supervisor that listens at `path`.
///
/// A failed attempt leaves no trace, and the next one may succeed.
///
/// # Errors
/// - [`AttachError::NoSupervisor`]: no supervisor answers there. The call tries for two seconds: a socket that was
///   removed comes back, and another process takes a dead supervisor's place.
/// - [`AttachError::Refused`]: the arena has no room, or belongs to another user.
/// - [`AttachError::Arena`]: the arena has another version or is damaged, or a limit of this process is below its size.
/// - [`AttachError::SupervisorOutOfDescriptors`], or [`AttachError::System`] when this process has no descriptors left
///   or no `/proc`.
/// - [`AttachError::AlreadyAttached`], or [`AttachError::Forked`] in a child that was forked from an attached process.
/// - [`AttachError::OtherPidNamespace`].
///
/// ```no_run
/// # use jacinth::*;
/// attach("/run/user/1000/service.arena")?;
/// let (ours, theirs) = Channel::create();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attach(path: impl AsRef<Path>) -> Result<(), AttachError> {
    attach_with(path.as_ref(), None).map(drop)
}

/// This process's attachment. A program that was spawned into an arena attaches here.
pub(crate) fn attachment() -> Result<&'static Attachment, AttachError> {
    if let Some(attachment) = current() {
        return if attachment.process.is_here() { Ok(attachment) } else { Err(AttachError::Forked) };
    }
    let path = std::env::var_os(SOCKET_VARIABLE).filter(|path| !path.is_empty());
    let path = path.ok_or(AttachError::NotAttached)?;
    let path = Path::new(&path);
    let attached = match attach_with(path, inherited_slot()?) {
        // An ancestor of this program was spawned and has taken the slot; this program has inherited the variables. It
        // joins like any other program.
        Err(AttachError::BadSlot(_)) => attach_with(path, None),
        attached => attached,
    };
    match attached {
        // Another thread was quicker.
        Err(AttachError::AlreadyAttached) => current().ok_or(AttachError::NotAttached),
        attached => attached,
    }
}

/// Attaches the process that has just created `arena`, under [the lock](lock_attaching).
pub(crate) fn attach_creator(
    arena: Arc<shm::Arena>,
    supervisor: Client,
    socket_path: Arc<SocketPath>,
    prepare: impl FnOnce(&Arc<shm::Process>) -> shm::Result<()>,
) -> Result<&'static Attachment, AttachError> {
    let slot = arena.first_slot().map_err(|error| AttachError::Refused(status::of(error)))?;
    let process = take_slot(arena, slot)?;
    prepare(&process).map_err(|error| AttachError::Refused(status::of(error)))?;
    set_attachment(Attachment::new(process, Arc::new(supervisor), socket_path, false))
}

fn inherited_slot() -> Result<Option<shm::ProcessSlot>, AttachError> {
    let Some(text) = std::env::var_os(SLOT_VARIABLE) else { return Ok(None) };
    let text = text.to_string_lossy();
    slot_of(&text).map(Some).ok_or_else(|| AttachError::BadSlot(text.into_owned()))
}

fn attach_with(path: &Path, slot: Option<shm::ProcessSlot>) -> Result<&'static Attachment, AttachError> {
    let _lock = lock_attaching()?;
    let socket_path = Arc::new(SocketPath::new(path));
    let no_supervisor = |source| AttachError::NoSupervisor {
        path: socket_path.as_path().into(),
        source: system_limits::with_limit_named(source),
    };
    let was_spawned = slot.is_some();
    let (connection, (answer, file)) = request_to_join(&socket_path, slot).map_err(|error| match error {
        NotJoined::OtherNamespace => AttachError::OtherPidNamespace,
        NotJoined::Failed(error) => no_supervisor(error),
    })?;
    let slot = answer.to_slot().map_err(|status| match slot {
        _ if answer.is_no_descriptors() => AttachError::SupervisorOutOfDescriptors,
        // The slot is taken, or was given up. `attachment` joins without it then.
        Some(slot) if status == Status::NOT_FOUND => AttachError::BadSlot(slot_text(slot)),
        _ => AttachError::Refused(status),
    })?;
    let prepare = || -> Result<_, AttachError> {
        let arena = shm::Arena::attach(file.ok_or(AttachError::Refused(Status::INTERNAL))?)?;
        Ok((Arc::new(arena), failover::prepare()?))
    };
    let (arena, standby) = prepare().inspect_err(|_| {
        // The slot becomes free for another process. A slot that a spawner prepared stays for the next attempt.
        if !was_spawned {
            let _ = connection.request(Request::CancelSlot { slot }, None, Some(ANSWER_TIMEOUT));
        }
    })?;
    // From here on the process has its place in the arena, and gives it up by its death only. So all resources were
    // taken before.
    let (process, client) = (take_slot(arena, slot)?, Arc::new(Client::new(connection)));
    let (is_set, set) = shm::handover();
    let begun = Standby {
        process: process.clone(),
        slot,
        client: client.clone(),
        socket_path: socket_path.clone(),
        connected_term: Some(answer.term()),
    };
    standby.give((begun, is_set));
    // Waits until the standby thread holds the robust futex. Before that, an exec could go unnoticed.
    let _ = set.take();
    set_attachment(Attachment::new(process, client, socket_path, was_spawned))
}

fn take_slot(arena: Arc<shm::Arena>, slot: shm::ProcessSlot) -> Result<Arc<shm::Process>, AttachError> {
    let taken = shm::Process::attach(arena, slot, process::current()?, random_seed()?);
    taken.map_err(|error| AttachError::Refused(status::of(error)))
}

fn random_seed() -> Result<u32, AttachError> {
    let mut seed = [0; 4];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(u32::from_ne_bytes(seed))
}
