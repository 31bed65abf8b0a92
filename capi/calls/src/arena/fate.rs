//! The fate of spawned programs.

use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{FATE_TEXT_BYTES, jacinth_fate_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Fate, Obstacle, Supervisor};

/// `JACINTH_FATE_UNKNOWN`.
pub const FATE_UNKNOWN: u32 = 0;
/// `JACINTH_FATE_WAITING`.
pub const FATE_WAITING: u32 = 1;
/// `JACINTH_FATE_ATTACHED`.
pub const FATE_ATTACHED: u32 = 2;
/// `JACINTH_FATE_REFUSED`.
pub const FATE_REFUSED: u32 = 3;
/// `JACINTH_FATE_ENDED`.
pub const FATE_ENDED: u32 = 4;
/// `JACINTH_FATE_OTHER_USER`.
pub const FATE_OTHER_USER: u32 = 5;
/// `JACINTH_FATE_CLEAN_ENVIRONMENT`.
pub const FATE_CLEAN_ENVIRONMENT: u32 = 6;
/// `JACINTH_FATE_NO_SOCKET`.
pub const FATE_NO_SOCKET: u32 = 7;

/// Stores the fate of a program that this process has spawned.
///
/// # Safety
/// `fate` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_fate(pid: libc::pid_t, fate: UserOut<jacinth_fate_t>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        fate.check().context("where the fate goes")?;
        let found = Supervisor::get()?.fate_of(pid.cast_unsigned());
        let found = found.context_with_detail("asking for a fate")?;
        // The supervisor's answer may have taken long, so the address is checked again.
        fate.store(to_c(found)).context("where the fate goes")
    })
}

fn to_c(fate: Fate) -> jacinth_fate_t {
    let (what, status) = match fate {
        Fate::Waiting => (FATE_WAITING, 0),
        Fate::Attached => (FATE_ATTACHED, 0),
        Fate::Refused(status) => (FATE_REFUSED, status.into_raw()),
        Fate::CannotAttach(Obstacle::OtherUser(_)) => (FATE_OTHER_USER, 0),
        Fate::CannotAttach(Obstacle::CleanEnvironment) => (FATE_CLEAN_ENVIRONMENT, 0),
        Fate::CannotAttach(Obstacle::NoSocket) => (FATE_NO_SOCKET, 0),
        Fate::Ended | Fate::CannotAttach(_) => (FATE_ENDED, 0),
        _ => (FATE_UNKNOWN, 0),
    };
    let mut text = [0; FATE_TEXT_BYTES];
    let full = fate.to_string();
    // The last byte stays 0, and ends the text.
    text.iter_mut().zip(full.as_bytes()).take(FATE_TEXT_BYTES - 1).for_each(|(to, from)| *to = *from);
    jacinth_fate_t { what, status, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth::Status;

    #[test]
    fn the_text_of_every_fate_fits() {
        let refused = [Status::ACCESS_DENIED, Status::BAD_STATE].map(Fate::Refused);
        let obstacles = [Obstacle::OtherUser(u32::MAX), Obstacle::CleanEnvironment, Obstacle::NoSocket];
        let refused = refused.into_iter().chain(obstacles.map(Fate::CannotAttach));
        for fate in refused.chain([Fate::Waiting, Fate::Attached, Fate::Ended, Fate::Unknown]) {
            assert!(fate.to_string().len() < FATE_TEXT_BYTES, "{fate}");
        }
    }
}
