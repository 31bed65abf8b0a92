//! `jacinth.h`: what has become of programs that were spawned, and how long the supervisor may take to answer.

use crate::arena::{detailed, enter, of_attaching, plain, status_of};
use crate::process::error_text::{explained, failure};
use crate::types::{jacinth_fate_t, zx_duration_t, zx_status_t};
use crate::user_memory::UserOut;
use jacinth::{Fate, MonotonicDuration, Obstacle, Supervisor};

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
/// `JACINTH_FATE_TEXT_BYTES`.
pub const FATE_TEXT_BYTES: usize = 504;

/// Says what has become of a program that this process has spawned.
///
/// # Safety
/// `fate` points to room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_fate(pid: libc::pid_t, fate: UserOut<jacinth_fate_t>) -> zx_status_t {
    status_of(explained(|| {
        enter().map_err(|status| (status, failure(status)))?;
        fate.check().map_err(plain("where the fate goes"))?;
        let supervisor = Supervisor::get().map_err(of_attaching)?;
        let found = supervisor.fate_of(pid.cast_unsigned()).map_err(detailed("asking for a fate"))?;
        fate.store(c_fate_of(found)).map_err(plain("where the fate goes"))
    }))
}

/// For how long this process waits for an answer of the supervisor's.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_set_answer_time(at_most: zx_duration_t) {
    jacinth::set_answer_time(MonotonicDuration::from_nanos(at_most));
}

fn c_fate_of(fate: Fate) -> jacinth_fate_t {
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
    let words = fate.to_string();
    // The last byte stays 0: the text ends.
    text.iter_mut().zip(words.as_bytes()).take(FATE_TEXT_BYTES - 1).for_each(|(to, from)| *to = *from);
    jacinth_fate_t { what, status, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth::Status;

    #[test]
    fn the_words_of_every_fate_fit() {
        let refused = [Status::ACCESS_DENIED, Status::BAD_STATE].map(Fate::Refused);
        let obstacles = [Obstacle::OtherUser(u32::MAX), Obstacle::CleanEnvironment, Obstacle::NoSocket];
        let refused = refused.into_iter().chain(obstacles.map(Fate::CannotAttach));
        for fate in refused.chain([Fate::Waiting, Fate::Attached, Fate::Ended, Fate::Unknown]) {
            assert!(fate.to_string().len() < FATE_TEXT_BYTES, "{fate}");
        }
    }
}
