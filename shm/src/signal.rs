//! Signals that are stored, koids, names, and what else an object tells about itself.

use crate::bits::ObjectRef;
use crate::count::Found;
use crate::error::{Error, Result, crash_point};
use crate::object::{Count, Life, Shape, State, signal};
use crate::sync::{self, Acquire, AtomicU64, Relaxed, Release};
use crate::thread::Thread;

/// The bytes of an object's name, the closing NUL included (`ZX_MAX_NAME_LEN`).
pub const MAX_NAME_BYTES: usize = 32;

/// What is known of a handle and its object (`ZX_INFO_HANDLE_BASIC`, and the count of `ZX_INFO_HANDLE_COUNT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basic {
    /// The object's koid.
    pub koid: u64,
    /// The other side's koid, or 0.
    pub related_koid: u64,
    /// The handle's rights.
    pub rights: u32,
    /// The caller's type number.
    pub kind: u8,
    /// How many handles refer to this side, those in transit included.
    pub handles: u32,
}

impl Thread {
    /// Runs `use_object` while the object of `found` cannot be reused.
    fn with_pinned<T>(
        &self,
        found: Found,
        use_object: impl FnOnce(ObjectRef, Shape) -> Result<T>,
    ) -> Result<T> {
        self.pin(found)?;
        let object = found.entry.object();
        // Relaxed, here and in what is done with it: the object was complete when its handle was found, and stays.
        let shape = self.arena().object(object.slot()).map(|slot| Life(slot.life.load(Relaxed)).shape());
        let result = match shape {
            Ok(Some(shape)) => use_object(object, shape),
            Ok(None) => Err(Error::Corrupt("an object of no known shape")),
            Err(error) => Err(error),
        };
        #[cfg(loom)]
        if self.is_dead() {
            return result;
        }
        self.unpin();
        result
    }

    /// Clears and then sets stored signals of the handle's object, and wakes whoever waits for them.
    pub fn signal(&self, found: Found, clear: u32, set: u32) -> Result<()> {
        self.with_pinned(found, |object, _| self.update_signals(object, clear, set))
    }

    /// The same on the other side.
    pub fn signal_peer(&self, found: Found, clear: u32, set: u32) -> Result<()> {
        self.with_pinned(found, |object, shape| {
            if shape == Shape::Single {
                return Err(Error::NotSupported("the object has no peer"));
            }
            let own = &self.arena().object(object.slot())?.state[object.side()];
            if State(own.load(Relaxed)).signals() & signal::PEER_CLOSED != 0 {
                return Err(Error::PeerClosed);
            }
            self.update_signals(object.peer(), clear, set)
        })
    }

    fn update_signals(&self, object: ObjectRef, clear: u32, set: u32) -> Result<()> {
        let state = &self.arena().object(object.slot())?.state[object.side()];
        let mut word = State(state.load(Relaxed));
        sync::released(state);
        loop {
            if word.has(State::WATCHED) {
                return self.update_watched_signals(object, state, clear, set);
            }
            let next = word.changed(clear, set);
            if next == word {
                self.wake_again(state, set);
                return Ok(());
            }
            // ORDER: Release: what the signaller did before is seen by the waiter it wakes. One word holds
            // signals and sleepers: one that is not armed in the word that was replaced finds the signals when it arms.
            match state.compare_exchange(word.0, next.0, Release, Relaxed) {
                Ok(_) => {
                    if word.has(State::ARMED | State::ARMED_WRITABLE) && set & !word.signals() != 0 {
                        self.wake(state, State::ARMED | State::ARMED_WRITABLE);
                    }
                    return Ok(());
                }
                Err(changed) => word = State(changed),
            }
        }
    }

    /// Nothing was changed. Signals to be set were set already: but whoever set them may have been stopped before its
    /// wake.
    fn wake_again(&self, state: &AtomicU64, set: u32) {
        if set != 0 {
            self.wake(state, State::ARMED | State::ARMED_WRITABLE);
        }
    }

    /// The same where a sleeper may have to be told of signals that are cleared: see `watch`.
    #[cold]
    fn update_watched_signals(
        &self,
        object: ObjectRef,
        state: &AtomicU64,
        clear: u32,
        set: u32,
    ) -> Result<()> {
        loop {
            // ORDER: Acquire pairs with the Release of `arm`, and of the signaller that set what is cleared here.
            let word = State(state.load(Acquire));
            let mut next = word.changed(clear, set);
            if next == word {
                self.wake_again(state, set);
                return Ok(());
            }
            let cleared = word.signals() & !next.signals();
            let mut is_news = set & !word.signals() != 0;
            if cleared != 0 && word.has(State::WATCHED) {
                let Some(told) = self.tell_watchers(object, state, word, cleared)? else { continue };
                if !told.is_watched {
                    next = next.without(State::WATCHED);
                }
                is_news |= told.is_news;
            }
            crash_point!(self, "signal.told");
            // ORDER: Release: as above, and after the watchers were told (INV-PULSE-1).
            if state.compare_exchange(word.0, next.0, Release, Relaxed).is_ok() {
                crash_point!(self, "signal.changed");
                if is_news {
                    self.wake(state, State::ARMED | State::ARMED_WRITABLE);
                }
                return Ok(());
            }
        }
    }

    /// What is known of the handle and its object.
    pub fn basic(&self, found: Found) -> Result<Basic> {
        self.with_pinned(found, |object, shape| {
            let slot = self.arena().object(object.slot())?;
            let koid = slot.koid.load(Relaxed);
            let side = object.side() as u64;
            Ok(Basic {
                koid: koid.wrapping_add(side),
                related_koid: if shape == Shape::Single { 0 } else { koid.wrapping_add(1 - side) },
                rights: found.rights(),
                kind: Life(slot.life.load(Relaxed)).kind(),
                handles: Count(slot.count[object.side()].load(Relaxed)).number() as u32,
            })
        })
    }

    /// The caller's type number of the handle's object.
    pub fn kind(&self, found: Found) -> Result<u8> {
        let kind = Life(self.arena().object(found.entry.object().slot())?.life.load(Relaxed)).kind();
        if self.was_still(found) { Ok(kind) } else { Err(Error::BadHandle) }
    }

    /// The name of the handle's object, padded with NULs.
    pub fn name(&self, found: Found) -> Result<[u8; MAX_NAME_BYTES]> {
        self.with_pinned(found, |object, _| {
            let koid =
                self.arena().object(object.slot())?.koid.load(Relaxed).wrapping_add(object.side() as u64);
            let name = &self.arena().name(object.slot())?.sides[object.side()];
            let mut bytes = [0; MAX_NAME_BYTES];
            // ORDER: Acquire pairs with the Release of `set_name`.
            if name.koid.load(Acquire) == koid {
                for (chunk, word) in bytes.chunks_exact_mut(8).zip(&name.bytes) {
                    chunk.copy_from_slice(&word.load(Relaxed).to_le_bytes());
                }
                bytes[MAX_NAME_BYTES - 1] = 0;
            }
            Ok(bytes)
        })
    }

    /// Names the handle's object. Of two threads that name one object at once, one's words may stand between
    /// the other's.
    pub fn set_name(&self, found: Found, name: &[u8; MAX_NAME_BYTES]) -> Result<()> {
        self.with_pinned(found, |object, _| {
            let koid =
                self.arena().object(object.slot())?.koid.load(Relaxed).wrapping_add(object.side() as u64);
            let stored = &self.arena().name(object.slot())?.sides[object.side()];
            for (chunk, word) in name.chunks_exact(8).zip(&stored.bytes) {
                word.store(u64::from_le_bytes(chunk.try_into().expect("eight bytes")), Relaxed);
            }
            // ORDER: Release: whoever finds the koid finds the name.
            stored.koid.store(koid, Release);
            Ok(())
        })
    }
}
