//! The environment variables that a spawner sets for a program: the arena's socket, and the program's process slot.

use jacinth_shm::{ProcessIndex, ProcessSlot};

/// The environment variable that names the supervisor's socket to a spawned program.
pub const SOCKET_VARIABLE: &str = "JACINTH_SOCKET";
/// The environment variable that names a spawned program's prepared slot.
pub const SLOT_VARIABLE: &str = "JACINTH_SLOT";

/// The text of [`SLOT_VARIABLE`].
pub(crate) fn slot_text(slot: ProcessSlot) -> String {
    format!("{}:{}", slot.row, slot.epoch)
}

/// Reads the text of [`SLOT_VARIABLE`]; `None` when it is malformed.
pub(crate) fn slot_of(text: &str) -> Option<ProcessSlot> {
    let (row, epoch) = text.split_once(':')?;
    Some(ProcessSlot { row: ProcessIndex(row.parse().ok()?), epoch: epoch.parse().ok()? })
}
