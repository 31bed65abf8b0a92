//! Starting a program in a seat of its own.

use crate::attachment::current_process::Attachment;
use crate::handle::NullableHandle;
use crate::membership::protocol::Request;
use crate::membership::spawn_error::SpawnError;
use crate::membership::system_limits;
use crate::supervisor::requests::request;
use crate::supervisor::seat;
use crate::types::status::Status;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::process::{Child, Command};

/// Starts the program with `startup`, which must be a handle.
pub(crate) fn spawn(
    attachment: &'static Attachment,
    program: &mut Command,
    startup: NullableHandle,
) -> Result<Child, SpawnError> {
    if startup.is_invalid() {
        return Err(SpawnError::StartupHandle(Status::BAD_HANDLE));
    }
    let seat = seat::prepare(attachment, startup)?;
    let spawned = seat.prepare(program).spawn();
    // The caller may start another program by the same command. That one must not find this slot.
    for (name, _) in seat.variables() {
        program.env_remove(name);
    }
    // Each way out that fails drops the seat, which gives it back.
    let mut child = spawned.map_err(|error| SpawnError::Program(system_limits::with_limit_named(error)))?;
    let pid = Pid::from_child(&child);
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        // The child has ended, and this program reaps its children by itself. So the number has no process.
        Err(Errno::SRCH) => return Ok(child),
        pidfd => pidfd,
    };
    let slot = seat.slot();
    let refused = match &pidfd {
        Ok(pidfd) => match request(attachment, Request::Spawned { slot }, Some(pidfd)) {
            Ok((answer, _)) => match answer.status() {
                Ok(()) => {
                    seat.leave();
                    return Ok(child);
                }
                Err(Status::UNAVAILABLE) => SpawnError::CannotListen(attachment.socket_path.as_path().into()),
                Err(status) => SpawnError::Arena(status),
            },
            Err(error) => SpawnError::Supervisor(error),
        },
        Err(errno) => SpawnError::Program(system_limits::with_limit_named((*errno).into())),
    };
    // The supervisor would not notice the program's death, so it must not live.
    let _ = match &pidfd {
        Ok(pidfd) => pidfd_send_signal(pidfd, Signal::KILL).map_err(std::io::Error::from),
        Err(_) => child.kill(),
    };
    let _ = child.wait();
    Err(refused)
}
