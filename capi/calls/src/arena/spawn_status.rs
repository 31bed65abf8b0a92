//! The status of a spawned program.

use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{SPAWN_STATUS_TEXT_BYTES, jacinth_spawn_status_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Obstacle, SpawnStatus, Supervisor};

/// `JACINTH_SPAWN_STATUS_UNKNOWN`.
pub const SPAWN_STATUS_UNKNOWN: u32 = 0;
/// `JACINTH_SPAWN_STATUS_WAITING`.
pub const SPAWN_STATUS_WAITING: u32 = 1;
/// `JACINTH_SPAWN_STATUS_ATTACHED`.
pub const SPAWN_STATUS_ATTACHED: u32 = 2;
/// `JACINTH_SPAWN_STATUS_REFUSED`.
pub const SPAWN_STATUS_REFUSED: u32 = 3;
/// `JACINTH_SPAWN_STATUS_ENDED`.
pub const SPAWN_STATUS_ENDED: u32 = 4;
/// `JACINTH_SPAWN_STATUS_OTHER_USER`.
pub const SPAWN_STATUS_OTHER_USER: u32 = 5;
/// `JACINTH_SPAWN_STATUS_CLEAN_ENVIRONMENT`.
pub const SPAWN_STATUS_CLEAN_ENVIRONMENT: u32 = 6;
/// `JACINTH_SPAWN_STATUS_NO_SOCKET`.
pub const SPAWN_STATUS_NO_SOCKET: u32 = 7;

/// Stores the status of a program that this process has spawned.
///
/// # Safety
/// `status` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_spawn_status(
    pid: libc::pid_t,
    status: UserOut<jacinth_spawn_status_t>,
) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        status.check().context("where the status goes")?;
        let found = Supervisor::get()?.spawn_status_of(pid.cast_unsigned());
        let found = found.context_with_detail("asking for a spawn status")?;
        // The supervisor's answer may have taken long, so the address is checked again.
        status.store(to_c(found)).context("where the status goes")
    })
}

fn to_c(spawn_status: SpawnStatus) -> jacinth_spawn_status_t {
    let (state, status) = match spawn_status {
        SpawnStatus::Waiting => (SPAWN_STATUS_WAITING, 0),
        SpawnStatus::Attached => (SPAWN_STATUS_ATTACHED, 0),
        SpawnStatus::Refused(status) => (SPAWN_STATUS_REFUSED, status.into_raw()),
        SpawnStatus::CannotAttach(Obstacle::OtherUser(_)) => (SPAWN_STATUS_OTHER_USER, 0),
        SpawnStatus::CannotAttach(Obstacle::CleanEnvironment) => (SPAWN_STATUS_CLEAN_ENVIRONMENT, 0),
        SpawnStatus::CannotAttach(Obstacle::NoSocket) => (SPAWN_STATUS_NO_SOCKET, 0),
        SpawnStatus::Ended | SpawnStatus::CannotAttach(_) => (SPAWN_STATUS_ENDED, 0),
        _ => (SPAWN_STATUS_UNKNOWN, 0),
    };
    let mut text = [0; SPAWN_STATUS_TEXT_BYTES];
    let full = spawn_status.to_string();
    // The last byte stays 0, and ends the text.
    text.iter_mut().zip(full.as_bytes()).take(SPAWN_STATUS_TEXT_BYTES - 1).for_each(|(to, from)| *to = *from);
    jacinth_spawn_status_t { state, status, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth::Status;

    #[test]
    fn the_text_of_every_spawn_status_fits() {
        let refused = [Status::ACCESS_DENIED, Status::BAD_STATE].map(SpawnStatus::Refused);
        let obstacles = [Obstacle::OtherUser(u32::MAX), Obstacle::CleanEnvironment, Obstacle::NoSocket];
        let refused = refused.into_iter().chain(obstacles.map(SpawnStatus::CannotAttach));
        let others = [SpawnStatus::Waiting, SpawnStatus::Attached, SpawnStatus::Ended, SpawnStatus::Unknown];
        for status in refused.chain(others) {
            assert!(status.to_string().len() < SPAWN_STATUS_TEXT_BYTES, "{status}");
        }
    }
}
