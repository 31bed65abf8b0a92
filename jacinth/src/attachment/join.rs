//! Attaching this process to an arena that exists: to one at a path, or to the one that a spawner chose.

use crate::attachment::admission::{ANSWER_TIMEOUT, request_to_join};
use crate::attachment::current_process::{Attachment, Origin, current, lock_attaching, set_attachment};
use crate::attachment::error::{AttachError, LostSeat};
use crate::membership::client::Client;
use crate::membership::connection::{Answered, Connection};
use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE, SlotToken};
use crate::membership::failover::{self, Standby};
use crate::membership::failure_detector::process;
use crate::membership::protocol::Request;
use crate::membership::socket::path::SocketPath;
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
    join_at(path.as_ref(), None, Origin::Joined).map(drop)
}

/// This process's attachment. A program that was spawned into an arena, or started with a [`Seat`](crate::Seat), attaches
/// here.
pub(crate) fn attachment() -> Result<&'static Attachment, AttachError> {
    if let Some(attachment) = current() {
        return if attachment.process.is_here() { Ok(attachment) } else { Err(AttachError::Forked) };
    }
    let path = std::env::var_os(SOCKET_VARIABLE).filter(|path| !path.is_empty());
    let path = path.ok_or(AttachError::NotAttached)?;
    let path = Path::new(&path);
    let token = inherited_slot()?;
    let origin = token.map_or(Origin::Joined, |_| Origin::Seated);
    let attached = match (join_at(path, token, origin), token) {
        // An ancestor of this program may have taken the slot, and this program has inherited the variables. So it joins
        // like any other program. If it asks for a startup handle, it learns why there is none.
        (Err(AttachError::LostSeat { reason, .. }), Some(token)) => {
            join_at(path, None, Origin::LostItsSeat(token, reason))
        }
        (attached, _) => attached,
    };
    match attached {
        // Another thread was quicker.
        Err(AttachError::AlreadyAttached) => current().ok_or(AttachError::NotAttached),
        attached => attached,
    }
}

fn inherited_slot() -> Result<Option<SlotToken>, AttachError> {
    let Some(text) = std::env::var_os(SLOT_VARIABLE) else { return Ok(None) };
    let text = text.to_string_lossy();
    SlotToken::read(&text).map(Some).ok_or_else(|| AttachError::BadSlot(text.into_owned()))
}

fn join_at(
    path: &Path,
    token: Option<SlotToken>,
    origin: Origin,
) -> Result<&'static Attachment, AttachError> {
    let _lock = lock_attaching()?;
    let socket_path = Arc::new(SocketPath::new(path));
    let asked = request_to_join(&socket_path, token);
    let asked = asked.map_err(|not_joined| not_joined.at(&socket_path))?;
    enter(asked, socket_path, token, origin)
}

/// Attaches the process that a supervisor has answered, under [the lock](lock_attaching).
pub(crate) fn enter(
    (connection, (answer, file)): (Connection, Answered),
    socket_path: Arc<SocketPath>,
    token: Option<SlotToken>,
    origin: Origin,
) -> Result<&'static Attachment, AttachError> {
    let slot = answer.to_slot().map_err(|status| match token {
        _ if answer.is_no_descriptors() => AttachError::SupervisorOutOfDescriptors,
        // `attachment` joins without it then.
        Some(token) => refused_seat(token, status),
        None => AttachError::Refused(status),
    })?;
    let prepare = || -> Result<_, AttachError> {
        let arena = shm::Arena::attach(file.ok_or(AttachError::Refused(Status::INTERNAL))?)?;
        Ok((Arc::new(arena), failover::prepare()?))
    };
    let (arena, standby) = prepare().inspect_err(|_| {
        // The slot becomes free for another process. A slot that was prepared for this one stays for the next attempt.
        if token.is_none() {
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
    set_attachment(Attachment::new(process, client, socket_path, origin))
}

/// The error of a process that was not admitted to the slot of its token.
fn refused_seat(token: SlotToken, status: Status) -> AttachError {
    let reason = match status {
        Status::ALREADY_EXISTS => LostSeat::Taken,
        Status::NOT_FOUND => LostSeat::GivenBack,
        Status::INVALID_ARGS => LostSeat::OfAnotherArena,
        status => return AttachError::Refused(status),
    };
    AttachError::LostSeat { seat: token.to_string(), reason }
}

/// The process takes its row: from then on it is attached.
pub(crate) fn take_slot(
    arena: Arc<shm::Arena>,
    slot: shm::ProcessSlot,
) -> Result<Arc<shm::Process>, AttachError> {
    let taken = shm::Process::attach(arena, slot, process::current()?, random_seed()?);
    taken.map_err(|error| AttachError::Refused(status::of(error)))
}

fn random_seed() -> Result<u32, AttachError> {
    let mut seed = [0; 4];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    Ok(u32::from_ne_bytes(seed))
}
