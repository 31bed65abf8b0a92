//! The calls on ports, by handle, and packets as the survivor reads them.

use jacinth::*;

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

/// The port of a handle.
fn port(handle: &impl AsHandleRef) -> Unowned<'_, Port> {
    Unowned::from_raw_handle(handle.as_handle_ref().raw_handle())
}

/// A new port.
pub fn try_create() -> Result<NullableHandle, Status> {
    Port::try_create().map(Into::into)
}

/// A new port, where there is room.
pub fn create() -> NullableHandle {
    try_create().expect("a port")
}

/// The contents of the packet with this key.
fn contents(key: u64) -> UserPacket {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&key.to_ne_bytes());
    UserPacket::from_u8_array(bytes)
}

/// Queues a packet. Its contents follow from its key.
pub fn queue(handle: &impl AsHandleRef, key: u64) -> Result<(), Status> {
    port(handle).queue(&Packet::from_user_packet(key, -5, contents(key)))
}

/// Waits for a packet, and checks that it is whole. The result is its key.
pub fn wait(handle: &impl AsHandleRef, deadline: MonotonicInstant) -> Result<u64, Status> {
    let packet = port(handle).wait(deadline)?;
    match packet.contents() {
        PacketContents::User(user) => assert_eq!((packet.status(), user), (-5, contents(packet.key()))),
        PacketContents::SignalOne(signal) | PacketContents::SignalRep(signal) => {
            let (observed, trigger) = (signal.observed(), signal.trigger());
            assert!(observed.intersects(trigger), "it observed {observed:?} for {trigger:?}");
            assert!(signal.count() > 0, "it counts no message");
        }
        other => panic!("a packet of no known kind: {other:?}"),
    }
    Ok(packet.key())
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
    let options = if mode == Mode::Repeating { WaitAsyncOpts::REPEATING } else { WaitAsyncOpts::ONCE };
    Unowned::<NullableHandle>::from_raw_handle(source.as_handle_ref().raw_handle()).wait_async(
        &self::port(port),
        key,
        signals,
        options,
    )
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
    match self::port(port).cancel(source, key) {
        Ok(()) => Ok(true),
        Err(Status::NOT_FOUND) => Ok(false),
        Err(status) => Err(status),
    }
}

/// The same, for handles that are there.
pub fn cancel(port: &impl AsHandleRef, source: &impl AsHandleRef, key: u64) -> bool {
    try_cancel(port, source, key).expect("cancelling works")
}
