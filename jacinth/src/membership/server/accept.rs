//! New connections: of processes that want to join, and of attached ones.

use crate::membership::connection::{receive_packet, send_packet};
use crate::membership::failure_detector::process;
use crate::membership::poll::{is_ready, wait_for};
use crate::membership::protocol::{Answer, RequestPacket};
use crate::membership::server::member::Member;
use crate::membership::server::state::Server;
use crate::membership::spawn_status::SpawnStatus;
use crate::membership::system_limits;
use crate::types::status::Status;
use jacinth_shm::Held;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketFlags, accept_with};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;
use zerocopy::IntoBytes;

/// How many connections are accepted at once. News waits for no more than these.
const MAX_ACCEPTED: u32 = 256;

/// How long to leave a connection alone that cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

/// One of the supervisor's two listening sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Socket {
    /// At the arena's path, for processes that want to join.
    Listener,
    /// The abstract one, for attached processes.
    Rendezvous,
}

/// Accepts the connections that wait. They are many after a leader's death, when all processes come back at once.
pub(crate) fn accept_waiting(server: &mut Server, socket: Socket) {
    for _ in 0..MAX_ACCEPTED {
        accept(server, socket);
        // The sockets are blocking, so a further connection is accepted only if one waits.
        if !held(server, socket).and_then(Held::get).is_some_and(is_ready) {
            return;
        }
    }
}

fn held(server: &Server, socket: Socket) -> Option<&Held> {
    match socket {
        Socket::Listener => server.listener.socket(),
        Socket::Rendezvous => server.rendezvous.as_ref(),
    }
}

/// Accepts the next connection, if it comes from a process of the arena's user, or from an attached process, whatever
/// user that has become.
fn accept(server: &mut Server, socket: Socket) {
    if held(server, socket).and_then(Held::get).is_none() {
        // `check_descriptors` makes it again.
        return server.check_descriptors_soon();
    }
    match system_limits::with_descriptors(|| accept_from(server, socket)) {
        Ok(connection) => add_connection(server, connection),
        Err(Errno::MFILE) => {
            // The spare descriptor is given up for as long as it takes to say so.
            server.spare = None;
            if let Ok(connection) = accept_from(server, socket) {
                refuse_for_descriptors(&connection);
            }
            server.spare = Server::new_spare();
        }
        // Memory is scarce. The process that wants to connect keeps waiting.
        Err(_) => std::thread::sleep(ACCEPT_PAUSE),
    }
}

fn accept_from(server: &Server, socket: Socket) -> Result<OwnedFd, Errno> {
    let socket = held(server, socket).and_then(Held::get).ok_or(Errno::BADF)?;
    accept_with(socket, SocketFlags::CLOEXEC)
}

fn refuse_for_descriptors(connection: &OwnedFd) {
    tracing::error!("refused a process: descriptors (RLIMIT_NOFILE, ulimit -n) are used up");
    let _ = send_packet(connection.as_fd(), Answer::no_descriptors().as_bytes(), None);
    // A process that is about to ask is to find this answer, not a broken connection.
    let _ = wait_for(&mut [PollFd::new(connection, PollFlags::IN)], Some(ACCEPT_PAUSE));
    let _ = receive_packet(connection.as_fd(), &mut [0; size_of::<RequestPacket>()], RecvFlags::DONTWAIT);
}

fn add_connection(server: &mut Server, connection: OwnedFd) {
    system_limits::raise_descriptors_near(&connection);
    let Ok((pid, user)) = process::peer_of(&connection) else { return };
    // This process may have become another user's, and is the arena's all the same.
    let is_other_user = user != server.user && pid != Some(rustix::process::getpid());
    let is_known = |member: &Member| member.slot.is_some() && member.pid == pid;
    // A member that has become another user's may come back. `serve` lets it do nothing but rejoin.
    let refused = if is_other_user && !server.members.iter().any(is_known) {
        Some((Status::ACCESS_DENIED, "refused a process of another user"))
    } else if pid.is_none() {
        Some((Status::BAD_STATE, "refused a process of another PID namespace"))
    } else {
        None
    };
    if let Some((status, why)) = refused {
        tracing::warn!(user, "{why}");
        // If the process was spawned, its spawner may ask why it has not attached.
        let is_it = |member: &&Member| pid.is_some() && member.pid_watched() == pid;
        if let Some(pid) = server.members.iter().find(is_it).and_then(Member::pid_watched) {
            server.spawn_statuses.note(pid.as_raw_pid().unsigned_abs(), SpawnStatus::Refused(status));
        }
        let _ = send_packet(connection.as_fd(), Answer::refuse(status).as_bytes(), None);
        return;
    }
    let Ok(connection) = Held::new(connection) else { return };
    server.members.push(Member { connection: Some(connection), pid, is_other_user, ..Member::default() });
}
