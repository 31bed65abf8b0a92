//! The record of the signals that a sleeping thread observes. `signal/watch` has the protocol.

use crate::arena::error::{Error, Result};
use crate::arena::region::Shared;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::Signals;
use crate::arena::word::{Field, debug_as_fields};
use crate::sync::{AtomicU64, Futex, Relaxed, Release};

/// The most handles that one wait takes.
pub const MAX_WAIT_ITEMS: usize = if cfg!(loom) { 3 } else { Futex::MOST_WORDS };

/// Signals that no row observes. This is a rule of the format, for every class: PEER_CLOSED and WRITE_DISABLED are never
/// cleared, and the others are never stored.
pub(crate) const UNWATCHED: Signals = Signals::READABLE
    .union(Signals::PEER_CLOSED)
    .union(Signals::ROOM)
    .union(Signals::PEER_WRITE_DISABLED)
    .union(Signals::WRITE_DISABLED)
    .union(Signals::CONTROL_READABLE)
    .union(Signals::ACCEPT)
    .union(Signals::READ_THRESHOLD)
    .union(Signals::HANDLE_CLOSED);

/// The observers of one thread's wait.
#[repr(C, align(64))]
pub(crate) struct WatchRow {
    pub(crate) wait: AtomicU64,
    pub(crate) places: [WatchPlace; MAX_WAIT_ITEMS],
}

/// One item of a wait.
#[derive(Default)]
#[repr(C)]
pub(crate) struct WatchPlace {
    pub(crate) target: AtomicU64,
    pub(crate) observed: AtomicU64,
}

impl Default for WatchRow {
    fn default() -> Self {
        Self { wait: AtomicU64::default(), places: core::array::from_fn(|_| WatchPlace::default()) }
    }
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for WatchRow {}

impl core::fmt::Debug for WatchRow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Relaxed, here and for the places: each word is shown as it is at its moment.
        let wait = Wait(self.wait.load(Relaxed));
        let places = &self.places[..wait.places().min(MAX_WAIT_ITEMS)];
        f.debug_struct("WatchRow").field("wait", &wait).field("places", &places).finish()
    }
}

impl core::fmt::Debug for WatchPlace {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WatchPlace")
            .field("target", &Target(self.target.load(Relaxed)))
            .field("observed", &Observed(self.observed.load(Relaxed)))
            .finish()
    }
}

/// A value of [`WatchPlace::target`].
struct Target(u64);

debug_as_fields!(Target { generation, object });

impl Target {
    fn generation(&self) -> u64 {
        Wait::GENERATION.get(self.0)
    }

    fn object(&self) -> Option<ObjectRef> {
        ObjectRef::from_link(Wait::SIDE.get(self.0))
    }
}

/// A value of [`WatchPlace::observed`].
struct Observed(u64);

debug_as_fields!(Observed { generation, signals });

impl Observed {
    fn generation(&self) -> u64 {
        Wait::GENERATION.get(self.0)
    }

    fn signals(&self) -> Signals {
        Signals::from_bits_retain(Wait::SIGNALS.get(self.0) as u32)
    }
}

/// A value of [`WatchRow::wait`]: the generation of the wait, and how many places it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

debug_as_fields!(Wait { generation, places });

impl Wait {
    const GENERATION: Field<32, 32> = Field;
    const PLACES: Field<0, 8> = Field;
    const SIDE: Field<0, 25> = Field;
    const SIGNALS: Field<0, 32> = Field;

    fn generation(self) -> u64 {
        Self::GENERATION.get(self.0)
    }

    pub(crate) fn next(self, places: usize) -> Self {
        Self(Self::GENERATION.of(self.generation() + 1) | Self::PLACES.of(places as u64))
    }

    pub(crate) fn over(self) -> Self {
        Self(Self::GENERATION.of(self.generation()))
    }

    pub(crate) fn places(self) -> usize {
        Self::PLACES.get(self.0) as usize
    }

    /// The target of a place of this wait; `None`: the place observes no object.
    pub(crate) fn target(self, object: Option<ObjectRef>) -> u64 {
        self.over().0 | Self::SIDE.of(object.map_or(0, ObjectRef::to_link))
    }

    /// The word of a place of this wait that has observed `signals`.
    pub(crate) fn observed(self, signals: Signals) -> u64 {
        self.over().0 | Self::SIGNALS.of(signals.bits().into())
    }

    /// The signals in a place's word, if the word is of this wait.
    pub(crate) fn signals(self, observed: u64) -> Option<Signals> {
        (Self::GENERATION.get(observed) == self.generation())
            .then(|| Signals::from_bits_retain(Self::SIGNALS.get(observed) as u32))
    }
}

impl WatchPlace {
    /// Adds signals, if the wait is still in progress. `None`: it is over. Otherwise whether any signal was new.
    pub(crate) fn add(&self, wait: Wait, signals: Signals) -> Result<Option<bool>> {
        let mut word = self.observed.load(Relaxed);
        // Another clearer makes this CAS fail only by adding a signal, and there are 32 signals. So the loop is
        // bounded.
        for _ in 0..=u32::BITS {
            let Some(before) = wait.signals(word) else { return Ok(None) };
            if before.contains(signals) {
                return Ok(Some(false));
            }
            // ORDER: Release pairs with the fence of `validate`, which follows the sleeper's load in `observed`: a
            // sleeper that observes the signal sees the stores that came before it.
            match self.observed.compare_exchange(word, wait.observed(before | signals), Release, Relaxed) {
                Ok(_) => return Ok(Some(true)),
                Err(changed) => word = changed,
            }
        }
        Err(Error::Corrupt("observed signals change more often than there are signals"))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::reference::Slot;

    #[test]
    fn debug_shows_each_place_of_a_wait() {
        let (row, wait) = (WatchRow::default(), Wait(0).next(2));
        row.wait.store(wait.0, Relaxed);
        row.places[1].target.store(wait.target(Some(ObjectRef::new(Slot(3), 1))), Relaxed);
        row.places[1].observed.store(wait.observed(Signals::SIGNALED), Relaxed);
        let text = format!("{row:?}");
        for shown in
            ["generation: 1, places: 2", "object: None", "object: Some(3.1)", "signals: Signals(SIGNALED)"]
        {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        for cell in [&row.wait, &row.places[1].target, &row.places[1].observed] {
            let bare = cell.load(Relaxed).to_string();
            assert!(!text.contains(&bare), "{bare} in {text}");
        }
        assert_eq!(text.matches("WatchPlace").count(), 2, "the places of this wait alone");
    }
}
