//! Packets, as ports hand them out, and the options of ports and of waits at them.

use crate::types::signals::Signals;
use crate::types::sys;
use bitflags::bitflags;

bitflags! {
    /// The options of a new port (`ZX_PORT_*`), for [`Port::create_with_opts`](crate::Port::create_with_opts).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(PortOptions::BIND_TO_INTERRUPT.bits(), sys::ZX_PORT_BIND_TO_INTERRUPT);
    /// assert_eq!(PortOptions::default(), PortOptions::empty());
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct PortOptions: u32 {
        /// Interrupts may be bound to the port. There are no interrupts here, so it changes nothing.
        const BIND_TO_INTERRUPT = sys::ZX_PORT_BIND_TO_INTERRUPT;
    }
}

bitflags! {
    /// The options of [`wait_async`](crate::Handle::wait_async) (`ZX_WAIT_ASYNC_*`). Those that came to Zircon after 2018 do
    /// not exist here.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(WaitAsyncOpts::ONCE, WaitAsyncOpts::empty());
    /// assert_eq!(WaitAsyncOpts::REPEATING.bits(), sys::ZX_WAIT_ASYNC_REPEATING);
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct WaitAsyncOpts: u32 {
        /// The wait goes on after its first packet, until it is cancelled or its handle is closed.
        const REPEATING = sys::ZX_WAIT_ASYNC_REPEATING;
    }
}

impl WaitAsyncOpts {
    /// One packet ends the wait. The default.
    pub const ONCE: Self = Self::empty();
}

/// A packet of a port (`zx_port_packet_t`).
///
/// Follows `docs/syscalls/port_wait.md`.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let port = Port::create();
/// let packet = Packet::from_user_packet(7, -1, UserPacket::from_u8_array([3; 32]));
/// port.queue(&packet)?;
/// assert_eq!(port.wait(MonotonicInstant::INFINITE)?, packet);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet(sys::zx_port_packet_t);

impl Packet {
    /// A packet of a program's own, to be [queued](crate::Port::queue): a key, a status and 32 bytes, as it likes.
    ///
    /// ```
    /// # use jacinth::*;
    /// let packet = Packet::from_user_packet(7, Status::CANCELED.into_raw(), UserPacket::default());
    /// assert_eq!((packet.key(), packet.status()), (7, Status::CANCELED.into_raw()));
    /// ```
    #[must_use]
    pub const fn from_user_packet(key: u64, status: i32, user: UserPacket) -> Self {
        Self(sys::zx_port_packet_t { key, packet_type: sys::ZX_PKT_TYPE_USER, status, union: user.0 })
    }

    /// The key that was given with the packet, or with the wait that made it.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Packet::from_user_packet(7, 0, UserPacket::default()).key(), 7);
    /// ```
    #[must_use]
    pub const fn key(&self) -> u64 {
        self.0.key
    }

    /// The status that the sender gave. Packets of waits have [`Status::OK`](crate::Status::OK).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(Packet::from_user_packet(7, -1, UserPacket::default()).status(), -1);
    /// ```
    #[must_use]
    pub const fn status(&self) -> i32 {
        self.0.status
    }

    /// What the packet carries.
    ///
    /// ```
    /// # use jacinth::*;
    /// let user = UserPacket::from_u8_array([3; 32]);
    /// assert_eq!(Packet::from_user_packet(7, 0, user).contents(), PacketContents::User(user));
    /// ```
    ///
    /// # Panics
    /// On a packet of another type, which only [`from_raw`](Self::from_raw) makes.
    #[must_use]
    pub fn contents(&self) -> PacketContents {
        let signal = || SignalPacket(zerocopy::transmute!(self.0.union));
        match self.0.packet_type {
            sys::ZX_PKT_TYPE_USER => PacketContents::User(UserPacket(self.0.union)),
            sys::ZX_PKT_TYPE_SIGNAL_ONE => PacketContents::SignalOne(signal()),
            sys::ZX_PKT_TYPE_SIGNAL_REP => PacketContents::SignalRep(signal()),
            other => panic!("a packet of type {other:#x}, which ports here do not have"),
        }
    }

    /// The packet in the form of C.
    ///
    /// ```
    /// # use jacinth::*;
    /// let packet = Packet::from_user_packet(7, 0, UserPacket::default());
    /// assert_eq!(packet.into_raw().packet_type, sys::ZX_PKT_TYPE_USER);
    /// ```
    #[must_use]
    pub const fn into_raw(self) -> sys::zx_port_packet_t {
        self.0
    }

    /// A packet in the form of C.
    ///
    /// ```
    /// # use jacinth::*;
    /// let packet = Packet::from_raw(sys::zx_port_packet_t { key: 7, ..Default::default() });
    /// assert_eq!(packet, Packet::from_user_packet(7, 0, UserPacket::default()));
    /// ```
    #[must_use]
    pub const fn from_raw(raw: sys::zx_port_packet_t) -> Self {
        Self(raw)
    }
}

/// What a packet carries, by its type.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (port, event) = (Port::create(), Event::create());
/// event.wait_async(&port, 1, Signals::USER_0, WaitAsyncOpts::ONCE)?;
/// event.signal(Signals::NONE, Signals::USER_0)?;
/// match port.wait(MonotonicInstant::INFINITE)?.contents() {
///     PacketContents::SignalOne(signal) => assert_eq!(signal.observed(), Signals::USER_0),
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PacketContents {
    /// The packet was queued by a program.
    User(UserPacket),
    /// A wait that ends with its first packet saw a signal.
    SignalOne(SignalPacket),
    /// A wait that repeats saw a signal. (Zircon had these until 2019.)
    SignalRep(SignalPacket),
}

/// The 32 bytes of a packet that a program queues (`zx_packet_user_t`).
///
/// ```
/// # use jacinth::*;
/// let mut packet = UserPacket::default();
/// packet.as_mut_u8_array()[0] = 1;
/// assert_eq!(packet.as_u8_array()[..2], [1, 0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct UserPacket(sys::zx_packet_user_t);

impl UserPacket {
    /// A packet with these bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(UserPacket::from_u8_array([0; 32]), UserPacket::default());
    /// ```
    #[must_use]
    pub const fn from_u8_array(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(UserPacket::from_u8_array([3; 32]).as_u8_array(), &[3; 32]);
    /// ```
    #[must_use]
    pub const fn as_u8_array(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its bytes, to be changed.
    ///
    /// ```
    /// # use jacinth::*;
    /// let mut packet = UserPacket::default();
    /// packet.as_mut_u8_array().fill(3);
    /// assert_eq!(packet, UserPacket::from_u8_array([3; 32]));
    /// ```
    #[must_use]
    pub const fn as_mut_u8_array(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

/// The part of a packet that says what a wait saw (`zx_packet_signal_t`).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (port, (ours, theirs)) = (Port::create(), Channel::create());
/// ours.write(b"one", &mut [])?;
/// ours.write(b"two", &mut [])?;
/// theirs.wait_async(&port, 1, Signals::CHANNEL_READABLE, WaitAsyncOpts::ONCE)?;
/// let PacketContents::SignalOne(signal) = port.wait(MonotonicInstant::INFINITE)?.contents() else { panic!() };
/// assert_eq!(signal.trigger(), Signals::CHANNEL_READABLE);
/// assert_eq!(signal.observed(), Signals::CHANNEL_READABLE | Signals::CHANNEL_WRITABLE);
/// assert_eq!(signal.count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignalPacket(sys::zx_packet_signal_t);

impl SignalPacket {
    /// The signals that the wait was for. See [`SignalPacket`] for an example.
    #[must_use]
    pub const fn trigger(&self) -> Signals {
        Signals::from_bits_retain(self.0.trigger)
    }

    /// All signals that the object asserted when the packet was made or, while the packet waited, was added to. See
    /// [`SignalPacket`] for an example.
    #[must_use]
    pub const fn observed(&self) -> Signals {
        Signals::from_bits_retain(self.0.observed)
    }

    /// How many operations were pending: the messages of a channel that was READABLE when the wait began, otherwise 1. See
    /// [`SignalPacket`] for an example.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.0.count
    }

    /// This part in the form of C.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (port, (_ours, theirs)) = (Port::create(), Channel::create());
    /// theirs.wait_async(&port, 1, Signals::CHANNEL_WRITABLE, WaitAsyncOpts::ONCE)?;
    /// let PacketContents::SignalOne(signal) = port.wait(MonotonicInstant::INFINITE)?.contents() else { panic!() };
    /// assert_eq!(signal.raw_packet().count, signal.count());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn raw_packet(&self) -> &sys::zx_packet_signal_t {
        &self.0
    }
}
