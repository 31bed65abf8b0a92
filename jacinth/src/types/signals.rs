//! The signals of an object, which waits see: 32 bits, each active or inactive.
//!
//! ```text
//!  31 … 24        23             22 … 4              3         2            1         0
//!  USER_7 … _0    HANDLE_CLOSED  by object type      SIGNALED  PEER_CLOSED  WRITABLE  READABLE
//! └ raised by ──┘└ only in what ┘└ raised by the object itself, from its own state ──────────┘
//!   programs       a wait returns
//! ```
//!
//! A bit of the object's own is named twice: by its place (`OBJECT_4`, Zircon's `ZX_OBJECT_SIGNAL_4`) and by its
//! meaning for one
//! type of object ([`Signals::THREAD_RUNNING`], [`Signals::JOB_NO_JOBS`]). The names by type are aliases, so
//! the same bit says different things about different objects, and `Debug` shows the place.
//!
//! - INV-SIGNALS-1: the bits are Zircon's (`zx_signals_t`); all 32 have a name, so every `u32` is a valid
//!   set.
//! - INV-SIGNALS-2: [`Signals::HANDLE_CLOSED`] is never active on an object. It appears only in the result of
//!   a wait that was cancelled because the handle waited on was closed.
//!
//! Follows `docs/signals.md` and `zircon/types.h`.

use bitflags::bitflags;
use jacinth_shm as shm;

bitflags! {
    /// A set of signals, Zircon's `zx_signals_t`.
    ///
    /// ```
    /// use jacinth::Signals;
    ///
    /// let wanted = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
    /// let observed = Signals::CHANNEL_WRITABLE | Signals::CHANNEL_READABLE;
    /// assert!(observed.intersects(wanted));
    /// assert_eq!(observed & wanted, Signals::CHANNEL_READABLE);
    /// assert_eq!(wanted.bits(), 0b101);
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
    #[repr(transparent)]
    pub struct Signals: u32 {
        /// There is something to read.
        const OBJECT_READABLE = 1 << 0;
        /// There is room to write.
        const OBJECT_WRITABLE = 1 << 1;
        /// The other end is closed.
        const OBJECT_PEER_CLOSED = 1 << 2;
        /// The thing this object is about has happened.
        const OBJECT_SIGNALED = 1 << 3;
        /// Bit 4, with a meaning of its own for each type of object.
        const OBJECT_4 = 1 << 4;
        /// Bit 5, with a meaning of its own for each type of object.
        const OBJECT_5 = 1 << 5;
        /// Bit 6, with a meaning of its own for each type of object.
        const OBJECT_6 = 1 << 6;
        /// Bit 7, with a meaning of its own for each type of object.
        const OBJECT_7 = 1 << 7;
        /// Bit 8, with a meaning of its own for each type of object.
        const OBJECT_8 = 1 << 8;
        /// Bit 9, with a meaning of its own for each type of object.
        const OBJECT_9 = 1 << 9;
        /// Bit 10, with a meaning of its own for each type of object.
        const OBJECT_10 = 1 << 10;
        /// Bit 11, with a meaning of its own for each type of object.
        const OBJECT_11 = 1 << 11;
        /// Bit 12, not in use.
        const OBJECT_12 = 1 << 12;
        /// Bit 13, not in use.
        const OBJECT_13 = 1 << 13;
        /// Bit 14, not in use.
        const OBJECT_14 = 1 << 14;
        /// Bit 15, not in use.
        const OBJECT_15 = 1 << 15;
        /// Bit 16, not in use.
        const OBJECT_16 = 1 << 16;
        /// Bit 17, not in use.
        const OBJECT_17 = 1 << 17;
        /// Bit 18, not in use.
        const OBJECT_18 = 1 << 18;
        /// Bit 19, not in use.
        const OBJECT_19 = 1 << 19;
        /// Bit 20, not in use.
        const OBJECT_20 = 1 << 20;
        /// Bit 21, not in use.
        const OBJECT_21 = 1 << 21;
        /// Bit 22, not in use.
        const OBJECT_22 = 1 << 22;
        /// The wait ended because the handle was closed (INV-SIGNALS-2).
        const HANDLE_CLOSED = 1 << 23;
        /// User signal 0: its meaning is an agreement of the programs.
        const USER_0 = 1 << 24;
        /// User signal 1.
        const USER_1 = 1 << 25;
        /// User signal 2.
        const USER_2 = 1 << 26;
        /// User signal 3.
        const USER_3 = 1 << 27;
        /// User signal 4.
        const USER_4 = 1 << 28;
        /// User signal 5.
        const USER_5 = 1 << 29;
        /// User signal 6.
        const USER_6 = 1 << 30;
        /// User signal 7.
        const USER_7 = 1 << 31;
    }
}

/// Sets for any object.
impl Signals {
    /// No signal.
    pub const NONE: Self = Self::empty();

    /// The eight user signals: programs may raise and clear them on any object that has the right to be signalled.
    pub const USER_ALL: Self = Self::from_bits_retain(0xff00_0000);

    /// Every signal that is not a user signal, Zircon's `__ZX_OBJECT_SIGNAL_ALL`.
    pub const OBJECT_ALL: Self = Self::USER_ALL.complement();

    /// Bit 0 by its place.
    pub const OBJECT_0: Self = Self::OBJECT_READABLE;

    /// Bit 1 by its place.
    pub const OBJECT_1: Self = Self::OBJECT_WRITABLE;

    /// Bit 2 by its place.
    pub const OBJECT_2: Self = Self::OBJECT_PEER_CLOSED;

    /// Bit 3 by its place.
    pub const OBJECT_3: Self = Self::OBJECT_SIGNALED;
}

/// Events and eventpairs. Follows `docs/objects/event.md` and `docs/objects/eventpair.md`.
impl Signals {
    /// The event has been signalled.
    pub const EVENT_SIGNALED: Self = Self::OBJECT_SIGNALED;

    /// The signals that `zx_object_signal` may change on an event.
    pub const EVENT_MASK: Self = Self::USER_ALL.union(Self::OBJECT_SIGNALED);

    /// This end has been signalled.
    pub const EVENTPAIR_SIGNALED: Self = Self::OBJECT_SIGNALED;

    /// The other end is closed.
    pub const EVENTPAIR_PEER_CLOSED: Self = Self::OBJECT_PEER_CLOSED;

    /// Every signal an eventpair can show: an event's, and that the other end is closed.
    pub const EVENTPAIR_MASK: Self = Self::EVENT_MASK.union(Self::OBJECT_PEER_CLOSED);
}

/// Channels, sockets and fifos. Follows `docs/objects/channel.md`, `docs/objects/socket.md` and
/// `docs/objects/fifo.md`.
impl Signals {
    /// A channel is queued at the listener (jacinth's own).
    pub const LISTENER_READABLE: Self = Self::OBJECT_READABLE;

    /// A message is waiting.
    pub const CHANNEL_READABLE: Self = Self::OBJECT_READABLE;

    /// The other end is open and has room for a message.
    pub const CHANNEL_WRITABLE: Self = Self::OBJECT_WRITABLE;

    /// The other end is closed; messages that came before may still be read.
    pub const CHANNEL_PEER_CLOSED: Self = Self::OBJECT_PEER_CLOSED;

    /// Data is waiting.
    pub const SOCKET_READABLE: Self = Self::OBJECT_READABLE;

    /// There is room for data.
    pub const SOCKET_WRITABLE: Self = Self::OBJECT_WRITABLE;

    /// The other end is closed; data that came before may still be read.
    pub const SOCKET_PEER_CLOSED: Self = Self::OBJECT_PEER_CLOSED;

    /// The other end will write no more (`zx_socket_shutdown`).
    pub const SOCKET_PEER_WRITE_DISABLED: Self = Self::OBJECT_4;

    /// This end may write no more (`zx_socket_shutdown`).
    pub const SOCKET_WRITE_DISABLED: Self = Self::OBJECT_5;

    /// The control plane has a message waiting.
    pub const SOCKET_CONTROL_READABLE: Self = Self::OBJECT_6;

    /// The control plane has room for a message.
    pub const SOCKET_CONTROL_WRITABLE: Self = Self::OBJECT_7;

    /// A shared socket is waiting to be accepted (`zx_socket_accept`).
    pub const SOCKET_ACCEPT: Self = Self::OBJECT_8;

    /// A socket may be shared (`zx_socket_share`): the place for one is free.
    pub const SOCKET_SHARE: Self = Self::OBJECT_9;

    /// As much data is waiting as the read threshold asks for.
    pub const SOCKET_READ_THRESHOLD: Self = Self::OBJECT_10;

    /// As much room is free as the write threshold asks for.
    pub const SOCKET_WRITE_THRESHOLD: Self = Self::OBJECT_11;

    /// An element is waiting.
    pub const FIFO_READABLE: Self = Self::OBJECT_READABLE;

    /// The other end is open and has room for an element.
    pub const FIFO_WRITABLE: Self = Self::OBJECT_WRITABLE;

    /// The other end is closed; elements that came before may still be read.
    pub const FIFO_PEER_CLOSED: Self = Self::OBJECT_PEER_CLOSED;
}

/// Tasks: jobs, processes and threads. Follows `docs/objects/task.md` and the pages of the three.
impl Signals {
    /// The task is over.
    pub const TASK_TERMINATED: Self = Self::OBJECT_SIGNALED;

    /// The process is over.
    pub const PROCESS_TERMINATED: Self = Self::OBJECT_SIGNALED;

    /// The thread is over.
    pub const THREAD_TERMINATED: Self = Self::OBJECT_SIGNALED;

    /// The thread has been started and is not suspended.
    pub const THREAD_RUNNING: Self = Self::OBJECT_4;

    /// The thread is suspended.
    pub const THREAD_SUSPENDED: Self = Self::OBJECT_5;

    /// The job has no processes.
    pub const JOB_NO_PROCESSES: Self = Self::OBJECT_SIGNALED;

    /// The job has no child jobs.
    pub const JOB_NO_JOBS: Self = Self::OBJECT_4;
}

/// Timers and VMOs. Follows `docs/objects/timer.md` and `docs/objects/vm_object.md`.
impl Signals {
    /// The deadline has passed.
    pub const TIMER_SIGNALED: Self = Self::OBJECT_SIGNALED;

    /// The VMO has no clones.
    pub const VMO_ZERO_CHILDREN: Self = Self::OBJECT_SIGNALED;
}

// INV-SIGNALS-1.
impl From<Signals> for shm::Signals {
    #[inline(always)]
    fn from(signals: Signals) -> Self {
        Self::from_bits_retain(signals.bits())
    }
}

impl From<shm::Signals> for Signals {
    #[inline(always)]
    fn from(signals: shm::Signals) -> Self {
        Self::from_bits_retain(signals.bits())
    }
}

const _: () = assert!(Signals::all().bits() == u32::MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_has_zircons_bit() {
        let by_bit = [
            Signals::OBJECT_READABLE,
            Signals::OBJECT_WRITABLE,
            Signals::OBJECT_PEER_CLOSED,
            Signals::OBJECT_SIGNALED,
            Signals::OBJECT_4,
            Signals::OBJECT_5,
            Signals::OBJECT_6,
            Signals::OBJECT_7,
            Signals::OBJECT_8,
            Signals::OBJECT_9,
            Signals::OBJECT_10,
            Signals::OBJECT_11,
            Signals::OBJECT_12,
            Signals::OBJECT_13,
            Signals::OBJECT_14,
            Signals::OBJECT_15,
            Signals::OBJECT_16,
            Signals::OBJECT_17,
            Signals::OBJECT_18,
            Signals::OBJECT_19,
            Signals::OBJECT_20,
            Signals::OBJECT_21,
            Signals::OBJECT_22,
            Signals::HANDLE_CLOSED,
            Signals::USER_0,
            Signals::USER_1,
            Signals::USER_2,
            Signals::USER_3,
            Signals::USER_4,
            Signals::USER_5,
            Signals::USER_6,
            Signals::USER_7,
        ];
        for (bit, signal) in by_bit.into_iter().enumerate() {
            assert_eq!(signal.bits(), 1 << bit, "{signal:?}");
        }
        assert_eq!(by_bit.len(), 32);
    }

    #[test]
    fn sets_and_masks_have_zircons_values() {
        assert_eq!(Signals::NONE.bits(), 0);
        assert_eq!(Signals::HANDLE_CLOSED.bits(), 0x0080_0000);
        assert_eq!(Signals::USER_ALL.bits(), 0xff00_0000);
        assert_eq!(Signals::OBJECT_ALL.bits(), 0x00ff_ffff);
        assert_eq!(Signals::EVENT_MASK.bits(), 0xff00_0008);
        assert_eq!(Signals::EVENTPAIR_MASK.bits(), 0xff00_000c);
    }

    #[test]
    fn signals_named_by_object_have_zircons_values() {
        let expected = [
            (Signals::EVENT_SIGNALED, 1 << 3),
            (Signals::EVENTPAIR_SIGNALED, 1 << 3),
            (Signals::EVENTPAIR_PEER_CLOSED, 1 << 2),
            (Signals::CHANNEL_READABLE, 1 << 0),
            (Signals::CHANNEL_WRITABLE, 1 << 1),
            (Signals::CHANNEL_PEER_CLOSED, 1 << 2),
            (Signals::SOCKET_READABLE, 1 << 0),
            (Signals::SOCKET_WRITABLE, 1 << 1),
            (Signals::SOCKET_PEER_CLOSED, 1 << 2),
            (Signals::SOCKET_PEER_WRITE_DISABLED, 1 << 4),
            (Signals::SOCKET_WRITE_DISABLED, 1 << 5),
            (Signals::SOCKET_CONTROL_READABLE, 1 << 6),
            (Signals::SOCKET_CONTROL_WRITABLE, 1 << 7),
            (Signals::SOCKET_ACCEPT, 1 << 8),
            (Signals::SOCKET_SHARE, 1 << 9),
            (Signals::SOCKET_READ_THRESHOLD, 1 << 10),
            (Signals::SOCKET_WRITE_THRESHOLD, 1 << 11),
            (Signals::FIFO_READABLE, 1 << 0),
            (Signals::FIFO_WRITABLE, 1 << 1),
            (Signals::FIFO_PEER_CLOSED, 1 << 2),
            (Signals::TASK_TERMINATED, 1 << 3),
            (Signals::PROCESS_TERMINATED, 1 << 3),
            (Signals::THREAD_TERMINATED, 1 << 3),
            (Signals::THREAD_RUNNING, 1 << 4),
            (Signals::THREAD_SUSPENDED, 1 << 5),
            (Signals::JOB_NO_PROCESSES, 1 << 3),
            (Signals::JOB_NO_JOBS, 1 << 4),
            (Signals::TIMER_SIGNALED, 1 << 3),
            (Signals::VMO_ZERO_CHILDREN, 1 << 3),
        ];
        for (signal, bits) in expected {
            assert_eq!(signal.bits(), bits, "{signal:?}");
        }
    }

    #[test]
    fn every_number_is_a_set_of_signals() {
        for bits in [0, 1, 0x0080_0000, 0x1234_5678, u32::MAX] {
            assert_eq!(Signals::from_bits(bits).map(|signals| signals.bits()), Some(bits));
        }
    }

    #[test]
    fn debug_shows_each_bit_once() {
        let signals = Signals::CHANNEL_READABLE | Signals::SOCKET_READABLE | Signals::USER_7;
        assert_eq!(format!("{signals:?}"), "Signals(OBJECT_READABLE | USER_7)");
    }

    #[test]
    fn signals_are_laid_out_as_a_u32() {
        assert_eq!(size_of::<Signals>(), 4);
        assert_eq!(align_of::<Signals>(), 4);
    }
}
