//! Ports by a handle's value: create, queue, wait, and the waits whose packets go to one.

use crate::attachment::current_thread::with_thread;
use crate::detail;
use crate::raw::object::create;
use crate::types::object_type::ObjectType;
use crate::types::packet::{PortOptions, WaitAsyncOpts};
use crate::types::rights::Rights;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::sys;
use crate::types::time::MonotonicInstant;
use jacinth_shm as shm;

/// Makes a port, with [`Rights::PORT_DEFAULT`] in Zircon's calls. `options` is 0 or
/// [`ZX_PORT_BIND_TO_INTERRUPT`](sys::ZX_PORT_BIND_TO_INTERRUPT), which changes nothing: there are no interrupts here.
///
/// Follows `docs/syscalls/port_create.md`.
///
/// # Errors
/// [`Status::INVALID_ARGS`] for other options; [`Status::NO_RESOURCES`] when the arena or this process's share of it is
/// full.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let port = raw::port_create(0, Rights::PORT_DEFAULT)?;
/// raw::close(port)?;
/// assert_eq!(raw::port_create(2, Rights::PORT_DEFAULT), Err(Status::INVALID_ARGS));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn port_create(options: u32, rights: Rights) -> Result<u32, Status> {
    if PortOptions::from_bits(options).is_none() {
        return Err(detail::because(Status::INVALID_ARGS, "a port has no such option"));
    }
    let (value, _) = create(ObjectType::PORT, rights)?;
    Ok(value)
}

/// The port that `value` names, with these rights. The right type comes before the right rights.
fn port_with(thread: &shm::Thread, value: u32, rights: Rights) -> shm::Result<shm::ResolvedHandle> {
    let found = thread.lookup(shm::HandleValue(value))?;
    if thread.class(found)? != shm::ObjectClass::Port {
        return Err(shm::Error::WrongType);
    }
    found.require(rights.into())?;
    Ok(found)
}

/// The object that `value` names, if it can be waited on.
fn source(thread: &shm::Thread, value: u32) -> shm::Result<shm::ResolvedHandle> {
    let found = thread.lookup(shm::HandleValue(value))?;
    found.require(Rights::WAIT.into())?;
    match thread.class(found)? {
        shm::ObjectClass::Port | shm::ObjectClass::Vmar | shm::ObjectClass::Directory => Err(
            shm::Error::NotSupported("a port, an address space and a directory have no signals to wait for"),
        ),
        _ => Ok(found),
    }
}

/// Queues a packet at a port. Its type becomes [`ZX_PKT_TYPE_USER`](sys::ZX_PKT_TYPE_USER).
///
/// Follows `docs/syscalls/port_queue.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::SHOULD_WAIT`] when 2,048 queued
/// packets are pending; [`Status::NO_MEMORY`] when the arena's pools are exhausted, and [`Status::NO_RESOURCES`] beyond this
/// process's quota of memory.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let port = Port::create();
/// let packet = sys::zx_port_packet_t { key: 7, status: -1, union: [3; 32], ..Default::default() };
/// raw::port_queue(port.raw_handle(), &packet)?;
/// assert_eq!(raw::port_wait(port.raw_handle(), MonotonicInstant::INFINITE)?, packet);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn port_queue(value: u32, packet: &sys::zx_port_packet_t) -> Result<(), Status> {
    let words: [u64; 4] = zerocopy::transmute!(packet.union);
    with_thread(|thread| {
        let port = port_with(thread, value, Rights::WRITE)?;
        thread.port_queue(port, packet.key, packet.status, words)
    })
}

/// Waits for the next packet of a port, or until `deadline`. Each packet goes to one waiter.
///
/// Follows `docs/syscalls/port_wait.md`. Needs [`Rights::READ`].
///
/// # Errors
/// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::TIMED_OUT`];
/// [`Status::CANCELED`] when another thread closed or transferred the handle meanwhile.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let port = Port::create();
/// let waited = raw::port_wait(port.raw_handle(), MonotonicInstant::INFINITE_PAST);
/// assert_eq!(waited, Err(Status::TIMED_OUT));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn port_wait(value: u32, deadline: MonotonicInstant) -> Result<sys::zx_port_packet_t, Status> {
    let packet = with_thread(|thread| {
        thread.port_wait(shm::HandleValue(value), Rights::READ.into(), deadline.into_nanos())
    })?;
    Ok(packet_of(packet))
}

/// A packet, as Zircon lays it out.
pub(super) fn packet_of(packet: shm::Packet) -> sys::zx_port_packet_t {
    let (packet_type, status, union) = match packet.content {
        shm::PacketContent::User { status, words } => {
            (sys::ZX_PKT_TYPE_USER, status, zerocopy::transmute!(words))
        }
        shm::PacketContent::Signal { is_repeating, trigger, observed, count } => {
            let signal = sys::zx_packet_signal_t {
                trigger: trigger.bits(),
                observed: observed.bits(),
                count,
                ..Default::default()
            };
            let packet_type =
                if is_repeating { sys::ZX_PKT_TYPE_SIGNAL_REP } else { sys::ZX_PKT_TYPE_SIGNAL_ONE };
            (packet_type, sys::ZX_OK, zerocopy::transmute!(signal))
        }
    };
    sys::zx_port_packet_t { key: packet.key, packet_type, status, union }
}

/// Asks for a packet at `port` when the object of `value` asserts one of `signals`, or at once if it does already.
///
/// Follows `docs/syscalls/object_wait_async.md`. Needs [`Rights::WAIT`] on `value`, and [`Rights::WRITE`] on `port`.
/// See [`Handle::wait_async`](crate::Handle::wait_async).
///
/// # Errors
/// In this order: for the port [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`]; for the object
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`], [`Status::NOT_SUPPORTED`] when it is a port or an address space;
/// [`Status::INVALID_ARGS`] for other options. Then [`Status::NO_RESOURCES`] when the port has 239,841 waits, or packets
/// of waits, or this process's quota of memory is used up, [`Status::NO_MEMORY`] when the arena's pools are exhausted,
/// and [`Status::NOT_SUPPORTED`] in a process to which alone the kernel refuses membarrier.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (port, event) = (Port::create(), Event::create());
/// let (port, value) = (port.raw_handle(), event.raw_handle());
/// raw::object_wait_async(value, port, 7, Signals::USER_0, sys::ZX_WAIT_ASYNC_ONCE)?;
/// raw::signal(value, Signals::NONE, Signals::USER_0)?;
/// assert_eq!(raw::port_wait(port, MonotonicInstant::INFINITE)?.key, 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn object_wait_async(
    value: u32,
    port: u32,
    key: u64,
    signals: Signals,
    options: u32,
) -> Result<(), Status> {
    with_thread(|thread| {
        let port = port_with(thread, port, Rights::WRITE)?;
        let source = source(thread, value)?;
        let options =
            WaitAsyncOpts::from_bits(options).ok_or(shm::Error::InvalidArgs("a wait has no such option"))?;
        let is_repeating = options.contains(WaitAsyncOpts::REPEATING);
        thread.wait_async(source, port, shm::AsyncWait { key, trigger: signals.into(), is_repeating })
    })
}

/// Ends the waits that were asked for with the handle `source_value`, this port and this key, and removes their packets.
///
/// Follows `docs/syscalls/port_cancel.md`. Needs [`Rights::WRITE`] on the port, and [`Rights::WAIT`] on `source_value`:
/// the page says WRITE there, which most objects do not have, and Zircon's kernel asks for WAIT.
///
/// # Errors
/// In this order: for the port [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`]; for the source
/// [`Status::BAD_HANDLE`], [`Status::ACCESS_DENIED`], [`Status::NOT_SUPPORTED`]. Then [`Status::NOT_FOUND`] when there was
/// neither a wait nor a packet.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (port, event) = (Port::create(), Event::create());
/// event.wait_async(&port, 7, Signals::USER_0, WaitAsyncOpts::ONCE)?;
/// raw::port_cancel(port.raw_handle(), event.raw_handle(), 7)?;
/// assert_eq!(raw::port_cancel(port.raw_handle(), event.raw_handle(), 7), Err(Status::NOT_FOUND));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn port_cancel(port: u32, source_value: u32, key: u64) -> Result<(), Status> {
    let has_ended = with_thread(|thread| {
        let port = port_with(thread, port, Rights::WRITE)?;
        thread.port_cancel(port, source(thread, source_value)?, key)
    })?;
    if has_ended { Ok(()) } else { Err(Status::NOT_FOUND) }
}
