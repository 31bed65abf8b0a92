//! What a spawner tells a spawned program by its environment: the arena's socket, and the program's process slot.

use jacinth_shm::Seat;

/// The environment variable that names the supervisor's socket to a spawned program.
pub const ARENA_VARIABLE: &str = "JACINTH_ARENA";
/// The environment variable that names a spawned program's prepared slot.
pub const SEAT_VARIABLE: &str = "JACINTH_SEAT";

/// The text of [`SEAT_VARIABLE`].
pub(crate) fn slot_text(slot: Seat) -> String {
    format!("{}:{}", slot.row, slot.epoch)
}

/// Reads the text of [`SEAT_VARIABLE`]; `None` when it is malformed.
pub(crate) fn slot_of(text: &str) -> Option<Seat> {
    let (row, epoch) = text.split_once(':')?;
    Some(Seat { row: row.parse().ok()?, epoch: epoch.parse().ok()? })
}
