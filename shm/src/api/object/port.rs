//! The operations of [`Thread`] on ports.

use crate::arena::error::Result;
use crate::arena::word::handle::{HandleValue, Rights};
use crate::handle::lookup::ResolvedHandle;
use crate::object::port::cells::UserWords;
use crate::object::port::observe::{self, AsyncWait};
use crate::object::port::packet::{self, Packet};
use crate::process::thread::Thread;
use crate::signal::eventcount::OnInterrupt;

impl Thread {
    /// Queues a packet at the port. `ShouldWait` when too many queued packets are pending.
    pub fn port_queue(&self, port: ResolvedHandle, key: u64, status: i32, words: UserWords) -> Result<()> {
        packet::queue(self, port, key, status, words)
    }

    /// Waits for the next packet of the port, whose handle must have `rights`. `Canceled` if the handle is closed
    /// meanwhile.
    pub fn port_wait(&self, port: HandleValue, rights: Rights, deadline_ns: i64) -> Result<Packet> {
        packet::wait(self, port, rights, deadline_ns, OnInterrupt::Restart)
    }

    /// Registers an observer: the port gets a packet when a signal of the trigger is asserted on the object of `source`.
    pub fn wait_async(&self, source: ResolvedHandle, port: ResolvedHandle, wait: AsyncWait) -> Result<()> {
        observe::wait_async(self, source, port, wait)
    }

    /// Ends the registrations that were made with this handle and key at the port, and removes their packets. Whether
    /// there were any.
    pub fn port_cancel(&self, port: ResolvedHandle, source: ResolvedHandle, key: u64) -> Result<bool> {
        observe::cancel(self, port, source, key)
    }
}
