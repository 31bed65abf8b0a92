//! The questions of an attached process to its supervisor.

use crate::attachment::current_process::Attachment;
use crate::membership::client;
use crate::membership::connection::{Answered, Connection};
use crate::membership::failure_detector::process;
use crate::membership::protocol::Request;
use std::io::ErrorKind::{Interrupted, TimedOut};
use std::os::fd::{AsFd, OwnedFd};

/// The process that runs the supervisor now; `None` in a forked child.
pub(crate) fn leader(attachment: &Attachment) -> Option<u32> {
    if !attachment.process.is_here() {
        return None;
    }
    let arena = attachment.process.arena();
    let slot = arena.leader().process_slot()?;
    arena.identity(slot).ok().flatten().map(|occupant| occupant.pid)
}

/// Asks the supervisor, or its successor.
pub(crate) fn request(
    attachment: &Attachment,
    request: Request,
    along: Option<&OwnedFd>,
) -> std::io::Result<Answered> {
    let Attachment { process, socket_path, supervisor, .. } = attachment;
    let find = || {
        let leader = process.arena().leader();
        let connection = Connection::to_leader(process.arena(), socket_path)?;
        // A process that has become another user's is known by its slot. The leader's own slot is refused, which is
        // an answer too.
        match connection.request(
            Request::Rejoin { slot: process.process_slot() },
            None,
            Some(client::supervisor_timeout()),
        ) {
            // A dead leader's forked child may have the socket. The next leader has not been asked yet.
            Err(_) if process.arena().leader() != leader => Err(Interrupted.into()),
            asked => asked.map(|_| connection),
        }
    };
    let asked = supervisor.request(find, request, along.map(AsFd::as_fd));
    asked.map_err(|error| if error.kind() == TimedOut { no_answer(attachment) } else { error })
}

/// The reason why there was no answer.
fn no_answer(attachment: &Attachment) -> std::io::Error {
    let Some(pid) = leader(attachment) else { return TimedOut.into() };
    let why = if process::is_stopped(pid) {
        format!(
            "process {pid}, which runs the supervisor, is stopped (by a signal, or a debugger): let it go on \
             (kill -CONT {pid}), or end it, and another process takes over"
        )
    } else {
        format!(
            "process {pid}, which runs the supervisor, has not answered within {:?}",
            client::supervisor_timeout()
        )
    };
    std::io::Error::new(TimedOut, why)
}
