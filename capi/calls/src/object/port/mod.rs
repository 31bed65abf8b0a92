//! Ports, and the waits whose packets go to one.

pub(crate) mod port_fd;
pub use port_fd::*;

use crate::call_macro::calls;
use crate::object::handle::{check_handle, return_handle};
use crate::process::entry::enter;
use crate::types::{zx_handle_t, zx_packet_user_t, zx_port_packet_t, zx_signals_t, zx_time_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{MonotonicInstant, ObjectType, Rights, Signals, Status, raw, sys};

calls! {
    /// Makes a port.
    fn zx_port_create, _zx_port_create(options: u32, out: UserOut<zx_handle_t>) {
        enter()?;
        return_handle(raw::port_create(options, Rights::PORT_DEFAULT)?, out)
    }

    /// Queues a packet.
    fn zx_port_queue, _zx_port_queue(handle: zx_handle_t, packet: UserIn<zx_port_packet_t>) {
        enter()?;
        let packet = packet.load().map_err(|_| error_before_bad_memory(handle, Rights::WRITE))?;
        raw::port_queue(handle, &packet.into())
    }

    /// Waits for a packet.
    fn zx_port_wait, _zx_port_wait(
        handle: zx_handle_t,
        deadline: zx_time_t,
        packet: UserOut<zx_port_packet_t>,
    ) {
        enter()?;
        // Checked before the wait, because a bad pointer must not cost a packet; and again afterwards: the program may
        // unmap it while the thread sleeps.
        packet.check().map_err(|_| error_before_bad_memory(handle, Rights::READ))?;
        packet.store(raw::port_wait(handle, MonotonicInstant::from_nanos(deadline))?.into())
    }

    /// Ends waits, and removes their packets.
    fn zx_port_cancel, _zx_port_cancel(handle: zx_handle_t, source: zx_handle_t, key: u64) {
        enter()?;
        raw::port_cancel(handle, source, key)
    }

    /// Asks for a packet when an object asserts a signal.
    fn zx_object_wait_async, _zx_object_wait_async(
        handle: zx_handle_t,
        port: zx_handle_t,
        key: u64,
        signals: zx_signals_t,
        options: u32,
    ) {
        enter()?;
        raw::object_wait_async(handle, port, key, Signals::from_bits_retain(signals), options)
    }
}

/// The status of a call whose memory is bad. As in Zircon, errors of the handle come first.
#[cold]
fn error_before_bad_memory(handle: zx_handle_t, rights: Rights) -> Status {
    check_handle(handle, ObjectType::PORT, rights).err().unwrap_or(Status::INVALID_ARGS)
}

impl From<zx_port_packet_t> for sys::zx_port_packet_t {
    fn from(packet: zx_port_packet_t) -> Self {
        let zx_port_packet_t { key, r#type, status, user } = packet;
        Self { key, packet_type: r#type, status, union: zerocopy::transmute!(user.u64) }
    }
}

impl From<sys::zx_port_packet_t> for zx_port_packet_t {
    fn from(packet: sys::zx_port_packet_t) -> Self {
        let sys::zx_port_packet_t { key, packet_type, status, union } = packet;
        Self { key, r#type: packet_type, status, user: zx_packet_user_t { u64: zerocopy::transmute!(union) } }
    }
}
