//! A port by a file descriptor, for event loops.

use crate::attachment::current_thread::with_thread;
use crate::library_threads;
use crate::raw::port::packet_of;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::sys;
use jacinth_shm as shm;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// The name of the thread that sleeps for a descriptor, where one is needed.
const THREAD_NAME: &str = "port-fd";

/// A descriptor to poll for a port, named by a handle's value. [`PortFd`](crate::PortFd) is made of it, and has the documentation.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let port = Port::create();
/// let descriptor = raw::PortFd::new(port.raw_handle())?;
/// assert_eq!(descriptor.try_wait(), Err(Status::SHOULD_WAIT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PortFd(shm::PortFd);

impl PortFd {
    /// See [`PortFd::new`](crate::PortFd::new).
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(raw::PortFd::new(raw::INVALID).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(value: u32) -> Result<Self, Status> {
        let spawn = |body| library_threads::spawn(THREAD_NAME, body);
        with_thread(|thread| {
            let port = thread.lookup(shm::HandleValue(value))?;
            shm::PortFd::new(thread, port, Rights::READ.into(), &spawn).map(Self)
        })
    }

    /// See [`PortFd::try_wait`](crate::PortFd::try_wait).
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// let descriptor = raw::PortFd::new(port.raw_handle())?;
    /// drop(port);
    /// assert_eq!(descriptor.try_wait(), Err(Status::CANCELED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_wait(&self) -> Result<sys::zx_port_packet_t, Status> {
        with_thread(|thread| thread.port_fd_wait(&self.0)).map(packet_of)
    }

    /// See [`PortFd::try_wait_adaptive`](crate::PortFd::try_wait_adaptive).
    ///
    /// # Errors
    /// As there.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// let descriptor = raw::PortFd::new(port.raw_handle())?;
    /// while descriptor.try_wait_adaptive() == Ok(None) {}
    /// assert_eq!(descriptor.try_wait_adaptive(), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_wait_adaptive(&self) -> Result<Option<sys::zx_port_packet_t>, Status> {
        match with_thread(|thread| thread.port_fd_step(&self.0))? {
            shm::Step::Packet(packet) => Ok(Some(packet_of(packet))),
            shm::Step::Soon => Ok(None),
            shm::Step::Asleep => Err(Status::SHOULD_WAIT),
        }
    }

    /// See [`PortFd::has_thread`](crate::PortFd::has_thread).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let port = Port::create();
    /// println!("a thread sleeps: {}", raw::PortFd::new(port.raw_handle())?.has_thread());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn has_thread(&self) -> bool {
        self.0.has_thread()
    }
}

impl AsFd for PortFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for PortFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
