//! Ports: one place where a thread waits for any number of objects, and for packets of the program's own.

pub mod port_fd;
pub use port_fd::*;

use crate::handle::{AsHandleRef, Handle, Name, NullableHandle};
use crate::raw;
use crate::types::packet::{Packet, PortOptions};
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::time::Deadline;

/// A port. Follows `docs/objects/port.md`.
///
/// Packets come in the order in which they were queued, and each goes to one of the threads that wait; the threads may be
/// in several processes. ([`wait`](Self::wait) has the limit of that order.)
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let port = Port::create();
/// let clients: Vec<(Channel, Channel)> = (0..100).map(|_| Channel::create()).collect();
/// for (key, (_, server)) in (0..).zip(&clients) {
///     server.wait_async(&port, key, Signals::CHANNEL_READABLE, WaitAsyncOpts::ONCE)?;
/// }
/// clients[42].0.write(b"hello", &mut [])?;
/// assert_eq!(port.wait(MonotonicInstant::INFINITE)?.key(), 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a port closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Port(pub(super) NullableHandle);

impl Port {
    /// Makes a port, with [`Rights::PORT_DEFAULT`]: a port itself cannot be waited on.
    ///
    /// Follows `docs/syscalls/port_create.md`.
    ///
    /// # Panics
    /// When there is no room for another object, and in a process that is attached to no arena:
    /// [`try_create`](Self::try_create) gives an error then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Port::create().basic_info()?.rights, Rights::PORT_DEFAULT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create() -> Self {
        Self::create_with_opts(PortOptions::empty())
    }

    /// Makes a port with options, of which none changes anything here: see [`PortOptions`].
    ///
    /// # Panics
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create_with_opts(PortOptions::BIND_TO_INTERRUPT);
    /// assert_eq!(port.basic_info()?.object_type, ObjectType::PORT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn create_with_opts(options: PortOptions) -> Self {
        let created = raw::port_create(options.bits(), Rights::PORT_DEFAULT);
        Self::from_value(created.expect("a port is created"))
    }

    /// Makes a port, with [`Rights::PORT_DEFAULT`].
    ///
    /// # Errors
    /// As [`Event::try_create`](crate::Event::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Port::try_create().is_err()); // There is no arena.
    /// ```
    pub fn try_create() -> Result<Self, Status> {
        raw::port_create(0, Rights::PORT_DEFAULT).map(Self::from_value)
    }

    /// Makes a port with a name, and a handle with [`Rights::PROPERTY`] beside the default rights; see
    /// [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`try_create`](Self::try_create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create_named(&Name::new("requests")?)?;
    /// assert_eq!(port.get_name()?, "requests");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(name: &Name) -> Result<Self, Status> {
        let port = Self::from_value(raw::port_create(0, Rights::PORT_DEFAULT | Rights::PROPERTY)?);
        port.set_name(name)?;
        Ok(port)
    }

    /// Queues a packet. Its key, its status and its 32 bytes arrive as they are.
    ///
    /// Follows `docs/syscalls/port_queue.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when 2,048 queued packets are pending (those of waits do not count);
    /// [`Status::ACCESS_DENIED`]; [`Status::NO_MEMORY`] when the arena's pools are exhausted, and
    /// [`Status::NO_RESOURCES`] beyond this process's quota of memory; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// let quit = Packet::from_user_packet(0, 0, UserPacket::default());
    /// port.queue(&quit)?;
    /// assert_eq!(port.wait(MonotonicInstant::INFINITE)?, quit);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn queue(&self, packet: &Packet) -> Result<(), Status> {
        raw::port_queue(self.raw_handle(), &packet.into_raw())
    }

    /// Waits for the next packet, or until `deadline`. Spins for a moment, then sleeps. A signal handler that runs
    /// meanwhile does not end the wait.
    ///
    /// Follows `docs/syscalls/port_wait.md`. Needs [`Rights::READ`]. While more than 4,096 packets are pending, those beyond
    /// may come in another order.
    ///
    /// # Errors
    /// [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another thread closes or transfers this handle meanwhile
    /// (in Zircon such a wait goes on); [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// assert_eq!(port.wait(std::time::Duration::from_millis(1)), Err(Status::TIMED_OUT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self, deadline: impl Into<Deadline>) -> Result<Packet, Status> {
        raw::port_wait(self.raw_handle(), deadline.into().instant()).map(Packet::from_raw)
    }

    /// Ends the waits that were asked for with the handle of `source` and this key, and removes their packets. A wait that
    /// was asked for with another handle to the same object goes on.
    ///
    /// Follows `docs/syscalls/port_cancel.md`. Needs [`Rights::WRITE`], and [`Rights::WAIT`] on `source`. (Today's `zx`
    /// has a `cancel` by the key alone.)
    ///
    /// # Errors
    /// [`Status::NOT_FOUND`] when there was neither a wait nor a packet; [`Status::ACCESS_DENIED`];
    /// [`Status::NOT_SUPPORTED`] when `source` is a port or an address space; [`Status::BAD_HANDLE`],
    /// [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (port, event) = (Port::create(), Event::create());
    /// event.wait_async(&port, 7, Signals::USER_0, WaitAsyncOpts::ONCE)?;
    /// event.signal(Signals::NONE, Signals::USER_0)?;
    /// port.cancel(&event, 7)?;
    /// assert_eq!(port.wait(MonotonicInstant::INFINITE_PAST), Err(Status::TIMED_OUT));
    /// assert_eq!(port.cancel(&event, 7), Err(Status::NOT_FOUND));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cancel(&self, source: &impl AsHandleRef, key: u64) -> Result<(), Status> {
        raw::port_cancel(self.raw_handle(), source.as_handle_ref().raw_handle(), key)
    }
}

/// The wait that every owner of a handle has beside those of `crate::handle`, which knows no ports.
macro_rules! wait_async {
    ($Owner:ident $(<$($Parameter:ident),+>)?) => {
        impl $(<$($Parameter),+>)? $Owner $(<$($Parameter),+>)? {
            /// Asks for a packet with this key at `port` when the object asserts one of `signals`, or at once if it does
            /// already.
            ///
            /// One packet ends the wait. With [`REPEATING`](crate::WaitAsyncOpts::REPEATING) the wait goes on: a packet comes
            /// each time that the object's signals have changed and one of `signals` is asserted, and while it is pending,
            /// the signals that come are added to it. READABLE and WRITABLE of a channel or a fifo count as a change when they
            /// become asserted, for waits for them. After a refused [write](crate::Channel::write), loan or buffer, CHANNEL_WRITABLE
            /// comes back when there is room, which is a change for every repeating wait at that end. The process that holds the
            /// end looks for room, when one of its threads waits. If none has looked for 20 ms after a look was due, a waiter in
            /// another process gets CHANNEL_WRITABLE as a hint to try again.
            ///
            /// A wait also ends when it is [cancelled](crate::Port::cancel), and when
            /// this handle is closed, replaced or sent; its packet stays then.
            ///
            /// Follows `docs/syscalls/object_wait_async.md`. Needs [`Rights::WAIT`], and [`Rights::WRITE`] on `port`.
            ///
            /// # Errors
            /// [`Status::ACCESS_DENIED`]; [`Status::NOT_SUPPORTED`] for a port and an address space, which have no
            /// signals, and in a process to which alone the kernel refuses membarrier; [`Status::INVALID_ARGS`] for
            /// other options; [`Status::NO_RESOURCES`] when the port has 239,841 waits, or packets of waits, or this
            /// process's quota of memory is used up; [`Status::NO_MEMORY`] when the arena's pools are exhausted;
            /// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
            ///
            /// ```
            /// # use jacinth::*;
            /// # let supervisor = Supervisor::create(&Config::default())?;
            /// let (port, event) = (Port::create(), Event::create());
            /// event.wait_async(&port, 7, Signals::EVENT_SIGNALED, WaitAsyncOpts::REPEATING)?;
            /// for _ in 0..3 {
            ///     event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
            ///     assert_eq!(port.wait(MonotonicInstant::INFINITE)?.key(), 7);
            ///     event.signal(Signals::EVENT_SIGNALED, Signals::NONE)?;
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// [`Rights::WAIT`]: crate::Rights::WAIT
            /// [`Rights::WRITE`]: crate::Rights::WRITE
            /// [`Status::ACCESS_DENIED`]: crate::Status::ACCESS_DENIED
            /// [`Status::NOT_SUPPORTED`]: crate::Status::NOT_SUPPORTED
            /// [`Status::INVALID_ARGS`]: crate::Status::INVALID_ARGS
            /// [`Status::NO_RESOURCES`]: crate::Status::NO_RESOURCES
            /// [`Status::NO_MEMORY`]: crate::Status::NO_MEMORY
            /// [`Status::BAD_HANDLE`]: crate::Status::BAD_HANDLE
            /// [`Status::WRONG_TYPE`]: crate::Status::WRONG_TYPE
            pub fn wait_async(
                &self,
                port: &$crate::object::port::Port,
                key: u64,
                signals: $crate::types::signals::Signals,
                options: $crate::types::packet::WaitAsyncOpts,
            ) -> Result<(), $crate::types::status::Status> {
                let (value, port) = (self.raw_handle(), port.raw_handle());
                $crate::raw::object_wait_async(value, port, key, signals, options.bits())
            }
        }
    };
}
pub(super) use wait_async;

wait_async!(Handle);
wait_async!(NullableHandle);
