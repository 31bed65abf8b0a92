//! Programs that were spawned and have not attached: their obstacles, and their statuses.

pub(crate) mod obstacle;
pub(crate) mod recorded_statuses;

use crate::membership::server::member::Member;
use crate::membership::server::spawned::obstacle::Look;
use crate::membership::server::state::Server;
use crate::membership::spawn_status::{Obstacle, SpawnStatus};

/// Looks at each spawned program that has not attached, if it is time.
pub(crate) fn poll_obstacles(server: &mut Server) {
    let ((socket_path, socket), user) = (server.listener.place(), server.user);
    for member in &mut server.members {
        let pid = member.pid_watched();
        if let Some(looks) = &mut member.looks {
            looks.poll_if_due(|| {
                pid.map_or(Look::Nothing, |pid| obstacle::look(pid, user, socket_path, socket))
            });
        }
    }
}

/// The obstacle that keeps a spawned member from attaching, by a look at it now and by earlier looks.
pub(crate) fn obstacle_of(server: &mut Server, index: usize) -> Option<Obstacle> {
    let (socket_path, socket) = server.listener.place();
    let pid = server.members[index].pid_watched()?;
    let looks = server.members[index].looks.as_mut()?;
    looks.see(obstacle::look(pid, server.user, socket_path, socket))
}

/// The status of the spawned process with this number.
pub(crate) fn spawn_status_of(server: &mut Server, pid: u32) -> SpawnStatus {
    let has_it = |member: &Member| {
        member.pid_watched().is_some_and(|watched| watched.as_raw_pid().unsigned_abs() == pid)
    };
    let noted = server.spawn_statuses.of(pid);
    let Some(index) = server.members.iter().position(has_it) else {
        return noted.unwrap_or(SpawnStatus::Unknown);
    };
    match server.members[index].slot {
        Some(slot) if server.arena.is_attached(slot) => SpawnStatus::Attached,
        // A refusal that was noted says more than a look.
        Some(_) if noted.is_none() => {
            obstacle_of(server, index).map_or(SpawnStatus::Waiting, SpawnStatus::CannotAttach)
        }
        _ => noted.unwrap_or(SpawnStatus::Unknown),
    }
}
