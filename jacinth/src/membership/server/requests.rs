//! A process's requests, and their answers.

use crate::membership::connection::{receive_packet, send_packet};
use crate::membership::failure_detector::process;
use crate::membership::protocol::{Answer, Request, RequestPacket};
use crate::membership::server::admission;
use crate::membership::server::collect::collect;
use crate::membership::server::deaths::on_hang_up;
use crate::membership::server::spawned;
use crate::membership::server::state::Server;
use crate::types::status::Status;
use jacinth_shm::{ProcessSlot, SlotState};
use rustix::net::RecvFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use zerocopy::IntoBytes;

/// Serves a member whose connection is ready: answers a request, or notes the connection's end.
pub(crate) fn serve(server: &mut Server, index: usize) {
    // Out of the member, because the handlers borrow the whole server. Each way out puts it back, or hangs up.
    let Some(held) = server.members[index].connection.take() else { return };
    // The program has closed the descriptor. Another file may have its number now, so it must not be read.
    let Some(connection) = held.get() else { return on_hang_up(server, index) };
    // One byte more than a request, so that a longer packet is not taken for one.
    let mut packet = [0; size_of::<RequestPacket>() + 1];
    let (len, along) = match receive_packet(connection, &mut packet, RecvFlags::DONTWAIT) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            server.members[index].connection = Some(held);
            return;
        }
        Ok((0, _)) | Err(_) => return on_hang_up(server, index),
        Ok(received) => received,
    };
    let Some(request) = Request::from_bytes(&packet[..len]) else {
        let _ = send_packet(connection, Answer::refuse(Status::INVALID_ARGS).as_bytes(), None);
        return on_hang_up(server, index);
    };
    let file = if matches!(request, Request::Join { .. }) { arena_file(server) } else { None };
    let answer = match request {
        Request::Rejoin { slot } => admission::rejoin(server, index, connection, slot),
        _ if server.members[index].is_other_user => Err(Status::ACCESS_DENIED),
        Request::Join { slot } => admission::admit(server, index, connection, slot),
        Request::Spawned { slot } => admission::watch_spawned(server, slot, along),
        Request::CancelSlot { slot } => cancel_slot(server, index, slot),
        Request::SpawnStatus { pid } => Ok(Answer::spawn_status(spawned::spawn_status_of(server, pid))),
        Request::Collect => collect(server).map(Answer::report),
    };
    let answer = answer.unwrap_or_else(Answer::refuse);
    let file = file.as_ref().filter(|_| answer.status().is_ok()).map(AsFd::as_fd);
    if send_packet(connection, answer.as_bytes(), file).is_ok() {
        server.members[index].connection = Some(held);
    } else {
        on_hang_up(server, index);
    }
}

/// Takes a slot back that no program will take. A program that was admitted has it, and only that program gives it back.
fn cancel_slot(server: &mut Server, index: usize, slot: ProcessSlot) -> Result<Answer, Status> {
    let is_own = server.members[index].slot == Some(slot);
    if !is_own && server.arena.slot_state(slot) == SlotState::Admitted {
        return Err(Status::BAD_STATE);
    }
    server.recovery.cancel_slot(&server.thread, slot).map(|()| Answer::ok())
}

/// The arena's file, for a process that joins. If this program has closed it, another attached process still has it.
fn arena_file(server: &Server) -> Option<OwnedFd> {
    if let Some(file) = server.arena.file() {
        return file.try_clone_to_owned().ok();
    }
    let sought = server.arena.file_id()?;
    let pids = server.members.iter().filter_map(|member| member.pid);
    let found = pids.filter_map(|pid| process::open_file_of(pid, sought)).next();
    if found.is_none() {
        tracing::error!(
            "this program has closed the arena's file, and no other process has it: no process can join"
        );
    }
    found
}
