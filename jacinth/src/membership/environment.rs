//! The environment variables that a spawner sets for a program: the arena's socket, and the program's process slot.
//!
//! A variable may outlive its slot: a program's own children inherit it, and it may stand in a file. So the text names the
//! arena too, by a random number. A slot of an arena that is gone never names one of the next arena at the same path.

use jacinth_shm::{Arena, ProcessIndex, ProcessSlot};
use std::fmt;

/// The environment variable that names the supervisor's socket to a spawned program.
pub const SOCKET_VARIABLE: &str = "JACINTH_SOCKET";
/// The environment variable that names a spawned program's prepared slot.
pub const SLOT_VARIABLE: &str = "JACINTH_SLOT";

/// A process slot, and the arena that it belongs to: the text of [`SLOT_VARIABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotToken {
    pub(crate) slot: ProcessSlot,
    /// [`Arena::id`].
    pub(crate) arena: u64,
}

impl SlotToken {
    pub(crate) fn of(arena: &Arena, slot: ProcessSlot) -> Self {
        Self { slot, arena: arena.id() }
    }

    /// Reads the text; `None` when it is malformed.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (row, epoch, arena) = (parts.next()?, parts.next()?, parts.next()?);
        // `from_str_radix` takes a sign too.
        if parts.next().is_some() || !arena.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let slot = ProcessSlot { row: ProcessIndex(row.parse().ok()?), epoch: epoch.parse().ok()? };
        Some(Self { slot, arena: u64::from_str_radix(arena, 16).ok()? })
    }
}

impl fmt::Display for SlotToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{:016x}", self.slot.row, self.slot.epoch, self.arena)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_texts_are_read_back() {
        let slot = ProcessSlot { row: ProcessIndex(4095), epoch: 77 };
        for arena in [0, 7, u64::MAX] {
            let token = SlotToken { slot, arena };
            assert_eq!(SlotToken::read(&token.to_string()), Some(token));
        }
        for text in [
            "",
            "1:2",
            "1:2:",
            "1:2:3:4",
            "1:2:g",
            "1:2:+3",
            "x:2:3",
            "1:-2:3",
            "65536:2:3",
            "1:2:11111111111111111",
        ] {
            assert_eq!(SlotToken::read(text), None, "{text}");
        }
    }
}
