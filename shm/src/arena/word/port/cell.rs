//! The name of a cell, and its first word: the state of the observer or the packet that the cell holds.
//!
//! ```text
//!              wait_async, port_queue       a signal               put into the ring
//!  FREE(e) ──▶ RESERVED(t, e+1) ──▶ ARMED ──────────▶ FIRED(observed) ──────────▶ QUEUED(observed)
//!    ▲              │   │                               ▲  │                        │
//!    │              │   └── port_queue, or a signal ────┘  │                        │ port_wait
//!    │              │       that is asserted already        └────────────────────────┤
//!    └──────────────┴── recovery, cancel, close of the source handle ── ONCE, USER ──┤
//!                                                    ARMED(e+1) ◀──── REPEATING ─────┘
//! ```
//!
//! INV-CELL-1: every transition is one CAS of the exact word; RESERVED → ARMED and RESERVED → FIRED are made by the
//! thread that the word names.
//! INV-CELL-2: the epoch grows with each reservation, each packet taken and each re-arming. So an equal word means
//! the same packet, and the other words of the cell, which change only while it is RESERVED, were read from it.
//! INV-CELL-3: a packet lies in the cell that it was reserved for, so firing an observer allocates nothing and cannot
//! fail.

use crate::arena::word::reference::Tag;
use crate::arena::word::signals::Signals;
use crate::arena::word::{Field, debug_as_fields};

/// The lines of a group of cells: its header, and a cell each.
pub(crate) const GROUP_LINES: usize = if cfg!(loom) { 4 } else { 64 };

/// The name of a cell in its port: its group, and its line in the group. Line 0 is the group's header, so no cell has
/// the number 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellId(u32);

impl CellId {
    const BITS: u32 = 18;

    pub(crate) const fn new(group: usize, line: usize) -> Self {
        Self((group * GROUP_LINES + line) as u32)
    }

    pub(crate) const fn group(self) -> usize {
        self.0 as usize / GROUP_LINES
    }

    pub(crate) const fn line(self) -> usize {
        self.0 as usize % GROUP_LINES
    }

    /// The cell with this number. 0, and any other line 0, is no cell.
    pub(crate) const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number in the port.
    pub(crate) const fn number(self) -> u32 {
        self.0
    }

    /// The most groups that a port can have.
    pub(crate) const MAX_GROUPS: usize = (1 << Self::BITS) / GROUP_LINES;
}

impl core::fmt::Debug for CellId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}", self.group(), self.line())
    }
}

/// The states of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellState {
    Free,
    /// This thread fills it.
    Reserved(Tag),
    /// It observes a side of an object.
    Armed,
    /// It has a packet, which may not be in the ring yet.
    Fired,
    /// It has a packet, which a place of the ring names.
    Queued,
}

/// The first word of a cell: its state, and the signals of its packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellWord(pub(crate) u64);

debug_as_fields!(CellWord { state, is_repeating, version, epoch, observed });

impl CellWord {
    const STATE: Field<61, 3> = Field;
    const REPEATING: Field<60, 1> = Field;
    /// The version of the side's stored signals that it has seen.
    const VERSION: Field<52, 8> = Field;
    const EPOCH: Field<24, 28> = Field;
    /// The observed signals without bits 16 to 23, which no object asserts; of a RESERVED cell the thread's tag.
    const OBSERVED: Field<0, 24> = Field;
    const LOW_SIGNALS: u32 = 0xffff;

    pub(crate) fn state(self) -> CellState {
        match Self::STATE.get(self.0) {
            1 => CellState::Reserved(Tag((Self::OBSERVED.get(self.0) & Tag::MAX) as u16)),
            2 => CellState::Armed,
            3 => CellState::Fired,
            4 => CellState::Queued,
            _ => CellState::Free,
        }
    }

    pub(crate) fn is_free(self) -> bool {
        self.state() == CellState::Free
    }

    pub(crate) fn has_packet(self) -> bool {
        matches!(self.state(), CellState::Fired | CellState::Queued)
    }

    pub(crate) fn is_repeating(self) -> bool {
        Self::REPEATING.get(self.0) != 0
    }

    /// The version of the stored signals for which it fired last, or with which it began.
    pub(crate) fn version(self) -> u64 {
        Self::VERSION.get(self.0)
    }

    pub(crate) fn epoch(self) -> u64 {
        Self::EPOCH.get(self.0)
    }

    pub(crate) fn observed(self) -> Signals {
        let bits = Self::OBSERVED.get(self.0) as u32;
        Signals::from_bits_retain(bits & Self::LOW_SIGNALS | (bits & !Self::LOW_SIGNALS) << 8)
    }

    fn with_observed(self, signals: Signals) -> Self {
        let bits = signals.bits() & Self::LOW_SIGNALS | signals.bits() >> 8 & !Self::LOW_SIGNALS;
        Self(Self::OBSERVED.set(self.0, bits.into()))
    }

    fn with_state(self, state: u64) -> Self {
        Self(Self::STATE.set(self.0, state))
    }

    fn next_epoch(self) -> Self {
        Self(Self::EPOCH.of(self.epoch() + 1))
    }

    /// FREE → RESERVED by `tag`, for the next epoch.
    pub(crate) fn reserved(self, tag: Tag) -> Self {
        Self(self.next_epoch().with_state(1).0 | Self::OBSERVED.of(tag.0.into()))
    }

    /// RESERVED → ARMED. `version` is that of the stored signals as the observer has found them.
    pub(crate) fn armed(self, is_repeating: bool, version: u64) -> Self {
        let repeating = Self::REPEATING.of(is_repeating.into());
        Self(Self::EPOCH.of(self.epoch()) | repeating | Self::VERSION.of(version)).with_state(2)
    }

    /// ARMED or RESERVED → FIRED.
    pub(crate) fn fired(self, observed: Signals, version: u64) -> Self {
        Self(Self::VERSION.set(self.with_state(3).0, version)).with_observed(observed)
    }

    /// A cell with a packet whose observer has seen more signals since.
    pub(crate) fn observing(self, more: Signals, version: u64) -> Self {
        Self(Self::VERSION.set(self.with_observed(self.observed() | more).0, version))
    }

    /// An observer that has seen this version of the stored signals, which is no reason for a packet.
    pub(crate) fn having_seen(self, version: u64) -> Self {
        Self(Self::VERSION.set(self.0, version))
    }

    /// FIRED → QUEUED.
    pub(crate) fn queued(self) -> Self {
        self.with_state(4)
    }

    /// Any state → FREE, for the next epoch.
    pub(crate) fn freed(self) -> Self {
        self.next_epoch()
    }

    /// A packet that was taken: ARMED again if the observer repeats, else FREE.
    pub(crate) fn taken(self) -> Self {
        if self.is_repeating() { self.next_epoch().armed(true, self.version()) } else { self.next_epoch() }
    }

    /// The source handle is gone: the observer fires no more, and a packet that it has stays.
    pub(crate) fn orphaned(self) -> Self {
        match self.state() {
            CellState::Armed => self.freed(),
            _ => Self(Self::REPEATING.set(self.0, 0)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_cell_keeps_what_it_observed() {
        let signals = Signals::READABLE | Signals::USER_ALL | Signals::PEER_CLOSED;
        let armed = CellWord(0).reserved(Tag(9)).armed(true, 3);
        assert_eq!((armed.state(), armed.epoch(), armed.version()), (CellState::Armed, 1, 3));
        let fired = armed.fired(signals, 4);
        assert_eq!((fired.state(), fired.observed(), fired.version()), (CellState::Fired, signals, 4));
        let more = fired.queued().observing(Signals::WRITABLE, 255);
        assert_eq!((more.observed(), more.version()), (signals | Signals::WRITABLE, 255));
        assert!(more.is_repeating() && more.has_packet());
        let taken = more.taken();
        assert_eq!((taken.state(), taken.epoch(), taken.version()), (CellState::Armed, 2, 255));
        assert_eq!(taken.observed(), Signals::empty());
    }

    #[test]
    fn orphans_keep_their_packet() {
        let armed = CellWord(0).reserved(Tag(9)).armed(true, 0);
        assert!(armed.orphaned().is_free());
        let queued = armed.fired(Signals::READABLE, 0).queued().orphaned();
        assert_eq!((queued.state(), queued.is_repeating()), (CellState::Queued, false));
        assert!(queued.taken().is_free(), "it repeats no more");
        assert_eq!(CellWord(0).reserved(Tag(0xfff)).state(), CellState::Reserved(Tag(0xfff)));
    }
}
