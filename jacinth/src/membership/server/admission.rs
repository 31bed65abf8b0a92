//! Admission: which process gets which slot.

use crate::membership::environment::SlotToken;
use crate::membership::failure_detector::process;
use crate::membership::failure_detector::watched_process::Watched;
use crate::membership::poll::wait_for;
use crate::membership::protocol::Answer;
use crate::membership::server::collect::collect;
use crate::membership::server::member::Member;
use crate::membership::server::spawned::obstacle::Looks;
use crate::membership::server::state::Server;
use crate::membership::system_limits;
use crate::types::status::{self, Status};
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{PidfdFlags, pidfd_open};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

/// Admits the process at the other end of `connection`, to the slot of `token` if it was prepared for it. From now on the
/// process's death is noticed.
///
/// A slot goes to one process. Errors for others: NOT_FOUND, it was given back; ALREADY_EXISTS, another process has taken
/// it; INVALID_ARGS, it is a slot of another arena.
pub(crate) fn admit(
    server: &mut Server,
    index: usize,
    connection: BorrowedFd<'_>,
    token: Option<SlotToken>,
) -> Result<Answer, Status> {
    if token.is_some_and(|token| token.arena != server.arena.id()) {
        return Err(Status::INVALID_ARGS);
    }
    if server.members[index].slot.is_some() {
        return Err(Status::ALREADY_BOUND);
    }
    let pid = server.members[index].pid.ok_or(Status::INTERNAL)?;
    let pidfd = system_limits::with_descriptors(|| pidfd_open(pid, PidfdFlags::empty()));
    let pidfd = match pidfd {
        Ok(pidfd) => pidfd,
        Err(errno) => return cannot_be_watched(errno.into()),
    };
    let identity = match process::identify(pid) {
        Ok(identity) => identity,
        Err(error) => return cannot_be_watched(error),
    };
    let Some(identity) = identity.filter(|_| !has_hung_up(connection)) else {
        // The process may have died before the pidfd was opened. Then the pidfd may be of another process.
        return Err(Status::CANCELED);
    };
    let watched = match Watched::new(pidfd, identity) {
        Ok(watched) => watched,
        Err(error) => return cannot_be_watched(error),
    };
    let reserved = match token {
        Some(token) => Some(token.slot),
        None => slot_reserved_for(server, identity).map_err(status::of)?,
    };
    let slot = match reserved {
        Some(slot) => slot,
        None => reserve_slot(server)?,
    };
    match server.thread.admit_to_slot(slot, identity).map_err(status::of)? {
        shm::SlotState::Admitted => {}
        shm::SlotState::Attached => return Err(Status::ALREADY_EXISTS),
        shm::SlotState::Gone | shm::SlotState::Waiting => return Err(Status::NOT_FOUND),
    }
    forget_watch(server, slot);
    tracing::debug!(pid = %pid.as_raw_nonzero(), row = %slot.row, "admitted");
    (server.members[index].watched, server.members[index].slot) = (Some(watched), Some(slot));
    Ok(Answer::admitted(slot, server.arena.leader().term()))
}

/// A slot for a process that asked to join. If none is free, the slots of the dead are recovered first.
fn reserve_slot(server: &mut Server) -> Result<shm::ProcessSlot, Status> {
    match server.arena.reserve_slot(&server.thread) {
        Err(shm::Error::NoResources(_)) => {
            collect(server)?;
            server.arena.reserve_slot(&server.thread).map_err(status::of)
        }
        reserved => reserved.map_err(status::of),
    }
}

/// The slot that a supervisor had given to this process, and died before it could answer.
fn slot_reserved_for(
    server: &Server,
    identity: shm::ProcessIdentity,
) -> shm::Result<Option<shm::ProcessSlot>> {
    let mut member = server.arena.members()?.into_iter();
    Ok(member
        .find(|member| !member.is_attached && member.identity == identity)
        .map(|member| member.process_slot))
}

/// A process that an earlier supervisor admitted has found this one.
pub(crate) fn rejoin(
    server: &mut Server,
    index: usize,
    connection: BorrowedFd<'_>,
    slot: shm::ProcessSlot,
) -> Result<Answer, Status> {
    if has_hung_up(connection) {
        // The process has not waited for the answer. It may have rejoined by another connection, which must stay known.
        return Err(Status::CANCELED);
    }
    // The kernel gave this number (`SO_PEERCRED`), so a process can rejoin with its own slot only.
    let pid = server.members[index].pid;
    let known = server.members.iter_mut().find(|member| member.slot == Some(slot) && member.pid == pid);
    let watched = known.ok_or(Status::NOT_FOUND)?.watched.take();
    forget_watch(server, slot);
    (server.members[index].watched, server.members[index].slot) = (watched, Some(slot));
    // For a moment the process may have two connections, one of which it gives up. Both are known now.
    let connections = server.members.iter_mut().filter(|member| member.pid == pid);
    connections.for_each(|member| member.is_other_user = false);
    Ok(Answer::admitted(slot, server.arena.leader().term()))
}

/// Watches a child from before it attaches.
pub(crate) fn watch_spawned(
    server: &mut Server,
    slot: shm::ProcessSlot,
    pidfd: Option<OwnedFd>,
) -> Result<Answer, Status> {
    // A request without a pidfd means that this process had no descriptor to receive it.
    let Some(pidfd) = pidfd else { return cannot_be_watched(Errno::MFILE.into()) };
    if server.members.iter().any(|member| member.slot == Some(slot)) {
        // The child was quicker than its spawner.
        return Ok(Answer::ok());
    }
    if !server.listener.is_open() {
        // The child would find no supervisor.
        return Err(Status::UNAVAILABLE);
    }
    // A child that is dead already has no identity. Its pidfd reports the death.
    let identity = match process::from_pidfd(&pidfd) {
        Ok(identity) => identity.unwrap_or_default(),
        Err(error) => return cannot_be_watched(error),
    };
    let watched = match Watched::new(pidfd, identity) {
        Ok(watched) => watched,
        Err(error) => return cannot_be_watched(error),
    };
    if server.thread.confirm_slot(slot, identity).map_err(status::of)? {
        server.spawn_statuses.forget(identity.pid);
        server.members.push(Member {
            watched: Some(watched),
            slot: Some(slot),
            looks: Some(Looks::begin()),
            ..Member::default()
        });
    }
    Ok(Answer::ok())
}

/// Drops the earlier watch of this slot: one is enough.
fn forget_watch(server: &mut Server, slot: shm::ProcessSlot) {
    server.members.iter_mut().filter(|member| member.slot == Some(slot)).for_each(|member| {
        member.forget();
    });
}

/// The answer for a process that cannot be watched. Its death would go unseen, so it is not admitted.
fn cannot_be_watched(error: io::Error) -> Result<Answer, Status> {
    tracing::warn!(%error, "a process cannot be watched");
    if system_limits::is_out_of_descriptors(&error) {
        Ok(Answer::no_descriptors())
    } else {
        Err(Status::NO_RESOURCES)
    }
}

fn has_hung_up(connection: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(connection, PollFlags::RDHUP)];
    let _ = wait_for(&mut fds, Some(Duration::ZERO));
    fds[0].revents().intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR)
}
