//! A port beside sockets: a file descriptor that an event loop polls.

use crate::object::port::Port;
use crate::raw;
use crate::types::packet::Packet;
use crate::types::status::Status;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A file descriptor by which an event loop (epoll, `poll`, tokio, libuv, glib) waits for a [`Port`] beside its sockets.
///
/// [`try_wait`](Self::try_wait) takes a packet. Only when it returns [`Status::SHOULD_WAIT`] is the descriptor armed, and to
/// be polled for reading; when it is readable, `try_wait` again:
///
/// ```
/// # use jacinth::*;
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (port, (client, server)) = (Port::create(), Channel::create());
/// let port_fd = PortFd::new(&port)?;
/// server.wait_async(&port, 7, Signals::CHANNEL_READABLE, WaitAsyncOpts::REPEATING)?;
/// client.write(b"hello", &mut [])?;
/// let packet = loop {
///     match port_fd.try_wait() {
///         Err(Status::SHOULD_WAIT) => {
///             // Beside any number of sockets.
///             poll(&mut [PollFd::new(&port_fd, PollFlags::IN)], None)?;
///         }
///         packet => break packet?,
///     }
/// };
/// assert_eq!(packet.key(), 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What it costs
/// A packet that is there when `try_wait` looks costs no system call. Otherwise the descriptor is armed by one system call,
/// and becomes readable once, however many packets come before the next `try_wait`. The sender of a packet does the same as
/// for a thread that sleeps at the port, and knows of no descriptor.
///
/// No thread is needed: the kernel sleeps in an io_uring (Linux 6.7). Where the kernel, its settings or a seccomp filter
/// refuse that, each `PortFd` has a helper thread, which sleeps and then writes an eventfd;
/// [`has_thread`](Self::has_thread) tells.
///
/// # Rules
/// - The descriptor is for polling alone, edge-triggered or level-triggered. It belongs to this value: do not read, write or
///   close it.
/// - It may be readable without a packet: `try_wait` returns `SHOULD_WAIT` again then. And `epoll_wait` may return EINTR
///   without a signal handler, in the thread that armed the descriptor.
/// - Any thread may call `try_wait`, also several at once. A port may have several descriptors, and threads in
///   [`Port::wait`], of one process or several: each packet goes to one of them, and wakes all of them.
/// - It does not keep the port's handle open. When that is closed, replaced or sent, an armed descriptor becomes readable, and
///   `try_wait` returns [`Status::CANCELED`] from then on.
/// - Dropping it while it is armed is fine, and takes no packet away. A forked child cannot use it
///   ([`Status::BAD_STATE`]).
///
/// # Ctrl-C
/// A signal handler cannot make calls of this library in general: it may have interrupted one, and the call fails with
/// [`Status::BAD_STATE`] then. An event loop takes the signal from a `signalfd` beside this descriptor (tokio:
/// `tokio::signal::ctrl_c`). A program whose threads wait in [`Port::wait`] or
/// [`Handle::wait_one`](crate::Handle::wait_one) blocks the signal in all threads, and has one thread that takes it by
/// `sigwait` and then signals an event, or queues a packet, that the others wait for.
#[derive(Debug)]
#[must_use = "dropping it closes the descriptor"]
pub struct PortFd(raw::PortFd);

impl PortFd {
    /// A descriptor for the port. Needs [`Rights::READ`](crate::Rights::READ), as [`Port::wait`] does.
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`]; [`Status::NO_RESOURCES`] when the process has no free file descriptor, or a helper thread is
    /// needed and cannot be started; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let write_only = Port::create().replace(Rights::WRITE)?;
    /// assert_eq!(PortFd::new(&write_only).err(), Some(Status::ACCESS_DENIED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(port: &Port) -> Result<Self, Status> {
        raw::PortFd::new(port.raw_handle()).map(Self)
    }

    /// Takes the next packet, or arms the descriptor.
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when no packet is there: the descriptor is armed. [`Status::CANCELED`] when the port's handle was
    /// closed, replaced or sent. [`Status::NO_RESOURCES`] when the kernel has no memory for the sleep, or a seccomp
    /// filter that was installed since refuses it: the descriptor is not armed.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// let port_fd = PortFd::new(&port)?;
    /// assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
    /// let quit = Packet::from_user_packet(1, 0, UserPacket::default());
    /// port.queue(&quit)?;
    /// assert_eq!(port_fd.try_wait(), Ok(quit));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_wait(&self) -> Result<Packet, Status> {
        self.0.try_wait().map(Packet::from_raw)
    }

    /// Takes the next packet, or asks for another look, or arms the descriptor: a step of a wait that adapts, as
    /// [`Port::wait`] does.
    ///
    /// `Ok(None)`: there is no packet yet, and the descriptor is *not* armed. Do what else there is to do, poll other
    /// descriptors without waiting, and call again. A step spins for 1 µs at most, or yields the processor once. Two steps
    /// after a packet do neither, so that what the packet has set in motion comes first. How often a wait asks for another look
    /// is what [`set_spin`](crate::set_spin) says of a wait's spin: by default for 50 µs at most, and an idle loop's wait
    /// asks a few times. Several threads that share the descriptor share the steps of one wait.
    ///
    /// # Errors
    /// As [`try_wait`](Self::try_wait).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// let port_fd = PortFd::new(&port)?;
    /// let armed = loop {
    ///     match port_fd.try_wait_adaptive() {
    ///         Ok(Some(packet)) => println!("{packet:?}"),
    ///         Ok(None) => { /* other tasks that are ready run here */ }
    ///         Err(status) => break status,
    ///     }
    /// };
    /// assert_eq!(armed, Status::SHOULD_WAIT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_wait_adaptive(&self) -> Result<Option<Packet>, Status> {
        Ok(self.0.try_wait_adaptive()?.map(Packet::from_raw))
    }

    /// Whether a helper thread sleeps for this descriptor, because the system refuses io_uring.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// println!("a thread sleeps: {}", PortFd::new(&Port::create())?.has_thread());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn has_thread(&self) -> bool {
        self.0.has_thread()
    }
}

impl AsRawFd for PortFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for PortFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
