//! The signals of one side of an object, beside the event count on which its waiters sleep.
//!
//! The high half holds the side's stored signals, the low half its event count. So one read-modify-write changes the
//! signals and tells the changer whether a thread sleeps. The kernel compares the low half.

use crate::arena::word::Field;

bitflags::bitflags! {
    /// The signals of one side of an object. Those that the mechanism itself asserts have names. The numbers are
    /// Zircon's.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
    pub struct Signals: u32 {
        /// A message can be read.
        const READABLE = 1 << 0;
        /// A message can be written.
        const WRITABLE = 1 << 1;
        /// The other side is closed.
        const PEER_CLOSED = 1 << 2;
        /// Set by programs, on events and the sides of event pairs.
        const SIGNALED = 1 << 3;
        /// Sockets: the other side writes no more.
        const PEER_WRITE_DISABLED = 1 << 4;
        /// Sockets: this side writes no more.
        const WRITE_DISABLED = 1 << 5;
        /// Sockets: the control plane has a message.
        const CONTROL_READABLE = 1 << 6;
        /// Sockets: there is room for a message in the control plane.
        const CONTROL_WRITABLE = 1 << 7;
        /// Sockets: a socket waits to be accepted.
        const ACCEPT = 1 << 8;
        /// Sockets: there is room to share a socket.
        const SHARE = 1 << 9;
        /// Sockets: as much is unread as the threshold says.
        const READ_THRESHOLD = 1 << 10;
        /// Sockets: there is as much room as the threshold says.
        const WRITE_THRESHOLD = 1 << 11;
        /// The signals that a reader of the other side asserts, as it makes room.
        const ROOM = 1 << 1 | 1 << 7 | 1 << 9 | 1 << 11;
        /// The handle waited on was closed or transferred.
        const HANDLE_CLOSED = 1 << 23;
        /// The eight signals that programs may set on every object.
        const USER_ALL = 0xff << 24;
        const _ = !0;
    }
}

/// A value of `Object::state`: stored signals above, event count below.
///
/// | flag | set by | cleared by | means |
/// |---|---|---|---|
/// | FENCED | a sleeper, before its heavy barrier | a waiter, after many waits that needed no sleep | a full fence follows each change of a *derived* signal |
/// | BARRIER_DONE | that sleeper, after its barrier | with FENCED | every changer has noticed FENCED: other threads may sleep without a barrier of their own |
/// | HAS_WAITERS | a sleeper | a waker, after waking, if the word is unchanged | a thread may sleep |
/// | HAS_WRITE_WAITERS | a sleeper that waits for room (WRITABLE, …) | as HAS_WAITERS | the reader must report room too |
/// | WATCHED | a sleeper that waits for stored signals, when it arms | a thread that clears a signal and finds no observer | a sleeper may have to be told of a cleared signal: see `signal/watch` |
/// | OBSERVED | `wait_async` | an evaluation that finds no armed observer | ports observe the side: see `object/port` |
/// | OBSERVED_WRITABLE | `wait_async` for room | with OBSERVED | a reader must report room to them too |
/// | INDEXED | `wait_async`, before the first block of the index | the slot's next object | the side's index has blocks |
///
/// VERSION counts the changes of stored signals, and the refusals of a channel's end that are over, while the side is OBSERVED, so
/// that a repeating observer gets one packet for each.
///
/// The four flags and VERSION take the place of signals 12 to 23, which are never stored: no object has signals 12 to 22,
/// and HANDLE_CLOSED is an answer of waits.
///
/// INV-OBSERVED-1: OBSERVED is set only in a word that has FENCED and BARRIER_DONE, and FENCED is not cleared while it is
/// set. So an object that is not observed costs those who change it nothing.
/// INV-EVENT-1: HAS_WAITERS is set only in a word that has FENCED and BARRIER_DONE. The exception is a sleeper to which
/// the kernel refuses the barrier; it sleeps only briefly. BARRIER_DONE is set only if FENCED has not been cleared
/// since before the barrier, which the epoch tells.
/// INV-EVENT-2: arming and waking both advance the counter, so a waker clears the flags of the sleepers that it has
/// woken, and no others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State(pub(crate) u64);

impl State {
    pub(crate) const FENCED: u64 = 1 << 31;
    pub(crate) const HAS_WAITERS: u64 = 1 << 30;
    pub(crate) const HAS_WRITE_WAITERS: u64 = 1 << 29;
    /// Any flag that sends a changer of derived signals to the slow path.
    pub(crate) const SLOW_PATH: u64 = Self::FENCED | Self::HAS_WAITERS | Self::HAS_WRITE_WAITERS;
    pub(crate) const BARRIER_DONE: u64 = 1 << 28;
    pub(crate) const WATCHED: u64 = (Signals::HANDLE_CLOSED.bits() as u64) << 32;
    pub(crate) const OBSERVED: u64 = 1 << 54;
    pub(crate) const OBSERVED_WRITABLE: u64 = 1 << 53;
    pub(crate) const INDEXED: u64 = 1 << 52;
    /// Flags for which a change of stored signals takes the slow path.
    pub(crate) const OBSERVERS: u64 = Self::WATCHED | Self::OBSERVED;
    const VERSION: Field<44, 8> = Field;
    const EPOCH: Field<24, 4> = Field;
    const COUNTER: Field<0, 24> = Field;
    /// Bits of the high half that are no signals: the flags and VERSION.
    const NEVER_STORED: u32 = 0x00ff_f000;

    #[inline]
    pub(crate) fn signals(self) -> Signals {
        Signals::from_bits_retain((self.0 >> 32) as u32 & !Self::NEVER_STORED)
    }

    /// These signals cleared, and then those set.
    pub(crate) fn changed(self, clear: Signals, set: Signals) -> Self {
        let shifted = |signals: Signals| u64::from(signals.bits() & !Self::NEVER_STORED) << 32;
        Self(self.0 & !shifted(clear) | shifted(set))
    }

    /// How often stored signals have changed, or a refusal has ended, while the side was observed, in a few bits.
    pub(crate) fn version(self) -> u64 {
        Self::VERSION.get(self.0)
    }

    /// The next version, if the side is observed.
    pub(crate) fn next_version(self) -> Self {
        Self(Self::VERSION.set(self.0, self.version() + u64::from(self.has(Self::OBSERVED))))
    }

    /// OBSERVED set, with a new count, so that a thread that is about to clear OBSERVED finds the word changed. `None`
    /// until FENCED and BARRIER_DONE are set (INV-OBSERVED-1).
    pub(crate) fn observed(self, is_room_observed: bool) -> Option<Self> {
        let flags = Self::OBSERVED | if is_room_observed { Self::OBSERVED_WRITABLE } else { 0 };
        self.is_barrier_done().then(|| self.next_count().with(flags))
    }

    /// OBSERVED cleared: no observer is armed.
    pub(crate) fn unobserved(self) -> Self {
        self.without(Self::OBSERVED | Self::OBSERVED_WRITABLE)
    }

    /// The half that a futex compares.
    pub(crate) fn futex(self) -> u32 {
        self.0 as u32
    }

    pub(crate) fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    pub(crate) fn with(self, flags: u64) -> Self {
        Self(self.0 | flags)
    }

    pub(crate) fn without(self, flags: u64) -> Self {
        Self(self.0 & !flags)
    }

    /// Whether sleepers may arm without a barrier of their own.
    pub(crate) fn is_barrier_done(self) -> bool {
        self.has(Self::FENCED) && self.has(Self::BARRIER_DONE)
    }

    /// How often FENCED has been cleared, in a few bits.
    pub(crate) fn epoch(self) -> u64 {
        Self::EPOCH.get(self.0)
    }

    /// FENCED and BARRIER_DONE cleared, for the next epoch.
    pub(crate) fn unfenced(self) -> Self {
        Self(Self::EPOCH.set(self.without(Self::FENCED | Self::BARRIER_DONE).0, self.epoch() + 1))
    }

    /// No signals and no flags. The counter advances, so a sleeper of an earlier generation looks again.
    pub(crate) fn reset(self) -> Self {
        Self(self.unfenced().next_count().without(Self::HAS_WAITERS | Self::HAS_WRITE_WAITERS).futex().into())
    }

    /// The first word of a slot that has lost its last state. The counters of any few successive generations are far
    /// apart, so a sleeper of an earlier generation does not find the value that it expects.
    pub(crate) fn begun(generation: u64) -> Self {
        const GOLDEN_RATIO: u64 = 0x9e_3779;
        Self(Self::EPOCH.of(generation) | Self::COUNTER.of(generation.wrapping_mul(GOLDEN_RATIO)))
    }

    /// The counter advanced. It wraps inside its 24 bits.
    pub(crate) fn next_count(self) -> Self {
        Self(Self::COUNTER.set(self.0, Self::COUNTER.get(self.0) + 1))
    }
}

impl core::fmt::Debug for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State")
            .field("signals", &format_args!("{:#x}", self.signals()))
            .field("has_waiters", &self.has(Self::HAS_WAITERS))
            .field("has_write_waiters", &self.has(Self::HAS_WRITE_WAITERS))
            .field("fenced", &self.has(Self::FENCED))
            .field("barrier_done", &self.has(Self::BARRIER_DONE))
            .field("watched", &self.has(Self::WATCHED))
            .field("observed", &self.has(Self::OBSERVED))
            .field("count", &Self::COUNTER.get(self.0))
            .field("word", &format_args!("{:#018x}", self.0))
            .finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_counter_wraps_within_its_bits() {
        let state = State(0xff_ffff)
            .with(State::FENCED | State::HAS_WAITERS)
            .changed(Signals::empty(), Signals::from_bits_retain(0xff00_0008));
        let next = state.next_count();
        assert_eq!(next.signals().bits(), 0xff00_0008);
        assert!(next.has(State::FENCED) && next.has(State::HAS_WAITERS));
        assert_eq!(next.futex() & 0xfff_ffff, 0);
    }

    #[test]
    fn flags_are_never_taken_for_signals() {
        let every = State(State::FENCED | State::BARRIER_DONE).observed(true).unwrap();
        let every = every.with(State::WATCHED | State::INDEXED).next_version();
        assert_eq!((every.signals(), every.version()), (Signals::empty(), 1));
        let changed = every.changed(Signals::all(), Signals::all());
        assert_eq!(changed.signals().bits(), 0xff00_0fff);
        assert_eq!(changed.changed(Signals::all(), Signals::empty()), every);
        assert_eq!(State(0).next_version().version(), 0, "no observer counts versions");
        assert_eq!(State(State::FENCED).observed(false), None, "the barrier is not done");
        assert!(!every.unobserved().has(State::OBSERVED | State::OBSERVED_WRITABLE));
    }

    #[test]
    fn debug_shows_signals_and_flags() {
        let shown = format!(
            "{:?}",
            State(5).with(State::HAS_WAITERS).changed(Signals::empty(), Signals::from_bits_retain(0x8))
        );
        assert!(shown.contains("signals: 0x8, has_waiters: true, has_write_waiters: false"), "{shown}");
        assert!(shown.contains("count: 5"), "{shown}");
    }
}
