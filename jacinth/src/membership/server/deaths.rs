//! Which processes are dead, and how the supervisor reacts.

use crate::membership::failure_detector::exiting;
use crate::membership::failure_detector::robust_futex::DeathWatch;
use crate::membership::failure_detector::watched_process::Watched;
use crate::membership::poll::wait_for;
use crate::membership::server::member::Member;
use crate::membership::server::recovery::RETRY_INTERVAL;
use crate::membership::server::spawned;
use crate::membership::server::state::Server;
use crate::membership::spawn_status::SpawnStatus;
use jacinth_shm as shm;
use rustix::event::{PollFd, PollFlags};
use rustix::process::Pid;
use std::time::{Duration, Instant};

/// Watches the robust futexes of all processes that are watched.
pub(crate) fn watch_robust_futexes(server: &mut Server) {
    if server.death_watch.is_none() {
        match DeathWatch::start(&server.arena) {
            Ok(watch) => server.death_watch = Some(watch),
            Err(error) => return tracing::debug!(%error, "robust futexes cannot be watched yet"),
        }
    }
    let watched = server.members.iter().filter(|member| member.watched.is_some());
    let slots = watched.filter_map(|member| member.slot).collect();
    if let Some(watch) = &mut server.death_watch {
        watch.watch(slots);
    }
}

/// Looks at the processes with a notice of their robust futex. One that is dead but for its memory is recovered. Another
/// one is looked at again soon, because a signal reaches one thread after another.
pub(crate) fn check_suspects(server: &mut Server) {
    let Some(watch) = &server.death_watch else { return };
    // Before the looks: a notice that comes later makes the socket readable again.
    watch.drain_notices();
    let mut dead = Vec::new();
    for (index, member) in server.members.iter_mut().enumerate() {
        let (Some(slot), Some(watched)) = (member.slot, &mut member.watched) else { continue };
        if !member.suspicion.is_due(|| watch.owner_died(slot)) {
            continue;
        }
        if exiting::all_threads_exiting(watched) {
            tracing::debug!(row = %slot.row, "dead, but for its memory");
            dead.push(index);
        } else if member.suspicion.may_be_exec() && has_replaced_itself(&server.arena, slot, watched) {
            dead.push(index);
        } else {
            member.suspicion.check_later();
        }
    }
    on_process_death(server, dead);
}

/// Recovers those of `indices` that are dead; without `indices`, any that are dead. A pidfd that is ready is no proof
/// yet.
pub(crate) fn check_pidfds(server: &mut Server, indices: Option<&[usize]>) {
    let mut dead = Vec::new();
    for (index, member) in server.members.iter_mut().enumerate() {
        let Some(watched) = &mut member.watched else { continue };
        if indices.map_or_else(|| watched.seems_dead(), |indices| indices.binary_search(&index).is_ok()) {
            match watched.is_dead() {
                Ok(true) => dead.push(index),
                Ok(false) => {}
                // The pidfd is still ready, so the next turn asks again.
                Err(error) => tracing::warn!(%error, "a death cannot be proven yet"),
            }
        }
    }
    on_process_death(server, dead);
}

/// Starts the recovery of these members. The caller has proven that they are dead, or have replaced themselves by exec.
fn on_process_death(server: &mut Server, indices: Vec<usize>) {
    let mut slots = Vec::new();
    for index in indices {
        let pid = server.members[index].pid_watched();
        // Before `forget`, which drops the earlier looks. A zombie still shows its user.
        let obstacle = spawned::obstacle_of(server, index);
        let Some(slot) = server.members[index].forget() else { continue };
        // Before the announcement, after which no slot of a dead process counts as attached. The status is for the
        // spawner of a program that never attached.
        if let Some(pid) = pid.filter(|_| !server.arena.is_attached(slot)) {
            let status = obstacle.map_or(SpawnStatus::Ended, SpawnStatus::CannotAttach);
            server.spawn_statuses.note(pid.as_raw_pid().unsigned_abs(), status);
        }
        slots.push(slot);
    }
    server.recovery.announce(&server.thread, &slots);
}

/// A connection ended. If its process lives and has lost the arena, it has replaced itself by exec.
pub(crate) fn on_hang_up(server: &mut Server, index: usize) {
    let member = &mut server.members[index];
    // The member itself stays: its pidfd watches it, and its process may rejoin.
    member.connection = None;
    let (Some(slot), Some(watched)) = (member.slot, &mut member.watched) else { return };
    if has_replaced_itself(&server.arena, slot, watched) {
        on_process_death(server, vec![index]);
    }
}

/// Takes over all attached processes, after another supervisor's death.
pub(crate) fn resume_membership(server: &mut Server) {
    // Rows that are DEAD already. An old leader that was not declared dead yet is among the members below.
    server.recovery.take_up_unfinished(&server.thread);
    let member = server.arena.members().unwrap_or_else(|error| {
        tracing::error!(%error, "the attached processes cannot be listed");
        Vec::new()
    });
    let own = server.thread.process().row();
    for member in member.into_iter().filter(|member| member.process_slot.row != own) {
        let pid = Pid::from_raw(member.identity.pid.cast_signed());
        server.members.push(Member { pid, slot: Some(member.process_slot), ..Member::default() });
    }
    watch_unwatched(server);
}

/// Whether the member was taken over and has not connected yet. Then its death, or its exec, might go unseen.
pub(crate) fn is_out_of_touch(arena: &shm::Arena, member: &Member) -> bool {
    member.slot.is_some_and(|slot| {
        member.watched.is_none() || member.connection.is_none() && arena.is_attached(slot)
    })
}

/// Repeats failed recoveries, and looks at the processes that are out of touch; each once in a while.
pub(crate) fn recheck(server: &mut Server) {
    if server.recovery.retry_at().is_some_and(|at| at <= Instant::now()) {
        server.recovery.take_up_unfinished(&server.thread);
    }
    if server.recheck_at > Instant::now() {
        return;
    }
    server.recheck_at = Instant::now() + RETRY_INTERVAL;
    watch_unwatched(server);
    for index in 0..server.members.len() {
        // An exec leaves the process alive, so its pidfd is silent. Without a connection only a look at its maps tells.
        if is_out_of_touch(&server.arena, &server.members[index]) {
            on_hang_up(server, index);
        }
    }
}

/// Watches the members that are not watched yet. Those that are dead are recovered.
fn watch_unwatched(server: &mut Server) {
    let mut dead = Vec::new();
    for index in 0..server.members.len() {
        let Member { slot, watched, .. } = &server.members[index];
        if slot.is_some() && watched.is_none() && !watch(server, index) {
            dead.push(index);
        }
    }
    on_process_death(server, dead);
}

/// Opens the member's pidfd, if the system has one to give. `false` when the process is dead.
fn watch(server: &mut Server, index: usize) -> bool {
    let identity = server.members[index].slot.map(|slot| server.arena.identity(slot));
    let Some(Ok(Some(identity))) = identity else { return false };
    match Watched::open(identity) {
        Ok(None) => return false,
        Ok(watched) => server.members[index].watched = watched,
        // `recheck` tries again: descriptors may be scarce for a moment.
        Err(error) => tracing::warn!(%error, pid = identity.pid, "a process cannot be watched yet"),
    }
    true
}

/// Whether a process has died, or seems to have.
pub(crate) fn has_news(members: &[Member], death_watch: Option<&DeathWatch>) -> bool {
    let pidfds = members.iter().filter_map(|member| member.watched.as_ref()).map(Watched::pidfd);
    let fds = pidfds.chain(death_watch.map(DeathWatch::notices));
    let mut fds: Vec<_> = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    wait_for(&mut fds, Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}

/// Whether an attached process lives and has no arena any more.
fn has_replaced_itself(arena: &shm::Arena, slot: shm::ProcessSlot, watched: &mut Watched) -> bool {
    // A process that has not reached its slot yet has not mapped the arena yet.
    let has_replaced_itself = arena.is_attached(slot) && watched.has_replaced_itself(arena);
    if has_replaced_itself {
        tracing::info!(
            pid = watched.pid().map(Pid::as_raw_pid),
            "an attached process has replaced itself by exec"
        );
    }
    has_replaced_itself
}
