//! The calls on ports, by handle, and packets as the survivor reads them.

use jacinth::*;
use jacinth_shm::{AsyncWait, HandleValue, ObjectClass, PacketContent, ResolvedHandle, Thread};

/// The most user packets that may be pending at a port.
pub const MOST_PACKETS: u64 = 2048;

/// An observer that fires once, or one that repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It ends with its first packet.
    Once,
    /// It stays.
    Repeating,
}

fn found(thread: &Thread, handle: &impl AsHandleRef) -> jacinth_shm::Result<ResolvedHandle> {
    thread.lookup(HandleValue(handle.as_handle_ref().raw_handle()))
}

/// A new port.
pub fn try_create() -> Result<NullableHandle, Status> {
    let created = with_thread(|thread| thread.create(ObjectClass::Port, jacinth_shm::Rights::all()))?;
    Ok(NullableHandle::from_raw(created.0.0))
}

/// A new port, where there is room.
pub fn create() -> NullableHandle {
    try_create().expect("a port")
}

/// Queues a packet. Its contents follow from its key.
pub fn queue(port: &impl AsHandleRef, key: u64) -> Result<(), Status> {
    with_thread(|thread| thread.port_queue(found(thread, port)?, key, -5, [key, 2, 3, 4]))
}

/// Waits for a packet, and checks that it is whole. The result is its key.
pub fn wait(port: &impl AsHandleRef, deadline: MonotonicInstant) -> Result<u64, Status> {
    let value = HandleValue(port.as_handle_ref().raw_handle());
    let (none, deadline) = (jacinth_shm::Rights::empty(), deadline.into_nanos());
    let packet = with_thread(|thread| thread.port_wait(value, none, deadline))?;
    match packet.content {
        PacketContent::User { status, words } => assert_eq!((status, words), (-5, [packet.key, 2, 3, 4])),
        PacketContent::Signal { trigger, observed, count, .. } => {
            assert!(observed.intersects(trigger), "it observed {observed:?} for {trigger:?}");
            assert!(count > 0, "it counts no message");
        }
    }
    Ok(packet.key)
}

/// The keys of all packets that the port has, in their order.
pub fn take_all(port: &impl AsHandleRef) -> Result<Vec<u64>, String> {
    let mut keys = Vec::new();
    loop {
        match wait(port, MonotonicInstant::INFINITE_PAST) {
            Ok(key) => keys.push(key),
            Err(Status::TIMED_OUT) => return Ok(keys),
            Err(status) => return Err(format!("waiting at the port, after {keys:?}: {status}")),
        }
    }
}

/// Observes the object by this handle.
pub fn try_observe(
    source: &impl AsHandleRef,
    port: &impl AsHandleRef,
    key: u64,
    signals: Signals,
    mode: Mode,
) -> Result<(), Status> {
    let trigger = jacinth_shm::Signals::from_bits_retain(signals.bits());
    let wait = AsyncWait { key, trigger, is_repeating: mode == Mode::Repeating };
    with_thread(|thread| thread.wait_async(found(thread, source)?, found(thread, port)?, wait))
}

/// Observes the object by this handle, where there is room.
pub fn observe(source: &impl AsHandleRef, port: &impl AsHandleRef, key: u64, signals: Signals, mode: Mode) {
    try_observe(source, port, key, signals, mode).expect("an observer");
}

/// Observes the object twice: once under the key 1, and repeatedly under the key 2.
pub fn observe_in_both_modes(source: &impl AsHandleRef, port: &impl AsHandleRef, signals: Signals) {
    observe(source, port, 1, signals, Mode::Once);
    observe(source, port, 2, signals, Mode::Repeating);
}

/// Ends the registrations of this handle and key. Whether there were any.
pub fn try_cancel(port: &impl AsHandleRef, source: &impl AsHandleRef, key: u64) -> Result<bool, Status> {
    with_thread(|thread| thread.port_cancel(found(thread, port)?, found(thread, source)?, key))
}

/// The same, for handles that are there.
pub fn cancel(port: &impl AsHandleRef, source: &impl AsHandleRef, key: u64) -> bool {
    try_cancel(port, source, key).expect("cancelling works")
}
