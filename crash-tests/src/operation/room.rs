//! How much a survivor can make: as many objects, and as much message memory, as it may have, whoever had what it had
//! made before.

use super::Seen;
use jacinth::*;

/// The bytes of a loan of which a process may have few at once.
pub(super) const HUGE: usize = 200_000;
/// How many: its block is the smallest that it fits into.
pub(super) const MOST_HUGE: usize = (crate::arena::BLOCK_BYTES_PER_PROCESS as usize) / (256 << 10);

/// How much this process can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    objects: usize,
    loans: usize,
}

impl Room {
    /// Finds out, by making all of it.
    pub fn now() -> Self {
        let events: Vec<_> = std::iter::from_fn(|| Event::create().ok()).collect();
        let objects = events.len();
        drop(events);
        let channels: Vec<_> = (0..=MOST_HUGE).map_while(|_| Channel::create().ok()).collect();
        let loans = channels.iter().map_while(|(end, _)| end.reserve(HUGE).ok()).collect::<Vec<_>>().len();
        drop(channels);
        // What has ended here is nobody's, and in no thread's list.
        let _ = Supervisor::get().map(|supervisor| supervisor.collect());
        Self { objects, loans }
    }

    /// Whether there is as much as then, but for so many objects and huge messages that this process has made since and
    /// keeps.
    pub fn is_there_again(self, objects: usize, messages: usize) -> Seen {
        let now = Self::now();
        if now == (Self { objects: self.objects - objects, loans: self.loans - messages }) {
            return Ok(());
        }
        Err(format!(
            "the survivor could make {self:?}; now, with {objects} objects and {messages} messages kept, it can make {now:?}"
        ))
    }
}
